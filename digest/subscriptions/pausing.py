"""A rest from digests, and its end."""

from __future__ import annotations

from datetime import datetime

from digest import editions
from digest.errors import InvalidInput
from digest.model import EvidenceKind, Status, Subscriber
from digest.ports import Store
from digest.subscriptions.bounces import outlive
from digest.subscriptions.people import CONFIRMED, amend, fresh
from digest.subscriptions.spans import LONGEST

BLOCK = 500


def pause(store: Store, person: Subscriber, *, until: datetime | None, now: datetime) -> Subscriber:
    """Send nothing until then (None: until resumed); links and feeds keep working.

    It takes the place of a pause that bounces brought, which can then not be taken back any more.
    Raises InvalidInput for a moment that is past or over a year away, and for a subscription
    that is not under way.
    """
    current = fresh(store, person)
    if current.status not in CONFIRMED:
        raise InvalidInput("Only a subscription that is under way can be paused.")
    if until is not None and not now < until <= now + LONGEST:
        raise InvalidInput("A pause ends between now and a year from now.")
    paused = amend(store, current, status=Status.PAUSED, paused_until=until, due_at=None)
    outlive(store, paused, EvidenceKind.SOFT_BOUNCE, now=now)
    return paused


def resume(store: Store, person: Subscriber, *, now: datetime) -> Subscriber:
    """End a pause: the next digest is due at the next local hour.

    One who is active stays as they are; raises InvalidInput where no subscription is under way.
    """
    current = fresh(store, person)
    if current.status not in CONFIRMED:
        raise InvalidInput("This subscription is not paused; it has ended, or is not confirmed.")
    if current.status is Status.ACTIVE:
        return current
    return amend(
        store,
        current,
        status=Status.ACTIVE,
        paused_until=None,
        due_at=editions.next_due(current, now),
    )


def resume_due(store: Store, *, now: datetime) -> int:
    """Resume everyone whose pause has ended; how many."""
    resumed = 0
    while people := store.subscribers.resumable(now, limit=BLOCK):
        for person in people:
            # An hour of theirs that came since the pause ended is made up, as any missed one is.
            ended = person.paused_until or now
            resume(store, person, now=min(now, ended - editions.INSTANT))
        resumed += len(people)
    return resumed
