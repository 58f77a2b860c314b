"""Reading and writing interests, within a transaction that the caller holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from sqlite3 import Connection

from digest.errors import NotFound
from digest.model import OPINION, OPINIONS, Interest
from digest.store.rows.people import interest_columns, to_interest
from digest.store.rows.scalars import listed

PUT_INTEREST = """
INSERT INTO interests VALUES (?, ?, ?, ?, ?)
ON CONFLICT (subscriber_id, kind, value) DO UPDATE
SET weight = excluded.weight, added_at = excluded.added_at
"""

Slot = tuple[str, str]


def slots(interests: Iterable[Interest]) -> dict[Slot, Interest]:
    """Interests by slot; the last one for a slot counts."""
    return {each.slot: each for each in interests}


def add_block(connection: Connection, rows: Iterable[tuple[str, Sequence[Interest]]]) -> None:
    """Write the interests of new subscribers, by subscriber id."""
    connection.executemany(
        PUT_INTEREST,
        (
            interest_columns(subscriber_id, each)
            for subscriber_id, interests in rows
            for each in slots(interests).values()
        ),
    )


def put(connection: Connection, subscriber_id: str, interests: Iterable[Interest]) -> None:
    """Write interests in place of those in their slots; raises NotFound for an unknown subscriber."""
    if not connection.execute(
        "SELECT 1 FROM subscribers WHERE id = ?", (subscriber_id,)
    ).fetchone():
        raise NotFound("There is no such subscriber.", subject=subscriber_id)
    new = slots(interests)
    clear(connection, subscriber_id, (place for place in new if place[0] == OPINION))
    add_block(connection, [(subscriber_id, list(new.values()))])


def clear(connection: Connection, subscriber_id: str, places: Iterable[Slot]) -> None:
    """Empty these slots, or delete one kind of opinion from them (`like` instead of OPINION)."""
    connection.executemany(
        "DELETE FROM interests WHERE subscriber_id = ? AND kind = ? AND value = ?",
        (
            (subscriber_id, kind, value)
            for name, value in places
            for kind in (OPINIONS if name == OPINION else (name,))
        ),
    )


def standing(
    connection: Connection, subscriber_id: str, places: Iterable[Slot]
) -> dict[Slot, Interest]:
    """What is in these slots now; empty ones are left out."""
    wanted = set(places)
    found = slots(
        to_interest(row)
        for row in connection.execute(
            """
            SELECT * FROM interests
            WHERE subscriber_id = ? AND value IN (SELECT value FROM json_each(?))
            """,
            (subscriber_id, listed(value for _, value in wanted)),
        )
    )
    return {place: each for place, each in found.items() if place in wanted}


def by_subscriber(connection: Connection, ids: Iterable[str]) -> defaultdict[str, list[Interest]]:
    """Interests by subscriber, in the order they were added."""
    found: defaultdict[str, list[Interest]] = defaultdict(list)
    for row in connection.execute(
        """
        SELECT * FROM interests WHERE subscriber_id IN (SELECT value FROM json_each(?))
        ORDER BY subscriber_id, added_at, rowid
        """,
        (listed(ids),),
    ):
        found[row["subscriber_id"]].append(to_interest(row))
    return found
