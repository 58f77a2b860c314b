"""From a ranking to a digest: what is shown in full, what as a title, and what kind of day it is."""

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
_EXPLORE = ReasonKind.EXPLORE  # each mail asks for it at every pick
# Some sources are asked once a day, give or take how late cron is.
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
    """One subscriber's digest of an edition.

    The best `subscriber.limit` papers are picks, as far as their chances reach `subscriber.floor`;
    of the other matching ones the ids are kept, best first, up to REST_CAP. What is there to
    explore matches nothing: it is shown beside what does, and never alone. `announced` and
    `withheld` count papers of (since, until].
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
        matched=ranking.matched,
        withheld=withheld,
        composed_at=now,
    )


def exploring(picks: Iterable[Pick]) -> int:
    """How many picks stand where they do to be explored, and not because they match."""
    return len([1 for pick in picks for each in pick.reasons if each.kind is _EXPLORE])


def wants_mail(digest: Digest, subscriber: Subscriber) -> bool:
    """Whether a digest is worth a mail to this subscriber: quiet days only if they asked for a line."""
    return digest.mood is Mood.PICKS or subscriber.quiet is Quiet.LINE
