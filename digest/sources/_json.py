"""JSON from servers, and cursors kept as JSON: any value may come, so what does not fit is left out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from digest.errors import ListingUnreadable
from digest.model import Listing

Record = Mapping[str, object]

YEARS = range(1991, 2200)


def content_of(listing: Listing) -> object:
    """The value in a listing's body; raises ListingUnreadable when it is not JSON."""
    try:
        return json.loads(listing.body)
    except (ValueError, RecursionError):
        raise ListingUnreadable("The answer is not JSON.", subject=listing.url) from None


def kept(cursor: str | None) -> Record:
    """The record kept in a cursor; empty where there is none or it cannot be read."""
    try:
        return mapping(json.loads(cursor or "{}"))
    except (ValueError, RecursionError):
        return {}


def mapping(value: object) -> Record:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def sequence(record: Record, key: str) -> Sequence[object]:
    """The list under a key; empty for anything else."""
    value = record.get(key)
    return value if isinstance(value, list) else ()


def records(record: Record, key: str) -> list[Record]:
    """The objects in the list under a key."""
    return [each for each in sequence(record, key) if isinstance(each, Mapping)]


def text(record: Record, key: str) -> str:
    """The string under a key; empty for anything else."""
    value = record.get(key)
    return value if isinstance(value, str) else ""


def day(written: str) -> date | None:
    """A date written `2026-06-30` or `2026-6-30`; None for anything else."""
    try:
        year, month, number = map(int, written.strip().split("-"))
        return date(year, month, number) if year in YEARS else None
    except ValueError:
        return None


def plausible(moment: datetime | None) -> datetime | None:
    """The moment, or None where its year is before arXiv's first or far in the future."""
    return moment if moment is not None and moment.year in YEARS else None
