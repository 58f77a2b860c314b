"""Papers, announcements and signals: what `digest.ports.PaperStore` asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from digest.model import Announcement, Item, Paper, Signal
from digest.ports import Entered, Ingested, Within
from digest.store import authorship, changes, entering, finding, ingest, loading
from digest.store.connections import Family
from digest.store.rows.records import ANNOUNCEMENTS, SIGNALS
from digest.store.rows.scalars import listed, stamp

# Day by day, since counting a range of the index takes a tenth of the time of grouping by day.
# "U" is the letter after the "T" of a stamp. Days before the first and after the last are left out.
COUNT_DAYS = """
WITH RECURSIVE
    ends AS (
        SELECT max(?1, (SELECT substr(min(first_announced), 1, 10) FROM papers)) AS first,
            min(?2, (SELECT substr(max(first_announced), 1, 10) FROM papers)) AS last
    ),
    days AS (
        SELECT first AS day FROM ends WHERE first <= last
        UNION ALL SELECT date(day, '+1 day') FROM days WHERE day < (SELECT last FROM ends)
    ),
    counts AS MATERIALIZED (
        SELECT day, (
            SELECT count(*) FROM papers
            WHERE first_announced >= day AND first_announced < day || 'U'
        ) AS papers FROM days
    )
SELECT day, papers FROM counts WHERE papers > 0
"""

# Without CROSS, SQLite reads every paper that was ever in these categories. With the plus, it looks
# up the categories of each paper instead of every wanted category for each paper.
DAILY_COUNTS = """
SELECT c.category, a.day, count(DISTINCT a.paper_id) AS papers
FROM announcements AS a CROSS JOIN categories AS c ON c.paper_id = a.paper_id
WHERE a.seen_at >= ? AND a.day < ? AND a.type IN ('new', 'cross')
    AND +c.category IN (SELECT value FROM json_each(?))
