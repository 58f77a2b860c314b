"""An edition's papers as points in the space, with an index: made once, used for every profile."""

from __future__ import annotations

from dataclasses import replace
from math import inf, log
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import scipy.sparse as sp

from digest.matching import variants
from digest.ranking.index import Index
from digest.ranking.point_cache import PointCache
from digest.ranking.points import CATEGORIES, author_mark, category_mark, taken, used
from digest.ranking.space import bare
from digest.text import author_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from digest.model import Paper
    from digest.ranking.directions import Directions
    from digest.ranking.points import Points
    from digest.ranking.sparse import Matrix

Thing = TypeVar("Thing")

MOST_AT_ONCE = 128
GENERAL = 0.2
FEW_PAPERS = 20  # of so few, half of what they have in common may be particular to them
MOST_CACHED = 4_000_000


class Features:
    """What ranking knows about an edition's papers.

    `papers` are in the order that breaks ties (see `_order`), and `given` is the position there of
    each paper passed in. Without a `cache`, words are weighed among these papers alone.
    """

    def __init__(self, papers: Iterable[Paper], cache: PointCache | None = None) -> None:
        brought = list(papers)
        self.cache = cache or PointCache(bare(brought))
        self.space = self.cache.space
        points = self.cache.papers(brought)
        order = _order(brought, points.near @ self.space.voted)
        self.papers = [brought[each] for each in order]
        self.ids = [paper.id for paper in self.papers]
        self.position = {paper.id: row for row, paper in enumerate(self.papers)}
        self.given = np.array([self.position[paper.id] for paper in brought], int)
        self.id_of = {
            key: paper.id for paper in self.papers for key in (*paper.identifiers, paper.id)
        }
        self.index = Index(self.papers)
        self.points = _levelled(taken(points, order))
        self.columns = used(self.points.marks)
        self.sparse: Matrix = self.columns.only(self.points.marks)
        self.words: Matrix = self.sparse[:, : np.searchsorted(self.columns.marks, CATEGORIES)]
        self.general = self._general()
        self._remembered: dict[tuple[str, str], Any] = {}
        self._names: dict[int, str] = {}
        self._stems: dict[int, Sequence[str]] = {}
        self._dense = np.ascontiguousarray(self.points.dense.T)
        self._by_mark = sp.csc_array(self.sparse)

    def cached(
        self, kind: str, names: Sequence[str], make: Callable[[Sequence[str]], Sequence[Thing]]
    ) -> list[Thing]:
        """What `make` returns for these names, computed once: many readers name the same things."""
        missing = [each for each in names if (kind, each) not in self._remembered]
        most = MOST_CACHED // len(self.papers)
        if len(self._remembered) + len(missing) > most:
            self._remembered.clear()
            missing = list(names)
        if missing:
            self._remembered.update(
                zip(((kind, each) for each in missing), make(missing), strict=True)
            )
        return [self._remembered[kind, each] for each in names]

    def amounts(self, directions: Directions) -> np.ndarray:
        """The product of each row of directions with each paper (rows × papers, float32)."""
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
        if column not in self._names:
            self._names[column] = self._name_of(int(self.columns.marks[column]))
        return self._names[column]

    def stems(self, column: int) -> Sequence[str]:
        """The words of a column's name, plurals as singulars (see `matching.variants`)."""
        if column not in self._stems:
            words = self.named(column).split()
            self._stems[column] = [min(variants(each), key=len) for each in words]
        return self._stems[column]

    def _general(self) -> list[bool]:
        """For each column of `words`, whether a fifth of the archive has it; without a learned space, none."""
        idf = self.space.idf[self.columns.marks[: self.words.shape[1]]]
        # `space.bare` makes the IDF: one more than the logarithm of how rare a term is.
        limit = 1 - log(GENERAL) if self.space.dimensions else -inf
        return list((idf <= limit).tolist())

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

    def _products(self, marks: Matrix, dense: np.ndarray) -> np.ndarray:
        """Marks times the papers' marks, plus dense parts times theirs.

        The marks that any row has become a dense matrix: long runs of additions are quicker than
        scattered ones, although most add zero. This relies on readers sharing words; invented ones
        who hardly do take half as long again (see benchmarks/).
        """
        count = len(dense)
        columns = self.columns.of(marks.indices).astype(np.intp)  # the type numpy indexes with
        asked = np.zeros(len(self.columns) + 1, bool)
        asked[columns] = asked[-1] = True  # the last column, -1, takes marks that no paper has
        place = np.cumsum(asked) - 1
        # Filled in transposed order: scipy would transpose it twice, a quarter of the time.
        at = (place * count).take(columns, mode="wrap")
        at += np.repeat(np.arange(count), np.diff(marks.indptr))
        looking = np.zeros((place[-1] + 1) * count, np.float32)
        looking[at] = marks.data
        found = dense @ self._dense
        shared = self._by_mark[:, np.flatnonzero(asked[:-1])]
        found += (shared @ looking.reshape(-1, count)[:-1]).T
        return np.asarray(found, np.float32)


def _levelled(points: Points) -> Points:
    """Take out the mean of the embedder's vectors, the less of it the fewer papers there are.

    With some models any two texts have a cosine of 0.3 or even 0.8, which would let in every paper.
    All papers of a reader lose the same, so their order stays.
    """
    if not points.meaning.size:
        return points
    alike = points.meaning.mean(axis=0) * len(points) / (len(points) + FEW_PAPERS)
    return replace(points, meaning=points.meaning - alike)


def _order(papers: Sequence[Paper], voted: np.ndarray) -> list[int]:
    """The rows of papers in the order that breaks ties.

    Papers similar to those people have voted for come first, then newer ones, then higher ids. It
    matters: all papers of a listing share a date, and a reader who only follows a topic has only ties.
    """

    def key(row: int) -> tuple[float, float]:
        published = papers[row].published
        return (-float(voted[row]), -published.timestamp() if published else 0.0)

    rows = sorted(range(len(papers)), key=lambda row: papers[row].id, reverse=True)
    return sorted(rows, key=key)
