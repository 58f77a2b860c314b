"""Digests on their way out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from digest.model.base import Value
from digest.model.digests import Digest
from digest.model.people import Subscriber


class OutboxState(StrEnum):
    """Where a digest stands on its way out."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    RETRY = "retry"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope(Value):
    """A claimed outbox row: what to send, to whom, until when, and under whose lease.

    `attempts` counts this one. `in_doubt` says since when a mail server may have the message,
    because an earlier attempt ended without anybody knowing; `doubts` counts those after which it
    fell silent, and those but the first in which its sender was never heard of again.
    """

    digest: Digest
    subscriber: Subscriber
    message_id: str
    attempts: int = 1
    expires_at: datetime
    lease: str
    in_doubt: datetime | None = None
    doubts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Value):
    """A finished RFC 5322 message in wire form (CRLF, no line over 998) and its SMTP envelope.

    The last `ready` bytes of the content begin at the beginning of a line and are known to need no
    second look: ASCII without NUL, whole lines of at most 998 in CRLF, of which none begins with a
    dot. Whoever cannot vouch for that leaves it at 0.
    """

    digest_id: str
    sender: str
    recipient: str
    content: bytes
    ready: int = 0


class Outcome(StrEnum):
    """What came of handing one message over."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Value):
    """The end of one attempt: the server's code and words, as they stand in the ledger.

    `code` 0 means that no reply came. `retry_at` is set by the delivery policy for a deferred one.
    `unknown` marks a deferred one that the server may have taken all the same, `untried` one that
    it was never offered, after another one had ended all that could be said to it.
    """

    digest_id: str
    outcome: Outcome
    code: int = 0
    reply: str = ""
    at: datetime
    retry_at: datetime | None = None
    unknown: bool = False
    untried: bool = False

    @property
    def is_silent(self) -> bool:
        """Whether the server may have taken it and never said so; one that says no mostly has not."""
        return self.unknown and not self.code