GROUP BY c.category, a.day ORDER BY c.category, a.day
"""

TRENDING = """
SELECT id, trending FROM papers WHERE trending IS NOT NULL {among}
ORDER BY trending DESC, id LIMIT ?1
"""
AMONG = "AND id IN (SELECT value FROM json_each(?2))"

# Without the plus, SQLite groups by the primary key and reads every vote that was ever given.
VOTED = """
SELECT paper_id, count(*) AS votes FROM votes WHERE at >= ?
GROUP BY +paper_id ORDER BY votes DESC, max(at) DESC, paper_id LIMIT ?
"""


class Papers(Family):
    """Papers, their identities, announcements and signals, in SQLite."""

    def ingest(self, items: Sequence[Item]) -> Ingested:
        """Store items in transactions of bounded size, merging each with its stored paper."""
        total = Ingested()
        for start in range(0, len(items), ingest.MOST_ITEMS):
            with self._connections.write() as connection, changes.marked(connection):
                part = ingest.ingest(connection, items[start : start + ingest.MOST_ITEMS])
            total = Ingested(
                read=total.read + part.read,
                papers=total.papers + part.papers,
                merged=total.merged + part.merged,
                announced=total.announced + part.announced,
            )
        return total

    def get(self, ids: Iterable[str]) -> dict[str, Paper]:
        """The papers with these ids or other identifiers, by the key they were asked for."""
        asked = listed(ids)
        with self._connections.read() as connection:
            owners = loading.owners(connection, asked)
            papers = loading.papers(connection, owners.values())
        return {key: papers[owner] for key, owner in owners.items()}

    def announced(self, since: datetime, until: datetime) -> list[tuple[Paper, Announcement]]:
        """Papers with a new or cross announcement seen in (since, until], one row per paper."""
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
        return [(papers[row["paper_id"]], ANNOUNCEMENTS.read(row)) for row in found]

    def news(self, since: datetime, until: datetime) -> int:
        """How many announcements there are that were seen in (since, until]."""
        rows = self._connections.rows(
            "SELECT count(*) FROM announcements WHERE seen_at > ? AND seen_at <= ?",
            (stamp(since), stamp(until)),
        )
        return int(rows[0][0])

    def has_feed(self, source: str, feed: str) -> bool:
        """Whether any announcement of this feed of a source is stored."""
        found = self._connections.row(
            "SELECT 1 FROM announcements WHERE source = ? AND feed = ? LIMIT 1", (source, feed)
        )
        return found is not None

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
        rows = self._connections.rows(
            "SELECT * FROM signals WHERE seen_at >= ? ORDER BY seen_at, paper_id, kind",
            (stamp(since),),
        )
        return [SIGNALS.read(row) for row in rows]

    def primaries(self, ids: Iterable[str]) -> dict[str, str]:
        """The first category of each of these papers; those without any are left out."""
        return dict(
            self._connections.rows(
                """
                SELECT paper_id, category FROM categories
                WHERE position = 0 AND paper_id IN (SELECT value FROM json_each(?))
                """,
                (listed(ids),),
            )
        )

    def set_trending(self, scores: Mapping[str, float]) -> None:
        """Keep hot scores; papers not named keep none."""
        with self._connections.write() as connection, changes.marked(connection):
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
        among, values = ("", (limit,)) if ids is None else (AMONG, (-1, listed(ids)))
        return dict(self._connections.rows(TRENDING.format(among=among), values))

    def in_categories(
        self,
        categories: Sequence[str],
        *,
        since: datetime,
        limit: int,
        until: datetime | None = None,
    ) -> list[tuple[Paper, Announcement]]:
        """Papers with any of the categories, announced in [since, until), newest first."""
        with self._connections.read() as connection:
            return entering.in_categories(
                connection, categories, since=stamp(since), until=_end(until), limit=limit
            )

    def entered(
        self, since: datetime, *, until: datetime | None = None, limit: int | None = None
    ) -> list[Entered]:
        """Papers that were first announced or got further categories in [since, until), newest first."""
        with self._connections.read() as connection:
            return entering.entered(connection, since=stamp(since), until=_end(until), limit=limit)

    def categories(self, since: datetime) -> dict[str, int]:
        """Categories of papers first announced at or after `since`, with the number of papers."""
        return dict(
            self._connections.rows(
                """
                SELECT c.category, count(*) AS papers
                -- CROSS, or SQLite would read all categories in order: 70 times slower.
                FROM papers AS p CROSS JOIN categories AS c ON c.paper_id = p.id
                WHERE p.first_announced >= ? GROUP BY c.category ORDER BY c.category
                """,
                (stamp(since),),
            )
        )

    def known_categories(self) -> list[str]:
        """Every category that a stored paper has."""
        rows = self._connections.rows(
            # From one to the next in the index: DISTINCT would read all of it.
            """
            WITH RECURSIVE found (category) AS (
                SELECT min(category) FROM categories
                UNION ALL
                SELECT (SELECT min(category) FROM categories WHERE category > f.category)
                FROM found AS f WHERE f.category IS NOT NULL
            )
            SELECT category FROM found WHERE category IS NOT NULL
            """
        )
        return [category for (category,) in rows]

    def daily_counts(
        self, categories: Sequence[str], *, since: datetime, before: date
    ) -> dict[str, dict[date, int]]:
        """Papers with a new or cross announcement by category and list day, for days `before`."""
        counts: dict[str, dict[date, int]] = {}
        values = (stamp(since), before.isoformat(), listed(categories))
        for category, day, papers in self._connections.rows(DAILY_COUNTS, values):
            counts.setdefault(category, {})[date.fromisoformat(day)] = papers
        return counts

    def search(
        self, query: str, *, limit: int, within: Within | None = None
    ) -> list[tuple[Paper, float]]:
        """Full-text search by BM25, best first; any text is a valid query."""
        with self._connections.read() as connection:
            found = finding.find(connection, query, limit=limit, within=within)
            papers = loading.papers(connection, found)
        return [(papers[each], score) for each, score in found.items()]

    def announced_on(self, day: date) -> list[tuple[Paper, Announcement]]:
        """Papers first announced (new or cross) on this UTC day, in the order of that time."""
        with self._connections.read() as connection:
            rows = connection.execute(
                """
                SELECT id, first_announced FROM papers
                WHERE first_announced >= ? AND first_announced < ? ORDER BY first_announced, id
                """,
                (day.isoformat(), (day + timedelta(days=1)).isoformat()),
            )
            return entering.dated(connection, dict(rows.fetchall()))

    def days(self, first: date, last: date) -> dict[date, int]:
        """How many papers were first announced on each UTC day of a span; empty days left out."""
        rows = self._connections.rows(COUNT_DAYS, (first.isoformat(), last.isoformat()))
        return {date.fromisoformat(row["day"]): row["papers"] for row in rows}

    def by_author(self, name: str, *, limit: int) -> list[Paper]:
        """Papers of authors with this name, compared by `text.author_keys`, newest first."""
        with self._connections.read() as connection:
            ids = authorship.by_author(connection, name, limit=limit)
            return list(loading.papers(connection, ids).values())

    def voted(self, since: datetime, *, limit: int) -> dict[str, int]:
        """Ids of papers with votes given at or after `since` and how many, most first."""
        return dict(self._connections.rows(VOTED, (stamp(since), limit)))

    def changed(self) -> str:
        """A short token that changes whenever public pages may show something else."""
        with self._connections.plain() as connection:
            return changes.token(connection)


def _end(until: datetime | None) -> str:
    return finding.AFTER_ALL if until is None else stamp(until)
