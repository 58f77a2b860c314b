"""Polls of a source, and what they came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from digest.model.base import Value
from digest.model.listings import Problem, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class PollState(Value):
    """What is kept between polls of one URL: validators byte for byte, and when to come back.

    `url` is the address the source asks for, `location` where it has permanently moved to.
    `due_at` None means now; `wait_until` is how long the server asked us to stay away (Retry-After).
    `failures` counts in a row. `gone` stops polling for good (410).
    Of the last body, `fresh_for` is for how many seconds it says itself that it stays fresh, and
    `cut_short` whether it broke off.
    """

    source: str
    url: str
    location: str = ""
    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    due_at: datetime | None = None
    wait_until: datetime | None = None
    polled_at: datetime | None = None
    changed_at: datetime | None = None
    fresh_for: float = 0.0
    cut_short: bool = False
    failures: int = 0
    last_error: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Value):
    """The end of one polite exchange: a body (200) or `body` None (304).

    `moved_to` is set when every hop was permanent (301, 308). Header names are lower-case.
    `broke_off` is a sentence that says why the body of a poll is not all that there is.
    """

    request: Request
    status: int
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    moved_to: str = ""
    broke_off: str = ""
    at: datetime


class Verdict(StrEnum):
    """What one poll of a source came to; the word stands in the run report.

    Not asked at all are those that are `waiting` (their next poll is not due) and `idle` (they have
    nothing to ask for, such as on a day without a list); neither is kept in the log.
    """

    NEW = "new"
    UNCHANGED = "unchanged"
    STALE = "stale"
    HOLIDAY = "holiday"
    FAILED = "failed"
    GONE = "gone"
    WAITING = "waiting"
    IDLE = "idle"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport(Value):
    """One line of a run report: what one source's place gave, and why if nothing.

    `read` counts entries, `papers` those stored for the first time, `merged` those that were
    another record of a paper we had; `failed` carries its `cause`.
    """

    source: str
    place: str
    verdict: Verdict
    read: int = 0
    papers: int = 0
    announced: int = 0
    merged: int = 0
    problems: tuple[Problem, ...] = ()
    cause: str = ""
    at: datetime
