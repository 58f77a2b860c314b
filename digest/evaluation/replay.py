"""Ranks past editions again with other rankers: how high would each have put the wanted papers?

Readers answer what they look at, mostly at the top. So each answer is weighed by one over the
probability that its place is looked at (inverse propensity scoring: T. Joachims, A. Swaminathan and
T. Schnabel, "Unbiased learning-to-rank with biased feedback", WSDM 2017), with clipped and normalised
weights. Papers that were not shown in full have no answers, and no weight makes up for that: measures
over all announced papers favour the order that was sent. So rankers are judged by how they order the
papers that were shown, with all others removed from their lists (compare T. Sakai, "Alternatives to
bpref", SIGIR 2007).

The probabilities are estimates, and resampling people does not show how uncertain they are. So one
ranker is called better than another only if it would be by two extremes as well: every place is
looked at alike, and place n is looked at with probability 1/n.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from itertools import accumulate
from math import log2
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from digest.errors import blamed
from digest.evaluation import measures
from digest.evaluation.answers import FEWEST_PEOPLE, Answered, answered
from digest.evaluation.past import profile_at
from digest.pipeline import windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from digest.evaluation.measures import Estimate
    from digest.model import Digest, Profile
    from digest.ports import Ranker, Store

AS_SENT = "as it was sent"
MEASURES = ("of the shown", "in order", "nDCG@10", "MRR")
JUDGED = MEASURES.index("of the shown")
ORDERED = MEASURES.index("in order")
WITHIN = 10
ENOUGH_WANTED = 100
PRIOR_ANSWERS = 100
SLOPES = np.linspace(0, 2, 41)
LEAST_SEEN = 0.1
TINY = 1e-9
MOST_SAID = 10_000
MOST_CLUSTERS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """The probability that readers look at each place, relative to the first.

    `learned` says whether it was estimated from answers; otherwise it is 1/place.
    """

    chances: tuple[float, ...]
    learned: bool

    def weight(self, place: int) -> float:
        """The weight of an answer at a place (from 1), 10 at most."""
        chance = self.chances[place - 1] if place <= len(self.chances) else 0.0
        return 1 / max(chance, LEAST_SEEN)


def examination(wanted: Mapping[int, int], expected: Mapping[int, float]) -> Examination:
    """Estimate how likely each place is looked at, from the number of wanted picks there.

    `expected` is how many would be wanted by the picks' chances if every place were looked at alike:
    a good ranking has more wanted papers at the top anyway. With fewer than 100 answers it is 1/place.
    Otherwise it is the power of 1/place that explains the answers best (as in the paper above), with
    each place adjusted to its own answers as if 100 more had followed the curve. It never rises.
    """
    places = range(1, max(expected, default=0) + 1)
    answers = sum(wanted.values())
    if answers < ENOUGH_WANTED:
        return Examination(chances=tuple(1 / place for place in places), learned=False)
    slope = _slope(wanted, expected)
    prior = [place**-slope for place in places]
    by_prior = [
        chance * expected.get(place, 0.0) for chance, place in zip(prior, places, strict=True)
    ]
    scale = answers / max(sum(by_prior), TINY)
    raw = [
        chance * (wanted.get(place, 0) + PRIOR_ANSWERS) / (scale * foreseen + PRIOR_ANSWERS)
        for place, chance, foreseen in zip(places, prior, by_prior, strict=True)
    ]
    falling = list(accumulate(raw, min))
    return Examination(chances=tuple(each / falling[0] for each in falling), learned=True)


def _slope(wanted: Mapping[int, int], expected: Mapping[int, float]) -> float:
    """The power of 1/place with the highest likelihood; 0 if every place is looked at alike."""
    places = np.arange(1, max(expected, default=0) + 1)
    found, foreseen = (
        np.array([by.get(place, 0) for place in places.tolist()]) for by in (wanted, expected)
    )
    looked = places ** -SLOPES[:, None]
    likely = np.log(looked) @ found - found.sum() * np.log((looked @ foreseen).clip(TINY))
    return float(SLOPES[likely.argmax()])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replay:
    """The result of a replay: the amount of feedback, and how well each ranker did, by name.

    `better` is the lead of the first ranker over each other one, and the share of resamples in which
    it leads, for each of `MEASURES`. That share is the least certain one over the assumptions on how
    readers look, and a half if these disagree. Intervals are over people, or with fewer than 10
    (`few`) over digests, and then hold for these people alone. `pairs` counts pairs of a wanted and an
    unwanted paper; without any, "in order" means nothing.
    """

    digests: int
    answers: int
    people: int
    pairs: int
    few: bool
    examination: Examination
    standing: Mapping[str, Estimate]
    better: Mapping[str, tuple[Estimate, np.ndarray]]


def replay(
    store: Store,
    rankers: Mapping[str, Ranker],
    *,
    first: str,
    now: datetime,
    progress: Callable[[int], object] = lambda _: None,
) -> Replay:
    """Rank the answered editions since `first` (ISO date) again with each ranker.

    Profiles are as they were when a digest was composed. Votes and curators' picks are left out, since
    their state at the time is not stored. `progress` is called with the number of digests done.
    """
    seen = _examined(store, first)
    names = [*rankers, AS_SENT]
    ways = (seen, *_extremes(len(seen.chances)))
    rows: list[np.ndarray] = []
    people: list[str] = []
    answers = pairs = 0
    for block in answered(store, first):
        for window in _by_window(block):
            places = _ranked(store, rankers, window, now)
            for each in window:
                key = each.digest.subscriber_id
                people.append(key)
                answers += len(each.said)
                pairs += len(each.wanted) * len(each.unwanted)
                there = [*(places[name][key] for name in rankers), _sent(each.digest)]
                rows.append(np.array([_gained_by_all(each, there, way) for way in ways]))
            progress(len(window))
    few = len(set(people)) < FEWEST_PEOPLE
    standing, better = _judged_however(names, np.array(rows), _clusters(people, few=few))
    return Replay(
        digests=len(people),
        answers=answers,
        people=len(set(people)),
        pairs=pairs,
        few=few,
        examination=seen,
        standing=standing,
        better=better,
    )


def _extremes(places: int) -> list[Examination]:
    """The two extremes: readers look at every place alike, or at place n with probability 1/n."""
    return [
        Examination(chances=tuple(place**-slope for place in range(1, places + 1)), learned=False)
        for slope in (0.0, 1.0)
    ]


def _examined(store: Store, first: str) -> Examination:
    wanted: Counter[int] = Counter()
    expected: defaultdict[int, float] = defaultdict(float)
    for block in answered(store, first):
        for each in block:
            for place, pick in enumerate(each.digest.picks, 1):
                expected[place] += pick.chance
                wanted[place] += each.said.get(pick.paper_id, 0) > 0
    return examination(wanted, expected)


def _by_window(block: Iterable[Answered]) -> Iterable[list[Answered]]:
    """Group digests by their window, so that its papers are loaded only once."""
    by_window: defaultdict[tuple[datetime, datetime, str], list[Answered]] = defaultdict(list)
    for each in block:
        by_window[each.digest.since, each.digest.until, each.digest.edition].append(each)
    return by_window.values()


def _ranked(
    store: Store, rankers: Mapping[str, Ranker], digests: Sequence[Answered], now: datetime
) -> dict[str, dict[str, dict[str, int]]]:
    """By ranker and subscriber, the place of each paper (from 1), for digests of one window."""
    one = digests[0].digest
    window = windows.window_of(store, one.since, one.until)
    profiles = _profiles(store, [each.digest for each in digests])
    candidates = replace(
        windows.candidates_of(store, window, profiles, *rankers.values()),
        trending={},
        upvotes={},
        featured=frozenset(),
    )
    ids = [each.subscriber_id for each in profiles]
    without = store.ledger.sent(ids, window.seen_at, but_edition=one.edition)
    places = {}
    for name, ranker in rankers.items():
        with blamed(name):
            places[name] = {
                each.subscriber_id: {paper: place for place, paper in enumerate(each.listed, 1)}
                for each in ranker.rank(profiles, candidates, without=without, now=now)
            }
            if not places[name].keys() >= set(ids):
                raise ValueError("it left out a reader")
    return places


def _profiles(store: Store, digests: Sequence[Digest]) -> list[Profile]:
    """The readers' profiles, as each was when the digest was composed."""
    found = store.subscribers.profiles([each.subscriber_id for each in digests])
    return [
        profile_at(
            profile,
            store.feedback.of(profile.subscriber_id, limit=MOST_SAID, standing=False),
            digest.composed_at,
        )
        for profile, digest in zip(found, digests, strict=True)
    ]


