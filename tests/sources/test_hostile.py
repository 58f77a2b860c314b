"""What any source may get in place of a listing: rubbish, a web page, deep nesting, nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest import sources
from digest.errors import ListingUnreadable
from digest.model import Listing
from digest.sources.lookup import Lookup

URL = "https://e.org/feed"
SOURCES = {
    name: sources.load(name, use, {"url": URL} if name == "feed" else {})
    for name, use in sources.BUILT_IN.items()
} | {"arxiv lookup": Lookup(), "crossref lookup": Lookup(crossref=URL)}

every_source = pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)


def listing(body: bytes) -> Listing:
    return Listing(source="s", url=URL, body=body, place="2026-06-09")


@every_source
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"Rate exceeded.",
        b"<html><body>busy</body></html>",
        b"\x00\xff",
        b"\xff\xfe\x00",
        b"7",
        b"null",
        b"{}",
        b"[",
        b'{"messages": 7}',
        b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:16]),
)
def test_what_is_no_listing_is_refused(source, body):
    with pytest.raises(ListingUnreadable):
        source.parse(listing(body))


@given(source=st.sampled_from([*SOURCES.values()]), body=st.binary(max_size=300))
def test_no_bytes_break_a_source(unharmed, source, body):
    unharmed(source, listing(body))
