"""What people like and dislike, and what they type, as directions in the space.

All of it is linear: a profile becomes one vector in each view of the space, and its score for a
paper is a sum of products, so that a block of people is a few matrix products, and every word
of a paper has its own part in the sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from digest.model import InterestKind, ReasonKind
from digest.ranking.features import Views
from digest.ranking.sparse import scaled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from digest.model import Interest, Paper
    from digest.ranking.features import Features, Points, Shelf
    from digest.ranking.space import Matrix, Space

AT_ONCE = 32
HALF_LIFE_SECONDS = 365 * 86_400.0
MOST_WORDS = 3
MOST_TELLING = 12
_SAY_NOTHING = frozenset({"com", "doi", "github", "html", "http", "https", "io", "org", "www"})
TINY = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Directions:
    """Where each of some profiles (or phrases) looks, a row each, what views are worth included.

    `sparse` is over the terms of the space, the categories and the authors of the edition, side by
    side; `dense` over near directions, places and meanings.
    """

    sparse: Matrix
    dense: np.ndarray

    def amounts(self, features: Features) -> np.ndarray:
        """What each paper gets from each row (rows × papers, float32).

        Rows are made dense by the dozen: then a product with the papers' few words runs at the
        speed of memory, several times faster than one of two sparse matrices.
        """
        found = self.dense @ dense_of(features.points).T
        for start in range(0, len(found), AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            held = self.sparse[rows].tocoo()
            looking = np.zeros((held.shape[1], held.shape[0]), np.float32)
            looking[held.col, held.row] = held.data
            found[rows] += (features.sparse @ looking).T
        return np.asarray(found, np.float32)

    def words(
        self, features: Features, rows: np.ndarray, papers: np.ndarray
    ) -> list[tuple[str, ...]]:
        """The words that make the most of what each of these papers gets from the row beside it."""
        if not len(rows):
            return []
        both = self.sparse[rows].multiply(features.sparse[papers]).tocsr()
        return [
            _telling(features.terms, both.indices[start:end], both.data[start:end])
            for start, end in pairwise(both.indptr)
        ]

    def parts(self, features: Features, row: int, paper: int) -> list[tuple[str, float]]:
        """What each word, category and author of a paper adds to a row's amount; they sum to it.

        A word's part is what it adds by itself and by where it draws the paper in the low-rank
        space. What an embedder adds is said of no word.
        """
        points, space = features.points, features.space
        near, places, meaning = np.split(self.dense[row], [space.dimensions, 2 * space.dimensions])
        length = float(np.linalg.norm(points.places[paper])) or 1.0
        drawn = space.axes @ (near / length + places)
        held, own = features.sparse[[paper]], self.sparse[[row]].toarray()[0]
        names = [*features.terms, *features.categories, *features.authors]
        found = []
        for column, value in zip(held.indices.tolist(), held.data.tolist(), strict=True):
            part = own[column]
            if column < len(features.terms):
                at = features.columns[column]
                part += drawn[at] if at < len(drawn) else 0.0
            found.append((names[column], float(value * part)))
        if len(meaning):
            found.append(("its meaning", float(meaning @ points.meaning[paper])))
        return sorted((each for each in found if each[1]), key=lambda pair: -abs(pair[1]))


def dense_of(points: Points) -> np.ndarray:
    """The dense views of points side by side."""
    return np.hstack([points.near, points.places, points.meaning])


def _telling(terms: Sequence[str], columns: np.ndarray, values: np.ndarray) -> tuple[str, ...]:
    """Up to three of the terms with the largest values, none part of another."""
    found: list[str] = []
    used = set(_SAY_NOTHING)
    for at in np.argsort(-values)[:MOST_TELLING].tolist():
        if values[at] <= 0 or len(found) == MOST_WORDS:
            break
        if columns[at] >= len(terms):
            continue
        term = terms[columns[at]]
        words = term.split()
        if used.isdisjoint(words):
            used.update(words)
            found.append(term)
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tastes:
    """The liked (or disliked) papers of a block.

    `shelf` holds where they lie by the id that profiles use, `held` the ids of each profile's
    own, `directions` where each profile looks.
    """

    kind: ReasonKind
    shelf: Shelf
    held: Sequence[Sequence[str]]
    directions: Directions
    views: Views

    def nearest(self, features: Features, profile: int, rows: np.ndarray) -> list[str]:
        """For each of these papers the one of the profile's own that is most like it."""
        names = self.held[profile]
        if len(names) == 1:
            return [names[0]] * len(rows)
        own, papers = self.shelf.only(names), features.points
        alike = self.views.near * (own.near @ papers.near[rows].T)
        alike += (own.tfidf @ papers.tfidf[rows].T).toarray()
        return [names[each] for each in alike.argmax(axis=0).tolist()]


