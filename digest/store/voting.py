"""Votes and the signal that counts them, within a transaction that the caller holds."""

from __future__ import annotations

from collections.abc import Iterable
from sqlite3 import Connection

from digest.store import changes
from digest.store.rows.scalars import listed

SOURCE = "community"
KIND = "upvotes"


def papers_of(connection: Connection, subscriber_id: str) -> list[str]:
    """The papers that a subscriber voted for."""
    return [
        row["paper_id"]
        for row in connection.execute(
            "SELECT paper_id FROM votes WHERE subscriber_id = ?", (subscriber_id,)
        )
    ]


def count(connection: Connection, paper_ids: Iterable[str]) -> None:
    """Make the signals of these papers agree with their votes; no votes mean no signal."""
    wanted = listed(paper_ids)
    with changes.marked(connection, changes.VOTES):
        connection.execute(
            """
            INSERT INTO signals (paper_id, source, kind, value, seen_at)
            SELECT paper_id, ?2, ?3, count(*), max(at) FROM votes
            WHERE paper_id IN (SELECT value FROM json_each(?1)) GROUP BY paper_id
            ON CONFLICT (paper_id, source, kind) DO UPDATE
            SET value = excluded.value, seen_at = excluded.seen_at
            WHERE (value, seen_at) <> (excluded.value, excluded.seen_at)
            """,
            (wanted, SOURCE, KIND),
        )
        connection.execute(
            """
            DELETE FROM signals
            WHERE paper_id IN (SELECT value FROM json_each(?1)) AND source = ?2 AND kind = ?3
                AND NOT EXISTS (SELECT 1 FROM votes WHERE paper_id = signals.paper_id)
            """,
            (wanted, SOURCE, KIND),
        )
