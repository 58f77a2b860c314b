"""The clockwork: what is due stands in rows, and each part of a tick stands alone."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from digest import subscriptions, worker
from digest.app import troubles
from digest.errors import ConfigError, FetchFailed, StoreBusy
from digest.model import Outcome, Status
from digest.testing import MemoryTransport, RecordedFetcher

FEED = "https://rss.arxiv.org/rss/"


def test_a_tick_sends_what_is_due_even_when_every_source_is_down(
    offline, tmp_path, subscribe, mailbox
):
    subscribe(quiet="line")
    offline.moment[0] += timedelta(days=1)
    worker.tick(offline)
    worker.tick(offline)
    (mail,) = mailbox()
    assert b"Subject:" in mail.read_bytes()
    assert (tmp_path / "public" / "feeds.opml").is_file()


def test_a_part_that_fails_does_not_stop_the_others(offline, monkeypatch, subscribe, mailbox):
    subscribe()
    offline.moment[0] += timedelta(days=1)

    def fail(**_):
        raise FetchFailed("No network.")

    monkeypatch.setattr(offline, "ingest", fail)
    worker.tick(offline)
    assert len(mailbox()) == 1


def test_a_folder_that_cannot_be_written_to_is_one_line_of_the_log(offline, tmp_path, caplog):
    (tmp_path / "backups").write_text("not a folder")
    offline.moment[0] = datetime(2026, 6, 10, 6, tzinfo=UTC)

    worker.tick(offline)

    (said,) = [each for each in caplog.records if each.action == "night"]
    assert said.getMessage() == f"night: File exists: {tmp_path / 'backups'}."
    assert said.exc_info is None, "no traceback, let alone every minute"


class Refusing(MemoryTransport):
    """A mail server that refuses our password."""

    def send(self, messages, now, *, held=lambda: True):
        raise ConfigError("[smtp] url: mx.example.net:587 refuses the user name or password")


def test_a_mail_server_that_refuses_our_password_is_known_until_something_is_sent(
    offline, subscribe
):
    subscribe()
    offline.moment[0] += timedelta(days=1)
    offline.__dict__["transport"] = Refusing()
    worker.tick(offline)
    (found,) = troubles(offline.store)
    assert (found.part, found.at) == ("deliver", offline.clock())
    assert "refuses the user name or password" in found.cause

    offline.__dict__["transport"] = MemoryTransport()
    worker.tick(offline)
    assert troubles(offline.store) == []


def test_a_mail_server_that_is_away_is_known_until_it_is_back(offline, subscribe):
    subscribe()
    offline.moment[0] += timedelta(days=1)
    away = (Outcome.DEFERRED, 0, "the mail server cannot be reached: Connection refused")
    offline.__dict__["transport"] = MemoryTransport(answers={"ada@example.org": away})
    worker.tick(offline)
    offline.__dict__["transport"] = MemoryTransport()
    worker.tick(offline)
    (found,) = troubles(offline.store)
    assert (found.part, found.cause) == ("deliver", away[2])

    offline.moment[0] += timedelta(hours=1)
    worker.tick(offline)
    assert troubles(offline.store) == []


def test_a_mail_server_that_goes_away_while_we_end_is_no_trouble(offline, subscribe):
    ending = []
    away = (Outcome.DEFERRED, 0, "the mail server cannot be reached: Connection refused")

    class Ending(MemoryTransport):
        def send(self, messages, now, **_):
            ending.append(True)
            yield from super().send(messages, now)

    subscribe()
    offline.moment[0] += timedelta(days=1)
    offline.__dict__["transport"] = Ending(answers={"ada@example.org": away})
    worker.tick(offline, stopping=lambda: bool(ending))

    assert ending
    assert troubles(offline.store) == []


def test_a_worker_that_is_stopping_starts_nothing(offline, subscribe, mailbox):
    subscribe()
    offline.moment[0] += timedelta(days=1)
    worker.tick(offline, stopping=lambda: True)
    assert mailbox() == []


def test_two_workers_send_one_mail(offline, subscribe, mailbox):
    from digest.app import App

    subscribe()
    offline.moment[0] += timedelta(days=1)
    with App(offline.settings, clock=offline.clock) as other:
        other.owner = "the other one"
        other.__dict__["fetcher"] = RecordedFetcher({})
        worker.tick(offline)
        worker.tick(other)
    assert len(mailbox()) == 1


def test_a_pause_that_has_ended_ends_with_the_next_tick(offline, subscribe):
    person, now = subscribe(), offline.clock()
    until = now + timedelta(days=2)
    subscriptions.pause(offline.store, person, until=until, now=now)
    offline.moment[0] = until - timedelta(minutes=1)
    worker.tick(offline)
    assert offline.store.subscribers.by_email(person.email).status is Status.PAUSED
    offline.moment[0] = until
    worker.tick(offline)
    assert offline.store.subscribers.by_email(person.email).status is Status.ACTIVE


def test_a_tick_looks_up_what_was_put_forward_before_it_composes(application, subscribe):
    person = subscribe()
    application.__dict__["fetcher"] = fetcher = RecordedFetcher({})
    subscriptions.submit(
        application.store, person, "10.1000/fish.3", "Read it.", a_day=3, now=application.clock()
    )

    worker.tick(application)

    assert "https://api.crossref.org/works/10.1000%2Ffish.3" in fetcher.asked


def test_a_paper_that_is_featured_is_published_at_once(application, tmp_path, subscribe):
    person = subscribe()
    work = b'{"message": {"DOI": "10.1000/fish.3", "title": ["Songs of fish in the deep"]}}'
    address = "https://api.crossref.org/works/10.1000%2Ffish.3"
    application.__dict__["fetcher"] = RecordedFetcher({address: work})
    submission = subscriptions.submit(
        application.store, person, "10.1000/fish.3", "Read it.", a_day=3, now=application.clock()
    )
    worker.tick(application)
    feed = tmp_path / "public" / "feeds.opml"
    feed.unlink()
    application.moment[0] += timedelta(minutes=5)
    worker.tick(application)
    assert not feed.exists(), "nothing new, and the hour is not over"

    now = application.clock()
    subscriptions.decide(application.store, None, submission.id, feature=True, line="", now=now)
    application.moment[0] += timedelta(minutes=5)
    worker.tick(application)
    assert feed.exists()


def test_a_clock_that_is_weeks_ahead_for_one_tick_does_nothing(offline, subscribe, mailbox):
    right = offline.clock()
    away, ada = subscribe("away@example.org"), subscribe()
    subscriptions.pause(offline.store, away, until=right + timedelta(days=30), now=right)
    waiting = subscriptions.subscribe(
        offline.store,
        "waits@example.org",
        subscriptions.Wishes(),
        topics=offline.settings.topics,
        defaults=offline.newcomer,
        confirmed=False,
        now=right,
    )
    people = [each.id for each in (away, ada, waiting)]
    worker.tick(offline)
    before = offline.store.subscribers.get(people)

    offline.moment[0] = right + timedelta(days=40)
    worker.tick(offline)

    assert offline.store.subscribers.get(people) == before
    assert (mailbox(), offline.last_tick) == ([], right)


def test_where_it_cannot_be_told_whether_the_clock_leapt_nothing_is_done(
    offline, monkeypatch, subscribe
):
    person = subscribe()
    subscriptions.pause(
        offline.store, person, until=offline.clock() + timedelta(days=1), now=offline.clock()
    )
    offline.moment[0] += timedelta(days=1)

    def busy():
        raise StoreBusy("The database is in use by another process.")

    monkeypatch.setattr(offline, "note_tick", busy)
    worker.tick(offline)

    assert offline.store.subscribers.by_email(person.email).status is Status.PAUSED


def test_nothing_is_done_once_the_database_is_another_than_the_one_that_was_opened(
    offline, tmp_path, empty, caplog, subscribe, mailbox
):
    subscribe(quiet="line")
    offline.moment[0] += timedelta(days=1)
    there = Path(offline.settings.db)
    there.rename(tmp_path / "moved.db")
    shutil.copy(empty, there)

    worker.tick(offline)

    (said,) = [each.getMessage() for each in caplog.records]
    assert said.startswith(f"alive: The database at {there} is not the one that was opened")
    assert mailbox() == []


class Shut:
    """A door that cannot be opened; it counts how often that was tried."""

    tried = 0

    def open(self):
        self.tried += 1
        raise ConfigError("Nobody can listen there.")


def test_every_tick_tries_the_door_for_mail_and_goes_on_without_it(offline, subscribe, mailbox):
    subscribe(quiet="line")
    offline.moment[0] += timedelta(days=1)
    door = Shut()

    worker.tick(offline, door=door)
    worker.tick(offline, door=door)

    assert door.tried == 2
    assert [each.cause for each in troubles(offline.store) if each.part == "mail"] == [
        "Nobody can listen there."
    ]
    assert len(mailbox()) == 1


def test_after_days_without_a_worker_the_second_tick_makes_them_up(offline, subscribe, mailbox):
    subscribe()
    worker.tick(offline)

    offline.moment[0] += timedelta(days=5)
    worker.tick(offline)
    assert mailbox() == []

    offline.moment[0] += timedelta(minutes=1)
    worker.tick(offline)
    assert len(mailbox()) == 1


def test_a_tick_leaves_a_sign_of_life(offline):
    assert offline.last_tick is None
    worker.tick(offline)
    assert offline.last_tick == offline.clock()
