"""The worker's tick: what is due stands in rows, and each part stands alone."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest import subscriptions, worker
from digest.app import troubles
from digest.errors import ConfigError, FetchFailed, StoreBusy
from digest.model import Outcome, Receipt, Status
from digest.pipeline.learning import Learning
from digest.testing import MemoryTransport, RecordedFetcher

FEED = "https://rss.arxiv.org/rss/"


@pytest.fixture
def offline(application):
    """An application whose network answers nothing."""
    application.__dict__["fetcher"] = RecordedFetcher({})
    return application


def subscribe(app, address="ada@example.org", **wishes):
    return subscriptions.subscribe(
        app.store,
        address,
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


def test_a_mail_server_that_refuses_our_password_is_known_until_something_is_sent(offline):
    subscribe(offline)
    offline.moment[0] += timedelta(days=1)
    offline.__dict__["transport"] = Refusing()
    worker.tick(offline)
    (found,) = troubles(offline.store)
    assert (found.part, found.at) == ("deliver", offline.clock())
    assert "refuses the user name or password" in found.cause

    offline.__dict__["transport"] = MemoryTransport()
    worker.tick(offline)
    assert troubles(offline.store) == []


def test_a_mail_server_that_is_away_is_known_until_it_is_back(offline):
    subscribe(offline)
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


def test_a_mail_server_that_goes_away_while_we_end_is_no_trouble(offline):
    ending = []
    away = (Outcome.DEFERRED, 0, "the mail server cannot be reached: Connection refused")

    class Ending(MemoryTransport):
        def send(self, messages, now, **_):
            ending.append(True)
            yield from super().send(messages, now)

    subscribe(offline)
    offline.moment[0] += timedelta(days=1)
    offline.__dict__["transport"] = Ending(answers={"ada@example.org": away})
    worker.tick(offline, stopping=lambda: bool(ending))

    assert ending
    assert troubles(offline.store) == []


def test_a_backup_that_failed_all_day_is_still_known_after_midnight(offline, tmp_path):
    (tmp_path / "backups").write_text("not a folder")
    for moment in (datetime(2026, 6, 10, 23, 59, tzinfo=UTC), datetime(2026, 6, 11, 1, tzinfo=UTC)):
        offline.moment[0] = moment
        worker.tick(offline)
        assert [each.part for each in troubles(offline.store)] == ["night"]

    (tmp_path / "backups").unlink()
    offline.moment[0] = datetime(2026, 6, 11, 6, tzinfo=UTC)
    worker.tick(offline)
    assert troubles(offline.store) == []


def test_a_worker_that_is_stopping_starts_nothing(offline, tmp_path):
    subscribe(offline)
    offline.moment[0] += timedelta(days=1)
    worker.tick(offline, stopping=lambda: True)
    assert mailbox(tmp_path) == []


def test_the_night_is_tidied_once_a_day_after_its_hour(offline, tmp_path):
    offline.moment[0] = datetime(2026, 6, 9, 6, 0, tzinfo=UTC)
    assert worker.nightly(offline)
    (tmp_path / "backups" / "digest-2026-06-09.db").unlink()
    offline.moment[0] = datetime(2026, 6, 10, 5, 59, tzinfo=UTC)
    assert not worker.nightly(offline)
    offline.moment[0] = datetime(2026, 6, 10, 6, 0, tzinfo=UTC)
    assert worker.nightly(offline)
    assert not worker.nightly(offline)
    assert [each.name for each in (tmp_path / "backups").iterdir()] == ["digest-2026-06-10.db"]
    offline.moment[0] = datetime(2026, 6, 11, 9, 0, tzinfo=UTC)
    assert worker.nightly(offline)


def test_a_night_that_a_busy_worker_misses_is_made_up_after_midnight(offline, tmp_path):
    late = replace(offline.settings.worker, nightly_hour=23)
    offline.settings = replace(offline.settings, worker=late)
    for day in (10, 11, 12):
        for hour, minute in ((0, 10), (0, 11), (22, 50)):  # never between eleven and midnight
            offline.moment[0] = datetime(2026, 6, day, hour, minute, tzinfo=UTC)
            worker.tick(offline)

    made = sorted(each.name for each in (tmp_path / "backups").iterdir())
    assert made == [f"digest-2026-06-{day}.db" for day in (10, 11, 12)]


def test_a_night_that_failed_before_midnight_is_tried_again_after_it(offline, tmp_path):
    (tmp_path / "backups").write_text("not a folder")
    offline.moment[0] = datetime(2026, 6, 10, 23, 59, tzinfo=UTC)
    worker.tick(offline)
    assert [each.part for each in troubles(offline.store)] == ["night"]

    (tmp_path / "backups").unlink()
    offline.moment[0] += timedelta(minutes=1)
    worker.tick(offline)
    assert troubles(offline.store) == []


@pytest.mark.parametrize(
    ("moment", "night"),
    [
        (datetime(2026, 6, 10, 5, 59, tzinfo=UTC), "2026-06-09"),
        (datetime(2026, 6, 10, 6, 0, tzinfo=UTC), "2026-06-10"),
        (datetime(2026, 6, 11, 5, 59, tzinfo=UTC), "2026-06-10"),
    ],
)
def test_a_night_lasts_until_the_next_begins(moment, night):
    assert worker.night_of(moment, hour=6) == night


def test_a_night_that_cannot_be_tidied_is_backed_up_all_the_same_and_once(
    offline, tmp_path, monkeypatch
):
    offline.moment[0] = datetime(2026, 6, 10, 6, 0, tzinfo=UTC)
    backup = tmp_path / "backups" / "digest-2026-06-10.db"

    def fail(**_):
        raise FetchFailed("A row cannot be read.")

    with monkeypatch.context() as broken:
        broken.setattr(offline.store, "prune", fail)
        worker.tick(offline)
        assert [(each.part, each.cause) for each in troubles(offline.store)] == [
            ("night", "A row cannot be read.")
        ]
        backup.write_text("the only one")
        worker.tick(offline)
        assert [each.part for each in troubles(offline.store)] == ["night"]

    worker.tick(offline)
    assert troubles(offline.store) == []
    assert backup.read_text() == "the only one"


def test_a_night_that_cannot_be_backed_up_is_tidied_once(offline, tmp_path, monkeypatch):
    (tmp_path / "backups").write_text("not a folder")
    offline.moment[0] = datetime(2026, 6, 10, 6, 0, tzinfo=UTC)
    pruned = []
    monkeypatch.setattr(offline.store, "prune", lambda **_: pruned.append(1))
    for _ in range(2):
        worker.tick(offline)
        assert [each.part for each in troubles(offline.store)] == ["night"]
    assert pruned == [1]


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (OSError(28, "No space left on device"), "No space left on device."),
        (StoreBusy("The database is busy."), "The database is busy."),
    ],
)
def test_of_two_things_that_fail_at_night_one_is_known_and_the_other_in_the_log(
    offline, monkeypatch, caplog, other, sentence
):
    offline.moment[0] = datetime(2026, 6, 10, 6, 0, tzinfo=UTC)

    def fails(error):
        def fail(*_, **__):
            raise error

        return fail

    monkeypatch.setattr(offline.store, "prune", fails(FetchFailed("A row cannot be read.")))
    monkeypatch.setattr(offline.store, "backup", fails(other))
    worker.tick(offline)

    assert [each.cause for each in troubles(offline.store)] == ["A row cannot be read."]
    said = [each.getMessage() for each in caplog.records if each.action == "night"]
    assert said == [f"night: {sentence}", "night: A row cannot be read."]


def test_a_night_that_another_worker_did_just_before_us_is_not_done_again(offline, monkeypatch):
    offline.moment[0] = datetime(2026, 6, 10, 6, 0, tzinfo=UTC)
    lease, pruned = offline.store.lease, []
    monkeypatch.setattr(offline.store, "prune", lambda **_: pruned.append(1))

    def lease_late(name, **how):
        monkeypatch.setattr(offline.store, "lease", lease)
        assert worker.nightly(offline), "the other one"
        return lease(name, **how)

    monkeypatch.setattr(offline.store, "lease", lease_late)
    assert not worker.nightly(offline)
    assert pruned == [1]


def test_what_is_kept_for_as_long_as_can_be_stops_no_backup(offline, tmp_path):
    longest = {"papers": 36_500, "digests": 36_500, "logs": 36_500}
    offline.settings = replace(offline.settings, keep=replace(offline.settings.keep, **longest))
    offline.moment[0] = datetime(2026, 6, 10, 6, 0, tzinfo=UTC)
    assert worker.nightly(offline)
    assert [each.name for each in (tmp_path / "backups").iterdir()] == ["digest-2026-06-10.db"]


NOTHING_NEW = b"""<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">
<responseDate>2026-06-10T06:00:00Z</responseDate><request verb="ListRecords"/>
<error code="noRecordsMatch">nothing</error></OAI-PMH>"""


class AnyUrl(dict):
    """Answers every URL alike."""

    def get(self, _url):
        return NOTHING_NEW


def test_every_night_is_reconciled_and_only_once(application):
    fetcher = application.__dict__["fetcher"] = RecordedFetcher(AnyUrl())
    asked = []
    for day in (10, 11, 12):
        application.moment[0] = datetime(2026, 6, day, 6, 0, tzinfo=UTC)
        worker.nightly(application)
        worker.nightly(application)
        asked.append(len(fetcher.asked))
    assert asked == [2, 4, 6], "two sets, once a night"


def test_a_night_that_could_not_be_reconciled_is_tried_again(offline):
    offline.moment[0] = datetime(2026, 6, 10, 6, 0, tzinfo=UTC)
    worker.nightly(offline)
    tried = len(offline.fetcher.asked)
    worker.nightly(offline)
    assert len(offline.fetcher.asked) == tried, "not before its back-off is over"
    offline.moment[0] += timedelta(hours=3)
    worker.nightly(offline)
    assert len(offline.fetcher.asked) > tried


def test_a_feed_of_someone_who_left_on_the_web_is_gone_within_the_hour(offline, tmp_path):
    person = subscribe(offline)
    worker.tick(offline)
    mine = tmp_path / "public" / "feeds" / "mine"
    assert len(list(mine.iterdir())) == 3
    subscriptions.unsubscribe(offline.store, person, now=offline.clock())
    offline.moment[0] += timedelta(hours=1)
    worker.tick(offline)
    assert list(mine.iterdir()) == []


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


def test_one_worker_composes_at_a_time_and_another_takes_over_from_one_that_died(offline, tmp_path):
    subscribe(offline)
    offline.moment[0] += timedelta(days=1)
    died = offline.clock()
    offline.store.lease(worker.COMPOSING, owner="died", now=died, seconds=60)

    worker.tick(offline)
    assert mailbox(tmp_path) == []

    offline.moment[0] += timedelta(seconds=61)
    worker.tick(offline)
    assert len(mailbox(tmp_path)) == 1
    assert offline.store.lease(worker.COMPOSING, owner="next", now=offline.clock(), seconds=60)


def test_digests_wait_for_what_another_process_is_reading_but_not_for_ever(offline, tmp_path):
    subscribe(offline)
    offline.moment[0] += timedelta(days=1)

    def tick_while_it_reads():
        assert offline.store.lease("poll", owner="another", now=offline.clock(), seconds=60)
        worker.tick(offline)
        return len(mailbox(tmp_path))

    assert tick_while_it_reads() == 0
    offline.moment[0] += timedelta(minutes=9)
    assert tick_while_it_reads() == 0
    assert troubles(offline.store) == []
    offline.moment[0] += timedelta(minutes=1)
    assert tick_while_it_reads() == 1
    (trouble,) = troubles(offline.store)
    assert trouble.doing == "fetching lists"
    assert "digests are made without what it reads" in trouble.cause

    offline.store.unlease("poll", owner="another")
    worker.tick(offline)
    assert troubles(offline.store) == []


def test_what_waits_by_a_clock_that_is_put_right_waits_no_longer_than_else(offline, tmp_path):
    subscribe(offline)
    offline.moment[0] += timedelta(days=1)
    right = offline.clock()
    ahead = right + timedelta(hours=20)

    for moment in (ahead, right, right + timedelta(minutes=10)):
        assert mailbox(tmp_path) == []
        offline.moment[0] = moment
        offline.store.unlease("poll", owner="another")
        assert offline.store.lease("poll", owner="another", now=moment, seconds=60)
        worker.tick(offline)

    assert len(mailbox(tmp_path)) == 1


def test_what_stopped_composing_is_still_known_while_digests_wait(offline, monkeypatch):
    def fail(**_):
        raise FetchFailed("No space.")

    with monkeypatch.context() as broken:
        broken.setattr(offline, "compose_due", fail)
        worker.tick(offline)
    offline.store.lease("poll", owner="another", now=offline.clock(), seconds=60)

    worker.tick(offline)

    assert [each.part for each in troubles(offline.store)] == ["compose"]
    offline.store.unlease("poll", owner="another")
    worker.tick(offline)
    assert troubles(offline.store) == []


def test_digests_are_made_as_soon_as_another_process_has_read(offline, tmp_path):
    subscribe(offline)
    offline.moment[0] += timedelta(days=1)
    offline.store.lease("poll", owner="killed", now=offline.clock(), seconds=60)
    worker.tick(offline)
    offline.moment[0] += timedelta(minutes=1)

    worker.tick(offline)

    assert len(mailbox(tmp_path)) == 1
    assert not offline.store.sources.cursor(worker.READ_ELSEWHERE)


def test_letters_do_not_wait_until_all_digests_are_composed(offline, tmp_path):
    ranking = replace(offline.settings.ranking, block=1)
    offline.settings = replace(offline.settings, ranking=ranking)
    for address in ("ada@example.org", "bo@example.org", "chi@example.org"):
        subscribe(offline, address)
    offline.moment[0] += timedelta(days=1)
    offline.write("confirm", offline.store.subscribers.by_email("chi@example.org"))
    seen = []

    def look():
        seen.append((offline.store.ledger.counts()["queued"], len(mailbox(tmp_path))))
        return False

    worker.compose(offline, stopping=look)

    assert (1, 1) in seen
    assert seen[-1] == (3, 1)


def test_a_mail_server_that_is_away_does_not_hold_composing_up(offline):
    """A letter takes it half a minute to find out, and there may be a thousand of them."""
    ranking = replace(offline.settings.ranking, block=1)
    offline.settings = replace(offline.settings, ranking=ranking)
    asked = []

    class Away(MemoryTransport):
        def send(self, messages, now, **_):
            for message in messages:
                asked.append(message.recipient)
                offline.moment[0] += timedelta(minutes=2)
                yield Receipt(digest_id=message.digest_id, outcome=Outcome.DEFERRED, at=now)

    offline.__dict__["courier"] = Away()
    for address in ("ada@example.org", "bo@example.org", "chi@example.org"):
        subscribe(offline, address)
    offline.moment[0] += timedelta(days=1)
    offline.write("confirm", offline.store.subscribers.by_email("chi@example.org"))

    assert worker.compose(offline)

    assert asked == ["chi@example.org"]
    assert offline.store.ledger.counts()["queued"] == 3


class Slow(MemoryTransport):
    """A mail server that takes `each` for a message; `seen` is called before it answers."""

    def __init__(self, app, each, seen=lambda: None):
        super().__init__()
        self.app, self.each, self.seen = app, each, seen

    def send(self, messages, now, **how):
        for message in messages:
            self.app.moment[0] += self.each
            self.seen()
            yield from super().send([message], now, **how)


@pytest.fixture
def in_blocks_of_one(offline):
    """An application that composes and sends for one reader at a time."""
    settings = offline.settings
    offline.settings = replace(
        settings, ranking=replace(settings.ranking, block=1), smtp=replace(settings.smtp, block=1)
    )
    return offline


def test_while_many_digests_wait_mail_comes_in_and_others_are_composed(
    in_blocks_of_one, monkeypatch
):
    app = in_blocks_of_one
    for number in range(20):
        subscribe(app, f"reader{number}@example.org", at="07:00", quiet="line")
    subscribe(app, "later@example.org", at="07:10", quiet="line")
    app.__dict__["transport"] = transport = Slow(app, timedelta(minutes=1))
    asked, start = [], datetime(2026, 6, 11, 7, tzinfo=UTC)
    monkeypatch.setattr(app, "fetch_mail", lambda: asked.append(app.clock() - start))

    app.moment[0] = start
    worker.ticks(app, stopping=lambda: False, door=None)

    assert asked == [timedelta(minutes=each) for each in (0, 5, 10, 15, 20)]
    today = [each.recipient for each in transport.sent if each.digest_id.endswith("2026-06-11")]
    assert len(today) == 21, "nobody waits for the clock to tick between rounds"
    assert "later@example.org" in today


def test_a_round_that_ends_since_the_mail_server_is_away_is_not_begun_again_at_once(offline):
    class Away(Slow):
        def send(self, messages, now, **how):
            for each in super().send(messages, now, **how):
                yield replace(each, outcome=Outcome.DEFERRED, code=0)

    subscribe(offline, quiet="line")
    offline.moment[0] += timedelta(days=1)
    offline.__dict__["transport"] = Away(offline, timedelta(minutes=6))

    assert not worker.tick(offline)


def test_very_many_letters_leave_half_of_the_time_to_digests(in_blocks_of_one):
    app = in_blocks_of_one
    person = subscribe(app)
    app.__dict__["courier"] = courier = Slow(app, timedelta(seconds=1))
    for number in range(100):
        app.write("confirm", person, recipient=f"reader{number}@example.org")
    letters = worker.letters_between(app, stopping=lambda: False)

    letters(1)
    first = len(courier.sent)
    letters(1)
    assert 10 <= first == len(courier.sent) < 30, "it is the digests' turn"

    app.moment[0] += timedelta(seconds=first)
    letters(1)
    assert len(courier.sent) == 2 * first


def test_a_pause_that_has_ended_ends_with_the_next_tick(offline):
    person, now = subscribe(offline), offline.clock()
    until = now + timedelta(days=2)
    subscriptions.pause(offline.store, person, until=until, now=now)
    offline.moment[0] = until - timedelta(minutes=1)
    worker.tick(offline)
    assert offline.store.subscribers.by_email(person.email).status is Status.PAUSED
    offline.moment[0] = until
    worker.tick(offline)
    assert offline.store.subscribers.by_email(person.email).status is Status.ACTIVE


def test_who_never_confirmed_is_forgotten_at_night(offline):
    person = subscribe(offline)
    offline.store.subscribers.save(
        replace(person, status=Status.PENDING, confirmed_at=None, due_at=None)
    )
    offline.moment[0] += timedelta(days=14)
    worker.nightly(offline)
    assert offline.store.subscribers.by_email(person.email) is None


def test_a_tick_looks_up_what_was_put_forward_before_it_composes(application):
    person = subscribe(application)
    application.__dict__["fetcher"] = fetcher = RecordedFetcher({})
    subscriptions.submit(
        application.store, person, "10.1000/fish.3", "Read it.", a_day=3, now=application.clock()
    )

    worker.tick(application)

    assert "https://api.crossref.org/works/10.1000%2Ffish.3" in fetcher.asked


def test_a_paper_that_is_featured_is_published_at_once(application, tmp_path):
    person = subscribe(application)
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


def test_a_clock_that_is_weeks_ahead_for_one_tick_does_nothing(offline, tmp_path):
    right = offline.clock()
    away, ada = subscribe(offline, "away@example.org"), subscribe(offline)
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
    assert (mailbox(tmp_path), offline.last_tick) == ([], right)


def test_where_it_cannot_be_told_whether_the_clock_leapt_nothing_is_done(offline, monkeypatch):
    person = subscribe(offline)
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
    offline, tmp_path, empty, caplog
):
    subscribe(offline, quiet="line")
    offline.moment[0] += timedelta(days=1)
    there = Path(offline.settings.db)
    there.rename(tmp_path / "moved.db")
    shutil.copy(empty, there)

    worker.tick(offline)

    (said,) = [each.getMessage() for each in caplog.records]
    assert said.startswith(f"alive: The database at {there} is not the one that was opened")
    assert mailbox(tmp_path) == []


class Shut:
    """A door that cannot be opened; it counts how often that was tried."""

    tried = 0

    def open(self):
        self.tried += 1
        raise ConfigError("Nobody can listen there.")


def test_every_tick_tries_the_door_for_mail_and_goes_on_without_it(offline, tmp_path):
    subscribe(offline, quiet="line")
    offline.moment[0] += timedelta(days=1)
    door = Shut()

    worker.tick(offline, door=door)
    worker.tick(offline, door=door)

    assert door.tried == 2
    assert [each.cause for each in troubles(offline.store) if each.part == "mail"] == [
        "Nobody can listen there."
    ]
    assert len(mailbox(tmp_path)) == 1


def test_after_days_without_a_worker_the_second_tick_makes_them_up(offline, tmp_path):
    subscribe(offline)
    worker.tick(offline)

    offline.moment[0] += timedelta(days=5)
    worker.tick(offline)
    assert mailbox(tmp_path) == []

    offline.moment[0] += timedelta(minutes=1)
    worker.tick(offline)
    assert len(mailbox(tmp_path)) == 1


def test_a_tick_leaves_a_sign_of_life(offline):
    assert offline.last_tick is None
    worker.tick(offline)
    assert offline.last_tick == offline.clock()


def test_the_first_tick_with_enough_papers_learns_before_it_composes(offline, archive):
    offline.store.papers.ingest(archive(range(499)))
    worker.tick(offline)
    assert offline.store.spaces.name() == ""
    offline.store.papers.ingest(archive([499]))
    worker.tick(offline)
    kept = offline.store.spaces.name()
    assert kept != ""
    offline.store.papers.ingest(archive([500]))
    worker.tick(offline)
    assert offline.store.spaces.name() == kept
    assert offline.store.spaces.lacking(kept, limit=1) == [], "what is new has its place"


def test_what_has_grown_by_a_fifth_is_learned_anew_at_night_and_tried_once(offline, archive):
    offline.store.papers.ingest(archive(range(500)))
    offline.moment[0] = datetime(2026, 6, 10, 7, tzinfo=UTC)
    worker.tick(offline)
    kept = offline.store.spaces.name()
    offline.store.papers.ingest(archive(range(500, 600)))
    worker.learn(offline)
    assert offline.store.spaces.name() == kept, "this night is over"

    offline.moment[0] = datetime(2026, 6, 11, 5, tzinfo=UTC)
    worker.learn(offline)
    assert offline.store.spaces.name() == kept, "the hour has not come"
    offline.moment[0] = datetime(2026, 6, 11, 6, tzinfo=UTC)
    assert offline.store.lease("learn", owner="another", now=offline.clock(), seconds=60)
    assert not worker.learn(offline)
    assert offline.store.spaces.name() == kept, "another process is at it"
    offline.moment[0] += timedelta(minutes=1)
    assert worker.learn(offline), "it was killed"
    assert offline.store.spaces.learned().papers == 600


def test_a_worker_that_finds_another_learning_leaves_the_day_to_it(offline, monkeypatch):
    offline.moment[0] = datetime(2026, 6, 10, 6, tzinfo=UTC)

    def another_is_at_it(**_):
        offline.store.sources.set_cursor(worker.LEARNED, "2026-06-10")
        return Learning.BUSY

    monkeypatch.setattr(offline, "learn", another_is_at_it)

    assert not worker.learn(offline)
    assert offline.store.sources.cursor(worker.LEARNED) == "2026-06-10"


def test_learning_that_does_not_end_well_is_not_tried_again_that_day(offline, archive, monkeypatch):
    offline.moment[0] = datetime(2026, 6, 10, 6, tzinfo=UTC)
    offline.store.papers.ingest(archive(range(500)))
    monkeypatch.setattr(offline.store.spaces, "keep", None)

    with pytest.raises(TypeError):
        worker.learn(offline)

    assert not worker.learn(offline)


def test_after_a_change_of_space_readers_are_learned_before_their_hour(offline, archive):
    offline.store.papers.ingest(archive(range(500)))
    person = subscribe(offline, likes=("2601.00001",))
    worker.tick(offline)
    assert offline.store.ledger.recent(person.id, limit=1) == []
    assert offline.store.spaces.tastes(offline.ranker.keeps, [person.id])


def test_a_space_that_an_upgrade_left_unreadable_does_not_wait_for_the_night(offline, archive):
    offline.store.papers.ingest(archive(range(500)))
    offline.store.spaces.keep("lsa:old", b"of another version", offline.clock(), papers=500)
    worker.tick(offline)
    assert offline.store.spaces.learned().dimensions == 50


def test_at_night_what_no_ranker_keeps_any_more_is_forgotten(offline, archive):
    offline.store.papers.ingest(archive(range(500)))
    person = subscribe(offline, likes=("2601.00001",))
    offline.moment[0] += timedelta(days=1)
    worker.tick(offline)
    old = offline.ranker.keeps
    assert offline.store.spaces.tastes(old, [person.id]), "composing keeps it"
    offline.store.papers.ingest(archive(range(500, 600)))
    offline.learn(force=True)
    assert offline.ranker.keeps != old
    offline.moment[0] += timedelta(days=1)

    worker.tick(offline)

    assert offline.store.spaces.tastes(old, [person.id]) == {}
    assert offline.store.spaces.tastes(offline.ranker.keeps, [person.id])
