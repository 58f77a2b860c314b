"""Subscribers and their interests as rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import time
from functools import lru_cache
from sqlite3 import Row

from digest.model import (
    Cadence,
    Interest,
    InterestKind,
    Quiet,
    Status,
    Subscriber,
)
from digest.store.rows.scalars import Columns, moment, moment_or_none, stamp, stamp_or_none

SUBSCRIBER_COLUMNS = (
    "id", "email", "status", "tz", "at", "cadence", "weekday", "max_picks", "quiet", "key",
    "created_at", "confirmed_at", "due_at", "paused_until", "seen_until", "name", "shows_name",
    "floor",
)  # fmt: skip

_STATUSES = {each.value: each for each in Status}
_CADENCES = {each.value: each for each in Cadence}
_QUIETS = {each.value: each for each in Quiet}
_hour = lru_cache(maxsize=1024)(time.fromisoformat)


def subscriber_columns(subscriber: Subscriber) -> Columns:
    """The values of SUBSCRIBER_COLUMNS."""
    return (
        subscriber.id,
        subscriber.email,
        subscriber.status.value,
        subscriber.tz,
        subscriber.at.isoformat(),
        subscriber.cadence.value,
        subscriber.weekday,
        subscriber.limit,
        subscriber.quiet.value,
        subscriber.key,
        stamp(subscriber.created_at),
        stamp_or_none(subscriber.confirmed_at),
        stamp_or_none(subscriber.due_at),
        stamp_or_none(subscriber.paused_until),
        stamp_or_none(subscriber.seen_until),
        subscriber.name,
        int(subscriber.shows_name),
        subscriber.floor,
    )


def to_subscriber(row: Row) -> Subscriber:
    """A row of `subscribers`; by position, which is faster, as a morning reads a million of them."""
    (
        subscriber_id,
        email,
        status,
        tz,
        at,
        cadence,
        weekday,
        limit,
        quiet,
        key,
        created_at,
        confirmed_at,
        due_at,
        paused_until,
        seen_until,
        name,
        shows_name,
        floor,
    ) = row
    return Subscriber(
        id=subscriber_id,
        email=email,
        status=_STATUSES[status],
        tz=tz,
        at=_hour(at),
        cadence=_CADENCES[cadence],
        weekday=weekday,
        limit=limit,
        quiet=_QUIETS[quiet],
        key=key,
        created_at=moment(created_at),
        confirmed_at=moment_or_none(confirmed_at),
        due_at=moment_or_none(due_at),
        paused_until=moment_or_none(paused_until),
        seen_until=moment_or_none(seen_until),
        name=name,
        shows_name=bool(shows_name),
        floor=floor,
    )


def interest_columns(subscriber_id: str, interest: Interest) -> Columns:
    """The columns of `interests`."""
    return (
        subscriber_id,
        interest.kind.value,
        interest.value,
        interest.weight,
        stamp(interest.added_at),
    )


def to_interest(row: Row) -> Interest:
    """A row of `interests`."""
    return Interest(
        kind=InterestKind(row["kind"]),
        value=row["value"],
        weight=row["weight"],
        added_at=moment(row["added_at"]),
    )


def interests_text(interests: Sequence[Interest]) -> str:
    """Interests as JSON: a list of [kind, value, weight, added_at]."""
    return json.dumps(
        [(each.kind.value, each.value, each.weight, stamp(each.added_at)) for each in interests]
    )


def to_interests(text: str) -> tuple[Interest, ...]:
    """The interests that `interests_text` wrote."""
    return tuple(
        Interest(kind=InterestKind(kind), value=value, weight=weight, added_at=moment(added_at))
        for kind, value, weight, added_at in json.loads(text)
    )
