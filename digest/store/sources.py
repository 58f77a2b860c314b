"""Cursors, poll states and run reports: what `digest.ports.SourceStore` asks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from digest.model import PollState, SourceReport
from digest.store.connections import Family
from digest.store.rows.records import POLLS
from digest.store.rows.scalars import stamp
from digest.store.rows.sources import report_columns, to_report


class Sources(Family):
    """What is known of each source between runs, in SQLite."""

    def cursor(self, source: str) -> str | None:
        """The source's cursor, None before the first complete run."""
        row = self._connections.row("SELECT cursor FROM sources WHERE name = ?", (source,))
        return None if row is None else row["cursor"]

    def set_cursor(self, source: str, cursor: str) -> None:
        """Keep the cursor of a complete run."""
        self._connections.run(
            """
            INSERT INTO sources (name, cursor) VALUES (?, ?)
            ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor
            """,
            (source, cursor),
        )

    def poll_states(self, source: str | None = None) -> list[PollState]:
        """Poll states of one source, or of all, by source and URL."""
        rows = self._connections.rows(
            "SELECT * FROM polls WHERE ?1 IS NULL OR source = ?1 ORDER BY source, url", (source,)
        )
        return [POLLS.read(row) for row in rows]

    def save_polls(self, states: Sequence[PollState]) -> None:
        """Keep what was learned from a batch of polls, in one transaction."""
        with self._connections.write() as connection:
            connection.executemany(POLLS.replace, map(POLLS.columns, states))

    def add_reports(self, reports: Sequence[SourceReport]) -> None:
        """Append lines to the run log."""
        with self._connections.write() as connection:
            connection.executemany(
                "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                map(report_columns, reports),
            )

    def reports(self, *, since: datetime) -> list[SourceReport]:
        """Lines of the run log at or after `since`, oldest first."""
        rows = self._connections.rows(
            "SELECT * FROM runs WHERE at >= ? ORDER BY at, rowid", (stamp(since),)
        )
        return [to_report(row) for row in rows]
