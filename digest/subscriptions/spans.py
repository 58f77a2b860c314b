"""Parse how long a pause lasts: `2 weeks`, `a fortnight`, `until 24 December`, `monday`."""

from __future__ import annotations

import re
from calendar import month_name, monthrange
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from digest.editions import parse_weekday
from digest.errors import InvalidInput
from digest.text import clean

LONGEST = timedelta(days=366)
# A single day, asked for after today's digest, would end before the next one and skip none.
SHORTEST_DAYS = 2
DAYS = {"d": 1, "w": 7, "f": 14}
MONTHS_IN_A_YEAR = 12
LONGEST_TEXT = 80

NUMBERS = {
    word: number
    for number, word in enumerate(
        (
            "one", "two", "three", "four", "five", "six",
            "seven", "eight", "nine", "ten", "eleven", "twelve",
        ),
        1,
    )
} | {"a": 1, "an": 1}  # fmt: skip

_LEAD = re.compile(r"(?:for|until|till|til|to|by|on)\s+(?:the\s+)?(?:next\s+)?")
_LENGTH = re.compile(
    r"(?:(\d{1,4})\s*|([a-z]+)\s+)?(d|w|days?|weeks?|months?|fortnights?|years?)", re.ASCII
)
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_DAY_FIRST = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th|\.)?\s+(?:of\s+)?([a-z]{3,9})\.?,?(?:\s+(\d{4}))?", re.ASCII
)
_MONTH_FIRST = re.compile(
    r"([a-z]{3,9})\.?\s+(?:the\s+)?(\d{1,2})(?:st|nd|rd|th)?,?(?:\s+(\d{4}))?", re.ASCII
)


def parse_span(text: str, now: datetime, *, tz: str = "UTC") -> datetime:
    """Return when a pause ends, in UTC: the midnight in `tz` with which its last day begins.

    Days, weeks, fortnights, months and a year count from today, whatever the hour; the digest of
    the last day comes. `1 day` counts as two, so that tomorrow's digest is skipped. A date (ISO, or
    day and month by name), a weekday or `tomorrow` is the next such day after today. Raises
    InvalidInput for what is not understood, is past, or over a year away.
    """
    words = clean(text).casefold().rstrip(".!")
    words = _LEAD.sub("", words, count=1) if _LEAD.match(words) else words.removeprefix("next ")
    if not words or len(words) > LONGEST_TEXT:
        raise _unclear(text)
    today = now.astimezone(ZoneInfo(tz)).date()
    day = _after(words, today) or _day(words, today)
    if day is None:
        raise _unclear(text)
    if day - today > LONGEST:
        raise _too_far()
    until = datetime.combine(day, time(), ZoneInfo(tz)).astimezone(UTC)
    if until <= now:
        raise InvalidInput("That day has come already; name one that is still to come.")
    if until - now > LONGEST:
        raise _too_far()
    return until


def _after(words: str, today: date) -> date | None:
    """Return the day that is this long from today; None if the words are no length of time."""
    found = _LENGTH.fullmatch(words)
    if found is None:
        return None
    digits, word, unit = found.groups()
    number = int(digits) if digits else NUMBERS.get(word or "a", 0)
    if not number:
        return None
    if unit[0] in DAYS:
        return today + timedelta(days=max(number * DAYS[unit[0]], SHORTEST_DAYS))
    months = number * (MONTHS_IN_A_YEAR if unit[0] == "y" else 1)
    if months > MONTHS_IN_A_YEAR:
        raise _too_far()
    year, month = divmod(today.year * MONTHS_IN_A_YEAR + today.month - 1 + months, MONTHS_IN_A_YEAR)
    day = min(today.day, monthrange(year, month + 1)[1])
    return date(year, month + 1, day)


def _day(words: str, today: date) -> date | None:
    """Return the day that the words name; without a year, the next one after today."""
    if words == "tomorrow":
        return today + timedelta(days=1)
    weekday = parse_weekday(words)
    if weekday is not None:
        return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
    if found := _ISO.fullmatch(words):
        return _date(int(found[1]), int(found[2]), int(found[3]))
    if found := _DAY_FIRST.fullmatch(words):
        return _of_month(found[2], found[1], found[3], today)
    if found := _MONTH_FIRST.fullmatch(words):
        return _of_month(found[1], found[2], found[3], today)
    return None


def _of_month(name: str, day: str, year: str | None, today: date) -> date | None:
    month = next((n for n, each in enumerate(month_name) if each.casefold().startswith(name)), 0)
    if year:
        return _date(int(year), month, int(day))
    this_year = _date(today.year, month, int(day))
    if this_year is not None and this_year > today:
        return this_year
    return _date(today.year + 1, month, int(day))


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _unclear(text: str) -> InvalidInput:
    return InvalidInput(
        f"{text.strip()[:LONGEST_TEXT]!r} is no time or date; write 2 weeks, a month, "
        "until 2026-12-24 or until monday."
    )


def _too_far() -> InvalidInput:
    return InvalidInput("A pause ends within a year; name an earlier day.")
