"""Deleting what policy no longer keeps, in transactions short enough to let others in."""

from __future__ import annotations

import time
from datetime import date, datetime

from digest.store import changes, keys
from digest.store.connections import Connections
from digest.store.rows import listed, stamp

MOST_ROWS = 5_000
MOST_DIGESTS = 2_000

# Who waits for the database asks again every few milliseconds, and must find it free.
BREATH = 0.02

# Tables of which old rows go, and the column that says how old a row is. Deliveries are not among
# them: they go with their digests, for a server's refusals in a row are counted by them.
LOGS = {"runs": "at", "received": "at", "uses": "at", "letters": "expires_at"}
KEYS = {"received": "key"}

# At 32 kB each (`digest.inbound.bounces`) a hundred megabytes, and more than anybody will look at.
MOST_UNREAD = 3_000
OVER_UNREAD = """
rowid IN (
    SELECT rowid FROM evidence WHERE kind = 'unread' AND settled_at IS NULL
    ORDER BY at DESC, rowid DESC LIMIT -1 OFFSET ?
)
"""

OLD = """
SELECT p.id FROM papers AS p
WHERE p.first_seen < ?1
    AND NOT EXISTS (SELECT 1 FROM announcements WHERE paper_id = p.id AND seen_at >= ?1)
    AND NOT EXISTS (
        SELECT 1 FROM identifiers AS i JOIN interests AS n ON n.value = i.key
        WHERE i.paper_id = p.id AND n.kind IN ('like', 'dislike', 'known')
    )
    AND NOT EXISTS (SELECT 1 FROM feedback WHERE paper_id = p.id AND paper_id <> '')
    AND NOT EXISTS (SELECT 1 FROM votes WHERE paper_id = p.id)
    AND NOT EXISTS (SELECT 1 FROM submissions WHERE paper_id = p.id)
"""


def prune_digests(connections: Connections, before: date) -> int:
    """Delete the digests of editions before then, and what became of them; returns how many.

    Where their windows ended stays with the editions: what papers there were by then counts as
    sent (see `history.sent`).
    """
    day = keys.day_of(before.isoformat())
    with connections.write() as connection:
        # Before they go, so that nobody takes what is left half-way for all there was.
        connection.execute(
            "UPDATE editions SET since = '' WHERE edition < ? AND since <> ''",
            (before.isoformat(),),
        )
    deleted = delete(connections, "digests", "key", "key < ?", keys.key_of(day, 0), MOST_DIGESTS)
    delete(connections, "strings", "number", "used < ?", day)
    delete(connections, "words", "paper", "used < ?", day)
    return deleted


def prune_papers(connections: Connections, before: date) -> int:
    """Delete papers neither seen nor announced since, unless a kept digest or a reader names them."""
    with connections.read() as connection:
        # What a digest shows was announced in its window: no need to look into any.
        (since,) = connection.execute(
            "SELECT min(since) FROM editions WHERE since <> ''"
        ).fetchone()
        limit = min(before.isoformat(), since or before.isoformat())
        doomed = [row["id"] for row in connection.execute(OLD, (limit,))]
    for start in range(0, len(doomed), MOST_ROWS):
        with connections.write() as connection, changes.marked(connection):
            connection.execute(
                "DELETE FROM papers WHERE id IN (SELECT value FROM json_each(?))",
                (listed(doomed[start : start + MOST_ROWS]),),
            )
    return len(doomed)


def prune_log(connections: Connections, table: str, before: datetime) -> int:
    """Delete the lines of one of LOGS that are from before then; returns how many."""
    key = KEYS.get(table, "rowid")
    return delete(connections, table, key, f"{LOGS[table]} < ?", stamp(before))


def prune_evidence(connections: Connections, before: datetime, *, soft_before: datetime) -> int:
    """Delete evidence from before then; what nobody could read stays until it is settled.

    But of that the newest MOST_UNREAD alone stay, since strangers may send it to us without end.
    Soft bounces, which are counted, stay from `soft_before` on where that is earlier.
    """
    over = "at < ? AND kind <> 'soft-bounce' AND (kind <> 'unread' OR settled_at IS NOT NULL)"
    soft = stamp(min(before, soft_before))
    return (
        delete(connections, "evidence", "rowid", over, stamp(before))
        + delete(connections, "evidence", "rowid", "at < ? AND kind = 'soft-bounce'", soft)
        + delete(connections, "evidence", "rowid", OVER_UNREAD, MOST_UNREAD)
    )


def prune_polls(connections: Connections, before: datetime) -> int:
    """Forget addresses not asked since then, such as lists of single days, unless they are gone."""
    over = "polled_at < ?1 AND NOT gone AND (due_at IS NULL OR due_at < ?1)"
    return delete(connections, "polls", "rowid", over, stamp(before))


def delete(
    connections: Connections,
    table: str,
    key: str,
    over: str,
    limit: str | int,
    most: int | None = None,
) -> int:
    """Delete the rows of a table that are `over` a limit, `most` at once; returns how many."""
    most = most or MOST_ROWS
    total = 0
    while True:
        with connections.write() as connection:
            deleted = connection.execute(
                f"""
                DELETE FROM {table} WHERE ({key}) IN (
                    SELECT {key} FROM {table} WHERE {over} LIMIT {most}
                )
                """,  # noqa: S608 - constants of the callers
                (limit,),
            ).rowcount
        total += deleted
        if deleted < most:
            return total
        time.sleep(BREATH)
