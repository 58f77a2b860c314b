"""Gives places in a list to what would have none: smaller interests, exploring, what is followed.

Papers, profiles and `duplicates` are as in `arranging`, which fills the lists first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digest.model import ReasonKind
from digest.ranking import selecting
from digest.ranking.selecting import FEWEST_TO_EXPLORE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from digest.ranking.profiles import Evidence
    from digest.ranking.sheet import Sheet

MOST_PLACED = 2
BESIDE = 0.5


def for_smaller_interests(
    sheet: Sheet, lists: Sequence[np.ndarray], duplicates: np.ndarray, *, left_free: int
) -> list[np.ndarray]:
    """The lists with places given to smaller interests that have none; `left_free` stay at the end.

    An interest has a place if some shown paper scores at least `minor_floor` by that interest alone.
    Otherwise it gets the best paper that does. Records that in `sheet.placed`.
    """
    found = list(lists)
    minors, liking, floor = sheet.minors, sheet.liking, sheet.weights.minor_floor
    for profile in np.unique(minors.rows).tolist():
        limit = sheet.block[profile].limit
        last = limit - left_free
        if limit < FEWEST_TO_EXPLORE:
            continue
        least, scores = sheet.least[profile], sheet.scores[profile]
        shown = [each for each in found[profile][:last].tolist() if scores[each] >= least]
        placed: dict[int, int] = {}
        for minor in np.flatnonzero(minors.rows == profile).tolist():
            amounts = np.where(sheet.matched[profile], minors.amounts[minor], -np.inf)
            seen = amounts[[*shown, *placed]].max(initial=-np.inf)
            amounts[scores - liking[profile] + minors.amounts[minor] < least] = -np.inf
            amounts[
                _repeats(duplicates, np.array([*found[profile].tolist(), *placed], int))
            ] = -np.inf
            best = int(amounts.argmax())
            if len(placed) < MOST_PLACED and seen < floor <= amounts[best]:
                placed[best] = minor
        if placed:
            others = without(found[profile], np.array(list(placed)), len(duplicates))
            place = min(len(others), last - len(placed))
            found[profile] = np.insert(others, place, list(placed))[:limit]
            sheet.placed[profile] = placed
    return found


def to_explore(
    sheet: Sheet, barred: np.ndarray, lists: Sequence[np.ndarray], duplicates: np.ndarray
) -> list[np.ndarray]:
    """The lists with the last shown place given to a paper that matches no interest.

    Records that in `sheet.explored`.
    """
    nearness = np.maximum(sheet.liking, 0) + np.maximum(sheet.typing, 0)
    for taste in sheet.tastes:
        if taste.kind is ReasonKind.DISLIKE:
            nearness[taste.rows] += np.minimum(taste.amounts, 0)
    outside = ~sheet.matched & ~barred & (nearness > BESIDE)
    outside &= sheet.scores >= sheet.least[:, None]
    repeated = np.bincount(duplicates)[duplicates] > 1
    for row, each in enumerate(lists):
        if len(same := each[repeated[each]]):
            outside[row, _repeats(duplicates, same)] = False
    shown = np.array([each.limit for each in sheet.block])
    found = selecting.exploring(nearness, sheet.community.heat, outside, shown).tolist()
    sheet.explored.update((row, paper) for row, paper in enumerate(found) if paper >= 0)
    return [
        np.insert(each, min(len(each), profile.limit - 1), paper)[: profile.limit]
        if paper >= 0
        else each
        for profile, each, paper in zip(sheet.block, lists, found, strict=True)
    ]


def for_followed(
    sheet: Sheet, lists: Sequence[np.ndarray], duplicates: np.ndarray
) -> list[np.ndarray]:
    """The lists with the best paper of each followed topic, keyword, search and author that has none.

    It replaces the last paper that can be spared: not the first of the list, not the only one of
    some interest, and not placed for a smaller interest or to explore. Only in lists of five or more,
    and for at most half of the places.
    """
    found = list(lists)
    wanted = [
        int(FEWEST_TO_EXPLORE <= each.limit <= len(shown))
        for each, shown in zip(sheet.block, lists, strict=True)
    ]
    missing: dict[int, list[np.ndarray]] = {}
    for profile, papers in lacking(sheet, _followed(sheet), lists, np.array(wanted)):
        missing.setdefault(profile, []).append(papers)
    for profile, each in missing.items():
        shown = lists[profile]
        repeats = _repeats(duplicates, shown)
        best = [highest(sheet, profile, papers[~repeats[papers]], 1) for papers in each]
        claims = highest(sheet, profile, np.unique(np.concatenate(best)), len(best))
        claims = distinct(claims, duplicates)
        if len(claims):
            found[profile] = _with_claims(sheet, profile, shown, claims)
    return found


def lacking(
    sheet: Sheet, evidence: Iterable[Evidence], lists: Sequence[np.ndarray], wanted: np.ndarray
) -> Iterator[tuple[int, np.ndarray]]:
    """For each interest with too few papers in a profile's list: the profile, and all its papers.

    `wanted` (profiles) is how many papers of each interest a list should have. Interests that have
    no further paper are left out.
    """
    top, there = table(lists)
    for each in evidence:
        profiles = np.repeat(np.arange(len(lists)), np.diff(each.weights.indptr))
        names, asked = each.weights.indices, wanted[profiles] > 0
        profiles, names = profiles[asked], names[asked]
        held = (each.values[names[:, None], top[profiles]] > 0) & there[profiles]
        count = np.count_nonzero(held, axis=1)
        total = np.count_nonzero(each.values > 0, axis=1)
        few = np.flatnonzero((count < wanted[profiles]) & (total[names] > count))
        for at in few.tolist():
            profile = int(profiles[at])
            papers = np.flatnonzero((each.values[names[at]] > 0) & sheet.matched[profile])
            if len(papers) > count[at]:
                yield profile, papers


def highest(sheet: Sheet, profile: int, papers: np.ndarray, count: int) -> np.ndarray:
    """The best `count` of these papers, without those below the reader's floor."""
    scores = sheet.scores[profile, papers]
    best = np.argsort(-scores, kind="stable")[:count]
    return np.asarray(papers[best[scores[best] >= sheet.least[profile]]])


