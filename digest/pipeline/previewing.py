"""Preview: the latest papers, ranked for a profile that is not stored. Nothing is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from digest import compose, editions
from digest.model import Cadence, Digest, Interest, Profile, Subscriber
from digest.pipeline import windows
from digest.ports import Ranker, Store

EVER = datetime(1970, 1, 1, tzinfo=UTC)
MOST_INTERESTS = 300
"""Anybody may ask for previews, and two thousand keywords would take seconds each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """The papers of today's edition, or of the latest day that had any; `day` is its edition.

    `today` says which of the two. Loaded once for many previews.
    """

    window: windows.Window
    day: str
    today: bool
    at: datetime


def latest(store: Store, *, now: datetime) -> Latest:
    """Load what a digest composed now would choose from, or the latest day that had papers."""
    window = windows.window_of(store, *editions.window(Cadence.DAILY, None, now))
    today = now.astimezone(UTC).date()
    if window.papers:
        return Latest(window=window, day=today.isoformat(), today=True, at=now)
    newest = store.papers.in_categories((), since=EVER, limit=1)
    day = newest[0][1].seen_at.date() if newest else today
    if newest:
        since, until = editions.day_window(day.isoformat())
        window = windows.window_of(store, since, min(until, now))
    return Latest(window=window, day=day.isoformat(), today=day == today, at=now)


def preview(
    store: Store,
    ranker: Ranker,
    found: Latest,
    subscriber: Subscriber,
    interests: Sequence[Interest],
    *,
    now: datetime,
) -> Digest:
    """The digest that this profile would get of those papers; `subscriber` need not be stored."""
    window = found.window
    interests = interests[:MOST_INTERESTS]
    profile = Profile(
        subscriber_id=subscriber.id,
        interests=tuple(interests),
        limit=subscriber.limit,
        floor=subscriber.floor,
    )
    candidates = windows.candidates_of(store, window, [profile], ranker)
    (ranking,) = ranker.rank([profile], candidates, without={}, now=now)
    return compose.compose(
        ranking,
        subscriber=subscriber,
        edition=found.day,
        since=window.since,
        until=window.until,
        announced=len(window.papers),
        withheld=0,
        reports=window.reports,
        now=now,
    )
