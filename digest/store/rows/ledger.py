"""Receipts as rows; `contents` is the same for what digests show."""

from __future__ import annotations

from sqlite3 import Row

from digest.model import Outcome, Receipt
from digest.store.rows.scalars import at_second

OUTCOMES = (Outcome.ACCEPTED, Outcome.DEFERRED, Outcome.REFUSED)
"""An attempt's outcome is kept as its place here; never reorder."""


def to_receipt(row: Row, digest_id: str) -> Receipt:
    """A row of `deliveries`; when it was to be tried again is not kept."""
    return Receipt(
        digest_id=digest_id,
        outcome=OUTCOMES[row["outcome"]],
        code=row["code"],
        reply=row["reply"],
        at=at_second(row["at"]),
    )
