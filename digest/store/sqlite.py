"""The store: one SQLite file, a class a table family, and what concerns the whole file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlite_utils import Database

from digest.errors import ConfigError
from digest.store.community import Community
from digest.store.connections import Connections
from digest.store.failures import writing
from digest.store.feedback import FeedbackLog
from digest.store.ledger import Ledger
from digest.store.migrations import NAMES, migrations
from digest.store.pace import Paces
from digest.store.papers import Papers
from digest.store.post import Post
from digest.store.pruning import (
    LOGS,
    prune_digests,
    prune_evidence,
    prune_log,
    prune_papers,
    prune_polls,
)
from digest.store.rows.scalars import stamp
from digest.store.sources import Sources
from digest.store.spaces import Spaces
from digest.store.subscribers import Subscribers

SKEW = timedelta(minutes=5)  # how far two clocks may differ
MIGRATING_SECONDS = 3_600  # a migration of a large database may take minutes

TABLES = (
    "papers", "announcements", "signals", "subscribers", "interests", "digests", "deliveries",
    "runs", "feedback", "votes", "submissions", "letters", "evidence", "suppressions",
)  # fmt: skip
COUNTS = {each: f"SELECT count(*) FROM {each}" for each in TABLES} | {  # noqa: S608 - constants
    "letters": "SELECT count(*) FROM letters WHERE due_at IS NOT NULL",
    # Each edition counts its own: five million would be a gigabyte to read.
    "digests": "SELECT coalesce(sum(digests), 0) FROM editions",
}


def open_store(path: Path, *, timeout: float = 10.0) -> SqliteStore:
    """Open the database at `path`, making an empty file if there is none; `migrate` comes next.

    `timeout` (seconds) is how long a transaction waits for another process before StoreBusy.
    Raises ConfigError when the file is no database, cannot be used, or is from a newer version.
    """
    store = SqliteStore(path, timeout=timeout)
    store.check()
    return store


class SqliteStore:
    """Everything Digest remembers, in one file; safe to share between threads and processes.

    Connects when first used. Every method raises StoreBusy when another process locks the
    database for longer than `timeout`, and ConfigError when the operator must fix something.
    """

    def __init__(self, path: Path, *, timeout: float = 10.0) -> None:
        self.path = path
        self._connections = Connections(path, timeout=timeout)
        self.papers = Papers(self._connections)
        self.sources = Sources(self._connections)
        self.subscribers = Subscribers(self._connections)
        self.ledger = Ledger(self._connections)
        self.feedback = FeedbackLog(self._connections)
        self.community = Community(self._connections)
        self.post = Post(self._connections)
        self.pace = Paces(self._connections)
        self.spaces = Spaces(self._connections)

    def check(self) -> None:
        """Raise ConfigError unless this is a database that this version can use."""
        with self._connections.read() as connection:
            self._refuse_newer(Database(connection))

    def migrate(self) -> list[str]:
        """Bring the schema up to date; returns the names of the migrations applied.

        Processes that start together take turns, as all of it is one transaction; a file that is
        up to date is only read. Raises ConfigError for a database that is not Digest's, or newer.
        """
        with self._connections.read() as connection:
            if not self._pending(Database(connection)):
                return []
        with self._connections.write(patience=MIGRATING_SECONDS) as connection:
            db = Database(connection)
            pending = self._pending(db)
            if pending:
                migrations.apply(db)
        return pending

    def _pending(self, db: Database) -> list[str]:
        self._refuse_newer(db)
        tables = db.table_names()
        if tables and migrations.migrations_table not in tables:
            raise ConfigError(
                f"{self.path} is the database of another program (it has a table {tables[0]!r}); "
                "name another file.",
                subject=str(self.path),
            )
        return [each.name for each in migrations.pending(db)]

    def counts(self) -> dict[str, int]:
        """Rows of the main tables; of letters, those not yet sent."""
        with self._connections.read() as connection:
            return {name: connection.execute(count).fetchone()[0] for name, count in COUNTS.items()}

    def try_to_write(self) -> None:
        """Raise ConfigError unless the database can be written; nothing is written."""
        with self._connections.write(patience=0) as connection:
            # BEGIN IMMEDIATE succeeds on a read-only file; a statement that writes does not.
            connection.execute("DELETE FROM leases WHERE name IS NULL")

    def lease(self, name: str, *, owner: str, now: datetime, seconds: float) -> bool:
        """Take or renew a named lease; False while another owner holds it.

        A lease that ends too far ahead was taken by a clock that was wrong, and does not count.
        """
        until = now + timedelta(seconds=seconds)
        taken = self._connections.run(
            """
            INSERT INTO leases (name, owner, until) VALUES (?1, ?2, ?3)
            ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until
            WHERE owner = excluded.owner OR until <= ?4 OR until > ?5
            """,
            (name, owner, stamp(until), stamp(now), stamp(until + SKEW)),
        )
        return taken == 1

    def leased(self, name: str, *, now: datetime, seconds: float) -> bool:
        """Whether anybody holds a named lease, which lasts for at most so many seconds."""
        latest = now + timedelta(seconds=seconds) + SKEW
        found = self._connections.row(
            "SELECT 1 FROM leases WHERE name = ? AND until > ? AND until <= ?",
            (name, stamp(now), stamp(latest)),
        )
        return found is not None

    def unlease(self, name: str, *, owner: str) -> None:
        """Give a named lease back, if this owner holds it."""
        self._connections.run("DELETE FROM leases WHERE name = ? AND owner = ?", (name, owner))

    def prune(
        self,
        *,
        papers_before: date,
        logs_before: datetime,
        evidence_before: datetime | None = None,
        soft_before: datetime | None = None,
        digests_before: date | None = None,
    ) -> dict[str, int]:
        """Delete what policy no longer keeps; returns deleted rows by table."""
        deleted: dict[str, int] = {}
        if digests_before is not None:
            deleted["digests"] = prune_digests(self._connections, digests_before)
        deleted["papers"] = prune_papers(self._connections, papers_before)
        deleted["polls"] = prune_polls(self._connections, logs_before)
        for table in LOGS:
            deleted[table] = prune_log(self._connections, table, logs_before)
        if evidence_before is not None:
            deleted["evidence"] = prune_evidence(
                self._connections, evidence_before, soft_before=soft_before or evidence_before
            )
        self._connections.wipe_log()
        return deleted

    def backup(self, to: Path) -> None:
        """Copy the live database to one new file, consistently, while others go on.

        The copy appears under its name only when it is whole. Raises ConfigError when it cannot
        be written.
        """
        partial = to.with_name(f"{to.name}.partial")
        try:
            partial.unlink(missing_ok=True)
            partial.touch(mode=0o600)
            with (
                self._connections.plain() as connection,
                writing(to),
                closing(sqlite3.connect(partial)) as copy,
            ):
                connection.backup(copy)
                # One file, without a write-ahead log beside it.
                copy.execute("PRAGMA journal_mode = DELETE")
            partial.replace(to)
        except OSError as error:
            raise ConfigError(
                f"The backup {to} cannot be written: {error.strerror}.", subject=str(to)
            ) from error
        finally:
            partial.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._connections.close()

    def _refuse_newer(self, db: Database) -> None:
        unknown = [each.name for each in migrations.applied(db) if each.name not in NAMES]
        if unknown:
            raise ConfigError(
                f"The database {self.path} was made by a newer version of Digest "
                f"(it has {unknown[-1]}); upgrade Digest, or restore a backup.",
                subject=str(self.path),
            )
