"""Subscribers and their interests: what `digest.ports.SubscriberStore` asks for."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

from digest.errors import InvalidInput, NotFound
from digest.model import (
    EVERYONE,
    IdRange,
    Interest,
    Profile,
    Status,
    Subscriber,
    SuppressionReason,
)
from digest.ports import Newcomer
from digest.store import changes, erasing, newcomers
from digest.store.agreements import Agreements
from digest.store.interests import add_block, by_subscriber, clear, put
from digest.store.rows.people import SUBSCRIBER_COLUMNS, subscriber_columns, to_subscriber
from digest.store.rows.scalars import listed, stamp, stamp_or_none

MOST_ROWS = 5_000
BLOCK = 1_000
MOST_WANTED = 100

INSERT = f"""
INSERT INTO subscribers ({", ".join(SUBSCRIBER_COLUMNS)})
VALUES ({", ".join("?" * len(SUBSCRIBER_COLUMNS))}) ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants
# Not the id: SQLite would go through all rows that refer to it.
UPDATE = f"""
UPDATE subscribers SET {", ".join(f"{each} = ?{n}" for n, each in enumerate(SUBSCRIBER_COLUMNS[1:], 2))}
WHERE id = ?1
"""  # noqa: S608 - constants
# The "+" keeps SQLite on the index of who is due, which has this order; by id it would sort all.
DUE = """
SELECT * FROM subscribers
WHERE status = 'active' AND due_at <= ? AND (due_at, id) > (?, ?) AND +id > ? AND +id <= ?
ORDER BY due_at, id LIMIT ?
"""
COUNT_DUE = "SELECT count(*) FROM subscribers WHERE status = 'active' AND due_at <= ?"
# And here on the index of ids, so that nothing is sorted.
NTH_DUE = """
SELECT id FROM subscribers WHERE +status = 'active' AND due_at <= ? ORDER BY id LIMIT 1 OFFSET ?
"""
SOME_DAY = "9999"

Row = tuple[Subscriber, Sequence[Interest]]


