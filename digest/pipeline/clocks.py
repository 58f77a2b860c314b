"""What to do when the machine's clock jumps.

A machine may start with a clock that is ahead and have it put right a minute later. Acting on the
wrong time would end pauses and forget sign-ups. Whoever got a digest by it would get no other until
that time has really come, and would miss the papers announced before it. So a leap ahead is acted
on only once it has lasted, and when the clock goes back, due times and windows are set back as
well.
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
LASTING = timedelta(seconds=30)  # a machine that has just started knows the time by then
TURNED_BACK = "turned back"
SKEW = timedelta(minutes=5)  # how far the clocks of several machines may differ
ROUND = timedelta(hours=6)  # the longest that a round may last
BLOCK = 1_000


def is_believed(store: Store, told: datetime | None, now: datetime) -> bool:
    """Whether to act on `now`, given the time of the last tick that did.

    After a leap of more than a day, either no worker ran for so long or the clock is wrong. Such a
    leap is noted; a tick that comes between half a minute and two days later and still finds that
    time believes it. Every leap is noted anew.
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
    # Digests composed far ahead began later than the last right ones ended: go back further.
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

    One that ends within the time that was taken back counts as ending before it. That may include
    one composed there later, by the right clock; what it showed is not shown again anyway.
    """
    cursor = store.sources.cursor(TURNED_BACK)
    if cursor is None:
        return dict(until)
    back, told = map(datetime.fromisoformat, cursor.split())
    return {each: back if back < end <= told else end for each, end in until.items()}
