"""The few pages of the web app: plain HTML with one style sheet, no scripts, nothing from elsewhere.

Templates are in `templates/page/`; each says what it needs by what it prints, and a missing name
is an error, not a gap.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from digest.model import Site, Topic
from digest.rendering import links, wording
from digest.rendering.compiled import site_values
from digest.rendering.views import authors_line, line_view, paper_view
from digest.resources import templates_dir
from digest.text import clean

NAMES = ("confirm", "digest", "feedback", "index", "message", "paper", "unsubscribe")
NO_TOPICS: Mapping[str, Topic] = {}


def page(
    name: str, *, site: Site, names: Mapping[str, Topic] = NO_TOPICS, **context: object
) -> str:
    """One page as HTML; `names` are topics by id, whose names stand beside category codes.

    What each takes besides: `message` title and text; `unsubscribe` email and active; `confirm`
    email; `feedback` paper and more; `paper` paper and similar (papers); `index` topics (a list);
    `digest` digest, subscriber, picks ((number, pick, paper, reason) tuples) and rest (papers).
    """
    return (
        _environment()
        .get_template(f"{name}.html")
        .render(
            {
                **site_values(site),
                "site": site,
                "view": partial(paper_view, site=site, topics=names),
                "line": partial(line_view, site=site),
                "feed": partial(_feed, site),
                **context,
            }
        )
    )


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(templates_dir() / "page"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(links=links, wording=wording, authors_line=authors_line)
    return made


def _printable(value: object) -> object:
    """Text from outside without control characters; what the templates themselves made, as it is."""
    return clean(value) if type(value) is str else value


def _feed(site: Site, topic: Topic, kind: str) -> str:
    return links.topic_feed(site, topic.id, kind) or f"/feeds/{links.slug(topic.id)}.{kind}"
