"""Deleting what policy no longer keeps, in transactions short enough for others to write between."""

from __future__ import annotations

import time
from datetime import date, datetime

from digest.store import changes, keys
from digest.store.connections import Connections
from digest.store.rows.scalars import listed, stamp

MOST_ROWS = 5_000
MOST_DIGESTS = 2_000
# With each paper go some thirty rows and the index of its words: 5,000 held others up for 5 s.
MOST_PAPERS = 500

# A pause between transactions: other writers try again every few milliseconds.
PAUSE = 0.02

# Tables whose old rows are deleted, and the column that tells the age of a row. Deliveries are not
# among them: they are needed to count refusals in a row, and are deleted with their digests.
LOGS = {"runs": "at", "received": "at", "uses": "at", "letters": "expires_at"}
KEYS = {"received": "key"}

# At 32 kB each (`digest.inbound.bounces`), these take up to a hundred megabytes.
MOST_UNREAD = 3_000
OVER_UNREAD = """
rowid IN (
    SELECT rowid FROM evidence WHERE kind = 'unread' AND settled_at IS NULL
    ORDER BY at DESC, rowid DESC LIMIT -1 OFFSET ?
)
"""

OLD = """
p.first_seen < ?1
    AND NOT EXISTS (SELECT 1 FROM announcements WHERE paper_id = p.id AND seen_at >= ?1)
    AND NOT EXISTS (
        SELECT 1 FROM identifiers AS i JOIN interests AS n ON n.value = i.key
        WHERE i.paper_id = p.id AND n.kind IN ('like', 'dislike', 'known')
    )
    AND NOT EXISTS (SELECT 1 FROM feedback WHERE paper_id = p.id AND paper_id <> '')
    AND NOT EXISTS (SELECT 1 FROM votes WHERE paper_id = p.id)
    AND NOT EXISTS (SELECT 1 FROM submissions WHERE paper_id = p.id)
"""
FIND_OLD = f"SELECT p.id FROM papers AS p WHERE {OLD}"  # noqa: S608 - a constant
DELETE_OLD = f"""
DELETE FROM papers AS p WHERE p.id IN (SELECT value FROM json_each(?2)) AND {OLD}
"""  # noqa: S608 - a constant


def prune_digests(connections: Connections, before: date) -> int:
    """Delete the digests of editions before then, with their deliveries; returns how many.

    The ends of their windows stay in `editions`: papers seen by then count as sent (see
    `history.sent`).
    """
    day = keys.day_of(before.isoformat())
    with connections.write() as connection:
        # First, so that nobody takes the digests left half-way through for all there were.
        connection.execute(
            "UPDATE editions SET since = '' WHERE edition < ? AND since <> ''",
            (before.isoformat(),),
        )
    deleted = delete(connections, "digests", "key", "key < ?", keys.key_of(day, 0), MOST_DIGESTS)
    delete(connections, "strings", "number", "used < ?", day)
    delete(connections, "words", "paper", "used < ?", day)
    return deleted


def prune_papers(connections: Connections, before: date) -> int:
    """Delete papers not announced since then, unless a kept digest or a reader names them."""
    with connections.read() as connection:
        # A digest shows papers announced in its window, so the earliest window kept is the limit.
        (since,) = connection.execute(
            "SELECT min(since) FROM editions WHERE since <> ''"
        ).fetchone()
        limit = min(before.isoformat(), since or before.isoformat())
        doomed = [row["id"] for row in connection.execute(FIND_OLD, (limit,))]
    deleted = 0
    for start in range(0, len(doomed), MOST_PAPERS):
        block = listed(doomed[start : start + MOST_PAPERS])
        with connections.write() as connection, changes.marked(connection):
            # Asks again, as readers may have named some of them meanwhile.
            deleted += connection.execute(DELETE_OLD, (limit, block)).rowcount
        time.sleep(PAUSE)
    return deleted


def prune_log(connections: Connections, table: str, before: datetime) -> int:
    """Delete the lines of one of LOGS that are from before then; returns how many."""
    key = KEYS.get(table, "rowid")
    return delete(connections, table, key, f"{LOGS[table]} < ?", stamp(before))


def prune_evidence(connections: Connections, before: datetime, *, soft_before: datetime) -> int:
    """Delete evidence from before then; mail that nobody could read stays until it is settled.

    Only the newest MOST_UNREAD of those stay, as strangers can send any number. Soft bounces, which
    are counted, stay from `soft_before` on if that is earlier.
    """
    over = "at < ? AND kind <> 'soft-bounce' AND (kind <> 'unread' OR settled_at IS NOT NULL)"
    soft = stamp(min(before, soft_before))
    return (
        delete(connections, "evidence", "rowid", over, stamp(before))
        + delete(connections, "evidence", "rowid", "at < ? AND kind = 'soft-bounce'", soft)
        + delete(connections, "evidence", "rowid", OVER_UNREAD, MOST_UNREAD)
    )


def prune_polls(connections: Connections, before: datetime) -> int:
    """Delete states of URLs not polled since then (such as lists of one day), unless gone for good."""
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
    statement = f"""
        DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {over} LIMIT {most})
        """  # noqa: S608 - constants of the callers
    total = 0
    while True:
        deleted = connections.run(statement, (limit,))
        total += deleted
        if deleted < most:
            return total
        time.sleep(PAUSE)
