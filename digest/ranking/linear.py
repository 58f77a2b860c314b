"""The ranker: a score is a sum of plain terms, computed for a block of profiles at a time."""

from __future__ import annotations

from functools import partial
from hashlib import blake2b
from itertools import chain
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np

from digest.model import Explanation, InterestKind, Paper, Profile, Ranking, Reason, Topic
from digest.ranking import arranging, opinions, profiles, reasons, selecting
from digest.ranking.directions import FORMAT
from digest.ranking.features import Features
from digest.ranking.point_cache import PointCache
from digest.ranking.profiles import Weights
from digest.ranking.sheet import Sheet, community, scored
from digest.ranking.space import bare

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence
    from datetime import datetime

    from digest.ports import Candidates
    from digest.ranking.embedding import SentenceEmbedder
    from digest.ranking.space import Space

CHUNK = 128
MOST_INTERESTS = 2_048

_ALREADY = {
    InterestKind.LIKE: "it is liked already",
    InterestKind.DISLIKE: "it is disliked",
    InterestKind.KNOWN: "it is known already",
}


class LinearRanker:
    """Scores are sums of terms, one for each reason: topics, keywords, authors, likes, votes, picks.

    Scores are log-odds (see `Pick.chance`). They can be compared between people and days, since
    nothing is normalised to either; only an embedder's vectors lose their mean over the edition (see
    `Features`).

    A paper matches if it is in a followed topic, contains a keyword, is found by a saved search, is
    by a followed author, or is similar enough to what was liked or typed. Votes and curators' picks
    together add at most `trending`; for somebody without any interest, they alone admit papers.
    Papers that are muted, liked, disliked or known, or named in `without`, are never picked.

    At most `cap` papers are listed for a profile. `arranging` chooses those shown in full, which come
    with scores and reasons; the others are ids. With `explore`, the last place shown in full is for a
    paper beside all interests.

    `space` is learned from the archive. Without one, or with one without dimensions, words are
    weighed by the edition alone, and nothing is known of their meaning.

    Threads may share a ranker; its lock lets them in one at a time.
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
        if space is not None and not space.dimensions:
            space = None
        self.embeds = embedder.name if embedder else ""
        self.lies = space.name if space else ""
        self.keeps = _name_of(space, weights, self.embeds) if space else ""
        self._topics = topics
        self._weights = weights
        self._trending = trending
        self._cap = cap
        self.embedder = embedder
        self._explore = explore
        self._cache = PointCache(space, embedder=embedder, views=weights.views) if space else None
        self._lock = RLock()
        self._latest: tuple[Sequence[Paper], Features, np.ndarray] | None = None

    def rank(
        self,
        block: Sequence[Profile],
        candidates: Candidates,
        *,
        without: Mapping[str, frozenset[str]],
        now: datetime,  # noqa: ARG002 - scores do not change while a day is recomposed
    ) -> list[Ranking]:
        """One ranking for each profile, in order; it does not depend on the rest of the block."""
        if not candidates.papers:
            return [Ranking(subscriber_id=each.subscriber_id, matched=0) for each in block]
        with self._lock:
            features, duplicates = self._features(candidates)
            # `map` frees each sheet, of ten megabytes, before it asks for the next.
            rankings = map(
                partial(self._rank, duplicates=duplicates, without=without),
                self._sheets(block, features, candidates),
            )
            return list(chain.from_iterable(rankings))

    def scores(self, block: Sequence[Profile], candidates: Candidates) -> np.ndarray:
        """The scores alone (profiles × papers, float32), papers in the order of `candidates`.

        No paper is barred and nothing is arranged: this is for comparing rankers.
        """
        with self._lock:
            features, _ = self._features(candidates)
            sheets = self._sheets(block, features, candidates, with_minors=False)
            found = [each.trust[:, None] * each.scores for each in sheets]
        nobody = np.zeros((0, len(features.papers)), np.float32)
        return np.concatenate([nobody, *found])[:, features.given]

    def learned(
        self, block: Sequence[Profile], liked: Mapping[str, Paper], vectors: Mapping[str, bytes]
    ) -> dict[str, tuple[bytes, ...]]:
        """What to keep of each profile, by subscriber id; it makes `rank` quicker.

        `liked` are the papers they like and dislike, `vectors` the embedder's vectors of those. It
        is valid until they say something new, or `keeps` changes.
        """
        if self._cache is None:
            return {}
        found: dict[str, tuple[bytes, ...]] = {}
        with self._lock:
            self._cache.learn_vectors(vectors)
            for chunk in _chunks(block, {}):
                found |= opinions.tastes_to_keep(chunk, liked, self._cache, self._weights)
        return found

    def explain(
        self,
        profile: Profile,
        candidates: Candidates,
        paper_id: str,
        *,
        without: Mapping[str, frozenset[str]],
        now: datetime,  # noqa: ARG002 - as `rank`
    ) -> Explanation:
        """The whole sum for one of the candidates, whether or not `rank` picks it."""
        with self._lock:
            features, duplicates = self._features(candidates)
            (sheet,) = self._sheets([profile], features, candidates)
            (ranking,) = self._rank(sheet, duplicates, without)
            return self._explained(sheet, ranking, paper_id, without)

    def _explained(
        self,
        sheet: Sheet,
        ranking: Ranking,
        paper_id: str,
        without: Mapping[str, frozenset[str]],
    ) -> Explanation:
        row = sheet.features.position[paper_id]
        place = next((n for n, each in enumerate(ranking.listed, 1) if each == paper_id), 0)
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
            barred="" if place else self._why_not(sheet, row, without),
            rank=place,
        )

    def _why_not(self, sheet: Sheet, row: int, without: Mapping[str, frozenset[str]]) -> str:
        """Why a paper is not a pick of the sheet's one profile."""
        (profile,), features = sheet.block, sheet.features
        paper = features.ids[row]
        for each in opinions.judged(profile):
            if _named(each.value, features, sheet.candidates) == paper:
                return _ALREADY[each.kind]
        if paper in without.get(profile.subscriber_id, frozenset()):
            return "it was in an earlier digest, or was announced before this one begins"
        if profiles.muted([profile], features, self._topics)[0, row]:
            return "it is muted"
        if not sheet.matched[0, row]:
            return "it is in none of the topics and not close enough to anything else"
        return "others come before it"

    def _sheets(
        self,
        block: Sequence[Profile],
        features: Features,
        candidates: Candidates,
        *,
        with_minors: bool = True,
    ) -> Iterable[Sheet]:
        """The scores of a block, in chunks."""
        everyone = community(candidates, features, self._trending)
        kept = candidates.tastes.get(self.keeps, {})
        for chunk in _chunks(block, kept):
            yield scored(
                chunk,
                features,
                candidates,
                topics=self._topics,
                weights=self._weights,
                community=everyone,
                kept=kept,
                with_minors=with_minors,
            )

    def _features(self, candidates: Candidates) -> tuple[Features, np.ndarray]:
        """An edition's features and near-duplicate groups, kept for the other blocks of the edition."""
        if self._latest is None or self._latest[0] != candidates.papers:
            cache = self._cache or PointCache(
                bare(candidates.papers), embedder=self.embedder, views=self._weights.views
            )
            cache.learn_vectors(candidates.vectors)
            features = Features(candidates.papers, cache)
            self._latest = (candidates.papers, features, selecting.near_duplicates(features.words))
        self._latest[1].cache.learn_vectors(candidates.vectors)
        return self._latest[1], self._latest[2]

    def _rank(
        self, sheet: Sheet, duplicates: np.ndarray, without: Mapping[str, frozenset[str]]
    ) -> Iterable[Ranking]:
        block, features = sheet.block, sheet.features
        barred = _barred(sheet, without)
        barred |= profiles.muted(block, features, self._topics)
        sheet.matched[barred] = False
        matched = sheet.matched.sum(axis=1).tolist()  # without what only fills free places
        arranging.fill_with_voted(sheet, barred, duplicates)
        lists = arranging.lists(
            sheet, barred, duplicates, cap=self._cap, explore=bool(self._explore)
        )
        told = [shown for shown, _ in lists]
        words = sheet.telling(told)
        for row, (profile, (_, others)) in enumerate(zip(block, lists, strict=True)):
            picks = [
                reasons.pick(features.ids[paper], terms, words)
                for paper, terms, words in zip(
                    told[row], sheet.explained(row, told[row]), words[row], strict=True
                )
            ]
            yield Ranking(
                subscriber_id=profile.subscriber_id,
                picks=tuple(picks),
                rest=tuple([features.ids[each] for each in others.tolist()]),
                matched=matched[row],
            )


