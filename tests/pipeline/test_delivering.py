"""Delivering: what is due goes out once, what fails is tried again or recorded."""

import random
import sqlite3
import threading
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from itertools import islice
from pathlib import Path

import pytest

from digest import subscriptions
from digest.errors import ConfigError, StoreBusy
from digest.model import Caps, EvidenceKind, Outcome, Receipt, Status, Voice
from digest.pipeline import handing_over
from digest.pipeline.pacing import Pacer
from digest.store import open_store
from digest.testing import MemoryTransport

NOON = datetime(2026, 6, 9, 12, tzinfo=UTC)


@pytest.fixture
def deliver(deliver):
    """In blocks of two, so that five readers are several."""
    return lambda *given, **options: deliver(*given, **{"block": 2} | options)


@pytest.fixture
def composed(application, subscribe, item):
    """Five readers with a digest each, waiting to be sent."""
    application.store.papers.ingest([item(1), item(2)])
    people = [subscribe(f"reader{number}@example.org") for number in range(5)]
    application.compose_edition("2026-06-10")
    return people


def outbox(application):
    return {state: count for state, count in application.store.ledger.counts().items() if count}


def test_everything_due_is_sent_once(application, composed, deliver):
    transport = MemoryTransport()
    assert deliver(transport).accepted == 5
    assert deliver(transport).accepted == 0
    assert sorted(each.recipient for each in transport.sent) == [each.email for each in composed]
    assert outbox(application) == {"sent": 5}


def test_the_same_digest_always_has_the_same_message_id(application, composed, deliver):
    transport = MemoryTransport()
    deliver(transport)
    for message in transport.sent:
        parsed = message_from_bytes(message.content, policy=policy.default)
        assert parsed["message-id"] == f"<{message.digest_id}@digest.example>"


def test_a_deferred_digest_is_tried_again_later(application, composed, deliver):
    busy = {composed[0].email: (Outcome.DEFERRED, 451, "4.3.0 try again later")}
    first = deliver(MemoryTransport(answers=busy))
    assert (first.accepted, first.deferred) == (4, 1)
    assert outbox(application) == {"sent": 4, "retry": 1}

    again = MemoryTransport()
    assert deliver(again).accepted == 0
    application.moment[0] += timedelta(hours=3)
    assert deliver(again).accepted == 1


def test_a_digest_past_its_window_is_not_sent_late(application, composed, deliver):
    application.moment[0] += timedelta(days=2)
    transport = MemoryTransport()
    assert deliver(transport).accepted == 0
    assert transport.sent == []
    assert outbox(application) == {"expired": 5}


def test_an_address_that_does_not_exist_is_not_written_to_again(application, composed, deliver):
    gone = {composed[0].email: (Outcome.REFUSED, 550, "5.1.1 no such user")}
    result = deliver(MemoryTransport(answers=gone))
    assert (result.refused, result.suppressed) == (1, 1)
    person = application.store.subscribers.by_email(composed[0].email)
    assert person.status is Status.SUPPRESSED


def test_a_refusal_of_the_message_is_recorded_but_does_not_end_the_subscription(
    application, composed, deliver
):
    refused = {composed[0].email: (Outcome.REFUSED, 554, "5.7.1 looks like spam")}
    result = deliver(MemoryTransport(answers=refused))
    assert (result.refused, result.suppressed) == (1, 0)
    assert result.causes == ("5.7.1 looks like spam",)
    assert application.store.subscribers.by_email(composed[0].email).status is Status.ACTIVE


def test_what_a_server_refuses_is_kept_as_evidence_in_its_own_words_without_addresses(
    application, composed, deliver
):
    gone, full = composed[:2]
    deliver(
        MemoryTransport(
            answers={
                gone.email: (Outcome.REFUSED, 550, f"5.1.1 no such user <{gone.email}>"),
                full.email: (Outcome.REFUSED, 552, "5.2.2 mailbox full"),
            }
        )
    )

    evidence = {each.subscriber_id: each for each in application.store.post.evidences()}
    hard, soft = evidence[gone.id], evidence[full.id]
    assert (hard.kind, hard.status, hard.raw) == (EvidenceKind.HARD_BOUNCE, "5.1.1", b"")
    assert (soft.kind, soft.status) == (EvidenceKind.SOFT_BOUNCE, "5.2.2")
    assert hard.digest_id == f"{gone.id}.2026-06-10"
    assert hard.id == f"{gone.id}.2026-06-10.1"
    assert hard.detail.startswith("5.1.1 no such user <address>")
    assert len(evidence) == 2


