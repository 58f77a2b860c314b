"""A token that tells whether what everyone can read may have changed, for caches and ETags."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from sqlite3 import Connection


def token(connection: Connection) -> str:
    """The token as it stands."""
    row = connection.execute("SELECT token FROM changes WHERE what = 'public'").fetchone()
    return str(row["token"])


def mark(connection: Connection) -> None:
    """Give out another token; random, so that a restored backup never repeats one."""
    connection.execute("UPDATE changes SET token = lower(hex(randomblob(8))) WHERE what = 'public'")


@contextmanager
def marked(connection: Connection) -> Iterator[None]:
    """Give out another token if anything was written inside the block."""
    before = connection.total_changes
    yield
    if connection.total_changes != before:
        mark(connection)
