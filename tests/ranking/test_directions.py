"""Where someone looks: what it makes of papers, and how it is kept."""

from __future__ import annotations

from math import fsum

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from digest.ranking import directions as module
from digest.ranking.directions import (
    Directions,
    bundled,
    compact,
    packed,
    stacked,
    summed,
    unbundled,
    unpacked,
)
from digest.ranking.features import Features
from digest.ranking.point_cache import PointCache
from digest.ranking.points import AUTHORS, CATEGORIES, MARKS
from digest.ranking.space import terms_of
from digest.ranking.sparse import rows_of
from digest.ranking.tastes import learned, typed

THEMES = ("bread", "clocks", "tides", "bees")
WIDTH = 4

marks = st.one_of(
    st.integers(0, 99_999), st.integers(CATEGORIES, AUTHORS - 1), st.integers(AUTHORS, MARKS - 1)
)
numbers = st.floats(-200, 200, width=16)
rows = st.lists(st.dictionaries(marks, numbers, max_size=8), max_size=4)


def looking_at(held, dense):
    pairs = [sorted(each.items()) for each in held]
    made = [
        (np.array([m for m, _ in each], np.int32), np.array([v for _, v in each], np.float32))
        for each in pairs
    ]
    return Directions(marks=rows_of(made, MARKS), dense=np.asarray(dense, np.float32))


@st.composite
def directions(draw):
    held = draw(rows)
    dense = draw(arrays.arrays(np.float16, (len(held), WIDTH), elements=numbers))
    return looking_at(held, dense)


def read(found):
    """Rows as ({mark: value}, dense)."""
    spans = zip(found.marks.indptr[:-1], found.marks.indptr[1:], strict=True)
    return [
        (
            dict(
                zip(found.marks.indices[a:b].tolist(), found.marks.data[a:b].tolist(), strict=True)
            ),
            dense.tolist(),
        )
        for (a, b), dense in zip(spans, found.dense, strict=True)
    ]


@pytest.fixture(scope="module")
def cache(space):
    return PointCache(space)


@pytest.fixture(scope="module")
def edition(cache, new_paper):
    return Features([new_paper(theme, n) for theme in THEMES for n in range(6)], cache)


@pytest.fixture
def liking(cache, invented, profile):
    """Likes as directions: `liking(["bees-1", "bees-2"], ["tides-1"])`."""

    def make(*likes):
        held = [profile(like=each).interests for each in likes]
        return learned(held, cache, known=invented, worth=60.0)

    return make


# --- kept -----------------------------------------------------------------------------------


@settings(max_examples=40)
@given(directions())
def test_what_is_packed_comes_back(looking):
    again = unpacked(packed(looking), WIDTH)

    assert read(again) == read(looking)
    assert again.marks.shape == looking.marks.shape
    assert again.marks.dtype == again.dense.dtype == np.float32


@settings(max_examples=40)
@given(directions(), st.data())
def test_rows_are_packed_each_for_itself(looking, data):
    chosen = data.draw(st.permutations(range(len(looking.dense))))

    assert packed(looking.only(chosen)) == [packed(looking)[row] for row in chosen]


@given(st.binary(max_size=64))
def test_bytes_of_another_length_are_refused(content):
    if len(content) >= 2 * WIDTH and (len(content) - 2 * WIDTH) % 6 == 0:
        content += b"\0"

    with pytest.raises(ValueError, match="another space"):
        unpacked([content], WIDTH)


@given(st.lists(st.binary(max_size=40), max_size=4))
def test_what_is_bundled_comes_apart_again(rows):
    assert unbundled(bundled(rows)) == rows


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=4), st.data())
def test_a_bundle_that_was_cut_is_refused(rows, data):
    whole = bundled(rows)
    borders = {len(bundled(rows[:count])) for count in range(len(rows) + 1)}
    end = data.draw(st.integers(1, len(whole)).filter(lambda each: each not in borders))

    with pytest.raises(ValueError, match="another space"):
        unbundled(whole[:end])


def test_what_was_kept_in_a_wider_space_is_refused(liking):
    kept = packed(liking(["bees-1"]))

    with pytest.raises(ValueError, match="another space"):
        unpacked(kept, len(kept[0]))
    with pytest.raises(ValueError, match="another space"):
        unpacked(kept, liking(["bees-1"]).dense.shape[1] + 1)


