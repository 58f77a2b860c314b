"""An edition's papers as points in the space, and an index; made once, shared by every profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import scipy.sparse as sp

from digest.ranking.index import Index
from digest.ranking.space import (
    Matrix,
    Space,
    bare,
    directions,
    pack,
    terms,
    terms_of,
    unpack,
)
from digest.ranking.sparse import joined, rows_of
from digest.text import author_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from digest.model import Paper
    from digest.ranking.embedding import SentenceEmbedder

Thing = TypeVar("Thing")

MOST_KEPT = 20_000
AROUND_A_PAPER = 10
AROUND_WORDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """What each view of a text is worth beside a cosine of words, which is worth 1.

    Tuned on reading lists and libraries (see docs/ranking.md). One view's cosines spread wider
    than another's: near ones about five times as much as those of words.
    """

    near: float = 0.2
    category: float = 0.03
    author: float = 0.01
    meaning: float = 0.15
    whitening: float = 10.0
    sureness: float = 2.0
    sure_by: float = 30.0
    around_a_like: float = 1.0
    companions: float = 6.0
    companions_to: float = 5.0
    most_rounded: int = 10
    words_typed: float = 0.5
    around_words: float = 1.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Points:
    """Texts in the space, a row each: what `Features` says of papers, liked ones and keywords.

    `tfidf` are words and pairs of them, `near` the direction in the low-rank space (length 1),
    `places` the same before it is brought to that length, `categories` and `authors` (length 1
    each), `meaning` what an embedder makes of it (no columns without one).
    """

    tfidf: Matrix
    near: np.ndarray
    places: np.ndarray
    categories: Matrix
    authors: Matrix
    meaning: np.ndarray

    def __len__(self) -> int:
        return int(self.tfidf.shape[0])


class Features:
    """What ranking knows of an edition's papers.

    `papers` are in the order in which ties are broken: newer first, then by id. Where no space
    has been learned yet, words weigh what they do among these papers themselves. `vectors` are
    what the embedder made of papers before.
    """

    def __init__(
        self,
        papers: Iterable[Paper],
        space: Space | None = None,
        *,
        embedder: SentenceEmbedder | None = None,
        vectors: Mapping[str, bytes] | None = None,
        views: Views = Views(),
    ) -> None:
        self.papers = sorted(papers, key=_newer_first)
        self.position = {paper.id: row for row, paper in enumerate(self.papers)}
        self.index = Index(self.papers)
        self.space = space or bare(self.papers)
        self._embedder = embedder
        self._views = views
        self._vectors = dict(vectors or {})
        self._category = _numbered(c for paper in self.papers for c in paper.categories)
        self._author = _numbered(author_key(a) for paper in self.papers for a in paper.authors)
        self.categories = list(self._category)
        self.authors = list(self._author)
        self._shelves: dict[str, Shelf] = {}
        full = self.space.tfidf(terms_of(each) for each in self.papers)
        # What no paper of the edition has can add to no score: liked papers go without it.
        self.columns = np.unique(full.indices)
        self.terms = [self.space.terms[at] for at in self.columns.tolist()]
        self.points = self._placed(self.papers, full)
        self.sparse: Matrix = sp.csr_array(
            sp.hstack([self.points.tfidf, self.points.categories, self.points.authors])
        )
        self._around: Matrix | None = None
        references = self.space.references
        self._reference = {} if references is None else _numbered(references.ids)

    def liked(self, papers: Mapping[str, Paper]) -> Shelf:
        """A shelf that holds these papers, by the ids they go by. They recur from block to block."""
        return self._shelf("liked", papers, self._points)

    def around(self, papers: Mapping[str, Paper]) -> Shelf:
        """What lies around each of these papers: the mean of the ten archive papers most like it.

        A single like says little; its neighbours say what field it stands for (pseudo-relevance
        feedback: J. Rocchio, "Relevance feedback in information retrieval", 1971).
        """

        def rounded(missing: Sequence[Paper]) -> Points:
            full = self.space.tfidf(terms_of(each) for each in missing)
            own = self._placed(missing, full)
            return self._mixed(self._neighbours(full, own, AROUND_A_PAPER, missing))

        return self._shelf("around", papers, rounded)

    def companions(self, papers: Mapping[str, Paper]) -> Shelf:
        """The mean of the papers that people like who like this one; nothing where it has none."""

        def accompanied(missing: Sequence[Paper]) -> Points:
            references = self.space.references
            if references is None or not references.companions.nnz:
                return self._nothing(len(missing))
            empty = sp.csr_array((1, len(references.ids)), dtype=np.float32)
            rows = [
                references.companions[[self._reference[each.id]]]
                if each.id in self._reference
                else empty
                for each in missing
            ]
            return self._mixed(joined(rows))

        return self._shelf("companions", papers, accompanied)

    def phrases(self, phrases: Sequence[str]) -> Points:
        """Typed words in the space of these papers."""
        shelf = self._shelf("phrases", {each: each for each in phrases}, self._phrases)
        return shelf.only(phrases)

    def around_phrases(self, phrases: Sequence[str]) -> Points:
        """What lies around typed words: the mean of the twenty archive papers that fit them best."""

        def rounded(missing: Sequence[str]) -> Points:
            full = self.space.tfidf(terms(each) for each in missing)
            return self._mixed(self._neighbours(full, self._phrases(missing), AROUND_WORDS))

        shelf = self._shelf("around phrases", {each: each for each in phrases}, rounded)
        return shelf.only(phrases)

    def _shelf(
        self, kind: str, things: Mapping[str, Thing], make: Callable[[Sequence[Thing]], Points]
    ) -> Shelf:
        """The shelf of a kind, with what is missing made and put on it; a full one is begun anew."""
        shelf = self._shelves.get(kind)
        if shelf is None or len(shelf.row) > MOST_KEPT:
            shelf = self._shelves[kind] = Shelf({}, self._nothing(0))
        missing = {name: thing for name, thing in things.items() if name not in shelf.row}
        if missing:
            made = make(list(missing.values()))
            shelf.points = stacked(shelf.points, made) if shelf.row else made
            shelf.row.update((name, len(shelf.row)) for name in missing)
        return shelf

    def _points(self, papers: Sequence[Paper]) -> Points:
        return self._placed(papers, self.space.tfidf(terms_of(each) for each in papers))

    def _placed(self, papers: Sequence[Paper], full: Matrix) -> Points:
        """Papers as points, given all of their words."""
        places = self.space.places(full)
        return Points(
            tfidf=full[:, self.columns],
            places=places,
            near=directions(places),
            categories=_marked(
                (p.categories for p in papers),
                self._category,
                [1 / max(1, len(p.categories)) ** 0.5 for p in papers],
            ),
            authors=_marked(
                (map(author_key, p.authors) for p in papers),
                self._author,
                [1 / max(1, len(p.authors)) ** 0.5 for p in papers],
            ),
            meaning=self._meaning(papers),
        )

    def _phrases(self, phrases: Sequence[str]) -> Points:
        full = self.space.tfidf(terms(each) for each in phrases)
        places = self.space.places(full)
        nothing = [()] * len(phrases)
        return Points(
            tfidf=full[:, self.columns],
            places=places,
            near=directions(places),
            categories=_marked(nothing, self._category),
            authors=_marked(nothing, self._author),
            meaning=self._embedder.texts(phrases) if self._embedder else _none(len(phrases)),
        )

    def _meaning(self, papers: Sequence[Paper]) -> np.ndarray:
        """The embedder's rows, from what it made before as far as there is."""
        if self._embedder is None:
            return _none(len(papers))
        missing = {each.id: each for each in papers if each.id not in self._vectors}
        if missing:
            made = self._embedder.papers(list(missing.values()))
            self._vectors.update(zip(missing, pack(made), strict=True))
        return unpack([self._vectors[each.id] for each in papers])

    def _neighbours(
        self, full: Matrix, points: Points, most: int, papers: Sequence[Paper] = ()
    ) -> Matrix:
        """For each point the archive's papers around it, as shares of 1 (points × references)."""
        references = self.space.references
        if references is None:
            return sp.csr_array((len(points), 0), dtype=np.float32)
        scores = np.asarray((full @ references.tfidf.T).todense())
        scores += self._views.near * (points.near @ references.near.T)
        if points.categories.nnz:
            scores += self._views.category * np.asarray(
                (points.categories @ self._reference_categories().T).todense()
            )
        for row, each in enumerate(papers):
            if each.id in self._reference:
                scores[row, self._reference[each.id]] = -1
        most = min(most, scores.shape[1])
        best = np.argpartition(-scores, most - 1, axis=1)[:, :most]
        # What has nothing in common with a text is not around it: a word that no paper has stays alone.
        near = np.take_along_axis(scores, best, axis=1) > 0
        shares = np.where(near, np.float32(1 / most), np.float32(0)).ravel()
        ends = np.arange(0, best.size + 1, most)
        return sp.csr_array((shares, best.ravel(), ends), shape=scores.shape)

    def _mixed(self, shares: Matrix) -> Points:
        """Means of the archive's papers as points."""
        references = self.space.references
        count = shares.shape[0]
        if references is None:
            return self._nothing(count)
        empty = sp.csr_array((count, max(1, len(self._author))), dtype=np.float32)
        return Points(
            tfidf=sp.csr_array(shares @ references.tfidf)[:, self.columns],
            near=np.asarray(shares @ references.near, np.float32),
            places=np.zeros((count, self.space.dimensions), np.float32),
            categories=sp.csr_array(shares @ self._reference_categories()),
            authors=empty,
            meaning=self._unmeant(count),
        )

    def _nothing(self, count: int) -> Points:
        zeros = np.zeros((count, self.space.dimensions), np.float32)
        return Points(
            tfidf=sp.csr_array((count, len(self.columns)), dtype=np.float32),
            near=zeros,
            places=zeros,
            categories=_marked([()] * count, self._category),
            authors=_marked([()] * count, self._author),
            meaning=self._unmeant(count),
        )

    def _unmeant(self, count: int) -> np.ndarray:
        """Nothing of what an embedder would say."""
        return np.zeros((count, self.points.meaning.shape[1]), np.float32)

    def _reference_categories(self) -> Matrix:
        if self._around is None:
            references = self.space.references
            held = [] if references is None else references.categories
            shares = [1 / max(1, len(each)) ** 0.5 for each in held]
            self._around = _marked(held, self._category, shares)
        return self._around


