"""Whatever the mail server, the clock or the calendar does: nobody is skipped, nobody gets two."""

import random
import socket
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from zoneinfo import ZoneInfo

import pytest

from digest.delivery import MailServer, SmtpTransport
from digest.errors import ConfigError
from digest.model import Caps, Outcome, Status
from digest.pipeline.pacing import Pacer
from digest.testing import MemoryTransport

PEOPLE = 12
SERVER = "mx.example.net:587"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def rounds(application, deliver):
    """Deliver again and again, until nothing waits or so much time has passed."""

    def run(transport, *, at_most, pause=MINUTE):
        end = application.moment[0] + at_most
        while application.moment[0] < end and waiting(application):
            deliver(transport)
            application.moment[0] += pause

    return run


def waiting(application):
    counts = application.store.ledger.counts()
    return counts["queued"] + counts["retry"] + counts["sending"]


def outbox(application):
    return {state: count for state, count in application.store.ledger.counts().items() if count}


class Misbehaving(MemoryTransport):
    """A server that has `answer(message)` to say; None for the usual."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def send(self, messages, now, **held):
        for message in messages:
            said = self.answer(message)
            self.answers = {message.recipient: said} if said else {}
            yield from super().send([message], now, **held)


# --- the mail server ---------------------------------------------------------------------


def test_a_server_that_puts_every_other_message_off_takes_them_all_in_the_end(
    application, readers, rounds
):
    chance = random.Random(2)
    busy = (Outcome.DEFERRED, 454, "after DATA: 4.7.0 Throttling failure")
    server = Misbehaving(lambda _: busy if chance.random() < 0.5 else None)

    rounds(server, at_most=timedelta(hours=12), pause=10 * MINUTE)

    assert Counter(each.recipient for each in server.sent) == Counter(readers)
    assert outbox(application) == {"sent": PEOPLE}


def test_a_server_that_is_away_for_ten_minutes_gets_everything_within_the_hour(
    application, readers, rounds
):
    back_at = application.moment[0] + 10 * MINUTE
    away = (Outcome.DEFERRED, 0, "not sent: no connection")
    server = Misbehaving(lambda _: away if application.moment[0] < back_at else None)

    rounds(server, at_most=timedelta(hours=1))

    assert Counter(each.recipient for each in server.sent) == Counter(readers)
    assert outbox(application) == {"sent": PEOPLE}


def test_what_a_server_that_stays_away_never_took_is_counted_and_told(application, readers, rounds):
    away = (Outcome.DEFERRED, 0, "not sent: no connection")
    server = Misbehaving(lambda _: away)
    began = application.moment[0]

    rounds(server, at_most=timedelta(days=2), pause=60 * MINUTE)

    told = application.store.ledger.deliveries(since=began, limit=10_000)
    assert server.sent == []
    assert outbox(application) == {"expired": PEOPLE}
    assert {receipt.reply for receipt, _ in told} == {"not sent: no connection"}
    assert len({person for _, person in told}) == PEOPLE


def test_what_was_never_offered_since_nobody_listens_is_told_of_in_the_end(
    application, readers, rounds, caplog
):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        nobody = MailServer(host="127.0.0.1", port=unused.getsockname()[1])
    began = application.moment[0]

    rounds(SmtpTransport(nobody), at_most=timedelta(hours=8), pause=60 * MINUTE)
    assert application.store.ledger.deliveries(since=began, limit=9) == [], "none was an attempt"
    rounds(SmtpTransport(nobody), at_most=timedelta(days=2), pause=60 * MINUTE)

    assert outbox(application) == {"expired": PEOPLE}
    assert application.store.ledger.deliveries(since=began, limit=9) == []
    assert [each.digests for each in caplog.records if each.action == "expire"] == [PEOPLE]


def test_connections_that_break_after_the_final_dot_repeat_what_was_in_flight_and_no_more(
    application, readers, rounds
):
    chance = random.Random(3)

    class Dropping(MemoryTransport):
        dropped = 0

        def send(self, messages, now, **held):
            for receipt in super().send(messages, now, **held):
                if chance.random() < 0.2:
                    self.dropped += 1
                    yield replace(receipt, outcome=Outcome.DEFERRED, code=0, unknown=True)
                else:
                    yield receipt

    server = Dropping()
    rounds(server, at_most=timedelta(hours=12), pause=10 * MINUTE)

    copies = Counter(each.digest_id for each in server.sent)
    assert server.dropped > 0
    assert len(copies) == PEOPLE
    assert copies.total() == PEOPLE + server.dropped
    assert len({(each.digest_id, each.content) for each in server.sent}) == PEOPLE
    assert outbox(application) == {"sent": PEOPLE}


def test_a_connection_that_breaks_in_mid_group_has_taught_the_pace_all_the_same(
    application, readers, deliver
):
    class Breaking(MemoryTransport):
        def send(self, messages, now, **held):
            (first, *_) = super().send(islice(messages, 1), now, **held)
            yield replace(
                first, outcome=Outcome.DEFERRED, code=454, reply="after DATA: 4.7.0 slow down"
            )
            raise OSError

    pacer = Pacer(application.store.pace, server=SERVER, own=True, caps=Caps(per_day=100))
    with pytest.raises(OSError):  # noqa: PT011 - whatever a transport may raise
        deliver(Breaking(), pacer=pacer)

    learned = application.store.pace.load(SERVER).server
    assert learned.cut_at == application.moment[0]
    assert outbox(application) == {"retry": 1, "queued": PEOPLE - 1}


def test_a_password_that_is_refused_uses_up_none_of_a_cap(application, readers, deliver):
    class Refusing(MemoryTransport):
        def send(self, messages, now, **held):
            raise ConfigError("The mail server refuses the password.")
            yield

    pacer = Pacer(application.store.pace, server=SERVER, own=True, caps=Caps(per_day=100))
    for _ in range(5):
        with pytest.raises(ConfigError):
            deliver(Refusing(), pacer=pacer)

    assert pacer.room(application.moment[0] + MINUTE, 1000).count == 100


def test_a_refusal_counts_though_a_wrong_setting_ends_the_group(application, readers, deliver):
    class Refusing(MemoryTransport):
        def send(self, messages, now, **held):
            for receipt in super().send(messages, now, **held):
                yield replace(
                    receipt, outcome=Outcome.REFUSED, code=550, reply="RCPT: 550 5.1.1 unknown"
                )

    rendered = application.renderer

    def renderer(material):
        render, turns = rendered(material), count()

        def first_only(envelope):
            if next(turns):
                raise ConfigError("mail.from is wrong.")
            return render(envelope)

        return first_only

    application.renderer = renderer
    with pytest.raises(ConfigError):
        deliver(Refusing())

    assert len(list(application.store.subscribers.all(Status.SUPPRESSED))) == 1
    assert outbox(application)["failed"] == 1


# --- several workers ---------------------------------------------------------------------


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_that_look_at_every_moment_of_each_other_send_nothing_twice(
    application, readers, deliver, workers
):
    """Each message of one lets another deliver a block, whose messages let the next one."""
    everything = []

    class Watched(MemoryTransport):
        def __init__(self, number):
            super().__init__()
            self.number = number

        def send(self, messages, now, **held):
            for receipt in super().send(messages, now, **held):
                if self.number < workers:
                    begin(self.number + 1)
                yield receipt

    def begin(number):
        transport = Watched(number)
        everything.append(transport)
        deliver(transport, owner=f"w{number}", block=2)

    begin(1)

    copies = Counter(each.recipient for one in everything for each in one.sent)
    assert len(everything) >= workers
    assert copies == Counter(readers)
    assert outbox(application) == {"sent": PEOPLE}


# --- the calendar and the clock ----------------------------------------------------------


@pytest.fixture
def live(application, item):
    """Live through days by a worker's ticks; a paper is announced every six hours.

    Ticks come each half hour from `busy[0]` to `busy[1]`, and every two hours before and after.
    `clock(true)` is what the machine's clock says at a true moment.
    """
    announced = []

    def run(first, last, *, busy, clock=lambda true: true):
        transport = application.__dict__.setdefault("transport", MemoryTransport())
        true, next_news = first, first
        while true <= last:
            application.moment[0] = clock(true)
            if true >= next_news:
                announced.append(item(len(announced) + 1, seen_at=application.moment[0]))
                application.store.papers.ingest(announced[-1:])
                next_news += timedelta(hours=6)
            application.note_tick()
            application.compose_due()
            application.deliver()
            true += timedelta(minutes=30 if busy[0] <= true < busy[1] else 120)
        return transport, [each.paper.id for each in announced]

    return run


def editions_of(transport, person):
    """The editions of which somebody got mails, as they came."""
    return [
        each.digest_id.rpartition(".")[2]
        for each in transport.sent
        if each.recipient == person.email
    ]


def papers_of(application, person):
    """What somebody was shown, newest digest first."""
    digests = application.store.ledger.recent(person.id, limit=50)
    return Counter(
        paper for each in digests for paper in (*(pick.paper_id for pick in each.picks), *each.rest)
    )


@pytest.mark.parametrize(
    ("tz", "day"),
    [
        ("Europe/Berlin", "2026-03-29"),
        ("Europe/Berlin", "2026-10-25"),
        ("America/New_York", "2026-03-08"),
        ("America/New_York", "2026-11-01"),
    ],
)
def test_when_the_clocks_change_everybody_gets_one_mail_a_day_and_every_paper_once(
    application, subscribe, live, tz, day
):
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(tz))
    first = (midnight - timedelta(days=1)).astimezone(UTC)
    application.moment[0] = first
    hours = ("0:30", "1:30", "2:30", "7:00", "23:30")
    people = [
        subscribe(f"reader{number}@example.org", at=at, tz=tz, quiet="line")
        for number, at in enumerate(hours)
    ]

    transport, announced = live(
        first,
        (midnight + timedelta(days=2)).astimezone(UTC),
        busy=(midnight - timedelta(hours=2), midnight + timedelta(hours=6)),
    )

    local_days = [f"{midnight + timedelta(days=each):%Y-%m-%d}" for each in (-1, 0, 1)]
    for person in people:
        assert editions_of(transport, person)[:3] == local_days, person.email
        shown = papers_of(application, person)
        assert set(shown.values()) == {1}
        assert list(announced[: len(shown)]) == sorted(shown), "none is left out in between"


def expect_each_day_and_paper_once(application, transport, announced, person):
    """Nobody got a day or a paper twice, or missed one of the days in between; returns the papers."""
    sent = editions_of(transport, person)
    assert max(Counter(sent).values()) == 1, "nobody twice"
    assert {f"2026-06-{day}" for day in (11, 12, 13)} <= set(sent), person.email
    shown = papers_of(application, person)
    assert set(shown.values()) == {1}
    assert announced[: len(shown)] == sorted(shown), "none is left out in between"
    return shown


@pytest.fixture
def wrong_clock(application, subscribe, live):
    """Four days, in which the clock is off by so much for a while; what each of three is shown."""

    def run(off, *, lasting):
        first = application.moment[0]
        wrong_from = first + timedelta(days=1, hours=-2)
        wrong_until = wrong_from + lasting
        people = [
            subscribe(f"reader{hour}@example.org", at=f"{hour}:30", quiet="line")
            for hour in (4, 7, 20)
        ]
        transport, announced = live(
            first,
            first + timedelta(days=4),
            busy=(wrong_from - timedelta(hours=2), wrong_until + timedelta(hours=6)),
            clock=lambda true: true + off if wrong_from <= true < wrong_until else true,
        )
        return announced, [
            expect_each_day_and_paper_once(application, transport, announced, person)
            for person in people
        ]

    return run


@pytest.mark.parametrize(
    "ahead", [timedelta(hours=1), timedelta(hours=5), timedelta(days=1), timedelta(days=30)]
)
def test_a_clock_that_is_ahead_for_a_while_costs_nobody_a_day_or_a_paper(wrong_clock, ahead):
    announced, shown = wrong_clock(ahead, lasting=timedelta(hours=1))
    assert all(len(each) >= len(announced) - 4 for each in shown)


def test_a_clock_that_falls_behind_for_a_while_costs_nobody_a_day_or_a_paper(wrong_clock):
    _, shown = wrong_clock(timedelta(hours=-7), lasting=timedelta(hours=14))
    assert len(shown) == 3
