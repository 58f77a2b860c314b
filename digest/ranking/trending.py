"""Rates papers by votes, fairly to small fields: by age (hot), or over a period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import log10
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from digest.model import Signal

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
TENFOLD = timedelta(days=2)
VOTES = frozenset({"upvotes", "likes"})
PRIOR = 5
PERIODS: Mapping[str, timedelta] = {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
}


def hot(
    signals: Sequence[Signal], categories: Mapping[str, Sequence[str]], now: datetime
) -> dict[str, float]:
    """Hot scores by paper id: log₁₀(1 + votes / typical) + (time since 2020) / 2 days.

    This is Reddit's form (r2/r2/lib/db/_sorts.pyx): as time passes newer papers score higher but no
    score changes, so scores may be stored. Ten times the votes make up for 2 days (12.5 hours on
    Reddit), since listings come daily. `relative` explains `typical`. The time is when votes were last
    seen, and never after `now`.
    """
    votes = upvotes(signals)
    seen: dict[str, datetime] = {}
    for each in signals:
        if each.paper_id in votes and each.kind in VOTES:
            seen[each.paper_id] = max(seen.get(each.paper_id, EPOCH), min(each.seen_at, now))
    worth = relative(votes, categories)
    return {paper: score + (seen[paper] - EPOCH) / TENFOLD for paper, score in worth.items()}


def relative(votes: Mapping[str, int], categories: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Votes relative to what is typical of a field: log₁₀(1 + votes / typical) by paper id.

    `typical` is the median in a paper's primary category, averaged with the overall median, which
    counts as five papers; so a large field does not bury a small one.
    """
    typical = _typical(votes, categories)
    return {
        paper: log10(1 + count / typical[_primary(paper, categories)])
        for paper, count in votes.items()
    }


def upvotes(signals: Iterable[Signal]) -> dict[str, int]:
    """Votes by paper id, the latest number of each source and kind added up."""
    latest: dict[tuple[str, str, str], Signal] = {}
    for each in signals:
        key = (each.paper_id, each.source, each.kind)
        if each.kind in VOTES and (key not in latest or latest[key].seen_at <= each.seen_at):
            latest[key] = each
    votes: defaultdict[str, int] = defaultdict(int)
    for each in latest.values():
        votes[each.paper_id] += max(0, round(each.value))
    return {paper: count for paper, count in votes.items() if count}


def _typical(votes: Mapping[str, int], categories: Mapping[str, Sequence[str]]) -> dict[str, float]:
    by_category: defaultdict[str, list[int]] = defaultdict(list)
    for paper, count in votes.items():
        by_category[_primary(paper, categories)].append(count)
    overall = max(median(votes.values()), 1) if votes else 1
    return {
        category: (PRIOR * overall + len(counts) * median(counts)) / (PRIOR + len(counts))
        for category, counts in by_category.items()
    }


def _primary(paper: str, categories: Mapping[str, Sequence[str]]) -> str:
    return next(iter(categories.get(paper, ())), "")
