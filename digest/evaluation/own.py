"""Evaluates on an operator's own readers: a replay of past editions, and the live comparison.

The report has only counts and means over people; it names nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from digest.evaluation.answers import shown
from digest.evaluation.comparing import SURE, Preference, preference
from digest.evaluation.contestants import OURS, built_in
from digest.evaluation.past import space_before
from digest.evaluation.replay import AS_SENT, JUDGED, MEASURES, ORDERED, Replay, replay
from digest.evaluation.words import Corpus
from digest.model import Profile, Ranking
from digest.ranking.interleaving import A
from digest.ranking.opinions import judged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from digest.evaluation.baselines import Scorer
    from digest.ports import Candidates, Ranker, Store
    from digest.ranking.space import Space

ENOUGH_ANSWERS = 200
MOST_RANKED = 1_000
FEW = "So few people answered that this holds for them alone."


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The results for editions since `first` (ISO date).

    `a` and `b` name the two rankers of the live comparison; `b` is "" while there is none.
    """

    first: str
    replayed: Replay
    preferred: Preference
    a: str
    b: str


def prove(
    store: Store,
    rankers: Mapping[str, Ranker],
    *,
    against: str,
    days: int,
    now: datetime,
    progress: Callable[[int], object] = lambda _: None,
) -> Proof:
    """Replay the last days' answered editions with each ranker, and count the live preferences.

    `rankers` are by name, the configured one first; `against` names the one it is compared with live,
    "" for none. `progress` is called with the number of digests done.
    """
    first = _first(days, now)
    return Proof(
        first=first,
        replayed=replay(store, rankers, first=first, now=now, progress=progress),
        preferred=preference(store, first=first),
        a=next(iter(rankers)),
        b=against,
    )


def learned_before(store: Store, space: Space | None, *, days: int, now: datetime) -> Space | None:
    """The space to replay the last days' editions in, without what it learned from their answers."""
    return None if space is None else space_before(space, shown(store, _first(days, now)))


def _first(days: int, now: datetime) -> str:
    return (now - timedelta(days=days)).date().isoformat()


def simple(name: str) -> Ranker | None:
    """The baseline of this name as a ranker to replay with, None if there is none."""
    maker = built_in().get(name)
    return None if maker is None or name == OURS else Scored(maker(Corpus()))


