"""What bounces and complaints do, and how an operator takes it back."""

import sqlite3
from contextlib import contextmanager
from datetime import timedelta
from itertools import count

import pytest

from digest import subscriptions
from digest.errors import NotFound
from digest.model import Evidence, EvidenceKind, Status, SuppressionReason

HARD, SOFT = EvidenceKind.HARD_BOUNCE, EvidenceKind.SOFT_BOUNCE
COMPLAINT, UNREAD = EvidenceKind.COMPLAINT, EvidenceKind.UNREAD


@pytest.fixture
def bounce(store, now):
    """Hands in evidence about a digest each; a fresh id each time unless one is given."""
    numbers = count(1)

    def hand_in(person, kind, *, id="", at=now):  # noqa: A002 - it is one
        number = next(numbers)
        evidence = Evidence(
            id=id or f"e{number}",
            kind=kind,
            subscriber_id=person.id if person else "",
            digest_id=f"{person.id}.{number}" if person else "",
            status="5.1.1",
            detail="no such mailbox",
            raw=b"raw",
            at=at,
        )
        return subscriptions.bounce(store, evidence, soft_bounces=3, soft_days=30, now=at)

    return hand_in


@pytest.fixture
def undo(store, now):
    def run(evidence_id, at=now + timedelta(hours=1)):
        return subscriptions.undo_bounce(store, evidence_id, now=at)

    return run


@pytest.fixture
def power_cut(store):
    """Nothing more can be written to this table, until the end of the block."""

    @contextmanager
    def cut(table):
        with store._connections.write() as connection:
            connection.execute(
                f"CREATE TRIGGER cut BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'cut'); END"
            )
        with pytest.raises(sqlite3.IntegrityError, match="cut"):
            yield
        with store._connections.write() as connection:
            connection.execute("DROP TRIGGER cut")

    return cut


def suppression(store):
    return subscriptions.suppression(store, "ada@example.org")


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [
        (HARD, Status.SUPPRESSED, SuppressionReason.BOUNCED),
        (COMPLAINT, Status.UNSUBSCRIBED, SuppressionReason.COMPLAINED),
    ],
)
def test_a_hard_bounce_and_a_complaint_end_it_at_once(
    store, subscribe, bounce, kind, status, reason
):
    ended = bounce(subscribe(), kind)
    assert (ended.status, ended.due_at) == (status, None)
    assert store.subscribers.get([ended.id])[ended.id] == ended
    assert suppression(store) is reason
    assert store.post.evidence("e1").raw == b"raw"


@pytest.mark.parametrize("kind", [HARD, COMPLAINT])
def test_undoing_it_restores_the_subscription_and_the_address(store, subscribe, bounce, undo, kind):
    person = subscribe(at="9:00")
    bounce(person, kind)
    assert undo("e1") == person
    assert suppression(store) is None
    assert store.post.evidence("e1").settled_at is not None


@pytest.mark.parametrize("days", [None, 20])
def test_undoing_it_restores_a_pause(store, subscribe, bounce, undo, now, days):
    until = now + timedelta(days=days) if days else None
    paused = subscriptions.pause(store, subscribe(), until=until, now=now)
    assert bounce(paused, HARD).status is Status.SUPPRESSED
    assert undo("e1") == paused


def test_a_pause_that_has_ended_meanwhile_is_not_restored(store, subscribe, bounce, undo, now):
    person = subscriptions.pause(store, subscribe(), until=now + timedelta(days=2), now=now)
    bounce(person, HARD)
    restored = undo("e1", at=now + timedelta(days=3))
    assert (restored.status, restored.paused_until) == (Status.ACTIVE, None)


def test_undoing_it_does_not_confirm_who_never_did(store, sign_up, bounce, undo):
    person = sign_up().subscriber
    bounce(person, HARD)
    assert undo("e1").status is Status.PENDING


def test_the_same_mail_twice_counts_once(store, subscribe, bounce, undo):
    person = subscribe()
    bounce(person, HARD, id="same")
    undo("same")
    assert bounce(person, HARD, id="same").status is Status.ACTIVE
    assert len(store.post.evidences()) == 1