# --- compact --------------------------------------------------------------------------------


@pytest.fixture
def few_marks(monkeypatch):
    monkeypatch.setattr(module, "FEWEST_MARKS", 20)
    monkeypatch.setattr(module, "MARKS_A_LIKE", 10)
    monkeypatch.setattr(module, "MOST_MARKS", 45)
    monkeypatch.setattr(module, "COMMON", 0)


@pytest.mark.usefixtures("few_marks")
def test_a_compact_row_keeps_the_strongest_marks_and_more_of_them_for_more_likes(liking, cache):
    likes = [1, 2, 12]
    whole = liking(*([f"bees-{n}" for n in range(count)] for count in likes))

    small = compact(whole, cache.space, np.array(likes))

    assert np.diff(whole.marks.indptr).min() > 45
    assert np.diff(small.marks.indptr).tolist() == [30, 40, 45]
    for (before, _), (after, _) in zip(read(whole), read(small), strict=True):
        weakest = min(map(abs, after.values()))
        assert after.items() <= before.items()
        assert all(abs(v) <= weakest for mark, v in before.items() if mark not in after)


@pytest.mark.usefixtures("few_marks")
def test_a_compact_row_keeps_all_of_the_commonest_words_besides(liking, cache, monkeypatch):
    monkeypatch.setattr(module, "COMMON", 12)
    whole = liking(["bees-1", "bread-3", "tides-2"])
    ((before, _),) = read(whole)
    common = {mark for mark in before if mark < 12}

    ((after, _),) = read(compact(whole, cache.space, np.array([1])))

    assert common
    assert common <= after.keys()
    assert len(after) == 30 + len(common)


@pytest.mark.usefixtures("few_marks")
def test_the_low_rank_part_brings_compact_amounts_closer_to_the_full_ones(liking, cache, edition):
    likes = [f"{theme}-{n}" for theme in ("bread", "bees") for n in range(6)]
    whole = liking(likes)
    before = edition.amounts(whole)[0]

    small = compact(whole, cache.space, np.array([len(likes)]))
    cut = Directions(marks=small.marks, dense=whole.dense)

    after, without = (edition.amounts(each)[0] for each in (small, cut))
    assert np.corrcoef(before, after)[0, 1] > 0.97
    assert np.abs(after - before).mean() < 0.7 * np.abs(without - before).mean()


def test_a_row_with_few_marks_stays_as_it_is(liking, cache):
    whole = liking(["bees-1"], ["tides-1", "bees-2"])

    assert read(compact(whole, cache.space, np.array([100, 100]))) == read(whole)


@pytest.mark.usefixtures("few_marks")
def test_making_directions_compact_does_not_change_the_originals(liking, cache):
    whole = liking(["bees-1", "bread-3"])
    before = read(whole)

    compact(whole, cache.space, np.array([2]))

    assert read(whole) == before


@pytest.mark.usefixtures("few_marks")
def test_the_parts_of_a_compact_row_sum_to_its_amounts(liking, cache, edition):
    small = compact(liking(["bread-1", "clocks-2", "bees-9"]), cache.space, np.array([3]))
    kept = unpacked(packed(small), small.dense.shape[1])
    amounts = edition.amounts(kept)[0]

    for paper, amount in enumerate(amounts.tolist()):
        parts = kept.parts(edition, 0, paper)
        assert fsum(part for _, part in parts) == pytest.approx(amount, abs=1e-4)
        held = {*terms_of(edition.papers[paper]), *edition.papers[paper].categories}
        assert {name for name, _ in parts} <= held
        assert [abs(part) for _, part in parts] == sorted(
            (abs(part) for _, part in parts), reverse=True
        )


# --- said in words --------------------------------------------------------------------------


