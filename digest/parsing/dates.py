"""Dates as feeds write them, to aware UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from functools import lru_cache

_MAX_LENGTH = 100
# Beyond these a date is a mistake, and arithmetic with it may overflow.
_YEARS = range(1900, 2200)
_ISO = re.compile(
    r"(\d{4})(?:-?(\d{1,2})(?:-?(\d{1,2}))?)?"
    r"(?:[T\s]+(\d{1,2}):?(\d{2})(?::?(\d{2})(?:[.,]\d+)?)?)?"
    r"\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?",
    re.IGNORECASE,
)
_WRITTEN = re.compile(
    r"(?:[A-Za-z]{3,9}\.?,?\s+)?([A-Za-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})(.*)"
)
# RFC 822 knows the American zones only, and email.utils no others.
_ZONES = {"CET": 60, "MET": 60, "CEST": 120, "MEST": 120, "BST": 60, "IST": 330, "JST": 540,
          "KST": 540, "AEST": 600, "AEDT": 660, "EET": 120, "EEST": 180, "MSK": 180}  # fmt: skip


@lru_cache(maxsize=4096)
def parse_date(s: str) -> datetime | None:
    """A date of RFC 822 (and 2822, 850), ISO 8601 (RFC 3339) or a usual broken form, in UTC.

    A missing time is midnight and a missing or unknown zone UTC; None where no date can be
    made out. Cached, as all entries of a listing often share one date.
    """
    s = " ".join(s[:_MAX_LENGTH].split())
    if not s:
        return None
    try:
        found = (_iso(s) if s[0].isdigit() else None) or _rfc822(s)
        found = found or _rfc822(f"{s} 00:00") or _written(s)
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
        return timedelta()
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
    """`June 10, 2026 04:00`, as people write."""
    match = _WRITTEN.fullmatch(s)
    if not match:
        return None
    month, day, year, rest = match.groups()
    return _rfc822(f"{day} {month[:3]} {year} {rest.strip() or '00:00'}")
