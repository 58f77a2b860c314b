"""Tokens that change with what they stand for: public pages, votes, vectors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from sqlite3 import Connection

PUBLIC = "public"
VECTORS = "vectors"
VOTES = "votes"


def token(connection: Connection, what: str = PUBLIC) -> str:
    """The present token, empty before the first change."""
    row = connection.execute("SELECT token FROM changes WHERE what = ?", (what,)).fetchone()
    return "" if row is None else str(row["token"])


def mark(connection: Connection, what: str = PUBLIC) -> None:
    """Change the token; it is random, so that a restored backup never repeats one."""
    connection.execute(
        "INSERT OR REPLACE INTO changes (what, token) VALUES (?, lower(hex(randomblob(8))))",
        (what,),
    )


@contextmanager
def marked(connection: Connection, what: str = PUBLIC) -> Iterator[None]:
    """Change the token if anything was written inside the block."""
    before = connection.total_changes
    yield
    if connection.total_changes != before:
        mark(connection, what)
