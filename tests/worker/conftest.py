"""An application that works by itself: no network, people who are due, and a folder of mail."""

import pytest

from digest import subscriptions
from digest.testing import RecordedFetcher


@pytest.fixture
def offline(application):
    """An application whose network answers nothing."""
    application.__dict__["fetcher"] = RecordedFetcher({})
    return application


@pytest.fixture
def subscribe():
    """Adds a confirmed reader of one category."""

    def add(app, address="ada@example.org", **wishes):
        return subscriptions.subscribe(
            app.store,
            address,
            subscriptions.Wishes(topics=["cs.IR"], **wishes),
            topics=app.settings.topics,
            defaults=app.newcomer,
            confirmed=True,
            now=app.clock(),
        )

    return add


@pytest.fixture
def mailbox(tmp_path):
    """Says what has been sent."""

    def sent():
        new = tmp_path / "maildir" / "new"
        return list(new.iterdir()) if new.is_dir() else []

    return sent
