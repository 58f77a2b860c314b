"""Claiming, offering, settling and giving back outbox rows, within a transaction of the caller's.

    queued ──claim──► sending ──settle──► sent | failed | expired
       ▲                 │ ▲ └──────────► retry ──claim──► sending
       └────release──────┘ └─ given back when its claim's time runs out

A claim is a row of `claims`. Its fence number, which only ever grows, is the lease that every later
write must name. Once its time has run out, the next sender deletes the claim, so that a sender that
was thought dead can neither settle nor renew what another one has taken over.

Rows are marked as going out, durably, before a mail server can see them. When a claim runs out
unsettled, its marked rows are in doubt (somebody has to ask the mail server, or risk sending them
twice), and all others have certainly not been sent. If the first sender reports an acceptance after
all, that ends the doubt, unless the row is going out again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from sqlite3 import Connection, Row

from digest.model import Envelope, OutboxState, Outcome, Receipt
from digest.store import keys
from digest.store.rows.ledger import OUTCOMES
from digest.store.rows.scalars import listed, second, stamp

FURTHEST = timedelta(hours=2)

WAITING = "o.state IN ('queued', 'retry')"

# CROSS JOIN keeps the outbox outermost, so that its index gives the order and the limit.
DUE = f"""
SELECT o.digest, o.earlier + o.attempts + 1 AS attempt, s.status
FROM outbox AS o CROSS JOIN readers AS r ON r.number = o.digest & {keys.MASK}
CROSS JOIN subscribers AS s ON s.id = r.subscriber_id
WHERE {WAITING} AND o.due_at <= ? ORDER BY o.due_at, o.digest LIMIT ?
"""  # noqa: S608 - a constant

COUNT_DUE = f"""
SELECT count(*) FROM (
    SELECT 1 FROM outbox AS o WHERE {WAITING} AND o.due_at <= ? LIMIT ?
)
"""  # noqa: S608 - a constant

EXPIRE = f"""
UPDATE outbox AS o SET state = 'expired'
WHERE {WAITING} AND o.expires_at <= ? AND o.in_doubt IS NULL
"""  # noqa: S608 - a constant

GO_OUT = """
UPDATE outbox SET going_out = ?
WHERE state = 'sending' AND lease = ? AND digest IN (SELECT value FROM json_each(?))
RETURNING digest
"""

READERS = f"""
SELECT k.value, s.email, s.status FROM json_each(?) AS k
CROSS JOIN readers AS r ON r.number = k.value & {keys.MASK}
CROSS JOIN subscribers AS s ON s.id = r.subscriber_id
"""  # noqa: S608 - a constant

LEFT = f"""
SELECT o.digest, o.earlier + o.attempts AS attempt, s.status
FROM outbox AS o JOIN readers AS r ON r.number = o.digest & {keys.MASK}
JOIN subscribers AS s ON s.id = r.subscriber_id
WHERE o.state = 'sending' AND o.lease = ? AND s.status <> 'active'
    AND o.digest IN (SELECT value FROM json_each(?))
"""  # noqa: S608 - a constant

NOT_OFFERED = """
UPDATE outbox SET state = CASE WHEN attempts > 1 THEN 'retry' ELSE 'queued' END,
    attempts = attempts - 1, lease = NULL
WHERE state = 'sending' AND going_out IS NULL AND lease = ?
"""
UNSETTLED = """
UPDATE outbox SET state = 'retry', doubts = doubts + (in_doubt IS NOT NULL),
    in_doubt = coalesce(in_doubt, going_out), going_out = NULL, lease = NULL
WHERE state = 'sending' AND going_out IS NOT NULL AND lease = ?
"""

HELD = """
SELECT digest, earlier + attempts AS attempts, expires_at FROM outbox
WHERE state = 'sending' AND lease = ? AND digest IN (SELECT value FROM json_each(?))
"""
TAKEN_OVER = """
SELECT digest, earlier + attempts AS attempts, expires_at FROM outbox
WHERE state IN ('retry', 'sending') AND going_out IS NULL AND in_doubt IS NOT NULL
    AND digest IN (SELECT value FROM json_each(?))
