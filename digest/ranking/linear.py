"""The ranker: a sum of plain terms, for a block of people at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digest.model import Interest, InterestKind, Paper, Profile, Ranking, ReasonKind, Topic
from digest.ranking import profiles, reasons
from digest.ranking.features import Features
from digest.ranking.profiles import Evidence, Tastes, Weights

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from digest.ports import Candidates

CHUNK = 256
MOST_INTERESTS = 4_096

PICKED_SHARE = 0.5

POSITIVE = (
    InterestKind.TOPIC,
    InterestKind.KEYWORD,
    InterestKind.AUTHOR,
    InterestKind.LIKE,
    InterestKind.QUERY,
)
SAID = (InterestKind.LIKE, InterestKind.DISLIKE, InterestKind.KNOWN)


class LinearRanker:
    """Scores are sums of terms, one a reason: topics, keywords, authors, likes, trending, picked.

    A paper matches when it is in a followed topic, names a keyword, is found by a saved search,
    is by a followed author, or is close enough to what was liked. Votes and curators together add
    at most `trending` to a paper that matches, and order the papers of someone who has named no
    interest at all. Never picked is what is muted, disliked, liked or known already, or named in
    `without`. At most `cap` picks a profile.

    `background` are papers that word frequencies are learned from beside the edition's own.
    """

    def __init__(
        self,
        *,
        topics: Mapping[str, Topic],
        weights: Weights = Weights(),  # noqa: B008 - immutable
        trending: float = 0.25,
        cap: int = 200,
        background: Sequence[Paper] = (),
    ) -> None:
        self._topics = topics
        self._weights = weights
        self._trending = trending
        self._cap = cap
        self._background = background
        self._latest: tuple[Sequence[Paper], Features] | None = None

    def rank(
        self,
        block: Sequence[Profile],
        candidates: Candidates,
        *,
        without: Mapping[str, frozenset[str]],
        now: datetime,  # noqa: ARG002 - scores do not change while a day is recomposed
    ) -> list[Ranking]:
        """One ranking a profile, in order; the same whatever block a profile comes in."""
        if not candidates.papers:
            return [Ranking(subscriber_id=each.subscriber_id) for each in block]
        features = self._features(candidates.papers)
        return [
            ranking
            for chunk in _chunks(block)
            for ranking in self._rank(chunk, features, candidates, without)
        ]

    def _features(self, papers: Sequence[Paper]) -> Features:
        """Features of these papers; kept, because one edition serves many blocks."""
        if self._latest is None or self._latest[0] != papers:
            self._latest = (papers, Features(papers, self._background))
        return self._latest[1]

    def _rank(
        self,
        block: Sequence[Profile],
        features: Features,
        candidates: Candidates,
        without: Mapping[str, frozenset[str]],
    ) -> Iterable[Ranking]:
        sheet = self._sheet(block, features, candidates)
        sheet.matched[_barred(block, features, sheet.known, without)] = False
        sheet.matched[profiles.muted(block, features, self._topics)] = False
        for row, profile in enumerate(block):
            best = _best(sheet, row, self._cap)
            picks = [
                reasons.pick(features.papers[paper].id, terms)
                for paper, terms in zip(best, sheet.explained(row, best), strict=True)
            ]
            # Rounded amounts can tie or turn what single precision told apart.
            order = sorted(picks, key=lambda pick: (-pick.score, features.position[pick.paper_id]))
            yield Ranking(
                subscriber_id=profile.subscriber_id,
                picks=tuple(order),
                matched=int(sheet.matched[row].sum()),
            )

    def _sheet(
        self, block: Sequence[Profile], features: Features, candidates: Candidates
    ) -> _Sheet:
        """Scores and matches of a block before anything is barred."""
        weights = self._weights
        known = _known(block, candidates, features)
        kinds = (
            profiles.topics(block, features, self._topics, weights),
            *profiles.keywords(block, features, weights),
            profiles.queries(block, features, weights),
            profiles.authors(block, features, weights),
        )
        evidence = [each for each in kinds if len(each.names)]
        likes = profiles.tastes(block, InterestKind.LIKE, features, known)
        dislikes = profiles.tastes(block, InterestKind.DISLIKE, features, known)
        liking, disliking = weights.like * likes.cosines, -weights.dislike * dislikes.cosines
        nobody = np.array([not any(each.of(kind) for kind in POSITIVE) for each in block])
        bound = np.where(nobody, 1, self._trending).astype(np.float32)
        trending, picked = _community(candidates, features, bound)
        scores = sum(each.scores() for each in evidence)
        scores = scores + liking + disliking + trending + picked
        matched = likes.cosines >= weights.like_floor
        for each in evidence:
            matched |= each.admitted()
        matched |= nobody[:, None] & (trending + picked > 0)
        return _Sheet(
            features=features,
            known=known,
            evidence=evidence,
            tastes=[(likes, liking), (dislikes, disliking)],
            trending=trending,
            picked=picked,
            upvotes=candidates.upvotes,
            scores=scores,
            matched=matched,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sheet:
    """A block's arithmetic: every array is profiles × papers."""

    features: Features
    known: Mapping[str, Paper]
    evidence: Sequence[Evidence]
    tastes: Sequence[tuple[Tastes, np.ndarray]]
    trending: np.ndarray
    picked: np.ndarray
    upvotes: Mapping[str, int]
    scores: np.ndarray
    matched: np.ndarray

    def explained(self, profile: int, rows: np.ndarray) -> list[list[reasons.Term]]:
        """The terms of a profile's score for each of these papers."""
        terms: list[list[reasons.Term]] = [[] for _ in rows]
        for each in self.evidence:
            for name, weight in each.held_by(profile):
                names = [each.names[name]] * len(rows)
                _add(terms, weight * each.values[name, rows], each.kind, names)
        for taste, amounts in self.tastes:
            if len(taste.held[profile]):
                _add(terms, amounts[profile, rows], taste.kind, taste.nearest(profile, rows))
        papers = self.features.papers
        votes = [str(self.upvotes.get(papers[row].id) or "") for row in rows.tolist()]
        _add(terms, self.trending[profile, rows], ReasonKind.TRENDING, votes)
        _add(terms, self.picked[profile, rows], ReasonKind.PICKED, [""] * len(rows))
        return terms


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


