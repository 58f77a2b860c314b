"""Subscribers, and what they care about and said, as rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import time
from functools import lru_cache
from sqlite3 import Row

from digest.model import (
    AddressChange,
    Cadence,
    Comeback,
    Feedback,
    FeedbackKind,
    Interest,
    InterestKind,
    Quiet,
    Status,
    Subscriber,
    Via,
)
from digest.store.rows.scalars import Columns, moment, moment_or_none, stamp, stamp_or_none

_STATUSES = {each.value: each for each in Status}
_CADENCES = {each.value: each for each in Cadence}
_QUIETS = {each.value: each for each in Quiet}
_hour = lru_cache(maxsize=1024)(time.fromisoformat)


def subscriber_columns(subscriber: Subscriber) -> Columns:
    """The columns of `subscribers`."""
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
    """A row of `subscribers`, its columns in their order: a morning reads a million of them."""
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


def feedback_columns(feedback: Feedback) -> Columns:
    """The columns of `feedback`."""
    return (
        feedback.id,
        feedback.subscriber_id,
        feedback.kind.value,
        feedback.paper_id,
        feedback.value,
        feedback.via.value,
        stamp(feedback.at),
        feedback.edition,
        feedback.rank,
        feedback.reason,
        interests_text(feedback.added),
        interests_text(feedback.replaced),
        stamp_or_none(feedback.undone_at),
    )


def to_feedback(row: Row) -> Feedback:
    """A row of `feedback`."""
    return Feedback(
        id=row["id"],
        subscriber_id=row["subscriber_id"],
        kind=FeedbackKind(row["kind"]),
        paper_id=row["paper_id"],
        value=row["value"],
        via=Via(row["via"]),
        at=moment(row["at"]),
        edition=row["edition"],
        rank=row["rank"],
        reason=row["reason"],
        added=to_interests(row["added"]),
        replaced=to_interests(row["replaced"]),
        undone_at=moment_or_none(row["undone_at"]),
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


def change_columns(change: AddressChange) -> Columns:
    """The columns of `address_changes`."""
    return (
        change.subscriber_id,
        change.email,
        stamp(change.asked_at),
        int(change.old_confirmed),
        int(change.new_confirmed),
    )


def to_change(row: Row) -> AddressChange:
    """A row of `address_changes`."""
    return AddressChange(
        subscriber_id=row["subscriber_id"],
        email=row["email"],
        asked_at=moment(row["asked_at"]),
        old_confirmed=bool(row["old_confirmed"]),
        new_confirmed=bool(row["new_confirmed"]),
    )


def comeback_columns(comeback: Comeback) -> Columns:
    """The columns of `comebacks`."""
    return (
        comeback.subscriber_id,
        stamp(comeback.asked_at),
        None if comeback.at is None else comeback.at.isoformat(),
        comeback.tz,
        comeback.cadence and comeback.cadence.value,
        comeback.weekday,
        comeback.limit,
        comeback.quiet and comeback.quiet.value,
        comeback.floor,
        interests_text(comeback.interests),
    )


def to_comeback(row: Row) -> Comeback:
    """A row of `comebacks`."""
    return Comeback(
        subscriber_id=row["subscriber_id"],
        asked_at=moment(row["asked_at"]),
        at=row["at"] and _hour(row["at"]),
        tz=row["tz"],
        cadence=row["cadence"] and _CADENCES[row["cadence"]],
        weekday=row["weekday"],
        limit=row["max_picks"],
        quiet=row["quiet"] and _QUIETS[row["quiet"]],
        floor=row["floor"],
        interests=to_interests(row["interests"]),
    )
