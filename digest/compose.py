"""A ranking becomes a digest: how many in full, which titles after them, what kind of day it was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from digest import editions
from digest.model import Digest, Mood, Quiet, Ranking, SourceReport, Subscriber

MOST_TITLES = 100


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
    rest_cap: int = MOST_TITLES,
) -> Digest:
    """One subscriber's edition: the best `subscriber.limit` in full, the others as titles."""
    picks = ranking.picks[: subscriber.limit]
    rest = ranking.picks[subscriber.limit : subscriber.limit + rest_cap]
    return Digest(
        id=f"{subscriber.id}.{edition}",
        subscriber_id=subscriber.id,
        edition=edition,
        mood=editions.mood(announced=announced, shown=len(picks), reports=reports),
        since=since,
        until=until,
        picks=picks,
        rest=tuple(pick.paper_id for pick in rest),
        announced=announced,
        matched=ranking.matched,
        withheld=withheld,
        composed_at=now,
    )


def wants_mail(digest: Digest, subscriber: Subscriber) -> bool:
    """Whether to send it: always with papers, on a quiet day as the subscriber chose."""
    return digest.mood is Mood.PICKS or subscriber.quiet is Quiet.LINE