class Scored:
    """A scorer as a ranker; it has no archive, so it learns from each edition's papers."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    def rank(
        self,
        block: Sequence[Profile],
        candidates: Candidates,
        *,
        without: Mapping[str, frozenset[str]],
        now: datetime,  # noqa: ARG002 - scores do not depend on the time
    ) -> list[Ranking]:
        """All papers by score, except those that are barred or that the profile has judged."""
        papers = candidates.papers
        known = {each.id: each for each in (*papers, *candidates.liked.values())}
        self._scorer.learn(papers, list(known.values()), [])
        scores = self._scorer.scores(block, candidates)
        ids = [each.id for each in papers]
        return [
            _ranking(profile, ids, row, without.get(profile.subscriber_id, frozenset()))
            for profile, row in zip(block, scores, strict=True)
        ]


def _ranking(
    profile: Profile, ids: Sequence[str], scores: np.ndarray, barred: frozenset[str]
) -> Ranking:
    left_out = barred.union(each.value for each in judged(profile))
    best = (ids[row] for row in np.argsort(-scores, kind="stable"))
    chosen = [each for each in best if each not in left_out][:MOST_RANKED]
    return Ranking(
        subscriber_id=profile.subscriber_id,
        rest=tuple(chosen),
        matched=len(chosen),
    )


def lines(proof: Proof) -> Iterator[str]:
    """The report, line by line."""
    yield from _replayed(proof.replayed, proof.first)
    yield ""
    if proof.b or proof.preferred.answers:
        yield from compared(proof.preferred, a=proof.a, b=proof.b or "the other ranker")
    else:
        yield "Live: no comparison is on; [experiments] against names a ranker to compare with."


def _replayed(found: Replay, first: str) -> Iterator[str]:
    yield (
        f"Replay: {_many(found.answers, 'answer')} from {_many(found.people, 'person', 'people')} "
        f"to {_many(found.digests, 'digest')} of editions since {first}."
    )
    if not found.standing:
        yield f"{_too_little(found)}."
        return
    yield _looks(found)
    width = max(len(each) for each in found.standing) + 2
    shown = _measures(found)
    yield "".join((" " * width, *(f"{each:<22}" for each in shown))).rstrip()
    for name, estimate in found.standing.items():
        cells = (
            f"{mean:.3f} ({low:.3f}–{high:.3f})"
            for mean, low, high in zip(estimate.mean, estimate.low, estimate.high, strict=True)
        )
        cells = (cell for measure, cell in zip(MEASURES, cells, strict=True) if measure in shown)
        yield "".join((f"{name:<{width}}", *(f"{each:<22}" for each in cells))).rstrip()
    yield from _verdicts(found)


def _measures(found: Replay) -> Sequence[str]:
    """The measures that mean something: "in order" needs pairs."""
    return [each for each in MEASURES if found.pairs or each != MEASURES[ORDERED]]


def _looks(found: Replay) -> str:
    chances = found.examination.chances
    last = min(len(chances), 10)
    how = "estimated from these answers" if found.examination.learned else "assumed: few answers"
    return (
        "An answer counts more the fewer readers look that far down: 1 at the top, "
        f"{found.examination.weight(last):.1f} at place {last} ({how})."
    )


def _verdicts(found: Replay) -> Iterator[str]:
    ours = next(iter(found.standing))
    if found.answers < ENOUGH_ANSWERS:
        yield f"{_too_little(found)}."
        return
    for name, (by, surely) in found.better.items():
        span = f"{by.mean[JUDGED]:+.3f}, {by.low[JUDGED]:+.3f} to {by.high[JUDGED]:+.3f}"
        if surely[JUDGED] >= SURE:
            yield f"{ours} ranks the wanted papers higher than {name} ({span})."
        elif surely[JUDGED] <= 1 - SURE:
            yield f"{name} ranks the wanted papers higher than {ours} ({span})."
        else:
            yield f"{ours} or {name}: these answers do not tell which is better ({span})."
    yield (
        "Judged by nDCG over the papers shown in full. A ranker is called better only if it is so "
        "however far down readers look: at all places alike, or at place n with a chance of 1/n."
    )
    yield (
        "Readers could answer only to papers shown in full. So nDCG@10 and MRR, which are over all "
        f"announced papers, favour {AS_SENT!r} and similar rankers; "
        "[experiments] compares two rankers fairly."
    )
    if found.few:
        yield FEW


def _too_little(found: Replay) -> str:
    return (
        f"Too little feedback to tell ({_many(found.answers, 'answer')} from "
        f"{_many(found.people, 'person', 'people')}; a few hundred are needed)"
    )


def compared(found: Preference, *, a: str, b: str) -> Iterator[str]:
    """The live comparison in sentences, given the names of the two rankers."""
    yield (
        f"Live: {_many(found.answers, 'answer')} from {_many(found.people, 'person', 'people')} "
        f"to papers that either {a} or {b} chose, in {_many(found.digests, 'digest')}."
    )
    if not found.answers:
        yield "There is nothing to compare yet."
        return
    low, high = found.interval
    units = "digests" if found.few else "people"
    yield (
        f"{a} is ahead in {found.won:,} {units}, {b} in {found.lost:,}, neither in {found.tied:,}: "
        f"without ties, {a} wins {_percent(found.share)} "
        f"({_percent(low)} to {_percent(high)})."
    )
    if found.winner:
        name, chance = (a, found.chance) if found.winner == A else (b, 1 - found.chance)
        yield f"{name} wins: it is the better one with a probability of {_probability(chance)}."
    else:
        yield (
            f"Too early to tell: {a} is the better one with a probability of "
            f"{_probability(found.chance)}."
        )
        yield (
            f"If this goes on, about {_many(found.missing, 'more answer')} will tell."
            if found.missing
            else "So far, one is about as good as the other."
        )
    if found.few:
        yield FEW


def values(proof: Proof) -> dict[str, object]:
    """The report as values for JSON."""
    found, live = proof.replayed, proof.preferred
    return {
        "since": proof.first,
        "replay": {
            "digests": found.digests,
            "answers": found.answers,
            "people": found.people,
            "places": {
                "learned": found.examination.learned,
                "chances": [round(each, 4) for each in found.examination.chances],
            },
            "rankers": {
                name: {
                    measure: [round(float(each[at]), 4) for each in (one.mean, one.low, one.high)]
                    for at, measure in enumerate(MEASURES)
                    if measure in _measures(found)
                }
                for name, one in found.standing.items()
            },
            "better_than": {
                name: round(float(surely[JUDGED]), 4) for name, (_, surely) in found.better.items()
            },
        },
        "live": {
            "a": proof.a,
            "b": proof.b,
            "answers": live.answers,
            "digests": live.digests,
            "people": live.people,
            "won": live.won,
            "lost": live.lost,
            "tied": live.tied,
            "share": [round(each, 4) for each in (live.share, *live.interval)],
            "probability": round(live.chance, 4),
            "winner": live.winner,
            "answers_missing": live.missing,
        },
    }


def _many(number: int, one: str, several: str = "") -> str:
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


def _probability(chance: float) -> str:
    """A probability in per cent, with no more digits than are known."""
    if chance > 0.999:  # noqa: PLR2004 - see above
        return "over 99.9 %"
    return f"{chance:.1%}".replace("%", " %")
