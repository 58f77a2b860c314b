"""Nights: what is done once a night, and again until it has succeeded."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from digest import worker
from digest.app import troubles
from digest.errors import FetchFailed, StoreBusy
from digest.model import Status
from digest.pipeline.learning import Learning
from digest.testing import RecordedFetcher
from digest.worker import nights


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


def test_the_night_is_tidied_once_a_day_after_its_hour(offline, tmp_path):
    offline.moment[0] = datetime(2026, 6, 9, 6, 0, tzinfo=UTC)
    assert nights.nightly(offline)
    (tmp_path / "backups" / "digest-2026-06-09.db").unlink()
    offline.moment[0] = datetime(2026, 6, 10, 5, 59, tzinfo=UTC)
    assert not nights.nightly(offline)
    offline.moment[0] = datetime(2026, 6, 10, 6, 0, tzinfo=UTC)
    assert nights.nightly(offline)
    assert not nights.nightly(offline)
    assert [each.name for each in (tmp_path / "backups").iterdir()] == ["digest-2026-06-10.db"]
    offline.moment[0] = datetime(2026, 6, 11, 9, 0, tzinfo=UTC)
    assert nights.nightly(offline)


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
    assert nights.night_of(moment, hour=6) == night


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


def test_a_night_that_is_stopped_while_people_are_forgotten_is_made_up(offline):
    offline.moment[0] = datetime(2026, 6, 10, 6, 0, tzinfo=UTC)
    nights.nightly(offline, stopping=lambda: True)
    assert not nights.is_done(offline, nights.NIGHTLY)

    nights.nightly(offline)
    assert nights.is_done(offline, nights.NIGHTLY)


def test_a_night_that_another_worker_did_just_before_us_is_not_done_again(offline, monkeypatch):
    offline.moment[0] = datetime(2026, 6, 10, 6, 0, tzinfo=UTC)
    lease, pruned = offline.store.lease, []
    monkeypatch.setattr(offline.store, "prune", lambda **_: pruned.append(1))

    def lease_late(name, **how):
        monkeypatch.setattr(offline.store, "lease", lease)
        assert nights.nightly(offline), "the other one"
        return lease(name, **how)

    monkeypatch.setattr(offline.store, "lease", lease_late)
    assert not nights.nightly(offline)
    assert pruned == [1]


def test_what_is_kept_for_as_long_as_can_be_stops_no_backup(offline, tmp_path):
    longest = {"papers": 36_500, "digests": 36_500, "logs": 36_500}
    offline.settings = replace(offline.settings, keep=replace(offline.settings.keep, **longest))
    offline.moment[0] = datetime(2026, 6, 10, 6, 0, tzinfo=UTC)
    assert nights.nightly(offline)
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
        nights.nightly(application)
        nights.nightly(application)
        asked.append(len(fetcher.asked))
    assert asked == [2, 4, 6], "two sets, once a night"


def test_a_night_that_could_not_be_reconciled_is_tried_again(offline):
    offline.moment[0] = datetime(2026, 6, 10, 6, 0, tzinfo=UTC)
    nights.nightly(offline)
    tried = len(offline.fetcher.asked)
    nights.nightly(offline)
    assert len(offline.fetcher.asked) == tried, "not before its back-off is over"
    offline.moment[0] += timedelta(hours=3)
    nights.nightly(offline)
    assert len(offline.fetcher.asked) > tried


def test_who_never_confirmed_is_forgotten_at_night(offline, subscribe):
    person = subscribe()
    offline.store.subscribers.save(
        replace(person, status=Status.PENDING, confirmed_at=None, due_at=None)
    )
    offline.moment[0] += timedelta(days=14)
    nights.nightly(offline)
    assert offline.store.subscribers.by_email(person.email) is None


def test_the_first_tick_with_enough_papers_learns_before_it_composes(offline, archive):
    offline.store.papers.ingest(archive(range(99)))
    worker.tick(offline)
    assert offline.store.spaces.name() == ""
    offline.store.papers.ingest(archive([99]))
    worker.tick(offline)
    kept = offline.store.spaces.name()
    assert kept != ""
    offline.store.papers.ingest(archive([100]))
    worker.tick(offline)
    assert offline.store.spaces.name() == kept
    assert offline.store.spaces.lacking(kept, limit=1) == [], "what is new has its place"


def test_what_has_grown_by_a_fifth_is_learned_anew_at_night_and_tried_once(offline, archive):
    offline.store.papers.ingest(archive(range(100)))
    offline.moment[0] = datetime(2026, 6, 10, 7, tzinfo=UTC)
    worker.tick(offline)
    kept = offline.store.spaces.name()
    offline.store.papers.ingest(archive(range(100, 120)))
    nights.learn(offline)
    assert offline.store.spaces.name() == kept, "this night is over"

    offline.moment[0] = datetime(2026, 6, 11, 5, tzinfo=UTC)
    nights.learn(offline)
    assert offline.store.spaces.name() == kept, "the hour has not come"
    offline.moment[0] = datetime(2026, 6, 11, 6, tzinfo=UTC)
    assert offline.store.lease("learn", owner="another", now=offline.clock(), seconds=60)
    assert not nights.learn(offline)
    assert offline.store.spaces.name() == kept, "another process is at it"
    offline.moment[0] += timedelta(minutes=1)
    assert nights.learn(offline), "it was killed"
    assert offline.store.spaces.learned().papers == 120


def test_a_worker_that_finds_another_learning_leaves_the_day_to_it(offline, monkeypatch):
    offline.moment[0] = datetime(2026, 6, 10, 6, tzinfo=UTC)

    def another_is_at_it(**_):
        offline.store.sources.set_cursor(nights.LEARNED, "2026-06-10")
        return Learning.BUSY

    monkeypatch.setattr(offline, "learn", another_is_at_it)

    assert not nights.learn(offline)
    assert offline.store.sources.cursor(nights.LEARNED) == "2026-06-10"


def test_learning_that_does_not_end_well_is_not_tried_again_that_day(offline, archive, monkeypatch):
    offline.moment[0] = datetime(2026, 6, 10, 6, tzinfo=UTC)
    offline.store.papers.ingest(archive(range(100)))
    monkeypatch.setattr(offline.store.spaces, "keep", None)

    with pytest.raises(TypeError):
        nights.learn(offline)

    assert not nights.learn(offline)


def test_at_night_what_no_ranker_keeps_any_more_is_forgotten(offline, archive, subscribe):
    offline.store.papers.ingest(archive(range(100)))
    person = subscribe(likes=("2601.00001",))
    offline.moment[0] += timedelta(days=1)
    worker.tick(offline)
    old = offline.ranker.keeps
    assert offline.store.spaces.tastes(old, [person.id]), "composing keeps it"
    offline.store.papers.ingest(archive(range(100, 120)))
    offline.learn(force=True)
    assert offline.ranker.keeps != old
    offline.moment[0] += timedelta(days=1)

    worker.tick(offline)

    assert offline.store.spaces.tastes(old, [person.id]) == {}
    assert offline.store.spaces.tastes(offline.ranker.keeps, [person.id])