@dataclass(slots=True, eq=False)
class Shelf:
    """Points by name, more being added as they are asked for."""

    row: dict[str, int]
    points: Points

    def only(self, names: Sequence[str]) -> Points:
        """The points of these names, in their order."""
        return taken(self.points, [self.row[name] for name in names])


def stacked(*points: Points) -> Points:
    """Points under each other."""
    return Points(
        tfidf=sp.csr_array(sp.vstack([each.tfidf for each in points])),
        near=np.concatenate([each.near for each in points]),
        places=np.concatenate([each.places for each in points]),
        categories=sp.csr_array(sp.vstack([each.categories for each in points])),
        authors=sp.csr_array(sp.vstack([each.authors for each in points])),
        meaning=np.concatenate([each.meaning for each in points]),
    )


def taken(points: Points, rows: Sequence[int]) -> Points:
    """Some of the rows."""
    chosen = np.array(rows, int)
    return Points(
        tfidf=points.tfidf[chosen],
        near=points.near[chosen],
        places=points.places[chosen],
        categories=points.categories[chosen],
        authors=points.authors[chosen],
        meaning=points.meaning[chosen],
    )


def _none(count: int) -> np.ndarray:
    return np.zeros((count, 0), np.float32)


def _numbered(names: Iterable[str]) -> dict[str, int]:
    return {name: at for at, name in enumerate(dict.fromkeys(names))}


def _marked(
    held: Iterable[Iterable[str]],
    column: Mapping[str, int],
    values: Sequence[float] | None = None,
) -> Matrix:
    """Which names each row holds (rows × names); names that no paper of the edition has are left out."""
    rows = []
    for row, names in enumerate(held):
        columns = np.array(sorted({column[n] for n in names if n in column}), np.int32)
        value = 1.0 if values is None else values[row]
        rows.append((columns, np.full(len(columns), value, np.float32)))
    return rows_of(rows, max(1, len(column)))


def _newer_first(paper: Paper) -> tuple[float, str]:
    return (-paper.published.timestamp() if paper.published else 0.0, paper.id)
