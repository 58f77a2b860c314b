"""Papers made up for the tests of references."""

from datetime import UTC, datetime

import pytest

from digest.model import Paper


@pytest.fixture
def paper():
    """A paper that is on arXiv; say what is different."""

    def make(**values):
        given = {
            "id": "arxiv:2606.00001",
            "title": "Sorting fish by their songs",
            "authors": ("Ada Example", "Bo van der Sample"),
            "categories": ("cs.IR", "cs.LG"),
            "published": datetime(2026, 6, 9, tzinfo=UTC),
            "url": "https://arxiv.org/abs/2606.00001",
            **values,
        }
        return Paper(**given)

    return make
