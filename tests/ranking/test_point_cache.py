"""What is made of papers and phrases, once for all readers."""

from __future__ import annotations

import numpy as np
import pytest

from digest.ranking import point_cache as module
from digest.ranking.point_cache import PointCache
from digest.ranking.points import CATEGORIES, used
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
    cache = PointCache(bare(papers))
    return cache, cache.papers(papers)


# --- papers and phrases ---------------------------------------------------------------------


def test_words_have_length_one_and_so_has_the_direction(space, new_paper, paper):
    cache = PointCache(space)

    found = cache.papers([new_paper("bees"), new_paper("tides"), paper("x", "Zeppelin")])

    assert lengths(words(found)) == pytest.approx([1, 1, 0], abs=1e-6)
    assert lengths(found.near) == pytest.approx([1, 1, 0], abs=1e-5)
    assert (found.near * lengths(found.places)[:, None]) == pytest.approx(found.places, abs=1e-6)
    assert found.marks.dtype == found.near.dtype == np.float32


def test_another_paper_is_near_the_one_it_shares_words_with(small, paper):
    cache, papers = small

    near = alike(cache.liked({"c": paper("c", "The moon makes tide")}).only(["c"]), papers)[0]

    assert near[0] > 0.3
    assert near[1] == 0


def test_a_paper_that_was_revised_is_worked_out_anew(small, paper):
    cache, papers = small
    cache.liked({"c": paper("c", "The moon makes tide"), "d": paper("d", "Brass")})

    near = alike(cache.liked({"c": paper("c", "A clock made of brass")}).only(["c", "d"]), papers)

    assert near[0, 0] == 0
    assert near[0, 1] > 0.3
    assert near[1, 1] > 0.3, "the other one is still there"


def test_a_phrase_is_further_from_a_paper_for_every_word_that_no_paper_has(small):
    cache, papers = small

    whole, part, none = alike(cache.phrases(["tide", "tide zebra", "zebra"]), papers)

    assert whole[0] > part[0] > 0
    assert not none.any()


def test_without_an_archive_words_weigh_what_they_do_in_the_edition_and_mean_nothing(paper):
    papers = [paper("a", "Tide and moon"), paper("b", "Tide and clock")]
    cache = PointCache(bare(papers))

    found = cache.papers(papers)

    tide, moon = (found.marks[0, cache.space.column[each]] for each in ("tide", "moon"))
    assert moon > tide > 0
    assert found.near.shape == found.places.shape == (2, 0)


def test_text_in_any_script_is_a_point(space, paper):
    cache = PointCache(space)
    papers = [
        paper("x", "扩散模型", "Обзор моделей", authors=("李 明",), categories=("x.言語",)),
        paper("y", "", "\udcff"),
    ]

    found = cache.papers(papers)

    assert found.marks[[0], CATEGORIES:].nnz == 2
    assert not words(found).nnz
    assert np.isfinite(found.dense).all()


# --- kept for the next reader ---------------------------------------------------------------


def test_kept_points_are_bounded_and_forgetting_changes_nothing(small, paper, monkeypatch):
    cache, papers = small
    asked = {"x": paper("x", "moon"), "y": paper("y", "clock")}
    more = {"z": paper("z", "tide"), **asked}
    before = alike(cache.liked(asked).only(["x", "y"]), papers)

    monkeypatch.setattr(module, "MOST_KEPT", 1)

    assert (alike(cache.liked(more).only(["x", "y"]), papers) == before).all()
    assert set(cache.liked(asked).row) == {"x", "y"}


def test_a_paper_is_worked_out_once(space, invented, monkeypatch):
    cache, made = PointCache(space), []
    monkeypatch.setattr(
        cache, "papers", lambda papers: made.extend(papers) or PointCache(space).papers(papers)
    )
    names = ["bees-1", "bees-2", "tides-1"]

    cache.liked({each: invented[each] for each in names[:2]})
    found = cache.liked({each: invented[each] for each in names[1:]}).only(names)

    assert [each.id for each in made] == names
    assert found.near == pytest.approx(PointCache(space).papers([invented[n] for n in names]).near)


def test_a_paper_may_go_by_several_names(small, paper):
    cache, papers = small
    one = paper("x", "The moon")

    first, second = alike(cache.liked({"x": one, "doi:x": one}).only(["x", "doi:x"]), papers)

    assert first.any()
    assert (first == second).all()


# --- what lies around -----------------------------------------------------------------------


def test_around_a_paper_lie_others_of_its_theme(invented, space, new_paper):
    cache = PointCache(space)

    around = cache.around({"bees-1": invented["bees-1"]}).only(["bees-1"])

    bees, tides = alike(around, cache.papers([new_paper("bees"), new_paper("tides")]))[0]
    assert bees > 2 * tides
    assert around.near[0] @ space.references.near[space.references.ids.index("bees-1")] < 0.9


def test_what_lies_around_brings_its_categories_along(invented, space):
    around = PointCache(space).around({"bees-1": invented["bees-1"]}).only(["bees-1"])

    assert around.marks.data[around.marks.indices >= CATEGORIES].max() == pytest.approx(1)


def test_around_words_lie_papers_that_have_them(space, new_paper):
    cache = PointCache(space)

    around = cache.around_phrases(["nectar of the hive"])

    bees, tides = alike(around, cache.papers([new_paper("bees"), new_paper("tides")]))[0]
    assert bees > 2 * tides


def test_without_an_archive_nothing_lies_around(small, paper):
    cache, _ = small

    around = cache.around({"x": paper("x", "Tide")}).only(["x"])

    assert not around.marks.nnz
    assert not cache.around_phrases(["tide"]).marks.nnz


@pytest.mark.parametrize("phrase", ["扩散模型", "zeppelin", "???", ""])
def test_around_a_phrase_that_no_paper_has_lies_nothing(space, phrase):
    cache = PointCache(space)

    around, itself = cache.around_phrases([phrase]), cache.phrases([phrase])

    for found in (around, itself):
        assert not found.marks.nnz
        assert not found.near.any()


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
    cache = PointCache(space, embedder=embedder)
    papers = [invented["bees-1"], invented["bees-2"]]
    cache.learn_vectors({"bees-1": np.array([7, 8, 9], np.float16).tobytes()})

    found = cache.papers(papers)
    cache.papers(papers)

    assert embedder.given == ["bees-2"]
    assert found.meaning[0].tolist() == [7, 8, 9]
    assert cache.phrases(["hive"]).meaning.tolist() == [[4, 0, 1]]
    assert cache.around({"bees-1": papers[0]}).only(["bees-1"]).meaning.tolist() == [[0, 0, 0]]


def test_without_an_embedder_there_is_no_meaning_and_vectors_are_not_asked_for(space, invented):
    cache = PointCache(space)
    cache.learn_vectors({"bees-1": b"whatever"})

    assert cache.papers([invented["bees-1"]]).meaning.shape == (1, 0)
