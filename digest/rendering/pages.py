"""The pages of the web app: plain HTML that works without a script, nothing from elsewhere.

Templates are in `templates/page/`; each says what it needs by what it prints, and a missing name
is an error, not a gap. What `base.html` prints of a page has defaults: `FRAME`.
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
# What the frame prints: which item of the menu a page belongs to (`today`, `topics`, `trending`,
# `search`, `subscribe`), its path for the canonical link, and the feeds that tell the same.
FRAME: Mapping[str, object] = {"here": "", "canonical": "", "feeds": ()}
FEED_FORMATS = (
    ("atom", "application/atom+xml", "Atom"),
    ("rss", "application/rss+xml", "RSS"),
    ("json", "application/feed+json", "JSON Feed"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLink:
    """A feed that tells what a page shows: its media type, title, and path below the site's root."""

    type: str
    title: str
    path: str


def feed_links(slug: str, title: str) -> tuple[FeedLink, ...]:
    """A feed in its three formats, for autodiscovery (`link rel=alternate`)."""
    return tuple(
        FeedLink(type=kind, title=f"{title} ({label})", path=f"/feeds/{slug}.{ending}")
        for ending, kind, label in FEED_FORMATS
    )


def search_feed(asked: Mapping[str, str]) -> tuple[FeedLink, ...]:
    """The feed of what a search finds from now on, by the fields of its query string."""
    path, title = f"/search.atom?{urlencode(asked)}", f"Search: {', '.join(asked.values())}"
    return (FeedLink(type="application/atom+xml", title=title, path=path),)


def page(
    name: str, /, *, site: Site, names: Mapping[str, Topic] = NO_TOPICS, **context: object
) -> str:
    """One page as HTML; `names` are topics by id, whose names stand beside category codes."""
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
    """Text from outside without control characters; what the templates themselves made, as it is."""
    return clean(value) if type(value) is str else value
