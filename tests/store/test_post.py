from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from digest.model import EvidenceKind, Status, SuppressionReason
from digest.store import post


def at(make, **later):
    return make.day + timedelta(**later)


def claim(store, when):
    """The letters that are due then, leased for a minute."""
    return store.post.claim(when, limit=9, lease=60)


# --- letters --------------------------------------------------------------------------------------


def test_a_letter_is_claimed_as_it_was_put(store, make):
    letter = make.letter()

    assert store.post.put([letter, letter]) == 1
    assert store.post.waiting() == 1

    assert claim(store, make.day) == [replace(letter, attempts=1)]


def test_a_letter_under_lease_is_nobody_elses_until_the_lease_ends(store, make):
    store.post.put([make.letter()])
    claim(store, make.day)

    assert claim(store, at(make, seconds=59)) == []
    (again,) = claim(store, at(make, seconds=60))
    assert again.attempts == 2


def test_a_sent_letter_is_never_put_again_and_nothing_of_it_is_left(store, make):
    store.post.put([make.letter()])
    claim(store, make.day)

    store.post.settle("confirm-1", retry_at=None)

    assert store.post.waiting() == 0
    assert store.post.put([make.letter()]) == 0
    assert claim(store, at(make, hours=1)) == []


def test_a_letter_is_tried_again_when_it_was_told_to(store, make):
    store.post.put([make.letter()])
    claim(store, make.day)

    store.post.settle("confirm-1", retry_at=at(make, minutes=5))

    assert claim(store, at(make, minutes=4)) == []
    assert len(claim(store, at(make, minutes=5))) == 1


def test_how_often_nobody_knew_whether_a_letter_arrived_is_kept(store, make):
    store.post.put([make.letter()])

    for hour in range(3):
        (letter,) = claim(store, at(make, hours=hour))
        store.post.settle(letter.id, retry_at=at(make, hours=hour + 1), in_doubt=hour != 1)

    (letter,) = claim(store, at(make, hours=3))
    assert (letter.attempts, letter.doubts) == (4, 2)


def test_a_letter_that_was_not_offered_has_its_attempt_back(store, make):
    store.post.put([make.letter()])

    for hour, untried in enumerate([False, True, True]):
        (letter,) = claim(store, at(make, hours=hour))
        store.post.settle(letter.id, retry_at=at(make, hours=hour + 1), untried=untried)

    (letter,) = claim(store, at(make, hours=3))
    assert letter.attempts == 2


def test_a_late_retry_does_not_bring_a_sent_letter_back(store, make):
    store.post.put([make.letter()])
    store.post.settle("confirm-1", retry_at=None)

    store.post.settle("confirm-1", retry_at=make.day)

    assert claim(store, at(make, hours=1)) == []


def test_letters_past_their_expiry_are_dropped_and_those_never_sent_are_told(store, make):
    store.post.put([make.letter(1), make.letter(2), make.letter(3, expires_at=at(make, days=3))])
    store.post.settle("confirm-2", retry_at=None)
    late = at(make, days=1)

    assert [each.id for each in claim(store, late)] == ["confirm-3"]
    assert store.post.drop_late(late) == ["confirm"]
    assert store.post.drop_late(late) == []
    assert store.counts()["letters"] == 1


def test_a_letter_that_somebody_is_sending_is_not_too_late_yet(store, make):
    store.post.put([make.letter(1, expires_at=at(make, seconds=30))])
    claim(store, make.day)

    assert store.post.drop_late(at(make, seconds=59)) == []
    assert store.post.drop_late(at(make, seconds=60)) == ["confirm"]


def test_the_oldest_letters_go_first(store, make):
    store.post.put([make.letter(number, at=at(make, minutes=-number)) for number in (1, 3, 2)])

    claimed = store.post.claim(make.day, limit=2, lease=60)

    assert [each.id for each in claimed] == ["confirm-3", "confirm-2"]


@pytest.fixture
def ada(store, make):
    person = make.subscriber()
    store.subscribers.add([(person, ())])
    return person


# --- evidence -------------------------------------------------------------------------------------


