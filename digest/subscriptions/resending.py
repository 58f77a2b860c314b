"""Send recent digests again."""

from __future__ import annotations

from datetime import datetime, timedelta

from digest.errors import InvalidInput
from digest.model import Mood, Status, Subscriber
from digest.ports import Store
from digest.subscriptions.limits import DAY, may
from digest.subscriptions.people import fresh

VALID_FOR = timedelta(hours=24)
DAYS = 7
TIMES_A_DAY = 2


def again(store: Store, person: Subscriber, *, domain: str, now: datetime) -> int:
    """Queue the digests of the last week again, with new Message-IDs; returns how many.

    Digests without papers are left out, and those already on their way. Raises InvalidInput for a
    subscription that is not active, if all are on their way, and after twice in a day.
    """
    current = fresh(store, person)
    if current.status is not Status.ACTIVE:
        raise InvalidInput("Digests can be sent again while a subscription is active, not now.")
    since = now - timedelta(days=DAYS)
    kept = [
        each
        for each in store.ledger.recent(current.id, limit=DAYS + 1)
        if each.mood is Mood.PICKS and each.composed_at >= since
    ]
    if not kept:
        return 0
    waiting = store.ledger.on_the_way(each.id for each in kept)
    if len(waiting) == len(kept):
        raise InvalidInput("They are on their way already.")
    if not may(store, "again", current.id, now=now, seconds=DAY, most=TIMES_A_DAY):
        raise InvalidInput("They were sent again today already; try tomorrow.")
    return store.ledger.requeue(
        {
            each.id: f"<{each.id}.{now:%Y%m%d%H%M%S}@{domain}>"
            for each in kept
            if each.id not in waiting
        },
        now,
        now + VALID_FOR,
    )
