"""Calendars: when a subscriber's next digest is due, what it covers, and what kind of day it is.

All pure: stored values and a moment in, moments out. Local hours are IANA zones' own; an hour that
the spring change skips fires at the first instant after the gap, and one that autumn repeats fires
once, so that no local date ever has two digests or none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from digest.errors import InvalidInput
from digest.model import Cadence, Mood, SourceReport, Subscriber, Verdict

LIST_ZONE = ZoneInfo("America/New_York")
FRIDAY, WEEK = 4, 7
LOOK_BACK = {
    Cadence.DAILY: timedelta(days=7),
    Cadence.WEEKDAYS: timedelta(days=7),
    Cadence.WEEKLY: timedelta(days=14),
}
FIRST_LOOK_BACK = {
    Cadence.DAILY: timedelta(days=1),
    Cadence.WEEKDAYS: timedelta(days=1),
    Cadence.WEEKLY: timedelta(days=7),
}
VALIDITY = {
    Cadence.DAILY: timedelta(hours=18),
    Cadence.WEEKDAYS: timedelta(hours=18),
    Cadence.WEEKLY: timedelta(hours=48),
}
INSTANT = timedelta(microseconds=1)

_AT = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm)?", re.IGNORECASE)


def edition_of(subscriber: Subscriber, at: datetime) -> str:
    """The edition of a moment: the subscriber's local date, ISO."""
    return at.astimezone(_zone(subscriber.tz)).date().isoformat()


def next_due(subscriber: Subscriber, after: datetime) -> datetime:
    """The first moment strictly after `after` at which a digest is due, in UTC."""
    zone = _zone(subscriber.tz)
    day = after.astimezone(zone).date() - timedelta(days=1)
    while True:
        if _is_day(subscriber, day):
            due = _instant(day, subscriber.at, zone)
            if due > after:
                return due
        day += timedelta(days=1)


def window(
    cadence: Cadence, last_until: datetime | None, until: datetime
) -> tuple[datetime, datetime]:
    """What a digest covers: announcements seen in (since, until].

    Since the end of the last digest, so that nothing falls between two, but not further back than
    a week (two for weekly): after a long pause nobody wants the whole past. A first digest covers
    a day (a week for weekly).
    """
    if last_until is None:
        return until - FIRST_LOOK_BACK[cadence], until
    return max(last_until, until - LOOK_BACK[cadence]), until


def day_window(edition: str) -> tuple[datetime, datetime]:
    """The UTC day of a date as (since, until]; for replays, where nobody's hour counts."""
    start = datetime.combine(date.fromisoformat(edition), time(), tzinfo=UTC)
    return start - INSTANT, start + timedelta(days=1) - INSTANT


def validity(cadence: Cadence) -> timedelta:
    """How long after composing a digest may still be sent; a stale one is worse than none."""
    return VALIDITY[cadence]


def list_day(at: datetime) -> date:
    """The date that arXiv's lists have at a moment: US Eastern (arXiv help, availability)."""
    return at.astimezone(LIST_ZONE).date()


def is_list_day(day: date) -> bool:
    """Whether a list is due that day, holidays aside: Monday to Friday."""
    return day.weekday() <= FRIDAY


def mood(*, announced: int, shown: int, reports: Sequence[SourceReport]) -> Mood:
    """What kind of day it is for a subscriber to whom `shown` papers can be shown.

    With nothing announced at all it is an outage if any source failed, was stale or gone and none
    brought anything; otherwise a holiday (weekends among them).
    """
    if shown:
        return Mood.PICKS
    if announced:
        return Mood.NO_MATCH
    verdicts = {report.verdict for report in reports}
    broken = verdicts & {Verdict.FAILED, Verdict.STALE, Verdict.GONE}
    return Mood.OUTAGE if broken and Verdict.NEW not in verdicts else Mood.HOLIDAY


def validate_tz(name: str) -> str:
    """The zone's IANA name as the database spells it; raises InvalidInput."""
    wanted = name.strip()
    found = _zones().get(wanted.casefold())
    if found is None:
        raise InvalidInput(
            f"There is no time zone {wanted!r}; write one like Europe/Berlin or UTC."
        )
    return found


def parse_at(text: str) -> time:
    """A local time as people type it: `7`, `07:30`, `7pm`; raises InvalidInput."""
    match = _AT.fullmatch(text.strip())
    if match:
        hour, minute = int(match[1]), int(match[2] or 0)
        half = (match[3] or "").lower()
        if half and 1 <= hour <= 12:  # noqa: PLR2004 - the clock's face
            hour = hour % 12 + (12 if half == "pm" else 0)
            half = ""
        if not half and hour < 24 and minute < 60:  # noqa: PLR2004 - the clock's face
            return time(hour, minute)
    raise InvalidInput(f"A time of day is written like 7, 7:30 or 7pm, not {text!r}.")


def _is_day(subscriber: Subscriber, day: date) -> bool:
    if subscriber.cadence is Cadence.WEEKDAYS:
        return day.weekday() <= FRIDAY
    return subscriber.cadence is Cadence.DAILY or day.weekday() == subscriber.weekday


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The moment of a local time: the first of two, and for a skipped one the end of the gap.

    A skipped local time taken with the offset from before the gap lands after it by as much as it
    was inside; going back to the same minute before shows where the gap began (PEP 495).
    """
    local = datetime.combine(day, at, tzinfo=zone)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return moment
    low, high = moment - timedelta(days=1), moment
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones()}
