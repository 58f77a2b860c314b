"""Letters, evidence, suppressions and limits: what `digest.ports.PostStore` asks for."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from sqlite3 import Connection

from digest.model import Evidence, EvidenceKind, Letter, Subscriber, SuppressionReason
from digest.store.connections import Family
from digest.store.rows.records import EVIDENCE, LETTERS
from digest.store.rows.scalars import Columns, listed, moment, stamp, stamp_or_none

SECRET_BYTES = 32

PUT_LETTER = f"{LETTERS.insert} ON CONFLICT (id) DO NOTHING"


class Post(Family):
    """Letters on their way, what came back, and whom not to write to, in SQLite."""

    # --- letters ------------------------------------------------------------------------------

    def put(self, letters: Sequence[Letter]) -> int:
        """Queue letters; a known id is left alone, sent or not. Returns how many were new."""
        with self._connections.write() as connection:
            return connection.executemany(PUT_LETTER, map(_letter, letters)).rowcount

    def ask(
        self, letters: Iterable[tuple[str, str, Letter]], *, now: datetime, seconds: float
    ) -> int:
        """Queue letters that ask people to confirm, in one transaction; returns how many."""
        since = stamp(now - timedelta(seconds=seconds))
        asked = 0
        with self._connections.write() as connection:
            for bucket, subscriber_id, letter in letters:
                if _used(connection, bucket, since) or not _is_pending(
                    connection, subscriber_id, now
                ):
                    continue
                _use(connection, bucket, since, now)
                asked += connection.execute(PUT_LETTER, _letter(letter)).rowcount
        return asked

    def claim(self, now: datetime, *, limit: int, lease: float) -> list[Letter]:
        """Lease letters that are due and have not expired, oldest first."""
        with self._connections.write() as connection:
            due = [
                row["id"]
                for row in connection.execute(
                    """
                    SELECT id FROM letters WHERE due_at <= ?1 AND expires_at > ?1
                    ORDER BY due_at, id LIMIT ?2
                    """,
                    (stamp(now), limit),
                )
            ]
            connection.executemany(
                "UPDATE letters SET due_at = ?, attempts = attempts + 1 WHERE id = ?",
                ((stamp(now + timedelta(seconds=lease)), each) for each in due),
            )
            found = {
                row["id"]: LETTERS.read(row)
                for row in connection.execute(
                    "SELECT * FROM letters WHERE id IN (SELECT value FROM json_each(?))",
                    (listed(due),),
                )
            }
        return [found[each] for each in due]

    def drop_late(self, now: datetime) -> list[str]:
        """Forget expired letters that are not leased; returns the kinds of those never sent."""
        with self._connections.write() as connection:
            late = connection.execute(
                """
                DELETE FROM letters WHERE expires_at <= ?1 AND coalesce(due_at, '') <= ?1
                RETURNING kind, due_at
                """,
                (stamp(now),),
            ).fetchall()
        return [row["kind"] for row in late if row["due_at"] is not None]

    def settle(
        self,
        letter_id: str,
        *,
        retry_at: datetime | None,
        in_doubt: bool = False,
        untried: bool = False,
    ) -> None:
        """Be done with a letter (`retry_at` None; only its id stays), or have it tried again."""
        if retry_at is None:
            self._connections.run(
                """
                UPDATE letters SET due_at = NULL, sender = '', recipient = '', content = x''
                WHERE id = ?
                """,
                (letter_id,),
            )
        else:
            self._connections.run(
                """
                UPDATE letters
                SET due_at = ?, doubts = doubts + ?, attempts = max(attempts - ?, 0)
                WHERE id = ? AND due_at IS NOT NULL
                """,
                (stamp(retry_at), in_doubt, untried, letter_id),
            )

    def waiting(self) -> int:
        """Letters not yet sent."""
        rows = self._connections.rows("SELECT count(*) FROM letters WHERE due_at IS NOT NULL")
        return int(rows[0][0])

    def waiting_for(self, address: str) -> list[Letter]:
        """Letters to an address that are not yet sent, oldest first."""
        rows = self._connections.rows(
            """
            SELECT * FROM letters WHERE due_at IS NOT NULL AND lower(recipient) = ?
            ORDER BY at, id
            """,
            (address.lower(),),
        )
        return [LETTERS.read(row) for row in rows]

    # --- evidence -----------------------------------------------------------------------------

    def record(
        self,
        evidence: Evidence,
        *,
        turned: tuple[Subscriber, Subscriber] | None = None,
        suppressing: tuple[str, SuppressionReason] | None = None,
        settling: Sequence[str] = (),
    ) -> bool:
        """Keep evidence and what follows from it, in one transaction; False if nothing was done."""
        with self._connections.write() as connection:
            known = connection.execute("SELECT 1 FROM evidence WHERE id = ?", (evidence.id,))
            if known.fetchone() or (turned is not None and not _change_status(connection, *turned)):
                return False
            connection.execute(EVIDENCE.insert, EVIDENCE.columns(evidence))
            if suppressing is not None:
                _suppress(connection, *suppressing, evidence.at)
            for each in settling:
                _settle(connection, each, evidence.at)
        return True

    def evidence(self, evidence_id: str) -> Evidence | None:
        """One piece of evidence, with the raw mail."""
        row = self._connections.row("SELECT * FROM evidence WHERE id = ?", (evidence_id,))
        return None if row is None else EVIDENCE.read(row)

    def evidences(
        self,
        *,
        subscriber_id: str = "",
        kind: EvidenceKind | None = None,
        but: EvidenceKind | None = None,
        unsettled: bool = False,
        since: datetime | None = None,
        limit: int = 100,
    ) -> list[Evidence]:
        """Evidence that meets all conditions given, newest first, without the raw mails."""
        query, values = evidence_query(
            subscriber_id=subscriber_id, kind=kind, but=but, unsettled=unsettled, since=since
        )
        return [EVIDENCE.read(row) for row in self._connections.rows(query, (*values, limit))]

    def settle_evidence(self, evidence_id: str, now: datetime) -> None:
        """Note that an operator undid or handled some evidence; only the first time counts."""
        with self._connections.write() as connection:
            _settle(connection, evidence_id, now)

    def came(self, key: str) -> datetime | None:
        """When this mail (by a hash of ours) came first, None if it is not remembered."""
        row = self._connections.row("SELECT at FROM received WHERE key = ?", (key,))
        return None if row is None else moment(row["at"])

    def first_time(self, key: str, now: datetime) -> bool:
        """Whether this mail (by a hash of ours) comes for the first time; remembers it."""
        return bool(
            self._connections.run(
                "INSERT INTO received VALUES (?, ?) ON CONFLICT (key) DO NOTHING", (key, stamp(now))
            )
        )

    # --- whom not to write to, and how often -----------------------------------------------------

    def suppress(self, hashed: str, reason: SuppressionReason, now: datetime) -> None:
        """Put a salted hash of an address on the list; the latest reason counts."""
        with self._connections.write() as connection:
            _suppress(connection, hashed, reason, now)

    def suppression(self, hashed: str) -> SuppressionReason | None:
        """Why it is on the list, None if it is not."""
        row = self._connections.row("SELECT reason FROM suppressions WHERE hashed = ?", (hashed,))
        return None if row is None else SuppressionReason(row["reason"])

    def suppressions(self, hashed: Iterable[str]) -> dict[str, SuppressionReason]:
        """Those of the hashes that are on the list; iterates over none while the list is empty."""
        with self._connections.read() as connection:
            if connection.execute("SELECT 1 FROM suppressions LIMIT 1").fetchone() is None:
                return {}
            rows = connection.execute(
                """
                SELECT hashed, reason FROM suppressions
                WHERE hashed IN (SELECT value FROM json_each(?))
                """,
                (listed(hashed),),
            )
            return {row["hashed"]: SuppressionReason(row["reason"]) for row in rows}

    def unsuppress(self, hashed: str) -> None:
        """Take it off the list."""
        self._connections.run("DELETE FROM suppressions WHERE hashed = ?", (hashed,))

    def secret(self, name: str) -> bytes:
        """32 random bytes of this installation, minted when first asked for; then always the same."""
        with self._connections.read() as connection:
            found = _secret(connection, name)
        if found is not None:
            return found
        with self._connections.write() as connection:
            found = _secret(connection, name)
            if found is None:
                found = secrets.token_bytes(SECRET_BYTES)
                connection.execute("INSERT INTO secrets VALUES (?, ?)", (name, found))
            return found

    def take(self, bucket: str, *, now: datetime, seconds: float, most: int) -> bool:
        """Count one use of a bucket; False once `most` were counted within the last `seconds`."""
        since = stamp(now - timedelta(seconds=seconds))
        # What is refused writes nothing.
        with self._connections.read() as connection:
            if _used(connection, bucket, since) >= most:
                return False
        with self._connections.write() as connection:
            if _used(connection, bucket, since) >= most:
                return False
            _use(connection, bucket, since, now)
        return True

    def used(self, buckets: Iterable[str], *, now: datetime, seconds: float) -> set[str]:
        """Those of the buckets of which a use was counted within the last `seconds`."""
        rows = self._connections.rows(
            """
            SELECT DISTINCT bucket FROM uses
            WHERE bucket IN (SELECT value FROM json_each(?)) AND at > ?
            """,
            (listed(buckets), stamp(now - timedelta(seconds=seconds))),
        )
        return {row["bucket"] for row in rows}


def evidence_query(
    *,
    subscriber_id: str = "",
    kind: EvidenceKind | None = None,
    but: EvidenceKind | None = None,
    unsettled: bool = False,
    since: datetime | None = None,
) -> tuple[str, list[str]]:
    """The query for evidence and its values, except for the limit, which comes last.

    Conditions that are not given are left out, so that SQLite can choose the right index; the "+"
    keeps it on that of the subscriber, who has few rows.
    """
    asked: dict[str, str] = {}
    if subscriber_id:
        asked["subscriber_id <> '' AND subscriber_id = ?"] = subscriber_id
    if kind is not None:
        asked["+kind = ?" if subscriber_id else "kind = ?"] = kind.value
    if but is not None:
        asked["kind <> ?"] = but.value
    if since is not None:
        asked["at >= ?"] = stamp(since)
    where = [*asked, "settled_at IS NULL"] if unsettled else [*asked, "true"]
    query = f"""
        SELECT id, kind, subscriber_id, digest_id, status, detail, x'' AS raw, at, settled_at
        FROM evidence WHERE {" AND ".join(where)}
        ORDER BY at DESC, rowid DESC LIMIT ?
        """  # noqa: S608 - all of it is ours
    return query, list(asked.values())


def _letter(letter: Letter) -> Columns:
    """The columns of a letter, which is due as soon as it is written."""
    return LETTERS.columns(letter, stamp(letter.at))


def _change_status(connection: Connection, before: Subscriber, after: Subscriber) -> bool:
    """Give a subscriber another status and pause; False if they have not those of `before`."""
    return (
        connection.execute(
            """
            UPDATE subscribers SET status = ?4, paused_until = ?5,
                due_at = iif(?4 = 'active', due_at, NULL)
            WHERE id = ?1 AND status = ?2 AND paused_until IS ?3
            """,
            (
                before.id,
                before.status.value,
                stamp_or_none(before.paused_until),
                after.status.value,
                stamp_or_none(after.paused_until),
            ),
        ).rowcount
        == 1
    )


def _settle(connection: Connection, evidence_id: str, now: datetime) -> None:
    connection.execute(
        "UPDATE evidence SET settled_at = coalesce(settled_at, ?) WHERE id = ?",
        (stamp(now), evidence_id),
    )


def _suppress(
    connection: Connection, hashed: str, reason: SuppressionReason, now: datetime
) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO suppressions VALUES (?, ?, ?)", (hashed, reason.value, stamp(now))
    )


def _secret(connection: Connection, name: str) -> bytes | None:
    row = connection.execute("SELECT value FROM secrets WHERE name = ?", (name,)).fetchone()
    return None if row is None else bytes(row["value"])


def _is_pending(connection: Connection, subscriber_id: str, now: datetime) -> bool:
    """Whether this subscriber has yet to confirm; the time to do so starts anew for a newcomer."""
    return (
        connection.execute(
            """
            UPDATE subscribers SET created_at = iif(confirmed_at IS NULL, ?, created_at)
            WHERE id = ? AND status = 'pending'
            """,
            (stamp(now), subscriber_id),
        ).rowcount
        == 1
    )


def _use(connection: Connection, bucket: str, since: str, now: datetime) -> None:
    connection.execute("DELETE FROM uses WHERE bucket = ? AND at <= ?", (bucket, since))
    connection.execute("INSERT INTO uses VALUES (?, ?)", (bucket, stamp(now)))


def _used(connection: Connection, bucket: str, since: str) -> int:
    row = connection.execute(
        "SELECT count(*) AS used FROM uses WHERE bucket = ? AND at > ?", (bucket, since)
    ).fetchone()
    return int(row["used"])
