"""Learns directions from likes, dislikes and typed words.

Everything is linear: a profile becomes one vector, and its score for a paper is their product. So a
block is scored by a few matrix products, and each word of a paper has its own part in a score. The
directions of likes do not depend on the edition, so they are kept until a reader says something new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from digest.ranking.directions import Directions, summed
from digest.ranking.points import AUTHORS, CATEGORIES, mixed, nothing, used
from digest.ranking.sparse import scaled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from digest.model import Interest, Paper
    from digest.ranking.point_cache import CachedPoints, PointCache, Views
    from digest.ranking.points import Points
    from digest.ranking.space import Space
    from digest.ranking.sparse import Matrix

HALF_LIFE_SECONDS = 365 * 86_400.0


def learned(
    held: Sequence[Sequence[Interest]],
    cache: PointCache,
    *,
    known: Mapping[str, Paper],
    worth: float,
) -> Directions:
    """Directions of the likes or dislikes of each profile; `held` has only papers in `known`.

    A direction is the weighted mean of the papers, where a like of a year earlier counts half. With
    few likes, the papers around each are mixed in. With many, more of what all papers have in common
    is taken out (see `_whitened`). `worth` is the worth of a cosine in log-odds.
    """
    views = cache.views
    counts = np.array([len(each) for each in held])
    named = {each.value: known[each.value] for interests in held for each in interests}
    cached = cache.liked(named)
    shares = _shares(held, cached)
    sureness = 1 + views.sureness * counts / (counts + views.sure_by)
    looking = [_looking(shares, cached.points, views, words=sureness)]
    looking.append(_whitened(shares, counts, cached.points, cache.space, views, sureness))
    few = [each if len(each) < views.most_rounded else () for each in held]
    rounded = {each.value: known[each.value] for interests in few for each in interests}
    if rounded and cache.space.references is not None:
        # It fades gradually, so that one more like never changes scores abruptly.
        fading = (1 - counts / views.most_rounded).clip(0)
        around = cache.around(rounded)
        shares_around = scaled(_shares(few, around), fading * views.around_a_like / (counts + 1))
        looking.append(_looking(shares_around, around.points, views))
    sure = worth * certainty(counts)
    total = summed(looking)
    return Directions(marks=scaled(total.marks, sure), dense=total.dense * _column(sure))


def certainty(likes: np.ndarray) -> np.ndarray:
    """The factor to trust cosines by, for each number of known likes.

    One like says a third of what thirty say. It is the slope of a logistic regression of what people
    chose on these scores, fitted to reading lists (see docs/ranking.md).
    """
    return np.asarray((likes + 0.7) / (likes + 4))


def weights_of(interests: Sequence[Interest]) -> list[float]:
    """The weight of each like: half of its own for every year that it is older than the newest."""
    newest = max(each.added_at for each in interests)
    return [
        each.weight * 0.5 ** ((newest - each.added_at).total_seconds() / HALF_LIFE_SECONDS)
        for each in interests
    ]


def typed(names: Sequence[str], cache: PointCache, *, worth: float) -> Directions:
    """Directions of typed phrases: the words themselves, and archive papers around them."""
    views = cache.views
    each = sp.csr_array(sp.eye_array(len(names), dtype=np.float32))
    own = scaled(each, np.full(len(names), worth * views.words_typed))
    looking = [_looking(own, cache.phrases(names), views)]
    if cache.space.references is not None:
        around = scaled(each, np.full(len(names), worth * views.around_words))
        looking.append(_looking(around, cache.around_phrases(names), views))
    return summed(looking)


def _shares(held: Sequence[Sequence[Interest]], cached: CachedPoints) -> Matrix:
    """The share of each paper in each profile (profiles × points, float32); rows sum to 1 or 0."""
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    for row, interests in enumerate(held):
        if not interests:
            continue
        weights = weights_of(interests)
        total = sum(weights)
        rows += [row] * len(interests)
        columns += [cached.row[each.value] for each in interests]
        values += [weight / total for weight in weights]
    return sp.csr_array(
        (np.array(values, np.float32), (np.array(rows, int), np.array(columns, int))),
        shape=(len(held), len(cached.points)),
    )


def _looking(
    shares: Matrix, points: Points, views: Views, *, words: np.ndarray | None = None
) -> Directions:
    """Weighted means of points, each view times its worth, and words also times `words`."""
    columns = used(points.marks)
    marks = mixed(shares, columns.only(points.marks), columns)
    worth = np.ones(len(marks.data), np.float32)
    if words is not None:
        worth = np.repeat(words.astype(np.float32), np.diff(marks.indptr))
    worth = np.where(marks.indices >= CATEGORIES, views.category, worth)
    marks.data *= np.where(marks.indices >= AUTHORS, views.author, worth)
    return Directions(
        marks=marks,
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
    """What to subtract along each axis of the space, where all papers vary anyway.

    The direction that best separates likes from all papers, if both have the covariance Σ, is
    (Σ + λI)⁻¹ times the mean of the likes (R. Fisher's linear discriminant, 1936). Σ is diagonal on
    the axes of the space, and words outside of them stay. λ is ten mean variances for one like and
    falls as 1/n, since the mean of many likes is known better.
    """
    level = views.whitening / _column(np.maximum(counts, 1))
    if space.dimensions:
        level = level * space.variance.mean()
    common = space.variance / (space.variance + level)
    away = -(shares @ points.places) * common / space.stretch**2
    empty = nothing(len(away), points.near.shape[1], points.meaning.shape[1])
    dense = np.hstack([empty.near, away * _column(sureness), empty.meaning])
    return Directions(marks=empty.marks, dense=dense.astype(np.float32))


def _column(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float32)[:, None]
