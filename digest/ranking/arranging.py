"""From scores to lists: which papers each of a block is shown, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digest.model import ReasonKind, score_of
from digest.ranking import selecting
from digest.ranking.selecting import FEWEST_TO_EXPLORE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digest.ranking.sheet import Sheet

MOST_ARRANGED = 3
FEWEST_ARRANGED = 30
MOST_SHARES = 8
MOST_PLACED = 2
BESIDE = 0.5


def listed(
    sheet: Sheet, barred: np.ndarray, twins: np.ndarray, *, cap: int, floor: float, explore: bool
) -> list[np.ndarray]:
    """Each profile's papers (rows of the edition) in order, at most `cap`, those it is shown first.

    Of what matched the best come first, near-duplicates and interests seen to (see
    `selecting.arrange`; `twins` are groups of near-duplicates). The last places that are shown go to
    those of the smaller interests among someone's likes that have no paper yet (two at most, of
    five places or more), and with `explore` to what lies beside all interests, as far as it comes to
    the reader's own floor. What is `barred` (profiles × papers) is in no list. Writes down in the sheet
    what was placed so.
    """
    lists = [_best(sheet, row, cap) for row in range(len(sheet.block))]
    lists = _shared_out(sheet, lists, twins)
    lists = _represented(sheet, lists, floor=floor, left_free=int(explore))
    if explore:
        lists = _with_beside(sheet, barred, lists)
    return [each[:cap] for each in lists]


def _best(sheet: Sheet, profile: int, cap: int) -> np.ndarray:
    """The rows of the highest scores among what matched; of equals the newer comes first."""
    rows = np.flatnonzero(sheet.matched[profile])
    scores = sheet.scores[profile, rows]
    if len(rows) > cap:
        least = np.partition(scores, -cap)[-cap]
        rows, scores = rows[scores >= least], scores[scores >= least]
    return np.asarray(rows[np.argsort(-scores, kind="stable")][:cap])


def _shared_out(sheet: Sheet, lists: Sequence[np.ndarray], twins: np.ndarray) -> list[np.ndarray]:
    """Each profile's list with its first places shared out (see `selecting.arrange`).

    Papers below the reader's floor stay behind: none of them is shown, whatever its place.
    """
    block = sheet.block
    shown = np.array([each.limit for each in block])
    # Each one's own, whoever else is in the block.
    counts = [
        min(_above(sheet, row, lists[row]), max(FEWEST_ARRANGED, MOST_ARRANGED * each.limit))
        for row, each in enumerate(block)
    ]
    top = np.zeros((len(block), max(counts, default=0)), int)
    scores = np.full(top.shape, -np.inf, np.float32)
    for row, (found, count) in enumerate(zip(lists, counts, strict=True)):
        top[row, :count] = found[:count]
        scores[row, :count] = sheet.scores[row, found[:count]]
    there = np.isfinite(scores)
    # A place without a paper is a group of its own, or it would be a duplicate of the first paper.
    groups = np.where(there, twins[top], -1 - np.arange(top.shape[1]))
    shares = _interests(sheet, top, there)
    order = selecting.arrange(scores, groups, shares, shown)
    arranged = np.take_along_axis(top, order, axis=1)
    return [
        np.concatenate([arranged[row, :count], found[count:]])
        for row, (found, count) in enumerate(zip(lists, counts, strict=True))
    ]


def _interests(sheet: Sheet, top: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Which part of a score each interest made (profiles × K × 8), the strongest interests first."""
    rows = np.arange(len(top))[:, None]
    liking, _ = sheet.near
    found = [np.maximum(liking[rows, top], 0)[:, :, None]]
    for each in sheet.evidence:
        part = np.zeros((*top.shape, MOST_SHARES), np.float32)
        for row in range(len(top)):
            made = [
                np.maximum(weight * each.values[name, top[row]], 0)
                for name, weight in each.held_by(row)
            ]
            if len(made) > MOST_SHARES:
                made.sort(key=np.sum, reverse=True)
            for place, amounts in enumerate(made[:MOST_SHARES]):
                part[row, :, place] = amounts
        found.append(part)
    amounts = np.concatenate(found, axis=2) * there[:, :, None]
    strongest = np.argsort(-amounts.sum(axis=1), axis=1)[:, None, :MOST_SHARES]
    amounts = np.take_along_axis(amounts, strongest, axis=2)
    return np.asarray(amounts / np.maximum(amounts.sum(axis=2, keepdims=True), 1e-9))


def _represented(
    sheet: Sheet, lists: Sequence[np.ndarray], *, floor: float, left_free: int
) -> list[np.ndarray]:
    """The lists with the last places but `left_free` given to smaller interests that have none.

    One has none where no paper that is shown would come to `floor` by it alone; it gets the
    best of those that do.
    """
    found = list(lists)
    minors = sheet.minors
    liking, _ = sheet.near
    for profile in np.unique(minors.rows).tolist():
        last = sheet.block[profile].limit - left_free
        if last + left_free < FEWEST_TO_EXPLORE:
            continue
        least, scores = _least(sheet, profile), sheet.scores[profile]
        shown = [each for each in found[profile][:last].tolist() if scores[each] >= least]
        placed: dict[int, int] = {}
        for minor in np.flatnonzero(minors.rows == profile).tolist():
            amounts = np.where(sheet.matched[profile], minors.amounts[minor], -np.inf)
            seen = amounts[[*shown, *placed]].max(initial=-np.inf)
            amounts[scores - liking[profile] + minors.amounts[minor] < least] = -np.inf
            best = int(amounts.argmax())
            if len(placed) < MOST_PLACED and seen < floor <= amounts[best]:
                placed[best] = minor
        if placed:
            others = found[profile][~np.isin(found[profile], list(placed))]
            found[profile] = np.insert(others, min(len(others), last - len(placed)), list(placed))
            sheet.placed[profile] = placed
    return found


def _with_beside(sheet: Sheet, barred: np.ndarray, lists: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The lists with the last place that is shown given to a paper that matches nothing."""
    nearness = sum(np.maximum(each, 0) for each in sheet.near)
    for taste in sheet.tastes:
        if taste.kind is ReasonKind.DISLIKE:
            nearness[taste.rows] += np.minimum(taste.amounts, 0)
    outside = ~sheet.matched & ~barred & (nearness > BESIDE)
    for row, profile in enumerate(sheet.block):
        if profile.floor > 0:
            outside[row] &= sheet.scores[row] >= _least(sheet, row)
    shown = np.array([each.limit for each in sheet.block])
    found = selecting.exploring(nearness, sheet.community.heat, outside, shown).tolist()
    sheet.explored.update((row, paper) for row, paper in enumerate(found) if paper >= 0)
    return [
        np.insert(each, min(len(each), profile.limit - 1), paper) if paper >= 0 else each
        for profile, each, paper in zip(sheet.block, lists, found, strict=True)
    ]


def _above(sheet: Sheet, profile: int, found: np.ndarray) -> int:
    """How many of these papers are not below the reader's floor."""
    if sheet.block[profile].floor <= 0:
        return len(found)
    return int(np.count_nonzero(sheet.scores[profile, found] >= _least(sheet, profile)))


def _least(sheet: Sheet, profile: int) -> float:
    """The least score of a paper that is not below the reader's floor."""
    return score_of(sheet.block[profile].floor) / float(sheet.trust[profile])
