"""When a clock was ahead and is set back, what was due or covered by it is set back with it.

A machine may start with a clock that is ahead, and have it put right a minute later. Whoever got a
digest in between would get none until the wrong time has come again, and what is announced until
then would be in nobody's.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from digest import editions
from digest.ports import Store

log = logging.getLogger(__name__)

TURNED_BACK = "turned back"
SKEW = timedelta(minutes=5)  # by which the clocks of several machines may differ
ROUND = timedelta(hours=6)  # how long a round may last before anybody notices
BLOCK = 1_000


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
