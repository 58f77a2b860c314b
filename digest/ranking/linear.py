"""The ranker: a sum of plain terms, for a block of people at a time."""

from __future__ import annotations

from functools import partial
from hashlib import blake2b
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from digest.compose import explores
from digest.model import (
    Explanation,
    InterestKind,
    Paper,
    Profile,
    Ranking,
    Reason,
    Topic,
)
from digest.ranking import profiles, reasons, selecting
from digest.ranking.directions import KEPT_AS
from digest.ranking.features import Features
from digest.ranking.profiles import Weights
from digest.ranking.sheet import Sheet, community, learned_tastes, said, written
from digest.ranking.shelves import Shelves
from digest.ranking.space import bare

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence
    from datetime import datetime

    from digest.ports import Candidates
    from digest.ranking.embedding import SentenceEmbedder
    from digest.ranking.space import Space

CHUNK = 128
MOST_INTERESTS = 2_048
MOST_ARRANGED = 3
FEWEST_ARRANGED = 30
MOST_SHARES = 8
BESIDE = 0.5

_SAID_SO = {
    InterestKind.LIKE: "it is liked already",
    InterestKind.DISLIKE: "it is disliked",
    InterestKind.KNOWN: "it is known already",
}


class LinearRanker:
    """Scores are sums of terms, one a reason: topics, keywords, authors, likes, trending, picked.

    They are log-odds (see `Pick.chance`), comparable between people and days, because every term
    is a constant or a product with constant weights: nothing is scaled to the day or the person.

    A paper matches when it is in a followed topic, names a keyword, is found by a saved search,
    is by a followed author, or is close enough to what was liked or typed. Votes and curators
    together add at most `trending`, and order the papers of someone who has named no interest at
    all. Never picked is what is muted, disliked, liked or known already, or named in `without`.

    At most `cap` papers are listed for a profile. Those shown in full are chosen as a list (see
    `selecting`): of near-duplicates one, every interest its part, and with `explore` the last place
    for what lies beside all of them. They come with scores and reasons, the others as ids.

    `space` is what was learned from the archive; without it words weigh what they do in the
    edition, and nothing is known of what they mean.
    """

    def __init__(
        self,
        *,
        topics: Mapping[str, Topic],
        weights: Weights = Weights(),  # noqa: B008 - immutable
        trending: float = 2.0,
        cap: int = 200,
        space: Space | None = None,
        embedder: SentenceEmbedder | None = None,
        explore: int = 0,
    ) -> None:
        self.embeds = embedder.name if embedder else ""
        self.lies = space.name if space is not None and space.dimensions else ""
        self.keeps = _name_of(space, weights, self.embeds) if self.lies else ""
        self._topics = topics
        self._weights = weights
        self._trending = trending
        self._cap = cap
        self._space = space
        self._embedder = embedder
        self._explore = explore
        self._shelves = (
            Shelves(space, embedder=embedder, views=weights.views)
            if space is not None and space.dimensions
            else None
        )
        self._latest: tuple[Sequence[Paper], Features, np.ndarray] | None = None

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
        features, twins = self._features(candidates)
        # A map lets go of one sheet before it asks for the next: each is ten megabytes.
        rankings = map(
            partial(self._rank, twins=twins, without=without),
            self._written(block, features, candidates),
        )
        return list(chain.from_iterable(rankings))

    def scores(self, block: Sequence[Profile], candidates: Candidates) -> np.ndarray:
        """The scores alone (profiles × papers, float32), papers as `candidates` has them.

        Nothing is barred, arranged or explained: this is for comparing rankers.
        """
        features, _ = self._features(candidates)
        found = [each.scores for each in self._written(block, features, candidates)]
        order = [features.position[each.id] for each in candidates.papers]
        return np.concatenate([np.zeros((0, len(order)), np.float32), *found])[:, order]

    def learned(
        self, block: Sequence[Profile], liked: Mapping[str, Paper], vectors: Mapping[str, bytes]
    ) -> dict[str, tuple[bytes, ...]]:
        """What to keep of each profile, by subscriber: `rank` is quicker where candidates bring it.

        `liked` are the papers they like and dislike, `vectors` what the embedder made of those. It
        stays true until they say something new, or `keeps` becomes another name.
        """
        if self._shelves is None:
            return {}
        self._shelves.learn_vectors(vectors)
        return {
            name: content
            for chunk in _chunks(block, {})
            for name, content in learned_tastes(chunk, liked, self._shelves, self._weights).items()
        }

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
        features, _ = self._features(candidates)
        row = features.position[paper_id]
        (sheet,) = self._written([profile], features, candidates)
        ranking = self.rank([profile], candidates, without=without, now=now)[0]
        place = next((n for n, each in enumerate(ranking.listed, 1) if each == paper_id), 0)
        if any(each.paper_id == paper_id and explores(each) for each in ranking.picks):
            sheet.explored[0] = row
        terms = sheet.explained(0, np.array([row]))[0]
        parts = [(term, sheet.parts(0, row, term)) for term in terms]
        parts.sort(key=lambda part: -part[0][0])
        return Explanation(
            paper_id=paper_id,
            score=round(sum(term[0] for term, _ in parts), reasons.DECIMALS),
            terms=tuple(
                Reason(amount=amount, kind=kind, what=what) for (amount, kind, what), _ in parts
            ),
            words=tuple(words for _, words in parts),
            barred="" if place else self._barred(profile, features, sheet, row, without),
            rank=place,
        )

    def _barred(
        self,
        profile: Profile,
        features: Features,
        sheet: Sheet,
        row: int,
        without: Mapping[str, frozenset[str]],
    ) -> str:
        """Why a paper is no pick of a profile."""
        paper = features.papers[row].id
        for each in said(profile):
            if _named(each.value, features, sheet.candidates) == paper:
                return _SAID_SO[each.kind]
        if paper in without.get(profile.subscriber_id, frozenset()):
            return "it was in an earlier digest, or was announced before this one begins"
        if profiles.muted([profile], features, self._topics)[0, row]:
            return "it is muted"
        if not sheet.matched[0, row]:
            return "it is in none of the topics and not close enough to anything else"
        return "others come before it"

    def _written(
        self, block: Sequence[Profile], features: Features, candidates: Candidates
    ) -> Iterable[Sheet]:
        everyone = community(candidates, features, self._trending)
        kept = candidates.tastes.get(self.keeps, {})
        for chunk in _chunks(block, kept):
            yield written(
                chunk,
                features,
                candidates,
                topics=self._topics,
                weights=self._weights,
                community=everyone,
                kept=kept,
            )

    def _features(self, candidates: Candidates) -> tuple[Features, np.ndarray]:
        """Features of an edition and its near-duplicates; kept, as one edition serves many blocks."""
        if self._latest is None or self._latest[0] != candidates.papers:
            shelves = self._shelves or Shelves(
                self._space or bare(candidates.papers),
                embedder=self._embedder,
                views=self._weights.views,
            )
            shelves.learn_vectors(candidates.vectors)
            features = Features(candidates.papers, shelves)
            self._latest = (candidates.papers, features, selecting.twins(features.words))
        self._latest[1].shelves.learn_vectors(candidates.vectors)
        return self._latest[1], self._latest[2]

    def _rank(
        self, sheet: Sheet, twins: np.ndarray, without: Mapping[str, frozenset[str]]
    ) -> Iterable[Ranking]:
        block, features = sheet.block, sheet.features
        barred = _barred(sheet, without)
        barred |= profiles.muted(block, features, self._topics)
        sheet.matched[barred] = False
        lists = [_best(sheet, row, self._cap) for row in range(len(block))]
        lists = _arranged(sheet, lists, twins)
        if self._explore:
            lists = self._with_beside(sheet, barred, lists)
        told = [found[: profile.limit] for profile, found in zip(block, lists, strict=True)]
        words = sheet.telling(told)
        for row, (profile, found) in enumerate(zip(block, lists, strict=True)):
            picks = [
                reasons.pick(features.ids[paper], terms, words)
                for paper, terms, words in zip(
                    told[row], sheet.explained(row, told[row]), words[row], strict=True
                )
            ]
            yield Ranking(
                subscriber_id=profile.subscriber_id,
                picks=tuple(picks),
                rest=tuple([features.ids[each] for each in found[len(picks) :].tolist()]),
                matched=int(sheet.matched[row].sum()),
            )

    def _with_beside(
        self, sheet: Sheet, barred: np.ndarray, lists: Sequence[np.ndarray]
    ) -> list[np.ndarray]:
        """The lists with the last place that is shown given to a paper that matches nothing."""
        nearness = sum(np.maximum(each, 0) for each in sheet.near)
        outside = ~sheet.matched & ~barred & (nearness > BESIDE)
        shown = np.array([each.limit for each in sheet.block])
        found = selecting.exploring(nearness, sheet.community.heat, outside, shown).tolist()
        sheet.explored.update((row, paper) for row, paper in enumerate(found) if paper >= 0)
        return [
            np.insert(each, min(len(each), profile.limit - 1), paper)[: self._cap]
            if paper >= 0
            else each
            for profile, each, paper in zip(sheet.block, lists, found, strict=True)
        ]


