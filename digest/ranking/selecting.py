"""Chooses a list as a whole: collapses near-duplicates, shares places among interests, explores.

All functions work on a block at a time, with one row for each profile. They know nothing of papers
but their scores, and what these are made of.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from digest.ranking.sparse import Matrix

DIVERSITY = 0.3
BOUND = 1.0
# In five lists of 1,500 papers, the two pairs above it (0.82) are the same work twice; the next,
# up to 0.49, are parts of a series.
SAME = 0.6
COMMON = 50
SUSPECT = 1 / 3
BEGINNING = 0.1
FEWEST_TO_EXPLORE = 5

TINY = 1e-12
CHUNK = 512


def near_duplicates(tfidf: Matrix, *, same: float = SAME) -> np.ndarray:
    """The near-duplicate group of each paper: the row of the group's first paper.

    `tfidf` is papers × terms, rows of length 1 or less. A paper joins the first earlier paper that
    began a group and has a cosine of at least `same`; otherwise it begins a group. This depends on the
    edition alone, so it is done once for all profiles.
    """
    # Candidate pairs are found by rare words only, at a twentieth of the cost; all words decide.
    held = np.bincount(tfidf.indices, minlength=tfidf.shape[1])
    rare = sp.csr_array(tfidf, copy=True)
    rare.data[held[rare.indices] > COMMON] = 0
    rare.eliminate_zeros()
    by_term = rare.T.tocsr()
    count = tfidf.shape[0]
    groups, leads = np.arange(count), np.ones(count, bool)
    for start in range(0, count, CHUNK):
        found = (rare[start : start + CHUNK] @ by_term).tocoo()
        later, earlier = found.row + start, found.col
        near = (found.data >= SUSPECT * same) & (earlier < later)
        later, earlier = later[near], earlier[near]
        alike = np.asarray(tfidf[later].multiply(tfidf[earlier]).sum(axis=1)) >= same
        for one, other in sorted(zip(later[alike].tolist(), earlier[alike].tolist(), strict=True)):
            if leads[one] and leads[other]:
                groups[one], leads[one] = other, False
    return groups


def arrange(
    scores: np.ndarray,
    groups: np.ndarray,
    shares: np.ndarray,
    shown: np.ndarray,
    *,
    diversity: float = DIVERSITY,
    bound: float = BOUND,
) -> np.ndarray:
    """Which of each profile's best papers are shown (profiles × K, bool).

    `scores` (profiles × K) are log-odds, best first, -inf where there is no paper. `groups` (same
    shape) are near-duplicate groups. `shares` (profiles × K × interests) is the part of a score that
    each interest made, non-negative, with sums of at most 1. `shown` (profiles) is how many papers to
    show; K should be about three times that.

    Of near-duplicates only the best may be shown. The best paper comes first. Then places go one by
    one to the paper with the largest (1 - λ)·score - λ·KL(p‖q), but never to one whose score is more
    than `bound` below that of a paper passed over. λ is `diversity`, q the interests' parts in the
    list with that paper, and p the parts they should have (calibrated recommendations: H. Steck,
    RecSys 2018): in proportion to the square root of the odds of each interest's papers, so that a
    small interest is neither lost beside a large one nor its equal.

        top = np.argsort(-scores, axis=1, kind="stable")[:, :60]
        best = np.take_along_axis(scores, top, axis=1)
        chosen = arrange(best, near_duplicates(tfidf)[top], shares, shown)
        listed = [papers[of] for papers, of in zip(top, chosen)]
    """
    first = np.isfinite(scores) & ~_repeats(groups)
    count = np.minimum(shown, first.sum(axis=1))
    # Profiles that are shown most come first, so that each round fills the first so many rows.
    rows = np.argsort(-count, kind="stable")
    diversity = diversity if shares.shape[2] > 1 else 0
    state = _Lists(scores[rows], first[rows], shares[rows], diversity=diversity, bound=bound)
    for place in range(int(count.max(initial=0))):
        state.fill(int((count > place).sum()))
    chosen = np.zeros(first.shape, bool)
    chosen[rows] = state.chosen
    return chosen


class _Lists:
    """Lists that grow by one paper a round (see `arrange`)."""

    def __init__(
        self,
        scores: np.ndarray,
        free: np.ndarray,
        shares: np.ndarray,
        *,
        diversity: float,
        bound: float,
    ) -> None:
        self._scores = np.where(free, scores, -np.inf).astype(np.float32)
        self._bound, self._diversity = bound, diversity
        self._worth = np.float32(1 - diversity) * self._scores
        self.chosen = np.zeros_like(free)
        # Interests are the first axis, so that each is a contiguous array (profiles × papers).
        self._shares = np.ascontiguousarray(np.moveaxis(shares, 2, 0), np.float32)
        self._target = _targets(self._scores, self._shares)
        self._shown = np.zeros_like(self._target)
        # Every list starts with a tenth of a paper of the target mix: otherwise KL would be infinite
        # while an interest has no place.
        self._begins = self._shares + np.maximum(BEGINNING * self._target, TINY)[:, :, None]
        self._sums = self._begins.sum(axis=0)
        self._begun = False

    def fill(self, count: int) -> None:
        """Give one more place in each of the first `count` lists."""
        scores, worth = self._scores[:count], self._worth[:count]
        value = worth
        if self._diversity and self._begun:
            value = worth + np.float32(self._diversity) * self._likeness(count)
        least = scores.max(axis=1, keepdims=True) - self._bound
        best = np.where(scores >= least, value, -np.inf).argmax(axis=1)
        rows = np.arange(count)
        self.chosen[rows, best] = True
        self._shown[:, :count] += self._shares[:, rows, best]
        scores[rows, best] = -np.inf
        self._begun = True

    def _likeness(self, count: int) -> np.ndarray:
        """-KL(p‖q) with each paper added, up to a constant for each profile."""
        totals = self._sums[:count] + self._shown[:, :count].sum(axis=0)[:, None]
        found: np.ndarray = -np.log(totals)
        part = np.empty_like(found)
        for share, shown, target in zip(self._begins, self._shown, self._target, strict=True):
            np.add(share[:count], shown[:count, None], out=part)
            np.log(part, out=part)
            part *= target[:count, None]
            found += part
        return found


def _repeats(groups: np.ndarray) -> np.ndarray:
    """Which places hold a paper with a near-duplicate before it (profiles × K, bool)."""
    order = np.argsort(groups, axis=1, kind="stable")
    ordered = np.take_along_axis(groups, order, axis=1)
    repeated = np.zeros(groups.shape, bool)
    np.put_along_axis(repeated, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
    return repeated


def _targets(scores: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The part of the list that each interest should have (interests × profiles, sums of 1 or 0)."""
    best = scores.max(axis=1, initial=-np.inf, keepdims=True)
    odds = np.exp(scores - np.where(np.isfinite(best), best, 0))
    mass = np.sqrt(np.einsum("pk,ipk->ip", odds, shares))
    return np.asarray(mass / np.maximum(mass.sum(axis=0), TINY), np.float32)


def exploring(
    nearness: np.ndarray, heat: np.ndarray, outside: np.ndarray, shown: np.ndarray
) -> np.ndarray:
    """The paper to explore for each profile, as its column; -1 if there is none or `shown` is below 5.

    `nearness` (profiles × papers) is how similar each paper is to what somebody likes, above 0 for
    what may be explored. `heat` (papers) is its popularity, 0 to 1. `outside` (profiles × papers)
    marks papers that match no interest and may be shown. `shown` (profiles) is how many are shown.
    The nearest paper is chosen, with popularity worth up to as much again; the first of equals.
    """
    if not nearness.shape[1]:
        return np.full(len(nearness), -1)
    worth = np.where(outside, nearness, 0)
    worth *= 1 + heat.astype(worth.dtype)
    found = worth.argmax(axis=1)
    there = (worth[np.arange(len(found)), found] > 0) & (shown >= FEWEST_TO_EXPLORE)
    return np.where(there, found, -1)
