"""The store of mail: digests and their delivery, letters, and bounces and complaints."""

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
    """Digests and their delivery, at least once each.

    The key of a digest is its subscriber and edition. A row of the outbox is in doubt when nobody
    knows whether its message was sent.
    """

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
        left alone. Returns how many were new. Raises NotFound when a subscriber or a picked paper
        is not stored.
        """

    def composed(self, subscriber_ids: Sequence[str], edition: str) -> frozenset[str]:
        """Those of these readers who have a digest of an edition, sent or not."""

    def composed_since(self, since: datetime) -> frozenset[str]:
        """Who has a digest composed at or after then, sent or not.

        Digests of editions more than nine days before then are not looked at.
        """

    def covered(self, subscriber_ids: Sequence[str]) -> dict[str, datetime]:
        """Up to when each subscriber's digests cover what was announced.

        Digests that expired or were refused cover nothing, so that the next one shows their papers.
        A digest that was pruned covers everything before the ones that are kept. Subscribers who
        never had a digest are left out.
        """

    def digest(self, digest_id: str) -> Digest | None:
        """One digest with its picks."""

    def digests(self, ids: Iterable[str]) -> dict[str, Digest]:
        """Digests with their picks, by id; unknown ids are left out."""

    def recent(self, subscriber_id: str, *, limit: int) -> list[Digest]:
        """A subscriber's latest digests with their picks, newest first."""

    def sent(
        self, subscriber_ids: Sequence[str], paper_ids: Iterable[str], *, but_edition: str = ""
    ) -> dict[str, frozenset[str]]:
        """Which of the papers stand in an earlier digest of each subscriber that was not lost.

        `but_edition` leaves that edition out, so that re-ranking a composed day is repeatable.
        """

    def tidy(self, now: datetime) -> None:
        """Expire rows past their window, so that they count as lost."""

    def claim(self, now: datetime, *, owner: str, limit: int, lease: float) -> list[Envelope]:
        """Expire rows past their window, then lease a block that is due, oldest first.

        `lease` is in seconds; rows whose lease ran out are due again. Rows of subscribers who are
        no longer active are closed instead. `attempts` of an envelope includes this one.
        """

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

        Receipts of other rows of the claim (`settling`) are recorded in the same transaction, as
        `settle` does. Returns the ids of the digests that may go. Rows of subscribers who are no
        longer active are closed instead; rows whose subscriber has another address by now stay
        claimed, for the next claim. Returns None, and marks nothing, when another sender has taken
        the claim over.
        """

    def hold(self, lease: str, *, over: datetime, until: datetime) -> bool:
        """Whether a claim is still ours beyond `over`; renews it until `until` if not for long."""

    def settle(
        self, receipts: Sequence[Receipt], *, lease: str, until: datetime | None = None
    ) -> int:
        """Record a group of receipts in one transaction; returns how many rows were settled.

        Rows no longer under `lease` are left alone, except that an acceptance is recorded if the
        row is not going out again, so that nobody sends it twice. A deferred row without a
        `retry_at` before its expiry expires. A row whose outcome is unknown is due again at its
        expiry; if its `retry_at` is then, it expires, but does not count as lost, as it may have
        arrived. `until` renews the lease.
        """

    def release(self, lease: str) -> int:
        """Give back rows that a claim has not offered, as they were; returns how many.

        Rows that were offered and not settled are due again, in doubt, once the lease has run out.
        """

    def withdraw(self, digest_ids: Sequence[str], *, lease: str) -> None:
        """Unmark offered rows of which none can have been sent; they stay claimed."""

    def put_off(self, times: Mapping[str, datetime], *, lease: str) -> int:
        """Give back rows that were not offered, due at these times by digest id; returns how many."""

    def due(self, now: datetime, *, most: int) -> int:
        """How many rows could be claimed now, counted up to `most`."""

    def has_waiting(self) -> bool:
        """Whether anything is still to be sent, now or later, or being sent; cheap at any size."""

    def counts(self) -> dict[str, int]:
        """Outbox rows by state."""

    def refusals(self, subscriber_id: str, since: datetime) -> int:
        """How many digests in a row a mail server refused for good since then.

        Deferrals do not end the row, an acceptance does; our own refusals (code 0) do not count.
        """

    def on_the_way(self, digest_ids: Iterable[str]) -> frozenset[str]:
        """Those of these digests that are still to be sent, or being sent."""

    def requeue(self, message_ids: Mapping[str, str], now: datetime, expires_at: datetime) -> int:
        """Queue kept digests once more under a new Message-ID, by digest id; returns how many.

        Attempts are counted anew. A digest that is still on its way is left alone.
        """

    def deliveries(self, *, since: datetime, limit: int) -> list[tuple[Receipt, str]]:
        """Attempts since then, newest first, with the subscriber id, for the operator's page."""

    def states(self, digest_ids: Iterable[str]) -> dict[str, OutboxState]:
        """The outbox states of these digests, without those that were only kept."""

    def attempts(self, digest_ids: Iterable[str]) -> list[Receipt]:
        """Every attempt to deliver these digests, oldest first."""