def _sent(digest: Digest) -> dict[str, int]:
    """The place of each paper in a digest as it was sent, titles after picks."""
    shown = (*(pick.paper_id for pick in digest.picks), *digest.rest)
    return {paper: place for place, paper in enumerate(shown, 1)}


def _gained_by_all(
    answer: Answered, places: Iterable[Mapping[str, int]], seen: Examination
) -> list[float]:
    return [value for each in places for value in _gained(answer, each, seen)]


def _gained(answer: Answered, places: Mapping[str, int], seen: Examination) -> list[float]:
    """One digest's sums for one ranker: for each measure the gain and the greatest possible gain.

    Wanted papers count by their weights. "Of the shown" is nDCG over the picks. "In order" is the
    share of pairs with the wanted paper above the unwanted one; it needs no weights, since both were
    looked at. nDCG@10 and MRR are over all announced papers.
    """
    papers = [pick.paper_id for pick in answer.digest.picks]
    at = {paper: place for place, paper in enumerate(papers, 1)}
    weights = {paper: seen.weight(at[paper]) for paper in answer.wanted}
    among = _among(papers, places)
    pairs = [
        0.5 if among[wanted] == among[unwanted] else float(among[wanted] < among[unwanted])
        for wanted in weights
        for unwanted in answer.unwanted
    ]
    return [
        *_discounted(weights, among, len(papers)),
        sum(pairs),
        len(pairs),
        *_discounted(weights, places, WITHIN),
        sum(weights[paper] / places[paper] for paper in weights if paper in places),
        sum(weights.values()),
    ]


