"""Preview: the latest papers, ranked for a profile that nobody has yet. Nothing is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from digest import compose, editions
from digest.model import Cadence, Digest, Interest, InterestKind, Profile, Subscriber
from digest.pipeline import composing, learning
from digest.ports import Candidates, Ranker, Store

EVER = datetime(1970, 1, 1, tzinfo=UTC)
MOST_INTERESTS = 300
"""A stranger asks for previews: two thousand keywords would take seconds each time."""

REFERRED = (InterestKind.LIKE, InterestKind.DISLIKE, InterestKind.KNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """The papers of today's edition, or of the latest day that had some; `day` is its edition.

    `today` says which of the two. Loaded once for many previews.
    """

    window: composing.Window
    featured: frozenset[str]
    day: str
    today: bool
    at: datetime


def latest(store: Store, *, now: datetime) -> Latest:
    """Load what a digest composed now would choose from, or the latest day that had papers."""
    window = composing.window_of(store, *editions.window(Cadence.DAILY, None, now))
    featured = store.community.featured(now - composing.FEATURED_FOR)
    today = now.astimezone(UTC).date()
    if window.papers:
        return Latest(window=window, featured=featured, day=today.isoformat(), today=True, at=now)
    newest = store.papers.in_categories((), since=EVER, limit=1)
    day = newest[0][1].seen_at.date() if newest else today
    if newest:
        since, until = editions.day_window(day.isoformat())
        window = composing.window_of(store, since, min(until, now))
    return Latest(window=window, featured=featured, day=day.isoformat(), today=day == today, at=now)


def preview(
    store: Store,
    ranker: Ranker,
    found: Latest,
    subscriber: Subscriber,
    interests: Sequence[Interest],
    *,
    now: datetime,
) -> Digest:
    """The digest that this profile would get of those papers; `subscriber` need not exist."""
    window = found.window
    interests = interests[:MOST_INTERESTS]
    profile = Profile(
        subscriber_id=subscriber.id, interests=tuple(interests), limit=subscriber.limit
    )
    liked = store.papers.get({each.value for each in interests if each.kind in REFERRED})
    candidates = Candidates(
        papers=window.papers,
        trending=window.trending,
        upvotes=window.upvotes,
        liked=liked,
        featured=found.featured,
        vectors=learning.vectors_for(store, [ranker], [*window.papers, *liked.values()]),
    )
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
