"""What the tests of all sources share: listings made of recordings, and what no input may break."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import strategies as st

from digest.errors import ListingUnreadable
from digest.model import Harvest, Listing
from digest.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from digest.ports import Source


@pytest.fixture(scope="session")
def recorded(recordings: Path) -> Callable[[str], Listing]:
    """A recorded listing by its path; it has no time of fetching."""

    def read(path: str) -> Listing:
        return Listing(source="recorded", url=f"file:{path}", body=(recordings / path).read_bytes())

    return read


@pytest.fixture(scope="session")
def any_json() -> st.SearchStrategy[object]:
    """Values of every shape that JSON has."""
    return st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        ),
        max_leaves=6,
    )


@pytest.fixture(scope="session")
def unharmed() -> Callable[[Source, Listing], Harvest | None]:
    """Parses what may be rubbish: None if it was refused, and whatever was read is sound."""

    def parse(source: Source, listing: Listing) -> Harvest | None:
        try:
            harvest = source.parse(listing)
        except ListingUnreadable:
            return None
        for item in harvest.items:
            assert item.paper.id.partition(":")[0] in {"arxiv", "doi"}
            assert item.paper.title
            assert clean(item.paper.title) == item.paper.title
            assert item.announcement.paper_id == item.paper.id
            assert item.paper.id in item.paper.identifiers
            assert all(each.value >= 0 for each in item.signals)
            assert all(each.url.startswith(("https://", "http://")) for each in item.paper.links)
            str(item).encode()
        return harvest

    return parse
