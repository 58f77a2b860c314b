"""What is made of likes and dislikes, kept, and brought along when an edition is ranked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from digest.model import ReasonKind
from digest.ports import Candidates
from digest.ranking.directions import unbundled, unpacked
from digest.ranking.linear import LinearRanker
from digest.ranking.point_cache import PointCache, Views
from digest.ranking.profiles import Weights
from digest.ranking.space import bare, learn, pack

THEMES = ("bread", "clocks", "tides", "bees")


@pytest.fixture
def ranker(space):
    return LinearRanker(topics={}, space=space)


@pytest.fixture
def edition(new_paper):
    return [new_paper(theme, n) for theme in THEMES for n in range(4)]


@pytest.fixture
def block(profile):
    """One who likes and dislikes, one who likes, one who dislikes, one who does neither."""
    return [
        profile("both", like=["bees-1", "bread-2", "bees-7"], dislike="tides-1", topic="x.bees"),
        profile("likes", like=[f"clocks-{n}" for n in range(12)], keyword="brass"),
        profile("dislikes", dislike=["tides-3", "bread-3"], topic=["x.bread", "x.tides"]),
        profile("neither", keyword="nectar"),
    ]


@pytest.fixture
def kept(ranker):
    """Candidates that bring what is kept of a block: `kept(block, papers, known)`."""

    def bring(block, papers, known, **more):
        made = ranker.learned(block, known, {})
        return Candidates(papers=papers, tastes={ranker.keeps: made}, **more)

    return bring


def lying(space, papers):
    """Where papers lie, as the store brings it."""
    cache = PointCache(space)
    return dict(zip(papers, pack(cache.papers(list(papers.values())).near), strict=True))


def only(papers, *names):
    return {each: papers[each] for each in names}


def ranked(ranker, block, candidates):
    return ranker.rank(block, candidates, without={}, now=None)


# --- what is kept ---------------------------------------------------------------------------


def test_likes_and_dislikes_of_each_profile_are_kept_and_nothing_else(ranker, block, invented):
    made = ranker.learned(block, invented, {})

    assert {name: [bool(each) for each in content] for name, content in made.items()} == {
        "both": [True, True],
        "likes": [True, False],
        "dislikes": [False, True],
        "neither": [False, False],
    }


def test_what_is_kept_is_the_same_however_often_it_is_made(space, block, invented):
    first, second = (
        LinearRanker(topics={}, space=space).learned(block, invented, {}) for _ in range(2)
    )

    assert first == second


def test_a_signal_changes_what_is_kept_of_that_reader_alone(ranker, block, invented, profile):
    before = ranker.learned(block, invented, {})
    again = [
        replace(each, interests=(*each.interests, *profile(like="tides-9").interests))
        if each.subscriber_id == "likes"
        else each
        for each in block
    ]

    after = ranker.learned(again, invented, {})

    assert after.pop("likes") != before.pop("likes")
    assert after == before


def test_what_is_kept_does_not_depend_on_who_else_is_learned(ranker, block, invented):
    together = ranker.learned(block, invented, {})

    for each in block:
        assert ranker.learned([each], invented, {}) == {
            each.subscriber_id: together[each.subscriber_id]
        }


def test_likes_of_papers_that_are_gone_are_passed_over(ranker, invented, profile):
    some = profile("some", like=["bees-1", "gone"], dislike="gone")
    none = profile("none", like=["gone"])

    made = ranker.learned([some, none], only(invented, "bees-1"), {})

    assert made["some"] == ranker.learned([profile("some", like="bees-1")], invented, {})["some"]
    assert made["none"] == (b"", b"")


def test_nothing_is_kept_of_nobody_or_without_a_space(ranker, invented, profile):
    assert ranker.learned([], invented, {}) == {}

    unlearned = LinearRanker(topics={}, space=bare(list(invented.values())[:20]))

    assert (unlearned.keeps, unlearned.lies) == ("", "")
    assert unlearned.learned([profile(like="bees-1")], invented, {}) == {}
    assert LinearRanker(topics={}).keeps == ""


def test_the_name_of_kept_tastes_changes_with_all_they_depend_on(space, invented):
    class Embedder:
        name = "embedder:tiny"

    rankers = [
        LinearRanker(topics={}, space=space),
        LinearRanker(topics={}, space=learn(list(invented.values())[1:])),
        LinearRanker(topics={}, space=space, embedder=Embedder()),
        LinearRanker(topics={}, space=space, weights=Weights(like=50.0)),
        LinearRanker(topics={}, space=space, weights=Weights(dislike=20.0)),
        LinearRanker(topics={}, space=space, weights=Weights(views=Views(near=0.3))),
    ]

    assert len({each.keeps for each in rankers}) == len(rankers)
    same = LinearRanker(topics={}, space=space, weights=Weights(topic=9.0), cap=3, trending=0.5)
    assert same.keeps == rankers[0].keeps


def test_what_is_kept_of_many_likes_has_a_bound(ranker, invented, profile):
    many = profile(like=[f"{theme}-{n}" for theme in THEMES for n in range(60)])

    ((liking, _),) = ranker.learned([many], invented, {}).values()

    assert 2 < len(unbundled(liking)) <= 5
    most = 6 * (768 + 512) + 2 * 2 * ranker._cache.space.dimensions
    assert all(len(each) <= most for each in unbundled(liking))


def test_a_smaller_interest_keeps_the_strongest_marks_it_would_have_alone(
    ranker, invented, profile
):
    bees, tides = [f"bees-{n}" for n in range(8)], ["tides-1", "tides-2"]
    block = [profile("both", like=[*bees, *tides]), profile("one", like=tides)]

    made = ranker.learned(block, invented, {})

    _, _, smaller = unbundled(made["both"][0])
    _, alone = unbundled(made["one"][0])
    assert 0.5 * len(alone) < len(smaller) <= len(alone)
    width = 2 * ranker._cache.space.dimensions
    both = [dict(entries(unpacked([each], width))) for each in (smaller, alone)]
    assert both[0].items() <= both[1].items()


def entries(directions):
    """What a row holds, by mark."""
    return zip(directions.marks.indices.tolist(), directions.marks.data.tolist(), strict=True)


def test_dislikes_are_one_thing_however_far_apart_they_lie(ranker, invented, profile):
    both = [*(f"bees-{n}" for n in range(8)), "tides-1", "tides-2"]

    ((_, disliking),) = ranker.learned([profile(dislike=both)], invented, {}).values()

    count, _ = unbundled(disliking)
    assert int.from_bytes(count, "little") == len(both)


# --- what is brought along ------------------------------------------------------------------


def test_kept_tastes_rank_and_explain_as_learning_here_and_now(
    ranker, block, edition, invented, kept
):
    fresh = Candidates(papers=edition, liked=invented)

    found = ranked(ranker, block, kept(block, edition, invented, liked=invented))

    assert found == ranked(ranker, block, fresh)
    assert all(ranking.picks for ranking in found)


def test_kept_tastes_need_no_liked_papers_and_name_the_nearest_by_stored_vectors(
    ranker, block, edition, invented, kept, space
):
    fresh = ranked(ranker, block, Candidates(papers=edition, liked=invented))

    found = ranked(ranker, block, kept(block, edition, invented, lying=lying(space, invented)))

    assert found == fresh
    (reader, *_) = found
    nearest = {
        pick.paper_id.split("-")[1]: reason.what.split("-")[0]
        for pick in reader.picks
        for reason in pick.reasons
        if reason.kind is ReasonKind.LIKE
    }
    assert nearest["bees"] == "bees"


def test_likes_of_unknown_papers_do_not_change_the_weight_of_topics_and_keywords(
    ranker, edition, invented, kept, profile
):
    typed = {"topic": "x.bread", "keyword": "brass"}
    one = profile("one", like="bees-1", **typed)
    many = profile("many", like=["bees-1", *(f"gone-{n}" for n in range(40))], **typed)
    block = [one, many]

    fresh = Candidates(papers=edition, liked=invented)
    for by, candidates in (
        (ranker, fresh),
        (ranker, kept(block, edition, invented, liked=invented)),
        (LinearRanker(topics={}), fresh),
    ):
        first, second = ranked(by, block, candidates)
        assert first.picks == second.picks


def test_a_like_without_a_stored_vector_is_named_if_its_paper_is_given(
    ranker, edition, invented, kept, space, profile
):
    reader = profile(like=["bees-1", "clocks-1"])
    there = lying(space, only(invented, "bees-1"))

    (found,) = ranked(
        ranker,
        [reader],
        kept([reader], edition, invented, lying=there, liked=only(invented, "clocks-1")),
    )

    named = {
        pick.paper_id.split("-")[1]: reason.what
        for pick in found.picks
        for reason in pick.reasons
        if reason.kind is ReasonKind.LIKE
    }
    assert (named["bees"], named["clocks"]) == ("bees-1", "clocks-1")


def test_a_reason_names_no_like_if_none_is_known(ranker, edition, invented, kept, profile):
    reader = profile(like=["bees-1", "clocks-1"])

    (found,) = ranked(ranker, [reader], kept([reader], edition, invented))

    told = [reason for pick in found.picks for reason in pick.reasons]
    assert {reason.what for reason in told if reason.kind is ReasonKind.LIKE} == {""}


def test_a_kept_empty_taste_adds_nothing_and_is_not_learned_again(
    ranker, edition, invented, profile
):
    reader = profile(like="bees-1", dislike="tides-1", topic="x.bees")
    empty = {ranker.keeps: {reader.subscriber_id: (b"", b"")}}

    (found,) = ranked(ranker, [reader], Candidates(papers=edition, liked=invented, tastes=empty))

    assert found.picks
    kinds = {reason.kind for pick in found.picks for reason in pick.reasons}
    assert kinds == {ReasonKind.TOPIC}


def test_what_is_kept_under_another_name_is_not_used(ranker, block, edition, invented):
    stale = {each.subscriber_id: (b"of another space", b"") for each in block}
    candidates = Candidates(papers=edition, liked=invented, tastes={"lsa:other/1": stale})

    assert ranked(ranker, block, candidates) == ranked(
        ranker, block, Candidates(papers=edition, liked=invented)
    )


def test_wrong_bytes_are_refused(ranker, edition, invented, profile):
    wrong = {ranker.keeps: {"s_ada": (b"another length", b"")}}

    with pytest.raises(ValueError, match="another space"):
        ranked(
            ranker,
            [profile(like="bees-1")],
            Candidates(papers=edition, liked=invented, tastes=wrong),
        )


def test_kept_and_learned_may_stand_in_one_block(ranker, block, edition, invented):
    some = ranker.learned(block[:2], invented, {})
    candidates = Candidates(papers=edition, liked=invented, tastes={ranker.keeps: some})

    found = ranker.scores(block, candidates)

    fresh = ranker.scores(block, Candidates(papers=edition, liked=invented))
    assert found == pytest.approx(fresh, abs=1e-5)


def test_a_liked_paper_is_barred_even_if_only_the_taste_is_given(
    ranker, edition, invented, kept, profile
):
    one = replace(edition[-1], identifiers=("doi:10.1/x",))
    reader = profile(like="doi:10.1/x", topic="x.bees")
    papers = [*edition[:-1], one]

    (found,) = ranked(ranker, [reader], kept([reader], papers, {"doi:10.1/x": one}))

    assert one.id not in {pick.paper_id for pick in found.picks}
    assert len(found.picks) >= 3


# --- any profile, any edition ---------------------------------------------------------------


def test_empty_profiles_score_nothing_among_others(ranker, block, edition, invented, profile):
    people = [profile("empty"), *block, profile("void")]

    scores = ranker.scores(people, Candidates(papers=edition, liked=invented))

    assert not scores[[0, -1]].any()
    assert scores[1:-1] == pytest.approx(
        ranker.scores(block, Candidates(papers=edition, liked=invented)), abs=1e-5
    )


@pytest.mark.parametrize("title", ["Nectar of the hive", "Zeppelin", "扩散模型", ""])
def test_an_edition_of_one_paper_is_ranked_for_everyone(
    ranker, block, paper, kept, invented, title
):
    papers = [paper("x", title, categories=("x.bees",))]

    fresh = ranker.scores(block, Candidates(papers=papers, liked=invented))
    found = ranker.scores(block, kept(block, papers, invented))

    assert np.isfinite(found).all()
    assert found == pytest.approx(fresh, abs=1e-5)


def test_likes_in_any_script_are_kept(ranker, paper, edition, profile):
    known = {"x": paper("x", "扩散模型", authors=("李 明",)), "y": paper("y", "", "")}
    block = [profile("one", like=["x", "y"]), profile("other", like="y")]

    made = ranker.learned(block, known, {})
    scores = ranker.scores(block, Candidates(papers=edition, tastes={ranker.keeps: made}))

    assert np.isfinite(scores).all()
    assert np.abs(scores).max() < 0.5
