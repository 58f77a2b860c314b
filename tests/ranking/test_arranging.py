"""Which papers are shown, and in which order."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from digest.model import chance_of, score_of
from digest.ports import Candidates
from digest.ranking.linear import LinearRanker
from digest.ranking.space import learn

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)


def theme(paper_id):
    return paper_id.split("-")[1]


def shown(ranking):
    return [theme(pick.paper_id) for pick in ranking.picks]


def test_what_is_shown_in_full_comes_with_reasons_and_the_rest_as_ids(ranked, profile):
    reader = replace(profile(topic=["x.tides", "x.violins"], like="tides-1"), limit=3)

    found = ranked(reader)

    whole = ranked(replace(reader, limit=8))
    assert all(pick.reasons for pick in found.picks)
    assert (len(found.picks), len(found.rest)) == (3, 1)
    assert sorted(found.listed) == sorted(pick.paper_id for pick in whole.picks)


# --- what the reader's own floor keeps out ----------------------------------------------------


@pytest.mark.parametrize("chance", [1e-6, 0.1, 0.3, 0.999])
def test_a_floor_is_a_score_as_well_as_a_chance(chance):
    assert chance_of(score_of(chance)) == pytest.approx(chance)
    assert score_of(0) < -1000 < 1000 < score_of(1)


def test_variety_never_replaces_a_paper_above_the_floor_by_one_below_it(ranked, profile, new_paper):
    papers = [new_paper("bees", n) for n in range(12)] + [new_paper("tides", n) for n in range(6)]
    reader = replace(profile(keyword=["honey", "moon"]), limit=3)
    passed_over = ranked(replace(reader, limit=4), papers).picks[2]

    varied = ranked(reader, papers)
    floored = ranked(replace(reader, floor=passed_over.chance - 1e-6), papers)
    nothing = ranked(replace(reader, floor=1), papers)

    assert shown(varied) == ["bees", "bees", "tides"]
    assert varied.picks[2].chance < passed_over.chance - 1e-6
    assert floored.picks == (*varied.picks[:2], passed_over)
    assert nothing.listed == floored.listed


# --- what everybody votes for -----------------------------------------------------------------


def test_equal_papers_of_a_topic_begin_with_those_similar_to_papers_with_votes(
    rank, profile, invented, new_paper, space
):
    voted = {each for each in invented if each.startswith("tides-")}
    papers = [
        replace(new_paper(theme, n), categories=("x.coast",))
        for n in range(8)
        for theme in ("violins", "tides", "bees")
    ]
    reader = replace(profile(topic="x.coast"), limit=8)

    def listed(space):
        return shown(rank(reader, papers, ranker=LinearRanker(topics={}, space=space)))

    assert listed(learn(list(invented.values()), voted=voted)) == ["tides"] * 8
    assert listed(space) == ["violins"] * 8


def test_papers_with_votes_fill_the_list_of_someone_with_few_likes(
    ranked, profile, invented, new_paper
):
    papers = [new_paper(theme, n) for n in range(12) for theme in ("bridges", "violins")]
    heat = {each.id: 1 + n / 100 for n, each in enumerate(papers)}
    likes = [f"bees-{n}" for n in range(20)]

    def picked(count, **more):
        reader = profile(like=likes[:count], **more)
        return len(ranked(reader, papers, trending=heat).picks)

    assert [picked(count) for count in (0, 1, 2, 10, 20)] == [10, 10, 9, 5, 0]
    assert picked(1, topic="x.tides") == 0
    assert len(ranked(profile(like="arxiv:1706.03762"), papers, trending=heat).picks) == 10


def test_what_only_fills_the_list_is_not_counted_as_matching(ranked, profile, new_paper):
    papers = [*(new_paper("violins", n) for n in range(12)), new_paper("bees")]
    heat = {each.id: 1.0 for each in papers[:12]}

    found = ranked(profile(like="bees-1"), papers, trending=heat)

    assert (len(found.picks), found.matched) == (10, 1)
    assert ranked(profile(), papers, trending=heat).matched == 12


def test_papers_with_votes_do_not_fill_a_list_with_a_floor_and_are_never_barred_ones(
    ranked, profile, new_paper
):
    papers = [new_paper("violins", n) for n in range(12)]
    heat = {each.id: 1.0 for each in papers}
    reader = profile(like="bees-1")

    assert ranked(replace(reader, floor=0.1), papers, trending=heat).matched == 0
    found = ranked(reader, papers, trending=heat, without=[each.id for each in papers[2:]])
    assert sorted(found.listed) == sorted(each.id for each in papers[:2])


def test_near_duplicates_with_many_votes_fill_one_place(ranked, profile, told_twice, new_paper):
    same = told_twice("p-one", "p-two", "arch girder cable deck pier truss load span")
    papers = [*same, *(new_paper("violins", n) for n in range(12))]
    heat = {each.id: 10.0 - n for n, each in enumerate(papers)}

    found = ranked(profile(like="bees-1"), papers, trending=heat)

    assert len(found.picks) == 10
    assert len({"p-one", "p-two"} & set(found.listed)) == 1


# --- what is followed -------------------------------------------------------------------------


def test_a_topic_has_its_part_beside_one_with_hundreds_of_equals(counted, profile, on):
    papers = [*on("x.tides", 300), *on("x.bees", 40)]

    found = counted(profile(topic=["x.bees", "x.tides"]), papers)

    assert found == {"x.tides": 7, "x.bees": 3}


def test_a_topic_has_a_place_beside_papers_that_are_in_two(counted, profile, on):
    papers = [*on("x.bees", 300, "x.hives"), *on("x.tides", 40)]

    found = counted(profile(topic=["x.bees", "x.hives", "x.tides"]), papers)

    assert found == {"x.bees": 9, "x.tides": 1}


@pytest.mark.parametrize("trending", [0.0, 2.0])
def test_a_topic_has_a_place_beside_papers_that_have_votes(counted, profile, on, trending):
    papers = [*on("x.bees", 60), *on("x.tides", 3)]
    heat = {each.id: 10.0 - n / 100 for n, each in enumerate(papers[:30])}
    ranker = LinearRanker(topics={}, trending=trending)

    found = counted(profile(topic=["x.bees", "x.tides"]), papers, trending=heat, ranker=ranker)

    assert found["x.tides"] >= 1


def test_a_keyword_has_a_place_beside_a_topic(counted, profile, on, paper):
    papers = [*on("x.bees", 60), paper("p-wolverine", "The wolverine", categories=("x.beasts",))]

    found = counted(profile(topic="x.bees", keyword="wolverine"), papers)

    assert found == {"x.bees": 9, "wolverine": 1}


# --- near-duplicates --------------------------------------------------------------------------


@pytest.fixture
def told_twice(paper):
    """Two papers that are one work: `told_twice("p-1", "p-2", "words", categories=…)`."""

    def make(one, other, words, **about):
        return [paper(one, "Same work", words, **about), paper(other, "Same work", words, **about)]

    return make


def test_a_near_duplicate_is_listed_as_a_title_even_if_there_is_room(rank, profile, told_twice, on):
    same = told_twice("p-one", "p-two", "dense retrieval at scale", categories=("x.bees",))

    found = rank(profile(topic="x.bees"), [*same, *on("x.bees", 3)])

    assert "p-two" in {pick.paper_id for pick in found.picks}
    assert (len(found.picks), found.rest, found.matched) == (4, ("p-one",), 5)


def test_many_near_duplicates_do_not_shorten_the_list(rank, profile, paper, on):
    notices = [paper(f"q-{n}", "Editorial board", categories=("x.bees",)) for n in range(40)]

    found = rank(profile(topic="x.bees"), [*notices, *on("x.bees", 100)])

    assert (len(found.picks), found.matched) == (10, 140)
    assert sum(pick.paper_id.startswith("q-") for pick in found.picks) == 1


def test_near_duplicates_in_two_small_topics_are_shown_once(rank, profile, told_twice, on):
    one, two = told_twice("p-one", "p-two", "dense retrieval at scale")
    papers = [
        *on("x.bees", 60, "x.hives"),
        replace(one, categories=("x.tides",)),
        replace(two, categories=("x.coast",)),
    ]

    found = rank(profile(topic=["x.bees", "x.hives", "x.tides", "x.coast"]), papers)

    assert [pick.paper_id for pick in found.picks][-1] == "p-two"
    assert "p-one" in found.rest


def test_with_many_interests_a_ranking_does_not_depend_on_the_rest_of_the_block(profile, paper):
    chance = random.Random(3)
    topics, words = ([f"{kind}{n}" for n in range(many)] for kind, many in (("x.", 14), ("w", 40)))
    other = replace(profile("other", topic=topics[:3]), limit=100)
    for _ in range(8):
        papers = [
            paper(
                f"p{n}",
                f"{' '.join(chance.sample(words, 2))} t{n}",
                categories=tuple(chance.sample(topics, chance.randint(1, 4))),
            )
            for n in range(300)
        ]
        candidates, ranker = Candidates(papers=papers), LinearRanker(topics={})
        one = profile("one", topic=chance.sample(topics, 12), keyword=chance.sample(words, 14))

        alone, beside = (
            ranker.rank(block, candidates, without={}, now=NOW)[0]
            for block in ([one], [one, other])
        )

        assert alone == beside
