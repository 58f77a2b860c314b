"""When what waits will be gone, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.delivery import capping, forecast, said
from digest.delivery import pace as paces
from digest.model import Caps, Flow, Pace, Waiting

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)
IN_18_HOURS = NOW + timedelta(hours=18)


def learned(per_second, **domains):
    """A pace at the plateau of its curve."""
    flow = replace(
        paces.begin(NOW, own=False).server, ceiling=per_second, age=paces.RECOVERY, cut_at=NOW
    )
    return Pace(server=flow, domains=domains)


def waiting(count, **more):
    return Waiting(by_expiry=((IN_18_HOURS, count),) if count else (), last_due=NOW, **more)


def test_with_nothing_in_the_queue_there_is_nothing_to_say():
    assert said(forecast(None, Caps(), waiting(0), NOW), NOW) == "none wait"


def test_before_anything_is_known_of_the_pace_only_the_number_is_said():
    found = forecast(None, Caps(), waiting(1200), NOW)

    assert found.gone_at is None
    assert said(found, NOW) == "1,200 wait; the pace is not known yet"


def test_the_pace_of_the_last_minutes_is_what_a_free_server_is_judged_by():
    found = forecast(None, Caps(), waiting(60_000, sent=10_000, seconds=10.0), NOW)

    assert found.gone_at == NOW + timedelta(minutes=1)
    assert said(found, NOW) == "60,000 wait, about 1,000 a second; the last goes at 07:01 UTC"


def test_a_learned_pace_says_when_the_last_goes():
    found = forecast(learned(10.0), Caps(), waiting(36_000), NOW)

    assert found.gone_at == NOW + timedelta(hours=1)
    assert found.late == 0
    assert said(found, NOW) == (
        "36,000 wait, about 10 a second; the last goes at 08:00 UTC (the mail server takes no more)"
    )


def test_a_server_that_takes_nothing_any_more_is_judged_by_how_often_it_is_asked():
    flow = replace(learned(512.0).server, age=0.0, closed_until=NOW + timedelta(seconds=30))

    found = forecast(Pace(server=flow, domains={}), Caps(), waiting(60), NOW)

    assert said(found, NOW) == (
        "60 wait, about 2 a minute; the last goes at 07:30 UTC (the mail server takes no more)"
    )


@pytest.mark.parametrize(
    ("refused", "rest"),
    [
        (timedelta(seconds=1), timedelta(seconds=8)),
        (timedelta(seconds=5), timedelta(seconds=2)),
        (timedelta(hours=14), timedelta(minutes=1)),
    ],
    ids=["short", "short and over", "long ago"],
)
def test_a_rest_that_is_short_or_long_over_says_nothing_of_the_pace(refused, rest):
    cut_at = NOW - refused
    flow = replace(learned(100.0).server, age=0.0, cut_at=cut_at, closed_until=cut_at + rest)

    server = forecast(Pace(server=flow, domains={}), Caps(), waiting(40_000), NOW)
    domain = forecast(
        learned(1000.0, **{"big.example": flow}),
        Caps(),
        waiting(40_000, domains={"big.example": 40_000}),
        NOW,
    )

    assert (server.per_second, server.late) == (50.0, 0)
    assert (domain.per_second, domain.late, domain.held_by) == (50.0, 0, "big.example")


def test_a_daily_cap_that_makes_digests_late_is_named():
    found = forecast(learned(100.0), Caps(per_day=50_000), waiting(60_000), NOW)

    assert found.late == 10_000
    assert found.first_late == IN_18_HOURS
    assert said(found, NOW) == (
        "60,000 wait, about 35 a minute; the last goes on 2026-06-11 at 07:15 UTC. "
        "10,000 of them expire before their turn, the first on 2026-06-11 at 01:00 UTC: "
        "[smtp] per_day = 50000 holds them back"
    )


def test_what_a_cap_has_let_through_already_counts():
    caps = Caps(per_hour=1000)
    pace, _ = paces.take(
        replace(learned(9000.0), server=replace(learned(9000.0).server, tokens=2000.0)),
        caps,
        {"a.example": 600},
        NOW,
    )

    at_once = forecast(pace, caps, waiting(400), NOW + timedelta(minutes=1))
    later = forecast(pace, caps, waiting(401), NOW + timedelta(minutes=1))

    assert at_once.gone_at < NOW + timedelta(minutes=2)
    assert later.gone_at > NOW + timedelta(minutes=59)


def used_up(caps, *counts, every):
    """A server that never slowed us down, after so many at a time, the last of them just before now."""
    used = {}
    for number, count in enumerate(counts):
        used = capping.counted(used, caps, NOW - every * (len(counts) - number), count)
    return Pace(server=paces.begin(NOW, own=True).server, used=used)


def really_gone(pace, caps, count):
    """When the last of so many goes if each goes as soon as the caps let it."""
    used, now = pace.used, NOW
    while True:
        free, again = capping.left(used, caps, now)
        used, count = capping.counted(used, caps, now, min(free, count)), count - free
        if count <= 0:
            return now
        now = max(again, now + timedelta(microseconds=1))


def test_a_cap_that_was_used_up_over_hours_comes_back_over_hours():
    """50,000 went in the last ten hours: after fourteen more 1,250 may go, not 50,000."""
    caps = Caps(per_day=50_000)
    pace = used_up(caps, *[1250] * 40, every=timedelta(minutes=15))

    found = forecast(pace, caps, waiting(30_000), NOW)

    assert found.gone_at == really_gone(pace, caps, 30_000) == NOW + timedelta(hours=20)
    assert found.late == 30_000 - 1250 * 16, "four hours' worth come back within eighteen"


def test_what_a_cap_still_allows_is_followed_by_what_comes_back_next():
    caps = Caps(per_hour=3600)
    pace = used_up(caps, 40, *[60] * 59, every=timedelta(minutes=1))

    found = forecast(pace, caps, waiting(80), NOW)

    assert found.gone_at == really_gone(pace, caps, 80) == NOW + timedelta(minutes=2)


@given(
    st.lists(st.integers(0, 30), max_size=60),
    st.integers(1, 500),
    st.integers(1, 2000),
    st.timedeltas(timedelta(seconds=1), timedelta(minutes=3)),
)
def test_a_forecast_by_a_cap_is_when_the_cap_really_lets_the_last_go(counts, cap, count, every):
    caps = Caps(per_hour=cap)
    pace = used_up(caps, *counts, every=every)

    assert forecast(pace, caps, waiting(count), NOW).gone_at == really_gone(pace, caps, count)


def test_a_learned_pace_that_nobody_keeps_up_with_is_not_promised():
    """This machine may be slower than the mail server: what went while all were due says so."""
    busy = waiting(36_000, sent=600, seconds=600.0)
    all_due = replace(busy, last_due=NOW - timedelta(minutes=10))

    assert forecast(learned(10.0), Caps(), all_due, NOW).gone_at == NOW + timedelta(hours=10)
    assert forecast(learned(0.5), Caps(), all_due, NOW).per_second == 0.5
    assert forecast(learned(10.0), Caps(), busy, NOW).gone_at == NOW + timedelta(hours=1), (
        "they are due only now, so that no more could go before"
    )


def test_a_domain_that_is_slowed_down_may_be_the_last():
    slow = Flow(start=1.0, floor=0.1, ceiling=0.5, age=paces.RECOVERY, at=NOW, cut_at=NOW)
    found = forecast(
        learned(100.0, **{"big.example": slow}),
        Caps(),
        waiting(100_000, domains={"big.example": 40_000}),
        NOW,
    )

    assert found.held_by == "big.example"
    assert found.late == 40_000 - 18 * 1800
    assert "the mail server takes no more for big.example" in said(found, NOW)


def test_digests_for_later_in_the_day_are_not_gone_before_they_are_due():
    due = NOW + timedelta(hours=9)
    queue = Waiting(by_expiry=((IN_18_HOURS, 10),), last_due=due)

    assert forecast(learned(10.0), Caps(), queue, NOW).gone_at == due


def test_those_that_expire_first_are_late_first():
    soon = NOW + timedelta(minutes=10)
    queue = Waiting(by_expiry=((soon, 900), (IN_18_HOURS, 900)), last_due=NOW)

    found = forecast(learned(1.0), Caps(), queue, NOW)

    assert (found.late, found.first_late) == (300, soon)


@given(
    st.integers(0, 10**6),
    st.builds(
        Caps,
        per_second=st.integers(0, 100),
        per_hour=st.integers(0, 10**5),
        per_day=st.integers(0, 10**6),
    ),
    st.floats(0.5, 9999),
)
def test_whatever_the_bounds_no_more_are_late_than_wait_and_it_can_be_said(count, caps, pace):
    found = forecast(learned(pace), caps, waiting(count), NOW)

    assert 0 <= found.late <= found.waiting == count
    assert (found.late > 0) == (found.first_late is not None)
    assert said(found, NOW)
    if found.late:
        assert found.gone_at > IN_18_HOURS