def test_an_operator_can_undo_what_a_refusal_did(application, composed, deliver):
    gone = {composed[0].email: (Outcome.REFUSED, 550, "5.1.1 no such user")}
    deliver(MemoryTransport(answers=gone))
    (evidence,) = application.store.post.evidences()

    subscriptions.undo_bounce(application.store, evidence.id, now=application.clock())

    assert application.store.subscribers.by_email(composed[0].email).status is Status.ACTIVE


@pytest.fixture
def blocked(application, subscribe, item):
    """A server that has blocked us, and twenty readers of whom it will not hear."""
    application.store.papers.ingest([item(1)])
    people = [subscribe(f"many{number}@example.org") for number in range(20)]
    application.compose_edition("2026-06-10")
    answer = Outcome.REFUSED, 554, "5.7.1 your IP is blocked"
    return MemoryTransport(answers={each.email: answer for each in people})


def test_a_server_that_refuses_almost_everyone_speaks_of_us_and_nothing_is_held_against_readers(
    application, blocked, deliver
):
    result = deliver(blocked, block=50)

    assert (result.deferred, result.refused) == (20, 0)
    assert application.store.post.evidences() == []


def test_a_blocked_address_of_ours_is_noticed_however_few_go_at_a_time(
    application, blocked, deliver
):
    """At its first pace a server gets one message at a time, and being blocked lasts for days."""
    first = deliver(blocked, block=1)
    assert (first.refused, first.deferred, first.cut_short) == (2, 1, True)
    for _ in range(5):
        application.moment[0] += timedelta(minutes=1)
        assert deliver(blocked, block=1).refused == 0
    assert len(application.store.post.evidences()) == 2

    application.moment[0] += timedelta(hours=1)
    assert deliver(MemoryTransport(), block=1).accepted == 18


@pytest.mark.parametrize(
    "words",
    [
        "RCPT: 5.1.0 <address>: Sender address rejected: User unknown in local recipient table",
        "RCPT: Verification failed for <address> No Such User Here Sender verify failed",
        "RCPT: adresse inconnue",
    ],
)
def test_a_server_that_will_not_have_our_own_address_ends_nobodys_subscription(
    application, composed, deliver, words
):
    rejecting = {each.email: (Outcome.REFUSED, 550, words) for each in composed}

    result = deliver(MemoryTransport(answers=rejecting), block=9)

    assert (result.deferred, result.refused, result.cut_short) == (5, 0, True)
    assert application.store.post.evidences() == []
    application.moment[0] += timedelta(hours=3)
    assert deliver(MemoryTransport(), block=9).accepted == 5


def test_one_reader_whose_server_will_not_have_us_is_not_everybody(application, composed, deliver):
    refused = {composed[4].email: (Outcome.REFUSED, 554, "5.7.1 no thanks")}

    result = deliver(MemoryTransport(answers=refused))

    assert (result.accepted, result.refused, result.cut_short) == (4, 1, False)


def test_receipts_outlast_a_database_that_is_busy(application, composed, deliver):
    other = sqlite3.connect(application.settings.db, isolation_level=None, check_same_thread=False)

    class Busy(MemoryTransport):
        def send(self, messages, now, **held):
            for receipt in super().send(messages, now, **held):
                application.moment[0] += timedelta(seconds=1)  # receipts are to be written at once
                other.execute("BEGIN IMMEDIATE")
                if len(self.sent) == len(composed):
                    threading.Timer(0.1, other.execute, ["ROLLBACK"]).start()
                yield receipt
                if len(self.sent) < len(composed):
                    other.execute("ROLLBACK")

    transport = Busy()
    with closing(open_store(Path(application.settings.db), timeout=0.05)) as store:
        result = deliver(transport, store, block=50)

    assert result.accepted == len(transport.sent) == 5
    assert outbox(application) == {"sent": 5}


