"""Delivering to mail servers that keep to limits, over real connections and by a clock of ours."""

from __future__ import annotations

import random
from collections import Counter, deque
from datetime import timedelta

import pytest

from digest.delivery import forecast, said, transport_from_url
from digest.model import Caps, Interest, InterestKind, Status, Subscriber
from digest.pipeline import delivering
from digest.pipeline.pacing import Pacer

pytestmark = pytest.mark.slow

READERS = 200
EDITION = "2026-06-10"


class Clock:
    """Stands still but for the messages, a millisecond each, and for pauses."""

    def __init__(self, application):
        self._application = application

    def __call__(self):
        return self._application.moment[0]

    def pass_by(self, seconds):
        self._application.moment[0] += timedelta(seconds=seconds)


class Limits:
    """What a server takes in a second, of all or of one domain; the others are put off."""

    def __init__(self, clock, most, answer, *, domain=""):
        self.clock, self.most, self.answer, self.domain = clock, most, answer, domain
        self.lately, self.refused, self.at = deque(), Counter(), {}

    def __call__(self, stage, address):
        self.clock.pass_by(0.0005)
        now = self.clock()
        if stage == "TAKEN":
            self.at[address] = now
        if (stage == "RCPT") != bool(self.domain) or not address.endswith(self.domain):
            return None
        while self.lately and self.lately[0] <= now - timedelta(seconds=1):
            self.lately.popleft()
        if len(self.lately) < self.most:
            self.lately.append(now)
            return None
        self.refused[address] += 1
        return self.answer


@pytest.fixture
def clock(application):
    return Clock(application)


@pytest.fixture
def composed(application, archive, now):
    """A digest for each reader, every other one of them at one large provider."""
    application.store.papers.ingest(archive(range(5), seen_at=now))
    people = [
        Subscriber(
            id=f"s_{number:06}",
            email=f"reader{number}@{'big' if number % 2 else f'small{number}'}.example",
            status=Status.ACTIVE,
            key=f"{number:032x}",
            created_at=now,
            due_at=now,
        )
        for number in range(READERS)
    ]
    topic = Interest(kind=InterestKind.TOPIC, value="cs.LG", added_at=now)
    application.store.subscribers.add((each, [topic]) for each in people)
    application.compose_edition(EDITION)
    application.moment[0] = now + timedelta(hours=1)
    return [each.email for each in people]


@pytest.fixture
def deliver(application, clock):
    """Rounds of delivering, a minute apart, until nothing waits or so many minutes have passed."""

    def run(sink, pacers, *, minutes):
        transport = transport_from_url(sink.url)
        try:
            for minute in range(minutes):
                delivering.deliver(
                    application.store,
                    transport,
                    application.renderer,
                    clock=clock,
                    rng=random.Random(1),
                    owner=f"w{minute}",
                    block=100,
                    bounced=application.bounced,
                    pacer=pacers[minute % len(pacers)],
                    pause=clock.pass_by,
                )
                if not waiting(application):
                    break
                clock.pass_by(60)
        finally:
            transport.close()

    return run


def waiting(application):
    counts = application.store.ledger.counts()
    return counts["queued"] + counts["retry"] + counts["sending"]


def pacer(application, *, own=False, **caps):
    return Pacer(application.store.pace, server="mx.example.net:25", own=own, caps=Caps(**caps))


def attempts(application):
    since = application.moment[0] - timedelta(days=3)
    return application.store.ledger.deliveries(since=since, limit=10_000)


def test_a_server_that_throttles_gets_everything_once_and_refuses_little(
    application, clock, composed, serve, deliver
):
    limits = Limits(clock, 10, "454 4.7.0 Throttling failure: Maximum sending rate exceeded.")
    sink = serve(limits)

    deliver(sink, [pacer(application)], minutes=60)

    took = {address for address in sink.recipients if address not in limits.refused}
    assert application.store.ledger.counts()["sent"] == READERS
    assert took | limits.refused.keys() == set(composed)
    assert limits.refused.total() < READERS / 5
    # What waited for its turn was not tried: each attempt was answered.
    assert len(attempts(application)) == READERS + limits.refused.total()


def test_a_domain_that_is_put_off_waits_while_the_others_go(
    application, clock, composed, serve, deliver
):
    limits = Limits(clock, 4, "451 4.7.1 too much mail for this domain", domain="@big.example")
    sink = serve(limits)

    deliver(sink, [pacer(application, own=True)], minutes=120)

    assert application.store.ledger.counts()["sent"] == READERS
    at = limits.at
    assert max(at[each] for each in composed if "small" in each) < min(
        sorted(at[each] for each in composed if "big" in each)[50:]
    )
    assert set(limits.refused) <= {each for each in composed if "big" in each}
    assert len(attempts(application)) == READERS + limits.refused.total()


def test_an_hourly_cap_holds_over_two_processes_and_what_is_too_late_expires(
    application, clock, composed, serve, deliver
):
    limits = Limits(clock, 10**6, "")
    sink = serve(limits)
    pacers = [pacer(application, own=True, per_hour=10) for _ in range(2)]

    deliver(sink, pacers, minutes=30)
    assert len(sink.taken) == 10
    assert len(attempts(application)) == 10

    known, now = application.store.pace.load("mx.example.net:25"), clock()
    found = application.store.pace.waiting(now, within=timedelta(minutes=10), domains=())
    told = forecast(known, Caps(per_hour=10), found, now)
    deliver(sink, pacers, minutes=20 * 60)

    counts = application.store.ledger.counts()
    assert counts["sent"] + counts["expired"] == READERS
    assert counts["expired"] == pytest.approx(told.late, abs=20)
    assert "[smtp] per_hour = 10 holds them back" in said(told, now)
    times = sorted(limits.at.values())
    hour = timedelta(hours=1)
    assert all(later - first >= hour for first, later in zip(times, times[10:], strict=False))
