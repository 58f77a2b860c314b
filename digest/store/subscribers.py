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
from digest.store.interests import add_block, by_subscriber, put, remove
from digest.store.rows import (
    listed,
    stamp,
    stamp_or_none,
    subscriber_columns,
    to_subscriber,
)

MOST_ROWS = 5_000
BLOCK = 1_000
MOST_WANTED = 100

INSERT_SUBSCRIBER = """
INSERT INTO subscribers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
# By the index of who is due, whose order this is: that of ids would have everybody sorted.
DUE = """
SELECT * FROM subscribers
WHERE status = 'active' AND due_at <= ? AND (due_at, id) > (?, ?) AND +id > ? AND +id <= ?
ORDER BY due_at, id LIMIT ?
"""
COUNT_DUE = "SELECT count(*) FROM subscribers WHERE status = 'active' AND due_at <= ?"
# And this one by ids, so that nothing is sorted.
NTH_DUE = """
SELECT id FROM subscribers WHERE +status = 'active' AND due_at <= ? ORDER BY id LIMIT 1 OFFSET ?
"""
SOME_DAY = "9999"

Row = tuple[Subscriber, Sequence[Interest]]


class Subscribers(Agreements):
    """People and what they care about, in SQLite."""

    def add(self, rows: Iterable[Row]) -> int:
        """Add new subscribers, 5,000 to a transaction; a known address or id is left alone.

        Returns how many were added. Reads `rows` as it goes, in constant memory.
        """
        added, rest = 0, iter(rows)
        while block := list(islice(rest, MOST_ROWS)):
            with self._connections.write() as connection:
                added += _add_block(connection, block)
        return added

    def add_alike(self, people: Sequence[Newcomer]) -> int:
        """Add many new subscribers in one transaction; a known address or id is left alone.

        Returns how many were added. Fast where they share their `like` and their interests, the
        very same objects.
        """
        with self._connections.write() as connection:
            return newcomers.add(connection, people)

    def save(self, subscriber: Subscriber, *, before: Subscriber | None = None) -> bool:
        """Replace one subscriber's row (not the interests).

        If it is not as in `before` any more, it stays as it is, and the answer is False. Raises NotFound for an unknown id, InvalidInput when another one has the address.
        """
        columns = subscriber_columns(subscriber)
        with self._connections.write() as connection:
            standing = subscribers(connection, [subscriber.id]).get(subscriber.id)
            if before is not None and standing not in (None, before):
                return False
            if _renamed(connection, subscriber):
                changes.mark(connection)
            try:
                changed = connection.execute(
                    """
                    UPDATE subscribers SET email = ?2, status = ?3, tz = ?4, at = ?5, cadence = ?6,
                        weekday = ?7, max_picks = ?8, quiet = ?9, key = ?10, created_at = ?11,
                        confirmed_at = ?12, due_at = ?13, paused_until = ?14, seen_until = ?15,
                        name = ?16, shows_name = ?17, floor = ?18
                    WHERE id = ?1
                    """,
                    columns,
                ).rowcount
            except sqlite3.IntegrityError as error:
                raise InvalidInput(
                    "Another subscriber has this address.", subject=subscriber.id
                ) from error
        if not changed:
            raise NotFound("There is no such subscriber.", subject=subscriber.id)
        return True

    def set_status(self, subscriber_id: str, status: Status) -> None:
        """Change the status alone, whatever else has changed meanwhile; only `active` stays due.

        Raises NotFound for an unknown id.
        """
        with self._connections.write() as connection:
            changed = connection.execute(
                """
                UPDATE subscribers SET status = ?2, due_at = iif(?2 = 'active', due_at, NULL)
                WHERE id = ?1
                """,
                (subscriber_id, status.value),
            ).rowcount
        if not changed:
            raise NotFound("There is no such subscriber.", subject=subscriber_id)

    def end(self, emails: Iterable[str], status: Status) -> int:
        """Give those with these addresses who are pending, active or paused this status; how many.

        Who is suppressed becomes unsubscribed too, where that is the status, and counts for none.
        """
        with self._connections.write() as connection:
            return newcomers.end(connection, emails, status)

    def by_email(self, email: str) -> Subscriber | None:
        """The subscriber with exactly this address; callers normalise it as on the way in."""
        with self._connections.read() as connection:
            row = connection.execute(
                "SELECT * FROM subscribers WHERE email = ?", (email,)
            ).fetchone()
        return None if row is None else to_subscriber(row)

    def by_emails(self, emails: Iterable[str], status: Status) -> dict[str, Subscriber]:
        """Those with this status who have one of these addresses, by it; one query for them all."""
        with self._connections.read() as connection:
            return {
                row["email"]: to_subscriber(row)
                for row in connection.execute(
                    """
                    SELECT * FROM subscribers
                    WHERE email IN (SELECT value FROM json_each(?)) AND +status = ?
                    """,
                    (listed(emails), status.value),
                )
            }

    def get(self, ids: Iterable[str]) -> dict[str, Subscriber]:
        """Subscribers by id."""
        with self._connections.read() as connection:
            return subscribers(connection, ids)

    def all(self, status: Status | None = None) -> Iterator[tuple[Subscriber, list[Interest]]]:
        """Every subscriber with interests, by id, in constant memory.

        Reads block by block and holds no transaction in between, so that writers are not held up.
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
        """Add or re-weigh interests; (kind, value) is the key; a like replaces a dislike and back.

        Raises NotFound for an unknown subscriber.
        """
        with self._connections.write() as connection:
            put(connection, subscriber_id, interests)

    def remove_interests(self, subscriber_id: str, interests: Sequence[Interest]) -> None:
        """Take interests away by (kind, value); one that is not there is no error."""
        with self._connections.write() as connection:
            remove(connection, subscriber_id, interests)

    def due(
        self,
        now: datetime,
        *,
        limit: int,
        among: IdRange = EVERYONE,
        after: Subscriber | None = None,
    ) -> list[Subscriber]:
        """Active subscribers whose `due_at` has come, longest overdue first.

        `after` is the last one of the block before: what stood before it is not looked at again.
        """
        place = ("", "") if after is None else (stamp_or_none(after.due_at), after.id)
        with self._connections.read() as connection:
            return [
                to_subscriber(row)
                for row in connection.execute(
                    DUE, (stamp(now), *place, among.after, among.last, limit)
                )
            ]

    def wanted(self, since: datetime, *, limit: int) -> list[str]:
        """Papers liked since then by an id (`arxiv:…`, `doi:…`) that is not stored, newest first.

        Only confirmed subscribers count: what strangers type into the form is fetched for nobody.
        Nobody has more than 100 of them, or one person's list would keep out everyone else's.
        """
        with self._connections.read() as connection:
            return [
                row["value"]
                for row in connection.execute(
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
            ]

    def resumable(self, now: datetime, *, limit: int) -> list[Subscriber]:
        """Paused subscribers whose `paused_until` has come, longest overdue first."""
        with self._connections.read() as connection:
            return [
                to_subscriber(row)
                for row in connection.execute(
                    """
                    SELECT * FROM subscribers WHERE status = 'paused' AND paused_until <= ?
                    ORDER BY paused_until, id LIMIT ?
                    """,
                    (stamp(now), limit),
                )
            ]

    def page(self, after: str, *, limit: int, last: str = EVERYONE.last) -> list[Subscriber]:
        """Active subscribers with an id greater than `after`, up to `last`, by id: keyset paging."""
        return self._block(after, Status.ACTIVE, limit, last)

    def shares(self, *, most: int, least: int, due: datetime | None = None) -> list[IdRange]:
        """Everyone's ids in ranges with about as many active subscribers each.

        There are at most `most`, of at least `least` subscribers (but always one range). With
        `due`, those whose `due_at` has not come by then do not count.
        """
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
        """How many subscribers stand where; a status that nobody has is left out."""
        with self._connections.read() as connection:
            rows = connection.execute(
                "SELECT status, count(*) AS people FROM subscribers GROUP BY status ORDER BY status"
            )
            return {Status(row["status"]): row["people"] for row in rows}

    def topics_in_use(self) -> dict[str, int]:
        """Topic ids that active subscribers follow, with how many follow each."""
        with self._connections.read() as connection:
            return {
                row["value"]: row["followers"]
                for row in connection.execute(
                    """
                    SELECT i.value, count(*) AS followers
                    FROM interests AS i JOIN subscribers AS s ON s.id = i.subscriber_id
                    WHERE i.kind = 'topic' AND s.status = 'active'
                    GROUP BY i.value ORDER BY i.value
                    """
                )
            }

    def erase(self, subscriber_id: str, *, only: Collection[Status] | None = None) -> bool:
        """Delete a subscriber and everything kept about them; an unknown one is no error.

        Papers they submitted stay, without their name and line, where curators featured them.
        Whose status is none of `only` stays as they are, and the answer is False.
        """
        looked = erasing.look(self._connections, [subscriber_id])
        with self._connections.write() as connection, changes.marked(connection):
            standing = subscribers(connection, [subscriber_id]).get(subscriber_id)
            if only is not None and standing is not None and standing.status not in only:
                return False
            erasing.erase(connection, [subscriber_id], looked)
        self._connections.wipe_log()
        return True

    def erase_unchanged(
        self, people: Iterable[Subscriber], now: datetime, *, suppressing: Mapping[str, str]
    ) -> int:
        """Delete those of these whose row is as given, as `erase` does, in one transaction; how many.

        `suppressing` are hashes of their addresses by their ids, for the suppression list; one that
        is on it for another reason stays for that reason.
        """
        before = {each.id: each for each in people}
        looked = erasing.look(self._connections, before)
        with self._connections.write() as connection, changes.marked(connection):
            standing = subscribers(connection, before)
            theirs = [key for key, each in standing.items() if each == before[key]]
            erasing.erase(connection, theirs, looked)
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
        with self._connections.read() as connection:
            return [
                to_subscriber(row)
                for row in connection.execute(
                    """
                    SELECT * FROM subscribers
                    WHERE id > ?1 AND id <= ?4 AND (?2 IS NULL OR status = ?2)
                    ORDER BY id LIMIT ?3
                    """,
                    (after, status, limit, last),
                )
            ]


def subscribers(connection: sqlite3.Connection, ids: Iterable[str]) -> dict[str, Subscriber]:
    """Subscribers by id, within a transaction that the caller holds."""
    return {
        row["id"]: to_subscriber(row)
        for row in connection.execute(
            "SELECT * FROM subscribers WHERE id IN (SELECT value FROM json_each(?))",
            (listed(ids),),
        )
    }


def _renamed(connection: sqlite3.Connection, subscriber: Subscriber) -> bool:
    """Whether the name that others may see would change."""
    return (
        connection.execute(
            "SELECT 1 FROM subscribers WHERE id = ? AND (name, shows_name) <> (?, ?)",
            (subscriber.id, subscriber.name, int(subscriber.shows_name)),
        ).fetchone()
        is not None
    )


def _add_block(connection: sqlite3.Connection, block: Sequence[Row]) -> int:
    ids, emails = set(), set()
    for row in connection.execute(
        """
        SELECT id, email FROM subscribers WHERE id IN (SELECT value FROM json_each(?))
        UNION SELECT id, email FROM subscribers WHERE email IN (SELECT value FROM json_each(?))
        """,
        (listed(each.id for each, _ in block), listed(each.email for each, _ in block)),
    ):
        ids.add(row["id"])
        emails.add(row["email"])
    fresh: list[Row] = []
    for subscriber, wanted in block:
        if subscriber.id not in ids and subscriber.email not in emails:
            ids.add(subscriber.id)
            emails.add(subscriber.email)
            fresh.append((subscriber, wanted))
    connection.executemany(INSERT_SUBSCRIBER, (subscriber_columns(each) for each, _ in fresh))
    add_block(connection, ((each.id, wanted) for each, wanted in fresh))
    return len(fresh)
