"""Helpers for sparse matrices in CSR form."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import scipy.sparse as sp

if TYPE_CHECKING:
    from collections.abc import Sequence

Matrix: TypeAlias = sp.csr_array


def rows_of(rows: Sequence[tuple[np.ndarray, np.ndarray]], width: int) -> Matrix:
    """Make a matrix (float32) of rows, each given as its columns and its values."""
    ends = np.cumsum([0, *(len(columns) for columns, _ in rows)])
    columns = np.concatenate([np.empty(0, np.int32), *(columns for columns, _ in rows)])
    values = np.concatenate([np.empty(0, np.float32), *(values for _, values in rows)])
    return sp.csr_array((values.astype(np.float32), columns, ends), shape=(len(rows), width))


def strongest(matrix: Matrix, most: int) -> Matrix:
    """Keep only the `most` entries of each row with the largest absolute values."""
    kept = matrix.copy()
    for start, end in pairwise(kept.indptr):
        if end - start > most:
            row = kept.data[start:end]
            row[np.argpartition(np.abs(row), -most)[:-most]] = 0
    kept.eliminate_zeros()
    return kept


def scaled(matrix: Matrix, by: np.ndarray) -> Matrix:
    """Multiply each row by its factor (float32)."""
    values = matrix.data * np.repeat(by.astype(np.float32), np.diff(matrix.indptr))
    return sp.csr_array((values, matrix.indices, matrix.indptr), shape=matrix.shape)
