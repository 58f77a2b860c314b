"""Queueing digests in the outbox, and the Message-IDs they go under, within the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from sqlite3 import Connection, Row

from digest.store import digests, keys
from digest.store.rows.scalars import second


def queue(connection: Connection, rows: Sequence[tuple[int, str, datetime, datetime, str]]) -> None:
    """Queue new digests, given as (key, id, due, expiry, Message-ID)."""
    kept = _without_ids(connection, {key: (digest_id, text) for key, digest_id, *_, text in rows})
    connection.executemany(
        """
        INSERT INTO outbox (digest, state, due_at, expires_at, message_id)
        VALUES (?, 'queued', ?, ?, ?)
        """,
        (
            (key, second(due_at), second(expires_at), kept[key])
            for key, _, due_at, expires_at, _ in rows
        ),
    )


def requeue(
    connection: Connection,
    message_ids: Mapping[str, str],
    *,
    now: datetime,
    expires_at: datetime,
) -> int:
    """Queue kept digests as if for the first time; returns how many.

    `was_sent` remembers that a digest arrived before: if it does not arrive again, it is not lost.
    """
    wanted = keys.known(connection, message_ids)
    kept = _without_ids(
        connection, {key: (each, message_ids[each]) for each, key in wanted.items()}
    )
    return connection.executemany(
        """
        INSERT INTO outbox (digest, state, due_at, expires_at, message_id)
        SELECT key, 'queued', ?1, ?2, ?3 FROM digests WHERE key = ?4
        ON CONFLICT (digest) DO UPDATE SET state = 'queued', due_at = excluded.due_at,
            expires_at = excluded.expires_at, message_id = excluded.message_id,
            was_sent = was_sent OR state = 'sent', earlier = earlier + attempts, attempts = 0,
            in_doubt = NULL, doubts = 0
        WHERE state IN ('sent', 'failed', 'expired')
        """,
        ((second(now), second(expires_at), kept[key], key) for key in wanted.values()),
    ).rowcount


def message_ids(
    connection: Connection, rows: Sequence[Row], digest_ids: Mapping[int, str]
) -> dict[int, str]:
    """The whole Message-IDs of rows by key, of which `_without_ids` kept a part."""
    kept: dict[int, str] = {row["digest"]: row["message_id"] for row in rows}
    domains = digests.texts_of(
        connection, {int(text[1:]) for text in kept.values() if text.startswith("@")}
    )
    return {
        key: f"<{digest_ids[key]}{domains[int(text[1:])]}>" if text.startswith("@") else text
        for key, text in kept.items()
    }


def _without_ids(
    connection: Connection, message_ids: Mapping[int, tuple[str, str]]
) -> dict[int, str]:
    """Message-IDs to store: of `<id@domain>` only `@` and the number of the string `@domain`.

    The id is known from the key, and a morning's digests share the domain.
    """
    domains = {
        key: text[len(digest_id) + 1 : -1]
        for key, (digest_id, text) in message_ids.items()
        if text.startswith(f"<{digest_id}@") and text.endswith(">")
    }
    day = max(domains, default=0) >> keys.BITS
    numbers = digests.interned(connection, dict.fromkeys(domains.values()), day)
    return {
        key: f"@{numbers[domains[key]]}" if key in domains else text
        for key, (_, text) in message_ids.items()
    }
