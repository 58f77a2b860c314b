"""An edition's papers, and what each gets from those who look its way."""

from __future__ import annotations

import numpy as np
import pytest

from digest.ranking import features as module
from digest.ranking.directions import Directions, stacked
from digest.ranking.features import Features
from digest.ranking.point_cache import PointCache
from digest.ranking.points import AUTHORS, CATEGORIES, MARKS, author_mark, category_mark
from digest.ranking.sparse import rows_of
from digest.text import author_key

THEMES = ("bread", "clocks", "tides", "bees")


@pytest.fixture
def cache(space):
    return PointCache(space)


@pytest.fixture
def made(cache, new_paper):
    return Features([new_paper(theme, n) for theme in THEMES for n in range(4)], cache)


@pytest.fixture
def looking(space):
    """Rows that look anywhere: at words, at categories, at authors of no paper, at nothing."""
    rng = np.random.default_rng(4)
    names = [category_mark("x.bees"), category_mark("x.nowhere"), author_mark("nobody n")]
    rows = []
    for size in (40, 300, 0, 5, 120, 1, 60):
        words = np.sort(rng.choice(len(space.terms), min(size, len(space.terms)), replace=False))
        marks = np.array([*words.tolist(), *(sorted(names) if size else ())], np.int32)
        rows.append((marks, rng.normal(size=len(marks)).astype(np.float32)))
    dense = rng.normal(size=(len(rows), 2 * space.dimensions)).astype(np.float32)
    return Directions(marks=rows_of(rows, MARKS), dense=dense)


def naive(features, directions):
    """The same sums, one number at a time."""
    found = directions.dense @ features.points.dense.T
    marks = features.points.marks
    for row, paper in np.ndindex(*found.shape):
        span = slice(*directions.marks.indptr[row : row + 2])
        own = dict(
            zip(directions.marks.indices[span], directions.marks.data[span].tolist(), strict=True)
        )
        span = slice(*marks.indptr[paper : paper + 2])
        held = zip(marks.indices[span], marks.data[span].tolist(), strict=True)
        found[row, paper] += sum(value * own.get(mark, 0) for mark, value in held)
    return found


# --- the papers -----------------------------------------------------------------------------


def test_papers_are_in_the_order_that_breaks_ties(paper):
    made = Features([paper("a", "Tide and moon"), paper("b", "Brass clock")])

    assert [each.id for each in made.papers] == ["b", "a"]
    assert made.position == {"b": 0, "a": 1}
    assert made.given.tolist() == [1, 0]


def test_a_paper_is_found_by_any_of_its_identifiers(paper):
    made = Features([paper("a", identifiers=("doi:10.1/a", "arxiv:2606.1")), paper("b")])

    assert made.id_of == {"a": "a", "doi:10.1/a": "a", "arxiv:2606.1": "a", "b": "b"}


def test_columns_are_named_after_what_they_stand_for(cache, paper):
    one = paper("a", "Nectar, zeppelin", authors=("Bo Ek",), categories=("x.bees",))
    made = Features([one, paper("b", "Moon")], cache)

    names = [made.named(column) for column in made.sparse[[made.position["a"]]].indices.tolist()]

    assert names == ["nectar", "x.bees", author_key("Bo Ek")]


def test_an_answer_is_worked_out_once_for_all_who_ask(made):
    asked = []

    def make(names):
        asked.extend(names)
        return [each.upper() for each in names]

    assert made.cached("loud", ["a", "b"], make) == ["A", "B"]
    assert made.cached("loud", ["c", "a"], make) == ["C", "A"]
    assert made.cached("other", ["a"], make) == ["A"]
    assert asked == ["a", "b", "c", "a"]


def test_the_cache_is_bounded_and_emptying_it_changes_nothing(made, monkeypatch):
    monkeypatch.setattr(module, "MOST_CACHED", 3 * len(made.papers))

    for start in range(20):
        names = [f"n{number}" for number in range(start, start + 3)]
        assert made.cached("kind", names, lambda missing: missing) == names

    assert len(made._remembered) <= 3


# --- amounts --------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [1, 3, 256])
def test_amounts_are_sums_of_products_in_chunks_of_any_size(
    cache, new_paper, looking, monkeypatch, most
):
    monkeypatch.setattr(module, "MOST_AT_ONCE", most)
    features = Features([new_paper(theme, n) for theme in THEMES for n in range(4)], cache)

    found = features.amounts(looking)

    assert found.dtype == np.float32
    assert found == pytest.approx(naive(features, looking), abs=1e-4)


def test_a_rows_amounts_do_not_depend_on_chunks(made, looking):
    many = stacked([looking] * 40)

    found = made.amounts(many)

    assert len(found) == 280 > module.MOST_AT_ONCE
    assert found == pytest.approx(np.tile(made.amounts(looking), (40, 1)), abs=1e-5)


@pytest.mark.parametrize("title", ["Nectar", "Zeppelin", "扩散模型", ""])
def test_an_edition_may_be_one_paper_of_any_words(cache, paper, looking, title):
    features = Features([paper("a", title)], cache)

    found = features.amounts(looking)

    assert found.shape == (7, 1)
    assert found == pytest.approx(naive(features, looking), abs=1e-4)


def test_an_empty_direction_gives_zeros_and_no_directions_give_no_rows(made, looking):
    nowhere = Directions(
        marks=rows_of([(np.empty(0, np.int32), np.empty(0, np.float32))], MARKS),
        dense=np.zeros_like(looking.dense[:1]),
    )

    assert not made.amounts(nowhere).any()
    assert made.amounts(looking.only([])).shape == (0, len(made.papers))


def test_a_paper_gets_the_same_whatever_else_is_in_the_edition(cache, made, looking):
    whole = made.amounts(looking)

    for row, paper in enumerate(made.papers):
        alone = Features([paper], cache).amounts(looking)
        assert alone[:, 0] == pytest.approx(whole[:, row], abs=1e-4)


def test_marks_of_all_kinds_are_among_the_columns(made):
    kinds = np.searchsorted(made.columns.marks, [CATEGORIES, AUTHORS])

    assert 0 < kinds[0] < kinds[1] == len(made.columns)
    assert made.words.shape == (len(made.papers), kinds[0])


# --- an embedder ----------------------------------------------------------------------------


class Embedder:
    """Papers of a theme lie near each other, and all of them far from nowhere."""

    name = "embedder:tiny"
    dimensions = 5

    def __init__(self, in_common):
        self._in_common = in_common

    def papers(self, papers):
        own = [[theme in each.id for theme in THEMES] for each in papers]
        rows = np.array([[self._in_common, *each] for each in own], np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("in_common", [0, 1, 5])
def test_what_all_papers_mean_alike_brings_nobody_nearer(space, new_paper, in_common):
    papers = [new_paper(theme, n) for theme in THEMES for n in range(100)]
    made = Features(papers, PointCache(space, embedder=Embedder(in_common)))
    plain = Embedder(in_common).papers(made.papers)
    reader = plain[made.position["new-bees-7"]]

    amounts = made.points.meaning @ reader

    assert abs(amounts.mean()) < 0.06
    assert np.ptp(amounts - plain @ reader) < 1e-3, "in order as before"


def test_few_papers_keep_most_of_what_they_have_in_common(space, new_paper):
    made = Features([new_paper("bees", 1)], PointCache(space, embedder=Embedder(0)))

    assert np.linalg.norm(made.points.meaning) > 0.9
