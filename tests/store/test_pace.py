"""What is learned of the pace is kept as it was, and shared."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from digest.delivery import pace as paces
from digest.model import Caps, Flow

SERVER = "mx.example.net:587"
CAPS = Caps(per_hour=100, per_day=500)


def known(now):
    """A pace with everything in it."""
    pace, _ = paces.take(paces.begin(now, own=True), CAPS, {"a.example": 3, "b.example": 4}, now)
    slow = Flow(
        start=1.5,
        floor=0.1,
        ceiling=0.7,
        age=12.25,
        tokens=0.5,
        at=now,
        cut_at=now - timedelta(minutes=3),
        closed_until=now + timedelta(seconds=2),
        line=now + timedelta(minutes=5),
    )
    return replace(pace, domains={"big.example": slow})


def keep(store, pace, server=SERVER):
    store.pace.change(server, lambda _: (pace, None))


def test_of_a_new_server_nothing_is_known(store):
    assert store.pace.load(SERVER) is None


def test_what_is_kept_is_read_back_as_it_was(store, now):
    keep(store, known(now))

    assert store.pace.load(SERVER) == known(now)
    assert store.pace.load("other.example:25") is None


def test_a_domain_that_is_slowed_down_no_more_goes(store, now):
    keep(store, known(now))

    keep(store, replace(known(now), domains={}))

    assert not store.pace.load(SERVER).domains


def test_a_change_sees_what_is_known_and_hands_its_finding_back(store, now):
    keep(store, known(now))

    found = store.pace.change(SERVER, lambda pace: (pace, pace.domains["big.example"].ceiling))

    assert found == 0.7


def test_a_change_that_fails_changes_nothing(store, now):
    keep(store, known(now))

    def fail(pace):
        raise RuntimeError(pace)

    with pytest.raises(RuntimeError):
        store.pace.change(SERVER, fail)

    assert store.pace.load(SERVER) == known(now)


def test_without_digests_nothing_waits(store, now):
    found = store.pace.waiting(now, within=timedelta(minutes=10), domains=["a.example"])

    assert (found.by_expiry, found.last_due, found.sent, found.domains) == ((), None, 0, {})


def test_what_waits_is_counted_by_expiry_and_domain_and_what_went_by_time(store, make):
    now, until = make.day, make.day + timedelta(hours=18)
    people = [
        make.subscriber(number, email=f"reader{number}@{domain}")
        for number, domain in enumerate(("a.example", "a.example", "a.example", "B.example"), 1)
    ]
    store.subscribers.add((each, []) for each in people)
    make.queue(store, *(make.digest(each) for each in people), expires=until)
    [first] = store.ledger.claim(now, owner="w", limit=1, lease=900)
    store.ledger.offer([first], lease=first.lease, now=now, until=now + timedelta(minutes=15))
    store.ledger.settle([make.receipt(first)], lease=first.lease)

    found = store.pace.waiting(
        now + timedelta(seconds=30),
        within=timedelta(minutes=10),
        domains=["a.example", "b.example"],
    )

    assert found.by_expiry == ((until, 3),)
    assert found.last_due == now
    assert (found.sent, found.seconds) == (1, 30.0)
    assert found.domains == {"a.example": 2, "b.example": 1}
    later = store.pace.waiting(now + timedelta(hours=1), within=timedelta(minutes=10), domains=())
    assert (later.sent, later.domains) == (0, {})
