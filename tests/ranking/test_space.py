"""A space learned from an archive: what it knows, that it can be kept, and when it stays silent."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.ports import Candidates
from digest.ranking.linear import LinearRanker
from digest.ranking.point_cache import Views
from digest.ranking.profiles import Weights
from digest.ranking.space import (
    FEWEST_PAPERS,
    FEWEST_VOTED,
    bare,
    dumps,
    learn,
    loads,
    pack,
    terms,
    terms_of,
    unpack,
)

SMALL = 8


@pytest.fixture(scope="session")
def kept(space):
    return dumps(space)


def cosines(space, *texts):
    near = space.dense(space.tfidf([terms(each) for each in texts]))
    return near @ near.T


# --- terms and rows -------------------------------------------------------------------------


def test_terms_are_the_telling_words_and_their_pairs():
    assert terms("The dual-encoder of Poincaré!") == [
        "dual",
        "encoder",
        "poincare",
        "dual encoder",
        "encoder poincare",
    ]


def test_the_terms_of_a_title_count_twice(paper):
    assert sorted(terms_of(paper("p", "Tide", "moon"))) == ["moon", "tide", "tide"]


def test_a_row_is_shorter_for_every_word_that_no_paper_of_the_archive_has(space):
    rows = space.tfidf([["oven", "crust"], ["oven", "zeppelin"], ["zeppelin"], []])

    whole, part, *none = np.sqrt((rows**2).sum(axis=1)).tolist()

    assert whole == pytest.approx(1)
    assert 0 < part < 1
    assert none == [0, 0]


def test_nothing_known_is_no_direction(space):
    assert not space.dense(space.tfidf([["zeppelin"]])).any()


# --- meaning --------------------------------------------------------------------------------


@pytest.mark.parametrize(("one", "other"), [("sourdough", "levain"), ("watch", "timepiece")])
def test_words_with_the_same_neighbours_are_near_even_if_no_paper_has_both(
    invented, space, one, other
):
    assert not any({one, other} <= set(terms_of(each)) for each in invented.values())

    found = cosines(space, one, other, "estuary", "girder")

    assert found[0, 1] > 0.3
    assert found[0, 2:].max() < 0.1


def test_directions_have_length_one(invented, space):
    near = space.dense(space.tfidf(terms_of(each) for each in list(invented.values())[:20]))

    assert np.linalg.norm(near, axis=1) == pytest.approx(np.ones(20), abs=1e-5)


def test_the_same_papers_give_the_same_space_and_others_another(invented, space):
    papers = list(invented.values())

    again, other = learn(papers), learn(papers[1:])

    assert again.name == space.name
    assert (again.axes == space.axes).all()
    assert other.name != space.name


def test_too_few_papers_teach_no_meaning_and_rank_all_the_same(invented, profile, new_paper):
    small = learn(list(invented.values())[: FEWEST_PAPERS - 1])
    candidates = Candidates(papers=[new_paper("tides"), new_paper("bread")])

    ranker = LinearRanker(topics={}, space=small)
    asked = profile(keyword=new_paper("bread").title)
    (ranking,) = ranker.rank([asked], candidates, without={}, now=None)

    assert small.dimensions == 0
    assert small.references is None
    assert ranking.picks[0].paper_id == "new-bread-0"


def test_there_is_an_axis_for_ten_papers(space):
    assert space.dimensions == space.papers // 10 == 60


def test_of_papers_that_are_lists_of_words_no_pairs_are_kept(paper):
    listed = [paper(f"p{n}", "tide tide tide moon moon", "salt salt sea") for n in range(SMALL)]
    written = [paper(f"p{n}", "the tide and the moon", "salt of a sea") for n in range(SMALL)]

    assert set(learn(listed).terms) == {"tide", "moon", "salt", "sea"}
    assert {"tide moon", "salt sea"} < set(learn(written).terms)


def test_a_word_that_one_paper_has_is_kept_only_while_papers_are_few(invented, paper):
    papers = [paper("p", "Zeppelin"), *invented.values()]

    assert "zeppelin" in bare(papers[:SMALL]).terms
    assert "zeppelin" not in bare(papers).terms


@pytest.mark.parametrize("title", ["", "Word{}"])
def test_papers_that_share_no_words_make_no_space(paper, profile, title):
    papers = [paper(f"p{n}", title.format(n)) for n in range(FEWEST_PAPERS)]

    learned = learn(papers)

    assert learned.dimensions == 0
    tides = [paper("tides", "Tides of the moon"), paper("clocks", "Brass clocks")]
    block, candidates = [profile(keyword="tides")], Candidates(papers=tides)
    with_it, without = (
        LinearRanker(topics={}, space=each).scores(block, candidates) for each in (learned, None)
    )
    assert np.array_equal(with_it, without)


# --- keeping --------------------------------------------------------------------------------


def test_a_space_that_was_kept_scores_as_before(kept, space, profile, invented, new_paper):
    again = loads(kept)
    papers = [new_paper(theme, n) for theme in ("bread", "clocks", "tides") for n in range(4)]
    candidates = Candidates(papers=papers, liked=invented)
    block = [
        profile("one", like="bread-1", keyword="brass pendulum"),
        profile("many", like=[f"tides-{n}" for n in range(12)], dislike="bread-2"),
    ]

    # Which ten papers lie around a like is decided by a hair where papers are as alike as these.
    weights = Weights(views=Views(around_a_like=0, around_words=0))
    before, after = (
        LinearRanker(topics={}, space=each, weights=weights).scores(block, candidates)
        for each in (space, again)
    )

    assert after == pytest.approx(before, abs=1e-2)
    assert (again.name, again.papers, list(again.terms)) == (
        space.name,
        space.papers,
        list(space.terms),
    )
    assert again.references.ids == list(space.references.ids)
    assert [*map(tuple, again.references.categories)] == [*map(tuple, space.references.categories)]


def test_categories_of_several_words_are_kept(space):
    categories = [[], *[["cell biology", "q-bio"]] * (len(space.references.ids) - 1)]
    named = replace(space, references=replace(space.references, categories=categories))

    assert loads(dumps(named)).references.categories == categories


def test_votes_lead_toward_papers_of_their_kind_once_there_are_some(invented):
    papers = list(invented.values())
    tides = [f"tides-{n}" for n in range(FEWEST_VOTED)]

    few, some = (learn(papers, voted=tides[:many]) for many in (-1, FEWEST_VOTED))

    assert not few.voted.any()
    nearness = loads(dumps(some)).voted @ some.references.near.astype(np.float32).T
    best = np.argsort(-nearness)[:50]
    assert {some.references.ids[at].split("-")[0] for at in best} == {"tides"}


def test_a_small_space_can_be_kept_too(paper):
    small = learn([paper("p", "Tide and moon")])

    again = loads(dumps(small))

    assert (again.terms, again.dimensions, again.references) == (small.terms, 0, None)


@given(st.one_of(st.binary(), st.binary().map(b"PK\x03\x04".__add__)))
def test_bytes_that_are_no_space_are_refused(noise):
    with pytest.raises(ValueError, match="no space"):
        loads(noise)


@settings(max_examples=30)
@given(st.floats(0, 1, exclude_max=True))
def test_a_space_cut_short_is_refused(kept, share):
    with pytest.raises(ValueError, match="no space"):
        loads(kept[: int(share * len(kept))])


@pytest.mark.parametrize(
    "save",
    [
        np.savez,
        lambda file: np.savez(file, about=np.array(["lsa:1"])),
        lambda file: np.savez(file, idf=np.zeros(3)),
        lambda file: np.save(file, np.zeros(3)),
    ],
)
def test_other_arrays_are_refused(save):
    file = io.BytesIO()
    save(file)

    with pytest.raises(ValueError, match="no space"):
        loads(file.getvalue())


def test_a_space_that_tells_what_people_like_together_is_refused(kept):
    with np.load(io.BytesIO(kept)) as arrays:
        file = io.BytesIO()
        np.savez(file, companions_values=np.zeros(3), **arrays)

    with pytest.raises(ValueError, match="no space"):
        loads(file.getvalue())


def test_packed_rows_come_back_in_half_precision():
    rows = np.array([[0.1, -1.0], [0.25, 0.0]], np.float32)

    assert unpack(pack(rows)) == pytest.approx(rows, abs=1e-3)
    assert unpack([]).shape == (0, 0)