class Subscribers(Agreements):
    """People and what they care about, in SQLite."""

    def add(self, rows: Iterable[Row]) -> int:
        """Add new subscribers, 5,000 to a transaction; returns how many were new."""
        added, rest = 0, iter(rows)
        while block := list(islice(rest, MOST_ROWS)):
            with self._connections.write() as connection:
                added += _add_block(connection, block)
        return added

    def add_alike(self, people: Sequence[Newcomer]) -> int:
        """Add many new subscribers in one transaction; returns how many were new."""
        with self._connections.write() as connection:
            return newcomers.add(connection, people)

    def save(self, subscriber: Subscriber, *, before: Subscriber | None = None) -> bool:
        """Replace one subscriber's row (not the interests); False if it is no longer as `before`."""
        with self._connections.write() as connection:
            standing = subscribers(connection, [subscriber.id]).get(subscriber.id)
            if standing is None:
                raise NotFound("There is no such subscriber.", subject=subscriber.id)
            if before not in (None, standing):
                return False
            shown = (standing.name, standing.shows_name)
            if shown != (subscriber.name, subscriber.shows_name):
                changes.mark(connection)
            try:
                connection.execute(UPDATE, subscriber_columns(subscriber))
            except sqlite3.IntegrityError as error:
                raise InvalidInput(
                    "Another subscriber has this address.", subject=subscriber.id
                ) from error
        return True

    def set_status(self, subscriber_id: str, status: Status) -> None:
        """Change the status alone, whatever else has changed meanwhile; only `active` stays due."""
        changed = self._connections.run(
            """
            UPDATE subscribers SET status = ?2, due_at = iif(?2 = 'active', due_at, NULL)
            WHERE id = ?1
            """,
            (subscriber_id, status.value),
        )
        if not changed:
            raise NotFound("There is no such subscriber.", subject=subscriber_id)

    def end(self, emails: Iterable[str], status: Status) -> int:
        """Give this status to those of these addresses who are subscribed or about to be; how many."""
        with self._connections.write() as connection:
            return newcomers.end(connection, emails, status)

    def by_email(self, email: str) -> Subscriber | None:
        """The subscriber with exactly this address; callers normalise it as on the way in."""
        row = self._connections.row("SELECT * FROM subscribers WHERE email = ?", (email,))
        return None if row is None else to_subscriber(row)

    def by_emails(self, emails: Iterable[str], status: Status) -> dict[str, Subscriber]:
        """Those with this status who have one of these addresses, by address, in one query."""
        rows = self._connections.rows(
            """
            SELECT * FROM subscribers
            WHERE email IN (SELECT value FROM json_each(?)) AND +status = ?
            """,
            (listed(emails), status.value),
        )
        return {row["email"]: to_subscriber(row) for row in rows}

    def get(self, ids: Iterable[str]) -> dict[str, Subscriber]:
        """Subscribers by id."""
        with self._connections.read() as connection:
            return subscribers(connection, ids)

    def all(self, status: Status | None = None) -> Iterator[tuple[Subscriber, list[Interest]]]:
        """Every subscriber with interests, by id, in constant memory.

        Reads block by block without a transaction in between, so that writers are not held up.
        """
        after = ""
        while block := self._block(after, status, BLOCK):
            after = block[-1].id
            with self._connections.read() as connection:
                found = by_subscriber(connection, [each.id for each in block])
            for each in block:
                yield each, found[each.id]

    def profiles(self, ids: Sequence[str]) -> list[Profile]:
        """The profiles of a block, in the order asked."""
        with self._connections.read() as connection:
            found = by_subscriber(connection, ids)
            asked = {
                each: {"limit": limit, "floor": floor}
                for each, limit, floor in connection.execute(
                    """
                    SELECT id, max_picks, floor FROM subscribers
                    WHERE id IN (SELECT value FROM json_each(?))
                    """,
                    (listed(ids),),
                )
            }
        return [
            Profile(subscriber_id=each, interests=tuple(found[each]), **asked[each])
            if each in asked
            else Profile(subscriber_id=each)
            for each in ids
        ]

    def set_interests(self, subscriber_id: str, interests: Sequence[Interest]) -> None:
        """Replace all interests; raises NotFound for an unknown subscriber."""
        with self._connections.write() as connection:
            connection.execute("DELETE FROM interests WHERE subscriber_id = ?", (subscriber_id,))
            put(connection, subscriber_id, interests)

    def add_interests(self, subscriber_id: str, interests: Sequence[Interest]) -> None:
        """Add or re-weigh interests by (kind, value); a like replaces a dislike and vice versa."""
        with self._connections.write() as connection:
            put(connection, subscriber_id, interests)

    def remove_interests(self, subscriber_id: str, interests: Sequence[Interest]) -> None:
        """Remove interests by (kind, value); a missing one is no error."""
        with self._connections.write() as connection:
            places = ((each.kind.value, each.value) for each in interests)
            clear(connection, subscriber_id, places)

    def due(
        self,
        now: datetime,
        *,
        limit: int,
        among: IdRange = EVERYONE,
        after: Subscriber | None = None,
    ) -> list[Subscriber]:
        """Active subscribers whose `due_at` has come, longest overdue first."""
        place = ("", "") if after is None else (stamp_or_none(after.due_at), after.id)
        values = (stamp(now), *place, among.after, among.last, limit)
        return [to_subscriber(row) for row in self._connections.rows(DUE, values)]

    def wanted(self, since: datetime, *, limit: int) -> list[str]:
        """Papers liked since then by an id (`arxiv:…`, `doi:…`) that is not stored, newest first.

        Only confirmed subscribers count, so that nothing is fetched for what strangers type into
        the form. At most 100 per subscriber count, so that one long list does not displace others.
        """
        rows = self._connections.rows(
            """
            SELECT value, max(added_at) AS latest FROM (
                SELECT value, added_at, row_number() OVER (
                    PARTITION BY i.subscriber_id ORDER BY added_at DESC, value
                ) AS place
                FROM interests AS i JOIN subscribers AS s ON s.id = i.subscriber_id
                WHERE kind = 'like' AND added_at >= ? AND s.status IN ('active', 'paused')
                    AND (value LIKE 'arxiv:%' OR value LIKE 'doi:%')
                    AND NOT EXISTS (SELECT 1 FROM identifiers WHERE key = value)
            ) WHERE place <= ? GROUP BY value ORDER BY latest DESC, value LIMIT ?
            """,
            (stamp(since), MOST_WANTED, limit),
        )
        return [row["value"] for row in rows]

    def resumable(self, now: datetime, *, limit: int) -> list[Subscriber]:
        """Paused subscribers whose `paused_until` has come, longest overdue first."""
        rows = self._connections.rows(
            """
            SELECT * FROM subscribers WHERE status = 'paused' AND paused_until <= ?
            ORDER BY paused_until, id LIMIT ?
            """,
            (stamp(now), limit),
        )
        return [to_subscriber(row) for row in rows]

    def page(self, after: str, *, limit: int, last: str = EVERYONE.last) -> list[Subscriber]:
        """Active subscribers with an id greater than `after`, up to `last`, by id: keyset paging."""
        return self._block(after, Status.ACTIVE, limit, last)

    def shares(self, *, most: int, least: int, due: datetime | None = None) -> list[IdRange]:
        """All ids in ranges with about equally many active subscribers (or those due by `due`)."""
        until = SOME_DAY if due is None else stamp(due)
        with self._connections.read() as connection:
            (people,) = connection.execute(COUNT_DUE, (until,)).fetchone()
            parts = max(1, min(most, people // least))
            ends = [
                connection.execute(NTH_DUE, (until, people * part // parts - 1)).fetchone()["id"]
                for part in range(1, parts)
            ]
        return [
            IdRange(after=after, last=last)
            for after, last in zip((EVERYONE.after, *ends), (*ends, EVERYONE.last), strict=True)
        ]

    def by_status(self) -> dict[Status, int]:
        """How many subscribers have each status, without those that nobody has."""
        rows = self._connections.rows(
            "SELECT status, count(*) FROM subscribers GROUP BY status ORDER BY status"
        )
        return {Status(status): people for status, people in rows}

    def topics_in_use(self) -> dict[str, int]:
        """Topic ids that active subscribers follow, with how many follow each."""
        return dict(
            self._connections.rows(
                """
                SELECT i.value, count(*)
                FROM interests AS i JOIN subscribers AS s ON s.id = i.subscriber_id
                WHERE i.kind = 'topic' AND s.status = 'active'
                GROUP BY i.value ORDER BY i.value
                """
            )
        )

    def erase(self, subscriber_id: str, *, only: Collection[Status] | None = None) -> bool:
        """Delete a subscriber and everything kept about them; False if their status is not in `only`."""
        mentions = erasing.find_mentions(self._connections, [subscriber_id])
        with self._connections.write() as connection, changes.marked(connection):
            standing = subscribers(connection, [subscriber_id]).get(subscriber_id)
            if only is not None and standing is not None and standing.status not in only:
                return False
            erasing.erase(connection, [subscriber_id], mentions)
        self._connections.wipe_log()
        return True

    def erase_unchanged(
        self, people: Iterable[Subscriber], now: datetime, *, suppressing: Mapping[str, str]
    ) -> int:
        """Delete those of these whose row is as given, in one transaction; returns how many."""
        before = {each.id: each for each in people}
        mentions = erasing.find_mentions(self._connections, before)
        with self._connections.write() as connection, changes.marked(connection):
            standing = subscribers(connection, before)
            theirs = [key for key, each in standing.items() if each == before[key]]
            erasing.erase(connection, theirs, mentions)
            connection.executemany(
                "INSERT OR IGNORE INTO suppressions VALUES (?, ?, ?)",
                (
                    (suppressing[each], SuppressionReason.ERASED.value, stamp(now))
                    for each in theirs
                    if each in suppressing
                ),
            )
        self._connections.wipe_log()
        return len(theirs)

    def _block(
        self, after: str, status: Status | None, limit: int, last: str = EVERYONE.last
    ) -> list[Subscriber]:
        rows = self._connections.rows(
            """
            SELECT * FROM subscribers
            WHERE id > ?1 AND id <= ?4 AND (?2 IS NULL OR status = ?2)
            ORDER BY id LIMIT ?3
            """,
            (after, status, limit, last),
        )
        return [to_subscriber(row) for row in rows]


def subscribers(connection: sqlite3.Connection, ids: Iterable[str]) -> dict[str, Subscriber]:
    """Subscribers by id, within a transaction that the caller holds."""
    return {
        row["id"]: to_subscriber(row)
        for row in connection.execute(
            "SELECT * FROM subscribers WHERE id IN (SELECT value FROM json_each(?))",
            (listed(ids),),
        )
    }


def _add_block(connection: sqlite3.Connection, block: Iterable[Row]) -> int:
    fresh = [
        (subscriber.id, interests)
        for subscriber, interests in block
        if connection.execute(INSERT, subscriber_columns(subscriber)).rowcount
    ]
    add_block(connection, fresh)
    return len(fresh)
