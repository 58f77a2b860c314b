"""How fast mail goes: what is learned of a mail server, and what may go now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from digest.model.base import Value

Slots = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps(Value):
    """How many messages may go within any second, hour and day (24 hours); 0: as many as can."""

    per_second: int = 0
    per_hour: int = 0
    per_day: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow(Value):
    """The pace towards one destination, in messages a second, and what it follows from.

    It begins at `start` and is never below `floor`. `ceiling` is the pace at which we were last told
    to slow down, at `cut_at` (0: never told); `age` is how much was accepted since, as seconds at
    the pace of the time. Of the messages since, so many were `taken` and `refused`. `share` is that
    of the refused when we were told, until it is known whether slower helped; the share `tolerated`
    is put down to other reasons. `tokens` could go at once, as of `at`; nothing goes
    before `closed_until`. Messages held back are spread over the time up to `line`.
    """

    start: float
    floor: float
    ceiling: float = 0.0
    age: float = 0.0
    taken: float = 0.0
    refused: float = 0.0
    share: float = 0.0
    tolerated: float = 0.0
    tokens: float = 0.0
    at: datetime
    cut_at: datetime | None = None
    closed_until: datetime | None = None
    line: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace(Value):
    """What is known of a mail server: its own flow, and those of domains that it slows down.

    `used` counts what went, for each cap, by slots of time: see `digest.delivery.pace`.
    """

    server: Flow
    domains: Mapping[str, Flow] = field(default_factory=dict)
    used: Mapping[str, Slots] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room(Value):
    """How many messages may go now; if none may, when to ask again."""

    count: int
    again: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant(Value):
    """Of the messages asked for: how many may go to each domain, and when to ask for the others."""

    at: datetime
    allowed: Mapping[str, int]
    held: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(Value):
    """Digests on their way, by when they expire, and how many went in the `seconds` before now."""

    by_expiry: tuple[tuple[datetime, int], ...] = ()
    last_due: datetime | None = None
    domains: Mapping[str, int] = field(default_factory=dict)
    sent: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast(Value):
    """When the digests that wait will be gone, and what holds them back.

    `per_second` is the pace they go at, None while nothing says what it will be. `held_by` is a
    setting, the mail server, or a domain; `late` counts what expires before its turn.
    """

    waiting: int
    per_second: float | None = None
    gone_at: datetime | None = None
    held_by: str = ""
    late: int = 0
    first_late: datetime | None = None