def test_what_came_of_a_group_is_written_down_before_the_next_goes(
    application, composed, deliver, monkeypatch
):
    monkeypatch.setattr(handing_over, "GROUP", 2)
    seen, written = [], []
    store = application.store
    offer = store.ledger.offer

    def noted(*given, settling, **named):
        written.append(len(settling))
        return offer(*given, settling=settling, **named)

    class Watching(MemoryTransport):
        def send(self, messages, now, **held):
            seen.append(outbox(application).get("sent", 0))
            yield from super().send(messages, now, **held)

    monkeypatch.setattr(store.ledger, "offer", noted)
    deliver(Watching(), store, block=5)

    assert seen == [0, 2, 4]
    assert written == [0, 2, 2], "each once"
    assert outbox(application) == {"sent": 5}


def test_receipts_are_written_though_the_database_is_too_busy_to_mark_the_next_group(
    application, composed, deliver, monkeypatch
):
    monkeypatch.setattr(handing_over, "GROUP", 2)
    other = sqlite3.connect(application.settings.db, isolation_level=None, check_same_thread=False)

    class Busy(MemoryTransport):
        def send(self, messages, now, **held):
            yield from super().send(messages, now, **held)
            other.execute("BEGIN IMMEDIATE")
            threading.Timer(0.1, other.execute, ["ROLLBACK"]).start()

    with (
        closing(open_store(Path(application.settings.db), timeout=0.05)) as store,
        pytest.raises(StoreBusy),
    ):
        deliver(Busy(), store, block=5)

    assert outbox(application) == {"sent": 2, "queued": 3}


def test_who_speaks_for_a_paper_is_named_in_the_mail(application, composed, deliver, monkeypatch):
    def voices(paper_ids):
        (first, *_) = sorted(paper_ids)
        return {first: [Voice(paper_id=first, name="Bo", line="Worth it.", curator=True, at=NOON)]}

    monkeypatch.setattr(application.store.community, "voices", voices)
    transport = MemoryTransport()
    deliver(transport)

    message = message_from_bytes(transport.sent[0].content, policy=policy.default)
    assert "Picked by Bo: Worth it." in message.get_body(("plain",)).get_content()


def test_who_leaves_or_is_erased_after_the_block_was_claimed_gets_no_more_mail(
    application, composed, deliver, monkeypatch
):
    """A block is claimed at once, and takes minutes to go out group by group."""
    monkeypatch.setattr(handing_over, "GROUP", 1)
    left, erased = sorted(composed, key=lambda each: each.id)[-2:]

    class Slow(MemoryTransport):
        def send(self, messages, now, **held):
            for receipt in super().send(messages, now, **held):
                if len(self.sent) == 1:
                    subscriptions.unsubscribe(application.store, left, now=application.clock())
                    subscriptions.erase(application.store, erased, now=application.clock())
                yield receipt

    transport = Slow()
    result = deliver(transport, block=9)

    went = {each.recipient for each in transport.sent}
    assert went == {each.email for each in composed} - {left.email, erased.email}
    assert (result.accepted, result.refused, result.cut_short) == (3, 0, False)
    assert outbox(application) == {"sent": 3, "failed": 1}


def test_who_moves_after_the_block_was_claimed_is_written_to_where_they_are_now(
    application, composed, deliver, monkeypatch
):
    monkeypatch.setattr(handing_over, "GROUP", 1)
    moves = max(composed, key=lambda each: each.id)

    class Slow(MemoryTransport):
        def send(self, messages, now, **held):
            for receipt in super().send(messages, now, **held):
                if len(self.sent) == 1:
                    application.store.subscribers.save(replace(moves, email="moved@example.org"))
                yield receipt

    transport = Slow()
    result = deliver(transport, block=9)

    went = sorted(each.recipient for each in transport.sent)
    stay = {each.email for each in composed} - {moves.email}
    assert went == sorted([*stay, "moved@example.org"])
    assert (result.accepted, result.refused, result.cut_short) == (len(composed), 0, False)
    assert outbox(application) == {"sent": len(composed)}


