"""Letters and evidence as rows."""

from __future__ import annotations

from sqlite3 import Row

from digest.model import Evidence, EvidenceKind, Letter
from digest.store.rows.scalars import Columns, moment, moment_or_none, stamp, stamp_or_none


def letter_columns(letter: Letter) -> Columns:
    """The columns of `letters`; a letter is due as soon as it is written."""
    return (
        letter.id,
        letter.kind,
        letter.sender,
        letter.recipient,
        stamp(letter.at),
        stamp(letter.at),
        stamp(letter.expires_at),
        letter.attempts,
        letter.content,
        letter.doubts,
    )


def to_letter(row: Row) -> Letter:
    """A row of `letters`."""
    return Letter(
        id=row["id"],
        kind=row["kind"],
        sender=row["sender"],
        recipient=row["recipient"],
        content=row["content"],
        at=moment(row["at"]),
        expires_at=moment(row["expires_at"]),
        attempts=row["attempts"],
        doubts=row["doubts"],
    )


def evidence_columns(evidence: Evidence) -> Columns:
    """The columns of `evidence`."""
    return (
        evidence.id,
        evidence.kind.value,
        evidence.subscriber_id,
        evidence.digest_id,
        evidence.status,
        evidence.detail,
        stamp(evidence.at),
        stamp_or_none(evidence.settled_at),
        evidence.raw,
    )


def to_evidence(row: Row, *, raw: bytes) -> Evidence:
    """A row of `evidence`, with the mail if it was read too."""
    return Evidence(
        id=row["id"],
        kind=EvidenceKind(row["kind"]),
        subscriber_id=row["subscriber_id"],
        digest_id=row["digest_id"],
        status=row["status"],
        detail=row["detail"],
        raw=raw,
        at=moment(row["at"]),
        settled_at=moment_or_none(row["settled_at"]),
    )