def _name_of(space: Space, weights: Weights, embeds: str) -> str:
    """The name to keep tastes under: it changes with everything that they are computed from."""
    about = f"{weights.like} {weights.dislike} {weights.views} {FORMAT} {embeds}"
    mark = blake2b(about.encode(), digest_size=4).hexdigest()
    return f"{space.name}/{mark}"


def _chunks(block: Sequence[Profile], kept: Container[str]) -> Iterable[list[Profile]]:
    """The block in chunks whose arrays stay small, by the profiles and the interests to learn."""
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


def _barred(sheet: Sheet, without: Mapping[str, frozenset[str]]) -> np.ndarray:
    """Papers that a profile has judged, or that `without` names for it (profiles × papers, bool)."""
    features = sheet.features
    position = features.position
    barred = np.zeros(sheet.scores.shape, bool)
    for row, profile in enumerate(sheet.block):
        values = {each.value for each in opinions.judged(profile)}
        known = (values & features.id_of.keys()) | (values & sheet.candidates.liked.keys())
        ids = {_named(each, features, sheet.candidates) for each in known}
        ids |= without.get(profile.subscriber_id, frozenset())
        barred[row, [position[each] for each in ids & position.keys()]] = True
    return barred


def _named(value: str, features: Features, candidates: Candidates) -> str:
    """The id of the paper with this identifier, "" if it is neither a candidate nor in `liked`."""
    if value in features.id_of:
        return features.id_of[value]
    return candidates.liked[value].id if value in candidates.liked else ""