def test_whoever_left_before_their_turn_takes_no_place_of_a_cap(
    application, composed, deliver, monkeypatch
):
    ledger, (left, *_) = application.store.ledger, composed
    claim = ledger.claim

    def leaving(*given, **options):
        block = claim(*given, **options)
        subscriptions.unsubscribe(application.store, left, now=application.clock())
        return block

    monkeypatch.setattr(ledger, "claim", leaving)
    pacer = Pacer(application.store.pace, server="mx:25", own=True, caps=Caps(per_day=5))
    deliver(MemoryTransport(), block=9, pacer=pacer)

    assert pacer.room(application.clock(), 9).count == 1


def test_a_receipt_says_when_its_own_message_went(application, composed, deliver):
    class Tarpit(MemoryTransport):
        def send(self, messages, now, **held):
            for receipt in super().send(messages, now, **held):
                application.moment[0] += timedelta(minutes=1)
                yield receipt

    began = application.clock()
    deliver(Tarpit(), block=5)

    told = application.store.ledger.deliveries(since=began, limit=9)
    assert {(each.at - began) / timedelta(minutes=1) for each, _ in told} == {1, 2, 3, 4, 5}


def test_whoever_was_not_offered_to_a_server_that_fell_silent_has_had_no_attempt(
    application, composed, deliver
):
    class Silent(MemoryTransport):
        def send(self, messages, now, **held):
            rest = iter(messages)
            yield from super().send(islice(rest, 1), now, **held)
            for number, message in enumerate(rest):
                yield Receipt(
                    digest_id=message.digest_id,
                    outcome=Outcome.DEFERRED,
                    reply="no answer in time before the message was sent",
                    at=now,
                    untried=number > 0,
                )

    pacer = Pacer(application.store.pace, server="mx:25", own=True, caps=Caps(per_day=6))
    result = deliver(Silent(), block=9, pacer=pacer)

    assert (result.accepted, result.deferred, result.cut_short) == (1, 4, True)
    assert outbox(application) == {"sent": 1, "retry": 1, "queued": 3}
    assert len(application.store.ledger.deliveries(since=NOON, limit=9)) == 2
    assert pacer.room(application.clock(), 9).count == 5, "only one has gone"
    again = MemoryTransport()
    assert deliver(again).accepted == 3, "at once, and before the one that was tried"


class Crash(Exception):
    """The process dies."""


class CrashingTransport(MemoryTransport):
    """Accepts one message and dies on the second."""

    def send(self, messages, now, **held):
        for number, receipt in enumerate(super().send(messages, now, **held)):
            if number == 1:
                raise Crash
            yield receipt


def test_a_crash_loses_nothing_and_repeats_at_most_what_was_in_flight(
    application, composed, deliver
):
    crashing = CrashingTransport()
    with pytest.raises(Crash):
        deliver(crashing)
    after = MemoryTransport()
    deliver(after)
    assert len(crashing.sent) + len(after.sent) == 5, "what is in doubt waits for its lease"
    application.moment[0] += timedelta(hours=1)
    deliver(after)
    ids = [each.digest_id for each in (*crashing.sent, *after.sent)]
    assert len(set(ids)) == 5
    assert len(ids) == 6


class Memory:
    """A mail server that remembers what it took."""

    def __init__(self, *transports):
        self.transports, self.asked = transports, []

    def taken(self, message_ids, since):
        self.asked.append((sorted(message_ids), since))
        sent = {f"<{each.digest_id}@digest.example>" for t in self.transports for each in t.sent}
        return {each: each in sent for each in message_ids}