def test_letters_that_wait_for_somebody_are_found_by_their_address(store, make):
    mine = make.letter(1, recipient="Ada@example.org")
    sent = make.letter(2, recipient="ada@example.org")
    store.post.put([mine, sent, make.letter(3, recipient="bo@example.org")])
    store.post.settle(sent.id, retry_at=None)

    assert store.post.waiting_for("ada@EXAMPLE.org") == [mine]


def test_evidence_is_kept_once_with_the_mail(store, make):
    found = make.evidence()

    assert store.post.record(found)
    assert not store.post.record(replace(found, detail="something else"))

    assert store.post.evidence(found.id) == found
    assert store.post.evidence("e_unknown") is None


def test_what_follows_from_evidence_is_kept_with_it(store, make, ada):
    paused = replace(ada, status=Status.PAUSED, paused_until=at(make, days=14), due_at=None)
    store.post.record(make.evidence(1))

    assert store.post.record(
        make.evidence(2),
        turned=(ada, paused),
        suppressing=("hash", SuppressionReason.BOUNCED),
        settling=["e_1"],
    )

    assert store.subscribers.get([ada.id])[ada.id] == paused
    assert store.post.suppression("hash") is SuppressionReason.BOUNCED
    assert store.post.evidence("e_1").settled_at is not None


def test_nothing_follows_from_known_evidence_nor_for_who_has_turned_meanwhile(store, make, ada):
    ended = replace(ada, status=Status.SUPPRESSED, due_at=None)
    store.post.record(make.evidence(1))
    left = replace(ada, status=Status.UNSUBSCRIBED, due_at=None)
    follows = {"suppressing": ("hash", SuppressionReason.BOUNCED)}

    assert not store.post.record(make.evidence(1), turned=(ada, ended), **follows)
    assert not store.post.record(make.evidence(2), turned=(left, ended), **follows)

    assert store.subscribers.get([ada.id])[ada.id] == ada
    assert store.post.suppression("hash") is None
    assert store.post.evidence("e_2") is None


def test_evidence_is_listed_newest_first_without_the_mails(store, make):
    soft, hard = EvidenceKind.SOFT_BOUNCE, EvidenceKind.HARD_BOUNCE
    for number, kind, person in ((1, soft, "s_1"), (2, hard, "s_1"), (3, soft, "s_2")):
        store.post.record(make.evidence(number, kind=kind, subscriber_id=person))

    def listed(**narrowed):
        return [each.id for each in store.post.evidences(**narrowed)]

    assert listed() == ["e_3", "e_2", "e_1"]
    assert listed(subscriber_id="s_1") == ["e_2", "e_1"]
    assert listed(subscriber_id="s_1", kind=soft) == ["e_1"]
    assert listed(since=at(make, minutes=2), limit=1) == ["e_3"]
    assert listed(since=at(make, minutes=4)) == []
    assert {each.raw for each in store.post.evidences()} == {b""}


def test_evidence_is_found_among_much_of_another_kind_and_much_that_is_settled(store, make):
    for number in (1, 2):
        store.post.record(make.evidence(number, kind=EvidenceKind.HARD_BOUNCE))
    for number in (3, 4):
        store.post.record(make.evidence(number, kind=EvidenceKind.UNREAD))
    for settled in ("e_2", "e_4"):
        store.post.settle_evidence(settled, at(make, days=1))

    def first(**narrowed):
        return [each.id for each in store.post.evidences(limit=1, **narrowed)]

    assert first(but=EvidenceKind.UNREAD) == ["e_2"]
    assert first(unsettled=True) == ["e_3"]
    assert first(but=EvidenceKind.UNREAD, unsettled=True) == ["e_1"]
    assert first(kind=EvidenceKind.UNREAD, unsettled=True) == ["e_3"]


def test_evidence_is_settled_for_the_first_time_only(store, make):
    store.post.record(make.evidence())

    store.post.settle_evidence("e_1", at(make, days=1))
    store.post.settle_evidence("e_1", at(make, days=2))
    store.post.settle_evidence("e_unknown", at(make, days=2))

    assert store.post.evidence("e_1").settled_at == at(make, days=1)


def test_asking_whether_a_mail_came_remembers_nothing(store, make):
    assert store.post.came("a hash") is None
    assert store.post.came("a hash") is None
    assert store.post.first_time("a hash", make.day)


