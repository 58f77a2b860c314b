"""What trends, now and in a day, a week or a month: by votes of subscribers and of sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from digest import matching
from digest.errors import NotFound
from digest.model import Paper, Topic
from digest.ports import Store
from digest.ranking import trending

COMMUNITY = "community"
COUNTED = "votes counted"  # a name that no source has, as it has a space
COOLED = timedelta(days=60)
MOST_VOTED = 2_000


def refresh(store: Store, *, now: datetime) -> None:
    """Recompute the stored hot scores, from the signals of the last two months.

    A hot score falls by one, a tenfold of votes, in two days: what had no vote for two months is
    behind anything with a later one.
    """
    counted = store.community.changed()  # first, so that a vote given meanwhile is seen next time
    signals = store.papers.signalled(now - COOLED)
    fields = _fields(store, {signal.paper_id for signal in signals})
    store.papers.set_trending(trending.hot(signals, fields, now))
    store.sources.set_cursor(COUNTED, counted)


def refresh_if_voted(store: Store, *, now: datetime) -> None:
    """Recompute the stored hot scores if a subscriber has voted since, or taken a vote back.

    Every vote changes what is usual in its field, and so the scores of other papers; that is too
    much for a web request.
    """
    if store.community.changed() != (store.sources.cursor(COUNTED) or ""):
        refresh(store, now=now)


def trending_papers(
    store: Store, period: str, *, now: datetime, limit: int, topic: Topic | None = None
) -> list[tuple[Paper, int, float]]:
    """Papers with their votes and score, best first, of one topic or of all; raises NotFound.

    `period` is `day`, `week` or `month`, back from `now`. Subscribers' votes count if given in that
    period. Sources report a total without its history, so a paper whose total was last seen in the
    period counts with all of it. Scores are `trending.relative` over all fields whatever the topic,
    since what is usual in a field does not depend on who looks.
    """
    span = trending.PERIODS.get(period)
    if span is None:
        raise NotFound("Papers trend by day, week or month.", subject=period)
    since = now - span
    told = (each for each in store.papers.signalled(since) if each.source != COMMUNITY)
    votes = Counter(trending.upvotes(told))
    votes.update(store.papers.voted(since, limit=MOST_VOTED))
    worth = trending.relative(votes, _fields(store, votes))
    best = sorted(votes, key=lambda each: (-worth[each], -votes[each], each))
    # A topic may have to be sought among all of them.
    papers = store.papers.get(best[:limit] if topic is None else best)
    found = [
        (paper, votes[each], worth[each])
        for each, paper in papers.items()
        if topic is None or matching.in_topic(matching.folded(paper), paper.categories, topic)
    ]
    return found[:limit]


def _fields(store: Store, paper_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The primary category of each paper, as ranking takes categories."""
    return {paper: (each,) for paper, each in store.papers.primaries(paper_ids).items()}
