"""Forecast when the waiting digests will be gone, what holds them back, and how many will expire.

Pure functions of what is known of the pace, the caps, the queue and `now`. Each bound is computed
as if it were the only one, and the slowest counts. A pace is taken as it is now, although it may
grow.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from digest.delivery import capping
from digest.delivery import pace as paces
from digest.model import Caps, Forecast, Pace, Waiting

SERVER = "the mail server"
FEWEST = 20  # sent lately, before a pace is made of it
LONGEST = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bound:
    """One thing that bounds the pace; `needs` says how many seconds a number of messages takes."""

    name: str
    per_second: float
    needs: Callable[[int], float]


def forecast(pace: Pace | None, caps: Caps, waiting: Waiting, now: datetime) -> Forecast:
    """When the last waiting message goes, at the present pace."""
    count = sum(n for _, n in waiting.by_expiry)
    bounds = _bounds(pace, caps, waiting, now)
    ends = [(each.needs(count), each) for each in bounds]
    domain = _slowest_domain(pace, waiting, now)
    if domain is not None:
        ends.append((domain.needs(waiting.domains[domain.name]), domain))
    if not count or not ends:
        return Forecast(waiting=count)
    seconds, slowest = max(ends, key=lambda each: each[0])
    late, first_late = _late(bounds, waiting, now)
    if slowest is domain:
        last = waiting.by_expiry[-1][0]
        in_time = max((last - now).total_seconds(), 0.0) * domain.per_second
        too_late = waiting.domains[domain.name] - int(in_time)
        if too_late > late:
            late, first_late = too_late, last
    gone_at = now + min(timedelta(seconds=seconds), LONGEST)
    return Forecast(
        waiting=count,
        per_second=slowest.per_second,
        gone_at=max(gone_at, waiting.last_due or gone_at),
        held_by=slowest.name,
        late=late,
        first_late=first_late,
    )


def said(found: Forecast, now: datetime) -> str:
    """A forecast in plain words."""
    if not found.waiting:
        return "none wait"
    words = f"{found.waiting:,} wait"
    if found.per_second is None or found.gone_at is None:
        return f"{words}; the pace is not known yet"
    words += f", {_pace(found.per_second)}; the last goes {_time(found.gone_at, now)}"
    if found.late:
        verb = "expires" if found.late == 1 else "expire"
        first = _time(found.first_late or now, now)
        words += f". {found.late:,} of them {verb} before their turn, the first {first}"
        words += f": {_reason(found.held_by)}"
    elif found.held_by:
        words += f" ({_reason(found.held_by)})"
    return words


def _bounds(pace: Pace | None, caps: Caps, waiting: Waiting, now: datetime) -> list[_Bound]:
    bounds = [_capped(name, pace, caps, now) for name in capping.WINDOWS if getattr(caps, name)]
    learned = paces.present(pace.server, now) if pace and pace.server.ceiling else math.inf
    measured = waiting.sent / waiting.seconds if waiting.sent >= FEWEST else math.inf
    if math.isfinite(learned) and (measured >= learned or not _was_busy(waiting, now)):
        bounds.append(_steady(SERVER, learned))
    elif math.isfinite(measured):
        bounds.append(_steady("", measured))
    return bounds


def _was_busy(waiting: Waiting, now: datetime) -> bool:
    """Whether all that waits was due for the whole time measured: nothing else slowed us."""
    since = now - timedelta(seconds=waiting.seconds)
    return waiting.last_due is not None and waiting.last_due <= since


def _steady(name: str, per_second: float) -> _Bound:
    return _Bound(name=name, per_second=per_second, needs=lambda count: count / per_second)


def _capped(name: str, pace: Pace | None, caps: Caps, now: datetime) -> _Bound:
    """A cap: what is left of it goes now, then as many as went before, each a window later."""
    cap: int = getattr(caps, name)
    span, width = capping.WINDOWS[name]
    left, back = capping.regained(pace.used.get(name, ()) if pace else (), name, cap, now)
    totals = tuple(accumulate(count for _, count in back))

    def needs(count: int) -> float:
        if count <= left:
            return 0.0
        rounds, rest = divmod(count - left - 1, cap)
        again, _ = back[bisect_right(totals, rest)]
        return (again - now).total_seconds() + rounds * (span + width)

    return _Bound(name=f"[smtp] {name} = {cap}", per_second=cap / span, needs=needs)


def _slowest_domain(pace: Pace | None, waiting: Waiting, now: datetime) -> _Bound | None:
    """Of the domains that the server slows down, the one that is served last."""
    flows = pace.domains if pace else {}
    found = [
        _steady(name, paces.present(flows[name], now)) for name in waiting.domains if name in flows
    ]
    return max(found, key=lambda each: each.needs(waiting.domains[each.name]), default=None)


def _late(bounds: list[_Bound], waiting: Waiting, now: datetime) -> tuple[int, datetime | None]:
    """How many expire before their turn if the first to expire go first; and the first expiry."""
    in_time, late, first = 0, 0, None
    for expiry, count in waiting.by_expiry:
        seconds = (expiry - now).total_seconds()
        due = in_time + count
        in_time = _most(bounds, due, seconds)
        if in_time < due:
            late += due - in_time
            first = first or expiry
    return late, first


def _most(bounds: list[_Bound], count: int, seconds: float) -> int:
    """How many of `count` messages go within so many seconds."""
    low, high = 0, count
    while low < high:
        middle = (low + high + 1) // 2
        if all(each.needs(middle) <= seconds for each in bounds):
            low = middle
        else:
            high = middle - 1
    return low


def _pace(per_second: float) -> str:
    for per, unit in ((1, "second"), (60, "minute"), (3600, "hour")):
        if per_second * per >= 1:
            return f"about {per_second * per:,.0f} a {unit}"
    return f"about {per_second * 86400:,.0f} a day"


def _time(when: datetime, now: datetime) -> str:
    if when - now >= LONGEST:
        return "in more than a year"
    same_day = when.date() == now.date()
    return f"at {when:%H:%M} UTC" if same_day else f"on {when:%Y-%m-%d} at {when:%H:%M} UTC"


def _reason(held_by: str) -> str:
    if held_by.startswith("["):
        return f"{held_by} holds them back"
    if held_by == SERVER:
        return f"{SERVER} takes no more"
    if held_by:
        return f"{SERVER} takes no more for {held_by}"
    return "no more could be sent lately"
