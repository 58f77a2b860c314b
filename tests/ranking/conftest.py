"""Papers, people and a ranker, made up for the tests of ranking."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from digest.model import Interest, InterestKind, Paper, Profile, Topic
from digest.ports import Candidates
from digest.ranking.linear import LinearRanker

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)

TOPICS = {
    "cs.IR": Topic(id="cs.IR", name="Information Retrieval", categories=("cs.IR",)),
    "bread": Topic(
        id="bread", name="Bread", phrases=("sourdough",), keywords=("oven", "crust", "yeast")
    ),
}


@pytest.fixture
def topics():
    return TOPICS


@pytest.fixture
def paper():
    """A paper by id; say what matters: `paper("p1", "Title", categories=("cs.IR",))`."""

    def make(key, title="", abstract="", **rest):
        values = {"title": title or f"On {key}", "abstract": abstract, "published": NOW, **rest}
        return Paper(id=key, **values)

    return make


@pytest.fixture
def profile():
    """A profile by interests: `profile(topic="cs.IR", keyword=["bread", "salt"], like="p1")`."""

    def make(name="s_ada", weight=1.0, **values):
        interests = [
            Interest(kind=InterestKind(kind), value=each, weight=weight, added_at=NOW)
            for kind, given in values.items()
            for each in ([given] if isinstance(given, str) else given)
        ]
        return Profile(subscriber_id=name, interests=tuple(interests))

    return make


@pytest.fixture
def rank():
    """Rank papers for one profile: `rank(profile, papers, liked=…, trending=…, without=…)`."""

    def run(profile, papers, *, without=(), liked=(), ranker=None, **about):
        candidates = Candidates(papers=papers, liked={p.id: p for p in liked}, **about)
        return (ranker or LinearRanker(topics=TOPICS)).rank(
            [profile], candidates, without={profile.subscriber_id: frozenset(without)}, now=NOW
        )[0]

    return run
