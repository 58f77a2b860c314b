"""Papers, announcements and signals: what `digest.ports.PaperStore` asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from digest.model import Announcement, Item, Paper, Signal
from digest.ports import Ingested
from digest.store import ingest, loading, search
from digest.store.connections import Connections
from digest.store.rows import listed, stamp, to_announcement, to_signal

# A title weighs ten times, an author four times what the abstract does.
BM25 = "bm25(papers_fts, 10.0, 1.0, 4.0)"


class Papers:
    """Papers, their identities, announcements and signals, in SQLite."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def ingest(self, items: Sequence[Item]) -> Ingested:
        """Store items, each joined to the paper it already is; a second time changes nothing.

        Items go in transactions of bounded size.
        """
        total = Ingested()
        for start in range(0, len(items), ingest.MOST_ITEMS):
            with self._connections.write() as connection:
                part = ingest.ingest(connection, items[start : start + ingest.MOST_ITEMS])
            total = Ingested(
                read=total.read + part.read,
                papers=total.papers + part.papers,
                merged=total.merged + part.merged,
                announced=total.announced + part.announced,
            )
        return total

    def get(self, ids: Iterable[str]) -> dict[str, Paper]:
        """The papers with these ids or other identifiers, under the name they were asked by."""
        asked = listed(ids)
        with self._connections.read() as connection:
            owners = loading.owners(connection, asked)
            papers = loading.papers(connection, owners.values())
        return {key: papers[owner] for key, owner in owners.items()}

    def announced(self, since: datetime, until: datetime) -> list[tuple[Paper, Announcement]]:
        """Papers with a new or cross announcement seen in (since, until], by the time of it.

        One row a paper: the announcement of the earliest list day, `new` before `cross`.
        """
        with self._connections.read() as connection:
            found = connection.execute(
                # 'new' sorts after 'cross', hence DESC.
                """
                SELECT * FROM (
                    SELECT *, row_number() OVER (
                        PARTITION BY paper_id ORDER BY day, type DESC, seen_at, source, feed
                    ) AS place
                    FROM announcements
                    WHERE type IN ('new', 'cross') AND seen_at > ? AND seen_at <= ?
                ) WHERE place = 1 ORDER BY seen_at, paper_id
                """,
                (stamp(since), stamp(until)),
            ).fetchall()
            papers = loading.papers(connection, (row["paper_id"] for row in found))
        return [(papers[row["paper_id"]], to_announcement(row)) for row in found]

    def announcements(self, paper_ids: Iterable[str]) -> dict[str, list[Announcement]]:
        """Every announcement of each paper, oldest first."""
        with self._connections.read() as connection:
            return loading.announcements(connection, listed(paper_ids))

    def signals(self, paper_ids: Iterable[str]) -> dict[str, list[Signal]]:
        """Community signals by paper."""
        with self._connections.read() as connection:
            return loading.signals(connection, listed(paper_ids))

    def signalled(self, since: datetime) -> list[Signal]:
        """Signals seen at or after `since`, oldest first."""
        with self._connections.read() as connection:
            return [
                to_signal(row)
                for row in connection.execute(
                    "SELECT * FROM signals WHERE seen_at >= ? ORDER BY seen_at, paper_id, kind",
                    (stamp(since),),
                )
            ]

    def set_trending(self, scores: Mapping[str, float]) -> None:
        """Keep hot scores; papers not named keep none."""
        with self._connections.write() as connection:
            connection.execute(
                """
                UPDATE papers SET trending = NULL
                WHERE trending IS NOT NULL AND id NOT IN (SELECT value FROM json_each(?))
                """,
                (listed(scores),),
            )
            connection.executemany(
                "UPDATE papers SET trending = ?1 WHERE id = ?2 AND trending IS NOT ?1",
                ((score, paper_id) for paper_id, score in scores.items()),
            )

    def trending(self, ids: Iterable[str] | None = None, *, limit: int = 100) -> dict[str, float]:
        """Stored hot scores, highest first: of these papers, or the highest `limit` of all."""
        with self._connections.read() as connection:
            if ids is None:
                rows = connection.execute(
                    """
                    SELECT id, trending FROM papers WHERE trending IS NOT NULL
                    ORDER BY trending DESC, id LIMIT ?
                    """,
                    (limit,),
                )
            else:
                rows = connection.execute(
                    """
                    SELECT id, trending FROM papers
                    WHERE trending IS NOT NULL AND id IN (SELECT value FROM json_each(?))
                    ORDER BY trending DESC, id
                    """,
                    (listed(ids),),
                )
            return {row["id"]: row["trending"] for row in rows}

    def in_categories(
        self, categories: Sequence[str], *, since: datetime, limit: int
    ) -> list[tuple[Paper, Announcement]]:
        """Papers with any of the categories, announced at or after `since`, newest first.

        None given: all papers. An archive stands for all of its categories: `cs` for `cs.*`.
        A paper is dated by its earliest new or cross announcement; ties go by id.
        """
        wanted = listed(categories)
        with self._connections.read() as connection:
            ids = [
                row["id"]
                for row in connection.execute(
                    """
                    SELECT p.id FROM papers AS p WHERE p.first_announced >= ?1 AND (
                        json_array_length(?2) = 0 OR EXISTS (
                            SELECT 1 FROM categories AS c JOIN json_each(?2) AS w
                            WHERE c.paper_id = p.id AND (
                                c.category = w.value OR instr(c.category, w.value || '.') = 1
                            )
                        )
                    ) ORDER BY p.first_announced DESC, p.id LIMIT ?3
                    """,
                    (stamp(since), wanted, limit),
                )
            ]
            papers = loading.papers(connection, ids)
            announced = loading.announcements(connection, listed(ids))
        return [(papers[each], _first(announced[each])) for each in ids]

    def categories(self, since: datetime) -> dict[str, int]:
        """Categories of papers first announced at or after `since`, with the number of papers."""
        with self._connections.read() as connection:
            return {
                row["category"]: row["papers"]
                for row in connection.execute(
                    """
                    SELECT c.category, count(*) AS papers
                    FROM papers AS p JOIN categories AS c ON c.paper_id = p.id
                    WHERE p.first_announced >= ? GROUP BY c.category ORDER BY c.category
                    """,
                    (stamp(since),),
                )
            }

    def daily_counts(
        self, categories: Sequence[str], *, since: datetime, before: date
    ) -> dict[str, dict[date, int]]:
        """Papers with a new or cross announcement by category and list day, for days `before`."""
        counts: dict[str, dict[date, int]] = {}
        with self._connections.read() as connection:
            for row in connection.execute(
                """
                SELECT c.category, a.day, count(DISTINCT a.paper_id) AS papers
                FROM announcements AS a JOIN categories AS c ON c.paper_id = a.paper_id
                WHERE a.seen_at >= ? AND a.day < ? AND a.type IN ('new', 'cross')
                    AND c.category IN (SELECT value FROM json_each(?))
                GROUP BY c.category, a.day ORDER BY c.category, a.day
                """,
                (stamp(since), before.isoformat(), listed(categories)),
            ):
                days = counts.setdefault(row["category"], {})
                days[date.fromisoformat(row["day"])] = row["papers"]
        return counts

    def search(self, query: str, *, limit: int) -> list[tuple[Paper, float]]:
        """Full-text search by BM25, best first, scores positive; any text is a valid query.

        All terms must occur; when no paper has them all, any of them will do. Understands
        `"a phrase"` and `prefix*`.
        """
        with self._connections.read() as connection:
            for expression in search.expressions(query):
                found = connection.execute(
                    f"""
                    SELECT p.id, -{BM25} AS score
                    FROM papers_fts JOIN papers AS p ON p.number = papers_fts.rowid
                    WHERE papers_fts MATCH ? ORDER BY score DESC, p.id LIMIT ?
                    """,  # noqa: S608 - a constant
                    (expression, limit),
                ).fetchall()
                if found:
                    papers = loading.papers(connection, (row["id"] for row in found))
                    return [(papers[row["id"]], row["score"]) for row in found]
        return []


def _first(announcements: Sequence[Announcement]) -> Announcement:
    """The first new or cross announcement: of the earliest list day, `new` before `cross`."""
    firsts = [each for each in announcements if each.type.is_first]
    return min(firsts, key=lambda each: (each.day, each.type != "new", each.seen_at))
