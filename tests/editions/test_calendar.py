"""When digests are due: local hours in real zones, through every change of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.editions import edition_of, next_due
from digest.model import Cadence, Subscriber

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Nuuk",
    "Pacific/Chatham",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "America/Scoresbysund",
]


def someone(tz="UTC", at=time(7), cadence=Cadence.DAILY, weekday=0):
    created = datetime(2026, 1, 1, tzinfo=UTC)
    return Subscriber(
        id="s_1",
        email="ada@example.org",
        key="00",
        created_at=created,
        tz=tz,
        at=at,
        cadence=cadence,
        weekday=weekday,
    )


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def due_after(subscriber, after, count):
    found = []
    for _ in range(count):
        after = next_due(subscriber, after)
        found.append(after)
    return found


def test_seven_in_berlin_is_five_in_summer_and_six_in_winter():
    reader = someone("Europe/Berlin")

    assert next_due(reader, utc(2026, 7, 1, 4)) == utc(2026, 7, 1, 5)
    assert next_due(reader, utc(2026, 12, 1, 4)) == utc(2026, 12, 1, 6)


def test_due_is_strictly_later_so_that_composing_at_the_hour_moves_on():
    assert next_due(someone(), utc(2026, 6, 10, 7)) == utc(2026, 6, 11, 7)


def test_the_answer_is_in_utc():
    assert next_due(someone("Asia/Kolkata"), utc(2026, 6, 10)).tzinfo is UTC


def test_weekdays_skip_the_weekend():
    reader = someone(cadence=Cadence.WEEKDAYS)

    friday, monday = due_after(reader, utc(2026, 6, 12, 0), 2)

    assert (friday.date(), monday.date()) == (date(2026, 6, 12), date(2026, 6, 15))


def test_weekly_comes_on_the_subscribers_own_day():
    reader = someone("Pacific/Auckland", cadence=Cadence.WEEKLY, weekday=0)

    due = next_due(reader, utc(2026, 6, 10))

    assert due == utc(2026, 6, 14, 19)
    assert edition_of(reader, due) == "2026-06-15"


@pytest.mark.parametrize(
    ("tz", "at", "day", "expected"),
    [
        ("Europe/Berlin", time(2, 30), (2026, 3, 29), utc(2026, 3, 29, 1, 30)),
        ("America/New_York", time(2, 0), (2026, 3, 8), utc(2026, 3, 8, 7)),
        ("Australia/Lord_Howe", time(2, 15), (2026, 10, 4), utc(2026, 10, 3, 15, 45)),
        ("Asia/Beirut", time(0, 0), (2026, 3, 29), utc(2026, 3, 28, 22)),
    ],
)
def test_an_hour_that_the_clocks_skip_is_due_as_long_after_midnight_as_ever(tz, at, day, expected):
    midnight = datetime(*day, tzinfo=ZoneInfo(tz)) - timedelta(seconds=1)

    assert next_due(someone(tz, at), midnight) == expected


def test_an_hour_lost_to_a_gap_that_ends_the_day_is_due_before_it():
    reader = someone("America/Nuuk", time(23, 30), cadence=Cadence.WEEKLY, weekday=5)

    before = next_due(reader, utc(2026, 3, 22, 12))

    assert before == utc(2026, 3, 29, 0, 30)
    assert edition_of(reader, before) == "2026-03-28"


@pytest.mark.parametrize(
    ("tz", "at", "first", "following"),
    [
        ("Europe/Berlin", time(2, 30), utc(2026, 10, 25, 0, 30), utc(2026, 10, 26, 1, 30)),
        ("America/New_York", time(1, 30), utc(2026, 11, 1, 5, 30), utc(2026, 11, 2, 6, 30)),
        ("Europe/London", time(1, 0), utc(2026, 10, 25, 0, 0), utc(2026, 10, 26, 1, 0)),
    ],
)
def test_an_hour_that_comes_twice_is_due_at_its_first_coming_only(tz, at, first, following):
    assert due_after(someone(tz, at), first - timedelta(minutes=1), 2) == [first, following]


def test_a_date_that_never_was_has_no_edition():
    reader = someone("Pacific/Apia")

    editions = [edition_of(reader, each) for each in due_after(reader, utc(2011, 12, 28, 18), 3)]

    assert editions == ["2011-12-29", "2011-12-31", "2012-01-01"]


def is_skipped(day, at):
    wanted = datetime.combine(day, at, day.tzinfo)
    return wanted.astimezone(UTC).astimezone(day.tzinfo).time() != at


schedules = st.builds(
    someone,
    tz=st.sampled_from(ZONES),
    at=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    cadence=st.sampled_from(Cadence),
    weekday=st.integers(0, 6),
)
moments = st.integers(0, 30 * 365 * 24 * 60).map(lambda n: utc(2005, 1, 1) + timedelta(minutes=n))


@settings(max_examples=40)
@given(schedules, moments)
def test_whoever_and_whenever_there_is_one_edition_a_local_date_on_the_right_days(reader, start):
    due = due_after(reader, start, 12)

    assert [start, *due] == sorted({start, *due})
    local = [each.astimezone(ZoneInfo(reader.tz)) for each in due]
    dates = [each.date() for each in local]
    assert len(set(dates)) == len(dates)
    assert [each.isoformat() for each in dates] == [edition_of(reader, each) for each in due]
    if reader.cadence is Cadence.WEEKLY:
        assert {each.weekday() for each in dates} == {reader.weekday}
    if reader.cadence is Cadence.WEEKDAYS:
        assert all(each.weekday() < 5 for each in dates)
    assert all(each.time() == reader.at or is_skipped(each, reader.at) for each in local)


@given(schedules, moments)
def test_asking_any_moment_before_gives_the_same_due_time(reader, start):
    due = next_due(reader, start)

    assert next_due(reader, start + (due - start) / 2) == due
    assert next_due(reader, due - timedelta(microseconds=1)) == due


@given(st.sampled_from(ZONES), st.times().map(lambda at: at.replace(microsecond=0)), moments)
def test_a_daily_reader_gets_every_existing_date_once(tz, at, start):
    reader = someone(tz, at)

    dates = [date.fromisoformat(edition_of(reader, d)) for d in due_after(reader, start, 10)]

    steps = {(later - earlier).days for earlier, later in pairwise(dates)}
    skipped = dates[0] < date(2011, 12, 30) < dates[-1] and tz == "Pacific/Apia"
    assert steps == ({1, 2} if skipped else {1})
