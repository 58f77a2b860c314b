"""When a digest is due, which day it is for, what it covers, and what kind of day that was.

A subscriber's edition is their local date; each date has at most one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from digest.errors import InvalidInput
from digest.model import Cadence, Mood, SourceReport, Subscriber, Verdict

FIRST_DAY = datetime(1991, 8, 14, tzinfo=UTC)
"""arXiv's first day: no paper was announced before it."""

DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)
FURTHEST_BACK = {  # how far a digest reaches back after a pause
    Cadence.DAILY: timedelta(days=7),
    Cadence.WEEKDAYS: timedelta(days=7),
    Cadence.WEEKLY: timedelta(days=14),
}
VALIDITY = {  # how long after it was composed a digest may still be sent
    Cadence.DAILY: timedelta(hours=18),
    Cadence.WEEKDAYS: timedelta(hours=18),
    Cadence.WEEKLY: timedelta(hours=48),
}
FRIDAY, SATURDAY, SUNDAY = 4, 5, 6
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LIST_ZONE = ZoneInfo("America/New_York")
FAULTS = frozenset({Verdict.FAILED, Verdict.STALE, Verdict.GONE})

_TIME = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?h?\s*(?:([ap])\.?m\.?)?", re.IGNORECASE)


def edition_of(subscriber: Subscriber, at: datetime) -> str:
    """The edition of a moment: the subscriber's local date, ISO."""
    return at.astimezone(_zone(subscriber.tz)).date().isoformat()


def next_due(subscriber: Subscriber, after: datetime) -> datetime:
    """The first moment strictly after `after` at which a digest is due, in UTC.

    A digest is due at the subscriber's local time on each of their days. A time that occurs twice
    when clocks change is the first of the two; one that does not occur is read with the offset
    before the change (RFC 5545 §3.3.5), or with that after it where the other leads to the next
    day (Greenland). A day that does not occur (Samoa's 30 December 2011) has no edition.
    """
    zone = _zone(subscriber.tz)
    day = after.astimezone(zone).date()
    while True:
        if _is_day(subscriber, day):
            for fold in (0, 1):  # PEP 495: of a skipped time, the offset before, and that after
                local = datetime.combine(day, subscriber.at.replace(fold=fold), zone)
                due = local.astimezone(UTC)
                if due.astimezone(zone).date() == day:
                    if due > after:
                        return due
                    break
        day += DAY


def window(
    cadence: Cadence, last_until: datetime | None, until: datetime
) -> tuple[datetime, datetime]:
    """What a digest covers, (since, until]: everything since the end of the last one.

    After a pause it reaches back 7 days at most (weekly: 14). A first digest reaches back to
    the latest list: 24 hours, 48 on Saturday, 72 on Sunday and Monday (UTC); a first weekly
    digest 7 days.
    """
    if last_until is not None:
        return max(min(last_until, until), until - FURTHEST_BACK[cadence]), until
    if cadence is Cadence.WEEKLY:
        return until - 7 * DAY, until
    since_friday = {SATURDAY: 2, SUNDAY: 3, 0: 3}
    return until - since_friday.get(until.astimezone(UTC).weekday(), 1) * DAY, until


def day_window(edition: str) -> tuple[datetime, datetime]:
    """The UTC day of an ISO date, as (since, until]; raises InvalidInput."""
    try:
        start = datetime.combine(date.fromisoformat(edition), time(), UTC)
        return start - INSTANT, start + DAY - INSTANT
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"{edition!r} is not a date; write it as 2026-06-10.", subject=edition
        ) from None


def is_list_day(day: date) -> bool:
    """Whether arXiv dates a list on this day of the week (Monday to Friday, US Eastern).

    Holidays are not known: arXiv announces them year by year.
    """
    return day.weekday() <= FRIDAY


def list_day(moment: datetime) -> date:
    """The date of a list built at this moment: arXiv's lists change at midnight US Eastern."""
    return moment.astimezone(LIST_ZONE).date()


