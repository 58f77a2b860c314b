"""Digests and their way out: what `digest.ports.Ledger` asks for."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from sqlite3 import Connection

from digest.model import Digest, Envelope, OutboxState, Pick, Receipt
from digest.store import loading, outbox
from digest.store.connections import Connections
from digest.store.rows import (
    digest_columns,
    listed,
    moment,
    pick_columns,
    stamp,
    to_digest,
    to_pick,
    to_receipt,
)
from digest.store.subscribers import subscribers

PUT_EDITION = """
INSERT INTO editions (edition, first_composed, digests, queued, announced)
VALUES (?, ?, 1, ?, ?)
ON CONFLICT (edition) DO UPDATE SET
    first_composed = min(first_composed, excluded.first_composed),
    digests = digests + 1,
    queued = queued + excluded.queued,
    announced = max(announced, excluded.announced)
"""
INSERT_OUTBOX = """
INSERT INTO outbox (digest_id, subscriber_id, state, due_at, expires_at, message_id)
VALUES (?, ?, 'queued', ?, ?, ?)
"""


class Ledger:
    """Digests, outbox and deliveries, in SQLite."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def compose(
        self,
        digests: Sequence[tuple[Digest, datetime | None]],
        *,
        next_due: Mapping[str, datetime],
        send_from: Mapping[str, datetime],
        message_ids: Mapping[str, str],
    ) -> int:
        """Keep digests and queue them, and move their subscribers' `due_at`, in one transaction.

        Each digest comes with its expiry; None keeps it without sending. `send_from` and
        `message_ids` go by digest id, `next_due` by subscriber id. A digest whose key exists is
        left alone. Returns how many were new; raises NotFound when a subscriber or a picked paper
        is not stored.
        """
        with self._connections.write() as connection:
            known = {
                row["id"]
                for row in connection.execute(
                    "SELECT id FROM digests WHERE id IN (SELECT value FROM json_each(?))",
                    (listed(each.id for each, _ in digests),),
                )
            }
            fresh = {each.id: (each, expiry) for each, expiry in digests if each.id not in known}
            _insert(connection, list(fresh.values()))
            connection.executemany(
                INSERT_OUTBOX,
                (
                    (
                        each.id,
                        each.subscriber_id,
                        stamp(send_from.get(each.id, each.composed_at)),
                        stamp(expiry),
                        message_ids[each.id],
                    )
                    for each, expiry in fresh.values()
                    if expiry is not None
                ),
            )
            connection.executemany(
                "UPDATE subscribers SET due_at = ? WHERE id = ?",
                ((stamp(due), subscriber_id) for subscriber_id, due in next_due.items()),
            )
        return len(fresh)

    def covered(self, subscriber_ids: Sequence[str]) -> dict[str, datetime]:
        """Up to when each subscriber's digests cover what was announced.

        That is the end of the latest one that was not lost. One that expired or was refused showed
        nothing to anybody: where there are only such, it is the start of the first.
        """
        with self._connections.read() as connection:
            return {
                row["subscriber_id"]: moment(row["covered"])
                for row in connection.execute(
                    """
                    SELECT subscriber_id, coalesce(max(iif(lost, NULL, until)), min(since)) AS covered
                    FROM (
                        SELECT d.subscriber_id, d.since, d.until,
                            coalesce(o.state IN ('expired', 'failed') AND NOT o.was_sent, 0) AS lost
                        FROM digests AS d LEFT JOIN outbox AS o ON o.digest_id = d.id
                        WHERE d.subscriber_id IN (SELECT value FROM json_each(?))
                    ) GROUP BY subscriber_id
                    """,
                    (listed(subscriber_ids),),
                )
            }

    def digest(self, digest_id: str) -> Digest | None:
        """One digest, whole."""
        with self._connections.read() as connection:
            return _digests(connection, [digest_id]).get(digest_id)

    def digests(self, ids: Iterable[str]) -> dict[str, Digest]:
        """Digests by id, whole; unknown ids are left out."""
        with self._connections.read() as connection:
            return _digests(connection, ids)

    def recent(self, subscriber_id: str, *, limit: int) -> list[Digest]:
        """A subscriber's latest digests, whole, newest first."""
        with self._connections.read() as connection:
            ids = [
                row["id"]
                for row in connection.execute(
                    """
                    SELECT id FROM digests WHERE subscriber_id = ?
                    ORDER BY until DESC, edition DESC LIMIT ?
                    """,
                    (subscriber_id, limit),
                )
            ]
            found = _digests(connection, ids)
        return [found[each] for each in ids]

    def sent(
        self, subscriber_ids: Sequence[str], paper_ids: Iterable[str], *, but_edition: str = ""
    ) -> dict[str, frozenset[str]]:
        """Which of the papers stand in an earlier digest of each subscriber that was not lost.

        `but_edition` leaves that edition out, so that re-ranking a composed day is repeatable.
        """
        papers = listed(paper_ids)
        found: defaultdict[str, set[str]] = defaultdict(set)
        with self._connections.read() as connection:
            names = loading.names(connection, papers)
            rows = connection.execute(
                # No paper stands in a digest that ended before we first saw the paper: that
                # bound keeps years of old digests out of the search.
                """
                SELECT d.subscriber_id, d.rest, (
                    SELECT json_group_array(paper_id) FROM picks WHERE digest_id = d.id
                ) AS picked
                FROM digests AS d
                WHERE d.subscriber_id IN (SELECT value FROM json_each(?1)) AND d.edition <> ?2
                    AND NOT EXISTS (
                        SELECT 1 FROM outbox AS o
                        WHERE o.digest_id = d.id AND o.state IN ('expired', 'failed')
                            AND NOT o.was_sent
                    )
                    AND d.until >= (
                        SELECT min(first_seen) FROM papers
                        WHERE id IN (SELECT value FROM json_each(?3))
                    )
                """,
                (listed(subscriber_ids), but_edition, papers),
            )
            for row in rows:
                shown = {*json.loads(row["picked"]), *json.loads(row["rest"])}
                found[row["subscriber_id"]].update(names[each] for each in shown & names.keys())
        return {each: frozenset(papers) for each, papers in found.items() if papers}

    def claim(self, now: datetime, *, owner: str, limit: int, lease: float) -> list[Envelope]:
        """Expire what is past its window, then lease a block that is due, oldest first.

        `lease` is in seconds. Rows whose lease ran out count as due again; rows of subscribers who
        are no longer active are closed instead. `attempts` of an envelope counts this one.
        """
        with self._connections.write() as connection:
            outbox.tidy(connection, now)
            taken = outbox.claim(connection, now, owner=owner, limit=limit, seconds=lease)
        return [] if taken is None else self._envelopes(taken)

    def settle(self, receipts: Sequence[Receipt], *, lease: str) -> int:
        """Record a group of receipts in one transaction; rows no longer under `lease` are left alone.

        A deferred one without a `retry_at` before its expiry expires. Returns how many rows were
        settled.
        """
        with self._connections.write() as connection:
            return outbox.settle(connection, receipts, lease=lease)

    def release(self, lease: str) -> int:
        """Give back what a claim has not settled, as it was; returns how many rows."""
        with self._connections.write() as connection:
            return outbox.release(connection, lease)

    def counts(self) -> dict[str, int]:
        """Outbox rows by state; every state is named."""
        counts = {state.value: 0 for state in OutboxState}
        with self._connections.read() as connection:
            counts.update(
                connection.execute("SELECT state, count(*) FROM outbox GROUP BY state").fetchall()
            )
        return counts

    def refusals(self, subscriber_id: str, since: datetime) -> int:
        """How many digests in a row a mail server refused for good since then.

        Deferrals do not break a row, an acceptance does; our own refusals (code 0) do not count.
        """
        with self._connections.read() as connection:
            row = connection.execute(
                """
                WITH told AS (
                    SELECT v.* FROM digests AS d JOIN deliveries AS v ON v.digest_id = d.id
                    WHERE d.subscriber_id = ?1 AND v.at >= ?2
                )
                SELECT count(*) AS refused FROM told WHERE outcome = 'refused' AND code > 0
                    AND at > coalesce((SELECT max(at) FROM told WHERE outcome = 'accepted'), '')
                """,
                (subscriber_id, stamp(since)),
            ).fetchone()
        return int(row["refused"])

    def requeue(self, message_ids: Mapping[str, str], now: datetime, expires_at: datetime) -> int:
        """Queue kept digests once more, by digest id, under a new Message-ID; how many.

        Attempts begin anew, deliveries are told on. One that is still on its way is left alone.
        """
        with self._connections.write() as connection:
            return outbox.requeue(connection, message_ids, now=now, expires_at=expires_at)

    def deliveries(self, *, since: datetime, limit: int) -> list[tuple[Receipt, str]]:
        """Attempts at or after `since`, newest first, each with the subscriber id."""
        with self._connections.read() as connection:
            return [
                (to_receipt(row), row["subscriber_id"])
                for row in connection.execute(
                    """
                    SELECT v.*, d.subscriber_id
                    FROM deliveries AS v JOIN digests AS d ON d.id = v.digest_id
                    WHERE v.at >= ? ORDER BY v.at DESC, v.rowid DESC LIMIT ?
                    """,
                    (stamp(since), limit),
                )
            ]

    def _envelopes(self, lease: str) -> list[Envelope]:
        with self._connections.read() as connection:
            rows = connection.execute(
                """
                SELECT * FROM outbox WHERE state = 'sending' AND lease = ?
                ORDER BY due_at, digest_id
                """,
                (lease,),
            ).fetchall()
            digests = _digests(connection, [row["digest_id"] for row in rows])
            people = subscribers(connection, (row["subscriber_id"] for row in rows))
        return [
            Envelope(
                digest=digests[row["digest_id"]],
                subscriber=people[row["subscriber_id"]],
                message_id=row["message_id"],
                attempts=row["attempts"],
                expires_at=moment(row["expires_at"]),
                lease=lease,
            )
            for row in rows
        ]