def test_after_a_crash_the_mail_server_is_asked_and_nothing_is_sent_twice(
    application, composed, deliver
):
    began = application.moment[0]
    crashing, after = CrashingTransport(), MemoryTransport()
    memory = Memory(crashing, after)
    with pytest.raises(Crash):
        deliver(crashing, block=4, acceptances=memory)
    application.moment[0] += timedelta(hours=1)

    result = deliver(after, acceptances=memory)

    ids = sorted(each.digest_id for each in (*crashing.sent, *after.sent))
    assert ids == sorted(f"{each.id}.2026-06-10" for each in composed)
    ((asked, since), *_) = memory.asked
    assert since == began
    assert asked == [f"<{crashing.sent[1].digest_id}@digest.example>"], "the others never went"
    assert result.accepted == 4, "one of them by the server's own log"
    assert outbox(application) == {"sent": 5}


@pytest.mark.parametrize("answer", [False, None])
def test_what_no_log_knows_of_is_sent_again_under_the_same_message_id(
    application, composed, deliver, answer
):
    class Unsure:
        def taken(self, message_ids, since):
            return dict.fromkeys(message_ids, answer)

    crashing, after = CrashingTransport(), MemoryTransport()
    with pytest.raises(Crash):
        deliver(crashing, acceptances=Unsure())
    application.moment[0] += timedelta(hours=1)
    deliver(after, acceptances=Unsure())

    first = {each.digest_id: each.content for each in crashing.sent}
    again = {each.digest_id: each.content for each in after.sent}
    assert len(again.keys() | first.keys()) == 5
    assert [again[key] == first[key] for key in again.keys() & first.keys()] == [True]


def test_a_doubt_that_is_too_old_to_be_sent_again_ends_by_what_the_log_says(
    application, composed, deliver
):
    crashing = CrashingTransport()
    with pytest.raises(Crash):
        deliver(crashing)
    application.moment[0] += timedelta(days=2)
    transport = MemoryTransport()

    taken = crashing.sent[:1]
    log = MemoryTransport(sent=taken)
    deliver(transport, acceptances=Memory(log))

    assert transport.sent == []
    assert outbox(application) == {"sent": 1, "expired": 4}


def test_a_claim_is_looked_at_again_before_whatever_goes_after_a_sleep(
    application, composed, deliver
):
    class Sleeping(MemoryTransport):
        """Falls asleep over its second message until somebody else has taken the claim over."""

        def send(self, messages, now, *, held):
            for number, message in enumerate(messages):
                if number == 1:
                    application.moment[0] += timedelta(hours=1)
                    others.extend(
                        application.store.ledger.claim(
                            application.clock(), owner="w2", limit=10, lease=3600
                        )
                    )
                yield from super().send([message], now, held=held)

    others = []
    asleep = Sleeping()

    deliver(asleep)

    assert len(asleep.sent) == 1
    assert len(others) == len(composed), "of the first nobody has heard yet"


def test_a_claim_that_is_held_is_looked_up_again_after_a_moment_and_one_that_is_not_each_time(
    application, composed, deliver, monkeypatch
):
    class Asking(MemoryTransport):
        """Asks whether it may send, and sends nothing."""

        def send(self, messages, now, *, held):
            next(iter(messages))
            for milliseconds in (0, 5, 5, 30, 0):
                application.moment[0] += timedelta(milliseconds=milliseconds)
                answers.append(held())
            application.moment[0] += timedelta(hours=1)
            application.store.ledger.claim(application.clock(), owner="w2", limit=10, lease=3600)
            answers.extend([held(), held()])
            yield from ()

    answers, looked = [], []
    hold = type(application.store.ledger).hold

    def counted(ledger, lease, **times):
        looked.append(lease)
        return hold(ledger, lease, **times)

    monkeypatch.setattr(type(application.store.ledger), "hold", counted)

    deliver(Asking())

    assert answers == [True] * 5 + [False, False]
    assert len(looked) == 2 + 2


class LosingTransport(MemoryTransport):
    """Takes every message, and loses the connection before it can say so."""

    def send(self, messages, now, **held):
        for receipt in super().send(messages, now, **held):
            yield replace(
                receipt, outcome=Outcome.DEFERRED, code=0, reply="outcome unknown", unknown=True
            )


