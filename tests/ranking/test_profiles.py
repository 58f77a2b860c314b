"""What people declare: topics beside other interests, words that say nothing, authors by name."""

from __future__ import annotations

import pytest

from digest.model import InterestKind, ReasonKind
from digest.ranking.linear import LinearRanker


def amount(pick, kind):
    return sum(each.amount for each in pick.reasons if each.kind is kind)


def ids(ranking):
    return set(ranking.listed)


@pytest.mark.parametrize(
    ("others", "kinds"),
    [
        ({"topic": "math.OC"}, 1),
        ({"topic": "math.OC", "keyword": "the", "like": "unknown"}, 1),
        ({"keyword": ["dual encoder", "index"]}, 2),
        ({"query": "encoder"}, 2),
        ({"like": ["liked", "p"]}, 2),
        ({"keyword": "dual encoder", "query": "encoder", "like": "liked"}, 3),
    ],
)
def test_what_else_one_names_counts_as_one_topic_more(rank, paper, profile, others, kinds):
    papers = [paper(key, "Dual encoders", categories=("cs.IR",)) for key in ("p", "q")]
    topics = ["cs.IR", *([others["topic"]] if "topic" in others else [])]
    liked = [paper("liked")]

    (alone, *_) = rank(profile(topic="cs.IR"), papers).picks
    (beside, *_) = rank(profile(**{**others, "topic": topics}), papers, liked=liked).picks

    assert amount(alone, ReasonKind.TOPIC) == pytest.approx(3)
    trusted = 2 / (1 + kinds)
    assert amount(beside, ReasonKind.TOPIC) == pytest.approx(3 / 2**0.5 * trusted, abs=1e-6)


@pytest.mark.parametrize(("likes", "fade"), [(1, 2 / 3), (2, 2 / 4), (30, 1 / 3)])
def test_topics_fade_to_a_third_where_likes_are_understood(
    rank, paper, profile, space, invented, likes, fade
):
    person = profile(topic="cs.IR", like=[f"tides-{n}" for n in range(likes)])
    ranker = LinearRanker(topics={}, space=space)

    (pick,) = rank(
        person,
        [paper("p", "Dual encoders", categories=("cs.IR",))],
        liked=list(invented.values()),
        ranker=ranker,
    ).picks

    trusted = 2 / (1 + 1 + fade)
    assert amount(pick, ReasonKind.TOPIC) == pytest.approx(3 / 2**0.5 * fade * trusted, abs=1e-5)


def test_an_author_counts_in_full_beside_whatever_else(rank, paper, profile):
    papers = [paper("p", "Dual encoders", categories=("cs.IR",), authors=("Ada Example",))]

    for others in ({}, {"topic": "cs.IR"}, {"topic": "cs.IR", "keyword": "dual encoder"}):
        (pick,) = rank(profile(author="Ada Example", **others), papers).picks
        assert amount(pick, ReasonKind.AUTHOR) == pytest.approx(4.5, abs=1e-5)
        assert pick.score == pytest.approx(sum(each.amount for each in pick.reasons))


@pytest.mark.parametrize("word", ["the", "of", "R", "the of", "—"])
def test_a_kept_keyword_that_says_nothing_matches_nothing(rank, paper, profile, word):
    papers = [paper("p", "The tides of R and the moon", "The tides of the sea, and R.")]

    assert not rank(profile(keyword=word), papers).picks


WRITTEN = {
    "same": "Jane Doe",
    "initial": "J. Doe",
    "filed": "Doe, Jane",
    "namesake": "John Doe",
    "filed namesake": "Doe, John",
    "other": "Mary Doe",
}
HERS = {"same", "initial", "filed"}


@pytest.fixture
def written(paper):
    return [paper(key, authors=("Bo Ek", name)) for key, name in WRITTEN.items()]


@pytest.mark.parametrize("name", ["Jane Q. Doe", "Doe, Jane", "jane doe"])
def test_who_follows_an_author_in_full_gets_no_namesakes(rank, profile, written, name):
    assert ids(rank(profile(author=name), written)) == HERS


@pytest.mark.parametrize("kind", [InterestKind.MUTE, InterestKind.MUTE_AUTHOR])
def test_who_mutes_an_author_in_full_mutes_no_namesakes(rank, profile, written, kind):
    reader = profile(author="Bo Ek", **{kind.value: "Jane Q. Doe"})

    assert ids(rank(reader, written)) == set(WRITTEN) - HERS
