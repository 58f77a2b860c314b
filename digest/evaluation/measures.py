"""Computes how good a ranking is (nDCG, recall, MRR), and bootstrap intervals.

Relevance is binary. Values are averaged over a person's days, then over people. Intervals hold 95 %
of 2,000 bootstrap resamples over clusters of people who are not independent, such as those whose
lists come from one source. The random seed is fixed, so results are reproducible and two rankers
are compared on the same draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

MEASURES = ("nDCG@10", "nDCG@20", "R@20", "R@50", "R@100", "MRR")
GAINED_WITHIN = (10, 20)
RECALLED_WITHIN = (20, 50, 100)
RESAMPLES = 2_000
SEED = 0
INTERVAL = (2.5, 97.5)


def measured(ranking: Sequence[str], relevant: Collection[str]) -> np.ndarray:
    """The `MEASURES` of one ranking (float64), given at least one relevant paper.

    nDCG discounts by log₂(1 + rank), relative to the best order (K. Järvelin and J. Kekäläinen, ACM
    TOIS 20, 2002). Recall is the share of relevant papers within the first so many. MRR is one over
    the rank of the first. A repeated id counts only at its first place.
    """
    wanted = set(relevant)
    ranks = np.array(
        [rank for rank, each in enumerate(dict.fromkeys(ranking)) if each in wanted], int
    )
    discounts = 1 / np.log2(ranks + 2)
    ideal = np.cumsum(1 / np.log2(np.arange(max(GAINED_WITHIN)) + 2))
    gains = [
        discounts[ranks < most].sum() / ideal[min(most, len(wanted)) - 1] for most in GAINED_WITHIN
    ]
    recalls = [(ranks < most).sum() / len(wanted) for most in RECALLED_WITHIN]
    return np.array([*gains, *recalls, 1 / (ranks[0] + 1) if len(ranks) else 0.0])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimate:
    """Means with their intervals, one entry for each measure (float64)."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def resampled(values: np.ndarray, clusters: Sequence[str]) -> np.ndarray:
    """Means of bootstrap resamples (resamples × measures) of people's values (people × measures).

    Whole clusters are drawn with replacement; each mean is over the people in them.
    """
    names, belongs = np.unique(np.asarray(clusters, str), return_inverse=True)
    sums = np.zeros((len(names), values.shape[1]))
    np.add.at(sums, belongs, values)
    sizes = np.bincount(belongs)
    drawn = np.random.default_rng(SEED).integers(0, len(names), (RESAMPLES, len(names)))
    numbered = drawn + len(names) * np.arange(RESAMPLES)[:, None]
    times = np.bincount(numbered.ravel(), minlength=drawn.size).reshape(drawn.shape)
    return np.asarray((times @ sums) / (times @ sizes)[:, None])


def estimated(values: np.ndarray, clusters: Sequence[str]) -> Estimate:
    """The mean of people's values (people × measures), with its interval."""
    return interval(values.mean(axis=0), resampled(values, clusters))


def interval(mean: np.ndarray, draws: np.ndarray) -> Estimate:
    """A mean with the interval that its resamples (resamples × measures) give."""
    low, high = np.percentile(draws, INTERVAL, axis=0)
    return Estimate(mean=mean, low=low, high=high)
