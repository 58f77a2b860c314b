"""Feed bytes to entries: well-formed XML in one strict pass, damaged feeds entry by entry.

The only package that imports lxml and feedparser. Nothing here uses the network.
"""

from __future__ import annotations

from digest.parsing.dates import parse_date
from digest.parsing.feed import MAX_ENTRIES, Entry, Feed
from digest.parsing.links import find_links, safe_url
from digest.parsing.reading import parse_feed
from digest.parsing.strict import Element, xml_root

__all__ = [
    "MAX_ENTRIES",
    "Element",
    "Entry",
    "Feed",
    "find_links",
    "parse_date",
    "parse_feed",
    "safe_url",
    "xml_root",
]
