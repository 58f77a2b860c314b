"""The store of mail: digests and their way out, letters, and what came back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from digest.model import (
    Digest,
    Envelope,
    Evidence,
    EvidenceKind,
    Letter,
    OutboxState,
    Pace,
    Receipt,
    Subscriber,
    SuppressionReason,
    Waiting,
)

T = TypeVar("T")


class Ledger(Protocol):
    """Digests and their way out: at least once, with a key, and what is in doubt marked as such."""

    def compose(
        self,
        digests: Sequence[tuple[Digest, datetime | None]],
        *,
        next_due: Mapping[str, datetime],
        send_from: Mapping[str, datetime],
        message_ids: Mapping[str, str],
    ) -> int:
        """Keep digests and queue them, and move active readers' `due_at`, in one transaction.

        Each digest comes with its expiry; None keeps it without sending. A digest whose key
        exists is left alone. Returns how many were new.
        """
        ...

    def composed(self, subscriber_ids: Sequence[str], edition: str) -> frozenset[str]:
        """Who of these readers has a digest of an edition, sent or not."""
        ...

    def composed_since(self, since: datetime) -> frozenset[str]:
        """Who got a digest composed at or after then, sent or not, but of editions over a week old."""
        ...

    def covered(self, subscriber_ids: Sequence[str]) -> dict[str, datetime]:
        """Up to when each subscriber's digests cover what was announced; who had none is left out.

        A digest that expired or was refused covers nothing: its days come in the next. One that is
        no longer kept covers what there was before those that are.
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

    def tidy(self, now: datetime) -> None:
        """Expire what is past its window, so that it counts as lost."""
        ...

    def claim(self, now: datetime, *, owner: str, limit: int, lease: float) -> list[Envelope]:
        """Expire what is past its window, then lease a block that is due, oldest first.

        `lease` is in seconds. Rows whose lease ran out count as due again.
        """
        ...

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
        closed instead, and those of whose address has changed stay as claimed. None, and nothing
        is marked, when the claim has been taken over.
        """
        ...

    def hold(self, lease: str, *, over: datetime, until: datetime) -> bool:
        """Whether a claim is still ours beyond `over`; renewed until `until` if it nears its end."""
        ...

    def settle(
        self, receipts: Sequence[Receipt], *, lease: str, until: datetime | None = None
    ) -> int:
        """Record a group of receipts in one transaction; rows no longer under `lease` are left alone.

        But of those, what was accepted and is not going out again is recorded: nobody is to send it.
        `until` renews the lease. Returns how many rows were settled.
        """
        ...

    def release(self, lease: str) -> int:
        """Give back what a claim has not offered, as it was.

        What was offered and not settled is due again, in doubt, once the lease has run out.
        """
        ...

    def withdraw(self, digest_ids: Sequence[str], *, lease: str) -> None:
        """Unmark rows that were offered of which none can have been sent."""
        ...

    def put_off(self, times: Mapping[str, datetime], *, lease: str) -> int:
        """Give rows back that were not offered, by digest id, as they were but due at these times."""
        ...

    def due(self, now: datetime, *, most: int) -> int:
        """How many rows could be claimed now, counted up to `most`."""
        ...

    def has_waiting(self) -> bool:
        """Whether anything is still to be sent, now or later, or being sent; cheap at any size."""
        ...

    def counts(self) -> dict[str, int]:
        """Outbox rows by state."""
        ...

    def refusals(self, subscriber_id: str, since: datetime) -> int:
        """How many digests in a row a mail server refused for good since then."""
        ...

    def on_the_way(self, digest_ids: Iterable[str]) -> frozenset[str]:
        """Those of these digests that are still to be sent, or being sent."""
        ...

    def requeue(self, message_ids: Mapping[str, str], now: datetime, expires_at: datetime) -> int:
        """Queue kept digests once more, by digest id, under a new Message-ID; how many."""
        ...

    def deliveries(self, *, since: datetime, limit: int) -> list[tuple[Receipt, str]]:
        """Attempts since then, newest first, with the subscriber id, for the operator's page."""
        ...

    def states(self, digest_ids: Iterable[str]) -> dict[str, OutboxState]:
        """Where these digests stand on their way out; those that were only kept are left out."""
        ...

    def attempts(self, digest_ids: Iterable[str]) -> list[Receipt]:
        """Every attempt to deliver these digests, oldest first."""
        ...