def test_a_connection_lost_after_the_final_dot_is_no_reason_to_send_twice(
    application, composed, deliver
):
    losing = LosingTransport()
    deliver(losing, block=9)
    assert outbox(application) == {"retry": 5}
    application.moment[0] += timedelta(hours=1)
    transport = MemoryTransport()

    deliver(transport, acceptances=Memory(losing))

    assert len(losing.sent) == 5
    assert transport.sent == []
    assert outbox(application) == {"sent": 5}


class NoLog:
    """A mail server's log of which nothing is left."""

    def taken(self, message_ids, since):
        return dict.fromkeys(message_ids)


def every_hour(application, deliver, transport, *, hours, step=1, **options):
    """Deliver for so long, each `step` hours; after each round, what became of the digests."""
    for _ in range(0, hours, step):
        deliver(transport, block=9, **options)
        yield outbox(application)
        application.moment[0] += timedelta(hours=step)


@pytest.mark.parametrize("log", [None, NoLog()], ids=["nobody to ask", "a log with a gap"])
def test_a_server_that_falls_silent_twice_is_not_sent_it_a_third_time_and_it_counts_as_shown(
    application, composed, deliver, log
):
    losing = LosingTransport()

    *_, last = every_hour(application, deliver, losing, hours=30, step=3, acceptances=log)

    assert len(losing.sent) == 2 * len(composed)
    assert last == {"expired": 5}, "nobody knows that it was sent"
    told = {each.reply for each, _ in application.store.ledger.deliveries(since=NOON, limit=99)}
    assert told == {
        "outcome unknown",
        "not sent again: it may have arrived, and nobody can say",
    }
    ids = [each.id for each in composed]
    shown = application.store.ledger.digest(f"{ids[0]}.2026-06-10").picks[0].paper_id
    assert application.store.ledger.sent(ids, [shown]) == dict.fromkeys(ids, frozenset({shown}))


def test_a_log_that_can_be_read_again_in_time_ends_a_doubt(application, composed, deliver):
    losing = LosingTransport()

    *_, before = every_hour(application, deliver, losing, hours=6, acceptances=NoLog())
    *_, after = every_hour(application, deliver, losing, hours=2, acceptances=Memory(losing))

    assert (before, after) == ({"retry": 5}, {"sent": 5})
    assert len(losing.sent) == 2 * len(composed)


def test_what_the_log_says_was_never_taken_is_sent_however_often_the_server_fell_silent(
    application, composed, deliver
):
    nothing, losing, transport = Memory(), LosingTransport(), MemoryTransport()

    list(every_hour(application, deliver, losing, hours=6, acceptances=nothing))
    list(every_hour(application, deliver, transport, hours=4, acceptances=nothing))

    assert len(losing.sent) > 2 * len(composed)
    assert outbox(application) == {"sent": 5}


def test_a_server_that_says_no_after_the_content_is_no_silent_one(application, composed, deliver):
    """So do those that greylist there; but it may be the word of one that lost its head."""

    class Busy(MemoryTransport):
        def send(self, messages, now, **held):
            for receipt in super().send(messages, now, **held):
                yield replace(receipt, outcome=Outcome.DEFERRED, code=451, unknown=True)

    list(every_hour(application, deliver, Busy(), hours=6))
    transport = MemoryTransport()
    *_, last = every_hour(application, deliver, transport, hours=4)

    assert len(transport.sent) == len(composed)
    assert last == {"sent": 5}


def test_one_silence_is_not_taken_for_an_arrival(application, composed, deliver):
    deliver(LosingTransport(), block=9)
    application.moment[0] += timedelta(days=2)
    deliver(MemoryTransport())

    ids = [each.id for each in composed]
    shown = application.store.ledger.digest(f"{ids[0]}.2026-06-10").picks[0].paper_id
    assert outbox(application) == {"expired": 5}
    assert application.store.ledger.sent(ids, [shown]) == {}, "they come in the next digest"