def _insert(connection: Connection, digests: Sequence[tuple[Digest, datetime | None]]) -> None:
    connection.executemany(
        PUT_EDITION,
        (
            (each.edition, stamp(each.composed_at), int(expiry is not None), each.announced)
            for each, expiry in digests
        ),
    )
    connection.executemany(
        "INSERT INTO digests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (digest_columns(each) for each, _ in digests),
    )
    connection.executemany(
        "INSERT INTO picks VALUES (?, ?, ?, ?, ?, ?)",
        (
            pick_columns(each.id, rank, pick)
            for each, _ in digests
            for rank, pick in enumerate(each.picks, start=1)
        ),
    )


def _digests(connection: Connection, ids: Iterable[str]) -> dict[str, Digest]:
    """Whole digests by id."""
    wanted = listed(ids)
    picks: defaultdict[str, list[Pick]] = defaultdict(list)
    for row in connection.execute(
        """
        SELECT * FROM picks WHERE digest_id IN (SELECT value FROM json_each(?))
        ORDER BY digest_id, rank
        """,
        (wanted,),
    ):
        picks[row["digest_id"]].append(to_pick(row))
    return {
        row["id"]: to_digest(row, picks[row["id"]])
        for row in connection.execute(
            "SELECT * FROM digests WHERE id IN (SELECT value FROM json_each(?))", (wanted,)
        )
    }
