"""The pace towards a mail server, against servers that keep to limits of their own."""

from __future__ import annotations

import heapq
import math
import random
from collections import Counter, deque
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.delivery import pace as paces
from digest.model import Caps, Outcome, Receipt

START = datetime(2026, 6, 10, 7, tzinfo=UTC)
NO_CAPS = Caps()


def at(seconds):
    return START + timedelta(seconds=seconds)


def receipt(code, reply="", when=START):
    outcome = Outcome.ACCEPTED if code == 250 else Outcome.DEFERRED
    return Receipt(digest_id="d", outcome=outcome, code=code, reply=reply, at=when)


ACCEPTED = receipt(250, "OK")
BUSY = receipt(451, "RCPT: 451 4.7.1 too much mail for that domain, slow down")
UNKNOWN = replace(receipt(0, "connection lost after DATA: outcome unknown"), unknown=True)
THROTTLED = receipt(454, "after DATA: 454 4.7.0 Throttling failure: Maximum sending rate exceeded")


class Limited:
    """A server that takes `limit` messages in any `seconds` and answers 454 to the others."""

    def __init__(self, limit, seconds=1.0):
        self.limit = limit
        self.seconds = seconds
        self.taken = deque()
        self.refused = []

    def offer(self, now):
        while self.taken and self.taken[0] <= now - self.seconds:
            self.taken.popleft()
        if len(self.taken) < self.limit:
            self.taken.append(now)
            return ACCEPTED
        self.refused.append(now)
        return THROTTLED


def send(server, pace, *, seconds, since=0.0, caps=NO_CAPS, block=500, domain="example.org"):
    """Send as fast as the pace allows for so long; returns the pace after it and when each went."""
    now, sent = since, []
    while now < since + seconds:
        room = paces.room(pace, caps, at(now), block)
        if not room.count:
            assert room.again > at(now)
            now = (room.again - START).total_seconds()
            continue
        pace, grant = paces.take(pace, caps, {domain: room.count}, at(now))
        receipts = []
        for _ in range(grant.allowed[domain]):
            answer = server.offer(now)
            receipts.append((domain, answer))
            if answer.outcome is Outcome.ACCEPTED:
                sent.append(now)
            now += 0.0005
        if not receipts:
            now = (grant.held[domain][0] - START).total_seconds()
        pace = paces.learn(pace, caps, grant, receipts, at(now))
    return pace, sent


@pytest.mark.parametrize("limit", [5, 14, 100, 300])
@pytest.mark.parametrize("own", [False, True], ids=["remote", "own"])
def test_it_learns_what_a_server_takes_to_within_a_fifth(limit, own):
    server = Limited(limit)
    pace, _ = send(server, paces.begin(START, own=own), seconds=120)
    server.refused.clear()

    _, sent = send(server, pace, since=120, seconds=120)

    assert len(sent) / 120 == pytest.approx(limit, rel=0.2)
    assert len(server.refused) < 0.05 * len(sent)


def test_a_limit_by_the_minute_is_met_too():
    server = Limited(600, seconds=60)
    pace, _ = send(server, paces.begin(START, own=False), seconds=600)

    _, sent = send(server, pace, since=600, seconds=1200)

    assert len(sent) / 1200 == pytest.approx(10, rel=0.2)


@pytest.mark.parametrize(("before", "after", "passing"), [(14, 200, 200), (200, 14, 100)])
def test_a_limit_that_is_raised_or_lowered_is_found(before, after, passing):
    server = Limited(before)
    pace, _ = send(server, paces.begin(START, own=False), seconds=200)

    server.limit = after
    pace, _ = send(server, pace, since=200, seconds=passing)
    _, sent = send(server, pace, since=200 + passing, seconds=100)

    assert len(sent) / 100 == pytest.approx(after, rel=0.2)


