"""Digests and their way out: what `digest.ports.Ledger` asks for."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from sqlite3 import Connection

from digest.model import Digest, Envelope, OutboxState, Outcome, Receipt
from digest.store import digests as rows
from digest.store import history, keys, outbox
from digest.store.connections import Connections
from digest.store.rows import (
    OUTCOMES,
    at_second,
    at_second_or_none,
    moment,
    second,
    stamp,
    to_receipt,
)
from digest.store.subscribers import subscribers

log = logging.getLogger(__name__)

# What is open is looked at through the indexes of it alone, which name the states as is done here.
HAS_WAITING = """
SELECT EXISTS (SELECT 1 FROM outbox WHERE state IN ('queued', 'retry'))
    OR EXISTS (SELECT 1 FROM outbox WHERE state = 'sending')
"""
COUNT_OPEN = """
SELECT state, count(*) FROM outbox WHERE state IN ('queued', 'retry') GROUP BY state
UNION ALL SELECT 'sending', count(*) FROM outbox WHERE state = 'sending'
"""
# All others but a few were sent: to group those too takes three times as long.
COUNT_LOST = (
    "SELECT state, count(*) FROM outbox WHERE state IN ('failed', 'expired') GROUP BY state"
)


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
        """Keep digests and queue them, and move active readers' `due_at`, in one transaction.

        Each digest comes with its expiry; None keeps it without sending. `send_from` and
        `message_ids` go by digest id, `next_due` by subscriber id. A digest whose key exists is
        left alone. Returns how many were new; raises NotFound when a subscriber or a picked paper
        is not stored.
        """
        with self._connections.write() as connection:
            expiries = {each.id: expiry for each, expiry in reversed(digests)}
            fresh = rows.fresh(connection, [each for each, _ in digests])
            queued = [
                (
                    key,
                    each.id,
                    send_from.get(each.id, each.composed_at),
                    expires_at,
                    message_ids[each.id],
                )
                for key, each in fresh.items()
                if (expires_at := expiries[each.id]) is not None
            ]
            rows.add(connection, fresh, {key for key, *_ in queued})
            outbox.queue(connection, queued)
            connection.executemany(
                "UPDATE subscribers SET due_at = ? WHERE id = ? AND status = 'active'",
                ((stamp(due), subscriber_id) for subscriber_id, due in next_due.items()),
            )
        return len(fresh)

    def composed(self, subscriber_ids: Sequence[str], edition: str) -> frozenset[str]:
        """Who of these readers has a digest of an edition, sent or not."""
        with self._connections.read() as connection:
            wanted = keys.known(connection, (f"{each}.{edition}" for each in subscriber_ids))
            there = rows.there(connection, wanted.values())
        return frozenset(
            each.removesuffix(f".{edition}") for each, key in wanted.items() if key in there
        )

    def composed_since(self, since: datetime) -> frozenset[str]:
        """Who got a digest composed at or after then, sent or not, but of editions over a week old."""
        with self._connections.read() as connection:
            made = rows.made_since(connection, since)
            return frozenset(keys.people(connection, made).values())

    def covered(self, subscriber_ids: Sequence[str]) -> dict[str, datetime]:
        """Up to when each subscriber's digests cover what was announced.

        That is the end of the latest one that was not lost. One that expired or was refused showed
        nothing to anybody: where none made after that goes as far, it is the start of the first.
        Whose digests are no longer kept is covered until the last of such ended, whoever had it.
        """
        with self._connections.read() as connection:
            found = history.covered(connection, subscriber_ids)
        return {each: moment(until) for each, until in found.items()}

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
            latest = history.recent(connection, subscriber_id, limit)
            found = rows.load(connection, latest)
        return [found[each] for each in latest]

    def sent(
        self, subscriber_ids: Sequence[str], paper_ids: Iterable[str], *, but_edition: str = ""
    ) -> dict[str, frozenset[str]]:
        """Which of the papers stand in an earlier digest of each subscriber that was not lost.

        `but_edition` leaves that edition out, so that re-ranking a composed day is repeatable.
        """
        with self._connections.read() as connection:
            return history.sent(connection, subscriber_ids, paper_ids, but_edition)

    def tidy(self, now: datetime) -> None:
        """Expire what is past its window: those who compose next show its papers again."""
        with self._connections.write() as connection:
            expired = outbox.tidy(connection, now)
        _tell_of(expired)

    def claim(self, now: datetime, *, owner: str, limit: int, lease: float) -> list[Envelope]:
        """Expire what is past its window, then lease a block that is due, oldest first.

        `lease` is in seconds. Rows of claims whose time ran out count as due again; rows of
        subscribers who are no longer active are closed instead. `attempts` of an envelope counts
        this one.
        """
        until = now + timedelta(seconds=lease)
        with self._connections.write() as connection:
            expired = outbox.tidy(connection, now)
            taken = outbox.claim(connection, now, owner=owner, limit=limit, until=until)
        _tell_of(expired)
        return [] if taken is None else self._envelopes(taken)

    def offer(
        self,
        envelopes: Sequence[Envelope],
        *,
        lease: str,
        now: datetime,
        until: datetime,
        settling: Sequence[Receipt] = (),
    ) -> frozenset[str] | None:
        """Mark rows as going out and renew the lease, durably, before any of them is sent.

        What came of others of the claim is written down in the same transaction, as `settle` does.

        Returns the ids of those that may go: rows of subscribers who are no longer active are
        closed instead, and of who is erased there are none. Those of whose address has changed
        since the claim stay as they were claimed, for the next claim. None, and nothing is marked,
        when the claim has been taken over.
        """
        lost, going = 0, None
        with self._connections.write() as connection:
            if settling:
                _, lost = outbox.settle(connection, settling, lease=lease)
            if outbox.renew(connection, lease, until):
                going = outbox.offer(connection, envelopes, lease=lease, now=now)
        _tell_of(lost)
        return going

    def hold(self, lease: str, *, over: datetime, until: datetime) -> bool:
        """Whether a claim is still ours beyond `over`; renewed until `until` if it nears its end.

        Cheap enough to be asked for every message: mostly one look at a small table.
        """
        row = self._connections.look("SELECT until FROM claims WHERE fence = ?", (lease,))
        if row is None:
            return False
        if moment(row["until"]) > over:
            return True
        with self._connections.write() as connection:
            return outbox.renew(connection, lease, until)

    def settle(
        self, receipts: Sequence[Receipt], *, lease: str, until: datetime | None = None
    ) -> int:
        """Record a group of receipts in one transaction; rows no longer under `lease` are left alone.

        But of those, what was accepted and is not going out again is recorded: nobody is to send it.
        A deferred one without a `retry_at` before its expiry expires. One whose outcome is unknown
        is due again at its expiry, or, if its `retry_at` is then, expires and is not lost, for it
        may have arrived. `until` renews the lease. Returns how many rows were settled.
        """
        with self._connections.write() as connection:
            if until is not None:
                outbox.renew(connection, lease, until)
            settled, lost = outbox.settle(connection, receipts, lease=lease)
        _tell_of(lost)
        return settled

    def release(self, lease: str) -> int:
        """Give back what a claim has not offered, as it was; returns how many rows."""
        with self._connections.write() as connection:
            return outbox.release(connection, lease)

    def withdraw(self, digest_ids: Sequence[str], *, lease: str) -> None:
        """Unmark rows that were offered of which none can have been sent; they are as claimed."""
        with self._connections.write() as connection:
            outbox.withdraw(connection, digest_ids, lease=lease)

    def put_off(self, times: Mapping[str, datetime], *, lease: str) -> int:
        """Give rows back, by digest id, as they were but due at these times; returns how many.

        Those that were offered stay where they are.
        """
        with self._connections.write() as connection:
            return outbox.put_off(connection, times, lease=lease)

    def due(self, now: datetime, *, most: int) -> int:
        """How many rows could be claimed now, counted up to `most`."""
        with self._connections.read() as connection:
            (count,) = connection.execute(outbox.COUNT_DUE, (second(now), most)).fetchone()
        return int(count)

    def has_waiting(self) -> bool:
        """Whether anything is still to be sent, now or later, or being sent; cheap at any size."""
        with self._connections.read() as connection:
            (found,) = connection.execute(HAS_WAITING).fetchone()
        return bool(found)

    def counts(self) -> dict[str, int]:
        """Outbox rows by state; every state is named. Reads the outbox whole."""
        counts = {state.value: 0 for state in OutboxState}
        with self._connections.read() as connection:
            (rows,) = connection.execute("SELECT count(*) FROM outbox").fetchone()
            for query in (COUNT_OPEN, COUNT_LOST):
                counts.update(connection.execute(query).fetchall())
        counts[OutboxState.SENT] = rows - sum(counts.values())
        return counts

    def refusals(self, subscriber_id: str, since: datetime) -> int:
        """How many digests in a row a mail server refused for good since then.

        Deferrals do not break a row, an acceptance does; our own refusals (code 0) do not count.
        """
        with self._connections.read() as connection:
            row = connection.execute(
                """
                WITH told AS (
                    SELECT * FROM deliveries
                    WHERE digest IN (SELECT value FROM json_each(?1)) AND at >= ?2
                )
                SELECT count(*) AS refused FROM told WHERE outcome = ?3 AND code > 0
                    AND at > coalesce((SELECT max(at) FROM told WHERE outcome = ?4), 0)
                """,
                (
                    json.dumps(history.keys_of(connection, subscriber_id)),
                    second(since),
                    OUTCOMES.index(Outcome.REFUSED),
                    OUTCOMES.index(Outcome.ACCEPTED),
                ),
            ).fetchone()
        return int(row["refused"])

    def on_the_way(self, digest_ids: Iterable[str]) -> frozenset[str]:
        """Those of these digests that are still to be sent, or being sent."""
        with self._connections.read() as connection:
            return outbox.on_the_way(connection, digest_ids)

    def requeue(self, message_ids: Mapping[str, str], now: datetime, expires_at: datetime) -> int:
        """Queue kept digests once more, by digest id, under a new Message-ID; how many.

        Attempts begin anew, deliveries are told on. One that is still on its way is left alone.
        """
        with self._connections.write() as connection:
            return outbox.requeue(connection, message_ids, now=now, expires_at=expires_at)

    def deliveries(self, *, since: datetime, limit: int) -> list[tuple[Receipt, str]]:
        """Attempts at or after `since`, newest first, each with the subscriber id."""
        with self._connections.read() as connection:
            told = connection.execute(
                """
                SELECT * FROM deliveries WHERE at >= ?
                ORDER BY at DESC, digest DESC, attempt DESC LIMIT ?
                """,
                (second(since), limit),
            ).fetchall()
            names = keys.named(connection, {row["digest"] for row in told})
        return [
            (to_receipt(row, digest_id), digest_id.rpartition(".")[0])
            for row in told
            if (digest_id := names.get(row["digest"])) is not None
        ]

    def states(self, digest_ids: Iterable[str]) -> dict[str, OutboxState]:
        """Where these digests stand on their way out; those that were only kept are left out."""
        with self._connections.read() as connection:
            wanted = {key: each for each, key in keys.known(connection, digest_ids).items()}
            found = connection.execute(
                """
                SELECT digest, state FROM outbox
                WHERE digest IN (SELECT value FROM json_each(?))
                """,
                (json.dumps(list(wanted)),),
            ).fetchall()
        return {wanted[row["digest"]]: OutboxState(row["state"]) for row in found}

    def attempts(self, digest_ids: Iterable[str]) -> list[Receipt]:
        """Every attempt to deliver these digests, oldest first."""
        with self._connections.read() as connection:
            wanted = {key: each for each, key in keys.known(connection, digest_ids).items()}
            told = connection.execute(
                """
                SELECT * FROM deliveries WHERE digest IN (SELECT value FROM json_each(?))
                ORDER BY at, digest, attempt
                """,
                (json.dumps(list(wanted)),),
            ).fetchall()
        return [to_receipt(row, wanted[row["digest"]]) for row in told]

    def _envelopes(self, lease: str) -> list[Envelope]:
        with self._connections.read() as connection:
            taken = connection.execute(
                """
                SELECT * FROM outbox WHERE state = 'sending' AND lease = ?
                ORDER BY due_at, digest
                """,
                (lease,),
            ).fetchall()
            digests = rows.load(connection, [row["digest"] for row in taken])
            message_ids = outbox.message_ids(
                connection, taken, {key: each.id for key, each in digests.items()}
            )
            people = subscribers(connection, (each.subscriber_id for each in digests.values()))
        return [
            Envelope(
                digest=digest,
                subscriber=people[digest.subscriber_id],
                message_id=message_ids[row["digest"]],
                attempts=row["attempts"],
                expires_at=at_second(row["expires_at"]),
                lease=lease,
                in_doubt=at_second_or_none(row["in_doubt"]),
                doubts=row["doubts"],
            )
            for row, digest in ((row, digests[row["digest"]]) for row in taken)
        ]


def _digests(connection: Connection, ids: Iterable[str]) -> dict[str, Digest]:
    """Whole digests by id."""
    wanted = keys.known(connection, ids)
    return {each.id: each for each in rows.load(connection, wanted.values()).values()}


def _tell_of(expired: int) -> None:
    """Say that digests were not sent in time, once that is written down."""
    if expired:
        log.warning("digests were not sent in time", extra={"action": "expire", "digests": expired})
