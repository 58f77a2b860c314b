"""Caps on how many messages may go in a second, an hour or a day.

Messages are counted in slots of time, and a slot leaves its window as a whole, so no window ever
holds more than its cap. Pure functions of what was counted, the caps and `now`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from digest.model import Caps, Slots

# Each cap's window and the slots it is counted by, in seconds.
WINDOWS = {"per_second": (1.0, 0.05), "per_hour": (3600.0, 60.0), "per_day": (86400.0, 900.0)}
UNBOUNDED = 2**31


def left(used: Mapping[str, Slots], caps: Caps, now: datetime) -> tuple[int, datetime]:
    """How many messages may still go, and, if none may, when more may."""
    found, again = UNBOUNDED, now
    for name, (span, width) in WINDOWS.items():
        cap = getattr(caps, name)
        if not cap:
            continue
        slots = _inside(used.get(name, ()), now, span, width)
        free = cap - sum(count for _, count in slots)
        if free <= 0:
            oldest = (slots[0][0] + 1) * width
            again = max(again, datetime.fromtimestamp(oldest + span, UTC))
        found = min(found, max(free, 0))
    return found, again


def regained(
    slots: Slots, name: str, cap: int, now: datetime
) -> tuple[int, tuple[tuple[datetime, int], ...]]:
    """How many may go now under one cap, and when how many more may, up to a whole cap of them.

    If they go as soon as they may, then as many may go again a window and a slot later.
    """
    span, width = WINDOWS[name]
    here, counts = _slot(now, width), Counter(dict(_inside(slots, now, span, width)))
    free = cap - counts.total()
    counts[here] += max(free, 0)
    too_many = max(-free, 0)
    back = []
    for slot, count in sorted(counts.items()):
        kept = min(count, too_many)
        too_many -= kept
        if count > kept:
            back.append((datetime.fromtimestamp((slot + 1) * width + span, UTC), count - kept))
    return max(free, 0), tuple(back)


def counted(used: Mapping[str, Slots], caps: Caps, at: datetime, count: int) -> dict[str, Slots]:
    """Count messages in the slot of `at`, and forget slots that have left their window."""
    found: dict[str, Slots] = {}
    for name, (span, width) in WINDOWS.items():
        if not getattr(caps, name):
            continue
        slots = Counter(dict(_inside(used.get(name, ()), at, span, width)))
        slots[_slot(at, width)] += count
        found[name] = _in_order(slots)
    return found


def moved(
    used: Mapping[str, Slots], caps: Caps, since: datetime, count: int, went: Collection[datetime]
) -> dict[str, Slots]:
    """Count messages when they went, instead of all at `since`; give back those that did not."""
    found: dict[str, Slots] = {}
    for name, (_, width) in WINDOWS.items():
        if not getattr(caps, name):
            continue
        slots = Counter(dict(used.get(name, ())))
        slots[_slot(since, width)] -= count
        slots.update(_slot(each, width) for each in went)
        found[name] = _in_order(slots)
    return found


def is_ahead(used: Mapping[str, Slots], now: datetime) -> bool:
    """Whether anything was counted after `now`."""
    return any(
        slots and slots[-1][0] > _slot(now, WINDOWS[name][1]) for name, slots in used.items()
    )


def brought_back(used: Mapping[str, Slots], now: datetime) -> dict[str, Slots]:
    """What was counted, with everything later than `now` counted as if it had just gone."""
    found: dict[str, Slots] = {}
    for name, slots in used.items():
        latest = _slot(now, WINDOWS[name][1])
        moved: Counter[int] = Counter()
        for slot, count in slots:
            moved[min(slot, latest)] += count
        found[name] = _in_order(moved)
    return found


def _inside(slots: Slots, now: datetime, span: float, width: float) -> Slots:
    """The slots that overlap the window that ends now."""
    return tuple(each for each in slots if (each[0] + 1) * width > now.timestamp() - span)


def _in_order(slots: Counter[int]) -> Slots:
    return tuple(sorted((slot, count) for slot, count in slots.items() if count > 0))


def _slot(at: datetime, width: float) -> int:
    return math.floor(at.timestamp() / width)
