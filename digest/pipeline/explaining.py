"""Explain why a paper stands where it does in someone's edition, or why it is not there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, cast

from digest.errors import InvalidInput, NotFound
from digest.model import (
    Digest,
    Explanation,
    OutboxState,
    Outcome,
    Paper,
    Pick,
    Profile,
    Ranking,
    Subscriber,
)
from digest.pipeline import composing, delivering
from digest.pipeline.experimenting import Experiment
from digest.ports import Candidates, Ranker, Store
from digest.ranking.interleaving import B
from digest.subscriptions import paper_key

NOT_ANNOUNCED = "it was not announced in the time that this edition covers"
NOT_FOUND = "it is not among the papers that match the profile"


class Explainer(Ranker, Protocol):
    """A ranker that can explain the score of any paper."""

    def explain(
        self,
        profile: Profile,
        candidates: Candidates,
        paper_id: str,
        *,
        without: Mapping[str, frozenset[str]],
        now: datetime,
    ) -> Explanation:
        """The whole sum for one of the candidates, whether `rank` picks it or not."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stood:
    """Where a paper stood in the digest of an edition that the reader already has.

    `place` counts from 1, and is 0 where the paper was not in it; `shown` means in full. `state` is
    None where no mail was to be sent, and stays SENT while a digest that was sent goes out once
    more.
    """

    place: int
    shown: bool
    state: OutboxState | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """A paper's place in an edition, the sum of its score, and the digest that it is or is not in.

    `listed` counts the ranked papers; `material` has what the terms of the sum refer to. All of it
    is as of now; `stood` is how it was, if the reader has that edition already.
    """

    subscriber: Subscriber
    paper: Paper
    explanation: Explanation
    digest: Digest
    listed: int
    material: delivering.Material
    stood: Stood | None

    @property
    def is_shown(self) -> bool:
        """Whether the paper is shown in full."""
        return any(each.paper_id == self.paper.id for each in self.digest.picks)


def explain_one(
    store: Store,
    ranker: Ranker,
    subscriber: Subscriber,
    edition: str | None,
    named: str,
    *,
    now: datetime,
    experiment: Experiment | None = None,
) -> Why:
    """What the ranker makes of a paper for this subscriber and edition, as of now.

    The edition is composed as `rank_one` does it, so the sum is the one that decides there. If two
    rankers are compared, the one that brought the paper explains it. `named` is one of the paper's
    ids, an arXiv id or a DOI. Raises NotFound for an unknown paper, InvalidInput where the ranker
    cannot explain.
    """
    paper = _paper(store, named)
    if not hasattr(ranker, "explain"):
        raise InvalidInput("The configured ranker cannot explain the score of a paper.")
    ranked = composing.rank_one(store, ranker, subscriber, edition, now=now, experiment=experiment)
    ranking, candidates = ranked.ranking, ranked.candidates
    known = {each.id for each in candidates.papers}
    if paper.id not in known:
        candidates = replace(candidates, papers=(*candidates.papers, paper))
    explainer = _who_brought(paper, ranking, ranker, experiment)
    without = {subscriber.id: ranked.without}
    found = explainer.explain(ranked.profile, candidates, paper.id, without=without, now=now)
    if paper.id not in known:
        found = replace(found, rank=0, barred=NOT_ANNOUNCED)
    else:
        places = {each: rank for rank, each in enumerate(ranking.listed, 1)}
        found = replace(found, rank=places.get(paper.id, 0))
        if not found.rank and not found.barred:
            found = replace(found, barred=NOT_FOUND)
    pick = Pick(paper_id=paper.id, score=found.score, reasons=found.terms)
    return Why(
        subscriber=subscriber,
        paper=paper,
        explanation=found,
        digest=ranked.digest,
        listed=len(ranking.listed),
        material=delivering.material_for(store, [replace(ranked.digest, picks=(pick,), rest=())]),
        stood=None if ranked.kept is None else _stood(store, ranked.kept, paper),
    )


def _stood(store: Store, kept: Digest, paper: Paper) -> Stood:
    listed = [*(each.paper_id for each in kept.picks), *kept.rest]
    place = listed.index(paper.id) + 1 if paper.id in listed else 0
    arrived = any(each.outcome is Outcome.ACCEPTED for each in store.ledger.attempts([kept.id]))
    state = OutboxState.SENT if arrived else store.ledger.states([kept.id]).get(kept.id)
    return Stood(place=place, shown=0 < place <= len(kept.picks), state=state)


def _who_brought(
    paper: Paper, ranking: Ranking, ranker: Ranker, experiment: Experiment | None
) -> Explainer:
    """The ranker that picked the paper: the configured one, unless its challenger did."""
    theirs = any(each.paper_id == paper.id and each.team == B for each in ranking.picks)
    if experiment is None or not theirs:
        return cast("Explainer", ranker)
    if not hasattr(experiment.challenger, "explain"):
        raise InvalidInput(
            "This paper comes from the ranker that is being tried, which cannot explain its score."
        )
    return cast("Explainer", experiment.challenger)


def _paper(store: Store, named: str) -> Paper:
    found = store.papers.get([named]) or store.papers.get([paper_key(named)])
    if not found:
        raise NotFound("There is no such paper here.", subject=named)
    return next(iter(found.values()))