def _name_of(space: Space | None, weights: Weights, embeds: str) -> str:
    """The name of what is kept of people: another one for whatever would make it something else."""
    about = f"{weights.like} {weights.dislike} {weights.views} {KEPT_AS} {embeds}"
    mark = blake2b(about.encode(), digest_size=4).hexdigest()
    return f"{space.name if space else ''}/{mark}"


def _chunks(block: Sequence[Profile], kept: Container[str]) -> Iterable[list[Profile]]:
    """The block in parts whose arrays stay small: so many people, and so many interests to learn."""
    chunk: list[Profile] = []
    interests = 0
    for each in block:
        own = 0 if each.subscriber_id in kept else len(each.interests)
        if chunk and (len(chunk) >= CHUNK or interests + own > MOST_INTERESTS):
            yield chunk
            chunk, interests = [], 0
        chunk.append(each)
        interests += own
    if chunk:
        yield chunk


def _best(sheet: Sheet, profile: int, cap: int) -> np.ndarray:
    """The rows of the highest scores among what matched; of equals the newer comes first."""
    rows = np.flatnonzero(sheet.matched[profile])
    scores = sheet.scores[profile, rows]
    if len(rows) > cap:
        least = np.partition(scores, -cap)[-cap]
        rows, scores = rows[scores >= least], scores[scores >= least]
    return np.asarray(rows[np.argsort(-scores, kind="stable")][:cap])


