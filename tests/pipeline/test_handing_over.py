"""Handing over: whatever ends a sender or stops its disk, what was accepted is known, or asked about."""

import sqlite3
import threading
from collections import Counter
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from digest.errors import ConfigError, StoreBusy
from digest.model import Caps, Outcome
from digest.pipeline import doubting, handing_over, noting
from digest.pipeline.pacing import Pacer
from digest.store import open_store
from digest.testing import MemoryTransport

PEOPLE = 6


def outbox(application):
    return {state: count for state, count in application.store.ledger.counts().items() if count}


class Passing(MemoryTransport):
    """Takes a moment for each answer, and calls `after(how many it has taken)` before giving it."""

    def __init__(self, moment, after=lambda _: None, each=timedelta(milliseconds=1)):
        super().__init__()
        self.moment, self.after, self.each = moment, after, each

    def send(self, messages, now, **held):
        for receipt in super().send(messages, now, **held):
            self.moment[0] += self.each
            self.after(len(self.sent))
            yield receipt


@pytest.fixture
def pairs(application, monkeypatch):
    """A server that takes long over the first of two, which go out together, and not the second."""
    monkeypatch.setattr(handing_over, "GROUP", 2)

    def pass_time(taken):
        if taken % 2:
            application.moment[0] += timedelta(seconds=2)

    return Passing(application.moment, pass_time)


def test_what_was_accepted_is_written_down_before_anything_slow_is_done_between_groups(
    application, readers, deliver, pairs
):
    told = []

    deliver(
        pairs,
        progress=lambda count: told.append((count, outbox(application).get("sent", 0))),
    )

    assert told == [(0, 0), (2, 2), (2, 4), (2, 6)]


def test_letters_that_outlast_the_lease_between_groups_have_nobody_mailed_twice(
    application, readers, deliver, pairs
):
    other = MemoryTransport()

    def letters(sent):
        if sent:
            application.moment[0] += timedelta(minutes=20)
            deliver(other, owner="w2")

    deliver(pairs, progress=letters)

    assert Counter(each.recipient for each in (*pairs.sent, *other.sent)) == Counter(readers)
    assert outbox(application) == {"sent": PEOPLE}


def test_a_group_that_takes_no_time_is_written_down_with_the_marks_of_the_next(
    application, readers, deliver, monkeypatch
):
    monkeypatch.setattr(handing_over, "GROUP", 2)
    settled, settle = [], application.store.ledger.settle

    def counted(receipts, **how):
        settled.append(len(receipts))
        return settle(receipts, **how)

    monkeypatch.setattr(application.store.ledger, "settle", counted)
    deliver(Passing(application.moment))

    assert settled == [2], "the last group alone"


def test_what_was_accepted_is_written_down_while_an_answer_is_waited_for(
    application, readers, deliver, monkeypatch
):
    monkeypatch.setattr(noting, "LOOKING", 0.002)
    written, settle, seen = threading.Event(), application.store.ledger.settle, []

    def noted(receipts, **how):
        count = settle(receipts, **how)
        written.set()
        return count

    def fall_silent(taken):
        if taken == 4:
            assert written.wait(timeout=30)
            seen.append(outbox(application)["sent"])

    monkeypatch.setattr(application.store.ledger, "settle", noted)
    deliver(Passing(application.moment, fall_silent))

    assert seen[0] >= 1
    assert outbox(application) == {"sent": PEOPLE}


# --- a clock that was ahead ------------------------------------------------------------------


class Log:
    """What a mail server took, and when, by a clock that is always right."""

    SLACK = timedelta(hours=2)

    def __init__(self):
        self.written = {}

    def taken(self, message_ids, since):
        return {
            each: each in self.written and self.written[each] >= since - self.SLACK
            for each in message_ids
        }


def test_a_clock_that_is_put_right_while_mail_goes_out_has_nobody_mailed_twice(
    application, readers, deliver
):
    """Another worker takes over at once what was claimed by a clock that was ahead."""
    right, log = application.moment[0], Log()

    class Logged(MemoryTransport):
        def send(self, messages, now, **held):
            for receipt in super().send(messages, now, **held):
                log.written[f"<{receipt.digest_id}@digest.example>"] = right
                if self is first and len(self.sent) == 3:
                    application.moment[0] = right
                    deliver(other, owner="w2", acceptances=log)
                yield receipt

    first, other = Logged(), Logged()
    application.moment[0] = right + timedelta(hours=5)
    deliver(first, acceptances=log)

    assert Counter(each.recipient for each in (*first.sent, *other.sent)) == Counter(readers)
    assert outbox(application) == {"sent": PEOPLE}


# --- a disk that cannot be written ---------------------------------------------------------


