"""Which papers are shown, and in which order."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from digest.model import Interest, InterestKind, ReasonKind, chance_of, score_of
from digest.ports import Candidates
from digest.ranking.linear import LinearRanker
from digest.ranking.profiles import Weights
from digest.ranking.space import learn

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)
BEES = [f"bees-{n}" for n in range(12)]
TIDES = ["tides-1", "tides-2"]


@pytest.fixture
def ranker(space):
    return LinearRanker(topics={}, space=space)


@pytest.fixture
def edition(new_paper):
    """Thirty papers on bees, one on tides, and some on neither."""
    themes = {"bees": 30, "tides": 1, "violins": 3}
    return [new_paper(theme, n) for theme, count in themes.items() for n in range(count)]


@pytest.fixture
def ranked(rank, ranker, edition, invented):
    """The edition ranked for one profile: `ranked(profile, papers=…, ranker=…, without=…)`."""

    def run(reader, papers=edition, **about):
        return rank(reader, papers, liked=invented.values(), **{"ranker": ranker, **about})

    return run


def theme(paper_id):
    return paper_id.split("-")[1]


def shown(ranking):
    return [theme(pick.paper_id) for pick in ranking.picks]


def amounts_of(pick, kind):
    return sum(each.amount for each in pick.reasons if each.kind is kind)


def test_what_is_shown_in_full_comes_with_reasons_and_the_rest_as_ids(ranked, profile):
    reader = replace(profile(topic=["x.tides", "x.violins"], like="tides-1"), limit=3)

    found = ranked(reader)

    whole = ranked(replace(reader, limit=8))
    assert all(pick.reasons for pick in found.picks)
    assert (len(found.picks), len(found.rest)) == (3, 1)
    assert sorted(found.listed) == sorted(pick.paper_id for pick in whole.picks)


# --- smaller interests ----------------------------------------------------------------------


def test_a_smaller_interest_has_the_last_place_where_it_would_have_none(ranked, profile):
    reader = replace(profile(like=[*BEES, *TIDES]), limit=10)

    found = ranked(reader)

    assert shown(found) == ["bees"] * 9 + ["tides"]
    assert shown(ranked(replace(reader, limit=4))) == ["bees"] * 4  # too few to give one away


def test_a_paper_of_a_smaller_interest_names_the_similar_like_and_what_it_adds(
    ranked, ranker, profile, edition, invented, now
):
    reader = replace(profile(like=[*BEES, *TIDES]), limit=10)
    only = replace(profile(like=TIDES), limit=10)

    placed = ranked(reader).picks[-1]

    (reason,) = placed.reasons
    assert (reason.kind, theme("x-" + reason.what)) == (ReasonKind.LIKE, "tides")
    assert reason.words
    alone = next(each for each in ranked(only).picks if theme(each.paper_id) == "tides")
    assert placed.score == pytest.approx(alone.score, abs=0.1)
    told = ranker.explain(
        reader,
        Candidates(papers=edition, liked=invented),
        placed.paper_id,
        without={},
        now=now,
    )
    assert (told.score, told.rank, told.barred) == (placed.score, 10, "")
    (words,) = told.words
    assert sum(amount for _, amount in words) == pytest.approx(told.score, abs=1e-4)


def test_places_are_the_same_from_kept_tastes_and_whoever_else_is_in_the_block(
    ranker, profile, edition, invented, now
):
    block = [
        replace(profile(name, like=likes), limit=10)
        for name, likes in (
            ("one", [*BEES, *TIDES]),
            ("two", BEES),
            ("three", [*BEES[:8], "violins-1", "violins-2"]),
        )
    ]
    fresh = Candidates(papers=edition, liked=invented)
    kept = replace(fresh, tastes={ranker.keeps: ranker.learned(block, invented, {})})

    together = ranker.rank(block, kept, without={}, now=now)

    assert [shown(each)[-1] for each in together] == ["tides", "bees", "violins"]
    alone = [ranker.rank([each], fresh, without={}, now=now)[0] for each in block]
    assert [each.listed for each in together] == [each.listed for each in alone]


def test_an_interest_that_is_shown_already_is_given_nothing(ranked, profile):
    reader = replace(profile(like=[*BEES, *TIDES]), limit=34)

    found = ranked(reader)

    (tides,) = [pick for pick in found.picks if theme(pick.paper_id) == "tides"]
    (placed,) = [
        pick for pick in ranked(replace(reader, limit=10)).picks if pick.paper_id == tides.paper_id
    ]
    assert tides.score < placed.score  # what all likes together make of it


def test_a_barred_paper_is_not_placed_for_a_smaller_interest(ranked, profile, edition):
    reader = replace(profile(like=[*BEES, *TIDES]), limit=10)
    (tides,) = [each.id for each in edition if theme(each.id) == "tides"]
    muting = Interest(
        kind=InterestKind.MUTE, value="x.tides", added_at=reader.interests[0].added_at
    )

    without = ranked(reader, without=[tides])
    muted = ranked(replace(reader, interests=(*reader.interests, muting)))

    assert shown(without) == shown(muted) == ["bees"] * 10


def test_two_smaller_interests_have_a_place_each_before_the_paper_to_explore(
    ranked, profile, paper, new_paper, space
):
    papers = [new_paper("bees", n) for n in range(30)]
    beside = paper("x-beside", "Bridges", "girder cable deck pier truss load span honey")
    papers += [new_paper("tides"), new_paper("violins"), beside]
    likes = [*BEES[:10], *TIDES, "tides-3", "violins-1", "violins-2"]
    reader = replace(profile(like=likes), limit=8)
    exploring = LinearRanker(topics={}, space=space, explore=1)

    found = ranked(reader, papers)
    explored = ranked(reader, papers, ranker=exploring)

    assert shown(found) == ["bees"] * 6 + ["tides", "violins"]
    assert shown(explored)[5:7] == ["tides", "violins"]
    assert explored.picks[7].paper_id == beside.id
    assert explored.picks[7].reasons[-1].kind is ReasonKind.EXPLORE


def test_a_short_list_goes_on_with_the_smaller_interest(ranked, profile, new_paper):
    papers = [new_paper("bees"), new_paper("tides"), new_paper("violins")]

    found = ranked(replace(profile(like=[*BEES, *TIDES]), limit=10), papers)

    assert shown(found) == ["bees", "tides"]
    assert found.matched == 2


def test_someone_who_likes_one_subject_has_it_in_every_place(ranked, profile):
    found = ranked(replace(profile(like=BEES), limit=10))

    assert shown(found) == ["bees"] * 10


# --- what the reader's own floor keeps out ----------------------------------------------------


@pytest.mark.parametrize("chance", [1e-6, 0.1, 0.3, 0.999])
def test_a_floor_is_a_score_as_well_as_a_chance(chance):
    assert chance_of(score_of(chance)) == pytest.approx(chance)
    assert score_of(0) < -1000 < 1000 < score_of(1)


def test_a_paper_to_explore_is_not_shown_below_the_readers_floor(
    ranked, profile, edition, paper, space
):
    beside = paper("x-beside", "Bridges", "girder cable deck pier truss load span honey")
    papers, reader = [*edition, beside], replace(profile(like=BEES, topic="x.bees"), limit=8)
    exploring = LinearRanker(topics={}, space=space, explore=1)
    *_, last = ranked(reader, papers, ranker=exploring).picks

    above = ranked(replace(reader, floor=last.chance - 1e-6), papers, ranker=exploring)
    below = ranked(replace(reader, floor=last.chance + 1e-6), papers, ranker=exploring)

    assert above.picks[-1].paper_id == last.paper_id == beside.id
    assert below == ranked(reader, papers)


def test_a_smaller_interest_has_no_place_if_its_paper_is_below_the_readers_floor(ranked, profile):
    reader = replace(profile(like=[*BEES, *TIDES]), limit=10)
    *_, placed = ranked(reader).picks

    above = ranked(replace(reader, floor=placed.chance - 1e-6))
    below = ranked(replace(reader, floor=placed.chance + 1e-6))

    assert shown(above) == ["bees"] * 9 + ["tides"]
    assert shown(below) == ["bees"] * 10


def test_a_listed_paper_below_the_floor_is_placed_if_its_smaller_interest_reaches_the_floor(
    ranked, profile
):
    reader = replace(profile(like=[*BEES, *TIDES]), limit=34)
    (tides,) = [pick for pick in ranked(reader).picks if theme(pick.paper_id) == "tides"]

    found = ranked(replace(reader, floor=tides.chance + 1e-6))

    (placed,) = [pick for pick in found.picks if theme(pick.paper_id) == "tides"]
    assert placed.chance > tides.chance + 1e-6


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


def test_papers_similar_to_a_dislike_are_explored_last(
    ranked, profile, edition, paper, space, invented
):
    bridges = paper("x-bridges", "Bridges", "girder cable deck pier truss load span honey nectar")
    tides = paper("x-tides", "Tides", "moon harbour current gauge estuary salt coast honey")
    exploring = LinearRanker(topics={}, space=space, explore=1)
    papers = [*(each for each in edition if theme(each.id) == "bees"), bridges, tides]
    reader = replace(profile(like=BEES), limit=8)
    warned = profile(like=BEES, dislike=[f"bridges-{n}" for n in range(20)])

    before, after = (
        ranked(replace(each, limit=8), papers, ranker=exploring) for each in (reader, warned)
    )

    assert [before.picks[-1].paper_id, after.picks[-1].paper_id] == [bridges.id, tides.id]


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


@pytest.fixture
def on(paper):
    """Papers in a category that have no word in common: `on("x.bees", 30)`."""

    def make(category, count, *more):
        return [
            paper(f"p-{category}-{n}", f"t{category}{n}", categories=(category, *more))
            for n in range(count)
        ]

    return make


@pytest.fixture
def counted(rank):
    """How many papers of each kind somebody is shown: `counted(profile, papers)`."""

    def run(reader, papers, **about):
        found = rank(reader, papers, **{"ranker": LinearRanker(topics={}), **about})
        return dict(Counter(shown(found)))

    return run


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


def test_a_followed_topic_has_a_place_even_if_the_list_is_as_long_as_the_cap(counted, profile, on):
    papers = [*on("x.bees", 30, "x.hives"), *on("x.tides", 1)]
    ranker = LinearRanker(topics={}, cap=10)

    found = counted(profile(topic=["x.bees", "x.hives", "x.tides"]), papers, ranker=ranker)

    assert found == {"x.bees": 9, "x.tides": 1}


def test_the_first_paper_and_the_only_one_of_an_interest_are_not_replaced(counted, profile, on):
    topics = [f"x.{letter}" for letter in "abcdefgh"]
    papers = [each for topic in topics for each in on(topic, 4)]

    found = counted(replace(profile(topic=topics), limit=5), papers)

    assert len(found) == 5


def test_at_most_half_of_the_places_go_to_followed_topics(counted, profile, on):
    topics = [f"x.{letter}" for letter in "abcdefgh"]
    papers = [*on("x.bees", 40, "x.hives"), *(each for topic in topics for each in on(topic, 4))]

    found = counted(profile(topic=["x.bees", "x.hives", *topics]), papers)

    assert found.pop("x.bees") == 5
    assert list(found.values()) == [1] * 5


def test_a_followed_topic_has_no_place_if_its_papers_are_below_the_readers_floor(
    counted, rank, profile, on
):
    papers = [*on("x.bees", 30, "x.hives"), *on("x.tides", 3)]
    reader = profile(topic=["x.bees", "x.hives", "x.tides"])
    *_, tides = rank(reader, papers, ranker=LinearRanker(topics={})).picks

    above = counted(replace(reader, floor=tides.chance - 1e-6), papers)
    below = counted(replace(reader, floor=tides.chance + 1e-6), papers)

    assert above == {"x.bees": 9, "x.tides": 1}
    assert below == {"x.bees": 10}


def test_in_short_lists_no_place_is_given_to_a_followed_topic(counted, profile, on):
    papers = [*on("x.bees", 30, "x.hives"), *on("x.tides", 3)]

    found = counted(replace(profile(topic=["x.bees", "x.hives", "x.tides"]), limit=4), papers)

    assert found == {"x.bees": 4}


def test_a_placed_paper_is_ordered_by_score_and_comes_before_the_paper_to_explore(
    ranked, profile, on, edition, paper, space
):
    beside = paper("x-beside", "Bridges", "girder cable deck pier truss load span honey")
    papers = [*edition, beside, *on("x.tides", 1)]
    reader = replace(profile(like=[*BEES, *TIDES], topic="x.violins"), limit=10)
    exploring = LinearRanker(topics={}, space=space, explore=1)

    found = ranked(reader, papers, ranker=exploring)

    assert shown(found) == ["bees"] * 7 + ["violins", "tides", "beside"]


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


def test_a_near_duplicate_of_a_shown_paper_is_not_explored(ranked, profile, new_paper, space):
    bees = new_paper("bees").abstract
    here = [replace(new_paper("bridges", n), categories=("x.bridges",)) for n in range(12)]
    one = replace(new_paper("bees"), id="new-one", categories=("x.bridges",))
    other = replace(new_paper("bees"), id="new-other", abstract=bees + " today", categories=())
    exploring = LinearRanker(topics={}, space=space, weights=Weights(like_floor=30.0), explore=1)
    reader = replace(profile(topic="x.bridges", like=["bees-1", "bees-2"]), limit=8)

    alone = ranked(reader, [*here, other], ranker=exploring)
    both = ranked(reader, [*here, one, other], ranker=exploring)

    assert shown(alone)[-1] == "other"
    assert "one" in shown(both)
    assert "other" not in shown(both)


def test_a_near_duplicate_of_a_shown_paper_is_not_placed_for_a_smaller_interest(
    ranked, profile, new_paper, edition, space
):
    tides = new_paper("tides")
    one = replace(tides, id="new-one", authors=("Ada Byron",), categories=("x.bridges",))
    other = replace(tides, id="new-other")
    bees = [each for each in edition if theme(each.id) == "bees"]
    reader = replace(profile(like=[*BEES, *TIDES], author="Ada Byron"), limit=10)

    def places(*papers, floor=4.0):
        weights = Weights(minor_floor=floor)
        ranker = LinearRanker(topics={}, space=space, weights=weights)
        found = ranked(reader, papers, ranker=ranker)
        return {theme(each.paper_id): amounts_of(each, ReasonKind.LIKE) for each in found.picks}

    between = (places(*bees, one)["one"] + places(*bees, other)["other"]) / 2
    few = bees[:6]

    assert "other" in places(*few, other, floor=between)
    assert "one" in places(*few, one, other, floor=between)
    assert "other" not in places(*few, one, other, floor=between)
