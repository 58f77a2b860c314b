"""A clock that leaps ahead is believed when it stays there; one that goes back takes back its work.

A machine may start with a clock that is ahead, and have it put right a minute later. Pauses would
have ended by then, and sign-ups that wait have been forgotten. Whoever got a digest in between
would get none until the wrong time has come again, and what is announced until then would be in
nobody's.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from digest import editions
from digest.ports import Store

log = logging.getLogger(__name__)

LEAPT = "leapt"
LEAP = timedelta(days=1)
LASTING = timedelta(seconds=30)  # by then a machine that has just started knows the time
TURNED_BACK = "turned back"
SKEW = timedelta(minutes=5)  # by which the clocks of several machines may differ
ROUND = timedelta(hours=6)  # how long a round may last before anybody notices
BLOCK = 1_000


def is_believed(store: Store, told: datetime | None, now: datetime) -> bool:
    """Whether to act on `now`, given the time of the last tick that did.

    A leap of more than a day is only noted: nobody worked for so long, or the clock is wrong. A
    tick that comes half a minute later, or at most two days, and finds it still so, believes it.
    What was noted is forgotten with the first time that is believed, so that every leap waits.
    """
    noted = store.sources.cursor(LEAPT)
    since = now - datetime.fromisoformat(noted) if noted else None
    lasted = since is not None and LASTING <= since <= 2 * LEAP
    if told is None or now - told <= LEAP or lasted:
        if noted:
            store.sources.set_cursor(LEAPT, "")
        return True
    if since is None or not timedelta() <= since < LASTING:
        log.info("the clock leapt ahead", extra={"action": "clock", "by": str(now - told)})
        store.sources.set_cursor(LEAPT, now.isoformat())
    return False


def turn_back(store: Store, told: datetime | None, now: datetime) -> None:
    """Set due times back if `now` is before `told`, the time of an earlier tick; may run twice."""
    if told is None or told - now <= SKEW:
        return
    log.warning("the clock went back", extra={"action": "clock", "by": str(told - now)})
    # A digest made far ahead begins later than the one before it ended: go back further than that.
    back = now - max(told - now, ROUND)
    store.sources.set_cursor(TURNED_BACK, f"{back.isoformat()} {(told + ROUND).isoformat()}")
    after = ""
    while people := store.subscribers.page(after, limit=BLOCK):
        after = people[-1].id
        for person in people:
            due = editions.next_due(person, now)
            if person.due_at is not None and person.due_at > due:
                store.subscribers.save(replace(person, due_at=due), before=person)


def covered(store: Store, until: Mapping[str, datetime]) -> dict[str, datetime]:
    """Up to when digests cover what was announced, given where each reader's last one ends.

    One that ends within the time that was taken back counts as ending before it. So does one that
    was made there later, by the right clock: what it showed is shown to nobody twice anyway.
    """
    cursor = store.sources.cursor(TURNED_BACK)
    if cursor is None:
        return dict(until)
    back, told = map(datetime.fromisoformat, cursor.split())
    return {each: back if back < end <= told else end for each, end in until.items()}
