"""What was announced in a window of time, and what rankers may use about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from digest import editions
from digest.model import OPINIONS, InterestKind, Paper, Profile, SourceReport
from digest.pipeline import learning, tastes
from digest.ports import Candidates, Ranker, Store
from digest.ranking import trending

REPORT_WINDOW = timedelta(hours=36)
OVER_A_WEEKEND = timedelta(days=4)
FEATURED_FOR = timedelta(days=14)
REFERRED = (*OPINIONS, InterestKind.KNOWN)
MOST_KEPT = 4


class AskedToStop(Exception):
    """Asked to stop while papers were still to be embedded; nothing was ranked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The papers announced in a window, with when each was first seen in it.

    `featured` are those that curators picked lately.
    """

    since: datetime
    until: datetime
    papers: tuple[Paper, ...]
    seen_at: Mapping[str, datetime]
    trending: Mapping[str, float]
    upvotes: Mapping[str, int]
    featured: frozenset[str]
    reports: tuple[SourceReport, ...]

    def too_old(self, since: datetime) -> frozenset[str]:
        """The papers that were seen before a reader's own window begins."""
        if since <= self.since:
            return frozenset()
        return frozenset(paper for paper, seen in self.seen_at.items() if seen <= since)


class Windows:
    """The windows of one round of composing, loaded once each, since many readers share one.

    A window is loaded again if something was announced in it meanwhile, perhaps by another process:
    a digest must not claim to cover what it has not seen.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[tuple[datetime, datetime], tuple[int, Window]] = {}

    def of(self, since: datetime, until: datetime) -> Window:
        """What was announced in (since, until]."""
        news = self._store.papers.news(since, until)
        kept = self._kept.get((since, until))
        if kept is not None and kept[0] == news:
            return kept[1]
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        window = window_of(self._store, since, until)
        self._kept[since, until] = (news, window)
        return window


def window_of(store: Store, since: datetime, until: datetime) -> Window:
    """Load what was announced in (since, until], and the source reports around its end."""
    announced = store.papers.announced(since, until)
    ids = [paper.id for paper, _ in announced]
    signals = [each for found in store.papers.signals(ids).values() for each in found]
    upvotes = trending.upvotes(signals)
    return Window(
        since=since,
        until=until,
        papers=tuple(paper for paper, _ in announced),
        seen_at={paper.id: announcement.seen_at for paper, announcement in announced},
        # The age of a vote does not count: a week's digest is about all of its days.
        trending=trending.relative(upvotes, {paper.id: paper.categories for paper, _ in announced}),
        upvotes=upvotes,
        featured=store.community.featured(until - FEATURED_FOR),
        reports=_reports(store, until),
    )


def _reports(store: Store, until: datetime) -> tuple[SourceReport, ...]:
    """What sources reported lately: in four days on days without lists, when some are not asked."""
    day = editions.list_day(until)
    lately = REPORT_WINDOW if editions.is_list_day(day) else OVER_A_WEEKEND
    return tuple(each for each in store.sources.reports(since=until - lately) if each.at <= until)


def candidates_of(
    store: Store, window: Window, profiles: Sequence[Profile], *rankers: Ranker
) -> Candidates:
    """What rankers may use: the window, the papers that profiles name, and the curators' picks."""
    liked = store.papers.get(tastes.named(profiles, REFERRED))
    return _candidates(store, window, liked, rankers)


def kept_candidates_of(
    store: Store,
    window: Window,
    profiles: Sequence[Profile],
    *rankers: Ranker,
    stopping: Callable[[], bool] = lambda: False,
    progress: Callable[[int], object] = lambda _: None,
) -> Candidates:
    """The same, together with the tastes of these subscribers as kept by the rankers.

    Missing tastes are learned now, and kept. Liked papers are loaded only if something is to be
    learned from them, or if their place in the space is not known. Raises AskedToStop.
    """
    keeping = tastes.keepers(rankers)
    if not keeping:
        return candidates_of(store, window, profiles, *rankers)
    kept, strangers = tastes.look_up(store, keeping, profiles)
    opinions = tastes.named(profiles, OPINIONS)
    lying = store.spaces.lying(next(iter(keeping.values())).lies, opinions)
    missing = tastes.named(tastes.unlearned(strangers), OPINIONS)
    wanted = missing | (opinions - lying.keys())
    liked = store.papers.get(wanted)
    learned_from = [liked[each] for each in missing & liked.keys()]
    embedding = [*window.papers, *learned_from]
    whose = profiles[0].subscriber_id if profiles else ""
    if not learning.embed(
        store, rankers, embedding, whose=whose, stopping=stopping, progress=progress
    ):
        raise AskedToStop
    candidates = _candidates(store, window, liked, rankers)
    made = tastes.learn(
        store, keeping, strangers, liked=candidates.liked, vectors=candidates.vectors
    )
    both = {name: {**kept[name], **made[name]} for name in keeping}
    return replace(candidates, tastes=both, lying=lying)


def _candidates(
    store: Store, window: Window, liked: Mapping[str, Paper], rankers: Sequence[Ranker]
) -> Candidates:
    return Candidates(
        papers=window.papers,
        trending=window.trending,
        upvotes=window.upvotes,
        liked=liked,
        featured=window.featured,
        vectors=learning.vectors_for(store, rankers, [*window.papers, *liked.values()]),
    )
