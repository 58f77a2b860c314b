"""Values to rows and back: the one place that knows how a value looks in the database.

A time is text like `2026-06-10T04:00:00.000000Z`, always that wide, so that it sorts and compares
as text. Lists of ids go into statements as one JSON parameter, read with `json_each`.
"""

from __future__ import annotations

from digest.store.rows.community import (
    moderation_columns,
    submission_columns,
    to_moderation,
    to_submission,
)
from digest.store.rows.ledger import OUTCOMES, to_receipt
from digest.store.rows.papers import (
    announcement_columns,
    paper_columns,
    signal_columns,
    to_announcement,
    to_link,
    to_paper,
    to_signal,
)
from digest.store.rows.people import (
    change_columns,
    comeback_columns,
    feedback_columns,
    interest_columns,
    interests_text,
    subscriber_columns,
    to_change,
    to_comeback,
    to_feedback,
    to_interest,
    to_subscriber,
)
from digest.store.rows.post import evidence_columns, letter_columns, to_evidence, to_letter
from digest.store.rows.scalars import (
    at_second,
    at_second_or_none,
    listed,
    moment,
    moment_or_none,
    second,
    stamp,
    stamp_or_none,
)
from digest.store.rows.sources import poll_columns, report_columns, to_poll, to_report

__all__ = [
    "OUTCOMES",
    "announcement_columns",
    "at_second",
    "at_second_or_none",
    "change_columns",
    "comeback_columns",
    "evidence_columns",
    "feedback_columns",
    "interest_columns",
    "interests_text",
    "letter_columns",
    "listed",
    "moderation_columns",
    "moment",
    "moment_or_none",
    "paper_columns",
    "poll_columns",
    "report_columns",
    "second",
    "signal_columns",
    "stamp",
    "stamp_or_none",
    "submission_columns",
    "subscriber_columns",
    "to_announcement",
    "to_change",
    "to_comeback",
    "to_evidence",
    "to_feedback",
    "to_interest",
    "to_letter",
    "to_link",
    "to_moderation",
    "to_paper",
    "to_poll",
    "to_receipt",
    "to_report",
    "to_signal",
    "to_submission",
    "to_subscriber",
]
