"""Finds smaller interests among someone's likes, which the mean of all likes would drown.

Someone who likes twenty papers on one subject and four on another would hardly ever see the second,
which makes only a sixth of the mean. Such an interest gets a place in the list instead (see
`arranging` and docs/ranking.md). Scores stay as they are: on real libraries, the mean ranks better
than any split of it.
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
    """The smaller interests: the rows of the likes in each, heaviest first, three at most.

    `near` (likes × dimensions, newest first) holds directions of length 1 or 0, `weights` what each
    like counts. Only the newest 256 likes count. They are clustered by average linkage (R. Sokal and
    C. Michener, 1958) down to a mean cosine of 0.1. A cluster is an interest if it has two likes, a
    mean cosine of 0.2 and an eighth of the weight. The heaviest is the main interest and left out,
    unless the likes in no interest weigh more.
    """
    near, counted = near[:NEWEST], np.asarray(weights, float)[:NEWEST]
    if len(near) < FEWEST_LIKES:
        return []
    cosines = near.astype(float) @ near.T
    if cosines.min() >= ALIKE:
        return []  # they would all be one cluster
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
    # Imported here because only learning needs it.
    from scipy.cluster.hierarchy import fcluster, linkage  # noqa: PLC0415
    from scipy.spatial.distance import squareform  # noqa: PLC0415

    distances = np.maximum(1 - cosines, 0)
    np.fill_diagonal(distances, 0)
    tree = linkage(squareform(distances, checks=False), "average")
    group_of = fcluster(tree, 1 - ALIKE, "distance")
    return [np.flatnonzero(group_of == group) for group in range(1, group_of.max() + 1)]


def _mean(cosines: np.ndarray) -> float:
    """The mean cosine between different rows."""
    count = len(cosines)
    return float((cosines.sum() - np.trace(cosines)) / (count * (count - 1)))
