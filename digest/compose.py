"""Turns a ranking into a digest: the picks, the other matches as titles, and the kind of day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from digest import editions
from digest.model import (
    Digest,
    Mood,
    Pick,
    Quiet,
    Ranking,
    ReasonKind,
    SourceReport,
    Subscriber,
)

REST_CAP = 1_000
# A global is quicker to look up, and every pick of every mail is asked.
_EXPLORE = ReasonKind.EXPLORE
# A source that is fetched once a day may be late by as much as cron is.
A_DAY_OR_SO = timedelta(hours=26)


def compose(
    ranking: Ranking,
    *,
    subscriber: Subscriber,
    edition: str,
    since: datetime,
    until: datetime,
    announced: int,
    withheld: int,
    reports: Sequence[SourceReport],
    now: datetime,
) -> Digest:
    """Compose one subscriber's digest of an edition.

    The first `subscriber.limit` papers whose chance is at least `subscriber.floor` become picks. Of
    the other matches only the ids are kept, best first, up to REST_CAP. A paper to explore matches
    no interest, so it is never shown alone. `announced` and `withheld` count papers of (since, until].
    """
    shown = tuple(
        pick for pick in ranking.picks[: subscriber.limit] if pick.chance >= subscriber.floor
    )
    if exploring(shown) == len(shown):
        shown = ()
    there = {pick.paper_id for pick in shown}
    others = [
        pick.paper_id
        for pick in ranking.picks
        if pick.paper_id not in there and not exploring([pick])
    ]
    others += ranking.rest
    return Digest(
        id=f"{subscriber.id}.{edition}",
        subscriber_id=subscriber.id,
        edition=edition,
        mood=editions.mood(
            announced=announced,
            matched=len(shown),
            below=len(others),
            reports=reports,
            day=date.fromisoformat(edition),
            since=min(since, until - A_DAY_OR_SO),
        ),
        since=since,
        until=until,
        picks=shown,
        rest=tuple(others[:REST_CAP]),
        announced=announced,
        matched=len(ranking.listed) - exploring(ranking.picks)
        if ranking.matched is None
        else ranking.matched,
        withheld=withheld,
        composed_at=now,
    )


def exploring(picks: Iterable[Pick]) -> int:
    """Count the picks that are there to explore, rather than because they match."""
    return len([1 for pick in picks for each in pick.reasons if each.kind is _EXPLORE])


def wants_mail(digest: Digest, subscriber: Subscriber) -> bool:
    """Whether to send this digest: always with picks, otherwise only to who asked for a line."""
    return digest.mood is Mood.PICKS or subscriber.quiet is Quiet.LINE