@pytest.mark.parametrize(
    ("pause", "settled"),
    [(timedelta(milliseconds=30), [0, 0, 0, 3, 3]), (timedelta(seconds=30), [0, 0, 2, 3, 4])],
)
def test_rows_are_marked_before_the_first_byte_and_settled_as_the_answers_come(
    application, composed, deliver, pause, settled
):
    class Watching(MemoryTransport):
        seen = ()

        def send(self, messages, now, **held):
            for receipt in super().send(messages, now, **held):
                self.seen = (*self.seen, outbox(application))
                yield receipt
                application.moment[0] += pause

    watching = Watching()
    deliver(watching, block=5)

    sent = [each.get("sent", 0) for each in watching.seen]
    assert sent == settled
    assert outbox(application) == {"sent": 5}


def test_a_sender_that_slept_past_its_lease_stops_and_changes_nothing(
    application, composed, deliver
):
    other = MemoryTransport()

    class Sleeping(MemoryTransport):
        def send(self, messages, now, *, held):
            rest = iter(messages)
            yield from super().send(islice(rest, 1), now, held=held)
            application.moment[0] += timedelta(hours=1)
            deliver(other, owner="w2")
            yield from super().send(rest, now, held=held)

    sleeping = Sleeping()
    deliver(sleeping, block=5)

    assert len(sleeping.sent) == 1
    assert len(other.sent) == 5, "the first is sent again: its receipt was never written down"
    assert outbox(application) == {"sent": 5}
    assert application.store.counts()["deliveries"] == 5


def test_a_clock_that_jumps_ahead_does_not_cost_a_sender_its_lease(application, composed, deliver):
    class Jumping(MemoryTransport):
        def send(self, messages, now, **held):
            application.moment[0] += timedelta(hours=3)
            yield from super().send(messages, now, **held)

    jumping = Jumping()
    assert deliver(jumping, block=5).accepted == 5
    assert len(jumping.sent) == 5


def test_a_clock_that_jumps_back_and_forth_loses_nobody_and_sends_nothing_twice(
    application, composed, deliver
):
    chance = random.Random(5)

    class Jumping(MemoryTransport):
        def send(self, messages, now, **held):
            for receipt in super().send(messages, now, **held):
                yield receipt
                application.moment[0] += timedelta(minutes=chance.randint(-120, 120))

    jumping = Jumping()
    for _ in range(9):
        deliver(jumping)
        application.moment[0] += timedelta(minutes=30)

    assert sorted(each.recipient for each in jumping.sent) == [each.email for each in composed]


def test_a_full_disk_is_told_of_in_words(application, composed, deliver, disk):
    leave, clear = disk
    leave(0)
    with pytest.raises(ConfigError, match="disk"):
        deliver(MemoryTransport())
    clear()


@pytest.mark.parametrize("room", [0, 9_000, 20_000, 40_000, 60_000])
def test_a_disk_that_fills_up_while_mail_goes_out_loses_nobody_and_repeats_nothing(
    application, composed, deliver, disk, room
):
    transport = MemoryTransport()
    memory = Memory(transport)
    leave, clear = disk
    leave(room)
    with suppress(ConfigError):
        deliver(transport, acceptances=memory)
    clear()
    application.moment[0] += timedelta(hours=1)

    deliver(transport, acceptances=memory)

    assert sorted(each.recipient for each in transport.sent) == [each.email for each in composed]
    assert outbox(application) == {"sent": 5}


def test_when_nobody_answers_the_rest_is_left_for_the_next_look(application, composed, deliver):
    away = {each.email: (Outcome.DEFERRED, 0, "not sent: no connection") for each in composed}

    result = deliver(MemoryTransport(answers=away))

    assert (result.deferred, result.cut_short) == (2, True)
    assert outbox(application) == {"retry": 2, "queued": 3}


def test_when_nobody_is_there_for_the_one_in_doubt_the_round_ends_as_well(
    application, composed, deliver
):
    """It is given back and due at once, so that a round that went on would go on for ever."""
    with pytest.raises(Crash):
        deliver(CrashingTransport(), block=5)
    application.moment[0] += timedelta(hours=1)

    class Away(MemoryTransport):
        rounds = 0

        def send(self, messages, now, **held):
            self.rounds += 1
            for message in messages:
                yield Receipt(
                    digest_id=message.digest_id, outcome=Outcome.DEFERRED, at=now, untried=True
                )

    away = Away()
    result = deliver(away, block=1, stopping=lambda: away.rounds > 3)

    assert (away.rounds, result.cut_short) == (1, True)


