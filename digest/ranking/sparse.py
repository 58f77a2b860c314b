"""Sparse rows: made, joined, cut to their strongest entries, scaled."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import scipy.sparse as sp

if TYPE_CHECKING:
    from collections.abc import Sequence

Matrix: TypeAlias = sp.csr_array


def rows_of(rows: Sequence[tuple[np.ndarray, np.ndarray]], width: int) -> Matrix:
    """Rows, each as its columns and the values in them, as one matrix (float32)."""
    ends = np.cumsum([0, *(len(columns) for columns, _ in rows)])
    columns = np.concatenate([np.empty(0, np.int32), *(columns for columns, _ in rows)])
    values = np.concatenate([np.empty(0, np.float32), *(values for _, values in rows)])
    return sp.csr_array((values.astype(np.float32), columns, ends), shape=(len(rows), width))


def joined(rows: Sequence[Matrix]) -> Matrix:
    """Single rows as one matrix; there must be one."""
    return rows_of([(row.indices, row.data) for row in rows], int(rows[0].shape[1]))


def strongest(matrix: Matrix, most: int) -> Matrix:
    """Each row's `most` entries that are largest in size."""
    kept = matrix.copy()
    for start, end in pairwise(kept.indptr):
        if end - start > most:
            row = kept.data[start:end]
            row[np.argpartition(np.abs(row), -most)[:-most]] = 0
    kept.eliminate_zeros()
    return kept


def scaled(matrix: Matrix, by: np.ndarray) -> Matrix:
    """Each row times its factor (float32)."""
    values = matrix.data * np.repeat(by.astype(np.float32), np.diff(matrix.indptr))
    return sp.csr_array((values, matrix.indices, matrix.indptr), shape=matrix.shape)
