"""What a feed shows of its past is no news: it is dated as it was published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from digest.model import Item
from digest.ports import Store

AT_FIRST = timedelta(days=7)
# Less than papers are ever kept: one that was deleted for its age must not come back as news.
EVER = timedelta(days=29)


def dated_back(store: Store, items: Sequence[Item]) -> list[Item]:
    """The items, those of the past dated back: by a week when a feed is first read, later by four.

    A first poll shows all that a feed has, which would flood the next digest. What comes later
    is news though it is dated weeks ago, or by its month or year alone.
    """
    feeds = {(each.announcement.source, each.announcement.feed) for each in items}
    limits = {feed: EVER if store.papers.has_feed(*feed) else AT_FIRST for feed in feeds}
    found: list[Item] = []
    for item in items:
        told, published = item.announcement, item.paper.published
        limit = limits[told.source, told.feed]
        if published is not None and told.seen_at - _end(published) > limit:
            item = replace(item, announcement=replace(told, seen_at=published))  # noqa: PLW2901 - the same item, dated
        found.append(item)
    return found


def _end(published: datetime) -> datetime:
    """The latest that a date can mean: one that is only a month or year reads as its first moment."""
    first = published.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    if published != first:
        return published
    return first + timedelta(days=365 if first.month == 1 else 30)
