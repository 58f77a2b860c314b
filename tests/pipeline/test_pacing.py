"""Several processes keep one pace, and none asks the database where nothing holds mail back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from digest.delivery import pace as paces
from digest.model import Caps, Digest, Envelope, Grant, Outcome, Receipt, Subscriber
from digest.pipeline.pacing import Pacer, by_domain, domain_of, share

START = datetime(2026, 6, 10, 7, tzinfo=UTC)
SERVER = "mx.example.net:587"


def at(seconds):
    return START + timedelta(seconds=seconds)


def accepted(grant, when):
    """A receipt for everything that was allowed."""
    one = Receipt(digest_id="d", outcome=Outcome.ACCEPTED, code=250, at=when)
    return [(domain, one) for domain, count in grant.allowed.items() for _ in range(count)]


def throttled(grant, when):
    one = Receipt(
        digest_id="d", outcome=Outcome.DEFERRED, code=454, reply="after DATA: 454 slow", at=when
    )
    return [(domain, one) for domain, count in grant.allowed.items() for _ in range(count)]


class Counting:
    """A store of paces that counts how often it is used."""

    def __init__(self, store):
        self._store = store
        self.reads = self.writes = 0

    def load(self, server):
        self.reads += 1
        return self._store.load(server)

    def change(self, server, change):
        self.writes += 1
        return self._store.change(server, change)


def rush(pacer, seconds, *, since=0.0, want=100):
    """Ask every hundredth of a second; how many went."""
    gone = 0
    for step in range(int(seconds * 100)):
        now = at(since + step / 100)
        room = pacer.room(now, want)
        if room.count:
            grant = pacer.ask({"a.example": room.count}, now)
            pacer.learn(grant, accepted(grant, now), now)
            gone += sum(grant.allowed.values())
    return gone


def test_two_processes_share_one_hour(store):
    caps = Caps(per_hour=150)
    pacers = [Pacer(store.pace, server=SERVER, own=True, caps=caps) for _ in range(2)]

    gone = [rush(each, 1) for each in pacers]

    assert sum(gone) == 150


def test_a_cap_holds_over_a_restart(store):
    caps = Caps(per_day=100)
    assert rush(Pacer(store.pace, server=SERVER, own=True, caps=caps), 1) == 100

    again = Pacer(store.pace, server=SERVER, own=True, caps=caps)

    assert again.room(at(2), 50).count == 0
    assert again.room(at(2), 50).again > at(86_000)
    assert again.room(at(87_500), 50).count == 50


def test_what_one_process_was_told_slows_the_other_down(store):
    one, other = (Pacer(store.pace, server=SERVER, own=True) for _ in range(2))
    grant = one.ask({"a.example": 50}, at(0))
    before = paces.rate(store.pace.load(SERVER).server)

    one.learn(grant, throttled(grant, at(1)), at(1))

    assert paces.rate(store.pace.load(SERVER).server) == before / 2
    assert other.room(at(1.5), 50).count == 0
    assert other.room(at(2.1), 50).count == 1


def test_what_was_learned_outlives_a_restart(store):
    pacer = Pacer(store.pace, server=SERVER, own=True)
    grant = pacer.ask({"a.example": 50}, at(0))
    pacer.learn(grant, throttled(grant, at(1)), at(1))

    assert rush(Pacer(store.pace, server=SERVER, own=True), 2, since=3600) < 2 * 512 / 2 * 1.5


def test_where_nothing_holds_mail_back_the_database_is_looked_at_once_a_second(store):
    rush(Pacer(store.pace, server=SERVER, own=True), 8, want=500)
    counting = Counting(store.pace)

    gone = rush(Pacer(counting, server=SERVER, own=True), 5, since=10, want=500)

    assert gone == 5 * 100 * 500
    assert counting.writes == 0
    assert counting.reads <= 6


def test_a_slow_server_costs_a_few_writes_a_second(store):
    pacer = Pacer(store.pace, server=SERVER)
    grant = pacer.ask({"a.example": 1}, at(0))
    pacer.learn(grant, throttled(grant, at(0)), at(0))
    counting = Counting(store.pace)

    rush(Pacer(counting, server=SERVER, caps=Caps(per_second=200)), 10, since=5)

    assert counting.writes <= 10 * 2 * 8 + 2


def test_a_server_that_slows_down_again_ends_the_freedom_of_all(store):
    one, other = (Pacer(store.pace, server=SERVER, own=True) for _ in range(2))
    rush(one, 8, want=500)
    assert other.room(at(9), 500).count == 500
    grant = one.ask({"a.example": 500}, at(9))

    one.learn(grant, throttled(grant, at(9.5)), at(9.5))

    assert one.room(at(9.6), 500).count == 0
    assert other.room(at(10.1), 500).count == 0


def test_what_is_no_mail_server_has_no_pace():
    pacer = Pacer.free()

    grant = pacer.ask({"a.example": 10**6}, at(0))
    pacer.learn(grant, [], at(1))
    pacer.count(5, at(1))

    assert pacer.room(at(0), 10**6).count == 10**6
    assert grant.allowed == {"a.example": 10**6}
    assert pacer.next_at(at(0)) is None


def test_letters_count_against_the_caps_and_are_not_held_back(store):
    pacer = Pacer(store.pace, server=SERVER, own=True, caps=Caps(per_hour=10))

    pacer.count(12, at(0))

    assert pacer.room(at(1), 5).count == 0


def test_it_says_when_what_it_held_back_comes_again(store):
    pacer = Pacer(store.pace, server=SERVER, own=True)
    grant = pacer.ask({"big.example": 40, "a.example": 5}, at(0))
    busy = "RCPT: 451 4.7.1 too much for that domain"
    slow = Receipt(digest_id="d", outcome=Outcome.DEFERRED, code=451, reply=busy, at=at(1))
    pacer.learn(grant, [("big.example", slow)] * 10, at(1))
    assert pacer.next_at(at(1)) is None

    held = pacer.ask({"big.example": 40}, at(1.5)).held["big.example"]

    assert held[0] <= pacer.next_at(at(1.5)) <= held[0] + timedelta(seconds=1)
    assert pacer.next_at(at(700)) is None


@pytest.mark.parametrize(
    ("address", "domain"),
    [("a@Example.ORG", "example.org"), ('"x@y"@b.example', "b.example"), ("nothing", "nothing")],
)
def test_the_domain_of_an_address_is_folded(address, domain):
    assert domain_of(address) == domain


def test_a_block_is_shared_out_in_order():
    def envelope(number, email):
        person = Subscriber(id=f"s_{number}", email=email, key="k", created_at=START)
        digest = Digest(
            id=f"d{number}",
            subscriber_id=person.id,
            edition="2026-06-10",
            since=START,
            until=START,
            composed_at=START,
        )
        return Envelope(
            digest=digest, subscriber=person, message_id="<m>", expires_at=at(900), lease="l"
        )

    block = [
        envelope(number, email)
        for number, email in enumerate(("a@x.example", "b@X.example", "c@y.example"))
    ]
    grant = Grant(at=START, allowed={"x.example": 1, "y.example": 1}, held={"x.example": (at(30),)})

    go, later = share(block, grant)

    assert [each.digest.id for each in go] == ["d0", "d2"]
    assert later == {"d1": at(30)}
    receipt = Receipt(digest_id="d2", outcome=Outcome.ACCEPTED, at=START)
    assert by_domain(block, [receipt]) == [("y.example", receipt)]


def test_the_first_message_to_a_new_server_need_not_wait(store):
    assert Pacer(store.pace, server=SERVER).room(at(0), 50).count == 1
