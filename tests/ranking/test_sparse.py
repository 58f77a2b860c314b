"""Sparse rows."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from digest.ranking.sparse import rows_of, scaled, strongest

WIDTH = 5
dense = arrays.arrays(np.float32, (3, WIDTH), elements=st.sampled_from([0, 0, 1, -2, 3, 0.5]))


def row(*pairs):
    columns, values = zip(*pairs, strict=True) if pairs else ((), ())
    return np.array(columns, np.int32), np.array(values, np.float32)


def test_rows_stand_under_each_other_empty_ones_too():
    made = rows_of([row((1, 2.0), (3, 4.0)), row(), row((0, 1.0))], WIDTH)

    assert made.toarray().tolist() == [[0, 2, 0, 4, 0], [0] * WIDTH, [1, 0, 0, 0, 0]]
    assert made.dtype == np.float32


def test_no_rows_are_a_matrix_of_no_rows():
    assert rows_of([], WIDTH).shape == (0, WIDTH)


@given(dense, st.integers(1, WIDTH))
def test_the_entries_kept_of_each_row_are_the_largest_in_size(values, most):
    whole = sp.csr_array(values)

    kept = strongest(whole, most).toarray()

    sizes = -np.sort(-np.abs(values), axis=1)[:, :most]
    assert (np.sort(np.abs(kept), axis=1)[:, ::-1][:, :most] == sizes).all()
    assert ((kept == values) | (kept == 0)).all()
    assert (whole.toarray() == values).all()


def test_each_row_is_multiplied_by_its_own_factor():
    whole = sp.csr_array(np.array([[1, 2], [3, 0]], np.float32))

    made = scaled(whole, np.array([2.0, 0.5]))

    assert made.toarray() == pytest.approx(np.array([[2, 4], [1.5, 0]]))
    assert made.dtype == np.float32
