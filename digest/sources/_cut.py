"""Whether the end of a feed is missing."""

from __future__ import annotations

import re

from digest.model import Listing
from digest.parsing import Feed

_ROOT = re.compile(rb"<(?:[\w.-]+:)?(rss|rdf|feed|channel)\b", re.IGNORECASE)
_END = re.compile(rb"</(?:[\w.-]+:)?(?:rss|feed|channel)\b", re.IGNORECASE)
# In RSS 1.0 the entries follow </channel>, and </rdf:Seq> is not the end either.
_END_OF_RDF = re.compile(rb"</(?:[\w.-]+:)?rdf(?![\w.:-])", re.IGNORECASE)


def is_cut_short(feed: Feed, listing: Listing) -> bool:
    """Whether a damaged feed lacks its end, so that the rest may come the next time.

    A feed that is malformed but complete may stay so for years, and is not asked for again.
    """
    is_xml = not feed.version.startswith("json")
    is_damaged = any(place == "feed" for place, _ in feed.problems)
    return is_xml and is_damaged and not _has_end(listing.body)


def _has_end(body: bytes) -> bool:
    text = body.replace(b"\0", b"")  # the zeros of UTF-16
    root = _ROOT.search(text)
    end = _END_OF_RDF if root and root[1].lower() == b"rdf" else _END
    return end.search(text) is not None
