"""Storing a batch of items, within a transaction that the caller holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import TypeVar

from digest.model import Announcement, AnnounceType, Item, Paper, Signal
from digest.ports import Ingested
from digest.store import entering, loading, renaming
from digest.store.resolving import Known, by_title, keys_of, resolve
from digest.store.rows.papers import paper_columns
from digest.store.rows.records import ANNOUNCEMENTS, SIGNALS
from digest.store.rows.scalars import listed, moment, stamp

About = TypeVar("About", Announcement, Signal)

MOST_ITEMS = 2_000
SAME_LIST = timedelta(days=3)
STRENGTH = {each: place for place, each in enumerate(AnnounceType)}

INSERT_PAPER = """
INSERT INTO papers (
    id, title, abstract, authors, primary_category, version, published, updated, url, doi,
    journal_ref, comment, licence, first_seen, number
) VALUES (
    ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (
        SELECT max(
            coalesce((SELECT max(number) FROM papers), 0),
            coalesce((SELECT max(number) FROM joined), 0)
        ) + 1
    )
)
"""
UPDATE_PAPER = """
UPDATE papers SET title = ?, abstract = ?, authors = ?, primary_category = ?, version = ?,
    published = ?, updated = ?, url = ?, doi = ?, journal_ref = ?, comment = ?, licence = ?
WHERE id = ?
"""
PUT_ANNOUNCEMENT = f"""
{ANNOUNCEMENTS.insert} ON CONFLICT (paper_id, source, feed, day) DO UPDATE
SET type = excluded.type, version = excluded.version, seen_at = excluded.seen_at
"""
PUT_SIGNAL = f"""
{SIGNALS.insert} ON CONFLICT (paper_id, source, kind) DO UPDATE
SET value = excluded.value, by_whom = excluded.by_whom, seen_at = excluded.seen_at
WHERE excluded.seen_at > seen_at
"""


def ingest(connection: Connection, items: Sequence[Item]) -> Ingested:
    """Store a batch of items, merging each with the stored paper that it is, if there is one."""
    keys = [keys_of(item.paper) for item in items]
    owners = loading.owners(connection, listed(key for found in keys for key in found))
    ids = listed(owners.values())
    announced = loading.announcements(connection, listed(by_title(keys, owners)))
    known = resolve(
        items,
        keys,
        owners=owners,
        stored=loading.papers(connection, owners.values()),
        first_seen={
            row["id"]: moment(row["first_seen"])
            for row in connection.execute(
                "SELECT id, first_seen FROM papers WHERE id IN (SELECT value FROM json_each(?))",
                (ids,),
            )
        },
        sources={
            paper_id: {each.source for each in found} for paper_id, found in announced.items()
        },
    )
    distinct = list({id(each): each for each in known}.values())
    new = [each for each in distinct if not each.stored]
    _write_papers(connection, distinct)
    ids_of = [(item, each.paper.id) for item, each in zip(items, known, strict=True)]
    written = _announce(
        connection,
        [_named(item.announcement, paper_id) for item, paper_id in ids_of],
        decide=row_to_write,
    )
    _signal(
        connection, [_named(each, paper_id) for item, paper_id in ids_of for each in item.signals]
    )
    date_papers(connection, [each.paper.id for each in distinct])
    entering.note(connection, items, known)
    return Ingested(
        read=len(items), papers=len(new), merged=len(items) - len(new), announced=written
    )


def _write_papers(connection: Connection, papers: Sequence[Known]) -> None:
    changed: list[Paper] = []
    for known in papers:
        if not known.stored:
            changed.append(known.paper)
            connection.execute(
                INSERT_PAPER,
                (known.paper.id, *paper_columns(known.paper), stamp(known.first_seen)),
            )
            continue
        keep, *others = known.stored
        for other in others:
            _absorb(connection, keep=keep, other=other)
        if keep != known.paper.id:
            renaming.rename(connection, keep, known.paper.id)
        if others or known.paper != known.before:
            changed.append(known.paper)
            connection.execute(UPDATE_PAPER, (*paper_columns(known.paper), known.paper.id))
    _write_children(connection, changed)


def _write_children(connection: Connection, papers: Sequence[Paper]) -> None:
    """Replace authors, categories and links of papers, and add their keys."""
    ids = listed(each.id for each in papers)
    for table in ("authors", "categories", "links"):
        connection.execute(
            f"DELETE FROM {table} WHERE paper_id IN (SELECT value FROM json_each(?))",  # noqa: S608 - names from the line above
            (ids,),
        )
    connection.executemany(
        "INSERT INTO authors (paper_id, position, name) VALUES (?, ?, ?)",
        ((each.id, place, name) for each in papers for place, name in enumerate(each.authors)),
    )
    connection.executemany(
        "INSERT INTO categories (paper_id, position, category) VALUES (?, ?, ?)",
        ((each.id, place, name) for each in papers for place, name in enumerate(each.categories)),
    )
    connection.executemany(
        "INSERT INTO links (paper_id, position, kind, url) VALUES (?, ?, ?, ?)",
        (
            (each.id, place, link.kind.value, link.url)
            for each in papers
            for place, link in enumerate(each.links)
        ),
    )
    connection.executemany(
        "INSERT INTO identifiers (key, paper_id) VALUES (?, ?) ON CONFLICT (key) DO NOTHING",
        ((key, each.id) for each in papers for key in each.identifiers),
    )


def _absorb(connection: Connection, *, keep: str, other: str) -> None:
    """Merge stored paper `other` into `keep`, and delete it."""
    ids = listed([other])
    announcements = loading.announcements(connection, ids).get(other, [])
    _announce(connection, [_named(each, keep) for each in announcements], decide=merged_row)
    signals = loading.signals(connection, ids).get(other, [])
    _signal(connection, [_named(each, keep) for each in signals])
    renaming.join(connection, keep=keep, other=other)
    connection.execute("DELETE FROM papers WHERE id = ?", (other,))


def _announce(
    connection: Connection,
    announcements: Sequence[Announcement],
    *,
    decide: Callable[[Collection[Announcement], Announcement], Announcement | None],
) -> int:
    """Write announcements of stored papers as `decide` says; returns how many are new."""
    stored = loading.announcements(connection, listed(each.paper_id for each in announcements))
    rows: defaultdict[tuple[str, str, str], dict[object, Announcement]] = defaultdict(dict)
    seen: dict[tuple[str, str, object], datetime] = {}
    for each in (each for found in stored.values() for each in found):
        rows[each.paper_id, each.source, each.feed][each.day] = each
        _note_seen(seen, each)
    changed: dict[tuple[str, str, str, object], Announcement] = {}
    new = 0
    for each in announcements:
        days = rows[each.paper_id, each.source, each.feed]
        row = decide(days.values(), each)
        if row is not None:
            _note_seen(seen, row)
            if row.type.is_first:
                # The same list under another name (one more category followed) is no later news.
                row = replace(row, seen_at=seen[row.paper_id, row.source, row.day])
            new += each.day not in days
            days[each.day] = row
            changed[each.paper_id, each.source, each.feed, each.day] = row
    connection.executemany(PUT_ANNOUNCEMENT, map(ANNOUNCEMENTS.columns, changed.values()))
    return new


def _note_seen(seen: dict[tuple[str, str, object], datetime], each: Announcement) -> None:
    """Remember when a source's list of a day first showed a paper as new."""
    if each.type.is_first:
        key = each.paper_id, each.source, each.day
        seen[key] = min(each.seen_at, seen.get(key, each.seen_at))


