"""Dates as feeds write them, to aware UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from email.utils import parsedate_tz
from functools import lru_cache

_MAX_LENGTH = 100
# A date outside these is a mistake, and arithmetic with it may overflow.
_YEARS = range(1900, 2200)
_MONTHS = range(1, 13)
_DAYS = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}
# Minutes east of UTC; email.utils knows the American zones only, and none in ISO dates.
_ZONES = {"EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360,
          "PST": -480, "PDT": -420, "CET": 60, "MET": 60, "CEST": 120, "MEST": 120, "BST": 60,
          "IST": 330, "JST": 540, "KST": 540, "AEST": 600, "AEDT": 660, "EET": 120, "EEST": 180,
          "MSK": 180}  # fmt: skip
_ISO = re.compile(
    r"(\d{4})(?:[-/]?(\d{1,2})(?:[-/]?(\d{1,2}))?)?"
    r"(?:[T\s]+(\d{1,2}):?(\d{2})(?::?(\d{2})(?:[.,]\d+)?)?)?"
    rf"\s*(Z|UTC|GMT|[+-]\d{{2}}:?\d{{2}}|[+-]\d{{2}}|{'|'.join(_ZONES)})?",
    re.IGNORECASE,
)
_WEEKDAY = r"(?:[A-Za-z]{3,9}\.?,?\s+)?"
_MONTH = r"(?P<month>[A-Za-z]{3,9})[.,]*"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?[.,]?"
_REST = r"(?P<year>\d{4}),?(?:\s*-\s)?(?P<rest>.*)"
_WRITTEN = (
    re.compile(rf"{_WEEKDAY}{_MONTH}\s+{_DAY}\s+{_REST}"),
    re.compile(rf"{_WEEKDAY}{_DAY}(?:\s+|-){_MONTH}(?:\s+|-){_REST}"),
)
# Drupal's form, with month and day in either order, which the weekday decides.
_SLASHED = re.compile(r"([A-Za-z]{3})[a-z]*,?\s+(\d{1,2})/(\d{1,2})/(\d{4})(?:\s*-)?(.*)")


@lru_cache(maxsize=4096)
def parse_date(s: str) -> datetime | None:
    """A date of RFC 822 (and 2822, 850), ISO 8601 (RFC 3339) or a common broken form, in UTC.

    A missing time is midnight, a missing or unknown zone UTC; None for what is not a date.
    Cached, since all entries of a listing often have the same date.
    """
    s = " ".join(s[:_MAX_LENGTH].split())
    if not s:
        return None
    try:
        found = (_iso(s) if s[0].isdigit() else None) or _rfc822(s)
        found = found or _rfc822(f"{s} 00:00") or _written(s) or _slashed(s)
    except (ValueError, OverflowError, TypeError):
        return None
    return found if found and found.year in _YEARS else None


def _iso(s: str) -> datetime | None:
    match = _ISO.fullmatch(s)
    if not match:
        return None
    year, month, day, hour, minute, second = (int(each or 0) for each in match.groups()[:6])
    midnight = datetime(year, month or 1, day or 1, tzinfo=UTC)
    # 24:00 and leap seconds are legal in ISO 8601, and not in datetime
    time = timedelta(hours=hour % 25, minutes=minute, seconds=second)
    return midnight + time - _offset(match[7] or "")


def _offset(zone: str) -> timedelta:
    if zone[:1] not in {"+", "-"}:
        return timedelta(minutes=_ZONES.get(zone.upper(), 0))
    digits = zone[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -offset if zone[0] == "-" else offset


def _rfc822(s: str) -> datetime | None:
    parts = parsedate_tz(s)
    if parts is None:
        return None
    year, month, day, hour, minute, second = parts[:6]
    minutes = _ZONES.get(s.rsplit(" ", 1)[-1].upper())
    zone = timezone(timedelta(seconds=(parts[9] or 0) if minutes is None else minutes * 60))
    return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone).astimezone(UTC)


def _written(s: str) -> datetime | None:
    """Read `June 10, 2026 - 04:00`, `10 Sept 2026` and `10-Jun-2026`."""
    match = next(filter(None, (each.fullmatch(s) for each in _WRITTEN)), None)
    if match is None:
        return None
    time = match["rest"].strip() or "00:00"
    return _rfc822(f"{match['day']} {match['month'][:3]} {match['year']} {time}")


def _slashed(s: str) -> datetime | None:
    """Read `Wed, 06/10/2026 - 04:00`; the weekday tells whether that is June or October."""
    match = _SLASHED.fullmatch(s)
    if match is None:
        return None
    weekday, one, other, year, rest = match.groups()
    for month, day in ((int(one), int(other)), (int(other), int(one))):
        if month in _MONTHS and date(int(year), month, day).weekday() == _DAYS.get(weekday.lower()):
            return _iso(f"{year}-{month}-{day} {rest}".strip())
    return None
