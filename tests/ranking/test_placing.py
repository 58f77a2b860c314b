"""Places in a list for what would have none: smaller interests, exploring, what is followed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from digest.model import Interest, InterestKind, ReasonKind
from digest.ports import Candidates
from digest.ranking.linear import LinearRanker
from digest.ranking.profiles import Weights

BEES = [f"bees-{n}" for n in range(12)]
TIDES = ["tides-1", "tides-2"]


def theme(paper_id):
    return paper_id.split("-")[1]


def shown(ranking):
    return [theme(pick.paper_id) for pick in ranking.picks]


def amounts_of(pick, kind):
    return sum(each.amount for each in pick.reasons if each.kind is kind)


# --- smaller interests -----------------------------------------------------------------------


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


def test_a_day_without_anything_for_several_interests_gives_an_empty_list(
    rank, ranker, profile, new_paper, invented
):
    likes = [f"bees-{n}" for n in range(20)] + [f"tides-{n}" for n in range(4)]

    found = rank(
        profile(like=likes), [new_paper("bridges")], liked=invented.values(), ranker=ranker
    )

    assert found.picks == ()


def test_someone_who_likes_one_subject_has_it_in_every_place(ranked, profile):
    found = ranked(replace(profile(like=BEES), limit=10))

    assert shown(found) == ["bees"] * 10


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


# --- what is there to explore ----------------------------------------------------------------


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


# --- what is followed ------------------------------------------------------------------------


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