@pytest.mark.parametrize("kind", [HARD, COMPLAINT])
@pytest.mark.parametrize("table", ["evidence", "suppressions"])
def test_a_bounce_that_is_cut_short_is_made_up_and_can_be_taken_back(
    store, subscribe, bounce, undo, power_cut, kind, table
):
    person = subscribe()
    with power_cut(table):
        bounce(person, kind, id="same")
    assert store.subscribers.get([person.id])[person.id] == person
    assert suppression(store) is None

    bounce(person, kind, id="same")

    assert undo("same") == person
    assert suppression(store) is None


def test_soft_bounces_that_are_cut_short_still_pause(store, subscribe, bounce, power_cut):
    person = subscribe()
    bounce(person, SOFT)
    bounce(person, SOFT)
    with power_cut("evidence"):
        bounce(person, SOFT, id="same")
    assert bounce(person, SOFT, id="same").status is Status.PAUSED


def test_undoing_twice_does_not_revive_who_has_left_since(store, subscribe, bounce, undo, now):
    person = subscribe()
    bounce(person, HARD)
    left = subscriptions.unsubscribe(store, undo("e1"), now=now)
    assert undo("e1") == left


def test_undoing_a_complaint_does_not_revive_who_had_left_before(
    store, subscribe, bounce, undo, now
):
    person = subscriptions.unsubscribe(store, subscribe(), now=now)
    bounce(person, COMPLAINT)
    assert undo("e1").status is Status.UNSUBSCRIBED
    assert suppression(store) is None


@pytest.fixture(params=["by themselves", "by an import"])
def leave(store, now, request):
    """Unsubscribes somebody."""

    def run(person):
        if request.param == "by an import":
            subscriptions.end(store, [person.email], Status.UNSUBSCRIBED, now=now)
        else:
            subscriptions.unsubscribe(store, person, now=now)

    return run


@pytest.mark.parametrize("kind", [HARD, COMPLAINT])
def test_who_leaves_after_a_bounce_or_complaint_is_not_brought_back_by_undoing_it(
    subscribe, bounce, undo, leave, kind
):
    leave(bounce(subscribe(), kind))
    assert undo("e1").status is Status.UNSUBSCRIBED


def test_who_leaves_long_after_a_complaint_is_not_brought_back_by_undoing_it(
    subscribe, bounce, undo, leave
):
    bounce(subscribe(), COMPLAINT)
    leave(subscribe())
    assert undo("e1").status is Status.UNSUBSCRIBED


def test_an_import_settles_the_complaint_of_nobody_else(store, subscribe, bounce, undo, now):
    ada, bo = subscribe(), subscribe("bo@example.org")
    bounce(ada, COMPLAINT)
    bounce(bo, COMPLAINT)
    subscriptions.end(store, [ada.email], Status.UNSUBSCRIBED, now=now)
    assert undo("e2") == bo


def test_an_import_that_calls_someone_suppressed_settles_no_complaint(
    store, subscribe, bounce, now
):
    bounce(subscribe(), COMPLAINT)
    back = subscribe()
    assert subscriptions.end(store, [back.email], Status.SUPPRESSED, now=now) == 1
    assert store.post.evidence("e1").settled_at is None


@pytest.mark.parametrize("first", ["e1", "e2"])
def test_who_complains_after_a_bounce_is_not_brought_back_by_undoing_either(
    store, subscribe, bounce, undo, first
):
    person = subscribe()
    bounce(person, HARD)
    assert bounce(person, COMPLAINT).status is Status.UNSUBSCRIBED
    assert suppression(store) is SuppressionReason.COMPLAINED

    for each in sorted(("e1", "e2"), reverse=first == "e2"):
        assert undo(each).status is Status.UNSUBSCRIBED


def test_a_bounce_after_a_complaint_does_not_lighten_it(store, subscribe, bounce, undo):
    person = subscribe()
    bounce(person, COMPLAINT)
    bounce(person, HARD)
    assert suppression(store) is SuppressionReason.COMPLAINED
    undo("e2")
    assert suppression(store) is SuppressionReason.COMPLAINED
    assert store.subscribers.get([person.id])[person.id].status is Status.UNSUBSCRIBED


