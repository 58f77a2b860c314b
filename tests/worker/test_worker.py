"""The worker's tick: what is due stands in rows, and each part stands alone."""

from datetime import UTC, datetime, timedelta

import pytest

from digest import subscriptions, worker
from digest.errors import FetchFailed
from digest.testing import RecordedFetcher

FEED = "https://rss.arxiv.org/rss/"


@pytest.fixture
def offline(application):
    """An application whose network answers nothing."""
    application.__dict__["fetcher"] = RecordedFetcher({})
    return application


def subscribe(app, **wishes):
    return subscriptions.subscribe(
        app.store,
        "ada@example.org",
        subscriptions.Wishes(topics=["cs.IR"], **wishes),
        topics=app.settings.topics,
        defaults=app.newcomer,
        confirmed=True,
        now=app.clock(),
    )


def mailbox(tmp_path):
    new = tmp_path / "maildir" / "new"
    return list(new.iterdir()) if new.is_dir() else []


def test_a_tick_sends_what_is_due_even_when_every_source_is_down(offline, tmp_path):
    subscribe(offline, quiet="line")
    offline.moment[0] += timedelta(days=1)
    worker.tick(offline)
    worker.tick(offline)
    (mail,) = mailbox(tmp_path)
    assert b"Subject:" in mail.read_bytes()
    assert (tmp_path / "public" / "feeds.opml").is_file()


def test_a_part_that_fails_does_not_stop_the_others(offline, tmp_path, monkeypatch):
    subscribe(offline)
    offline.moment[0] += timedelta(days=1)

    def fail(**_):
        raise FetchFailed("No network.")

    monkeypatch.setattr(offline, "ingest", fail)
    worker.tick(offline)
    assert len(mailbox(tmp_path)) == 1


def test_a_worker_that_is_stopping_starts_nothing(offline, tmp_path):
    subscribe(offline)
    offline.moment[0] += timedelta(days=1)
    worker.tick(offline, stopping=lambda: True)
    assert mailbox(tmp_path) == []


def test_the_night_is_tidied_once_a_day_after_its_hour(offline, tmp_path):
    offline.moment[0] = datetime(2026, 6, 10, 2, 59, tzinfo=UTC)
    assert not worker.nightly(offline)
    offline.moment[0] = datetime(2026, 6, 10, 3, 0, tzinfo=UTC)
    assert worker.nightly(offline)
    assert not worker.nightly(offline)
    assert [each.name for each in (tmp_path / "backups").iterdir()] == ["digest-2026-06-10.db"]
    offline.moment[0] = datetime(2026, 6, 11, 9, 0, tzinfo=UTC)
    assert worker.nightly(offline)


def test_two_workers_send_one_mail(offline, tmp_path):
    from digest.app import App

    subscribe(offline)
    offline.moment[0] += timedelta(days=1)
    with App(offline.settings, clock=offline.clock) as other:
        other.owner = "the other one"
        other.__dict__["fetcher"] = RecordedFetcher({})
        worker.tick(offline)
        worker.tick(other)
    assert len(mailbox(tmp_path)) == 1
