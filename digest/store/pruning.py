"""Deleting what policy no longer keeps, in transactions short enough to let others in."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime
from sqlite3 import Connection

from digest.store import changes, loading
from digest.store.connections import Connections
from digest.store.rows import listed, stamp

MOST_ROWS = 5_000

# Tables of which old rows go, and the column that says how old a row is.
LOGS = {
    "runs": "at",
    "deliveries": "at",
    "received": "at",
    "uses": "at",
    "letters": "expires_at",
}

OLD = """
SELECT p.id FROM papers AS p
WHERE p.first_seen < ?1
    AND NOT EXISTS (SELECT 1 FROM announcements WHERE paper_id = p.id AND seen_at >= ?1)
    AND NOT EXISTS (SELECT 1 FROM picks WHERE paper_id = p.id)
    AND NOT EXISTS (
        SELECT 1 FROM identifiers AS i JOIN interests AS n ON n.value = i.key
        WHERE i.paper_id = p.id AND n.kind IN ('like', 'dislike', 'known')
    )
    AND NOT EXISTS (SELECT 1 FROM feedback WHERE paper_id = p.id AND paper_id <> '')
    AND NOT EXISTS (SELECT 1 FROM votes WHERE paper_id = p.id)
    AND NOT EXISTS (SELECT 1 FROM submissions WHERE paper_id = p.id)
"""


def prune_papers(connections: Connections, before: date) -> int:
    """Delete papers neither seen nor announced since, unless a digest or a reader names them."""
    with connections.read() as connection:
        old = [row["id"] for row in connection.execute(OLD, (before.isoformat(),))]
        titled = _titled(connection, old) if old else frozenset()
    doomed = [each for each in old if each not in titled]
    for start in range(0, len(doomed), MOST_ROWS):
        with connections.write() as connection, changes.marked(connection):
            connection.execute(
                "DELETE FROM papers WHERE id IN (SELECT value FROM json_each(?))",
                (listed(doomed[start : start + MOST_ROWS]),),
            )
    return len(doomed)


def _titled(connection: Connection, papers: Iterable[str]) -> frozenset[str]:
    """Which of the papers stand in a digest's list of titles; a list keeps the ids of its day."""
    names = loading.names(connection, listed(papers))
    return frozenset(
        names[each]
        for (rest,) in connection.execute("SELECT rest FROM digests")
        for each in json.loads(rest)
        if each in names
    )


def prune_log(connections: Connections, table: str, before: datetime) -> int:
    """Delete the lines of one of LOGS that are from before then; returns how many."""
    return _prune(connections, table, f"{LOGS[table]} < ?", before)


def prune_evidence(connections: Connections, before: datetime) -> int:
    """Delete evidence from before then; what nobody could read stays until it is settled."""
    over = "at < ? AND (kind <> 'unread' OR settled_at IS NOT NULL)"
    return _prune(connections, "evidence", over, before)


def _prune(connections: Connections, table: str, over: str, before: datetime) -> int:
    key = "key" if table == "received" else "rowid"
    total = 0
    while True:
        with connections.write() as connection:
            deleted = connection.execute(
                f"""
                DELETE FROM {table} WHERE {key} IN (
                    SELECT {key} FROM {table} WHERE {over} LIMIT ?
                )
                """,  # noqa: S608 - constants of this module
                (stamp(before), MOST_ROWS),
            ).rowcount
        total += deleted
        if deleted < MOST_ROWS:
            return total