def test_a_server_that_never_slows_us_down_is_soon_free():
    server = Limited(10**9)

    remote, _ = send(server, paces.begin(START, own=False), seconds=20)
    own, sent = send(server, paces.begin(START, own=True), seconds=8)

    assert paces.is_free(remote, NO_CAPS)
    assert paces.is_free(own, NO_CAPS)
    # This sender cannot do more than 2,000 a second: starting slow cost it less than two seconds.
    assert len(sent) > 2000 * (8 - 2)


def test_a_remote_server_gets_two_a_second_at_first_and_twice_that_a_second_later():
    _, sent = send(Limited(10**9), paces.begin(START, own=False), seconds=4)

    assert sum(each < 1 for each in sent) <= 4
    assert sum(each < 4 for each in sent) <= 64


def running(pace=100.0):
    """A pace that was told to slow down at twice as much, long ago, and has gone on from there."""
    flow = paces.begin(START, own=False).server
    return paces.Pace(
        server=paces.replace(
            flow, ceiling=pace, age=paces.RECOVERY, tokens=50.0, at=START, cut_at=at(-600)
        )
    )


@pytest.mark.parametrize(
    ("code", "reply"),
    [
        (421, "MAIL: 421 4.3.2 try later"),
        (450, "MAIL: 450 slow down"),
        (451, "after DATA: 451 4.3.0 busy"),
        (452, "MAIL: 452 4.3.1 insufficient system storage"),
        (454, "after DATA: 454 Throttling failure"),
        (432, "DATA: 432 4.7.28 unusual rate"),
    ],
)
def test_the_pace_halves_when_the_server_asks_for_it_and_rests(code, reply):
    pace, grant = paces.take(running(), NO_CAPS, {"a.example": 10}, at(1))
    before = paces.rate(pace.server)

    after = paces.learn(pace, NO_CAPS, grant, [("a.example", receipt(code, reply))], at(2))

    assert paces.rate(after.server) == pytest.approx(before / 2)
    assert paces.room(after, NO_CAPS, at(2.5), 10).count == 0


@pytest.mark.parametrize(
    ("code", "reply"),
    [
        (450, "RCPT: 450 4.2.1 this mailbox gets too much"),
        (450, "RCPT: 450 4.1.2 domain not found"),
        (452, "RCPT: 452 4.2.2 mailbox full"),
        (451, "RCPT: 451 4.7.1 Greylisted, come back in five minutes"),
        (0, "not sent: no connection"),
        (550, "RCPT: 550 5.7.1 no"),
    ],
)
def test_what_speaks_of_one_mailbox_or_of_no_pace_slows_nothing_down(code, reply):
    pace, grant = paces.take(running(), NO_CAPS, {"a.example": 10}, at(1))

    after = paces.learn(pace, NO_CAPS, grant, [("a.example", receipt(code, reply))], at(2))

    assert paces.rate(after.server) == paces.rate(pace.server)
    assert not after.domains


def test_what_was_on_its_way_when_the_pace_was_halved_does_not_halve_it_again():
    pace, first = paces.take(running(), NO_CAPS, {"a.example": 5}, at(1))
    pace, second = paces.take(pace, NO_CAPS, {"a.example": 5}, at(1.1))
    throttled = [("a.example", THROTTLED)] * 5

    once = paces.learn(pace, NO_CAPS, first, throttled, at(2))
    twice = paces.learn(once, NO_CAPS, second, throttled, at(2.1))

    assert paces.rate(twice.server) == paces.rate(once.server) == pytest.approx(50)


