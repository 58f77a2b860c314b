"""Cursors, poll states and run reports: what `digest.ports.SourceStore` asks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from digest.model import PollState, SourceReport
from digest.store.connections import Connections
from digest.store.rows import poll_columns, report_columns, stamp, to_poll, to_report


class Sources:
    """What is known of each source between runs, in SQLite."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def cursor(self, source: str) -> str | None:
        """The source's cursor, None before the first complete run."""
        with self._connections.read() as connection:
            row = connection.execute(
                "SELECT cursor FROM sources WHERE name = ?", (source,)
            ).fetchone()
        return None if row is None else row["cursor"]

    def set_cursor(self, source: str, cursor: str) -> None:
        """Keep the cursor of a complete run."""
        with self._connections.write() as connection:
            connection.execute(
                """
                INSERT INTO sources (name, cursor) VALUES (?, ?)
                ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor
                """,
                (source, cursor),
            )

    def poll_states(self, source: str | None = None) -> list[PollState]:
        """Poll states of one source, or of all, by source and URL."""
        with self._connections.read() as connection:
            return [
                to_poll(row)
                for row in connection.execute(
                    "SELECT * FROM polls WHERE ?1 IS NULL OR source = ?1 ORDER BY source, url",
                    (source,),
                )
            ]

    def save_polls(self, states: Sequence[PollState]) -> None:
        """Keep what was learned from a batch of polls, in one transaction."""
        with self._connections.write() as connection:
            connection.executemany(
                """
                INSERT OR REPLACE INTO polls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                map(poll_columns, states),
            )

    def add_reports(self, reports: Sequence[SourceReport]) -> None:
        """Append lines to the run log."""
        with self._connections.write() as connection:
            connection.executemany(
                "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                map(report_columns, reports),
            )

    def reports(self, *, since: datetime) -> list[SourceReport]:
        """Run-log lines at or after `since`, oldest first."""
        with self._connections.read() as connection:
            return [
                to_report(row)
                for row in connection.execute(
                    """
                    SELECT * FROM runs WHERE at >= ?
                    ORDER BY at, rowid
                    """,
                    (stamp(since),),
                )
            ]
