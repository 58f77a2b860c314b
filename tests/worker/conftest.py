"""An application that works by itself: no network, and a folder of mail."""

import pytest

from digest.ranking import space
from digest.testing import RecordedFetcher


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch):
    """A space is learned from 100 papers on, for speed."""
    monkeypatch.setattr(space, "FEWEST_PAPERS", 100)


@pytest.fixture
def offline(application):
    """An application whose network answers nothing."""
    application.__dict__["fetcher"] = RecordedFetcher({})
    return application


@pytest.fixture
def mailbox(tmp_path):
    """Says what has been sent."""

    def sent():
        new = tmp_path / "maildir" / "new"
        return list(new.iterdir()) if new.is_dir() else []

    return sent