def test_two_hard_bounces_are_undone_as_one(store, subscribe, bounce, undo):
    person = subscribe()
    bounce(person, HARD)
    bounce(person, HARD)
    assert undo("e2").status is Status.ACTIVE
    assert all(each.settled_at for each in store.post.evidences())


def test_soft_bounces_pause_when_there_are_too_many(store, subscribe, bounce, now):
    person = subscribe()
    days = [now + timedelta(days=n) for n in range(3)]
    statuses = [bounce(person, SOFT, at=each).status for each in days]
    assert statuses == [Status.ACTIVE, Status.ACTIVE, Status.PAUSED]
    paused = store.subscribers.get([person.id])[person.id]
    assert paused.paused_until == days[2] + timedelta(days=14)
    assert suppression(store) is None


def test_soft_bounces_long_apart_do_not_pause(subscribe, bounce, now):
    person = subscribe()
    for number in range(6):
        at = now + timedelta(days=16 * number)
        assert bounce(person, SOFT, at=at).status is Status.ACTIVE


def test_an_old_soft_bounce_that_comes_in_late_is_kept_and_not_counted(
    store, subscribe, bounce, now
):
    person = subscribe()
    bounce(person, SOFT)
    bounce(person, SOFT)
    late = Evidence(id="late", kind=SOFT, subscriber_id=person.id, at=now - timedelta(days=31))

    after = subscriptions.bounce(store, late, soft_bounces=3, soft_days=30, now=now)

    assert after.status is Status.ACTIVE
    assert store.post.evidence("late") == late
    assert bounce(person, SOFT).status is Status.PAUSED


def test_after_the_pause_soft_bounces_are_counted_anew(store, subscribe, bounce, now):
    person = subscribe()
    for _ in range(3):
        bounce(person, SOFT)
    later = now + timedelta(days=14)
    assert subscriptions.resume_due(store, now=later) == 1
    assert bounce(person, SOFT, at=later).status is Status.ACTIVE
    assert bounce(person, SOFT, at=later).status is Status.PAUSED


def test_undoing_the_last_soft_bounce_ends_the_pause_and_forgets_the_others(
    store, subscribe, bounce, undo, now
):
    person = subscribe()
    for _ in range(3):
        bounce(person, SOFT)
    assert undo("e3").status is Status.ACTIVE
    assert bounce(person, SOFT).status is Status.ACTIVE


def test_a_pause_of_ones_own_is_not_ended_by_undoing_a_soft_bounce(
    store, subscribe, bounce, undo, now
):
    person = subscribe()
    bounce(person, SOFT)
    paused = subscriptions.pause(store, person, until=None, now=now)
    assert undo("e1") == paused


def test_a_pause_of_ones_own_after_one_that_bounces_brought_is_not_ended_by_undoing_them(
    store, subscribe, bounce, undo, now
):
    person = subscribe()
    for _ in range(3):
        bounce(person, SOFT)
    paused = subscriptions.pause(store, person, until=now + timedelta(days=14), now=now)
    assert undo("e3") == paused


def test_undoing_an_old_bounce_restores_what_was_before_the_latest(
    store, subscribe, bounce, undo, now
):
    person = subscribe()
    bounce(person, HARD)
    paused = subscriptions.pause(store, subscribe(), until=None, now=now)
    bounce(paused, HARD)
    assert undo("e1") == paused


def test_what_nobody_could_read_is_kept_and_can_be_settled(store, subscribe, bounce, undo):
    assert bounce(None, UNREAD) is None
    assert bounce(None, HARD) is None
    assert undo("e1") is None
    assert [each.settled_at is None for each in store.post.evidences()] == [True, False]


def test_settling_one_unread_mail_of_someone_settles_no_other(store, subscribe, bounce, undo):
    person = subscribe()
    bounce(person, UNREAD, id="seen")
    bounce(person, UNREAD, id="unseen")
    undo("seen")
    assert store.post.evidence("seen").settled_at is not None
    assert store.post.evidence("unseen").settled_at is None


def test_an_unread_mail_of_someone_does_nothing_to_them(subscribe, bounce):
    person = subscribe()
    assert bounce(person, UNREAD) == person


def test_there_must_be_evidence_to_undo(undo):
    with pytest.raises(NotFound, match="digest bounces"):
        undo("e404")