"""

ADD_DELIVERY = """
INSERT INTO deliveries (digest, attempt, at, outcome, code, reply) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (digest, attempt) DO UPDATE
SET at = excluded.at, outcome = excluded.outcome, code = excluded.code, reply = excluded.reply
"""


def tidy(connection: Connection, now: datetime) -> int:
    """Give back rows of claims whose time ran out, then expire rows past their window.

    Returns how many expired. A claim that ends too far ahead was made by a clock that was wrong,
    and is over as well. Rows in doubt do not expire, as they may have been sent.
    """
    over = [
        (str(row["fence"]),)
        for row in connection.execute(
            "SELECT fence FROM claims WHERE until <= ? OR until > ?",
            (stamp(now), stamp(now + FURTHEST)),
        )
    ]
    for statement in (NOT_OFFERED, UNSETTLED, "DELETE FROM claims WHERE fence = ?"):
        connection.executemany(statement, over)
    return connection.execute(EXPIRE, (second(now),)).rowcount


def claim(
    connection: Connection, now: datetime, *, owner: str, limit: int, until: datetime
) -> str | None:
    """Lease up to `limit` rows that are due, oldest first; returns the lease, None for no rows.

    Rows of subscribers who are no longer active are closed instead, and do not count.
    """
    (fence,) = connection.execute(
        "INSERT INTO claims (owner, until) VALUES (?, ?) RETURNING fence", (owner, stamp(until))
    ).fetchone()
    lease = str(fence)
    taken = 0
    while taken < limit:
        due = connection.execute(DUE, (second(now), limit - taken)).fetchall()
        if not due:
            break
        gone = [row for row in due if row["status"] != "active"]
        _close(connection, gone, now)
        taken += connection.executemany(
            """
            UPDATE outbox SET state = 'sending', attempts = attempts + 1, lease = ?
            WHERE digest = ?
            """,
            ((lease, row["digest"]) for row in due if row["status"] == "active"),
        ).rowcount
    if not taken:
        connection.execute("DELETE FROM claims WHERE fence = ?", (lease,))
    return lease if taken else None


def renew(connection: Connection, lease: str, until: datetime) -> bool:
    """Move the end of a claim; False if somebody has taken it over."""
    return (
        connection.execute(
            "UPDATE claims SET until = ? WHERE fence = ?", (stamp(until), lease)
        ).rowcount
        == 1
    )


def offer(
    connection: Connection, envelopes: Iterable[Envelope], *, lease: str, now: datetime
) -> frozenset[str]:
    """Mark rows as going out; returns the ids of those that may go.

    Rows of subscribers who have left since the claim are closed instead, as `claim` does. Rows of
    subscribers with another address by now are left alone: the next claim has the new one.
    """
    addresses = {each.digest.id: each.subscriber.email for each in envelopes}
    known = keys.known(connection, addresses)
    wanted = listed(known.values())
    readers = {key: theirs for key, *theirs in connection.execute(READERS, (wanted,))}
    there = [key for each, key in known.items() if readers[key] == [addresses[each], "active"]]
    rows = connection.execute(GO_OUT, (second(now), lease, listed(there)))
    going = {row["digest"] for row in rows}
    if len(going) < len(known):
        _close(connection, connection.execute(LEFT, (lease, wanted)).fetchall(), now)
    return frozenset(each for each, key in known.items() if key in going)


def withdraw(connection: Connection, digest_ids: Iterable[str], *, lease: str) -> None:
    """Unmark rows as going out: none of them was sent."""
    connection.execute(
        """
        UPDATE outbox SET going_out = NULL
        WHERE state = 'sending' AND lease = ?
            AND digest IN (SELECT value FROM json_each(?))
        """,
        (lease, listed(keys.known(connection, digest_ids).values())),
    )


def settle(connection: Connection, receipts: Sequence[Receipt], *, lease: str) -> tuple[int, int]:
    """Write the receipts of rows still under the lease; returns how many rows, and how many lost.

    Rows that expire are lost, unless their outcome is unknown, as they may have arrived. Acceptances
    are also written for rows that another sender has taken over, so that nobody sends them again.
    """
    known = keys.known(connection, (each.digest_id for each in receipts))
    held = _held(connection, receipts, known, lease)
    ours = {known[each.digest_id]: each for each in receipts if known.get(each.digest_id) in held}
    next_ = {key: _next(each, held[key]) for key, each in ours.items()}
    connection.executemany(
        """
        UPDATE outbox SET state = ?1, due_at = coalesce(?2, due_at), lease = NULL,
            in_doubt = iif(?3, coalesce(in_doubt, going_out), in_doubt), doubts = doubts + ?4,
            was_sent = was_sent OR (?3 AND ?1 = 'expired'), going_out = NULL
        WHERE digest = ?5
        """,
        ((*next_[key], each.unknown, each.is_silent, key) for key, each in ours.items()),
    )
    connection.executemany(
        ADD_DELIVERY,
        (
            (
                key,
                held[key]["attempts"],
                second(each.at),
                OUTCOMES.index(each.outcome),
                each.code,
                each.reply,
            )
            for key, each in ours.items()
        ),
    )
    lost = sum(
        state == OutboxState.EXPIRED and not ours[key].unknown for key, (state, _) in next_.items()
    )
    return len(ours), lost


def release(connection: Connection, lease: str) -> int:
    """Give back rows that were not offered, as they were before the claim; returns how many.

    Rows that were offered and not settled stay under the claim until it runs out: by then, a mail
    server that accepted them will have logged it.
    """
    given_back = connection.execute(NOT_OFFERED, (lease,)).rowcount
    connection.execute(
        """
        DELETE FROM claims WHERE fence = ?1
            AND NOT EXISTS (SELECT 1 FROM outbox WHERE state = 'sending' AND lease = ?1)
        """,
        (lease,),
    )
    return given_back


def put_off(connection: Connection, times: Mapping[str, datetime], *, lease: str) -> int:
    """Give back rows that were not offered, but due at these times; returns how many."""
    return connection.executemany(
        """
        UPDATE outbox SET state = CASE WHEN attempts > 1 THEN 'retry' ELSE 'queued' END,
            attempts = attempts - 1, lease = NULL, due_at = ?
        WHERE state = 'sending' AND going_out IS NULL AND lease = ? AND digest = ?
        """,
        ((second(times[each]), lease, key) for each, key in keys.known(connection, times).items()),
    ).rowcount


def _held(
    connection: Connection, receipts: Iterable[Receipt], known: Mapping[str, int], lease: str
) -> dict[int, Row]:
    """The rows under the lease, and accepted ones that another sender has taken over."""
    rows = connection.execute(HELD, (lease, listed(known.values())))
    held = {row["digest"]: row for row in rows}
    late = {
        known[each.digest_id]
        for each in receipts
        if each.outcome is Outcome.ACCEPTED and each.digest_id in known
    } - held.keys()
    if late:
        found = connection.execute(TAKEN_OVER, (listed(late),))
        held.update({row["digest"]: row for row in found})
    return held


def _next(receipt: Receipt, row: Row) -> tuple[str, int | None]:
    """The state that a receipt leads to, and when the row is due again."""
    if receipt.outcome is Outcome.ACCEPTED:
        return OutboxState.SENT.value, None
    if receipt.outcome is Outcome.REFUSED:
        return OutboxState.FAILED.value, None
    if receipt.unknown and receipt.retry_at is None:
        # Not to be sent again, but its sender still asks the mail server whether it arrived.
        return OutboxState.RETRY.value, row["expires_at"]
    if receipt.retry_at is None or second(receipt.retry_at) >= row["expires_at"]:
        return OutboxState.EXPIRED.value, None
    return OutboxState.RETRY.value, second(receipt.retry_at)


def _close(connection: Connection, rows: Sequence[Row], now: datetime) -> None:
    """Fail rows of subscribers who are no longer active, with a delivery that says why.

    A row that is claimed has counted this attempt already.
    """
    connection.executemany(
        """
        UPDATE outbox SET attempts = attempts + (state <> 'sending'), state = 'failed', lease = NULL
        WHERE digest = ?
        """,
        ((row["digest"],) for row in rows),
    )
    connection.executemany(
        ADD_DELIVERY,
        (
            (
                row["digest"],
                row["attempt"],
                second(now),
                OUTCOMES.index(Outcome.REFUSED),
                0,
                f"not sent: the subscriber was {row['status']} by then",
            )
            for row in rows
        ),
    )
