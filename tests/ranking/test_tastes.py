"""What likes, dislikes and typed words say of papers in a learned space, and how it is explained."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import fsum

import numpy as np
import pytest

from digest.model import ReasonKind
from digest.ports import Candidates
from digest.ranking.features import Features
from digest.ranking.linear import LinearRanker
from digest.ranking.point_cache import PointCache
from digest.ranking.points import author_mark
from digest.ranking.profiles import Weights
from digest.ranking.space import terms, terms_of
from digest.ranking.tastes import certainty, learned, typed
from digest.text import author_key, words

THEMES = ("bread", "clocks", "tides", "bees")


@pytest.fixture
def edition(new_paper):
    return [new_paper(theme, n) for theme in THEMES for n in range(4)]


@pytest.fixture
def ranker(space):
    return LinearRanker(topics={}, space=space)


@pytest.fixture
def full(profile):
    """Someone who has said something of every kind."""
    return profile(
        topic=["x.bread", "x.tides"],
        keyword=["brass pendulum", "nectar"],
        like=[*(f"bread-{n}" for n in range(4)), "bees-3"],
        dislike=["clocks-1", "tides-2"],
        mute="buoy",
    )


# --- likes and typed words ------------------------------------------------------------------


def test_certainty_grows_with_the_number_of_likes():
    sure = certainty(np.arange(200))

    assert (np.diff(sure) > 0).all()
    assert sure[30] == pytest.approx(3 * sure[1], rel=0.15)
    assert sure[-1] < 1


def test_the_papers_around_likes_fade_out_gradually(edition, ranker, invented, profile):
    names = [f"bread-{n}" for n in range(30)]
    candidates = Candidates(papers=edition, liked=invented)
    people = [profile(f"p{n}", like=names[:n]) for n in range(1, 30)]
    scores = ranker.scores(people, candidates)[:, :4].mean(axis=1)

    assert np.abs(np.diff(scores)[7:]).max() < 0.5


def test_more_similar_likes_raise_the_score(rank, paper, profile):
    papers = [paper("p", "Brass clocks of steel")]
    liked = [paper(f"l{n}", "Brass clocks") for n in range(12)]

    one, many = (
        rank(profile(like=[each.id for each in liked[:count]]), papers, liked=liked).picks[0].score
        for count in (1, 12)
    )

    assert many > 1.5 * one


def test_likes_raise_their_theme_and_dislikes_lower_theirs(ranker, edition, invented, profile):
    likes = [f"bread-{n}" for n in range(6)]
    block = [profile("one", like=likes), profile("other", dislike=likes)]

    liking, disliking = ranker.scores(block, Candidates(papers=edition, liked=invented))

    bread, others = slice(0, 4), slice(8, None)
    assert liking[bread].min() > liking[others].max() + 1
    assert disliking[bread].max() < disliking[others].min() - 0.3
    assert disliking == pytest.approx(-liking / 6, abs=1e-2)


def test_typed_words_find_papers_with_synonyms(space, new_paper):
    told = [new_paper("bread", n) for n in range(0, 20, 5)]
    levain = next(each for each in told if "levain" in terms_of(each))
    features = Features([levain, new_paper("bees"), new_paper("tides")], PointCache(space))
    assert "sourdough" not in terms_of(levain)

    (amounts,) = features.amounts(typed(["sourdough"], features.cache, worth=1.0))

    assert features.papers[int(amounts.argmax())] == levain
    assert np.sort(amounts)[-1] > 3 * abs(np.sort(amounts)[-2])


def test_the_newer_of_two_likes_counts_for_more(ranker, edition, invented, profile, now):
    both = profile(like=["bread-1", "tides-1"])
    first, second = both.interests
    aged = replace(both, interests=(first, replace(second, added_at=now - timedelta(days=2 * 365))))

    even, uneven = ranker.scores([both, aged], Candidates(papers=edition, liked=invented))

    bread, tides = slice(0, 4), slice(8, 12)
    assert uneven[bread].mean() > even[bread].mean()
    assert uneven[tides].mean() < even[tides].mean()


def test_an_author_of_half_the_likes_counts_for_half(space, paper, profile):
    def looked(count):
        known = {
            f"p{n}": paper(f"p{n}", "Nectar", authors=("Bo Ek",) if n < count else ())
            for n in range(4)
        }
        held = [profile(like=list(known)).interests]
        found = learned(held, PointCache(space), known=known, worth=1.0)
        return found.marks[0, author_mark(author_key("Bo Ek"))]

    assert looked(4) == pytest.approx(2 * looked(2))
    assert looked(2) > 0


# --- one scale for everyone and every day ---------------------------------------------------


def test_a_score_does_not_depend_on_what_else_is_announced(ranker, edition, invented, full):
    whole = ranker.scores([full], Candidates(papers=edition, liked=invented))[0]

    for row, paper in enumerate(edition):
        alone = ranker.scores([full], Candidates(papers=[paper], liked=invented))[0]
        assert alone == pytest.approx(whole[[row]], abs=1e-5)


def test_scores_are_those_of_the_picks_in_the_order_of_the_candidates(
    ranker, edition, invented, full
):
    candidates = Candidates(papers=list(reversed(edition)), liked=invented)

    scores = ranker.scores([full], candidates)
    (ranking,) = ranker.rank([full], candidates, without={}, now=None)

    assert scores.shape == (1, len(edition))
    found = {each.id: score for each, score in zip(candidates.papers, scores[0], strict=True)}
    assert ranking.picks
    for pick in ranking.picks:
        assert pick.score == pytest.approx(found[pick.paper_id], abs=1e-4)
        if pick.reasons:
            assert pick.score == pytest.approx(fsum(r.amount for r in pick.reasons), abs=1e-6)


# --- explained ------------------------------------------------------------------------------


def test_the_words_of_a_reason_are_up_to_three_of_the_paper_and_none_twice(
    ranker, edition, invented, full
):
    candidates = Candidates(papers=edition, liked=invented)
    (ranking,) = ranker.rank([full], candidates, without={}, now=None)
    papers = {each.id: each for each in edition}

    told = [(pick, reason) for pick in ranking.picks for reason in pick.reasons if reason.words]

    assert {reason.kind for _, reason in told} >= {ReasonKind.LIKE, ReasonKind.WORDS}
    for pick, reason in told:
        assert len(reason.words) <= 3
        assert set(reason.words) <= set(terms_of(papers[pick.paper_id]))
        single = [word for each in reason.words for word in each.split()]
        assert len(single) == len(set(single))


def test_similarity_has_words_only_from_half_of_its_floor(ranker, edition, invented, profile):
    """The topic brings papers of bread, which are a little near to everything, as any is."""
    person = profile(topic=["x.bread", "x.bees"], keyword="nectar", like=["bees-0", "bees-1"])
    (ranking,) = ranker.rank(
        [person], Candidates(papers=edition, liked=invented), without={}, now=None
    )
    told = {}
    for pick in ranking.picks:
        for each in pick.reasons:
            if each.kind in (ReasonKind.LIKE, ReasonKind.WORDS) and each.words:
                told.setdefault(pick.paper_id.split("-")[1], set()).add(each.kind)

    assert {pick.paper_id.split("-")[1] for pick in ranking.picks} >= {"bread", "bees"}
    assert told["bees"] == {ReasonKind.LIKE, ReasonKind.WORDS}
    assert "bread" not in told


@pytest.mark.parametrize(("share", "is_told"), [(0.4, False), (0.6, True)])
def test_half_of_the_floor_is_enough_for_words(edition, invented, profile, space, share, is_told):
    person = profile(topic="x.bread", like="bees-0")
    trust = 2 / (1 + 2)  # of two kinds of interest

    def near(weights):
        ranker = LinearRanker(topics={}, space=space, weights=weights)
        candidates = Candidates(papers=edition, liked=invented)
        (ranking,) = ranker.rank([person], candidates, without={}, now=None)
        (pick,) = (each for each in ranking.picks if each.paper_id == "new-bread-2")
        return next(each for each in pick.reasons if each.kind is ReasonKind.LIKE)

    floor = near(Weights()).amount / trust / share

    assert bool(near(Weights(like_floor=floor)).words) is is_told


def test_the_terms_sum_to_the_score_and_the_words_of_a_term_to_the_term(
    ranker, edition, invented, full
):
    candidates = Candidates(papers=edition, liked=invented, trending={edition[0].id: 2.0})
    scores = ranker.scores([full], candidates)[0]
    kinds = set()

    for paper, score in zip(edition, scores.tolist(), strict=True):
        found = ranker.explain(full, candidates, paper.id, without={}, now=None)
        assert found.score == pytest.approx(score, abs=1e-4)
        assert abs(fsum(each.amount for each in found.terms) - found.score) < 1e-6
        for term, parts in found.parted:
            kinds.add(term.kind)
            assert not parts or abs(fsum(part for _, part in parts) - term.amount) < 1e-6
            assert bool(parts) is (
                term.kind in (ReasonKind.LIKE, ReasonKind.DISLIKE, ReasonKind.WORDS)
            )

    assert kinds >= {
        ReasonKind.TOPIC,
        ReasonKind.LIKE,
        ReasonKind.DISLIKE,
        ReasonKind.WORDS,
        ReasonKind.TRENDING,
    }


def test_the_words_are_the_whole_of_a_term_where_they_are_few(
    ranker, edition, invented, full, paper
):
    short = paper("short", "Oven crust", "Nectar pendulum.", categories=("x.bread",))
    candidates = Candidates(papers=[short, *edition], liked=invented)

    found = ranker.explain(full, candidates, "short", without={}, now=None)

    for term, parts in found.parted:
        held = dict(parts)
        assert abs(held.pop("…", 0.0)) < 1e-4, term
        said = {*terms(f"{short.title}"), *terms(short.abstract), *terms_of(short), "x.bread"}
        assert held.keys() <= said


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("new-bread-0", "it is liked already"),
        ("new-bread-1", "it is disliked"),
        ("new-bread-2", "it is known already"),
        ("new-tides-0", "it was in an earlier digest, or was announced before this one begins"),
        ("new-tides-1", "it is muted"),
        ("new-clocks-0", "it is in none of the topics and not close enough to anything else"),
        ("new-tides-3", "others come before it"),
    ],
)
def test_a_paper_that_is_no_pick_says_why(new_paper, edition, profile, space, key, why):
    reader = profile(
        topic=["x.bread", "x.tides"],
        like="new-bread-0",
        dislike="new-bread-1",
        known="new-bread-2",
        mute=words(new_paper("tides", 1).title)[0],
    )
    ranker = LinearRanker(topics={}, space=space, cap=1)
    sent = {reader.subscriber_id: frozenset({"new-tides-0"})}

    found = ranker.explain(reader, Candidates(papers=edition), key, without=sent, now=None)

    assert (found.barred, found.rank) == (why, 0)


def test_a_pick_says_its_place_and_nothing_bars_it(ranker, edition, invented, full):
    candidates = Candidates(papers=edition, liked=invented)
    (ranking,) = ranker.rank([full], candidates, without={}, now=None)

    for place, pick in enumerate(ranking.picks, 1):
        found = ranker.explain(full, candidates, pick.paper_id, without={}, now=None)
        assert (found.rank, found.barred) == (place, "")
        assert found.score == pytest.approx(pick.score, abs=1e-5)
