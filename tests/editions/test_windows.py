"""What a digest covers, and how a day without papers is told apart."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.editions import VALIDITY, day_window, is_list_day, list_day, mood, window
from digest.errors import InvalidInput
from digest.model import Cadence, Mood, SourceReport, Verdict

WEDNESDAY, SUNDAY = date(2026, 6, 10), date(2026, 6, 14)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


# --- windows --------------------------------------------------------------------------------


def test_a_digest_covers_all_since_the_last_one(now):
    last = now - 26 * HOUR

    assert window(Cadence.DAILY, last, now) == (last, now)


@pytest.mark.parametrize(
    ("cadence", "days"), [(Cadence.DAILY, 7), (Cadence.WEEKDAYS, 7), (Cadence.WEEKLY, 14)]
)
def test_after_a_long_pause_it_reaches_back_only_so_far(now, cadence, days):
    assert window(cadence, now - 90 * DAY, now) == (now - days * DAY, now)


@pytest.mark.parametrize(
    ("day", "hours"), [(9, 24), (10, 24), (11, 24), (12, 24), (13, 48), (14, 72), (15, 72)]
)
def test_a_first_daily_digest_reaches_back_to_the_latest_list(day, hours):
    until = datetime(2026, 6, day, 7, tzinfo=UTC)

    assert window(Cadence.DAILY, None, until) == (until - hours * HOUR, until)


def test_a_first_weekly_digest_covers_a_week(now):
    assert window(Cadence.WEEKLY, None, now) == (now - 7 * DAY, now)


@given(st.sampled_from(Cadence), st.none() | st.timedeltas(-30 * DAY, 30 * DAY))
def test_a_window_never_ends_before_it_begins(cadence, ago):
    until = datetime(2026, 6, 10, tzinfo=UTC)

    since, same = window(cadence, None if ago is None else until - ago, until)

    assert same == until
    assert since <= until


def test_the_window_of_a_date_is_its_utc_day_and_leaves_no_gap_to_the_next():
    since, until = day_window("2026-06-10")

    assert since < datetime(2026, 6, 10, tzinfo=UTC) <= until
    assert until < datetime(2026, 6, 11, tzinfo=UTC)
    assert day_window("2026-06-11")[0] == until


@pytest.mark.parametrize("text", ["", "10.6.2026", "2026-02-30", "0001-01-01", "9999-12-31"])
def test_what_is_no_date_is_refused_in_words(text):
    with pytest.raises(InvalidInput, match="not a date; write it as 2026-06-10"):
        day_window(text)


def test_a_weekly_digest_keeps_longer_than_a_daily_one():
    assert VALIDITY[Cadence.DAILY] == VALIDITY[Cadence.WEEKDAYS] == 18 * HOUR
    assert VALIDITY[Cadence.WEEKLY] == 48 * HOUR


# --- list days and moods --------------------------------------------------------------------


def test_lists_are_dated_monday_to_friday():
    week = [WEDNESDAY + timedelta(days=n) for n in range(7)]

    assert [is_list_day(day) for day in week] == [True, True, True, False, False, True, True]


def test_a_list_bears_the_us_eastern_date_of_its_building():
    assert list_day(datetime(2026, 6, 10, 3, 59, 59, tzinfo=UTC)) == date(2026, 6, 9)
    assert list_day(datetime(2026, 6, 10, 4, tzinfo=UTC)) == date(2026, 6, 10)


@pytest.fixture
def said(now):
    """Reports of one poll after another: `said(arxiv="holiday failed")`."""

    def make(**words):
        return [
            SourceReport(source=source, place="", verdict=Verdict(word), at=now + n * HOUR)
            for source, sequence in words.items()
            for n, word in enumerate(sequence.split())
        ]

    return make


def test_something_to_show_makes_a_day_of_picks(said):
    assert mood(announced=9, matched=2, reports=said(a="failed"), day=WEDNESDAY) is Mood.PICKS


def test_papers_that_only_a_floor_keeps_from_being_shown_make_a_day_below_it(said):
    below = mood(announced=9, matched=0, below=2, reports=said(a="failed"), day=WEDNESDAY)

    assert below is Mood.BELOW
    assert mood(announced=9, matched=1, below=2, reports=(), day=WEDNESDAY) is Mood.PICKS


def test_papers_that_do_not_match_make_a_day_without_match(said):
    reports = said(a="new", b="failed unchanged", c="stale")

    assert mood(announced=9, matched=0, reports=reports, day=WEDNESDAY) is Mood.NO_MATCH


def test_if_nothing_matches_and_a_source_could_not_be_read_what_is_missing_may_be_theirs(said):
    reports = said(hf="new", arxiv="new failed")

    assert mood(announced=9, matched=0, reports=reports, day=WEDNESDAY) is Mood.OUTAGE
    assert mood(announced=9, matched=0, reports=reports, day=SUNDAY) is Mood.NO_MATCH


@pytest.mark.parametrize(
    ("words", "day", "expected"),
    [
        ({"arxiv": "holiday"}, WEDNESDAY, Mood.HOLIDAY),
        ({"arxiv": "unchanged"}, SUNDAY, Mood.HOLIDAY),
        ({}, WEDNESDAY, Mood.OUTAGE),
        ({}, SUNDAY, Mood.OUTAGE),
        ({"arxiv": "failed"}, WEDNESDAY, Mood.OUTAGE),
        ({"arxiv": "stale"}, WEDNESDAY, Mood.OUTAGE),
        ({"arxiv": "gone"}, WEDNESDAY, Mood.OUTAGE),
        ({"arxiv": "failed", "hf": "holiday"}, WEDNESDAY, Mood.OUTAGE),
        ({"arxiv": "failed", "hf": "new"}, WEDNESDAY, Mood.OUTAGE),
        ({"arxiv": "failed", "hf": "holiday"}, SUNDAY, Mood.HOLIDAY),
        ({"arxiv": "failed"}, SUNDAY, Mood.OUTAGE),
        ({"arxiv": "failed holiday"}, WEDNESDAY, Mood.HOLIDAY),
        ({"arxiv": "new failed"}, WEDNESDAY, Mood.OUTAGE),
        ({"arxiv": "failed waiting"}, WEDNESDAY, Mood.OUTAGE),
    ],
)
def test_a_day_with_nothing_announced_is_a_holiday_or_an_outage(said, words, day, expected):
    assert mood(announced=0, matched=0, reports=said(**words), day=day) is expected


@pytest.mark.parametrize(("day", "expected"), [(WEDNESDAY, Mood.OUTAGE), (SUNDAY, Mood.HOLIDAY)])
def test_on_a_day_of_lists_what_was_read_before_the_last_digest_says_nothing(
    said, now, day, expected
):
    reports = said(arxiv="unchanged")

    assert mood(announced=0, matched=0, reports=reports, day=day, since=now) is expected
