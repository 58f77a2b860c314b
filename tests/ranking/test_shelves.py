"""What is made of papers and phrases, once for all readers."""

from __future__ import annotations

import numpy as np
import pytest

from digest.ranking import shelves as module
from digest.ranking.points import CATEGORIES, used
from digest.ranking.shelves import Shelves
from digest.ranking.space import bare


def words(points):
    """The words of points, as rows over all words there may be."""
    return points.marks[:, :CATEGORIES]


def alike(points, papers):
    """Cosines of words (points × papers)."""
    columns = used(words(papers))
    return (columns.only(points.marks) @ columns.only(papers.marks).T).toarray()


def lengths(rows):
    return np.sqrt((rows**2).sum(axis=1))


@pytest.fixture
def small(paper):
    """Two papers, and what their own words make of them."""
    papers = [paper("a", "Tide and moon"), paper("b", "Brass clock")]
    shelves = Shelves(bare(papers))
    return shelves, shelves.papers(papers)


# --- papers and phrases ---------------------------------------------------------------------


def test_words_have_length_one_and_so_has_the_direction(space, new_paper, paper):
    shelves = Shelves(space)

    found = shelves.papers([new_paper("bees"), new_paper("tides"), paper("x", "Zeppelin")])

    assert lengths(words(found)) == pytest.approx([1, 1, 0], abs=1e-6)
    assert lengths(found.near) == pytest.approx([1, 1, 0], abs=1e-5)
    assert (found.near * lengths(found.places)[:, None]) == pytest.approx(found.places, abs=1e-6)
    assert found.marks.dtype == found.near.dtype == np.float32


def test_another_paper_is_near_the_one_it_shares_words_with(small, paper):
    shelves, papers = small

    near = alike(shelves.liked({"c": paper("c", "The moon makes tide")}).only(["c"]), papers)[0]

    assert near[0] > 0.3
    assert near[1] == 0


def test_a_paper_that_was_revised_is_worked_out_anew(small, paper):
    shelves, papers = small
    shelves.liked({"c": paper("c", "The moon makes tide"), "d": paper("d", "Brass")})

    near = alike(shelves.liked({"c": paper("c", "A clock made of brass")}).only(["c", "d"]), papers)

    assert near[0, 0] == 0
    assert near[0, 1] > 0.3
    assert near[1, 1] > 0.3, "the other one is still there"


def test_a_phrase_is_further_from_a_paper_for_every_word_that_no_paper_has(small):
    shelves, papers = small

    whole, part, none = alike(shelves.phrases(["tide", "tide zebra", "zebra"]), papers)

    assert whole[0] > part[0] > 0
    assert not none.any()


def test_without_an_archive_words_weigh_what_they_do_in_the_edition_and_mean_nothing(paper):
    papers = [paper("a", "Tide and moon"), paper("b", "Tide and clock")]
    shelves = Shelves(bare(papers))

    found = shelves.papers(papers)

    tide, moon = (found.marks[0, shelves.space.column[each]] for each in ("tide", "moon"))
    assert moon > tide > 0
    assert found.near.shape == found.places.shape == (2, 0)


def test_text_in_any_script_is_a_point(space, paper):
    shelves = Shelves(space)
    papers = [
        paper("x", "扩散模型", "Обзор моделей", authors=("李 明",), categories=("x.言語",)),
        paper("y", "", "\udcff"),
    ]

    found = shelves.papers(papers)

    assert found.marks[[0], CATEGORIES:].nnz == 2
    assert not words(found).nnz
    assert np.isfinite(found.dense).all()


# --- kept for the next reader ---------------------------------------------------------------


def test_kept_points_are_bounded_and_forgetting_changes_nothing(small, paper, monkeypatch):
    shelves, papers = small
    asked = {"x": paper("x", "moon"), "y": paper("y", "clock")}
    more = {"z": paper("z", "tide"), **asked}
    before = alike(shelves.liked(asked).only(["x", "y"]), papers)

    monkeypatch.setattr(module, "MOST_KEPT", 1)

    assert (alike(shelves.liked(more).only(["x", "y"]), papers) == before).all()
    assert set(shelves.liked(asked).row) == {"x", "y"}


