"""When papers entered their categories, within a transaction that the caller holds.

Mostly that is when they were first announced. The table `late_categories` has the others: a
cross-list of a later day, or arXiv's list of a paper that another source had first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import itemgetter
from sqlite3 import Connection

from digest.model import Announcement, AnnounceType, Item, Paper
from digest.ports import Entered
from digest.store import finding, loading
from digest.store.resolving import Known
from digest.store.rows.scalars import listed, moment, stamp

NOTE = """
INSERT OR IGNORE INTO late_categories (paper_id, category, at)
SELECT id, ?2, ?3 FROM papers WHERE id = ?1 AND first_announced < ?3
"""
ENTERED = """
SELECT id, first_announced AS at, true AS first FROM papers
WHERE first_announced >= ?1 AND first_announced < ?2
UNION ALL
SELECT DISTINCT paper_id, at, false FROM late_categories WHERE at >= ?1 AND at < ?2
ORDER BY at DESC, id LIMIT ?3
"""
FIRST_IN = f"""EXISTS (
    SELECT 1 FROM categories AS c WHERE c.paper_id = p.id AND {finding.WANTED}
        AND NOT EXISTS (
            SELECT 1 FROM late_categories AS l
            WHERE l.paper_id = c.paper_id AND l.category = c.category
        )
)"""  # noqa: S608 - constants
FROM_THE_FIRST = finding.Filter(holds=FIRST_IN, papers=finding.CATEGORIES.papers)
LATE = f"""
SELECT c.paper_id, min(c.at) AS at FROM late_categories AS c CROSS JOIN papers AS p ON p.id = c.paper_id
WHERE c.paper_id IN (SELECT paper_id FROM late_categories WHERE at >= :since AND at < :until)
    AND {finding.WANTED} AND NOT {FIRST_IN}
GROUP BY c.paper_id HAVING min(c.at) >= :since AND min(c.at) < :until
ORDER BY at DESC, c.paper_id LIMIT :limit
"""  # noqa: S608 - constants


def note(connection: Connection, items: Sequence[Item], known: Sequence[Known]) -> None:
    """Remember categories that these items brought to papers announced before.

    `known` is the paper of each item, whose `first_announced` is up to date.
    """
    came: dict[tuple[str, str], datetime] = {}
    first: dict[str, datetime] = {}
    for item, each in zip(items, known, strict=True):
        seen_at, had = item.announcement.seen_at, each.before.categories if each.before else ()
        first[each.paper.id] = each.first_seen
        for category in item.paper.categories:
            if category not in had:
                key = each.paper.id, category
                came[key] = min(seen_at, came.get(key, seen_at))
    late = ((*key, stamp(at)) for key, at in came.items() if at > first[key[0]])
    connection.executemany(NOTE, late)


def in_categories(
    connection: Connection, categories: Sequence[str], *, since: str, until: str, limit: int
) -> list[tuple[Paper, Announcement]]:
    """Papers with any of the categories, dated by when they entered the first of them.

    `since` and `until` are stamps; newest first, ties by id.
    """
    narrowing = finding.narrowed(since=since, until=until)
    if categories:
        wanted = {"categories": listed(categories)}
        narrowing = replace(
            narrowing,
            filters=(*narrowing.filters, FROM_THE_FIRST),
            values=narrowing.values | wanted,
        )
    found = finding.newest(connection, narrowing, limit=limit)
    if categories:
        late = dict(connection.execute(LATE, {**narrowing.values, "limit": limit}).fetchall())
        merged = sorted({**found, **late}.items())
        found = dict(sorted(merged, key=itemgetter(1), reverse=True)[:limit])
    return dated(connection, found)


def entered(connection: Connection, *, since: str, until: str, limit: int | None) -> list[Entered]:
    """Papers that were first announced or got further categories in [since, until), newest first."""
    rows = connection.execute(ENTERED, (since, until, -1 if limit is None else limit)).fetchall()
    ids = [row["id"] for row in rows]
    papers = loading.papers(connection, ids)
    announcements = loading.announcements(connection, listed(ids))
    late = _late(connection, ids)
    found: list[Entered] = []
    for paper_id, at, first in rows:
        paper, since_when = papers[paper_id], late.get(paper_id, {})
        now = tuple(each for each in paper.categories if since_when.get(each, "") <= at)
        before = tuple(each for each in now if since_when.get(each, "") < at)
        found.append(
            Entered(
                paper=paper if now == paper.categories else replace(paper, categories=now),
                announcement=_at(announcements[paper_id], at),
                before=None if first else before,
            )
        )
    return found


def dated(
    connection: Connection, entered_at: Mapping[str, str]
) -> list[tuple[Paper, Announcement]]:
    """These papers, each with the announcement of the time (a stamp) when it entered."""
    papers = loading.papers(connection, entered_at)
    announcements = loading.announcements(connection, listed(entered_at))
    return [(papers[each], _at(announcements[each], at)) for each, at in entered_at.items()]


def _late(connection: Connection, ids: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
    """The categories that papers got later, with the stamps of when, by paper."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for paper_id, category, at in connection.execute(
        """
        SELECT paper_id, category, at FROM late_categories
        WHERE paper_id IN (SELECT value FROM json_each(?))
        """,
        (listed(ids),),
    ):
        found[paper_id][category] = at
    return found


def _at(announcements: Sequence[Announcement], at: str) -> Announcement:
    """The new or cross announcement seen at that time; of several, the earliest list day's.

    Of one day `new` comes before `cross`. A category may also come with a revision: then the
    paper's first announcement, with that time.
    """
    when = moment(at)
    firsts = sorted(
        (each for each in announcements if each.type.is_first),
        # By time before list day, as `first_announced` is: a list read later must not redate a paper.
        key=lambda each: (each.seen_at, each.day, each.type is not AnnounceType.NEW),
    )
    return next((each for each in firsts if each.seen_at == when), replace(firsts[0], seen_at=when))