def table(lists: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Lists of different lengths as one array, and a mask of where it has a paper (profiles × K)."""
    lengths = np.array([len(each) for each in lists], int)
    there = np.arange(lengths.max(initial=0)) < lengths[:, None]
    top = np.zeros(there.shape, int)
    if len(lists):
        top[there] = np.concatenate(lists)
    return top, there


def without(found: np.ndarray, others: np.ndarray, papers: int) -> np.ndarray:
    """The papers in `found` that are not in `others`, in order; `papers` is how many there are."""
    left = np.ones(papers, bool)
    left[others] = False
    return np.asarray(found[left[found]])


def distinct(found: np.ndarray, duplicates: np.ndarray) -> np.ndarray:
    """These papers without near-duplicates of those before them."""
    return np.asarray(found[np.sort(np.unique(duplicates[found], return_index=True)[1])])


def _repeats(duplicates: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Which other papers are near-duplicates of those shown (papers, bool)."""
    told = np.zeros(len(duplicates), bool)
    told[duplicates[shown]] = True
    repeated: np.ndarray = told[duplicates]
    repeated[shown] = False
    return repeated


def _followed(sheet: Sheet) -> list[Evidence]:
    """The evidence of what is followed by name: topics, keywords, searches and authors."""
    return [each for each in sheet.evidence if each.kind is not ReasonKind.WORDS]


def _with_claims(sheet: Sheet, profile: int, shown: np.ndarray, claims: np.ndarray) -> np.ndarray:
    """The list with `claims`, best first, in the places of papers that it can spare."""
    belongs = _belongs(sheet, profile, np.concatenate([shown, claims]))
    belongs, claimed = belongs[:, : len(shown)], belongs[:, len(shown) :]
    count = np.count_nonzero(belongs, axis=1)
    apart = np.isin(shown, [*sheet.placed.get(profile, ()), sheet.explored.get(profile, -1)])
    free = ~apart
    free[0] = False
    placed: list[int] = []
    gone = np.zeros(len(shown), bool)
    for claim, paper in enumerate(claims.tolist()):
        if not (claimed[:, claim] & (count == 0)).any():
            continue
        spare = np.flatnonzero(free & ~gone & ~belongs[count == 1].any(axis=0))
        if not len(spare) or len(placed) >= len(shown) // 2:
            break
        count += claimed[:, claim].astype(int) - belongs[:, spare[-1]]
        gone[spare[-1]] = True
        placed.append(paper)
    others = np.sort([*shown[~gone & ~apart].tolist(), *placed])
    order = np.argsort(-sheet.scores[profile, others], kind="stable")
    return np.concatenate([others[order], shown[apart]])


def _belongs(sheet: Sheet, profile: int, papers: np.ndarray) -> np.ndarray:
    """Which of these papers belong to which of a profile's interests (interests × papers, bool)."""
    found = [(sheet.liking[profile, papers] >= sheet.weights.like_floor)[None]]
    for each in _followed(sheet):
        names = each.weights.indices[slice(*each.weights.indptr[profile : profile + 2])]
        found.append(each.values[names[:, None], papers] > 0)
    return np.concatenate(found)
