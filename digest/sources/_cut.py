"""Whether a feed broke off on its way."""

from __future__ import annotations

import re

from digest.model import Listing
from digest.parsing import Feed

_END = re.compile(rb"</(?:[\w.-]+:)?(?:rss|rdf|feed|channel)\b", re.IGNORECASE)


def is_cut_short(feed: Feed, listing: Listing) -> bool:
    """Whether a listing was damaged so that its end is missing; its rest may come another time.

    What is not well-formed but whole is as it is, perhaps for years.
    """
    is_xml = not feed.version.startswith("json")
    is_damaged = any(place == "feed" for place, _ in feed.problems)
    # Without the zeros of UTF-16.
    return is_xml and is_damaged and not _END.search(listing.body.replace(b"\0", b""))