def test_words_are_those_of_the_paper_that_the_row_likes_most(liking, edition):
    looking = liking(["bread-1", "bread-2"], ["bees-1", "bees-2"])
    asked = [(row, paper) for paper in range(len(edition.papers)) for row in (1, 0)]
    looks, papers = np.array(asked).T

    found = looking.words(edition, looks, papers)

    own = edition.columns.only(looking.marks).toarray()
    for (row, paper), words in zip(asked, found, strict=True):
        held = edition.words[[paper]]
        parts = {
            edition.named(column): value * own[row, column]
            for column, value in zip(held.indices.tolist(), held.data.tolist(), strict=True)
        }
        assert len(words) <= 3
        assert words == tuple(sorted(words, key=lambda word: -parts[word]))
        assert not words or parts[words[0]] == pytest.approx(max(parts.values()))
        assert all(parts[word] >= max(parts.values()) / 4 > 0 for word in words)
        single = [part for word in words for part in word.split()]
        assert len(single) == len(set(single))
    assert sum(map(len, found)) > len(found)


def test_words_do_not_depend_on_what_else_is_asked(liking, edition):
    looking = liking(*([f"{theme}-{n}"] for n in range(20) for theme in THEMES))
    rows = np.arange(80).repeat(2)
    papers = np.arange(160) % len(edition.papers)

    together = looking.words(edition, rows, papers)

    alone = [
        looking.words(edition, np.array([row]), np.array([paper]))[0]
        for row, paper in zip(rows, papers, strict=True)
    ]
    assert together == alone


def test_there_are_no_words_without_a_question_or_a_common_word(liking, cache, paper, edition):
    nothing = np.array([], int)
    strange = Features([paper("x", "Zeppelin")], cache)

    assert liking(["bees-1"]).words(edition, nothing, nothing) == []
    assert liking(["bees-1"]).words(strange, np.array([0]), np.array([0])) == [()]


def test_addresses_are_not_told(paper, invented, profile):
    papers = [paper("a", "https github github github com tide", "moon"), paper("b", "brass clock")]
    edition = Features(papers)
    looking = typed(["https github com tide"], edition.cache, worth=1.0)

    (words,) = looking.words(edition, np.array([0]), np.array([edition.position["a"]]))

    assert words == ("tide",)


def test_a_word_that_much_of_the_archive_has_is_told_only_alone(cache, paper):
    papers = [
        paper("a", "common simple nectar", "hive pollen"),
        paper("b", "common simple", "escapement"),
    ]
    looking = typed(["common simple nectar hive"], cache, worth=1.0)
    told = Features(papers, cache)
    rows = np.array([told.position["a"], told.position["b"]])

    specific, general = looking.words(told, np.array([0, 0]), rows)

    assert {"nectar", "hive"} <= set(specific) <= {"nectar", "hive", "nectar hive", "simple nectar"}
    assert general in {("common",), ("simple",)}


@pytest.mark.parametrize("one", ["robot", "dataset", "test", "user"])
def test_a_plural_is_not_told_beside_its_singular(paper, one):
    papers = [paper("a", f"{one} {one}s glass", "Moon."), paper("b", "brass clock")]
    edition = Features(papers)
    looking = typed([f"{one} {one}s glass"], edition.cache, worth=1.0)

    (words,) = looking.words(edition, np.array([0]), np.array([edition.position["a"]]))

    assert len({one, f"{one}s"} & set(words)) == 1
    assert "glass" in words


# --- sums -----------------------------------------------------------------------------------


@settings(max_examples=40)
@given(directions(), directions())
def test_directions_stand_under_each_other(one, other):
    assert read(stacked([one, other])) == read(one) + read(other)


@settings(max_examples=40)
@given(directions(), st.integers(1, 3))
def test_a_sum_is_the_sum_of_its_amounts(looking, times):
    found = summed([looking] * times)

    for (held, dense), (before, dense_before) in zip(read(found), read(looking), strict=True):
        assert {m: v for m, v in held.items() if v} == {
            m: times * v for m, v in before.items() if v
        }
        assert dense == [times * each for each in dense_before]


def test_a_sum_of_different_marks_has_them_all(liking, edition):
    one, other = liking(["bees-1"]), liking(["tides-4"])

    both = summed([one, other])

    assert isinstance(both.marks, sp.csr_array)
    assert edition.amounts(both) == pytest.approx(
        edition.amounts(one) + edition.amounts(other), abs=1e-4
    )
