"""Why a paper stands where it does in someone's edition, or why not: the whole sum of its score."""

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
    """A ranker that can say what it makes of any paper."""

    def explain(
        self,
        profile: Profile,
        candidates: Candidates,
        paper_id: str,
        *,
        without: Mapping[str, frozenset[str]],
        now: datetime,
    ) -> Explanation:
        """The whole sum for one of the candidates, whether or not `rank` picks it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stood:
    """Where a paper stood in the digest that a reader already has of an edition.

    `place` counts from 1, 0 where it was not in it; `shown` is in full. `state` is None where there
    was to be no mail, and SENT also where one that was sent is on its way once more.
    """

    place: int
    shown: bool
    state: OutboxState | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """A paper's place in an edition: the sum of its score, and the digest it is or is not in.

    `listed` counts the papers that were ranked, `material` has what the terms speak of. All of it is
    as of now; `stood` is what it was, where the reader has that edition already.
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

    The edition is composed as `rank_one` does it, so that the sum is the one that decides there; of
    two rankers that are being compared, the one that brought the paper says why.
    `named` is one of the paper's ids, an arXiv id or a DOI. Raises NotFound for a paper that we do
    not have, InvalidInput where the ranker does not explain.
    """
    paper = _paper(store, named)
    if not hasattr(ranker, "explain"):
        raise InvalidInput("The configured ranker does not say what it makes of single papers.")
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
    """The ranker whose pick the paper is: ours, unless the one that it is compared with brought it."""
    theirs = any(each.paper_id == paper.id and each.team == B for each in ranking.picks)
    if experiment is None or not theirs:
        return cast("Explainer", ranker)
    if not hasattr(experiment.challenger, "explain"):
        raise InvalidInput(
            "The ranker that is being tried brought this paper, and does not say what it makes of it."
        )
    return cast("Explainer", experiment.challenger)


def _paper(store: Store, named: str) -> Paper:
    found = store.papers.get([named]) or store.papers.get([paper_key(named)])
    if not found:
        raise NotFound("There is no such paper here.", subject=named)
    return next(iter(found.values()))
