"""Submissions and the moderation log as rows."""

from __future__ import annotations

from sqlite3 import Row

from digest.model import Moderation, Submission, SubmissionState
from digest.store.rows.scalars import Columns, moment, moment_or_none, stamp, stamp_or_none


def submission_columns(submission: Submission) -> Columns:
    """The columns of `submissions`."""
    return (
        submission.id,
        submission.paper_id,
        submission.subscriber_id,
        submission.line,
        stamp(submission.at),
        submission.state.value,
        submission.curator_id,
        submission.curator_line,
        stamp_or_none(submission.decided_at),
    )


def to_submission(row: Row) -> Submission:
    """A row of `submissions`."""
    return Submission(
        id=row["id"],
        paper_id=row["paper_id"],
        subscriber_id=row["subscriber_id"],
        line=row["line"],
        at=moment(row["at"]),
        state=SubmissionState(row["state"]),
        curator_id=row["curator_id"],
        curator_line=row["curator_line"],
        decided_at=moment_or_none(row["decided_at"]),
    )


def moderation_columns(moderation: Moderation) -> Columns:
    """The columns of `moderation`."""
    return (
        stamp(moderation.at),
        moderation.actor,
        moderation.action,
        moderation.submission_id,
        moderation.paper_id,
        moderation.note,
    )


def to_moderation(row: Row) -> Moderation:
    """A row of `moderation`."""
    return Moderation(
        at=moment(row["at"]),
        actor=row["actor"],
        action=row["action"],
        submission_id=row["submission_id"],
        paper_id=row["paper_id"],
        note=row["note"],
    )