def row_to_write(feed: Collection[Announcement], new: Announcement) -> Announcement | None:
    """The row to write for an announcement, given those of its paper in the same feed, if any.

    A feed announces a paper as new once: a repetition means that it dates its entries by the day of
    reading, or by their last change. A cross-list or a revision comes once within three days: a
    repetition is a list that was served again under another date (as arXiv does at midnight and on
    Saturdays).
    """
    others = [each for each in feed if each.day != new.day]
    near = [each for each in others if abs(each.day - new.day) <= SAME_LIST]
    today = next((each for each in feed if each.day == new.day), None)
    if new.type.is_first:
        earlier = others if new.type is AnnounceType.NEW else near
        repeated = any(each.type is new.type for each in earlier)
        if repeated and not (today and today.type.is_first):
            return None
    elif today is None and any(
        each.version == new.version and not each.type.is_first for each in near
    ):
        return None
    return merged_row(feed, new)


def merged_row(feed: Collection[Announcement], new: Announcement) -> Announcement | None:
    """The row to write for its day: earliest time, strongest type, latest version; None if unchanged."""
    same_day = next((each for each in feed if each.day == new.day), None)
    if same_day is None:
        return new
    joined = replace(
        same_day,
        type=min(same_day.type, new.type, key=STRENGTH.__getitem__),
        version=max(same_day.version, new.version),
        seen_at=min(same_day.seen_at, new.seen_at),
    )
    return None if joined == same_day else joined


def _signal(connection: Connection, signals: Sequence[Signal]) -> None:
    connection.executemany(PUT_SIGNAL, map(SIGNALS.columns, signals))


def date_papers(connection: Connection, paper_ids: Iterable[str]) -> None:
    """Bring `first_seen` and `first_announced` in line with the announcements."""
    connection.execute(
        """
        UPDATE papers SET first_seen = min(first_seen, a.seen), first_announced = a.announced
        FROM (
            SELECT paper_id, min(seen_at) AS seen,
                min(seen_at) FILTER (WHERE type IN ('new', 'cross')) AS announced
            FROM announcements WHERE paper_id IN (SELECT value FROM json_each(?))
            GROUP BY paper_id
        ) AS a
        WHERE papers.id = a.paper_id
            AND (a.seen < first_seen OR a.announced IS NOT first_announced)
        """,
        (listed(paper_ids),),
    )


def _named(value: About, paper_id: str) -> About:
    return value if value.paper_id == paper_id else replace(value, paper_id=paper_id)