@pytest.mark.parametrize("each", [timedelta(milliseconds=1), timedelta(milliseconds=60)])
@pytest.mark.parametrize("filled_after", [1, 3, PEOPLE])
def test_receipts_outlast_a_full_disk_and_nobody_is_mailed_twice(
    application, readers, deliver, disk, monkeypatch, filled_after, each
):
    monkeypatch.setattr(noting, "PAUSE", 0.01)
    fill, clear = disk

    def fill_up(taken):
        if taken == filled_after and outbox(application).get("sent", 0) < PEOPLE:
            fill()
            threading.Timer(0.05, clear).start()

    transport = Passing(application.moment, fill_up, each)
    deliver(transport)
    assert outbox(application)["sent"] == len(transport.sent)

    application.moment[0] += timedelta(hours=1)
    deliver(MemoryTransport(sent=transport.sent))

    assert Counter(each.recipient for each in transport.sent) == Counter(readers)
    assert outbox(application) == {"sent": PEOPLE}


def test_nothing_more_goes_once_a_disk_is_full(application, readers, deliver, disk, caplog):
    fill, clear = disk
    transport = Passing(
        application.moment, lambda taken: taken == 2 and fill(), timedelta(milliseconds=60)
    )

    with pytest.raises(ConfigError, match="disk"):
        deliver(transport)
    clear()

    assert len(transport.sent) == 2
    waits = [each for each in caplog.records if "receipts wait" in each.getMessage()]
    assert len(waits) == noting.TRIES - 1


def test_receipts_that_cannot_be_written_are_tried_again_only_for_as_long_as_a_claim_lasts(
    application, readers, deliver, disk, pairs, caplog
):
    """Also those of a group that was followed by something slow."""
    fill, _ = disk
    slow = pairs.after
    pairs.after = lambda taken: (slow(taken), taken == 2 and fill())

    with pytest.raises(ConfigError, match="disk"):
        deliver(pairs)

    waits = [each for each in caplog.records if "receipts wait" in each.getMessage()]
    assert len(waits) == noting.TRIES - 1


def test_a_process_that_is_asked_to_stop_does_not_wait_for_a_disk(
    application, readers, deliver, disk, caplog
):
    fill, _ = disk
    transport = Passing(application.moment, lambda taken: taken == 2 and fill())

    with pytest.raises(ConfigError, match="disk"):
        deliver(transport, stopping=lambda: bool(transport.sent))

    assert not [each for each in caplog.records if "receipts wait" in each.getMessage()]


def test_a_round_whose_time_is_up_waits_for_a_disk_all_the_same(
    application, readers, deliver, disk, pairs, monkeypatch
):
    """Only what is not yet going out is left."""
    monkeypatch.setattr(noting, "PAUSE", 0.01)
    fill, clear = disk

    def fill_up(taken):
        application.moment[0] += timedelta(minutes=1)
        if taken == 2:
            fill()
            threading.Timer(0.05, clear).start()

    pairs.after = fill_up
    deliver(pairs, until=application.moment[0] + timedelta(minutes=2))

    assert outbox(application) == {"sent": 2, "queued": PEOPLE - 2}
    assert len(pairs.sent) == 2


def test_a_disk_that_is_full_for_a_moment_ends_nothing(application, readers, deliver, disk):
    fill, clear = disk

    class Clearing(Passing):
        """There is room again before the next message is asked for."""

        def send(self, messages, now, *, held):
            for message in messages:
                clear()
                yield from super().send([message], now, held=held)

    deliver(
        Clearing(
            application.moment, lambda taken: taken == 2 and fill(), timedelta(milliseconds=60)
        )
    )

    assert outbox(application) == {"sent": PEOPLE}


# --- a database that others keep busy ------------------------------------------------------


def test_a_process_that_is_asked_to_stop_tries_a_busy_database_three_times(
    application, readers, deliver, caplog
):
    db = application.settings.db
    with (
        closing(sqlite3.connect(db, isolation_level=None)) as other,
        closing(open_store(Path(db), timeout=0.01)) as store,
    ):
        transport = Passing(
            application.moment, lambda taken: taken == PEOPLE and other.execute("BEGIN IMMEDIATE")
        )
        with pytest.raises(StoreBusy):
            deliver(transport, store, stopping=lambda: bool(transport.sent))

    waits = [each for each in caplog.records if "receipts wait" in each.getMessage()]
    assert len(waits) == 2


@pytest.fixture
def capped(application):
    """A pace that lets as many go in a day as there are readers."""
    caps = Caps(per_day=PEOPLE)
    return Pacer(application.store.pace, server="mx.example:25", own=True, caps=caps)


def once(monkeypatch, ledger, name, instead):
    """Let a call of the ledger come to something else, the first time."""
    usual = getattr(ledger, name)

    def call(*given, **options):
        monkeypatch.setattr(ledger, name, usual)
        return instead()

    monkeypatch.setattr(ledger, name, call)


def busy():
    raise StoreBusy("somebody else has it")


@pytest.mark.parametrize("instead", [busy, lambda: None], ids=["busy", "taken over"])
def test_a_group_that_is_not_offered_does_not_count_against_a_cap(
    application, readers, deliver, capped, monkeypatch, instead
):
    once(monkeypatch, application.store.ledger, "offer", instead)
    transport = MemoryTransport()
    with suppress(StoreBusy):
        deliver(transport, pacer=capped)
    assert transport.sent == []

    application.moment[0] += timedelta(hours=1)
    deliver(transport, pacer=capped)

    assert outbox(application) == {"sent": PEOPLE}


