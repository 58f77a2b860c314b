"""Wishes in the name of someone who has left, kept beside their profile until they agree.

A stranger may have asked, so the wishes only take effect by the letter that lists them: its link
carries their mark (`mark_of`). By any other letter the owner gets back what they had.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from digest.model import Comeback, Interest, Subscriber
from digest.model.base import Value
from digest.ports import Store
from digest.subscriptions.changing import SCHEDULE, differences
from digest.subscriptions.wishes import MOST_INTERESTS, Wishes, with_schedule

MARK_DIGITS = 8  # of a keyed hash, which nobody can try out but by asking
RENEWED_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Value):
    """What a letter asks someone to agree to: schedule, interests, and the mark of its link."""

    person: Subscriber
    interests: tuple[Interest, ...]
    mark: str = ""


def wish_back(
    store: Store,
    person: Subscriber,
    wishes: Wishes,
    interests: tuple[Interest, ...],
    *,
    now: datetime,
) -> bool:
    """Keep wishes in the name of someone who has left, in place of earlier ones.

    False if they are no longer pending: they answered just now.
    """
    schedule: dict[str, Any] = differences(person, with_schedule(person, wishes), now)
    return store.subscribers.put_comeback(
        Comeback(subscriber_id=person.id, asked_at=now, interests=interests, **schedule)
    )


def question(store: Store, person: Subscriber, *, now: datetime) -> Question:
    """Return what a letter of now asks to agree to; the wishes last as long as its link."""
    wished = store.subscribers.comeback(person.id)
    interests = () if wished is None else wished.interests
    if not interests:
        (profile,) = store.subscribers.profiles([person.id])
        interests = profile.interests
    if wished is None:
        return Question(person=person, interests=interests)
    if now - wished.asked_at >= RENEWED_AFTER:
        store.subscribers.renew_comeback(wished, now)
    person = replace(person, **schedule_of(wished))
    return Question(person=person, interests=interests, mark=mark_of(person, wished))


def agreed(store: Store, person: Subscriber, mark: str) -> Comeback | None:
    """Return the wishes that the letter with this mark asks to agree to; None if they changed."""
    wished = store.subscribers.comeback(person.id)
    if wished is None or not hmac.compare_digest(mark.encode(), mark_of(person, wished).encode()):
        return None
    return wished


def overtaken(store: Store, person: Subscriber, mark: str) -> bool:
    """Tell whether there are wishes in their name that the letter with this mark does not list."""
    return store.subscribers.comeback(person.id) is not None and agreed(store, person, mark) is None


def schedule_of(wished: Comeback | None) -> Mapping[str, Any]:
    """Return the fields of a subscriber's row that the wishes set."""
    found = {name: getattr(wished, name, None) for name in SCHEDULE}
    return {name: value for name, value in found.items() if value is not None}


def mark_of(person: Subscriber, wished: Comeback) -> str:
    """Return the mark of a letter with these wishes; the same wishes have the same mark."""
    named = sorted((str(each.kind), each.value, each.weight) for each in wished.interests)
    about = repr((named, sorted((name, str(value)) for name, value in schedule_of(wished).items())))
    return hmac.digest(bytes.fromhex(person.key), about.encode(), "sha256").hex()[:MARK_DIGITS]


def with_room(
    store: Store, person: Subscriber, interests: tuple[Interest, ...]
) -> tuple[Interest, ...]:
    """Return the interests that the profile lacks, as many as it has room for."""
    (profile,) = store.subscribers.profiles([person.id])
    standing = {(each.kind, each.value) for each in profile.interests}
    new = [each for each in interests if (each.kind, each.value) not in standing]
    return tuple(new[: max(0, MOST_INTERESTS - len(standing))])
