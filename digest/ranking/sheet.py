"""A block's scores as an account: what every interest of everyone adds to every paper."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from digest.model import Interest, InterestKind, Paper, Profile, ReasonKind, Topic
from digest.ranking import profiles, reasons
from digest.ranking.profiles import UNLEARNED, Evidence, Weights
from digest.ranking.tastes import Directions, Tastes, tastes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from digest.ports import Candidates
    from digest.ranking.features import Features

PICKED_SHARE = 0.5
MOST_PARTS = 15
POSITIVE = (
    InterestKind.TOPIC,
    InterestKind.KEYWORD,
    InterestKind.AUTHOR,
    InterestKind.LIKE,
    InterestKind.QUERY,
)
Words: TypeAlias = dict[tuple[ReasonKind, str], tuple[str, ...]]

SAID = (InterestKind.LIKE, InterestKind.DISLIKE, InterestKind.KNOWN)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sheet:
    """A block's arithmetic: every array is profiles × papers, but for `heat` (papers).

    `evidence`, `typed` and `tastes` are what scores are made of, `near` what likes and typed words
    add by nearness, `voted` and `picked` what the community adds. `explored` is the paper (column)
    that a profile (row) is shown though it matches nothing.
    """

    features: Features
    known: Mapping[str, Paper]
    evidence: Sequence[Evidence]
    typed: tuple[Directions, float]
    tastes: Sequence[tuple[Tastes, float, np.ndarray]]
    near: tuple[np.ndarray, np.ndarray]
    heat: np.ndarray
    voted: np.ndarray
    picked: np.ndarray
    upvotes: Mapping[str, int]
    scores: np.ndarray
    matched: np.ndarray
    explored: dict[int, int] = field(default_factory=dict)

    def explained(self, profile: int, rows: np.ndarray) -> list[list[reasons.Term]]:
        """The terms of a profile's score for each of these papers."""
        terms: list[list[reasons.Term]] = [[] for _ in rows]
        for each in self.evidence:
            for name, weight in each.held_by(profile):
                names = [each.names[name]] * len(rows)
                _add(terms, weight * each.values[name, rows], each.kind, names)
        for taste, _, amounts in self.tastes:
            if taste.held[profile]:
                nearest = taste.nearest(self.features, profile, rows)
                _add(terms, amounts[profile, rows], taste.kind, nearest)
        papers = self.features.papers
        votes = [str(self.upvotes.get(papers[row].id) or "") for row in rows.tolist()]
        _add(terms, self.voted[profile, rows], ReasonKind.TRENDING, votes)
        _add(terms, self.picked[profile, rows], ReasonKind.PICKED, [""] * len(rows))
        for place in np.flatnonzero(rows == self.explored.get(profile, -1)).tolist():
            terms[place].append((0.0, ReasonKind.EXPLORE, ""))
        return terms

    def telling(self, told: Sequence[np.ndarray]) -> list[list[Words]]:
        """For each profile and each of these papers the words to name with its reasons."""
        found: list[list[Words]] = [[{} for _ in rows] for rows in told]
        for kind, directions, asked in self._asked(told):
            looking = np.array([row for row, *_ in asked], int)
            papers = np.array([told[profile][place] for _, profile, place, _ in asked], int)
            words = directions.words(self.features, looking, papers)
            for (_, profile, place, what), telling in zip(asked, words, strict=True):
                found[profile][place][kind, what] = telling
        return found

    def _asked(
        self, told: Sequence[np.ndarray]
    ) -> Iterable[tuple[ReasonKind, Directions, list[tuple[int, int, int, str]]]]:
        """Which row of which directions speaks of which place of which profile."""
        for taste, _, _ in self.tastes:
            held = [
                (profile, profile, place, "")
                for profile, rows in enumerate(told)
                for place in range(len(rows))
                if taste.held[profile]
            ]
            yield taste.kind, taste.directions, held
        for each in self.evidence:
            if each.kind is ReasonKind.WORDS:
                held = [
                    (name, profile, place, each.names[name])
                    for profile, rows in enumerate(told)
                    for name, _ in each.held_by(profile)
                    for place in range(len(rows))
                ]
                yield each.kind, self.typed[0], held

    def parts(self, profile: int, row: int, term: reasons.Term) -> tuple[tuple[str, float], ...]:
        """What the words of a paper add to one term of its score, largest first, rest as "…"."""
        amount, kind, what = term
        if kind is ReasonKind.WORDS:
            evidence = next(each for each in self.evidence if each.kind is kind)
            name = list(evidence.names).index(what)
            weight = float(dict(evidence.held_by(profile))[name]) * self.typed[1]
            found = self.typed[0].parts(self.features, name, row)
        elif kind in (ReasonKind.LIKE, ReasonKind.DISLIKE):
            taste, weight = next((t, w) for t, w, _ in self.tastes if t.kind is kind)
            found = taste.directions.parts(self.features, profile, row)
        else:
            return ()
        shown = [(word, round(weight * part, reasons.DECIMALS)) for word, part in found]
        shown = shown[:MOST_PARTS]
        rest = round(amount - sum(part for _, part in shown), reasons.DECIMALS)
        return (*shown, ("…", rest)) if rest else tuple(shown)