def _barred(sheet: Sheet, without: Mapping[str, frozenset[str]]) -> np.ndarray:
    """Papers that a profile has said its word on, or is not to be shown (profiles × papers)."""
    features = sheet.features
    position = features.position
    barred = np.zeros(sheet.scores.shape, bool)
    for row, profile in enumerate(sheet.block):
        values = {each.value for each in said(profile)}
        known = (values & features.id_of.keys()) | (values & sheet.candidates.liked.keys())
        ids = {_named(each, features, sheet.candidates) for each in known}
        ids |= without.get(profile.subscriber_id, frozenset())
        barred[row, [position[each] for each in ids & position.keys()]] = True
    return barred


def _named(value: str, features: Features, candidates: Candidates) -> str:
    """The id of the paper that a profile means, empty for one that is not at hand."""
    if value in features.id_of:
        return features.id_of[value]
    return candidates.liked[value].id if value in candidates.liked else ""


def _arranged(sheet: Sheet, lists: Sequence[np.ndarray], twins: np.ndarray) -> list[np.ndarray]:
    """Each profile's list with its first places shared out (see `selecting.arrange`)."""
    block = sheet.block
    shown = np.array([each.limit for each in block])
    # Each one's own, whoever else is in the block.
    counts = [
        min(len(found), max(FEWEST_ARRANGED, MOST_ARRANGED * each.limit))
        for each, found in zip(block, lists, strict=True)
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
