"""Reading papers with their announcements and signals, within the caller's transaction.

Ids and keys come as the JSON list that `rows.listed` makes.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from sqlite3 import Connection
from typing import TypeVar

from digest.model import Announcement, Paper, Signal
from digest.store.rows.papers import to_paper
from digest.store.rows.records import ANNOUNCEMENTS, LINKS, SIGNALS, Record
from digest.store.rows.scalars import listed

T = TypeVar("T")


def owners(connection: Connection, keys: str) -> dict[str, str]:
    """The ids of the papers that these keys name, by key; unknown keys are left out."""
    found = dict(
        connection.execute(
            "SELECT key, paper_id FROM identifiers WHERE key IN (SELECT value FROM json_each(?))",
            (keys,),
        ).fetchall()
    )
    return {key: found[key] for key in json.loads(keys) if key in found}


def owner(connection: Connection, key: str) -> str:
    """The id of the paper that a key names; an unknown key as it is."""
    return owners(connection, listed([key])).get(key, key)


def papers(connection: Connection, ids: Iterable[str]) -> dict[str, Paper]:
    """The stored papers with exactly these ids, in the order asked; identifiers are sorted."""
    wanted = listed(ids)
    authors = _children(connection, "name", "authors", "position", wanted)
    categories = _children(connection, "category", "categories", "position", wanted)
    identifiers = _children(connection, "key", "identifiers", "key", wanted)
    links = _by_paper(connection, LINKS, "links", "position", wanted)
    found = {
        row["id"]: to_paper(
            row,
            authors=authors[row["id"]],
            categories=categories[row["id"]],
            links=links.get(row["id"], ()),
            identifiers=identifiers[row["id"]],
        )
        for row in connection.execute(
            "SELECT * FROM papers WHERE id IN (SELECT value FROM json_each(?))", (wanted,)
        )
    }
    return {each: found[each] for each in json.loads(wanted) if each in found}


def announcements(connection: Connection, ids: str) -> dict[str, list[Announcement]]:
    """Every announcement of each paper, oldest first."""
    return _by_paper(connection, ANNOUNCEMENTS, "announcements", "seen_at, day, source, feed", ids)


def signals(connection: Connection, ids: str) -> dict[str, list[Signal]]:
    """Community signals by paper."""
    return _by_paper(connection, SIGNALS, "signals", "source, kind", ids)


def _by_paper(
    connection: Connection, record: Record[T], table: str, order: str, ids: str
) -> dict[str, list[T]]:
    """The rows of a table about papers, by paper."""
    found: defaultdict[str, list[T]] = defaultdict(list)
    for row in connection.execute(
        f"""
        SELECT * FROM {table} WHERE paper_id IN (SELECT value FROM json_each(?))
        ORDER BY paper_id, {order}
        """,  # noqa: S608 - names from the calls above
        (ids,),
    ):
        found[row["paper_id"]].append(record.read(row))
    return dict(found)


def _children(
    connection: Connection, column: str, table: str, order: str, wanted: str
) -> defaultdict[str, list[str]]:
    """One text column of a child table, by paper."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for paper_id, value in connection.execute(
        f"""
        SELECT paper_id, {column} FROM {table}
        WHERE paper_id IN (SELECT value FROM json_each(?)) ORDER BY paper_id, {order}
        """,  # noqa: S608 - names from the calls above
        (wanted,),
    ):
        found[paper_id].append(value)
    return found
