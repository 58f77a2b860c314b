"""JSON from outside, and the cursors kept as JSON: any shape may come, and only what fits is taken."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date

from digest.errors import ListingUnreadable
from digest.model import Listing

YEARS = range(1991, 2200)


def content_of(listing: Listing) -> object:
    """The value that a listing's body holds; raises ListingUnreadable when it is not JSON."""
    try:
        return json.loads(listing.body)
    except (ValueError, RecursionError):
        raise ListingUnreadable("The answer is not JSON.", subject=listing.url) from None


def kept(cursor: str | None) -> Mapping[str, object]:
    """What an earlier run kept; nothing where there is none, or it cannot be read."""
    try:
        found = json.loads(cursor or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) else {}


def text(record: Mapping[str, object], key: str) -> str:
    """A string of a record; anything else counts as nothing."""
    value = record.get(key)
    return value if isinstance(value, str) else ""


def day(written: str) -> date | None:
    """A date as `2026-06-30` or, as some write it, `2026-6-30`; None for anything else."""
    try:
        year, month, number = map(int, written.strip().split("-"))
        return date(year, month, number) if year in YEARS else None
    except ValueError:
        return None
