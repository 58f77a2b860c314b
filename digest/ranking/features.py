"""An edition's papers as points in the space, and an index; made once, shared by every profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import scipy.sparse as sp

from digest.ranking.index import Index
from digest.ranking.points import CATEGORIES, author_mark, category_mark, used
from digest.ranking.shelves import Shelves
from digest.ranking.space import bare
from digest.text import author_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from digest.model import Paper
    from digest.ranking.directions import Directions
    from digest.ranking.sparse import Matrix

Thing = TypeVar("Thing")

HOT = 512
MOST_AT_ONCE = 256
LISTS_AT_ONCE = 64
MOST_REMEMBERED = 4_000_000
_LISTED, _NOWHERE = -1, -2


class Features:
    """What ranking knows of an edition's papers.

    `papers` are in the order in which ties are broken: newer first, then by id; `given` says where
    each stands of those that were given. Without `shelves` words weigh what they do among these
    papers themselves.
    """

    def __init__(self, papers: Iterable[Paper], shelves: Shelves | None = None) -> None:
        brought = list(papers)
        self.papers = sorted(brought, key=_newer_first)
        self.ids = [paper.id for paper in self.papers]
        self.position = {paper.id: row for row, paper in enumerate(self.papers)}
        self.given = np.array([self.position[paper.id] for paper in brought], int)
        self.id_of = {
            key: paper.id for paper in self.papers for key in (*paper.identifiers, paper.id)
        }
        self.index = Index(self.papers)
        self.shelves = shelves or Shelves(bare(self.papers))
        self.space = self.shelves.space
        self.points = self.shelves.papers(self.papers)
        self.columns = used(self.points.marks)
        self.sparse: Matrix = self.columns.only(self.points.marks)
        self.words: Matrix = self.sparse[:, : np.searchsorted(self.columns.marks, CATEGORIES)]
        self._remembered: dict[tuple[str, str], Any] = {}
        self._names: dict[int, str] = {}
        self._words: dict[int, Sequence[str]] = {}
        self._prepare()

    def remembered(
        self, kind: str, names: Sequence[str], make: Callable[[Sequence[str]], Sequence[Thing]]
    ) -> list[Thing]:
        """What `make` says of these names, worked out once: readers name the same things."""
        missing = [each for each in names if (kind, each) not in self._remembered]
        most = MOST_REMEMBERED // len(self.papers)
        if len(self._remembered) + len(missing) > most:
            self._remembered.clear()
            missing = list(names)
        if missing:
            self._remembered.update(
                zip(((kind, each) for each in missing), make(missing), strict=True)
            )
        return [self._remembered[kind, each] for each in names]

    def amounts(self, directions: Directions) -> np.ndarray:
        """What each paper gets from each row of directions (rows × papers, float32)."""
        count = len(directions.dense)
        if not count:
            return np.zeros((0, len(self.papers)), np.float32)
        if count <= MOST_AT_ONCE:
            return self._products(directions.marks, directions.dense)
        found = np.zeros((count, len(self.papers)), np.float32)
        for start in range(0, count, MOST_AT_ONCE):
            rows = slice(start, start + MOST_AT_ONCE)
            found[rows] = self._products(directions.marks[rows], directions.dense[rows])
        return found

    def named(self, column: int) -> str:
        """The word, category or author that a column of `sparse` stands for."""
        name = self._names.get(column)
        if name is None:
            name = self._names[column] = self._name_of(int(self.columns.marks[column]))
        return name

    def worded(self, column: int) -> Sequence[str]:
        """The same, word by word."""
        words = self._words.get(column)
        if words is None:
            words = self._words[column] = self.named(column).split()
        return words

    def _name_of(self, mark: int) -> str:
        if mark < CATEGORIES:
            return str(self.space.terms[mark])
        named = (
            (number, name)
            for paper in self.papers
            for number, name in (
                *((category_mark(each), each) for each in paper.categories),
                *((author_mark(author_key(each)), author_key(each)) for each in paper.authors),
            )
        )
        return next(name for number, name in named if number == mark)

    def _prepare(self) -> None:
        """The columns that most papers have become dense, and the others lists of papers.

        A product of dense matrices runs thirty times as fast, number by number, so what a tenth of
        readers share with a hundredth of the papers is better off there.
        """
        of_each = np.bincount(self.sparse.indices, minlength=len(self.columns))
        hot = np.sort(np.argsort(-of_each, kind="stable")[:HOT])
        # The last stands for marks that no paper has.
        self._hot_at = np.full(len(self.columns) + 1, _LISTED, np.int32)
        self._hot_at[hot] = np.arange(len(hot), dtype=np.int32)
        self._hot_at[-1] = _NOWHERE
        by_column = sp.csr_array(self.sparse.T)
        self._dense = np.ascontiguousarray(
            np.hstack([self.points.dense, by_column[hot].toarray().T]).T
        )
        by_column.indices = by_column.indices.astype(np.int32)
        by_column.indptr = by_column.indptr.astype(np.int32)
        self._holders = by_column

    def _products(self, marks: Matrix, dense: np.ndarray) -> np.ndarray:
        count = len(dense)
        row_of = np.repeat(np.arange(count, dtype=np.int32), np.diff(marks.indptr))
        columns = self.columns.of(marks.indices)
        at = self._hot_at[columns]
        hot = np.flatnonzero(at >= 0)
        looking = np.zeros((count, len(self._dense)), np.float32)
        looking[:, : dense.shape[1]] = dense
        looking[row_of[hot], dense.shape[1] + at[hot]] = marks.data[hot]
        found = looking @ self._dense
        others = np.flatnonzero(at == _LISTED)
        whose = row_of[others]
        for first in range(0, count, LISTS_AT_ONCE):
            start, end = np.searchsorted(whose, [first, first + LISTS_AT_ONCE])
            some = others[start:end]
            rows = found[first : first + LISTS_AT_ONCE]
            rows += self._listed(
                columns[some], marks.data[some], whose[start:end] - first, rows.shape
            )
        return np.asarray(found, np.float32)

    def _listed(
        self, columns: np.ndarray, values: np.ndarray, row_of: np.ndarray, shape: tuple[int, ...]
    ) -> np.ndarray:
        """What marks that are not dense add to rows × papers; each adds its list of papers.

        As columns of one matrix that is as tall as all profiles' papers under each other, they are
        summed in one product.
        """
        count, papers = shape
        lists = self._holders[columns]
        lengths = np.bincount(row_of, np.diff(lists.indptr), count).astype(np.int32)
        lists.indices += np.repeat(np.arange(count, dtype=np.int32) * papers, lengths)
        tall = sp.csc_array(
            (lists.data, lists.indices, lists.indptr), shape=(count * papers, len(columns))
        )
        return np.asarray((tall @ values).reshape(count, papers))


def _newer_first(paper: Paper) -> tuple[float, str]:
    return (-paper.published.timestamp() if paper.published else 0.0, paper.id)