def _discounted(
    weights: Mapping[str, float], places: Mapping[str, float], within: int
) -> tuple[float, float]:
    """The discounted gain of weighted papers at their places, and that of the best order."""
    there = {paper: places[paper] for paper in weights if places.get(paper, within + 1) <= within}
    best = sorted(weights.values(), reverse=True)[:within]
    return (
        sum(weights[paper] / log2(1 + place) for paper, place in there.items()),
        sum(weight / log2(1 + place) for place, weight in enumerate(best, 1)),
    )


def _among(shown: Sequence[str], places: Mapping[str, int]) -> dict[str, float]:
    """The places of the shown papers among themselves; those a ranker leaves out share the last ones.

    They share the place whose gain is the mean of those, so ranking nothing is worth as much as chance.
    """
    ranked = sorted((each for each in shown if each in places), key=lambda each: places[each])
    among: dict[str, float] = {paper: place for place, paper in enumerate(ranked, 1)}
    last = range(len(ranked) + 1, len(shown) + 1)
    if last:
        gain = sum(1 / log2(1 + place) for place in last) / len(last)
        among |= dict.fromkeys((each for each in shown if each not in places), 2 ** (1 / gain) - 1)
    return among


def _clusters(people: Sequence[str], *, few: bool) -> list[str]:
    """The bootstrap clusters: people, or a thousand groups of people if there are more."""
    if few:
        return [str(number) for number in range(len(people))]
    if len(set(people)) <= MOST_CLUSTERS:
        return list(people)
    return [str(crc32(each.encode()) % MOST_CLUSTERS) for each in people]


def _judged_however(
    names: Sequence[str], rows: np.ndarray, clusters: Sequence[str]
) -> tuple[dict[str, Estimate], dict[str, tuple[Estimate, np.ndarray]]]:
    """Judge by the first assumption on how readers look, only as certain as by all of them.

    `rows` is digests × assumptions × sums.
    """
    if not len(rows):
        return {}, {}
    (standing, better), *others = (
        _judged(names, rows[:, way], clusters) for way in range(rows.shape[1])
    )
    return standing, {
        name: (by, _least_sure([surely, *(other[name][1] for _, other in others)]))
        for name, (by, surely) in better.items()
    }


def _least_sure(shares: Sequence[np.ndarray]) -> np.ndarray:
    """The share nearest to a half; a half if shares are on both sides of it."""
    low, high = np.min(shares, axis=0), np.max(shares, axis=0)
    return np.asarray(np.clip(0.5, low, high))


def _judged(
    names: Sequence[str], rows: np.ndarray, clusters: Sequence[str]
) -> tuple[dict[str, Estimate], dict[str, tuple[Estimate, np.ndarray]]]:
    """The estimates of each ranker, and the lead of the first over each other one."""
    shape = (-1, len(names), len(MEASURES), 2)
    values = _divided(rows.mean(axis=0).reshape(shape))[0]
    draws = _divided(measures.resampled(rows, clusters).reshape(shape))
    standing = {name: measures.interval(values[at], draws[:, at]) for at, name in enumerate(names)}
    better = {}
    for at, name in enumerate(names[1:], 1):
        ahead = draws[:, 0] - draws[:, at]
        surely = (ahead > 0).mean(axis=0) + (ahead == 0).mean(axis=0) / 2
        better[name] = measures.interval(values[0] - values[at], ahead), surely
    return standing, better


def _divided(sums: np.ndarray) -> np.ndarray:
    """The gain divided by the possible gain, zero where that is zero."""
    got, there = sums[..., 0], sums[..., 1]
    return np.asarray(np.divide(got, there, out=np.zeros_like(got), where=there > 0))
