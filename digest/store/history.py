"""What earlier digests showed and covered, for a block of readers, within the caller's transaction.

The key of a digest follows from its edition and its reader, and one edition is kept for each day:
a reader's digests are looked up by their possible keys, without an index.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from sqlite3 import Connection, Row
from typing import NamedTuple

from digest.editions import VALIDITY
from digest.store import digests, keys
from digest.store.rows import contents
from digest.store.rows.scalars import at_second, listed, moment, stamp

LONGEST_VALID = max(VALIDITY.values())

# A digest that expired or was refused, and did not arrive before, is lost: it showed nothing. One
# that was never to be mailed is in the reader's feed, which does not have the titles of the rest.
BY_KEY = """
SELECT d.key, d.content,
    coalesce(o.state IN ('expired', 'failed') AND NOT o.was_sent, 0) AS lost,
    o.digest IS NOT NULL AS mailed, o.expires_at
FROM digests AS d LEFT JOIN outbox AS o ON o.digest = d.key
WHERE d.key IN (SELECT value FROM json_each(?))
"""


class _Span(NamedTuple):
    """The window of a digest, and when it was composed, as stamps.

    `lost_by` is the latest time at which it was lost, empty for a digest that was not lost.
    """

    since: str
    until: str
    composed_at: str
    lost_by: str


def editions(connection: Connection) -> list[Row]:
    """The editions whose digests are kept, those with the latest window first."""
    return connection.execute(
        "SELECT edition, since, until FROM editions WHERE since <> '' ORDER BY until DESC, edition DESC"
    ).fetchall()


def keys_of(connection: Connection, subscriber_id: str) -> list[int]:
    """The possible keys of a reader's digests in the editions that are kept."""
    numbers = keys.numbers(connection, [subscriber_id])
    days = [keys.day_of(row["edition"]) for row in editions(connection)]
    return [keys.key_of(day, number) for number in numbers.values() for day in days]


def recent(connection: Connection, subscriber_id: str, limit: int) -> list[int]:
    """The keys of a reader's latest digests, by the end of their windows, newest first."""
    rows = _rows(connection, keys_of(connection, subscriber_id))
    ends = {key: span.until for key, span in _spans(connection, rows)}
    return sorted(ends, key=lambda key: (ends[key], key), reverse=True)[:limit]


def covered(connection: Connection, subscriber_ids: Sequence[str]) -> dict[str, str]:
    """Up to when (stamps) each reader's digests cover what was announced.

    That is the end of the latest digest that was not lost, or the start of an earlier lost one that
    no other makes up for. For readers without a kept digest, it is the latest end of all pruned
    digests, as theirs ended no later.
    """
    numbers = keys.numbers(connection, subscriber_ids)
    found: defaultdict[int, list[_Span]] = defaultdict(list)
    enough: dict[int, str] = {}
    for row in editions(connection):
        # An edition adds nothing for readers with a later digest, if its own digests had been sent
        # or lost by the time that one was composed.
        waiting = [each for each in numbers.values() if enough.get(each, "") < row["until"]]
        if not waiting:
            break
        day = keys.day_of(row["edition"])
        rows = _rows(connection, [keys.key_of(day, each) for each in waiting])
        for key, span in _spans(connection, rows):
            number = key & keys.MASK
            found[number].append(span)
            if not span.lost_by:
                known = min(span.until, _known_before(span.composed_at))
                enough[number] = max(enough.get(number, ""), known)
    ends = {each: _end(found[number]) for each, number in numbers.items() if number in found}
    if len(ends) < len(numbers) and (gone := _last_pruned(connection)):
        return dict.fromkeys(numbers, gone) | ends
    return ends


def _end(spans: Sequence[_Span]) -> str:
    """Up to when a reader's digests cover what was announced, given all that matter."""
    shown = [each for each in spans if not each.lost_by]
    gaps = [
        lost.since
        for lost in spans
        if lost.lost_by and not any(_makes_up_for(each, lost) for each in shown)
    ]
    return min([*gaps, max(each.until for each in shown)] if shown else gaps)


def _makes_up_for(span: _Span, lost: _Span) -> bool:
    """Whether a digest covers the window of the lost one.

    It does if it ends no earlier, unless it was composed while the lost one was still waiting to be
    sent: then it began where the lost one ended. A digest composed after the loss starts where the
    lost one did, and one composed before the lost one showed those days already.
    """
    unaware = lost.composed_at <= span.composed_at < lost.lost_by and span.since != lost.since
    return span.until >= lost.until and not unaware


@lru_cache(maxsize=256)
def _known_before(composed_at: str) -> str:
    """When a digest was composed, it was known which digests from before this time were lost."""
    return stamp(moment(composed_at) - LONGEST_VALID)


def sent(
    connection: Connection, subscriber_ids: Sequence[str], paper_ids: Iterable[str], edition: str
) -> dict[str, frozenset[str]]:
    """Which papers stand in each reader's digests that were not lost, except in that edition.

    Papers listed by title alone count if the digest was to be mailed. Papers first seen before the
    last pruned digest count as sent to every reader who has had a digest, as nobody knows what the
    pruned ones showed.
    """
    rows = connection.execute(
        """
        SELECT id, number, first_seen FROM papers WHERE id IN (SELECT value FROM json_each(?1))
        UNION ALL
        SELECT p.id, j.number, p.first_seen FROM papers AS p JOIN joined AS j ON j.paper = p.number
        WHERE p.id IN (SELECT value FROM json_each(?1))
        """,
        (listed(paper_ids),),
    ).fetchall()
    numbers = keys.numbers(connection, subscriber_ids)
    if not rows or not numbers:
        return {}
    wanted = {row["number"]: row["id"] for row in rows}
    # No paper is in a digest that ended before the paper was first seen.
    earliest = min(row["first_seen"] for row in rows)
    days = [
        keys.day_of(row["edition"])
        for row in editions(connection)
        if row["until"] >= earliest and row["edition"] != edition
    ]
    found: defaultdict[int, set[str]] = defaultdict(set)
    for day in days:
        for key, content, lost, mailed, _ in _rows(
            connection, [keys.key_of(day, each) for each in numbers.values()]
        ):
            if not lost:
                shown = wanted.keys() & contents.papers_in(content, titles=bool(mailed))
                found[key & keys.MASK].update([wanted[each] for each in shown])
    gone = _last_pruned(connection)
    old = {row["id"] for row in rows if row["first_seen"] <= gone}
    return {
        each: frozenset(found[number] | old)
        for each, number in numbers.items()
        if found[number] or old
    }


def _last_pruned(connection: Connection) -> str:
    """The latest end of a pruned digest's window, empty if none was pruned."""
    (until,) = connection.execute("SELECT max(until) FROM editions WHERE since = ''").fetchone()
    return until or ""


def _rows(connection: Connection, wanted: Sequence[int]) -> list[Row]:
    return connection.execute(BY_KEY, (listed(wanted),)).fetchall()


def _spans(connection: Connection, rows: Sequence[Row]) -> Iterator[tuple[int, _Span]]:
    windows = [contents.window_in(row["content"]) for row in rows]
    texts = digests.texts_of(connection, set(windows))
    for row, window in zip(rows, windows, strict=True):
        lost_by = stamp(at_second(row["expires_at"])) if row["lost"] else ""
        yield row["key"], _Span(*digests.span_of(texts[window]), lost_by)
