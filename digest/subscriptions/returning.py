"""What was asked for in the name of someone who had left: kept beside their profile until they agree.

Whoever asks may be a stranger, so it counts only by the letter that tells of it. `mark_of` ties that
letter's link to it: by another letter's the owner comes back to what they had.
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
from digest.subscriptions.changing import SCHEDULE
from digest.subscriptions.wishes import MOST_INTERESTS, Wishes, with_schedule

MARK_DIGITS = 8  # of a keyed hash, which nobody can try out but by asking
RENEWED_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Value):
    """What a letter asks someone to agree to: who they will be, what for, and the mark of its link."""

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
    """Keep what was asked for in the name of someone who had left, in place of what was before.

    False for whoever does not wait to confirm any more: they answered just now.
    """
    wanted = with_schedule(person, wishes)
    schedule: dict[str, Any] = {
        name: value
        for name in SCHEDULE
        if (value := getattr(wanted, name)) != getattr(person, name)
    }
    return store.subscribers.put_comeback(
        Comeback(subscriber_id=person.id, asked_at=now, interests=interests, **schedule)
    )


def question(store: Store, person: Subscriber, *, now: datetime) -> Question:
    """What a letter that is written now asks the person to agree to, who has as long as it lasts."""
    wished = store.subscribers.comeback(person.id)
    if wished is None or not wished.interests:
        (profile,) = store.subscribers.profiles([person.id])
        interests = profile.interests
    else:
        interests = wished.interests
    if wished is None:
        return Question(person=person, interests=interests)
    if now - wished.asked_at >= RENEWED_AFTER:
        store.subscribers.renew_comeback(wished, now)
    person = replace(person, **schedule_of(wished))
    return Question(person=person, interests=interests, mark=mark_of(person, wished))


def agreed(store: Store, person: Subscriber, mark: str) -> Comeback | None:
    """What the person agrees to by the letter with this mark, beside what they had."""
    wished = store.subscribers.comeback(person.id)
    if wished is None or not hmac.compare_digest(mark.encode(), mark_of(person, wished).encode()):
        return None
    return wished


def overtaken(store: Store, person: Subscriber, mark: str) -> bool:
    """Whether something is asked for in their name that a letter with this mark does not bring."""
    return store.subscribers.comeback(person.id) is not None and agreed(store, person, mark) is None


def schedule_of(wished: Comeback | None) -> Mapping[str, Any]:
    """The fields of a subscriber's row that were asked for."""
    found = {name: getattr(wished, name, None) for name in SCHEDULE}
    return {name: value for name, value in found.items() if value is not None}


def mark_of(person: Subscriber, wished: Comeback) -> str:
    """What ties the links of a letter to all that was asked for in it; the same for the same."""
    named = sorted((str(each.kind), each.value, each.weight) for each in wished.interests)
    about = repr((named, sorted((name, str(value)) for name, value in schedule_of(wished).items())))
    return hmac.digest(bytes.fromhex(person.key), about.encode(), "sha256").hex()[:MARK_DIGITS]


def with_room(
    store: Store, person: Subscriber, interests: tuple[Interest, ...]
) -> tuple[Interest, ...]:
    """The first of these that the profile does not have yet, as many as it has room for."""
    (profile,) = store.subscribers.profiles([person.id])
    standing = {(each.kind, each.value) for each in profile.interests}
    new = [each for each in interests if (each.kind, each.value) not in standing]
    return tuple(new[: max(0, MOST_INTERESTS - len(standing))])
