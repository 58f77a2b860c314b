"""Turns scores into lists: which papers each profile of a block is shown, and in which order.

A row or column number of a paper is its position in the edition's `Features`. `duplicates` (papers)
is the near-duplicate group of each paper, as `selecting.near_duplicates` gives it.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from digest.model import POSITIVE, InterestKind, ReasonKind, score_of
from digest.ranking import selecting
from digest.ranking.selecting import FEWEST_TO_EXPLORE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from digest.ranking.profiles import Evidence
    from digest.ranking.sheet import Sheet

MOST_ARRANGED = 3
FEWEST_ARRANGED = 30
MOST_SHARES = 8
MOST_PLACED = 2
BESIDE = 0.5
_LIKE = InterestKind.LIKE


def lists(
    sheet: Sheet,
    barred: np.ndarray,
    duplicates: np.ndarray,
    *,
    cap: int,
    floor: float,
    explore: bool,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each profile's papers: those shown in full, and the other matches, at most `cap` together.

    The matches with the best scores come first, chosen so that every interest has its share (see
    `selecting.arrange`) and only one of several near-duplicates is shown. In lists of five or more,
    the last places go to up to two smaller interests among someone's likes that have no paper yet,
    and with `explore` to a paper beside all interests, if it reaches the reader's floor. Then each
    followed interest without a paper gets its best one (see `_with_followed`). `barred` papers
    (profiles × papers) are in no list. Records what was placed in `sheet.placed` and
    `sheet.explored`.
    """
    lists = [_best(sheet, row, cap) for row in range(len(sheet.block))]
    shown = _shared_out(sheet, lists, duplicates)
    shown = _represented(sheet, shown, duplicates, floor=floor, left_free=int(explore))
    if explore:
        shown = _with_beside(sheet, barred, shown, duplicates)
    shown = _with_followed(sheet, shown, duplicates)
    return [
        (first[:cap], _without(found, first, len(duplicates))[: max(cap - len(first), 0)])
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
    likes = {
        row: count
        for taste in sheet.tastes
        if taste.kind is ReasonKind.LIKE
        for row, count in zip(taste.rows.tolist(), taste.counts.tolist(), strict=True)
    }
    for row, profile in enumerate(sheet.block):
        if profile.floor > 0 or {each for each in POSITIVE if profile.of(each)} != {_LIKE}:
            continue
        places = ceil(profile.limit * (1 - likes.get(row, 0) / most))
        if places <= 0:
            continue
        matched = sheet.matched[row]
        places = max(places - len(np.unique(duplicates[matched])), 0)
        free = best[
            ~matched[best] & ~barred[row, best] & ~np.isin(duplicates[best], duplicates[matched])
        ]
        first = np.sort(np.unique(duplicates[free], return_index=True)[1])[:places]
        matched[free[first]] = True


def _best(sheet: Sheet, profile: int, cap: int) -> np.ndarray:
    """The `cap` matches with the highest scores; equal ones in the edition's order."""
    rows = np.flatnonzero(sheet.matched[profile])
    scores = sheet.scores[profile, rows]
    if len(rows) > cap:
        least = np.partition(scores, -cap)[-cap]
        rows, scores = rows[scores >= least], scores[scores >= least]
    return np.asarray(rows[np.argsort(-scores, kind="stable")][:cap])


def _without(found: np.ndarray, others: np.ndarray, papers: int) -> np.ndarray:
    """The papers in `found` that are not in `others`, in order; `papers` is how many there are."""
    left = np.ones(papers, bool)
    left[others] = False
    return np.asarray(found[left[found]])


def _shared_out(
    sheet: Sheet, lists: Sequence[np.ndarray], duplicates: np.ndarray
) -> list[np.ndarray]:
    """What each profile is shown, with places shared among its interests (see `selecting.arrange`).

    Papers below the reader's floor take no part: they only fill the end of the list, and composing
    drops them.
    """
    block = sheet.block
    shown = np.array([each.limit for each in block])
    above = [_above(sheet, row, found) for row, found in enumerate(lists)]
    pools = _pooled(sheet, lists, above)
    top, there = _table(pools)
    scores = np.where(there, np.take_along_axis(sheet.scores, top, axis=1), -np.inf)
    # An empty place gets a group of its own, or it would count as a duplicate of the first paper.
    groups = np.where(there, duplicates[top], -1 - np.arange(top.shape[1]))
    chosen = selecting.arrange(scores, groups, _interests(sheet, top, there), shown)
    found = [papers[of] for papers, of in zip(top, chosen, strict=True)]
    for row in range(len(block)):
        if len(found[row]) < block[row].limit:
            behind = _without(lists[row], found[row], len(duplicates))
            behind = behind[~np.isin(duplicates[behind], duplicates[found[row]])]
            behind = behind[np.sort(np.unique(duplicates[behind], return_index=True)[1])]
            full = np.concatenate([found[row], behind])[: block[row].limit]
            found[row] = full[np.argsort(-sheet.scores[row, full], kind="stable")]
    return found


def _pooled(
    sheet: Sheet, lists: Sequence[np.ndarray], above: Sequence[int]
) -> Sequence[np.ndarray]:
    """The papers among which each profile's places are shared out, best first.

    They are the best overall, and the best of each topic that has few among those: by score alone, a
    topic with hundreds of equal papers would crowd out a small one.
    """
    # How many depends on the profile alone, not on who else is in the block.
    counts = [max(FEWEST_ARRANGED, MOST_ARRANGED * each.limit) for each in sheet.block]
    pools = [
        found[: min(most, count)] for found, most, count in zip(lists, above, counts, strict=True)
    ]
    wanted = [
        max(each.limit // 2, 1) if most > count else 0
        for each, most, count in zip(sheet.block, above, counts, strict=True)
    ]
    more: dict[int, list[np.ndarray]] = {}
    topics = [each for each in sheet.evidence if each.kind is ReasonKind.TOPIC]
    for profile, papers in _lacking(sheet, topics, pools, np.array(wanted)):
        more.setdefault(profile, []).append(_highest(sheet, profile, papers, wanted[profile]))
    for profile, found in more.items():
        own, limit = np.unique(np.concatenate(found)), sheet.block[profile].limit
        best = pools[profile][: max(limit, counts[profile] - len(own))]
        papers = np.unique(np.concatenate([best, own]))
        pools[profile] = papers[np.argsort(-sheet.scores[profile, papers], kind="stable")]
    return pools


def _lacking(
    sheet: Sheet, evidence: Iterable[Evidence], lists: Sequence[np.ndarray], wanted: np.ndarray
) -> Iterator[tuple[int, np.ndarray]]:
    """For each interest with too few papers in a profile's list: the profile, and all its papers.

    `wanted` (profiles) is how many papers of each interest a list should have. Interests that have
    no further paper are left out.
    """
    top, there = _table(lists)
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


def _highest(sheet: Sheet, profile: int, papers: np.ndarray, count: int) -> np.ndarray:
    """The best `count` of these papers, without those below the reader's floor."""
    scores = sheet.scores[profile, papers]
    best = np.argsort(-scores, kind="stable")[:count]
    return np.asarray(papers[best[scores[best] >= _least(sheet, profile)]])


def _table(lists: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Lists of different lengths as one array, and a mask of where it has a paper (profiles × K)."""
    lengths = np.array([len(each) for each in lists], int)
    there = np.arange(lengths.max(initial=0)) < lengths[:, None]
    top = np.zeros(there.shape, int)
    if len(lists):
        top[there] = np.concatenate(lists)
    return top, there


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


def _represented(
    sheet: Sheet,
    lists: Sequence[np.ndarray],
    duplicates: np.ndarray,
    *,
    floor: float,
    left_free: int,
) -> list[np.ndarray]:
    """The lists with places given to smaller interests that have none; `left_free` stay at the end.

    An interest has a place if some shown paper scores at least `floor` by that interest alone.
    Otherwise it gets the best paper that does.
    """
    found = list(lists)
    minors, liking = sheet.minors, sheet.liking
    for profile in np.unique(minors.rows).tolist():
        limit = sheet.block[profile].limit
        last = limit - left_free
        if limit < FEWEST_TO_EXPLORE:
            continue
        least, scores = _least(sheet, profile), sheet.scores[profile]
        shown = [each for each in found[profile][:last].tolist() if scores[each] >= least]
        placed: dict[int, int] = {}
        for minor in np.flatnonzero(minors.rows == profile).tolist():
            amounts = np.where(sheet.matched[profile], minors.amounts[minor], -np.inf)
            seen = amounts[[*shown, *placed]].max(initial=-np.inf)
            amounts[scores - liking[profile] + minors.amounts[minor] < least] = -np.inf
            amounts[_repeats(duplicates, np.array([*found[profile].tolist(), *placed]))] = -np.inf
            best = int(amounts.argmax())
            if len(placed) < MOST_PLACED and seen < floor <= amounts[best]:
                placed[best] = minor
        if placed:
            others = _without(found[profile], np.array(list(placed)), len(duplicates))
            place = min(len(others), last - len(placed))
            found[profile] = np.insert(others, place, list(placed))[:limit]
            sheet.placed[profile] = placed
    return found


def _repeats(duplicates: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Which other papers are near-duplicates of those shown (papers, bool)."""
    told = np.zeros(len(duplicates), bool)
    told[duplicates[shown]] = True
    repeated: np.ndarray = told[duplicates]
    repeated[shown] = False
    return repeated


def _with_beside(
    sheet: Sheet, barred: np.ndarray, lists: Sequence[np.ndarray], duplicates: np.ndarray
) -> list[np.ndarray]:
    """The lists with the last shown place given to a paper that matches no interest."""
    nearness = np.maximum(sheet.liking, 0) + np.maximum(sheet.typing, 0)
    for taste in sheet.tastes:
        if taste.kind is ReasonKind.DISLIKE:
            nearness[taste.rows] += np.minimum(taste.amounts, 0)
    outside = ~sheet.matched & ~barred & (nearness > BESIDE)
    for row, profile in enumerate(sheet.block):
        if profile.floor > 0:
            outside[row] &= sheet.scores[row] >= _least(sheet, row)
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


def _with_followed(
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
    for profile, papers in _lacking(sheet, _followed(sheet), lists, np.array(wanted)):
        missing.setdefault(profile, []).append(papers)
    for profile, each in missing.items():
        shown = lists[profile]
        repeats = _repeats(duplicates, shown)
        best = [_highest(sheet, profile, papers[~repeats[papers]], 1) for papers in each]
        claims = _highest(sheet, profile, np.unique(np.concatenate(best)), len(best))
        claims = claims[np.sort(np.unique(duplicates[claims], return_index=True)[1])]
        if len(claims):
            found[profile] = _with_claims(sheet, profile, shown, claims)
    return found


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


def _above(sheet: Sheet, profile: int, found: np.ndarray) -> int:
    """How many of these papers are at or above the reader's floor."""
    if sheet.block[profile].floor <= 0:
        return len(found)
    return int(np.count_nonzero(sheet.scores[profile, found] >= _least(sheet, profile)))


def _least(sheet: Sheet, profile: int) -> float:
    """The score that corresponds to the reader's floor, which is a chance."""
    return score_of(sheet.block[profile].floor) / float(sheet.trust[profile])
