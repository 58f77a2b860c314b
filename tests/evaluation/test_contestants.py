"""Our own ranker as one of those that are compared."""

import random
from datetime import UTC, datetime

import numpy as np
import pytest

from digest.evaluation.baselines import Preparing
from digest.evaluation.contestants import Ours
from digest.model import Interest, InterestKind, Paper, Profile
from digest.ports import Candidates
from digest.ranking.space import FEWEST_PAPERS

NOW = datetime(2026, 6, 10, tzinfo=UTC)
THEMES = {
    "bread": "oven crust yeast flour crumb baking loaf kneading rye proofing",
    "clocks": "pendulum brass escapement gear spring winding dial hour balance",
}


def papers(name, count):
    rng = random.Random(name)
    return [
        Paper(
            id=f"{name}-{theme}-{number}",
            title=" ".join(rng.sample(words.split(), 2)),
            abstract=" ".join(rng.sample(words.split(), 6)),
            published=NOW,
        )
        for number in range(count)
        for theme, words in THEMES.items()
    ]


def reader(name, likes):
    interests = [Interest(kind=InterestKind.LIKE, value=each, added_at=NOW) for each in likes]
    return Profile(subscriber_id=name, interests=tuple(interests))


@pytest.fixture(scope="module")
def background():
    return papers("old", FEWEST_PAPERS)


@pytest.fixture(scope="module")
def ours(background):
    scorer = Ours()
    scorer.learn(background, background, [])
    return scorer


@pytest.fixture
def candidates(background):
    return Candidates(papers=papers("new", 4), liked={each.id: each for each in background})


BLOCK = [reader("ada", ["old-bread-1", "old-bread-2"]), reader("bo", ["old-clocks-3"])]


def test_scores_from_kept_tastes_are_those_without(ours, candidates):
    ready = ours.prepared(BLOCK, candidates)

    found = ours.scores(BLOCK, ready)

    assert isinstance(ours, Preparing)
    assert found == pytest.approx(ours.scores(BLOCK, candidates), abs=1e-4)
    bread = np.array(["bread" in each.id for each in candidates.papers])
    assert found[0, bread].min() > found[0, ~bread].max()
    assert found[1, bread].max() < found[1, ~bread].min()


def test_it_keeps_only_the_tastes_of_the_block(ours, candidates):
    ready = ours.prepared(BLOCK, candidates)

    [tastes] = ready.tastes.values()
    assert tastes.keys() == {"ada", "bo"}
    assert ready.lying == {}
    assert (ready.papers, ready.liked) == (candidates.papers, candidates.liked)


def test_it_keeps_nothing_if_there_are_too_few_papers_to_learn_from(background, candidates):
    scorer = Ours()
    few = background[: FEWEST_PAPERS // 2]
    scorer.learn(few, few, [])

    assert scorer.prepared(BLOCK, candidates) is candidates


def test_with_few_background_papers_it_learns_from_all_papers(background, candidates, ours):
    scorer = Ours()
    scorer.learn(background[: FEWEST_PAPERS // 2], background, [])

    assert np.array_equal(scorer.scores(BLOCK, candidates), ours.scores(BLOCK, candidates))


def test_scoring_before_learning_is_an_error(candidates):
    with pytest.raises(RuntimeError, match="call learn first"):
        Ours().scores(BLOCK, candidates)
