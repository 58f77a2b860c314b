"""Points: texts as weighted words, categories and authors ("marks"), and as low-rank vectors.

A mark is a column number for a word of the space, a category or an author. It is the same in every
edition, so that points and directions can be stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
import scipy.sparse as sp

from digest.ranking.sparse import Matrix, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Words have their numbers in the space. Names come after them, by their hashes: among 10,000
# authors, two share a mark in one edition out of forty.
CATEGORIES = 1 << 24
AUTHORS = 1 << 25
MARKS = (1 << 31) - 1


@lru_cache(maxsize=4_096)
def category_mark(name: str) -> int:
    """The mark of a category."""
    return CATEGORIES + crc32(name.encode()) % (AUTHORS - CATEGORIES)


@lru_cache(maxsize=65_536)
def author_mark(key: str) -> int:
    """The mark of an author, given `digest.text.author_key` of the name."""
    return AUTHORS + crc32(key.encode()) % (MARKS - AUTHORS)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Points:
    """Texts in the space, a row each.

    `marks` (rows × MARKS, sparse) holds the TF-IDF of words and pairs of words (length 1 or less),
    the categories (length 1) and the authors (length 1). `places` is the low-rank vector and `near`
    its direction (length 1); `meaning` is the embedder's vector, without columns if there is none.
    """

    marks: Matrix
    near: np.ndarray
    places: np.ndarray
    meaning: np.ndarray

    def __len__(self) -> int:
        return int(self.marks.shape[0])

    @property
    def width(self) -> int:
        """The number of columns of `dense`."""
        return sum(each.shape[1] for each in (self.near, self.places, self.meaning))

    @property
    def dense(self) -> np.ndarray:
        """`near`, `places` and `meaning` side by side."""
        return np.hstack([self.near, self.places, self.meaning])


class Columns:
    """Numbers the marks in use from 0, in ascending order, for matrices of a handy width."""

    def __init__(self, marks: np.ndarray) -> None:
        self.marks = marks
        words = int(np.searchsorted(marks, CATEGORIES))
        self._names = marks[words:]
        self._first_name = words
        # The last entry stands for all words after those in use.
        self._of_word = np.full(int(marks[words - 1]) + 2 if words else 1, -1, np.int32)
        self._of_word[marks[:words]] = np.arange(words, dtype=np.int32)

    def __len__(self) -> int:
        return len(self.marks)

    def of(self, marks: np.ndarray) -> np.ndarray:
        """The column of each mark, -1 if it is not in use (int32)."""
        found: np.ndarray = self._of_word.take(marks, mode="clip")
        names = np.flatnonzero(marks >= CATEGORIES)
        if len(names) and len(self._names):
            wanted = marks[names]
            at = np.searchsorted(self._names, wanted).clip(max=len(self._names) - 1)
            found[names] = np.where(self._names[at] == wanted, at + self._first_name, -1)
        return found

    def only(self, matrix: Matrix) -> Matrix:
        """A matrix of marks as a matrix of these columns; other marks are left out."""
        columns = self.of(matrix.indices)
        kept = columns >= 0
        ends = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr]
        return sp.csr_array(
            (matrix.data[kept], columns[kept], ends.astype(np.int32)),
            shape=(matrix.shape[0], len(self)),
        )


def marked(
    words: Matrix, categories: Iterable[Iterable[str]], authors: Iterable[Iterable[str]]
) -> Matrix:
    """Add categories and author keys to rows of words: a matrix of marks (float32)."""
    rows = []
    spans = zip(words.indptr[:-1], words.indptr[1:], categories, authors, strict=True)
    for start, end, of_categories, of_authors in spans:
        columns, values = [words.indices[start:end]], [words.data[start:end]]
        for names in (
            {category_mark(each) for each in of_categories},
            {author_mark(each) for each in of_authors},
        ):
            columns.append(np.array(sorted(names), np.int32))
            values.append(np.full(len(names), 1 / max(1, len(names)) ** 0.5, np.float32))
        rows.append((np.concatenate(columns), np.concatenate(values)))
    return rows_of(rows, MARKS)


def used(marks: Matrix) -> Columns:
    """The columns for the marks that a matrix uses."""
    names = marks.indices >= CATEGORIES
    words = marks.indices[~names]
    there = np.zeros(int(words.max(initial=-1)) + 1, bool)
    there[words] = True
    known = np.concatenate([np.flatnonzero(there), np.unique(marks.indices[names])])
    return Columns(known.astype(np.int32))


def mixed(shares: Matrix, rows: Matrix, columns: Columns) -> Matrix:
    """Weighted sums of rows given in these columns, as marks: full width is too wide for a product."""
    found = sp.csr_array(shares @ rows)
    found.sort_indices()
    return sp.csr_array(
        (
            found.data.astype(np.float32),
            columns.marks[found.indices],
            found.indptr.astype(np.int32),
        ),
        shape=(shares.shape[0], MARKS),
    )


def nothing(count: int, dimensions: int, meaning: int) -> Points:
    """Zero points."""
    zeros = np.zeros((count, dimensions), np.float32)
    return Points(
        marks=rows_of([(np.empty(0, np.int32), np.empty(0, np.float32))] * count, MARKS),
        near=zeros,
        places=zeros,
        meaning=np.zeros((count, meaning), np.float32),
    )


def stacked(*points: Points) -> Points:
    """The rows of all points, one after the other."""
    return Points(
        marks=sp.csr_array(sp.vstack([each.marks for each in points])),
        near=np.concatenate([each.near for each in points]),
        places=np.concatenate([each.places for each in points]),
        meaning=np.concatenate([each.meaning for each in points]),
    )


def taken(points: Points, rows: Sequence[int]) -> Points:
    """These rows, in this order."""
    chosen = np.array(rows, int)
    return Points(
        marks=points.marks[chosen],
        near=points.near[chosen],
        places=points.places[chosen],
        meaning=points.meaning[chosen],
    )
