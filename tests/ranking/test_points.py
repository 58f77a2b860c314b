"""Texts as points: marks that mean the same in every edition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.ranking.points import (
    AUTHORS,
    CATEGORIES,
    MARKS,
    Columns,
    author_mark,
    category_mark,
    marked,
    mixed,
    nothing,
    stacked,
    taken,
    used,
)
from digest.ranking.sparse import rows_of

marks = st.one_of(
    st.integers(0, 40),
    st.integers(CATEGORIES, CATEGORIES + 40),
    st.integers(AUTHORS, MARKS - 1),
)
values = st.sampled_from([1.0, -2.0, 0.5])
rows = st.lists(st.dictionaries(marks, values, max_size=6), max_size=5)


def matrix(held, width=MARKS):
    """A row for each {column: value}."""
    pairs = [sorted(each.items()) for each in held]
    made = [
        (np.array([m for m, _ in each], np.int32), np.array([v for _, v in each], np.float32))
        for each in pairs
    ]
    return rows_of(made, width)


def read(found):
    """The rows of a matrix as {column: value}."""
    return [
        dict(zip(found.indices[a:b].tolist(), found.data[a:b].tolist(), strict=True))
        for a, b in zip(found.indptr[:-1], found.indptr[1:], strict=True)
    ]


# --- marks ----------------------------------------------------------------------------------


def test_a_name_has_one_mark_and_no_word_category_or_author_shares_it_with_another_kind():
    names = ["cs.IR", "math.OC", "лингвистика", "言語", ""]

    categories = [category_mark(each) for each in names]
    authors = [author_mark(each) for each in names]

    assert categories == [category_mark(each) for each in names]
    assert all(CATEGORIES <= each < AUTHORS for each in categories)
    assert all(AUTHORS <= each < MARKS for each in authors)
    assert len({*categories, *authors}) == 2 * len(names)


def test_categories_and_authors_stand_behind_the_words_each_of_length_one():
    words = matrix([{3: 0.6, 5: 0.8}, {}], width=8)

    found = marked(words, [("cs.IR", "cs.CV"), ()], [("byron a", "ek b", "ek b"), ("byron a",)])

    first, second = read(found)
    assert first[3] == pytest.approx(0.6)
    assert first[category_mark("cs.IR")] == first[category_mark("cs.CV")] == pytest.approx(0.5**0.5)
    assert first[author_mark("ek b")] == pytest.approx(0.5**0.5)
    assert len(first) == 6
    assert second == {author_mark("byron a"): 1.0}
    assert found.shape == (2, MARKS)


# --- columns --------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.sets(marks), st.lists(marks, max_size=20))
def test_a_mark_in_use_has_its_column_and_any_other_none(held, asked):
    known = sorted(held)
    columns = Columns(np.array(known, np.int32))

    found = columns.of(np.array(asked, np.int32))

    assert len(columns) == len(known)
    assert found.tolist() == [known.index(each) if each in held else -1 for each in asked]


@settings(max_examples=40)
@given(rows, rows)
def test_only_the_marks_that_another_matrix_uses_are_left(own, others):
    columns = used(matrix(others))

    found = columns.only(matrix(own))

    there = sorted({mark for each in others for mark in each})
    assert columns.marks.tolist() == there
    assert read(found) == [
        {there.index(mark): value for mark, value in each.items() if mark in there} for each in own
    ]
    assert found.shape == (len(own), len(there))


@settings(max_examples=40)
@given(rows.filter(bool), st.data())
def test_a_mix_is_the_weighted_sum_of_its_rows(held, data):
    columns = used(matrix(held))
    shares = data.draw(st.lists(st.dictionaries(st.integers(0, len(held) - 1), values), max_size=4))

    found = mixed(matrix(shares, len(held)), columns.only(matrix(held)), columns)

    for row, mix in zip(read(found), shares, strict=True):
        for mark in columns.marks.tolist():
            sum_of = sum(share * held[at].get(mark, 0) for at, share in mix.items())
            assert row.get(mark, 0) == pytest.approx(sum_of)
    assert all(list(row) == sorted(row) for row in read(found))


# --- points ---------------------------------------------------------------------------------


def test_points_that_say_nothing_have_all_views_and_no_marks():
    found = nothing(2, 3, 4)

    assert len(found) == 2
    assert found.dense.shape == (2, 3 + 3 + 4)
    assert not found.dense.any()
    assert not found.marks.nnz


def test_rows_are_stacked_and_taken_in_order(space, new_paper):
    from digest.ranking.point_cache import PointCache

    cache = PointCache(space)
    bees, tides = (cache.papers([new_paper(each)]) for each in ("bees", "tides"))

    found = taken(stacked(bees, tides, nothing(1, space.dimensions, 0)), [1, 2, 0, 1])

    assert read(found.marks) == [*read(tides.marks), {}, *read(bees.marks), *read(tides.marks)]
    assert (found.near[[0, 2, 3]] == np.concatenate([tides.near, bees.near, tides.near])).all()
    assert not found.dense[1].any()
