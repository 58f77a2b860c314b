"""How long a pause is, in people's words."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.errors import InvalidInput
from digest.subscriptions import parse_span
from digest.subscriptions.spans import LONGEST

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)  # a Wednesday


def at(*date):
    return datetime(*date, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2 weeks", 14),
        ("for 2 weeks", 14),
        ("Two weeks.", 14),
        ("2w", 14),
        ("10 days", 10),
        ("10d", 10),
        ("2 days", 2),
        ("week", 7),
        ("a week!", 7),
        ("a fortnight", 14),
        ("two fortnights", 28),
        ("for the next 3 days", 3),
        ("365 days", 365),
    ],
)
def test_days_and_weeks_count_from_today(text, days):
    assert parse_span(text, NOW) == at(2026, 6, 10) + timedelta(days=days)


@pytest.mark.parametrize("text", ["a day", "1 day", "1d", "for one day"])
def test_a_single_day_lasts_over_tomorrow(text):
    assert parse_span(text, NOW) == at(2026, 6, 12)


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("a month", at(2026, 7, 10)),
        ("3 months", at(2026, 9, 10)),
        ("twelve months", at(2027, 6, 10)),
        ("a year", at(2027, 6, 10)),
        ("until 2026-12-24", at(2026, 12, 24)),
        ("2026-12-24", at(2026, 12, 24)),
        ("until 24 December", at(2026, 12, 24)),
        ("till the 24th of December", at(2026, 12, 24)),
        ("until Dec 24", at(2026, 12, 24)),
        ("until December 24th, 2026", at(2026, 12, 24)),
        ("until 24 Dec. 2026", at(2026, 12, 24)),
        ("until 9 June", at(2027, 6, 9)),
        ("until monday", at(2026, 6, 15)),
        ("until next Monday", at(2026, 6, 15)),
        ("Thu", at(2026, 6, 11)),
        ("until wednesday", at(2026, 6, 17)),
        ("tomorrow", at(2026, 6, 11)),
    ],
)
def test_months_and_named_days(text, until):
    assert parse_span(text, NOW) == until


def test_a_month_from_the_last_of_a_long_one_ends_on_the_last_of_a_short_one():
    assert parse_span("a month", at(2026, 1, 31, 7)) == at(2026, 2, 28)


def test_a_day_begins_at_the_readers_own_midnight():
    assert parse_span("until 2026-12-24", NOW, tz="Asia/Tokyo") == at(2026, 12, 23, 15)
    late_in_auckland = at(2026, 6, 10, 13)  # Thursday there
    assert parse_span("until friday", late_in_auckland, tz="Pacific/Auckland") == at(
        2026, 6, 11, 12
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "0 days",
        "-3 days",
        "2.5 weeks",
        "thirty moons",
        "until 31 February",
        "until 24 Foo",
        "2026-13-01",
        "2 weeks of holiday",
        "x" * 500,
    ],
)
def test_what_says_no_time_is_refused_with_an_example(text):
    with pytest.raises(InvalidInput, match="write 2 weeks"):
        parse_span(text, NOW)


@pytest.mark.parametrize("text", ["until 2026-06-10", "2025-01-01", "until 1 January 2020"])
def test_a_day_that_has_come_already_is_refused(text):
    with pytest.raises(InvalidInput, match="has come already"):
        parse_span(text, NOW)


@pytest.mark.parametrize("text", ["367 days", "9999 weeks", "13 months", "2 years", "9999-12-31"])
def test_nobody_pauses_for_longer_than_a_year(text):
    with pytest.raises(InvalidInput, match="within a year"):
        parse_span(text, NOW)


ZONES = st.sampled_from(["UTC", "America/St_Johns", "Pacific/Apia", "Europe/Lisbon"])
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=36_500)).map(
    lambda each: at(2000, 1, 1) + each
)


@given(st.text(max_size=60), MOMENTS, ZONES)
@example("1 month", at(2026, 10, 25, 1), "Europe/Lisbon")
@example("until 29 February", at(2027, 3, 1), "UTC")
@example("٣ days", NOW, "UTC")
def test_any_text_gives_a_moment_within_a_year_or_a_sentence(text, now, tz):
    try:
        until = parse_span(text, now, tz=tz)
    except InvalidInput:
        return
    assert now < until <= now + LONGEST


@given(st.integers(1, 52), MOMENTS, ZONES)
def test_weeks_are_seven_days_each(weeks, now, tz):
    day = now.astimezone(ZoneInfo(tz)).date() + timedelta(days=7 * weeks)
    until = parse_span(f"{weeks} weeks", now, tz=tz)
    assert until == parse_span(f"for {weeks * 7} days", now, tz=tz)
    assert until == parse_span(f"until {day.isoformat()}", now, tz=tz)


@given(st.integers(2, 364), MOMENTS, ZONES)
def test_a_date_and_its_name_mean_the_same_midnight(days, now, tz):
    day = (now + timedelta(days=days)).date()
    iso = parse_span(f"until {day.isoformat()}", now, tz=tz)
    assert parse_span(f"until {day.day} {day:%B} {day.year}", now, tz=tz) == iso
    assert parse_span(f"{day:%b} {day.day}, {day.year}", now, tz=tz) == iso
