"""Interests among someone's likes that are few and lie apart, which the mean of all would drown.

Whoever likes twenty papers on one thing and four on another hardly ever sees the other: in what they
like on the whole it counts a sixth. Scores stay as they are, since the mean ranks real people's
libraries better than any split of them does; such an interest gets a place in the list (see
`arranging` and docs/ranking.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST_LIKES = 4
FEWEST_OF_ONE = 2
NEWEST = 256
SHARE = 1 / 8
MOST = 3
ALIKE = 0.1
COHERENT = 0.2


def find(near: np.ndarray, weights: Sequence[float]) -> list[list[int]]:
    """Which likes make interests of their own beside the main one: their rows, the heaviest first.

    `near` (likes × dimensions, the newest first) are directions of length 1 or 0, `weights` what each
    like counts. Likes form groups by average linkage (R. Sokal and C. Michener, 1958) as long as
    their mean cosine is 0.1; an interest is one of two likes or more with a mean cosine of 0.2 among
    them, and an eighth of the weight. The main one is the heaviest, or what is left beside them if that
    is heavier; of the others there are three at most. Of more than 256 likes the newest count.
    """
    near, counted = near[:NEWEST], np.asarray(weights, float)[:NEWEST]
    if len(near) < FEWEST_LIKES:
        return []
    cosines = near.astype(float) @ near.T
    if cosines.min() >= ALIKE:
        return []  # they would all be one group
    counted = counted / counted.sum()
    found = [
        (float(counted[rows].sum()), rows.tolist())
        for rows in _groups(cosines)
        if len(rows) >= FEWEST_OF_ONE
        and counted[rows].sum() >= SHARE
        and _mean(cosines[np.ix_(rows, rows)]) >= COHERENT
    ]
    found.sort(key=lambda each: (-each[0], each[1]))
    left = 1 - sum(weight for weight, _ in found)
    main = bool(found) and found[0][0] >= left
    return [rows for _, rows in found[main:][:MOST]]


def _groups(cosines: np.ndarray) -> list[np.ndarray]:
    # Only learning needs it, as it does the rest of scikit-learn's and scipy's machinery.
    from scipy.cluster.hierarchy import fcluster, linkage  # noqa: PLC0415
    from scipy.spatial.distance import squareform  # noqa: PLC0415

    distances = np.maximum(1 - cosines, 0)
    np.fill_diagonal(distances, 0)
    tree = linkage(squareform(distances, checks=False), "average")
    group_of = fcluster(tree, 1 - ALIKE, "distance")
    return [np.flatnonzero(group_of == group) for group in range(1, group_of.max() + 1)]


def _mean(cosines: np.ndarray) -> float:
    """The mean cosine of different rows."""
    count = len(cosines)
    return float((cosines.sum() - np.trace(cosines)) / (count * (count - 1)))
