"""Claiming, settling and giving back outbox rows, within a transaction that the caller holds.

    queued ──claim──► sending ──settle──► sent | failed | expired
       ▲                 │ ▲ └──────────► retry ──claim──► sending
       └────release──────┘ └─ back to retry when its lease runs out

A row's lease names its claim, so that a sender that was thought dead cannot settle what another
one has taken over.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from sqlite3 import Connection, Row

from digest.model import OutboxState, Outcome, Receipt
from digest.store.rows import listed, moment, stamp

WAITING = "o.state IN ('queued', 'retry')"

# CROSS JOIN keeps the outbox outermost, so that its index gives the order and the limit.
DUE = f"""
SELECT o.digest_id, o.earlier + o.attempts AS attempts, s.status
FROM outbox AS o CROSS JOIN subscribers AS s ON s.id = o.subscriber_id
WHERE {WAITING} AND o.due_at <= ? ORDER BY o.due_at, o.digest_id LIMIT ?
"""  # noqa: S608 - a constant

ADD_DELIVERY = """
INSERT INTO deliveries (digest_id, attempt, at, outcome, code, reply) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (digest_id, attempt) DO UPDATE
SET at = excluded.at, outcome = excluded.outcome, code = excluded.code, reply = excluded.reply
"""


def tidy(connection: Connection, now: datetime) -> None:
    """Give back rows whose lease ran out, then close what may no longer be sent."""
    connection.execute(
        """
        UPDATE outbox SET state = 'retry', lease = NULL, lease_until = NULL
        WHERE state = 'sending' AND lease_until <= ?
        """,
        (stamp(now),),
    )
    connection.execute(
        f"UPDATE outbox AS o SET state = 'expired' WHERE {WAITING} AND o.expires_at <= ?",  # noqa: S608 - a constant
        (stamp(now),),
    )


def claim(
    connection: Connection, now: datetime, *, owner: str, limit: int, seconds: float
) -> str | None:
    """Lease up to `limit` rows that are due, oldest first; returns the lease, None for no rows.

    Rows of people who have left in the meantime are closed instead, and do not count.
    """
    lease = f"{owner}.{secrets.token_hex(8)}"
    until = stamp(now + timedelta(seconds=seconds))
    taken = 0
    while taken < limit:
        due = connection.execute(DUE, (stamp(now), limit - taken)).fetchall()
        if not due:
            break
        gone = [row for row in due if row["status"] != "active"]
        _close(connection, gone, now)
        taken += connection.executemany(
            """
            UPDATE outbox SET state = 'sending', attempts = attempts + 1, lease = ?, lease_until = ?
            WHERE digest_id = ?
            """,
            ((lease, until, row["digest_id"]) for row in due if row["status"] == "active"),
        ).rowcount
    return lease if taken else None


def settle(connection: Connection, receipts: Sequence[Receipt], *, lease: str) -> int:
    """Write the receipts of rows still under the lease; returns how many that were."""
    held = {
        row["digest_id"]: row
        for row in connection.execute(
            """
            SELECT digest_id, earlier + attempts AS attempts, expires_at FROM outbox
            WHERE state = 'sending' AND lease = ?
                AND digest_id IN (SELECT value FROM json_each(?))
            """,
            (lease, listed(each.digest_id for each in receipts)),
        )
    }
    ours = {each.digest_id: each for each in receipts if each.digest_id in held}
    connection.executemany(
        """
        UPDATE outbox SET state = ?, due_at = coalesce(?, due_at), lease = NULL, lease_until = NULL
        WHERE digest_id = ?
        """,
        ((*_next(each, held[each.digest_id]), each.digest_id) for each in ours.values()),
    )
    connection.executemany(
        ADD_DELIVERY,
        (
            (
                each.digest_id,
                held[each.digest_id]["attempts"],
                stamp(each.at),
                each.outcome.value,
                each.code,
                each.reply,
            )
            for each in ours.values()
        ),
    )
    return len(ours)


def release(connection: Connection, lease: str) -> int:
    """Give rows back as they were before the claim; returns how many."""
    return connection.execute(
        """
        UPDATE outbox SET state = CASE WHEN attempts > 1 THEN 'retry' ELSE 'queued' END,
            attempts = attempts - 1, lease = NULL, lease_until = NULL
        WHERE state = 'sending' AND lease = ?
        """,
        (lease,),
    ).rowcount


def requeue(
    connection: Connection,
    message_ids: Mapping[str, str],
    *,
    now: datetime,
    expires_at: datetime,
) -> int:
    """Queue kept digests as if for the first time; returns how many.

    That one arrived before is remembered: should it not arrive again, it was not lost.
    """
    return connection.executemany(
        """
        INSERT INTO outbox (digest_id, subscriber_id, state, due_at, expires_at, message_id)
        SELECT id, subscriber_id, 'queued', ?1, ?2, ?3 FROM digests WHERE id = ?4
        ON CONFLICT (digest_id) DO UPDATE SET state = 'queued', due_at = excluded.due_at,
            expires_at = excluded.expires_at, message_id = excluded.message_id,
            was_sent = was_sent OR state = 'sent', earlier = earlier + attempts, attempts = 0
        WHERE state IN ('sent', 'failed', 'expired')
        """,
        (
            (stamp(now), stamp(expires_at), message_id, digest_id)
            for digest_id, message_id in message_ids.items()
        ),
    ).rowcount


def _next(receipt: Receipt, row: Row) -> tuple[str, str | None]:
    """The state that a receipt leads to, and when the row is due again."""
    if receipt.outcome is Outcome.ACCEPTED:
        return OutboxState.SENT.value, None
    if receipt.outcome is Outcome.REFUSED:
        return OutboxState.FAILED.value, None
    if receipt.retry_at is None or receipt.retry_at >= moment(row["expires_at"]):
        return OutboxState.EXPIRED.value, None
    return OutboxState.RETRY.value, stamp(receipt.retry_at)


def _close(connection: Connection, rows: Sequence[Row], now: datetime) -> None:
    """Fail rows of subscribers that are no longer active, and say so where deliveries are told."""
    connection.executemany(
        """
        UPDATE outbox SET state = 'failed', attempts = attempts + 1, lease = NULL, lease_until = NULL
        WHERE digest_id = ?
        """,
        ((row["digest_id"],) for row in rows),
    )
    connection.executemany(
        ADD_DELIVERY,
        (
            (
                row["digest_id"],
                row["attempts"] + 1,
                stamp(now),
                Outcome.REFUSED.value,
                0,
                f"not sent: the subscriber was {row['status']} by then",
            )
            for row in rows
        ),
    )