def written(
    block: Sequence[Profile],
    features: Features,
    candidates: Candidates,
    *,
    topics: Mapping[str, Topic],
    weights: Weights,
    trending: float,
) -> Sheet:
    """The arithmetic of a block, before anything is barred.

    `trending` is what votes and curators add together at most.
    """
    known = known_papers(block, candidates, features)
    exact, near, typed = profiles.keywords(block, features, weights)
    kinds = (
        profiles.topics(block, features, topics, weights),
        exact,
        near,
        profiles.queries(block, features, weights),
        profiles.authors(block, features, weights),
    )
    evidence = [each for each in kinds if len(each.names)]
    nothing = np.zeros((len(block), len(features.papers)), np.float32)
    taste: list[tuple[Tastes, float, np.ndarray]] = []
    trust = 1 if features.space.dimensions else UNLEARNED
    for kind, weight in (
        (InterestKind.LIKE, trust * weights.like),
        (InterestKind.DISLIKE, -trust * weights.dislike),
    ):
        held = [[i for i in profiles.distinct(p, kind) if i.value in known] for p in block]
        if any(held):
            found = tastes(kind, held, features, weights.views, known=known)
            amounts = np.float32(weight) * found.directions.amounts(features)
            taste.append((found, weight, amounts))
    liking = next((a for t, _, a in taste if t.kind is ReasonKind.LIKE), nothing)
    nobody = np.array([not any(each.of(kind) for kind in POSITIVE) for each in block])
    heat = _popularity(candidates, features)
    bound = np.full(len(block), trending, np.float32)
    voted, picked = _community(candidates, features, bound, heat)
    scores = nothing + voted + picked
    matched = liking >= weights.like_floor
    for each in evidence:
        scores += each.scores()
        matched |= each.admitted()
    for _, _, amounts in taste:
        scores += amounts
    matched |= nobody[:, None] & (voted + picked > 0)
    typing = near.scores() if len(near.names) else nothing
    return Sheet(
        features=features,
        known=known,
        evidence=evidence,
        typed=(typed, trust * weights.typed),
        tastes=taste,
        near=(liking, typing),
        heat=heat,
        voted=voted,
        picked=picked,
        upvotes=candidates.upvotes,
        scores=scores,
        matched=matched,
    )


def _add(
    terms: Sequence[list[reasons.Term]],
    amounts: np.ndarray,
    kind: ReasonKind,
    names: Sequence[str],
) -> None:
    rounded = np.round(amounts.astype(float), reasons.DECIMALS)
    places = np.flatnonzero(rounded).tolist()
    for place, amount in zip(places, rounded[places].tolist(), strict=True):
        terms[place].append((amount, kind, names[place]))


def known_papers(
    block: Sequence[Profile], candidates: Candidates, features: Features
) -> dict[str, Paper]:
    """The liked, disliked and known papers that we have, by the id that profiles use for them."""
    known: dict[str, Paper] = {}
    for profile in block:
        for each in said(profile):
            if each.value in candidates.liked:
                known[each.value] = candidates.liked[each.value]
            elif each.value in features.position:
                known[each.value] = features.papers[features.position[each.value]]
    return known


def said(profile: Profile) -> Iterable[Interest]:
    """The papers that a profile has said its word on."""
    return (each for each in profile.interests if each.kind in SAID)


def _community(
    candidates: Candidates, features: Features, bound: np.ndarray, heat: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What votes and what curators add (profiles × papers), together at most each one's bound.

    A curator's choice is worth half of the bound; votes fill the rest as far as they go.
    """
    featured = np.array([each.id in candidates.featured for each in features.papers])
    voted = bound[:, None] * heat
    picked = PICKED_SHARE * bound[:, None] * featured
    return np.minimum(voted, bound[:, None] - picked), picked


def _popularity(candidates: Candidates, features: Features) -> np.ndarray:
    """Stored hot scores brought to a scale of 0 to 1 over an edition's papers (float32).

    The hottest is 1, one that is d units of heat cooler (see `trending`) 1/(1 + d), and a paper
    that has no score 0.
    """
    heat = np.array([candidates.trending.get(each.id, -np.inf) for each in features.papers])
    hottest = heat.max()
    if not np.isfinite(hottest):
        return np.zeros(len(heat), np.float32)
    return np.asarray(1 / (1 + hottest - heat), np.float32)