def test_someone_who_left_before_sending_gets_nothing(application, composed, deliver):
    subscriptions.unsubscribe(application.store, composed[0], now=application.clock())
    transport = MemoryTransport()
    deliver(transport)
    assert composed[0].email not in {each.recipient for each in transport.sent}


def test_one_digest_that_cannot_be_rendered_does_not_hold_up_the_others(
    application, composed, deliver, monkeypatch
):
    renderer = application.renderer

    def faulty(material):
        render = renderer(material)

        def maybe(envelope):
            if envelope.subscriber.id == composed[0].id:
                raise RuntimeError
            return render(envelope)

        return maybe

    monkeypatch.setattr(application, "renderer", faulty)
    result = deliver(MemoryTransport())
    assert (result.accepted, result.deferred) == (4, 1)


def test_a_transport_that_says_nothing_does_not_hold_us_for_ever(application, composed, deliver):
    class Silent(MemoryTransport):
        def send(self, messages, now, **held):
            return iter(())

    assert deliver(Silent()).accepted == 0
    assert outbox(application) == {"queued": 3, "sending": 2}


def test_stopping_finishes_the_block_in_hand(application, composed, deliver):
    asked = iter([False, True])
    result = deliver(MemoryTransport(), stopping=lambda: next(asked))
    assert result.accepted == 2
    assert outbox(application)["queued"] == 3


def test_two_workers_share_the_work_without_sharing_a_message(application, composed, tmp_path):
    first = application.store.ledger.claim(
        datetime(2026, 6, 10, 7, tzinfo=UTC), owner="w1", limit=3, lease=60
    )
    second = application.store.ledger.claim(
        datetime(2026, 6, 10, 7, tzinfo=UTC), owner="w2", limit=3, lease=60
    )
    assert len(first) == 3
    assert len(second) == 2
    assert not {each.digest.id for each in first} & {each.digest.id for each in second}


class SlowTransport(MemoryTransport):
    """Takes four minutes for each message."""

    moment: list

    def send(self, messages, now, **held):
        for receipt in super().send(messages, now, **held):
            self.moment[0] += timedelta(minutes=4)
            yield receipt


def test_a_slow_server_does_not_have_us_outlive_our_lease(application, composed, deliver):
    transport, other = SlowTransport(), MemoryTransport()
    transport.moment = application.moment

    deliver(transport, block=50, progress=lambda _: deliver(other, owner="w2"))

    assert len(transport.sent) == 5, "20 minutes, under a lease of 15 that is renewed"
    assert other.sent == []
    assert outbox(application) == {"sent": 5}


def test_a_wrong_setting_fails_no_digest(application, composed, deliver, monkeypatch):
    def misconfigured(_material):
        def render(_envelope):
            raise ConfigError("mail.from is wrong.")

        return render

    monkeypatch.setattr(application, "renderer", misconfigured)
    with pytest.raises(ConfigError):
        deliver(MemoryTransport())
    assert outbox(application) == {"queued": 5}


def test_a_mail_server_that_will_not_have_our_password_leaves_everything_as_it_was(
    application, composed, deliver
):
    class Refusing(MemoryTransport):
        def send(self, messages, now, **held):
            raise ConfigError("The mail server refuses the password.")
            yield

    with pytest.raises(ConfigError):
        deliver(Refusing())
    assert outbox(application) == {"queued": 5}

    after = MemoryTransport()
    deliver(after)
    assert len(after.sent) == 5


def test_what_may_have_gone_is_in_doubt_whatever_broke_afterwards(application, composed, deliver):
    class Breaking(MemoryTransport):
        def send(self, messages, now, *, held):
            next(iter(messages))
            assert held()
            raise ConfigError("The disk is full.")
            yield

    with pytest.raises(ConfigError):
        deliver(Breaking())
    assert outbox(application) == {"queued": 4, "sending": 1}
