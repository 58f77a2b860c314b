"""The pages of the web app: plain HTML that works without scripts and loads nothing from elsewhere.

Templates are in `templates/page/`. A name that a template prints and that is not given is an
error; only those that `base.html` prints have defaults (`FRAME`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from digest.merging import doi_url
from digest.model import Site, Topic
from digest.rendering import assets, links, wording
from digest.rendering.compiled import site_values
from digest.rendering.feeds import FORMATS
from digest.rendering.views import (
    author_path,
    authors_line,
    card_view,
    chip,
    paper_below,
    root,
    row_view,
)
from digest.resources import templates_dir
from digest.text import clean

NO_TOPICS: Mapping[str, Topic] = {}
# What `base.html` prints: the page's menu item (`today`, `topics`, `trending`, `search`,
# `subscribe`), its path for the canonical link, and its feeds.
FRAME: Mapping[str, object] = {"here": "", "canonical": "", "feeds": ()}
FORMAT_NAMES = {"atom": "Atom", "rss": "RSS", "json": "JSON Feed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLink:
    """A page's feed: its media type, title, and path below the site's root."""

    type: str
    title: str
    path: str


def feed_links(slug: str, title: str) -> tuple[FeedLink, ...]:
    """A feed in its three formats, for autodiscovery (`link rel=alternate`)."""
    return tuple(
        FeedLink(type=FORMATS[kind], title=f"{title} ({name})", path=f"/feeds/{slug}.{kind}")
        for kind, name in FORMAT_NAMES.items()
    )


def search_feed(asked: Mapping[str, str]) -> tuple[FeedLink, ...]:
    """The feed of a search, by the fields of its query string."""
    path, title = f"/search.atom?{urlencode(asked)}", f"Search: {', '.join(asked.values())}"
    return (FeedLink(type=FORMATS["atom"], title=title, path=path),)


def page(
    name: str, /, *, site: Site, names: Mapping[str, Topic] = NO_TOPICS, **context: object
) -> str:
    """One page as HTML; `names` are topics by id, to name categories with."""
    return (
        _environment()
        .get_template(f"{name}.html")
        .render(
            {
                **FRAME,
                **site_values(site),
                "site": site,
                "root": root(site),
                "view": partial(card_view, site=site, topics=names),
                "line": partial(row_view, site=site),
                "chip": partial(chip, site=site, topics=names),
                "author_path": partial(author_path, site),
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
    made.globals.update(
        links=links,
        wording=wording,
        authors_line=authors_line,
        paper_below=paper_below,
        static=assets.address,
        doi_url=doi_url,
    )
    return made


def _printable(value: object) -> object:
    """Plain text without control characters; markup from the templates as it is."""
    return clean(value) if type(value) is str else value