def test_what_may_not_go_yet_and_cannot_be_put_off_counts_against_no_cap(
    application, readers, deliver, monkeypatch
):
    """One a second may go, and the others are to come again."""
    caps = Caps(per_second=1, per_day=PEOPLE)
    pacer = Pacer(application.store.pace, server="mx.example:25", own=True, caps=caps)
    monkeypatch.setattr(pacer, "room", Pacer.free().room)
    once(monkeypatch, application.store.ledger, "put_off", busy)

    with pytest.raises(StoreBusy):
        deliver(MemoryTransport(), pacer=pacer)

    used = application.store.pace.load("mx.example:25").used
    assert sum(count for slots in used.values() for _, count in slots) == 0


# --- what nobody knows of ----------------------------------------------------------------------


def test_what_expires_is_not_said_to_be_tried_again(application, readers, deliver):
    ledger, now = application.store.ledger, application.moment[0]
    (one,) = ledger.claim(now, owner="w0", limit=1, lease=60)
    ledger.release(one.lease)
    answers = dict.fromkeys(readers, (Outcome.DEFERRED, 451, "4.3.2 not now"))
    application.moment[0] = one.expires_at - timedelta(minutes=2)

    done = deliver(MemoryTransport(answers=answers | {readers[0]: (Outcome.ACCEPTED, 250, "ok")}))

    assert (done.accepted, done.deferred, done.expired) == (1, 0, PEOPLE - 1)
    assert outbox(application) == {"sent": 1, "expired": PEOPLE - 1}


def test_what_is_too_late_when_its_doubt_ends_has_expired(application, readers, deliver):
    ledger, now = application.store.ledger, application.moment[0]
    (dead,) = ledger.claim(now, owner="w0", limit=1, lease=60)
    ledger.offer([dead], lease=dead.lease, now=now, until=now + timedelta(minutes=1))
    application.moment[0] = dead.expires_at

    done = deliver(MemoryTransport())

    assert (done.deferred, done.expired) == (0, 1)
    assert outbox(application) == {"expired": PEOPLE}


def test_whatever_ends_a_transport_what_it_did_not_take_is_in_no_doubt(
    application, readers, deliver
):
    class Broken(MemoryTransport):
        def send(self, messages, now, *, held):
            several = iter(messages)
            yield from super().send([next(several)], now)
            raise AttributeError

    with pytest.raises(AttributeError):
        deliver(Broken())

    assert outbox(application) == {"sent": 1, "queued": PEOPLE - 1}


def test_silence_about_one_message_in_doubt_does_not_end_the_round(application, readers, deliver):
    ledger, now = application.store.ledger, application.moment[0]
    (dead,) = ledger.claim(now, owner="w0", limit=1, lease=60)
    ledger.offer([dead], lease=dead.lease, now=now, until=now + timedelta(minutes=1))
    application.moment[0] += timedelta(minutes=20)

    class Silent(MemoryTransport):
        """Says nothing about who is in doubt."""

        def send(self, messages, now, **held):
            for receipt in super().send(messages, now, **held):
                if receipt.digest_id == dead.digest.id:
                    yield replace(receipt, outcome=Outcome.DEFERRED, unknown=True)
                else:
                    yield receipt

    done = deliver(Silent(), block=2)

    assert not done.cut_short
    assert outbox(application) == {"sent": PEOPLE - 1, "retry": 1}


# --- a message that ends the process ---------------------------------------------------------


class Dead(BaseException):
    """The process dies."""


@pytest.mark.parametrize("went", [False, True], ids=["before it goes", "after it has gone"])
def test_a_message_that_ends_the_process_each_time_costs_nobody_else_more_than_one_copy(
    application, readers, deliver, monkeypatch, went
):
    """A process that is dead writes nothing: here, because somebody else has the database."""
    monkeypatch.setattr(noting, "TRIES", 1)
    db = application.settings.db
    sent, poison = [], readers[0]

    class Dying(MemoryTransport):
        def send(self, messages, now, *, held):
            for message in messages:
                assert held()
                if went or message.recipient != poison:
                    sent.append(message.recipient)
                if message.recipient == poison:
                    other.execute("BEGIN IMMEDIATE")
                    raise Dead
                yield from super().send([message], now)

    for _ in range(20):
        with (
            closing(sqlite3.connect(db, isolation_level=None)) as other,
            closing(open_store(Path(db), timeout=0.01)) as store,
            suppress(Dead, StoreBusy),
        ):
            deliver(Dying(), store)
        application.moment[0] += timedelta(minutes=16)

    copies = Counter(sent)
    assert copies.keys() == set(readers) - (set() if went else {poison})
    assert copies.pop(poison, 0) <= doubting.MOST_DOUBTS + 1
    assert max(copies.values()) <= 2
    assert outbox(application) == {"sent": PEOPLE - 1, "expired": 1}
