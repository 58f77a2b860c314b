"""Change a subscriber's schedule, name, and the interests of their profile."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from datetime import datetime

from digest import editions
from digest.errors import NotFound
from digest.model import Interest, InterestKind, Status, Subscriber, Topic
from digest.ports import Store
from digest.subscriptions.people import amend, fresh
from digest.subscriptions.wishes import (
    Wishes,
    asked_for,
    check_number,
    checked_weight,
    interests_of,
)

# What decides when a digest is due.
TIMING = frozenset({"at", "tz", "cadence", "weekday"})
SCHEDULE = ("at", "tz", "cadence", "weekday", "limit", "quiet", "floor")

Named = tuple[InterestKind, str]
"""An interest by its kind and value."""


def change(
    store: Store,
    person: Subscriber,
    wishes: Wishes,
    *,
    topics: Mapping[str, Topic],
    now: datetime,
    replace: Collection[InterestKind] = (),
    shown: Collection[Named] | None = None,
) -> Subscriber:
    """Change schedule, name and interests as wished, and leave everything else.

    Interests of kinds in `replace` become those that the wishes name; of other kinds, they are
    added. An interest that stays keeps its age, and its weight unless the wishes give one. `shown`
    is what a form showed: what was added to the profile since then stays, and what was removed
    since then is not added again. Raises InvalidInput and NotFound before anything is changed.
    """
    current = fresh(store, person)
    wanted = asked_for(current, wishes)
    named = interests_of(wishes, topics=topics, now=now)
    put_interests(store, current, named, replace, shown=shown, reweigh=wishes.weight is not None)
    return amend(store, current, **differences(current, wanted, now))


def differences(current: Subscriber, wanted: Subscriber, now: datetime) -> dict[str, object]:
    """Return the fields to change, with the next due time; a digest that is due stays due."""
    found: dict[str, object] = {
        each.name: value
        for each in dataclasses.fields(wanted)
        if (value := getattr(wanted, each.name)) != getattr(current, each.name)
    }
    is_waiting = current.due_at is None or current.due_at > now
    if current.status is Status.ACTIVE and found.keys() & TIMING and is_waiting:
        found["due_at"] = editions.next_due(wanted, now)
    return found


def weigh(
    store: Store, person: Subscriber, kind: InterestKind, value: str, weight: float
) -> Interest:
    """Set the weight (0.1 to 5) of an interest in the profile.

    Raises NotFound for an interest that is not there, InvalidInput for any other weight.
    """
    checked_weight(weight)
    standing = interest_of(store, person, kind, value)
    weighed = dataclasses.replace(standing, weight=weight)
    if weighed != standing:
        store.subscribers.add_interests(person.id, [weighed])
    return weighed


def drop(store: Store, person: Subscriber, kind: InterestKind, value: str) -> None:
    """Remove an interest from the profile; one that is not there is no error."""
    try:
        standing = interest_of(store, person, kind, value)
    except NotFound:
        return
    store.subscribers.remove_interests(person.id, [standing])


def interest_of(store: Store, person: Subscriber, kind: InterestKind, value: str) -> Interest:
    """Return the interest of this kind and value, whatever its case; raises NotFound."""
    (profile,) = store.subscribers.profiles([person.id])
    of_kind = {each.value: each for each in profile.of(kind)}
    by_fold = {each.casefold(): found for each, found in of_kind.items()}
    standing = of_kind.get(value) or by_fold.get(value.casefold())
    if standing is not None:
        return standing
    raise NotFound(f"There is no such {kind} in the profile.")


def put_interests(
    store: Store,
    person: Subscriber,
    named: Collection[Interest],
    replacing: Collection[InterestKind] = (),
    *,
    shown: Collection[Named] | None = None,
    reweigh: bool,
) -> None:
    """Add the interests named, and remove others of the kinds in `replacing`.

    Only differences are written, so that feedback given meanwhile is kept. `shown` is as in
    `change`. Raises InvalidInput for too many interests.
    """
    (profile,) = store.subscribers.profiles([person.id])
    standing = {(each.kind, each.value): each for each in profile.interests}
    wanted = {(each.kind, each.value) for each in named}
    gone = [
        each
        for key, each in standing.items()
        if each.kind in replacing and key not in wanted and (shown is None or key in shown)
    ]
    known = standing.keys() | {key for key in shown or () if key[0] in replacing}
    new = [each for each in named if (each.kind, each.value) not in known]
    weighed = [
        dataclasses.replace(before, weight=each.weight)
        for each in named
        if reweigh
        and (before := standing.get((each.kind, each.value))) is not None
        and before.weight != each.weight
    ]
    check_number(len(standing) - len(gone) + len(new))
    if gone:
        store.subscribers.remove_interests(person.id, gone)
    if new or weighed:
        store.subscribers.add_interests(person.id, [*new, *weighed])