def test_a_mail_comes_for_the_first_time_once(store, make):
    assert store.post.first_time("a hash", make.day)
    assert not store.post.first_time("a hash", at(make, days=1))
    assert store.post.came("a hash") == make.day
    assert store.post.first_time("another hash", make.day)


# --- whom not to write to, and how often -----------------------------------------------------------


def test_many_are_looked_up_on_the_suppression_list_at_once(store, make):
    def hashes():
        pytest.fail("nobody is on the list, so that nothing needs to be hashed")
        yield ""

    assert store.post.suppressions(hashes()) == {}
    store.post.suppress("one", SuppressionReason.BOUNCED, make.day)
    store.post.suppress("two", SuppressionReason.ERASED, make.day)

    assert store.post.suppressions(["two", "three"]) == {"two": SuppressionReason.ERASED}


def test_the_suppression_list_knows_the_latest_reason(store, make):
    assert store.post.suppression("hash") is None
    store.post.suppress("hash", SuppressionReason.BOUNCED, make.day)
    store.post.suppress("hash", SuppressionReason.ERASED, make.day)
    assert store.post.suppression("hash") is SuppressionReason.ERASED

    store.post.unsuppress("hash")
    store.post.unsuppress("hash")

    assert store.post.suppression("hash") is None


def test_a_secret_is_minted_once(store):
    secret = store.post.secret("suppressions")

    assert len(secret) == 32
    assert store.post.secret("suppressions") == secret
    assert store.post.secret("operator") != secret


def test_a_secret_that_another_process_mints_meanwhile_is_theirs(store, monkeypatch):
    minted, look = [], post._secret

    def look_before_them(connection, name):
        if minted:
            return look(connection, name)
        minted.append(None)
        with monkeypatch.context() as unpatched:
            unpatched.setattr(post, "_secret", look)
            minted.append(store.post.secret(name))
        return None

    monkeypatch.setattr(post, "_secret", look_before_them)

    assert store.post.secret("suppressions") == minted[-1]


def test_a_bucket_holds_so_many_uses_in_any_such_time(store, make):
    def take(seconds, bucket="signups"):
        return store.post.take(bucket, now=at(make, seconds=seconds), seconds=60, most=2)

    assert [take(0), take(30), take(40), take(59)] == [True, True, False, False]
    assert take(59, bucket="another")
    assert [take(60), take(61)] == [True, False]
    assert take(90)


@pytest.mark.parametrize("most", [0, -1])
def test_a_bucket_that_holds_nothing_refuses(store, make, most):
    assert not store.post.take("closed", now=make.day, seconds=60, most=most)


def test_the_buckets_that_were_used_within_a_time_are_told_apart(store, make):
    store.post.take("old", now=make.day, seconds=60, most=1)
    store.post.take("new", now=at(make, seconds=1), seconds=60, most=1)

    used = store.post.used(["old", "new", "never"], now=at(make, seconds=60), seconds=60)

    assert used == {"new"}


def test_those_who_wait_to_confirm_are_asked_together_and_once_in_a_time(store, make):
    pending, back, active = (
        make.subscriber(1, status=Status.PENDING, due_at=None),
        make.subscriber(2, status=Status.PENDING, confirmed_at=make.day, due_at=None),
        make.subscriber(3),
    )
    store.subscribers.add([(each, []) for each in (pending, back, active)])
    gone = make.subscriber(4)
    letters = [
        (f"ask.{number}", each.id, make.letter(number))
        for number, each in enumerate((pending, back, active, gone), 1)
    ]

    assert store.post.ask(letters, now=at(make, hours=1), seconds=3600) == 2
    assert store.post.ask(letters, now=at(make, hours=2, seconds=-1), seconds=3600) == 0

    due = claim(store, at(make, hours=1))
    assert [each.id for each in due] == ["confirm-1", "confirm-2"]
    left = store.subscribers.get([pending.id, back.id, active.id])
    assert left == {
        pending.id: replace(pending, created_at=at(make, hours=1)),
        back.id: back,
        active.id: active,
    }


def test_a_bucket_forgets_what_is_over(store, make):
    for minute in range(5):
        store.post.take("signups", now=at(make, minutes=minute), seconds=60, most=1)

    with store._connections.read() as connection:
        assert connection.execute("SELECT count(*) FROM uses").fetchone()[0] == 1