def test_a_paper_is_worked_out_once(space, invented, monkeypatch):
    shelves, made = Shelves(space), []
    monkeypatch.setattr(
        shelves, "papers", lambda papers: made.extend(papers) or Shelves(space).papers(papers)
    )
    names = ["bees-1", "bees-2", "tides-1"]

    shelves.liked({each: invented[each] for each in names[:2]})
    found = shelves.liked({each: invented[each] for each in names[1:]}).only(names)

    assert [each.id for each in made] == names
    assert found.near == pytest.approx(Shelves(space).papers([invented[n] for n in names]).near)


def test_a_paper_may_go_by_several_names(small, paper):
    shelves, papers = small
    one = paper("x", "The moon")

    first, second = alike(shelves.liked({"x": one, "doi:x": one}).only(["x", "doi:x"]), papers)

    assert first.any()
    assert (first == second).all()


# --- what lies around -----------------------------------------------------------------------


def test_around_a_paper_lie_others_of_its_theme(invented, space, new_paper):
    shelves = Shelves(space)

    around = shelves.around({"bees-1": invented["bees-1"]}).only(["bees-1"])

    bees, tides = alike(around, shelves.papers([new_paper("bees"), new_paper("tides")]))[0]
    assert bees > 2 * tides
    assert around.near[0] @ space.references.near[space.references.ids.index("bees-1")] < 0.9


def test_what_lies_around_brings_its_categories_along(invented, space):
    around = Shelves(space).around({"bees-1": invented["bees-1"]}).only(["bees-1"])

    assert around.marks.data[around.marks.indices >= CATEGORIES].max() == pytest.approx(1)


def test_around_words_lie_papers_that_have_them(space, new_paper):
    shelves = Shelves(space)

    around = shelves.around_phrases(["nectar of the hive"])

    bees, tides = alike(around, shelves.papers([new_paper("bees"), new_paper("tides")]))[0]
    assert bees > 2 * tides


def test_without_an_archive_nothing_lies_around(small, paper):
    shelves, _ = small

    around = shelves.around({"x": paper("x", "Tide")}).only(["x"])

    assert not around.marks.nnz
    assert not shelves.around_phrases(["tide"]).marks.nnz


@pytest.mark.parametrize("phrase", ["扩散模型", "zeppelin", "???", ""])
def test_around_a_phrase_that_no_paper_has_lies_nothing(space, phrase):
    shelves = Shelves(space)

    around, itself = shelves.around_phrases([phrase]), shelves.phrases([phrase])

    for found in (around, itself):
        assert not found.marks.nnz
        assert not found.near.any()


def test_a_paper_that_the_archive_does_not_have_has_no_companions(
    invented, social_space, new_paper
):
    shelves = Shelves(social_space)

    known = shelves.companions({"bread-1": invented["bread-1"]}).only(["bread-1"])
    unknown = shelves.companions({"stranger": new_paper("bread", 9)}).only(["stranger"])

    assert known.near.any()
    assert known.marks.nnz
    assert not unknown.near.any()
    assert not unknown.marks.nnz


# --- an embedder ----------------------------------------------------------------------------


class Embedder:
    """Three numbers a text; counts the papers it was given."""

    name = "embedder:tiny"
    dimensions = 3

    def __init__(self):
        self.given = []

    def papers(self, papers):
        self.given += [each.id for each in papers]
        return np.array([[len(each.title), 1, 0] for each in papers], np.float32)

    def texts(self, texts):
        return np.array([[len(each), 0, 1] for each in texts], np.float32).reshape(-1, 3)


def test_what_the_embedder_made_before_is_not_made_again(space, invented):
    embedder = Embedder()
    shelves = Shelves(space, embedder=embedder)
    papers = [invented["bees-1"], invented["bees-2"]]
    shelves.learn_vectors({"bees-1": np.array([7, 8, 9], np.float16).tobytes()})

    found = shelves.papers(papers)
    shelves.papers(papers)

    assert embedder.given == ["bees-2"]
    assert found.meaning[0].tolist() == [7, 8, 9]
    assert shelves.phrases(["hive"]).meaning.tolist() == [[4, 0, 1]]
    assert shelves.around({"bees-1": papers[0]}).only(["bees-1"]).meaning.tolist() == [[0, 0, 0]]


def test_without_an_embedder_there_is_no_meaning_and_vectors_are_not_asked_for(space, invented):
    shelves = Shelves(space)
    shelves.learn_vectors({"bees-1": b"whatever"})

    assert shelves.papers([invented["bees-1"]]).meaning.shape == (1, 0)
