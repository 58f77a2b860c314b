"""Times in HTTP headers, as seconds; read leniently, because servers write anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FOREVER = 2.0**31
"""Seconds; RFC 9111 §1.2.2 reads a number that is too large as this."""

_MAX_DIGITS = 10
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d+)", re.ASCII | re.IGNORECASE)


def http_date(text: str) -> datetime | None:
    """An HTTP-date (RFC 9110 §5.6.7) in any of its three forms, or None."""
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def delta_seconds(text: str) -> float | None:
    """A count of seconds (RFC 9111 §1.2.2), or None where it is not one."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()):
        return None
    return min(float(digits), FOREVER) if len(digits) <= _MAX_DIGITS else FOREVER


def retry_after(text: str, now: datetime) -> float | None:
    """Seconds from `now` that a Retry-After header asks for, in either form (RFC 9110 §10.2.3)."""
    seconds = delta_seconds(text)
    if seconds is not None:
        return seconds
    until = http_date(text)
    return None if until is None else max(0.0, (until - now).total_seconds())


def lifetime(headers: Mapping[str, str], now: datetime) -> float:
    """Seconds for which an answer stays fresh by its headers; 0 where they do not say.

    Cache-Control max-age, or else Expires, less Age (RFC 9111 §4.2.1 and §4.2.3). Expires counts
    from the server's own Date, so that a wrong clock on either side does no harm.
    """
    age = delta_seconds(headers.get("age", "")) or 0.0
    max_age = _MAX_AGE.search(headers.get("cache-control", ""))
    if max_age:
        return max(0.0, (delta_seconds(max_age[1]) or 0.0) - age)
    expires = http_date(headers.get("expires", ""))
    if expires is None:
        return 0.0
    built = http_date(headers.get("date", "")) or now
    return max(0.0, (expires - built).total_seconds() - age)
