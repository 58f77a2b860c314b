"""Companions: papers that the same people like (item-to-item collaborative filtering)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from digest.ranking.sparse import Matrix, strongest

if TYPE_CHECKING:
    from collections.abc import Sequence

SHRINKING = 3
MOST_COMPANIONS = 50
FEWEST_READERS = 3
"""Privacy: if fewer people liked both papers, a reader could tell what another one likes."""


def of(libraries: Sequence[Sequence[int]], papers: int) -> Matrix:
    """Each paper's companions, with shares that sum to 1 (papers × papers, float32).

    Each library is the rows of the papers that one person likes. A pair scores 1/size for every
    library that holds both papers, divided by √((likes of one + 3)·(likes of the other + 3)), so that a
    few coincidences count for little (cosine with shrinkage: G. Linden, B. Smith, J. York, "Amazon.com
    recommendations: item-to-item collaborative filtering", IEEE Internet Computing 7, 2003). Pairs
    that fewer than three libraries hold are left out.
    """
    held = [sorted(set(each)) for each in libraries]
    columns = np.array([at for library in held for at in library], np.int64)
    ends = np.cumsum([0, *(len(library) for library in held)])
    shares = np.repeat([1 / max(1, len(library)) for library in held], np.diff(ends))
    weighed = sp.csr_array((shares, columns, ends), shape=(len(held), papers))
    likes = np.bincount(columns, minlength=papers)
    damped = sp.diags_array(1 / np.sqrt(likes + SHRINKING))
    plain = sp.csr_array((np.ones(len(columns), np.int32), columns, ends), shape=weighed.shape)
    together = sp.csr_array(damped @ (weighed.T @ plain) @ damped)
    readers = sp.csr_array(plain.T @ plain)
    for each in (together, readers):
        each.sort_indices()
    together.data[readers.data < FEWEST_READERS] = 0  # both matrices hold the same pairs
    together.setdiag(0)
    together.eliminate_zeros()
    together = strongest(together, MOST_COMPANIONS)
    sums = np.asarray(together.sum(axis=1)).ravel()
    return sp.csr_array(
        sp.diags_array(np.divide(1, sums, out=np.zeros_like(sums), where=sums > 0)) @ together
    ).astype(np.float32)