def _chunks(block: Sequence[Profile]) -> Iterable[list[Profile]]:
    """The block in parts whose arrays stay small: so many people, and so many interests."""
    chunk: list[Profile] = []
    interests = 0
    for each in block:
        if chunk and (len(chunk) >= CHUNK or interests + len(each.interests) > MOST_INTERESTS):
            yield chunk
            chunk, interests = [], 0
        chunk.append(each)
        interests += len(each.interests)
    if chunk:
        yield chunk


def _best(sheet: _Sheet, profile: int, cap: int) -> np.ndarray:
    """The rows of the highest scores among what matched; of equals the newer comes first."""
    rows = np.flatnonzero(sheet.matched[profile])
    scores = sheet.scores[profile, rows]
    if len(rows) > cap:
        least = np.partition(scores, -cap)[-cap]
        rows, scores = rows[scores >= least], scores[scores >= least]
    return np.asarray(rows[np.argsort(-scores, kind="stable")][:cap])


def _known(
    block: Sequence[Profile], candidates: Candidates, features: Features
) -> dict[str, Paper]:
    """The liked, disliked and known papers that we have, by the id that profiles use for them."""
    known: dict[str, Paper] = {}
    for profile in block:
        for each in _said(profile):
            if each.value in candidates.liked:
                known[each.value] = candidates.liked[each.value]
            elif each.value in features.position:
                known[each.value] = features.papers[features.position[each.value]]
    return known


def _barred(
    block: Sequence[Profile],
    features: Features,
    known: Mapping[str, Paper],
    without: Mapping[str, frozenset[str]],
) -> np.ndarray:
    """Papers that a profile has said its word on, or is not to be shown (profiles × papers)."""
    barred = np.zeros((len(block), len(features.papers)), bool)
    for row, profile in enumerate(block):
        ids = {known[each.value].id for each in _said(profile) if each.value in known}
        ids |= without.get(profile.subscriber_id, frozenset())
        barred[row, [features.position[each] for each in ids if each in features.position]] = True
    return barred


def _said(profile: Profile) -> Iterable[Interest]:
    return (each for each in profile.interests if each.kind in SAID)


def _community(
    candidates: Candidates, features: Features, bound: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What votes and what curators add (profiles × papers), together at most each one's bound.

    A curator's choice is worth half of the bound; votes fill the rest as far as they go.
    """
    featured = np.array([each.id in candidates.featured for each in features.papers])
    voted = bound[:, None] * _popularity(candidates, features)
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
