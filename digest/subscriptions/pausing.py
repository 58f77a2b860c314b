"""Pause and resume a subscription."""

from __future__ import annotations

from datetime import datetime

from digest import editions
from digest.errors import InvalidInput
from digest.model import EvidenceKind, Status, Subscriber
from digest.ports import Store
from digest.subscriptions.bounces import settle
from digest.subscriptions.people import CONFIRMED, amend, fresh
from digest.subscriptions.spans import LONGEST

BLOCK = 500


def pause(store: Store, person: Subscriber, *, until: datetime | None, now: datetime) -> Subscriber:
    """Send no digests until then (None: until resumed); links and feeds keep working.

    It replaces a pause due to soft bounces, so that undoing those does not end it. Raises
    InvalidInput for a time that is past or over a year away, and for a subscription that is neither
    active nor paused.
    """
    current = fresh(store, person)
    if current.status not in CONFIRMED:
        raise InvalidInput("Only an active or paused subscription can be paused.")
    if until is not None and not now < until <= now + LONGEST:
        raise InvalidInput("A pause ends between now and a year from now.")
    paused = amend(store, current, status=Status.PAUSED, paused_until=until, due_at=None)
    settle(store, {paused.id}, EvidenceKind.SOFT_BOUNCE, now=now)
    return paused


def resume(store: Store, person: Subscriber, *, now: datetime) -> Subscriber:
    """End a pause; the next digest is due at its usual hour.

    An active subscription stays as it is. Raises InvalidInput for one that is pending or has ended.
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
    """Resume everyone whose pause has ended, and return how many."""
    resumed = 0
    while people := store.subscribers.resumable(now, limit=BLOCK):
        for person in people:
            # A digest that was due since the pause ended is made up.
            ended = person.paused_until or now
            resume(store, person, now=min(now, ended - editions.INSTANT))
        resumed += len(people)
    return resumed
