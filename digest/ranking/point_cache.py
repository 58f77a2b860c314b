"""Makes points of papers and phrases, and caches those that many readers like or type."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import scipy.sparse as sp

from digest.ranking.points import (
    CATEGORIES,
    Columns,
    Points,
    marked,
    mixed,
    nothing,
    stacked,
    taken,
    used,
)
from digest.ranking.space import References, Space, directions, pack, terms, terms_of, unpack
from digest.ranking.sparse import Matrix
from digest.text import author_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from digest.model import Paper
    from digest.ranking.embedding import SentenceEmbedder

Thing = TypeVar("Thing", "Paper", str)

MOST_KEPT = 4_096
AROUND_A_PAPER = 10
AROUND_WORDS = 20
AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """What each view of a text is worth, relative to a cosine of words.

    Tuned on reading lists and libraries (see docs/ranking.md). The views' cosines spread differently:
    those in the low-rank space (`near`) about five times as wide as those of words.
    """

    near: float = 0.2
    category: float = 0.03
    author: float = 0.1
    meaning: float = 0.15
    whitening: float = 10.0
    sureness: float = 2.0
    sure_by: float = 30.0
    around_a_like: float = 1.0
    most_rounded: int = 20
    words_typed: float = 0.5
    around_words: float = 1.5


@dataclass(slots=True, eq=False)
class CachedPoints:
    """Points of one kind by name, added on demand; `marks` are hashes of what they were made of."""

    row: dict[str, int]
    marks: dict[str, int]
    points: Points

    def only(self, names: Sequence[str]) -> Points:
        """The points of these names, in their order."""
        return taken(self.points, [self.row[name] for name in names])


class PointCache:
    """Papers and phrases as points of one space."""

    def __init__(
        self,
        space: Space,
        *,
        embedder: SentenceEmbedder | None = None,
        views: Views = Views(),
    ) -> None:
        self.space = space
        self.views = views
        self._embedder = embedder
        self._given: Mapping[str, bytes] = {}
        self._made: dict[tuple[str, int], bytes] = {}
        self._kinds: dict[str, CachedPoints] = {}
        references = space.references
        self._reference = (
            {} if references is None else {n: at for at, n in enumerate(references.ids)}
        )
        self._marked: tuple[Columns, Matrix] | None = None

    def learn_vectors(self, vectors: Mapping[str, bytes]) -> None:
        """Use these vectors of the embedder, by paper id, from now on."""
        self._given = vectors

    def liked(self, papers: Mapping[str, Paper]) -> CachedPoints:
        """Points of these liked papers, by the ids given; they recur from block to block."""
        return self._cached("liked", papers, self.papers)

    def around(self, papers: Mapping[str, Paper]) -> CachedPoints:
        """For each of these papers the mean of the ten archive papers most similar to it.

        A single like says little; its neighbours tell which field it belongs to (pseudo-relevance
        feedback: J. Rocchio, "Relevance feedback in information retrieval", 1971).
        """

        def rounded(missing: Sequence[Paper]) -> Points:
            return self._mixed(self._neighbours(self.papers(missing), AROUND_A_PAPER, missing))

        return self._cached("around", papers, rounded)

    def phrases(self, phrases: Sequence[str]) -> Points:
        """Points of typed phrases."""
        cached = self._cached("phrases", {each: each for each in phrases}, self._phrases)
        return cached.only(phrases)

    def around_phrases(self, phrases: Sequence[str]) -> Points:
        """For each typed phrase the mean of the twenty archive papers that fit it best."""

        def rounded(missing: Sequence[str]) -> Points:
            return self._mixed(self._neighbours(self._phrases(missing), AROUND_WORDS))

        cached = self._cached("around phrases", {each: each for each in phrases}, rounded)
        return cached.only(phrases)

    def papers(self, papers: Sequence[Paper]) -> Points:
        """Points of papers, not cached."""
        full = self.space.tfidf(terms_of(each) for each in papers)
        places = self.space.places(full)
        return Points(
            marks=marked(
                full,
                (each.categories for each in papers),
                (map(author_key, each.authors) for each in papers),
            ),
            places=places,
            near=directions(places),
            meaning=self._meaning(papers),
        )

    def _cached(
        self, kind: str, things: Mapping[str, Thing], make: Callable[[Sequence[Thing]], Points]
    ) -> CachedPoints:
        """The points of a kind, after making those of `things` that are missing or have changed.

        A cache that is full is emptied first.
        """
        cached = self._kinds.get(kind)
        if cached is None or len(cached.points) > MOST_KEPT:
            cached = self._kinds[kind] = CachedPoints({}, {}, self._nothing(0))
        marks = {name: _mark(thing) for name, thing in things.items()}
        missing = [name for name, mark in marks.items() if cached.marks.get(name) != mark]
        if missing:
            made = make([things[name] for name in missing])
            first = len(cached.points)
            cached.points = stacked(cached.points, made) if first else made
            cached.row.update((name, first + at) for at, name in enumerate(missing))
            cached.marks.update((name, marks[name]) for name in missing)
        return cached

    def _phrases(self, phrases: Sequence[str]) -> Points:
        full = self.space.tfidf(terms(each) for each in phrases)
        places = self.space.places(full)
        unnamed: list[tuple[str, ...]] = [()] * len(phrases)
        return Points(
            marks=marked(full, unnamed, unnamed),
            places=places,
            near=directions(places),
            meaning=self._embedder.texts(phrases)
            if self._embedder
            else self._unmeant(len(phrases)),
        )

    def _meaning(self, papers: Sequence[Paper]) -> np.ndarray:
        """The embedder's vectors of papers, made only where none is given or cached."""
        if self._embedder is None or not papers:
            return self._unmeant(len(papers))
        if len(self._made) > MOST_KEPT:
            self._made.clear()
        names = [(each.id, _mark(each)) for each in papers]
        missing = {
            name: each
            for name, each in zip(names, papers, strict=True)
            if each.id not in self._given and name not in self._made
        }
        if missing:
            made = self._embedder.papers(list(missing.values()))
            self._made.update(zip(missing, pack(made), strict=True))
        return unpack([self._given.get(name[0]) or self._made[name] for name in names])

    def _neighbours(self, points: Points, most: int, papers: Sequence[Paper] = ()) -> Matrix:
        """For each point its nearest archive papers, with equal shares (points × references)."""
        references = self.space.references
        if references is None:
            return sp.csr_array((len(points), 0), dtype=np.float32)
        columns, rows = self._references(references)
        asked = _worth(columns.only(points.marks), columns, self.views)
        most = min(most, len(references.ids))
        lying = references.near.astype(np.float32).T
        best, shares = [np.empty((0, most), int)], [np.empty((0, most), np.float32)]
        for start in range(0, len(points), AT_ONCE):
            span = slice(start, start + AT_ONCE)
            scores = (asked[span] @ rows.T).toarray()
            scores += self.views.near * (points.near[span] @ lying)
            for row, each in enumerate(papers[span]):
                if each.id in self._reference:
                    scores[row, self._reference[each.id]] = -1
            best.append(np.argpartition(-scores, most - 1, axis=1)[:, :most])
            # Papers without anything in common are no neighbours: an unknown word has none.
            near = np.take_along_axis(scores, best[-1], axis=1) > 0
            shares.append(np.where(near, np.float32(1 / most), np.float32(0)))
        found = np.concatenate(best)
        ends = np.arange(0, found.size + 1, most)
        return sp.csr_array(
            (np.concatenate(shares).ravel(), found.ravel(), ends),
            shape=(len(points), len(references.ids)),
        )

    def _mixed(self, shares: Matrix) -> Points:
        """Weighted means of the archive's papers, as points."""
        references = self.space.references
        count = shares.shape[0]
        if references is None:
            return self._nothing(count)
        columns, rows = self._references(references)
        return Points(
            marks=mixed(shares, rows, columns),
            near=np.asarray(shares @ references.near.astype(np.float32), np.float32),
            places=np.zeros((count, self.space.dimensions), np.float32),
            meaning=self._unmeant(count),
        )

    def _nothing(self, count: int) -> Points:
        return nothing(count, self.space.dimensions, self._width)

    def _unmeant(self, count: int) -> np.ndarray:
        """Zeros in place of an embedder's vectors."""
        return np.zeros((count, self._width), np.float32)

    @property
    def _width(self) -> int:
        """The length of the embedder's vectors, from a known one if possible: that loads no model."""
        if self._embedder is None:
            return 0
        kept = next(chain(self._given.values(), self._made.values()), None)
        return self._embedder.dimensions if kept is None else len(kept) // 2

    def _references(self, references: References) -> tuple[Columns, Matrix]:
        """The marks of the archive's papers, as columns and a matrix of those."""
        if self._marked is None:
            unnamed: list[tuple[str, ...]] = [()] * len(references.ids)
            marks = marked(references.tfidf, references.categories, unnamed)
            columns = used(marks)
            self._marked = columns, columns.only(marks)
        return self._marked


def _mark(thing: Paper | str) -> int:
    """A hash that changes when a paper is revised."""
    if isinstance(thing, str):
        return hash(thing)
    return hash((thing.title, thing.abstract, thing.categories, thing.authors))


def _worth(rows: Matrix, columns: Columns, views: Views) -> Matrix:
    """Weigh the categories among words and categories; changes `rows`."""
    worth = np.where(columns.marks >= CATEGORIES, views.category, 1).astype(np.float32)
    rows.data *= worth[rows.indices]
    return rows
