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
OF_ARXIV = {"categories": ["cs.LG"]}
OPTIONS = {"feed": {"url": URL}, "arxiv": OF_ARXIV, "arxiv-api": OF_ARXIV, "arxiv-oai": OF_ARXIV}
POLLED = {
    name: sources.load(name, use, OPTIONS.get(name, {})) for name, use in sources.BUILT_IN.items()
}
SOURCES = POLLED | {"arxiv lookup": Lookup(), "crossref lookup": Lookup(crossref=URL)}


def listing(body: bytes) -> Listing:
    return Listing(source="s", url=URL, body=body, place="2026-06-09")


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
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


@pytest.mark.parametrize("source", POLLED.values(), ids=POLLED)
def test_a_cursor_that_makes_no_sense_counts_as_none(source, now):
    asked = source.requests(None, now)

    assert asked
    for cursor in ("", "{", "7", "[]", "{}", '{"from": 7, "to": 7}', '{"from": "x", "to": "y"}'):
        assert source.requests(cursor, now) == asked


@given(source=st.sampled_from([*SOURCES.values()]), body=st.binary(max_size=300))
def test_no_bytes_break_a_source(unharmed, source, body):
    unharmed(source, listing(body))
