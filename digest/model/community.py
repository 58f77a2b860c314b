"""What readers do for each other: submit papers, vote, and, as curators, feature or reject."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from digest.model.base import Value


class SubmissionState(StrEnum):
    """Where a submitted paper stands. `waiting` means that the paper itself is not fetched yet."""

    WAITING = "waiting"
    OPEN = "open"
    FEATURED = "featured"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission(Value):
    """A paper that a reader put forward for everyone, with a line why.

    `paper_id` may name a paper that is not stored yet (`waiting`). `curator_id` is empty where
    the operator decided.
    """

    id: str
    paper_id: str
    subscriber_id: str
    line: str
    at: datetime
    state: SubmissionState = SubmissionState.WAITING
    curator_id: str = ""
    curator_line: str = ""
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice(Value):
    """Who speaks for a featured paper, as printed: "picked by NAME: LINE".

    `name` is empty for someone who does not show theirs.
    """

    paper_id: str
    name: str = ""
    line: str = ""
    curator: bool = False
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Moderation(Value):
    """One line of the moderation log; `actor` is a subscriber id, `operator` or `lookup`."""

    at: datetime
    actor: str
    action: str
    submission_id: str
    paper_id: str
    note: str = ""
