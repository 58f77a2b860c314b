"""Values to rows and back: the one place that knows how a value looks in the database.

A time is text like `2026-06-10T04:00:00.000000Z`, always that wide, so that it sorts and compares
as text. Lists of ids go into statements as one JSON parameter, read with `json_each`.
"""

from __future__ import annotations

from digest.store.rows.ledger import OUTCOMES, to_receipt
from digest.store.rows.papers import paper_columns, to_link, to_paper
from digest.store.rows.people import (
    SUBSCRIBER_COLUMNS,
    interest_columns,
    interests_text,
    subscriber_columns,
    to_interest,
    to_subscriber,
)
from digest.store.rows.records import (
    ADDRESS_CHANGES,
    ANNOUNCEMENTS,
    COMEBACKS,
    EVIDENCE,
    FEEDBACK,
    FLOWS,
    LETTERS,
    MODERATION,
    POLLS,
    SIGNALS,
    SUBMISSIONS,
)
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
from digest.store.rows.sources import report_columns, to_report

__all__ = [
    "ADDRESS_CHANGES",
    "ANNOUNCEMENTS",
    "COMEBACKS",
    "EVIDENCE",
    "FEEDBACK",
    "FLOWS",
    "LETTERS",
    "MODERATION",
    "OUTCOMES",
    "POLLS",
    "SIGNALS",
    "SUBMISSIONS",
    "SUBSCRIBER_COLUMNS",
    "at_second",
    "at_second_or_none",
    "interest_columns",
    "interests_text",
    "listed",
    "moment",
    "moment_or_none",
    "paper_columns",
    "report_columns",
    "second",
    "stamp",
    "stamp_or_none",
    "subscriber_columns",
    "to_interest",
    "to_link",
    "to_paper",
    "to_receipt",
    "to_report",
    "to_subscriber",
]
