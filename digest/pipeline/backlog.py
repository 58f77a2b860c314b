"""Old entries of a feed are no news: they are dated as they were published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from digest.model import Item
from digest.ports import Store

AT_FIRST = timedelta(days=7)
# Less than papers are ever kept: one that was deleted for its age must not come back as news.
LATER = timedelta(days=29)


def dated_back(store: Store, items: Sequence[Item]) -> list[Item]:
    """The items, with old ones dated back to when they were published.

    On the first poll of a feed, which shows all that it has, an entry is old after a week;
    otherwise it would flood the next digest. Later it is old after four weeks, since what is new in
    a feed may be dated weeks ago, or only by its month or year.
    """
    feeds = {(each.announcement.source, each.announcement.feed) for each in items}
    limits = {feed: LATER if store.papers.has_feed(*feed) else AT_FIRST for feed in feeds}
    found: list[Item] = []
    for item in items:
        told, published = item.announcement, item.paper.published
        limit = limits[told.source, told.feed]
        if published is not None and told.seen_at - _end(published) > limit:
            item = replace(item, announcement=replace(told, seen_at=published))  # noqa: PLW2901 - the same item, dated
        found.append(item)
    return found


def _end(published: datetime) -> datetime:
    """The latest moment that a date can mean, since a month or year alone reads as its first."""
    first = published.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    if published != first:
        return published
    return first + timedelta(days=365 if first.month == 1 else 30)
