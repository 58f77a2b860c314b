"""Turns scores into lists: which papers each profile of a block is shown, and in which order.

A row or column number of a paper is its position in the edition's `Features`. `duplicates` (papers)
is the near-duplicate group of each paper, as `selecting.near_duplicates` gives it.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from digest.model import POSITIVE, InterestKind, ReasonKind
from digest.ranking import placing, selecting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digest.ranking.sheet import Sheet

MOST_ARRANGED = 3
FEWEST_ARRANGED = 30
MOST_SHARES = 8
_LIKE = InterestKind.LIKE


def lists(
    sheet: Sheet, barred: np.ndarray, duplicates: np.ndarray, *, cap: int, explore: bool
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each profile's papers: those shown in full, and the other matches, at most `cap` together.

    The matches with the best scores come first, chosen so that every interest has its share (see
    `selecting.arrange`) and only one of several near-duplicates is shown. In lists of five or more,
    the last places go to up to two smaller interests among someone's likes that have no paper yet,
    and with `explore` to a paper beside all interests, if it reaches the reader's floor. Then each
    followed interest without a paper gets its best one (see `placing`). `barred` papers (profiles ×
    papers) are in no list.
    """
    lists = [_best(sheet, row, cap) for row in range(len(sheet.block))]
    shown = _shared_out(sheet, lists, duplicates)
    shown = placing.for_smaller_interests(sheet, shown, duplicates, left_free=int(explore))
    if explore:
        shown = placing.to_explore(sheet, barred, shown, duplicates)
    shown = placing.for_followed(sheet, shown, duplicates)
    return [
        (first[:cap], placing.without(found, first, len(duplicates))[: max(cap - len(first), 0)])
        for first, found in zip(shown, lists, strict=True)
    ]


def fill_with_voted(sheet: Sheet, barred: np.ndarray, duplicates: np.ndarray) -> None:
    """Fill free places with papers that have votes, for profiles that only like papers, and few.

    Without any interest, one is shown what has votes; a first like would leave next to nothing of
    that. So with n known likes, a share of 1 - n/20 of the places may still be filled this way. Only
    one of several near-duplicates is let in. Profiles with a floor get none.
    """
    everybody = sheet.community.voted + sheet.community.picked
    best = np.argsort(-everybody, kind="stable")
    best = best[everybody[best] > 0]
    most = sheet.weights.views.most_rounded
    for row, profile in enumerate(sheet.block):
        if profile.floor > 0 or {each for each in POSITIVE if profile.of(each)} != {_LIKE}:
            continue
        places = ceil(profile.limit * (1 - sheet.likes[row] / most))
        if places <= 0:
            continue
        matched = sheet.matched[row]
        places = max(places - len(np.unique(duplicates[matched])), 0)
        free = best[
            ~matched[best] & ~barred[row, best] & ~np.isin(duplicates[best], duplicates[matched])
        ]
        matched[placing.distinct(free, duplicates)[:places]] = True


def _best(sheet: Sheet, profile: int, cap: int) -> np.ndarray:
    """The `cap` matches with the highest scores; equal ones in the edition's order."""
    rows = np.flatnonzero(sheet.matched[profile])
    scores = sheet.scores[profile, rows]
    if len(rows) > cap:
        least = np.partition(scores, -cap)[-cap]
        rows, scores = rows[scores >= least], scores[scores >= least]
    return np.asarray(rows[np.argsort(-scores, kind="stable")][:cap])


def _shared_out(
    sheet: Sheet, lists: Sequence[np.ndarray], duplicates: np.ndarray
) -> list[np.ndarray]:
    """What each profile is shown, with places shared among its interests (see `selecting.arrange`).

    Papers below the reader's floor take no part: they only fill the end of the list, and composing
    drops them.
    """
    block = sheet.block
    shown = np.array([each.limit for each in block])
    top, there = placing.table(_pooled(sheet, lists))
    scores = np.where(there, np.take_along_axis(sheet.scores, top, axis=1), -np.inf)
    # An empty place gets a group of its own, or it would count as a duplicate of the first paper.
    groups = np.where(there, duplicates[top], -1 - np.arange(top.shape[1]))
    chosen = selecting.arrange(scores, groups, _interests(sheet, top, there), shown)
    found = [papers[of] for papers, of in zip(top, chosen, strict=True)]
    for row in range(len(block)):
        if len(found[row]) < block[row].limit:
            behind = placing.without(lists[row], found[row], len(duplicates))
            behind = behind[~np.isin(duplicates[behind], duplicates[found[row]])]
            behind = placing.distinct(behind, duplicates)
            full = np.concatenate([found[row], behind])[: block[row].limit]
            found[row] = full[np.argsort(-sheet.scores[row, full], kind="stable")]
    return found


def _pooled(sheet: Sheet, lists: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
    """The papers among which each profile's places are shared out, best first.

    They are the best overall, and the best of each topic that has few among those: by score alone, a
    topic with hundreds of equal papers would crowd out a small one.
    """
    pools: list[np.ndarray] = []
    wanted: list[int] = []
    for row, (each, found) in enumerate(zip(sheet.block, lists, strict=True)):
        above = int(np.count_nonzero(sheet.scores[row, found] >= sheet.least[row]))
        # How many depends on the profile alone, not on who else is in the block.
        count = max(FEWEST_ARRANGED, MOST_ARRANGED * each.limit)
        pools.append(found[: min(above, count)])
        wanted.append(max(each.limit // 2, 1) if above > count else 0)
    more: dict[int, list[np.ndarray]] = {}
    topics = [each for each in sheet.evidence if each.kind is ReasonKind.TOPIC]
    for profile, papers in placing.lacking(sheet, topics, pools, np.array(wanted)):
        more.setdefault(profile, []).append(
            placing.highest(sheet, profile, papers, wanted[profile])
        )
    for profile, of_topics in more.items():
        own, pool = np.unique(np.concatenate(of_topics)), pools[profile]
        best = pool[: max(sheet.block[profile].limit, len(pool) - len(own))]
        papers = np.unique(np.concatenate([best, own]))
        pools[profile] = papers[np.argsort(-sheet.scores[profile, papers], kind="stable")]
    return pools


def _interests(sheet: Sheet, top: np.ndarray, there: np.ndarray) -> np.ndarray:
    """The share of each score that each interest made (profiles × K × 8), strongest interests first."""
    rows = np.arange(len(top))[:, None]
    lengths = there.sum(axis=1)
    found = [np.maximum(sheet.liking[rows, top], 0)[:, :, None]]
    for each in sheet.evidence:
        part = np.zeros((*top.shape, MOST_SHARES), np.float32)
        for row in range(len(top)):
            made = [
                np.maximum(weight * each.values[name, top[row, : lengths[row]]], 0)
                for name, weight in each.held_by(row)
            ]
            if len(made) > MOST_SHARES:
                made.sort(key=np.sum, reverse=True)
            for place, amounts in enumerate(made[:MOST_SHARES]):
                part[row, : lengths[row], place] = amounts
        found.append(part)
    amounts = np.concatenate(found, axis=2) * there[:, :, None]
    strongest = np.argsort(-amounts.sum(axis=1), axis=1)[:, None, :MOST_SHARES]
    amounts = np.take_along_axis(amounts, strongest, axis=2)
    return np.asarray(amounts / np.maximum(amounts.sum(axis=2, keepdims=True), 1e-9))
