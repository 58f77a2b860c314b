"""What is forgotten has no say any more in what is sent, and nightly copies take turns."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from digest import subscriptions
from digest.model import AnnounceType, Evidence, EvidenceKind, Outcome, Receipt, Status
from digest.pipeline import tidying
from digest.testing import MemoryTransport

NIGHT = datetime(2026, 6, 10, 6, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def prune(application):
    """Tidy as the worker does, by the least that settings may say unless more is given."""

    def run(**days):
        least = {"papers": 30, "digests": 30, "logs": 1, "evidence": 1, "soft": 1}
        tidying.prune(application.store, now=application.clock(), **least | days)

    return run


@pytest.fixture
def compose(application):
    """Compose what is due now; the ids of what a reader is shown by it."""

    def run(person):
        application.compose_due()
        (latest,) = application.store.ledger.recent(person.id, limit=1)
        return [each.paper_id for each in latest.picks]

    return run


@pytest.mark.parametrize("cross_listed", [41, 89])
def test_a_paper_that_is_cross_listed_after_its_digests_are_gone_is_sent_to_nobody_twice(
    application, subscribe, item, prune, compose, cross_listed
):
    person, moment = subscribe(), application.moment
    first = item(1, seen_at=moment[0] + timedelta(hours=2))
    application.store.papers.ingest([first])
    moment[0] += DAY
    assert compose(person) == [first.paper.id]

    moment[0] += (cross_listed - 1) * DAY
    prune()
    news = replace(
        first.announcement,
        type=AnnounceType.CROSS,
        feed="cs.LG",
        day=moment[0].date(),
        seen_at=moment[0],
    )
    application.store.papers.ingest([replace(first, announcement=news), item(2, seen_at=moment[0])])

    assert compose(person) == [item(2).paper.id]


def test_the_first_digest_after_a_pause_looks_back_a_week_however_short_digests_are_kept(
    application, subscribe, item, prune, compose
):
    person, moment = subscribe(), application.moment
    moment[0] += DAY
    compose(person)
    subscriptions.pause(application.store, person, until=moment[0] + 60 * DAY, now=moment[0])
    for number in range(60):
        moment[0] += DAY
        application.store.papers.ingest([item(number, seen_at=moment[0] - timedelta(hours=1))])
    prune()
    application.resume_due()
    moment[0] += DAY

    shown = compose(person)

    (latest,) = application.store.ledger.recent(person.id, limit=1)
    assert latest.since == latest.until - 7 * DAY
    assert set(shown) == {item(number).paper.id for number in range(54, 60)}


class Refusing(MemoryTransport):
    """A server that wants no mail of ours."""

    def send(self, messages, now, *, held=lambda: True):
        for each in messages:
            held()
            yield Receipt(
                digest_id=each.digest_id,
                outcome=Outcome.REFUSED,
                code=554,
                reply="5.7.1 refused by rules of the recipient",
                at=now,
            )


def test_the_third_refusal_in_a_row_ends_the_sending_however_short_logs_are_kept(
    application, subscribe, item, prune, deliver
):
    person = subscribe(cadence="weekly")
    found = []
    for week in range(3):
        application.store.papers.ingest([item(week, seen_at=application.clock())])
        application.moment[0] += 7 * DAY
        prune()
        application.compose_due()
        deliver(Refusing())
        found.append(application.store.subscribers.get([person.id])[person.id].status)

    assert found == [Status.ACTIVE, Status.ACTIVE, Status.SUPPRESSED]


def test_soft_bounces_are_counted_however_short_evidence_is_kept(application, subscribe, prune):
    person, found = subscribe(), []
    for number in range(5):
        application.moment[0] += 3 * DAY
        prune(soft=30)
        bounce = Evidence(
            id=f"e_{number}",
            kind=EvidenceKind.SOFT_BOUNCE,
            subscriber_id=person.id,
            at=application.clock(),
        )
        after = subscriptions.bounce(
            application.store, bounce, soft_bounces=5, soft_days=30, now=application.clock()
        )
        found.append(after.status)

    assert found == [*4 * [Status.ACTIVE], Status.PAUSED]


def names(folder):
    return sorted(each.name for each in folder.iterdir())


def test_the_newest_nightly_copies_stay(store, tmp_path):
    folder = tmp_path / "backups"

    for night in range(3):
        tidying.backup(store, folder, now=NIGHT + timedelta(days=night), keep=2)

    assert names(folder) == ["digest-2026-06-11.db", "digest-2026-06-12.db"]


def test_what_is_left_of_a_copy_that_was_cut_off_goes_the_next_night(store, tmp_path):
    folder = tmp_path / "backups"
    folder.mkdir()
    for name in ("digest-2026-06-09.db.partial", "digest-2026-06-09.db.partial-journal"):
        (folder / name).write_bytes(b"a part")
    (folder / "digest-mine.db.partial").write_bytes(b"somebody's own")

    tidying.backup(store, folder, now=NIGHT, keep=2)

    assert names(folder) == ["digest-2026-06-10.db", "digest-mine.db.partial"]


@pytest.mark.parametrize(
    "name", ["digest-before-upgrade.db", "digest-0.9.db", "digest-2026-06-1.db"]
)
def test_a_copy_by_hand_stays_and_pushes_no_nightly_one_out(store, tmp_path, name):
    folder = tmp_path / "backups"
    folder.mkdir()
    store.backup(folder / name)

    for night in range(3):
        tidying.backup(store, folder, now=NIGHT + timedelta(days=night), keep=2)

    assert names(folder) == sorted(["digest-2026-06-11.db", "digest-2026-06-12.db", name])
