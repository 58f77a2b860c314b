"""Connections to one SQLite file, handed to one thread at a time.

A pool rather than a connection a thread: web servers let threads come and go, and a connection
that dies with its thread would leave the file open until the garbage collector finds it.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from digest.errors import ConfigError
from digest.store.failures import mapped

MOST_IDLE = 8
WIPING_SECONDS = 0.2

# FULL makes a commit survive a power cut: what a mail server accepted must never be forgotten.
# `secure_delete` overwrites deleted rows with zeros, so that erased people leave no trace in the file.
SET_UP = (
    "PRAGMA synchronous = FULL",
    "PRAGMA secure_delete = ON",
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16000",
    "PRAGMA journal_size_limit = 67108864",
)


class Connections:
    """Reading and writing transactions on one database file, from any number of threads.

    `timeout` (seconds) is how long a transaction waits for another process before StoreBusy.
    """

    def __init__(self, path: Path, *, timeout: float) -> None:
        self.path = path
        self._timeout = timeout
        self._opened: os.stat_result | None = None
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One consistent view of the database for the whole block."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def write(self, *, patience: float | None = None) -> Iterator[sqlite3.Connection]:
        """One transaction: all of the block is kept, or nothing if it raises.

        IMMEDIATE, because a reader that turns writer half-way can fail with the work half done.
        `patience` (seconds) is how long to wait for other writers, by default `timeout`. Raises
        ConfigError when the file has been moved or replaced since it was opened.
        """
        self._check_unmoved()
        with self._transaction("BEGIN IMMEDIATE", patience=patience) as connection:
            yield connection

    @contextmanager
    def plain(self) -> Iterator[sqlite3.Connection]:
        """A connection outside any transaction."""
        with mapped(self.path):
            connection = self._take()
            try:
                yield connection
            finally:
                self._give_back(connection)

    def row(self, select: str, parameters: Sequence[object] = ()) -> sqlite3.Row | None:
        """The first row of one SELECT; None for no rows."""
        # Without `plain`, which takes as long as the SELECT: this is asked for every message.
        try:
            connection = self._take()
            try:
                row: sqlite3.Row | None = connection.execute(select, parameters).fetchone()
            finally:
                self._give_back(connection)
        except (sqlite3.Error, UnicodeEncodeError, OverflowError):
            with mapped(self.path):
                raise
        return row

    def rows(self, select: str, parameters: Sequence[object] = ()) -> list[Any]:
        """All rows of one SELECT, which sees one state of the database without a transaction."""
        with self.plain() as connection:
            return connection.execute(select, parameters).fetchall()

    def run(self, statement: str, parameters: Sequence[object] = ()) -> int:
        """Carry out one statement in a writing transaction; returns how many rows it wrote."""
        with self.write() as connection:
            return connection.execute(statement, parameters).rowcount

    def wipe_log(self) -> None:
        """Empty the write-ahead log, which still holds deleted rows, unless somebody reads it."""
        with self.plain() as connection, self._waiting(connection, WIPING_SECONDS):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def close(self) -> None:
        """Close every connection that is not in use; safe to call twice."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def _transaction(
        self, begin: str, *, patience: float | None = None
    ) -> Iterator[sqlite3.Connection]:
        with self.plain() as connection:
            with self._waiting(connection, patience):
                connection.execute(begin)
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _waiting(self, connection: sqlite3.Connection, seconds: float | None) -> Iterator[None]:
        """Wait this long for a lock within the block; None changes nothing."""
        if seconds is None:
            yield
            return
        connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
        try:
            yield
        finally:
            connection.execute(f"PRAGMA busy_timeout = {int(self._timeout * 1000)}")

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if len(self._idle) < MOST_IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def _check_unmoved(self) -> None:
        """Raise ConfigError if the path no longer names the file that was opened.

        What is then written would be lost; SQLite does not notice when there is a write-ahead log.
        """
        if self._opened is None:
            return
        try:
            unmoved = os.path.samestat(self._opened, self.path.stat())
        except OSError:
            unmoved = False
        if not unmoved:
            raise ConfigError(
                f"The database at {self.path} is not the one that was opened: it was moved or "
                "replaced. Stop all that runs on it, and start again.",
                subject=str(self.path),
            )

    def _connect(self) -> sqlite3.Connection:
        self._check_unmoved()
        if not self.path.exists():
            _create_private(self.path)
        connection = sqlite3.connect(
            self.path,
            timeout=self._timeout,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        try:
            connection.row_factory = sqlite3.Row
            self._use_wal(connection)
            for statement in SET_UP:
                connection.execute(statement)
            if self._opened is None:
                self._opened = self.path.stat()
        except BaseException:
            connection.close()
            raise
        return connection

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        """Switch to WAL, waiting for the lock on a first start, which SQLite does not do here."""
        pauses = int(self._timeout / 0.05)
        while True:
            try:
                mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or pauses <= 0:
                    raise
                pauses -= 1
                time.sleep(0.05)
            else:
                break
        if mode != "wal":
            raise ConfigError(
                f"The database {self.path} cannot use write-ahead logging; put it on a local disk.",
                subject=str(self.path),
            )


class Family:
    """The base of each part of the store: a family of tables on shared connections."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections


def _create_private(path: Path) -> None:
    """Make the file readable by its owner only: it holds addresses and the keys of links."""
    try:
        path.touch(mode=0o600)
    except OSError as error:
        raise ConfigError(
            f"The database {path} cannot be made: {error.strerror}.", subject=str(path)
        ) from error
