"""What ranking learned: what `digest.ports.SpaceStore` asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from sqlite3 import Connection

from digest.model import OPINIONS, Interest, Paper, Profile
from digest.ports import Learned
from digest.store import changes, loading, pruning
from digest.store.connections import Family
from digest.store.interests import by_subscriber
from digest.store.rows.records import Record
from digest.store.rows.scalars import listed, stamp

BLOCK = 1_000
MOST_ROWS = 5_000
EMBEDDERS = "embedder:"

# By the day they were first announced, papers that never were last; one index covers the query.
NEWEST = """
SELECT number FROM papers ORDER BY first_announced DESC, number DESC LIMIT :among
"""
LACKING = f"""
SELECT number FROM ({NEWEST}) AS n
WHERE NOT EXISTS (SELECT 1 FROM vectors AS v WHERE v.number = n.number AND v.space = :space)
LIMIT :limit
"""  # noqa: S608 - constants of this module
WAITING = f"""
SELECT (SELECT count(*) FROM ({LACKING})), (SELECT count(*) FROM ({NEWEST}))
"""  # noqa: S608 - the same
OF_PAPERS = """
SELECT p.id, v.vector FROM papers AS p JOIN vectors AS v ON v.number = p.number AND v.space = ?
WHERE p.id IN (SELECT value FROM json_each(?))
"""
OF_NUMBERS = """
SELECT p.id, v.vector FROM json_each(?2) AS n
CROSS JOIN vectors AS v ON v.number = n.value AND v.space = ?1
CROSS JOIN papers AS p ON p.number = v.number ORDER BY n.key LIMIT ?3
"""
OUTDATED = """
DELETE FROM vectors WHERE rowid IN (
    SELECT rowid FROM vectors WHERE space <> ? AND substr(space, 1, ?) <> ? LIMIT ?
)
"""
BY_NAME = """
SELECT k.key, v.vector FROM json_each(?2) AS n
CROSS JOIN identifiers AS k ON k.key = n.value
CROSS JOIN papers AS p ON p.id = k.paper_id
CROSS JOIN vectors AS v ON v.number = p.number AND v.space = ?1
"""
PUT_TASTE = """
INSERT INTO tastes (subscriber_id, space, liking, disliking) VALUES (?, ?, ?, ?)
ON CONFLICT (subscriber_id, space) DO UPDATE
SET liking = excluded.liking, disliking = excluded.disliking
"""
LEARNED = Record(Learned, "spaces", at="learned_at")
STALE = "space NOT IN (SELECT value FROM json_each(?))"


class Spaces(Family):
    """The learned space and vectors of papers, in SQLite."""

    def name(self) -> str:
        """The name of the space that is kept, empty before there is one."""
        row = self._connections.row("SELECT name FROM spaces")
        return "" if row is None else str(row["name"])

    def learned(self) -> Learned | None:
        """What the space that is kept was learned from, and when."""
        row = self._connections.row(
            "SELECT name, papers, archive, dimensions, learned_at FROM spaces"
        )
        return None if row is None else LEARNED.read(row)

    def size(self) -> int:
        """How many papers the archive holds."""
        return int(self._connections.rows("SELECT count(*) FROM papers")[0][0])

    def load(self) -> bytes | None:
        """The space that is kept."""
        row = self._connections.row("SELECT content FROM spaces")
        return None if row is None else bytes(row["content"])

    def keep(
        self,
        name: str,
        content: bytes,
        now: datetime,
        *,
        papers: int = 0,
        dimensions: int = 0,
    ) -> None:
        """Keep this space in place of the last, whose vectors are deleted; an embedder's stay."""
        with self._connections.write() as connection:
            connection.execute("DELETE FROM spaces")
            connection.execute(
                """
                INSERT INTO spaces (name, papers, archive, dimensions, learned_at, content)
                VALUES (?, ?, (SELECT count(*) FROM papers), ?, ?, ?)
                """,
                (name, papers, dimensions, stamp(now), content),
            )
            changes.mark(connection, changes.VECTORS)
        # In transactions of their own, as nobody asks for the vectors of a space that is gone.
        values = (name, len(EMBEDDERS), EMBEDDERS, MOST_ROWS)
        while self._connections.run(OUTDATED, values) == MOST_ROWS:
            pass

    def changed(self) -> str:
        """A token that changes with the space that is kept, and with its vectors."""
        with self._connections.plain() as connection:
            return changes.token(connection, changes.VECTORS)

    def vectors(self, name: str, paper_ids: Iterable[str]) -> dict[str, bytes]:
        """The vectors of these papers in a space, as far as there are any."""
        return dict(self._connections.rows(OF_PAPERS, (name, listed(paper_ids))))

    def lying(self, name: str, keys: Iterable[str]) -> dict[str, bytes]:
        """The vectors of the papers that these keys name, by key, as far as there are any."""
        return dict(self._connections.rows(BY_NAME, (name, listed(keys))))

    def tastes(self, name: str, subscriber_ids: Iterable[str]) -> dict[str, tuple[bytes, ...]]:
        """What a ranker keeps under this name about these people, as far as it is still valid."""
        rows = self._connections.rows(
            """
            SELECT subscriber_id, liking, disliking FROM tastes
            WHERE subscriber_id IN (SELECT value FROM json_each(?)) AND space = ?
            """,
            (listed(subscriber_ids), name),
        )
        return {subscriber_id: (liking, disliking) for subscriber_id, liking, disliking in rows}

    def keep_tastes(
        self, name: str, tastes: Mapping[str, tuple[bytes, ...]], profiles: Iterable[Profile]
    ) -> None:
        """Keep what a ranker made of these profiles, unless their opinions have changed since."""
        said = {each.subscriber_id: _opinions(each.interests) for each in profiles}
        with self._connections.write() as connection:
            found = by_subscriber(connection, said)
            connection.executemany(
                PUT_TASTE,
                (
                    (each, name, *tastes[each])
                    for each, opinions in said.items()
                    if opinions == _opinions(found[each])
                ),
            )

    def forget_tastes(self, names: Iterable[str]) -> int:
        """Forget what is kept under other names, in short transactions; returns how many rows."""
        return pruning.delete(self._connections, "tastes", "rowid", STALE, listed(names))

    def newest(self, name: str, *, limit: int) -> Iterator[tuple[str, bytes]]:
        """The vectors of the newest papers that have one, newest first, with their ids.

        Reads block by block without a transaction in between.
        """
        left = limit
        for block in self._newest(-1):
            if left <= 0:
                return
            found = self._connections.rows(OF_NUMBERS, (name, listed(block), left))
            left -= len(found)
            yield from ((row["id"], row["vector"]) for row in found)

    def put(self, name: str, vectors: Mapping[str, bytes]) -> None:
        """Keep vectors, in one transaction; those of papers that are gone are ignored."""
        with self._connections.write() as connection:
            connection.executemany(
                """
                INSERT INTO vectors (number, space, vector)
                SELECT number, ?1, ?2 FROM papers WHERE id = ?3
                ON CONFLICT (number, space) DO UPDATE SET vector = excluded.vector
                """,
                ((name, vector, paper_id) for paper_id, vector in vectors.items()),
            )
            if connection.execute("SELECT 1 FROM spaces WHERE name = ?", (name,)).fetchone():
                changes.mark(connection, changes.VECTORS)

    def lacking(self, name: str, *, limit: int, among: int = -1) -> list[Paper]:
        """The newest papers without a vector in this space, of the `among` newest (-1: of all)."""
        with self._connections.read() as connection:
            rows = connection.execute(LACKING, {"space": name, "limit": limit, "among": among})
            return _papers(connection, [number for (number,) in rows])

    def waiting(self, name: str, *, among: int) -> tuple[int, int]:
        """Of so many of the newest papers, how many lack a vector in this space, and of how many."""
        with self._connections.plain() as connection:
            values = {"space": name, "limit": -1, "among": among}
            lacking, papers = connection.execute(WAITING, values).fetchone()
        return int(lacking), int(papers)

    def archive(self, *, limit: int) -> Iterator[Paper]:
        """The newest papers, newest first: by the day they were first announced.

        Reads block by block without a transaction in between; holds one number per paper in memory.
        """
        for block in self._newest(limit):
            with self._connections.read() as connection:
                found = _papers(connection, block)
            yield from found

    def _newest(self, limit: int) -> Iterator[list[int]]:
        """The numbers of the newest papers, newest first, in blocks."""
        with self._connections.plain() as connection:
            rows = connection.execute(NEWEST, {"among": limit})
            numbers = [number for (number,) in rows]
        for start in range(0, len(numbers), BLOCK):
            yield numbers[start : start + BLOCK]


def _opinions(interests: Iterable[Interest]) -> set[Interest]:
    """The opinions on papers, weights included: saving a liked paper makes its like weigh more."""
    return {each for each in interests if each.kind in OPINIONS}


def _papers(connection: Connection, numbers: list[int]) -> list[Paper]:
    """The papers with these numbers, in the order given; those that are gone are left out."""
    ids = connection.execute(
        """
        SELECT p.id FROM json_each(?) AS n CROSS JOIN papers AS p ON p.number = n.value
        ORDER BY n.key
        """,
        (listed(numbers),),
    )
    return list(loading.papers(connection, (row["id"] for row in ids.fetchall())).values())
