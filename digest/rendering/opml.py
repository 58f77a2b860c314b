"""The list of feeds as OPML 2.0."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

from digest.model import Site
from digest.rendering import links
from digest.rendering.feed_items import legible, plain
from digest.rendering.feeds import FeedInfo

PATH = "feeds.opml"

_AMPERSAND = re.compile(r"\s*&\s*")
_ANGLES = str.maketrans("<>", "‹›")


def opml(feeds: Sequence[FeedInfo], site: Site) -> bytes:
    """Every public feed that has an address, as Atom, in the order given."""
    listed = [feed for feed in feeds if site.url and not feed.private]
    title = plain(_unambiguous(f"{site.name} feeds"))
    outlines = "\n".join(_outline(feed, site) for feed in listed)
    if not outlines:
        outlines = '<outline text="No feeds"/>'
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<opml version="2.0">\n<head>\n<title>{title}</title>\n</head>\n'
        f"<body>\n{outlines}\n</body>\n</opml>\n"
    ).encode()


def _outline(feed: FeedInfo, site: Site) -> str:
    name = _unambiguous(feed.title) or feed.slug
    attributes = {
        "type": "rss",
        "text": name,
        "title": name,
        "description": _unambiguous(feed.description),
        "xmlUrl": feed.url(site, "atom"),
        "htmlUrl": links.safe(feed.home_page) or links.home(site),
    }
    told = " ".join(f"{key}={quoteattr(value)}" for key, value in attributes.items() if value)
    return f"<outline {told}/>"


def _unambiguous(s: str) -> str:
    """Text that reads the same as HTML, which OPML asks for, and as plain text."""
    return _AMPERSAND.sub(" & ", legible(s)).strip().translate(_ANGLES)