def test_while_nothing_at_all_is_accepted_the_rests_grow_and_the_pace_stays():
    pace, now, rests = running(), 1.0, []
    for _ in range(10):
        pace, grant = paces.take(pace, NO_CAPS, {"a.example": 1}, at(now))
        pace = paces.learn(pace, NO_CAPS, grant, [("a.example", THROTTLED)], at(now))
        rests.append((pace.server.closed_until - at(now)).total_seconds())
        now = (paces.room(pace, NO_CAPS, at(now), 1).again - START).total_seconds()

    assert rests[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert rests[-1] == 60
    assert paces.rate(pace.server) == pytest.approx(50)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("own", [False, True], ids=["remote", "own"])
def test_refusals_that_no_pace_cures_do_not_hold_mail_up(share, own):
    chance = random.Random(1)

    class Moody:
        def offer(self, now):
            return THROTTLED if chance.random() < share else ACCEPTED

    pace = paces.begin(START, own=own)
    for minute in range(10):
        if paces.rate(pace.server) < 1000:
            pace, _ = send(Moody(), pace, since=60 * minute, seconds=60)

    assert paces.rate(pace.server) > 100


def test_a_limit_is_found_though_some_refusals_have_other_reasons():
    chance, server = random.Random(1), Limited(100)

    class Moody:
        def offer(self, now):
            return THROTTLED if chance.random() < 0.3 else server.offer(now)

    pace, _ = send(Moody(), paces.begin(START, own=True), seconds=300)
    _, sent = send(Moody(), pace, since=300, seconds=100)

    assert 60 < len(sent) / 100 < 105
    assert len(server.refused) < len(sent)


SHUT = receipt(421, "MAIL: 421 4.7.0 too fast")


def shut_after_two(answers):
    """What comes of a group where a server answers 421 and closes, as `SmtpTransport` tells it."""
    told = []
    for answer in answers:
        if told[-2:] == [SHUT, SHUT] or (told and told[-1].untried):
            told.append(replace(SHUT, untried=True))
        else:
            told.append(answer if answer is ACCEPTED else SHUT)
    return told


def test_a_server_that_answers_421_and_closes_is_learned_although_each_round_ends_with_it():
    server, pace, per_minute = Limited(20), paces.begin(START, own=True), []
    for minute in range(15):
        now, went, is_open = 60.0 * minute, 0, True
        while is_open and now < 60 * minute + 59:
            room = paces.room(pace, NO_CAPS, at(now), 50)
            if not room.count:
                now = (room.again - START).total_seconds()
                continue
            pace, grant = paces.take(pace, NO_CAPS, {"a.example": room.count}, at(now))
            answers = (server.offer(now) for _ in range(grant.allowed["a.example"]))
            told = shut_after_two(answers)
            now += 0.001 * len(told)
            pace = paces.learn(
                pace, NO_CAPS, grant, [("a.example", each) for each in told], at(now)
            )
            went += told.count(ACCEPTED)
            is_open = not any(each.untried for each in told)
        per_minute.append(went)

    assert per_minute[0] == 20, "the first round ends at the first refusals"
    assert min(per_minute[-4:]) > 0.5 * 20 * 60
    assert paces.rate(pace.server) == pytest.approx(20, rel=0.5)


def test_messages_that_were_never_offered_were_not_refused():
    pace, grant = paces.take(running(), NO_CAPS, {"a.example": 50}, at(1))
    told = [ACCEPTED] * 20 + [SHUT] + [replace(SHUT, untried=True)] * 29

    after = paces.learn(pace, NO_CAPS, grant, [("a.example", each) for each in told], at(2))

    assert after.server.share == pytest.approx(1 / 21)
    assert paces.rate(after.server) == pytest.approx(50, rel=0.02)


def test_a_night_without_mail_teaches_nothing():
    pace = running()

    later, _ = paces.take(pace, NO_CAPS, {"a.example": 1}, at(12 * 3600))

    assert paces.rate(later.server) == paces.rate(pace.server)
    assert paces.room(pace, NO_CAPS, at(12 * 3600), 500).count <= 50


def test_a_domain_that_the_server_names_waits_and_the_others_go():
    pace, grant = paces.take(running(), NO_CAPS, {"big.example": 20, "a.example": 5}, at(1))
    answers = [("big.example", ACCEPTED)] * 10 + [("big.example", BUSY)] * 10
    pace = paces.learn(pace, NO_CAPS, grant, [*answers, ("a.example", ACCEPTED)], at(2))

    pace, grant = paces.take(pace, NO_CAPS, {"big.example": 20, "a.example": 5}, at(2.5))

    assert grant.allowed == {"big.example": 0, "a.example": 5}
    times = grant.held["big.example"]
    assert len(times) == 20
    assert all(at(2.5) < each <= at(2.5) + paces.LONGEST_HOLD for each in times)
    assert all(earlier < later for earlier, later in pairwise(times))


def empty(queue, pace, answer, *, since=0.0, block=200):
    """Send a queue of (due, domain), putting off what is held; when each went, and the pace."""
    heapq.heapify(queue)
    now, gone = since, []
    while queue:
        now = max(now, queue[0][0])
        claimed = []
        while queue and len(claimed) < block and queue[0][0] <= now:
            claimed.append(heapq.heappop(queue)[1])
        pace, grant = paces.take(pace, NO_CAPS, Counter(claimed), at(now))
        for domain, times in grant.held.items():
            for each in times:
                heapq.heappush(queue, (math.ceil((each - START).total_seconds()), domain))
        receipts = []
        for domain, allowed in grant.allowed.items():
            for _ in range(allowed):
                now += 0.0005
                receipts.append((domain, answer(domain, now)))
                if receipts[-1][1] is ACCEPTED:
                    gone.append((now, domain))
                else:
                    heapq.heappush(queue, (now + 60, domain))
        pace = paces.learn(pace, NO_CAPS, grant, receipts, at(now))
    return gone, pace


def test_a_domain_gets_what_it_takes_while_the_others_pass_it_by():
    limited = Limited(20)
    mail = [(0.0, "big.example")] * 3000 + [(0.0, "a.example")] * 6000

    def answer(domain, now):
        return ACCEPTED if domain == "a.example" or limited.offer(now) is ACCEPTED else BUSY

    gone, _ = empty(mail, running(1000.0), answer)

    big = [when for when, domain in gone if domain == "big.example"]
    assert len(gone) == 9000
    assert max(when for when, domain in gone if domain == "a.example") < 30
    assert 1500 / (big[2500] - big[1000]) == pytest.approx(20, rel=0.25)


def test_a_domain_that_takes_mail_again_is_forgotten_in_the_end():
    pace, grant = paces.take(running(1000.0), NO_CAPS, {"big.example": 20}, at(1))
    pace = paces.learn(pace, NO_CAPS, grant, [("big.example", BUSY)] * 20, at(2))
    assert pace.domains

    mail = [(3.0, "big.example")] * 5000
    gone, pace = empty(mail, pace, lambda domain, now: ACCEPTED, since=3)

    assert len(gone) == 5000
    assert not pace.domains


def test_when_recipients_of_many_domains_are_put_off_it_is_the_server_that_is_slow():
    busy = receipt(451, "RCPT: 451 4.3.2 system busy")
    wanted = {f"{name}.example": 5 for name in "abcd"}
    pace, grant = paces.take(running(), NO_CAPS, wanted, at(1))

    after = paces.learn(
        pace, NO_CAPS, grant, [(domain, busy) for domain in wanted for _ in range(5)], at(2)
    )

    assert not after.domains
    assert paces.rate(after.server) == pytest.approx(50)


steps = st.lists(
    st.tuples(
        st.floats(0, 4000, allow_nan=False),  # seconds until the next request
        st.integers(1, 60),  # messages wanted
        st.sampled_from([250, 250, 250, 454, 0]),
    ),
    min_size=1,
    max_size=60,
)


@given(
    steps,
    st.builds(
        Caps,
        per_second=st.integers(0, 20),
        per_hour=st.integers(0, 100),
        per_day=st.integers(0, 300),
    ),
)
def test_no_window_ever_holds_more_than_its_cap(steps, caps):
    pace, now, gone = paces.begin(START, own=True), 0.0, []
    for wait, wanted, code in steps:
        now += wait if wait > 5 else wait / 50
        pace, grant = paces.take(pace, caps, {"a.example": wanted}, at(now))
        allowed = grant.allowed["a.example"]
        assert allowed + len(grant.held.get("a.example", ())) == wanted
        answers = [("a.example", receipt(code))] * allowed
        gone += [now] * (allowed if code == 250 else 0)
        pace = paces.learn(pace, caps, grant, answers, at(now))

    for cap, span in ((caps.per_second, 1), (caps.per_hour, 3600), (caps.per_day, 86400)):
        for end in gone:
            assert not cap or sum(end - span < each <= end for each in gone) <= cap


def test_a_cap_counts_a_message_when_it_went_and_not_when_it_was_let_go():
    """A tarpit takes a group of 50 in 25 minutes: an hour after it began, most went lately."""
    caps = Caps(per_hour=50)
    pace, grant = paces.take(paces.begin(START, own=True), caps, {"a.example": 50}, at(0))
    slowly = [("a.example", receipt(250, when=at(30 * n))) for n in range(1, 51)]
    pace = paces.learn(pace, caps, grant, slowly, at(1500))

    assert paces.room(pace, caps, at(3599), 50).count == 0
    assert 1 <= paces.room(pace, caps, at(3600 + 300), 50).count <= 300 / 30
    assert paces.room(pace, caps, at(3600 + 1500 + 60), 50).count == 50


def test_a_clock_that_is_put_back_meanwhile_counts_nothing_twice():
    caps = Caps(per_hour=50)
    pace, grant = paces.take(paces.begin(START, own=True), caps, {"a.example": 20}, at(0))

    pace = paces.learn(pace, caps, grant, [("a.example", ACCEPTED)] * 20, at(-900))

    assert paces.room(pace, caps, at(-800), 50).count == 30


def test_a_cap_is_used_up_and_freed_when_its_window_has_passed():
    caps = Caps(per_hour=100)
    pace, sent = send(Limited(10**9), paces.begin(START, own=True), caps=caps, seconds=3590)

    assert len(sent) == 100
    _, later = send(Limited(10**9), pace, caps=caps, since=3590, seconds=1800)
    assert len(later) == 100


def test_what_the_server_did_not_take_is_not_counted_but_what_it_may_have_taken_is():
    caps = Caps(per_day=10)
    pace, grant = paces.take(paces.begin(START, own=True), caps, {"a.example": 10}, at(0))
    answers = [
        *[("a.example", ACCEPTED)] * 3,
        *[("a.example", receipt(0, "not sent: no connection"))] * 5,
        *[("a.example", UNKNOWN)] * 2,
    ]

    pace = paces.learn(pace, caps, grant, answers, at(1))

    assert paces.room(pace, caps, at(10), 50).count == 5


@given(st.floats(-(10**7), 10**7), st.integers(1, 50))
def test_a_clock_that_jumps_never_holds_mail_up_for_longer_than_the_caps_say(jump, wanted):
    caps = Caps(per_hour=1000)
    pace, grant = paces.take(running(), caps, {"a.example": 50}, at(0))
    pace = paces.learn(pace, caps, grant, [("a.example", THROTTLED)] * 50, at(0.1))

    room = paces.room(pace, caps, at(jump), wanted)

    if not room.count:
        assert room.again <= at(jump) + timedelta(seconds=10)


@given(steps)
def test_the_pace_is_never_below_its_floor_nor_its_tokens_below_nothing(steps):
    pace, now = paces.begin(START, own=False), 0.0
    for wait, wanted, code in steps:
        now += wait
        pace, grant = paces.take(pace, NO_CAPS, {"a.example": wanted}, at(now))
        answers = [("a.example", receipt(code))] * grant.allowed["a.example"]
        pace = paces.learn(pace, NO_CAPS, grant, answers, at(now))

        assert paces.rate(pace.server) >= paces.FLOOR
        assert pace.server.tokens >= -1e-6
