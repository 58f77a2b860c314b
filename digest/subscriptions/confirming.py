"""Ask people to confirm their subscription, confirm it, and forget who did not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from digest import editions
from digest.model import Letter, Status, Subscriber, SuppressionReason
from digest.ports import Store
from digest.subscriptions.addresses import CHANGE_FOR, address_hash, lift, suppressed
from digest.subscriptions.limits import DAY, bucket
from digest.subscriptions.people import amend, fresh
from digest.subscriptions.returning import (
    RENEWED_AFTER,
    Question,
    agreed,
    question,
    schedule_of,
    with_room,
)

PENDING_FOR = timedelta(days=14)
# As long as the links to agree to them: these last to the end of a day, and the letter may be renewed
# up to an hour after the request.
WISHES_FOR = PENDING_FOR + timedelta(days=1) + RENEWED_AFTER
FORGOTTEN_AT_ONCE = 200


def confirm(store: Store, person: Subscriber, *, now: datetime, mark: str = "") -> Subscriber:
    """Activate a subscription that its owner confirms; the first digest is due at once.

    `mark` is that of the letter they answer: one who had left gets back what they had, and what
    that letter asks for. One who is not pending stays as they are.
    """
    current = fresh(store, person)
    if current.status is not Status.PENDING:
        return current
    lift(store, current.email, only=SuppressionReason.ERASED)
    wished = agreed(store, current, mark)
    if wished is not None:
        interests = with_room(store, current, wished.interests)
        store.subscribers.add_interests(current.id, interests)
    confirmed = amend(
        store,
        current,
        **schedule_of(wished),
        status=Status.ACTIVE,
        confirmed_at=current.confirmed_at or now,
        due_at=now,
        paused_until=None,
    )
    store.subscribers.drop_comeback(current.id)
    return confirmed


def activate(store: Store, subscriber: Subscriber, *, now: datetime) -> Subscriber:
    """Activate a subscription on an operator's word; the next digest is due at its usual hour.

    What strangers asked for in their name is dropped.
    """
    current = fresh(store, subscriber)
    if current.status is Status.ACTIVE:
        return current
    store.subscribers.drop_comeback(current.id)
    return amend(
        store,
        current,
        status=Status.ACTIVE,
        confirmed_at=current.confirmed_at or now,
        due_at=editions.next_due(current, now),
        paused_until=None,
    )


def to_be_asked(store: Store, addresses: Iterable[str], *, now: datetime) -> dict[str, Subscriber]:
    """Return which of these addresses may be asked to confirm today, by the key that `ask` takes.

    These are pending ones that were not asked today and are not on the suppression list.
    """
    pending = store.subscribers.by_emails(addresses, Status.PENDING)
    closed = suppressed(store, pending)
    waiting = {
        bucket(store, "ask", address): person
        for address, person in pending.items()
        if address not in closed
    }
    asked = store.post.used(waiting, now=now, seconds=DAY)
    return {key: person for key, person in waiting.items() if key not in asked}


def ask(store: Store, letters: Iterable[tuple[str, str, Letter]], *, now: datetime) -> int:
    """Queue letters that ask people to confirm, once a day at most, in one transaction; how many.

    Each is (its key in `to_be_asked`, the subscriber's id, the letter).
    """
    return store.post.ask(letters, now=now, seconds=DAY)


def asked_again(store: Store, person: Subscriber, *, now: datetime) -> Question:
    """Return what a letter asks to confirm; they then have 14 days from this letter."""
    if person.status is Status.PENDING and person.confirmed_at is None:
        amend(store, person, created_at=now)
    return question(store, person, now=now)


def forget_pending(
    store: Store, now: datetime, *, stopping: Callable[[], bool] = lambda: False
) -> int:
    """Erase those who did not confirm within 14 days, and return how many.

    The address of one who declined goes on the suppression list, so that no import asks again. Also
    drops changes of address that have ended, and what was asked for in the name of people who had
    left once no link can agree to it.
    """
    forgotten = 0
    for status in (Status.PENDING, Status.UNSUBSCRIBED):
        over = _never_confirmed(store, status, now - PENDING_FOR)
        while not stopping() and (block := list(islice(over, FORGOTTEN_AT_ONCE))):
            hashed = {
                each.id: address_hash(store, each.email)
                for each in block
                if status is Status.UNSUBSCRIBED
            }
            # Leaves out those who confirmed or were asked again since they were read.
            forgotten += store.subscribers.erase_unchanged(block, now, suppressing=hashed)
    store.subscribers.drop_changes(now - CHANGE_FOR)
    store.subscribers.drop_comebacks(now - WISHES_FOR)
    return forgotten


def _never_confirmed(store: Store, status: Status, until: datetime) -> Iterator[Subscriber]:
    """Yield those with this status who never confirmed, and were last asked until then."""
    for person, _ in store.subscribers.all(status):
        if person.confirmed_at is None and person.created_at <= until:
            yield person
