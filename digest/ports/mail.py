"""The store of mail: digests and their way out, letters, and what came back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from digest.model import (
    Digest,
    Envelope,
    Evidence,
    EvidenceKind,
    Letter,
    Receipt,
    SuppressionReason,
)


class Ledger(Protocol):
    """Digests and their way out: at least once, with a key."""

    def compose(
        self,
        digests: Sequence[tuple[Digest, datetime | None]],
        *,
        next_due: Mapping[str, datetime],
        send_from: Mapping[str, datetime],
        message_ids: Mapping[str, str],
    ) -> int:
        """Keep digests and queue them, and move their subscribers' `due_at`, in one transaction.

        Each digest comes with its expiry; None keeps it without sending. A digest whose key
        exists is left alone. Returns how many were new.
        """
        ...

    def covered(self, subscriber_ids: Sequence[str]) -> dict[str, datetime]:
        """Up to when each subscriber's digests cover what was announced; who has none is left out.

        A digest that expired or was refused covers nothing: its days come in the next.
        """
        ...

    def digest(self, digest_id: str) -> Digest | None:
        """One digest, whole."""
        ...

    def digests(self, ids: Iterable[str]) -> dict[str, Digest]:
        """Digests by id, whole; unknown ids are left out."""
        ...

    def recent(self, subscriber_id: str, *, limit: int) -> list[Digest]:
        """A subscriber's latest digests with their picks, newest first."""
        ...

    def sent(
        self, subscriber_ids: Sequence[str], paper_ids: Iterable[str], *, but_edition: str = ""
    ) -> dict[str, frozenset[str]]:
        """Which of the papers stand in an earlier digest of each subscriber.

        `but_edition` leaves that edition out, so that re-ranking a composed day is repeatable.
        """
        ...

    def claim(self, now: datetime, *, owner: str, limit: int, lease: float) -> list[Envelope]:
        """Expire what is past its window, then lease a block that is due, oldest first.

        `lease` is in seconds. Rows whose lease ran out count as due again.
        """
        ...

    def settle(self, receipts: Sequence[Receipt], *, lease: str) -> int:
        """Record a group of receipts in one transaction; rows no longer under `lease` are left alone.

        Returns how many rows were settled.
        """
        ...

    def release(self, lease: str) -> int:
        """Give back what a claim has not settled, as it was."""
        ...

    def counts(self) -> dict[str, int]:
        """Outbox rows by state."""
        ...

    def refusals(self, subscriber_id: str, since: datetime) -> int:
        """How many digests in a row a mail server refused for good since then."""
        ...

    def requeue(self, message_ids: Mapping[str, str], now: datetime, expires_at: datetime) -> int:
        """Queue kept digests once more, by digest id, under a new Message-ID; how many."""
        ...

    def deliveries(self, *, since: datetime, limit: int) -> list[tuple[Receipt, str]]:
        """Attempts since then, newest first, with the subscriber id, for the operator's page."""
        ...


class PostStore(Protocol):
    """Letters on their way, what came back, and whom not to write to."""

    def put(self, letters: Sequence[Letter]) -> int:
        """Queue letters; a known id is left alone. Returns how many were new."""
        ...

    def claim(self, now: datetime, *, limit: int, lease: float) -> list[Letter]:
        """Lease letters that are due, oldest first; what is past its expiry is dropped."""
        ...

    def settle(self, letter_id: str, *, retry_at: datetime | None) -> None:
        """Done with for good (None), or to be tried again then."""
        ...

    def record(self, evidence: Evidence) -> bool:
        """Keep evidence; False if it is known already (the same id)."""
        ...

    def evidence(self, evidence_id: str) -> Evidence | None:
        """One, with the raw mail."""
        ...

    def evidences(
        self,
        *,
        subscriber_id: str = "",
        kind: EvidenceKind | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> list[Evidence]:
        """Newest first, without the raw mails."""
        ...

    def settle_evidence(self, evidence_id: str, now: datetime) -> None:
        """An operator undid it, or dealt with it."""
        ...

    def waiting(self) -> int:
        """Letters not yet sent."""
        ...

    def came(self, key: str) -> bool:
        """Whether this mail (by a hash of ours) is remembered; remembers nothing itself."""
        ...

    def first_time(self, key: str, now: datetime) -> bool:
        """Whether this mail (by a hash of ours) comes for the first time; remembers it."""
        ...

    def suppress(self, hashed: str, reason: SuppressionReason, now: datetime) -> None:
        """Put a salted hash of an address on the list."""
        ...

    def suppression(self, hashed: str) -> SuppressionReason | None:
        """Why it is on the list, None if it is not."""
        ...

    def unsuppress(self, hashed: str) -> None:
        """Take it off the list."""
        ...

    def secret(self, name: str) -> bytes:
        """32 random bytes of this installation, minted when first asked for."""
        ...

    def take(self, bucket: str, *, now: datetime, seconds: float, most: int) -> bool:
        """Count one use of a bucket; False once `most` were counted within the last `seconds`.

        What is refused is not counted. Buckets are hashes or plain words, never addresses.
        """
        ...