class PostStore(Protocol):
    """Letters, evidence of bounces and complaints, and the suppression list."""

    def put(self, letters: Sequence[Letter]) -> int:
        """Queue letters; a known id is left alone, sent or not. Returns how many were new."""

    def claim(self, now: datetime, *, limit: int, lease: float) -> list[Letter]:
        """Lease letters that are due and have not expired, oldest first.

        `lease` is in seconds: a letter that is not settled by then is due again. `attempts` of a
        letter includes this one.
        """

    def drop_late(self, now: datetime) -> list[str]:
        """Forget expired letters that are not leased; returns the kinds of those never sent."""

    def settle(
        self,
        letter_id: str,
        *,
        retry_at: datetime | None,
        in_doubt: bool = False,
        untried: bool = False,
    ) -> None:
        """Be done with a letter (`retry_at` None), or have it tried again at that time.

        `in_doubt`: it may have arrived. `untried`: no mail server was offered it, so that the
        attempt does not count.
        """

    def record(
        self,
        evidence: Evidence,
        *,
        turned: tuple[Subscriber, Subscriber] | None = None,
        suppressing: tuple[str, SuppressionReason] | None = None,
        settling: Sequence[str] = (),
    ) -> bool:
        """Keep evidence and what follows from it, in one transaction.

        `turned` is a subscriber before and after (only status and pause change), `suppressing` the
        hash of an address for the suppression list, `settling` the ids of earlier evidence that
        this settles. Returns False and changes nothing if the id is known, or if the subscriber's
        status or pause is no longer as before.
        """

    def evidence(self, evidence_id: str) -> Evidence | None:
        """One piece of evidence, with the raw mail."""

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
        """Evidence that meets all conditions given, newest first, without the raw mails.

        Of one `kind`, or of every kind `but` one; `unsettled` leaves out what an operator handled.
        """

    def settle_evidence(self, evidence_id: str, now: datetime) -> None:
        """Note that an operator undid or handled some evidence; only the first time counts."""

    def waiting(self) -> int:
        """Letters not yet sent."""

    def waiting_for(self, address: str) -> list[Letter]:
        """Letters to an address that are not yet sent, oldest first."""

    def came(self, key: str) -> datetime | None:
        """When this mail (by a hash of ours) came first, None if it is not remembered."""

    def first_time(self, key: str, now: datetime) -> bool:
        """Whether this mail (by a hash of ours) comes for the first time; remembers it."""

    def suppress(self, hashed: str, reason: SuppressionReason, now: datetime) -> None:
        """Put a salted hash of an address on the suppression list; the latest reason counts."""

    def suppression(self, hashed: str) -> SuppressionReason | None:
        """Why it is on the list, None if it is not."""

    def suppressions(self, hashed: Iterable[str]) -> dict[str, SuppressionReason]:
        """Those of the hashes that are on the list; iterates over none while the list is empty."""

    def unsuppress(self, hashed: str) -> None:
        """Take it off the list."""

    def secret(self, name: str) -> bytes:
        """32 random bytes of this installation, made on first use and then always the same."""

    def used(self, buckets: Iterable[str], *, now: datetime, seconds: float) -> set[str]:
        """Those of the buckets of which a use was counted within the last `seconds`."""

    def ask(
        self, letters: Iterable[tuple[str, str, Letter]], *, now: datetime, seconds: float
    ) -> int:
        """Queue letters that ask people to confirm, in one transaction; returns how many.

        Each item is a bucket, a subscriber id and the letter. It is skipped if the bucket was used
        within the last `seconds`, or if the subscriber is not pending. For a subscriber who never
        confirmed before, the time to do so starts anew.
        """

    def take(self, bucket: str, *, now: datetime, seconds: float, most: int) -> bool:
        """Count one use of a bucket; False once `most` were counted within the last `seconds`.

        Refused uses are not counted. A bucket must always be used with the same `seconds`: older
        uses are forgotten. Buckets are hashes or plain words, never addresses.
        """


class PaceStore(Protocol):
    """What is known about how fast mail may go, shared by every process that sends."""

    def load(self, server: str) -> Pace | None:
        """What is known about a mail server; None for a new one."""

    def change(self, server: str, change: Callable[[Pace | None], tuple[Pace, T]]) -> T:
        """Load, change and keep in one transaction; returns what `change` returns besides.

        Nothing is written when `change` returns the very value it was given.
        """

    def waiting(self, now: datetime, *, within: timedelta, domains: Iterable[str]) -> Waiting:
        """How many digests wait, in all and for these domains, and how many went `within` that time."""