def tastes(
    kind: InterestKind,
    held: Sequence[Sequence[Interest]],
    features: Features,
    views: Views,
    *,
    known: Mapping[str, Paper],
) -> Tastes:
    """Likes or dislikes of a block as directions: `held` are those of each profile that we have.

    A profile looks to the mean of what it likes, the newer counting more (half after a year).
    The more it likes, the more what is common to all papers is taken out of that mean (see
    `_whitened`), and the less what lies around each liked paper, and what people like who like
    it, is put in.
    """
    counts = np.array([len(each) for each in held])
    named = {each.value: known[each.value] for interests in held for each in interests}
    shelf = features.liked(named)
    shares = _shares(held, shelf)
    sureness = 1 + views.sureness * counts / (counts + views.sure_by)
    looking = [_looking(shares, shelf.points, views, words=sureness)]
    looking.append(_whitened(shares, counts, shelf.points, features.space, views, sureness))
    few = [each if len(each) <= views.most_rounded else () for each in held]
    rounded = {each.value: known[each.value] for interests in few for each in interests}
    if rounded and features.space.references is not None:
        for more, worth in (
            (features.around(rounded), views.around_a_like / (counts + 1)),
            (features.companions(rounded), views.companions / (counts + views.companions_to)),
        ):
            looking.append(_looking(scaled(_shares(few, more), worth), more.points, views))
    sure = certainty(counts)
    total = _summed(looking)
    return Tastes(
        kind=ReasonKind(str(kind)),
        shelf=shelf,
        held=[[each.value for each in interests] for interests in held],
        directions=Directions(sparse=scaled(total.sparse, sure), dense=total.dense * _column(sure)),
        views=views,
    )


def certainty(likes: np.ndarray) -> np.ndarray:
    """How much of what cosines seem to say is true of a person, by how many likes are known.

    One like tells a third of what thirty tell: the slope of a logistic regression of what people
    took on these scores, fitted to the reading lists (see docs/ranking.md).
    """
    return np.asarray((likes + 0.7) / (likes + 4))


def typed(names: Sequence[str], features: Features, views: Views) -> Directions:
    """Where typed words look, a row each: to the words, and to what the archive has around them."""
    each = sp.csr_array(sp.eye_array(len(names), dtype=np.float32))
    own = scaled(each, np.full(len(names), views.words_typed))
    looking = [_looking(own, features.phrases(names), views)]
    if features.space.references is not None:
        around = scaled(each, np.full(len(names), views.around_words))
        looking.append(_looking(around, features.around_phrases(names), views))
    return _summed(looking)


def _shares(held: Sequence[Sequence[Interest]], shelf: Shelf) -> Matrix:
    """What part of each profile each paper makes (profiles × shelf, float32): rows of sum 1 or 0."""
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    for row, interests in enumerate(held):
        if not interests:
            continue
        newest = max(each.added_at for each in interests)
        weights = [
            each.weight * 0.5 ** ((newest - each.added_at).total_seconds() / HALF_LIFE_SECONDS)
            for each in interests
        ]
        total = sum(weights)
        rows += [row] * len(interests)
        columns += [shelf.row[each.value] for each in interests]
        values += [weight / total for weight in weights]
    return sp.csr_array(
        (np.array(values, np.float32), (np.array(rows, int), np.array(columns, int))),
        shape=(len(held), len(shelf.row)),
    )


def _looking(
    shares: Matrix, points: Points, views: Views, *, words: np.ndarray | None = None
) -> Directions:
    """Weighted means of points, each view times what it is worth; words also times `words`."""
    tfidf = sp.csr_array(shares @ points.tfidf)
    return Directions(
        sparse=sp.csr_array(
            sp.hstack(
                [
                    tfidf if words is None else scaled(tfidf, words),
                    np.float32(views.category) * (shares @ points.categories),
                    np.float32(views.author) * (shares.sign() @ points.authors).sign(),
                ]
            )
        ),
        dense=np.hstack(
            [
                views.near * (shares @ points.near),
                np.zeros((shares.shape[0], points.places.shape[1]), np.float32),
                views.meaning * (shares @ points.meaning),
            ]
        ).astype(np.float32),
    )


def _whitened(
    shares: Matrix,
    counts: np.ndarray,
    points: Points,
    space: Space,
    views: Views,
    sureness: np.ndarray,
) -> Directions:
    """What to take away along each axis of the space, where all papers vary anyway.

    The direction that tells likes from all papers best, when both are spread as papers are, is
    (Σ + λI)⁻¹ times the mean of the likes (R. Fisher's linear discriminant, 1936). Σ is diagonal
    on the axes of the space; what is outside of them keeps its words. λ is ten mean variances for
    one like and falls as 1/n: the mean of many is sure enough to be told from the crowd.
    """
    level = views.whitening / _column(np.maximum(counts, 1))
    if space.dimensions:
        level = level * space.variance.mean()
    common = space.variance / (space.variance + level)
    taken = -(shares @ points.places) * common / np.maximum(space.stretch, TINY) ** 2
    taken *= _column(sureness)
    nothing = np.zeros((len(taken), points.near.shape[1]), np.float32)
    meaning = np.zeros((len(taken), points.meaning.shape[1]), np.float32)
    width = sum(each.shape[1] for each in (points.tfidf, points.categories, points.authors))
    return Directions(
        sparse=sp.csr_array((len(taken), width), dtype=np.float32),
        dense=np.hstack([nothing, taken, meaning]).astype(np.float32),
    )


def _summed(looking: Sequence[Directions]) -> Directions:
    first, *others = looking
    sparse, dense = first.sparse, first.dense
    for each in others:
        sparse = sp.csr_array(sparse + each.sparse) if each.sparse.nnz else sparse
        dense = dense + each.dense
    return Directions(sparse=sparse, dense=dense)


def _column(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float32)[:, None]
