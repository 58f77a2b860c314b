"""Mail beside the digests: letters we write to one person, and evidence of what came in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from digest.model.base import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter(Value):
    """A finished message to one person that is no digest: a confirmation, an answer, a link.

    `id` is its key (the same letter put twice is kept once); `content` is in wire form.
    `sender` is the envelope sender: empty for answers to mail, so that nothing can loop. `doubts`
    counts attempts after which the mail server fell silent and may have had it.
    """

    id: str
    kind: str
    sender: str
    recipient: str
    content: bytes
    at: datetime
    expires_at: datetime
    attempts: int = 0
    doubts: int = 0


class EvidenceKind(StrEnum):
    """What a mail, or a mail server's word, was taken for."""

    HARD_BOUNCE = "hard-bounce"
    SOFT_BOUNCE = "soft-bounce"
    COMPLAINT = "complaint"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence(Value):
    """Why we treat an address as we do: the mail itself, and what it was taken for.

    `subscriber_id` and `digest_id` are empty where unknown. `raw` is the mail as it came (empty
    for a word said at SMTP time, which then is `detail`). `settled_at` is when an operator undid
    it, or handled one that nobody could read; `unread` ones are kept until then. `at` is when it
    came in, of a soft bounce when it happened.
    """

    id: str
    kind: EvidenceKind
    subscriber_id: str = ""
    digest_id: str = ""
    status: str = ""
    detail: str = ""
    raw: bytes = b""
    at: datetime
    settled_at: datetime | None = None


class SuppressionReason(StrEnum):
    """Why an address is on the suppression list; it holds salted hashes, never addresses."""

    BOUNCED = "bounced"
    COMPLAINED = "complained"
    ERASED = "erased"
    OPERATOR = "operator"