def mood(
    *,
    announced: int,
    matched: int,
    below: int = 0,
    reports: Sequence[SourceReport],
    day: date,
    since: datetime = FIRST_DAY,
) -> Mood:
    """What kind of day it was for a subscriber.

    `matched` counts the papers to show, `below` those that only the subscriber's floor hides. If
    there are neither, but papers were announced, it is an outage if a source could not be read
    on a list day, since the missing papers may be theirs. If nothing was announced, it is an
    outage if the latest report of any source is a fault, or if no source was asked `since` the
    last digest; else a holiday. On a day without lists, any source that answered is enough for a
    holiday, and reports of any time count.
    """
    if matched:
        return Mood.PICKS
    if below:
        return Mood.BELOW
    asked = sorted(
        (each for each in reports if each.verdict is not Verdict.WAITING), key=lambda r: r.at
    )
    last = {(each.source, each.place): each.verdict for each in asked}.values()
    if announced:
        return Mood.OUTAGE if is_list_day(day) and Verdict.FAILED in last else Mood.NO_MATCH
    faulty = any(each in FAULTS for each in last)
    believed = not is_list_day(day) and any(each not in FAULTS for each in last)
    unread = not any(each.at > since for each in asked) if is_list_day(day) else not asked
    return Mood.OUTAGE if (faulty and not believed) or unread else Mood.HOLIDAY


def validate_tz(name: str) -> str:
    """The IANA name of the zone, in any case, or of a city; raises InvalidInput with suggestions."""
    wanted = name.strip().replace(" ", "_").casefold()
    known = _zones()
    if wanted in known:
        return known[wanted]
    cities = sorted(each for fold, each in known.items() if fold.rpartition("/")[2] == wanted)
    if len(cities) == 1:
        return cities[0]
    near = cities or [known[each] for each in get_close_matches(wanted, known, n=3)]
    hint = f"Did you mean {' or '.join(near)}?" if near else "Write it as Europe/Berlin or UTC."
    raise InvalidInput(f"There is no time zone {name!r}. {hint}", subject=name)


def parse_at(text: str) -> time:
    """The time of day in `7`, `07:30`, `7.30`, `19h`, `7pm` or `7:30 pm`; raises InvalidInput."""
    if found := _TIME.fullmatch(text.strip()):
        hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").casefold()
        if not half or 1 <= hour <= 12:  # noqa: PLR2004 - the clock's face
            if half:
                hour = hour % 12 + (12 if half == "p" else 0)
            with suppress(ValueError):
                return time(hour, minute)
    raise InvalidInput(f"{text!r} is not a time of day; write 7, 07:30 or 7pm.", subject=text)


def parse_cadence(text: str, *, weekday: int = 0) -> tuple[Cadence, int]:
    """Cadence and weekday from words such as `daily`, `weekly`, `friday`; raises InvalidInput."""
    word = text.strip().casefold()
    if word in tuple(Cadence):
        return Cadence(word), weekday
    day = parse_weekday(word)
    if day is not None:
        return Cadence.WEEKLY, day
    raise InvalidInput(f"A digest comes daily, weekdays, weekly or on a named day, not {text!r}.")


def parse_weekday(word: str) -> int | None:
    """0 to 6 for the name of a day or at least its first three letters; None for anything else."""
    matching = [day for day in WEEKDAYS if len(word) >= 3 and day.startswith(word)]  # noqa: PLR2004
    return WEEKDAYS.index(matching[0]) if len(matching) == 1 else None


def _is_day(subscriber: Subscriber, day: date) -> bool:
    if subscriber.cadence is Cadence.WEEKLY:
        return day.weekday() == subscriber.weekday
    return subscriber.cadence is Cadence.DAILY or day.weekday() <= FRIDAY


def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(validate_tz(name))


@cache
def _zones() -> dict[str, str]:
    """Zone names by their folded form."""
    return {each.casefold(): each for each in sorted(available_timezones())}
