"""Digests and their way out: what `digest.ports.Ledger` asks for."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from sqlite3 import Connection

from digest.model import Digest, Envelope, OutboxState, Outcome, Receipt
from digest.store import digests as digest_rows
from digest.store import history, keys, outbox, queueing
from digest.store.connections import Family
from digest.store.rows.ledger import OUTCOMES, to_receipt
from digest.store.rows.scalars import at_second, at_second_or_none, listed, moment, second, stamp
from digest.store.subscribers import subscribers

log = logging.getLogger(__name__)

ON_THE_WAY = (OutboxState.QUEUED, OutboxState.SENDING, OutboxState.RETRY)

# Open rows are found through the partial indexes, whose conditions these repeat word for word.
HAS_WAITING = """
SELECT EXISTS (SELECT 1 FROM outbox WHERE state IN ('queued', 'retry'))
    OR EXISTS (SELECT 1 FROM outbox WHERE state = 'sending')
"""
# Nearly all rows were sent: grouping those too would take four times as long.
COUNT_UNSENT = "SELECT state, count(*) FROM outbox WHERE state <> 'sent' GROUP BY state"


class Ledger(Family):
    """Digests, outbox and deliveries, in SQLite."""

    def compose(
        self,
        digests: Sequence[tuple[Digest, datetime | None]],
        *,
        next_due: Mapping[str, datetime],
        send_from: Mapping[str, datetime],
        message_ids: Mapping[str, str],
    ) -> int:
        """Keep digests and queue them, and move active readers' `due_at`, in one transaction."""
        with self._connections.write() as connection:
            expiries = {each.id: expiry for each, expiry in reversed(digests)}
            fresh = digest_rows.fresh(connection, [each for each, _ in digests])
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
            digest_rows.add(connection, fresh, {key for key, *_ in queued})
            queueing.queue(connection, queued)
            connection.executemany(
                "UPDATE subscribers SET due_at = ? WHERE id = ? AND status = 'active'",
                ((stamp(due), subscriber_id) for subscriber_id, due in next_due.items()),
            )
        return len(fresh)

    def composed(self, subscriber_ids: Sequence[str], edition: str) -> frozenset[str]:
        """Those of these readers who have a digest of an edition, sent or not."""
        with self._connections.read() as connection:
            wanted = keys.known(connection, (f"{each}.{edition}" for each in subscriber_ids))
            there = digest_rows.existing(connection, wanted.values())
        return frozenset(
            each.removesuffix(f".{edition}") for each, key in wanted.items() if key in there
        )

    def composed_since(self, since: datetime) -> frozenset[str]:
        """Who has a digest composed at or after then, sent or not (see `digests.made_since`)."""
        with self._connections.read() as connection:
            made = digest_rows.made_since(connection, since)
            return frozenset(keys.people(connection, made).values())

    def covered(self, subscriber_ids: Sequence[str]) -> dict[str, datetime]:
        """Up to when each subscriber's digests cover what was announced (see `history.covered`)."""
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
            found = digest_rows.load(connection, latest)
        return [found[each] for each in latest]

    def sent(
        self, subscriber_ids: Sequence[str], paper_ids: Iterable[str], *, but_edition: str = ""
    ) -> dict[str, frozenset[str]]:
        """Which of the papers stand in an earlier digest of each subscriber that was not lost."""
        with self._connections.read() as connection:
            return history.sent(connection, subscriber_ids, paper_ids, but_edition)

    def tidy(self, now: datetime) -> None:
        """Expire rows past their window, so that later digests show their papers again."""
        with self._connections.write() as connection:
            expired = outbox.tidy(connection, now)
        _log_expired(expired)

    def claim(self, now: datetime, *, owner: str, limit: int, lease: float) -> list[Envelope]:
        """Expire rows past their window, then lease a block that is due, oldest first."""
        until = now + timedelta(seconds=lease)
        with self._connections.write() as connection:
            expired = outbox.tidy(connection, now)
            taken = outbox.claim(connection, now, owner=owner, limit=limit, until=until)
        _log_expired(expired)
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
        """Mark rows as going out and renew the lease, durably, before any of them is sent."""
        lost, going = 0, None
        with self._connections.write() as connection:
            if settling:
                _, lost = outbox.settle(connection, settling, lease=lease)
            if outbox.renew(connection, lease, until):
                going = outbox.offer(connection, envelopes, lease=lease, now=now)
        _log_expired(lost)
        return going

    def hold(self, lease: str, *, over: datetime, until: datetime) -> bool:
        """Whether a claim is still ours beyond `over`; renews it until `until` if not for long.

        Cheap enough to ask for every message: usually one look at a small table.
        """
        row = self._connections.row("SELECT until FROM claims WHERE fence = ?", (lease,))
        if row is None:
            return False
        if moment(row["until"]) > over:
            return True
        with self._connections.write() as connection:
            return outbox.renew(connection, lease, until)

    def settle(
        self, receipts: Sequence[Receipt], *, lease: str, until: datetime | None = None
    ) -> int:
        """Record a group of receipts in one transaction; returns how many rows were settled."""
        with self._connections.write() as connection:
            if until is not None:
                outbox.renew(connection, lease, until)
            settled, lost = outbox.settle(connection, receipts, lease=lease)
        _log_expired(lost)
        return settled

    def release(self, lease: str) -> int:
        """Give back rows that a claim has not offered, as they were; returns how many."""
        with self._connections.write() as connection:
            return outbox.release(connection, lease)

    def withdraw(self, digest_ids: Sequence[str], *, lease: str) -> None:
        """Unmark offered rows of which none can have been sent."""
        with self._connections.write() as connection:
            outbox.withdraw(connection, digest_ids, lease=lease)

    def put_off(self, times: Mapping[str, datetime], *, lease: str) -> int:
        """Give back rows that were not offered, due at these times by digest id; returns how many."""
        with self._connections.write() as connection:
            return outbox.put_off(connection, times, lease=lease)

    def due(self, now: datetime, *, most: int) -> int:
        """How many rows could be claimed now, counted up to `most`."""
        return int(self._connections.rows(outbox.COUNT_DUE, (second(now), most))[0][0])

    def has_waiting(self) -> bool:
        """Whether anything is still to be sent, now or later, or being sent; cheap at any size."""
        return bool(self._connections.rows(HAS_WAITING)[0][0])

    def counts(self) -> dict[str, int]:
        """Outbox rows by state, every state included; goes through the whole outbox."""
        counts = {state.value: 0 for state in OutboxState}
        with self._connections.read() as connection:
            (rows,) = connection.execute("SELECT count(*) FROM outbox").fetchone()
            counts.update(connection.execute(COUNT_UNSENT).fetchall())
        counts[OutboxState.SENT] = rows - sum(counts.values())
        return counts

    def refusals(self, subscriber_id: str, since: datetime) -> int:
        """How many digests in a row a mail server refused for good since then."""
        with self._connections.read() as connection:
            row = connection.execute(
                """
                WITH recent AS (
                    SELECT * FROM deliveries
                    WHERE digest IN (SELECT value FROM json_each(?1)) AND at >= ?2
                )
                SELECT count(*) AS refused FROM recent WHERE outcome = ?3 AND code > 0
                    AND at > coalesce((SELECT max(at) FROM recent WHERE outcome = ?4), 0)
                """,
                (
                    listed(history.keys_of(connection, subscriber_id)),
                    second(since),
                    OUTCOMES.index(Outcome.REFUSED),
                    OUTCOMES.index(Outcome.ACCEPTED),
                ),
            ).fetchone()
        return int(row["refused"])

    def on_the_way(self, digest_ids: Iterable[str]) -> frozenset[str]:
        """Those of these digests that are still to be sent, or being sent."""
        return frozenset(
            each for each, state in self.states(digest_ids).items() if state in ON_THE_WAY
        )

    def requeue(self, message_ids: Mapping[str, str], now: datetime, expires_at: datetime) -> int:
        """Queue kept digests once more under a new Message-ID, by digest id; returns how many."""
        with self._connections.write() as connection:
            return queueing.requeue(connection, message_ids, now=now, expires_at=expires_at)

    def deliveries(self, *, since: datetime, limit: int) -> list[tuple[Receipt, str]]:
        """Attempts at or after `since`, newest first, each with the subscriber id."""
        with self._connections.read() as connection:
            attempts = connection.execute(
                """
                SELECT * FROM deliveries WHERE at >= ?
                ORDER BY at DESC, digest DESC, attempt DESC LIMIT ?
                """,
                (second(since), limit),
            ).fetchall()
            names = keys.named(connection, {row["digest"] for row in attempts})
        return [
            (to_receipt(row, digest_id), digest_id.rpartition(".")[0])
            for row in attempts
            if (digest_id := names.get(row["digest"])) is not None
        ]

    def states(self, digest_ids: Iterable[str]) -> dict[str, OutboxState]:
        """The outbox states of these digests, without those that were only kept."""
        with self._connections.read() as connection:
            wanted = _by_key(connection, digest_ids)
            found = connection.execute(
                """
                SELECT digest, state FROM outbox
                WHERE digest IN (SELECT value FROM json_each(?))
                """,
                (listed(wanted),),
            ).fetchall()
        return {wanted[row["digest"]]: OutboxState(row["state"]) for row in found}

    def attempts(self, digest_ids: Iterable[str]) -> list[Receipt]:
        """Every attempt to deliver these digests, oldest first."""
        with self._connections.read() as connection:
            wanted = _by_key(connection, digest_ids)
            attempts = connection.execute(
                """
                SELECT * FROM deliveries WHERE digest IN (SELECT value FROM json_each(?))
                ORDER BY at, digest, attempt
                """,
                (listed(wanted),),
            ).fetchall()
        return [to_receipt(row, wanted[row["digest"]]) for row in attempts]

    def _envelopes(self, lease: str) -> list[Envelope]:
        with self._connections.read() as connection:
            taken = connection.execute(
                """
                SELECT * FROM outbox WHERE state = 'sending' AND lease = ?
                ORDER BY due_at, digest
                """,
                (lease,),
            ).fetchall()
            digests = digest_rows.load(connection, [row["digest"] for row in taken])
            message_ids = queueing.message_ids(
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


def _by_key(connection: Connection, ids: Iterable[str]) -> dict[int, str]:
    """Ids of digests by key."""
    return {key: each for each, key in keys.known(connection, ids).items()}


def _digests(connection: Connection, ids: Iterable[str]) -> dict[str, Digest]:
    """Whole digests by id."""
    wanted = keys.known(connection, ids)
    return {each.id: each for each in digest_rows.load(connection, wanted.values()).values()}


def _log_expired(expired: int) -> None:
    """Log that digests were not sent in time, after the transaction that says so."""
    if expired:
        log.warning("digests were not sent in time", extra={"action": "expire", "digests": expired})
