"""Searching papers, within a transaction that the caller holds.

Only the newest matches are ranked, as BM25 takes 2 to 10 µs per match: a third of a second for a word
in half of 280,000 papers. Finding them is quick: a paper's `number` grows with the time it was stored,
and the full-text index yields matches by number, newest first, in a fraction of a µs each. When no
paper has all words, the papers with the rarest words are ranked by all words, and more of them, so
that the newest papers with a common word do not hide them.

A filter that few papers pass is turned into their numbers first. Otherwise a bounded number of
matches is examined one by one, newest first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from itertools import filterfalse, islice
from sqlite3 import Connection

from digest.ports import Within
from digest.store.rows.scalars import listed
from digest.store.search import beginnings, expressions
from digest.text import contains_prefix, fold

MOST_RANKED = 600
MOST_OF_ANY = 2_000
MOST_EXAMINED = 2_500
MOST_COUNTED = 5_000
FEW = 2_000
NEAR = 5_000
AFTER_ALL = "~"
LAST_OF_ALL = 2**63 - 1

# A match in the title counts ten times, one in the authors four times as much as in the abstract.
SCORED = """
SELECT rowid AS number, -bm25(papers_fts, 10.0, 1.0, 4.0) AS score FROM papers_fts
WHERE papers_fts MATCH :query
"""
AMONG = """
AND rowid BETWEEN :first AND :last AND +rowid IN (SELECT value FROM json_each(:numbers))
"""
# Ordered by number first, so that only the matches that are ranked are scored.
RANKED = """
SELECT p.id, f.score FROM (
    SELECT number, score FROM ({scored} ORDER BY rowid DESC LIMIT :most)
    ORDER BY score DESC, number DESC LIMIT :limit
) AS f CROSS JOIN papers AS p ON p.number = f.number ORDER BY f.score DESC, f.number DESC
"""
RANK_NEWEST = RANKED.format(scored=SCORED)
RANK_AMONG = RANKED.format(scored=SCORED + AMONG)
# Without an outer ORDER BY, which would examine all matches before the first row is returned.
EXAMINED = """
SELECT f.number{texts} FROM (
    SELECT rowid AS number FROM papers_fts WHERE papers_fts MATCH :query AND rowid <= :last {among}
    ORDER BY rowid DESC LIMIT :examined
) AS f CROSS JOIN papers AS p INDEXED BY papers_by_number ON p.number = f.number
WHERE {condition}
"""
TEXTS = ", p.title, p.abstract, p.authors"
COUNTED = """
SELECT count(*) FROM (SELECT 1 FROM papers_fts WHERE papers_fts MATCH ? LIMIT ?)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A filter of a search: `holds` is its condition on a paper `p`, `papers` selects all ids."""

    holds: str
    papers: str


DAYS = Filter(
    holds="p.first_announced >= :since AND p.first_announced < :until",
    papers="SELECT id FROM papers WHERE first_announced >= :since AND first_announced < :until",
)
# `cs` includes `cs.LG`; "/" is the character after ".".
WANTED = """(
    c.category IN (SELECT value FROM json_each(:categories))
    OR substr(c.category, 1, instr(c.category, '.') - 1)
        IN (SELECT value FROM json_each(:categories))
)"""
CATEGORIES = Filter(
    holds=f"EXISTS (SELECT 1 FROM categories AS c WHERE c.paper_id = p.id AND {WANTED})",  # noqa: S608 - constants of this module
    papers="""
        SELECT c.paper_id FROM json_each(:categories) AS w
        CROSS JOIN categories AS c ON c.category = w.value
        UNION ALL
        SELECT c.paper_id FROM json_each(:categories) AS w
        CROSS JOIN categories AS c ON c.category > w.value || '.' AND c.category < w.value || '/'
    """,
)
SOURCE = Filter(
    holds="EXISTS (SELECT 1 FROM announcements WHERE paper_id = p.id AND source = :source)",
    papers="SELECT paper_id FROM announcements WHERE source = :source",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """The filters of a search, with the values of their parameters."""

    filters: tuple[Filter, ...] = ()
    values: dict[str, str]

    @property
    def condition(self) -> str:
        """All filters as one condition."""
        return " AND ".join(each.holds for each in self.filters) or "true"

    def few(self, connection: Connection) -> list[int] | None:
        """The numbers of the papers that pass, if few pass one of the filters."""
        for each in self.filters:
            (passing,) = connection.execute(
                f"SELECT count(*) FROM (SELECT 1 FROM ({each.papers}) LIMIT {FEW + 1})",  # noqa: S608 - constants of this module
                self.values,
            ).fetchone()
            if passing <= FEW:
                rows = connection.execute(
                    f"""
                    SELECT p.number FROM papers AS p
                    WHERE p.id IN ({each.papers}) AND {self.condition}
                    """,  # noqa: S608 - constants of this module
                    self.values,
                )
                return [number for (number,) in rows]
        return None


def narrowed(
    *, categories: Sequence[str] = (), source: str = "", since: str = "", until: str = ""
) -> Narrowing:
    """Filters for any of the categories, a source, and first announcement in [since, until)."""
    filters: list[Filter] = []
    values: dict[str, str] = {}
    if since or until:
        filters.append(DAYS)
        values |= {"since": since, "until": until or AFTER_ALL}
    if categories:
        filters.append(CATEGORIES)
        values["categories"] = listed(categories)
    if source:
        filters.append(SOURCE)
        values["source"] = source
    return Narrowing(filters=tuple(filters), values=values)


def find(
    connection: Connection, query: str, *, limit: int, within: Within | None
) -> dict[str, float]:
    """Ids of papers with their scores, best first, at most 600.

    For an empty query, the newest papers that pass the filters, with a score of 0.
    """
    limit = min(limit, MOST_RANKED)
    wanted = bool(query.strip())
    if limit <= 0 or (within is None and not wanted):
        return {}
    narrowing = _within(within or Within())
    if not wanted:
        return dict.fromkeys(newest(connection, narrowing, limit=limit), 0.0)
    few, begins = narrowing.few(connection), _begins_with(beginnings(query))
    # Of few papers all are ranked, so that no word can hide another.
    count = partial(_count, connection) if few is None else (lambda _: 0)
    for place, (expression, among) in enumerate(expressions(query, count, MOST_OF_ANY)):
        most = MOST_OF_ANY if place else MOST_RANKED
        values = {"query": expression, "limit": limit, "most": most}
        if narrowing.filters or begins or among != expression:
            numbers = few
            if numbers is None or (numbers and begins):
                numbers = _examined(connection, among, narrowing, few, begins, most)
            if not numbers:
                continue
            values |= _among(numbers)
        rank = RANK_AMONG if "numbers" in values else RANK_NEWEST
        found = dict(connection.execute(rank, values).fetchall())
        if found:
            return found
    return {}


def newest(connection: Connection, narrowing: Narrowing, *, limit: int) -> dict[str, str]:
    """Ids of the papers that pass the filters, with the stamps of their first announcements.

    Newest first; ties go by id.
    """
    few = narrowing.few(connection)
    condition = narrowing.condition
    if few is not None:
        condition = "p.number IN (SELECT value FROM json_each(:few))"
    rows = connection.execute(
        f"""
        SELECT p.id, p.first_announced FROM papers AS p
        WHERE p.first_announced IS NOT NULL AND {condition}
        ORDER BY p.first_announced DESC, p.id LIMIT :limit
        """,  # noqa: S608 - constants of this module
        {**narrowing.values, "few": listed(few or ()), "limit": limit},
    )
    return dict(rows.fetchall())


def _within(within: Within) -> Narrowing:
    return narrowed(
        categories=within.categories,
        source=within.source,
        since=within.since.isoformat() if within.since else "",
        until=_after(within.until) if within.until else "",
    )


def _after(day: date) -> str:
    """A stamp after this day; for the last possible day, one after all."""
    return AFTER_ALL if day == date.max else (day + timedelta(days=1)).isoformat()


def _among(numbers: Sequence[int]) -> dict[str, object]:
    return {"first": min(numbers), "last": max(numbers), "numbers": listed(numbers)}


def _examined(
    connection: Connection,
    expression: str,
    narrowing: Narrowing,
    few: list[int] | None,
    begins: Callable[..., bool] | None,
    most: int,
) -> list[int]:
    """Numbers of the newest papers that match and pass the filters, `most` at most.

    Only papers in `few`, and only those for which `begins` is true, if these are given.
    """
    values: dict[str, object] = {
        **narrowing.values,
        "query": expression,
        "last": _last(connection, narrowing.values.get("until", "")),
        "examined": MOST_EXAMINED,
    }
    if few:
        values |= _among(few)
    rows = connection.execute(
        EXAMINED.format(
            texts=TEXTS if begins else "",
            among=AMONG if few else "",
            condition=narrowing.condition,
        ),
        values,
    )
    passing = (number for number, *texts in rows if begins is None or begins(number, *texts))
    return list(islice(passing, most))


def _count(connection: Connection, expression: str) -> int:
    """How many papers match, counted up to MOST_COUNTED."""
    (counted,) = connection.execute(COUNTED, (expression, MOST_COUNTED)).fetchone()
    return int(counted)


def _begins_with(begun: Sequence[str]) -> Callable[..., bool] | None:
    """A function of a paper's number and texts: whether some word begins with each of these.

    It remembers its answers, as several expressions of one query may match a paper.
    """
    known: dict[int, bool] = {}

    def begins(number: int, *texts: str) -> bool:
        if number not in known:
            known[number] = _may_begin(texts, begun) and _begin(texts, begun)
        return known[number]

    return begins if begun else None


def _may_begin(texts: Sequence[str], begun: Sequence[str]) -> bool:
    """A quick check before folding the texts: whether they may have words that begin like this.

    Folding changes only words that are not ASCII, and words like `C++` and `C#`.
    """
    lower = " \n ".join(texts).lower()
    absent = [first for each in begun if (first := each.partition(" ")[0]) not in lower]
    if not absent or "+" in lower or "#" in lower:
        return True
    beyond_ascii = " ".join(filterfalse(str.isascii, texts)).split()
    folded = fold(" ".join(filterfalse(str.isascii, beyond_ascii)))
    return all(contains_prefix(folded, each) for each in absent)


def _begin(texts: Sequence[str], begun: Sequence[str]) -> bool:
    """Whether words of the texts begin like this, compared as `matching.in_query` does."""
    text = " \n ".join(map(fold, texts))
    return all(contains_prefix(text, each) for each in begun)


def _last(connection: Connection, until: str) -> int:
    """The largest number among the last papers before this stamp: newer ones cannot pass."""
    if not until:
        return LAST_OF_ALL
    (last,) = connection.execute(
        """
        SELECT max(number) FROM (
            SELECT number FROM papers WHERE first_announced < ?
            ORDER BY first_announced DESC LIMIT ?
        )
        """,
        (until, NEAR),
    ).fetchone()
    return int(last or 0)