class PostStore(Protocol):
    """Letters on their way, what came back, and whom not to write to."""

    def put(self, letters: Sequence[Letter]) -> int:
        """Queue letters; a known id is left alone. Returns how many were new."""
        ...

    def claim(self, now: datetime, *, limit: int, lease: float) -> list[Letter]:
        """Lease letters that are due and not too late, oldest first."""
        ...

    def drop_late(self, now: datetime) -> list[str]:
        """Forget letters past their expiry; the kinds of those that never went out."""
        ...

    def settle(
        self,
        letter_id: str,
        *,
        retry_at: datetime | None,
        in_doubt: bool = False,
        untried: bool = False,
    ) -> None:
        """Done with for good (None), or to be tried again then; `in_doubt`, it may have arrived.

        `untried`, it was not offered to anybody: no attempt of its.
        """
        ...

    def record(
        self,
        evidence: Evidence,
        *,
        turned: tuple[Subscriber, Subscriber] | None = None,
        suppressing: tuple[str, SuppressionReason] | None = None,
        settling: Sequence[str] = (),
    ) -> bool:
        """Keep evidence and, in one transaction with it, what follows from it.

        `turned` is a subscriber before and after (status and pause), `suppressing` an address's hash
        for the suppression list, `settling` the ids of evidence that is counted with this.
        False, and nothing changes, if the id is known already, or if the subscriber has turned
        into something else than before meanwhile.
        """
        ...

    def evidence(self, evidence_id: str) -> Evidence | None:
        """One, with the raw mail."""
        ...

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
        """Newest first, without the raw mails; of one `kind`, or of all `but` one.

        `unsettled` leaves out what an operator dealt with.
        """
        ...

    def settle_evidence(self, evidence_id: str, now: datetime) -> None:
        """An operator undid it, or dealt with it."""
        ...

    def waiting(self) -> int:
        """Letters not yet sent."""
        ...

    def waiting_for(self, address: str) -> list[Letter]:
        """Letters to an address that are not yet sent, oldest first."""
        ...

    def came(self, key: str) -> datetime | None:
        """When this mail (by a hash of ours) came first, None if it is not remembered."""
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

    def suppressions(self, hashed: Iterable[str]) -> dict[str, SuppressionReason]:
        """Those of the hashes that are on the list; asks for none while the list is empty."""
        ...

    def unsuppress(self, hashed: str) -> None:
        """Take it off the list."""
        ...

    def secret(self, name: str) -> bytes:
        """32 random bytes of this installation, minted when first asked for."""
        ...

    def used(self, buckets: Iterable[str], *, now: datetime, seconds: float) -> set[str]:
        """Those of the buckets of which a use was counted within the last `seconds`."""
        ...

    def ask(
        self, letters: Iterable[tuple[str, str, Letter]], *, now: datetime, seconds: float
    ) -> int:
        """Queue letters that ask people to confirm, in one transaction; how many were.

        Each comes after a bucket, of which there is one use in so many `seconds`, and the id of whom
        it asks. Who does not wait to confirm any more is not asked; who never did is a newcomer of now.
        """
        ...

    def take(self, bucket: str, *, now: datetime, seconds: float, most: int) -> bool:
        """Count one use of a bucket; False once `most` were counted within the last `seconds`.

        What is refused is not counted. Buckets are hashes or plain words, never addresses.
        """
        ...


class PaceStore(Protocol):
    """What is learned of how fast mail may go, shared by every process that sends."""

    def load(self, server: str) -> Pace | None:
        """What is known of a mail server; None for one that is new."""
        ...

    def change(self, server: str, change: Callable[[Pace | None], tuple[Pace, T]]) -> T:
        """Load, change and keep in one transaction; what `change` returns beside is handed back.

        Nothing is written when the value comes back as it was given.
        """
        ...

    def waiting(self, now: datetime, *, within: timedelta, domains: Iterable[str]) -> Waiting:
        """The digests that wait, in all and for these domains, and how many went `within` before."""
        ...
