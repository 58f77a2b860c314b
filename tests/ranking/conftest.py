"""Papers, people and a ranker, made up for the tests of ranking."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import pytest

from digest.model import Interest, InterestKind, Paper, Profile, Ranking, Topic
from digest.ports import Candidates
from digest.ranking.linear import LinearRanker

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)

TOPICS = {
    "cs.IR": Topic(id="cs.IR", name="Information Retrieval", categories=("cs.IR",)),
    "bread": Topic(
        id="bread", name="Bread", phrases=("sourdough",), keywords=("oven", "crust", "yeast")
    ),
}


def make_paper(key: str, title: str = "", abstract: str = "", **rest: object) -> Paper:
    values = {"id": key, "title": title or f"On {key}", "abstract": abstract, "published": NOW}
    return Paper(**(values | rest))


def make_profile(*, name: str = "s_ada", weight: float = 1.0, **values: str | Iterable[str]):
    """`make_profile(topic="cs.IR", keyword=["bread"], like="p1")`: one interest a value."""
    interests = [
        Interest(kind=InterestKind(kind), value=each, weight=weight, added_at=NOW)
        for kind, given in values.items()
        for each in ([given] if isinstance(given, str) else given)
    ]
    return Profile(subscriber_id=name, interests=tuple(interests))


Rank = Callable[..., Ranking]


@pytest.fixture
def rank() -> Rank:
    """Rank papers for one profile: `rank(profile, papers, liked=…, trending=…, without=…)`."""

    def run(profile, papers, *, without=frozenset(), ranker=None, **about):
        ranker = ranker or LinearRanker(topics=TOPICS)
        liked = {each.id: each for each in about.pop("liked", ())}
        candidates = Candidates(papers=papers, liked=liked, **about)
        return ranker.rank(
            [profile], candidates, without={profile.subscriber_id: frozenset(without)}, now=NOW
        )[0]

    return run


def ids(ranking: Ranking) -> list[str]:
    return [pick.paper_id for pick in ranking.picks]


def days_ago(days: int) -> datetime:
    return NOW - timedelta(days=days)
