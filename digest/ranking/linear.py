"""The ranker: a sum of plain terms, for a block of people at a time."""

from __future__ import annotations

from functools import partial, wraps
from hashlib import blake2b
from itertools import chain
from threading import RLock
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import numpy as np

from digest.model import (
    Explanation,
    InterestKind,
    Paper,
    Profile,
    Ranking,
    Reason,
    Topic,
)
from digest.ranking import arranging, opinions, profiles, reasons, selecting
from digest.ranking.directions import FORMAT
from digest.ranking.features import Features
from digest.ranking.point_cache import PointCache
from digest.ranking.profiles import Weights
from digest.ranking.sheet import Sheet, community, written
from digest.ranking.space import bare

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence
    from datetime import datetime

    from digest.ports import Candidates
    from digest.ranking.embedding import SentenceEmbedder
    from digest.ranking.space import Space

CHUNK = 128
MOST_INTERESTS = 2_048

_SAID_SO = {
    InterestKind.LIKE: "it is liked already",
    InterestKind.DISLIKE: "it is disliked",
    InterestKind.KNOWN: "it is known already",
}

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


def _one_at_a_time(
    method: Callable[Concatenate[LinearRanker, Asked], Answer],
) -> Callable[Concatenate[LinearRanker, Asked], Answer]:
    """Let threads that share a ranker wait for each other: what it has worked out, all build on."""

    @wraps(method)
    def alone(ranker: LinearRanker, /, *args: Asked.args, **more: Asked.kwargs) -> Answer:
        with ranker._lock:  # noqa: SLF001 - it decorates the ranker's own methods
            return method(ranker, *args, **more)

    return alone


class LinearRanker:
    """Scores are sums of terms, one a reason: topics, keywords, authors, likes, trending, picked.

    They are log-odds (see `Pick.chance`), comparable between people and days, because every term
    is a constant or a product with constant weights: nothing is scaled to the day or the person,
    but that an embedder's vectors lose what those of the day have in common (see `Features`).

    A paper matches when it is in a followed topic, names a keyword, is found by a saved search,
    is by a followed author, or is close enough to what was liked or typed. Votes and curators
    together add at most `trending`, and order the papers of someone who has named no interest at
    all. Never picked is what is muted, disliked, liked or known already, or named in `without`.

    At most `cap` papers are listed for a profile. Those shown in full are chosen as a list (see
    `arranging`): of near-duplicates one, every interest its part, what is followed and the
    smaller ones among likes a place that they would not have, and with `explore` the last place for
    what lies beside all of them. They come with scores and reasons, the others as ids.

    `space` is what was learned from the archive; without it, or with one that has no dimensions,
    words weigh what they do in the edition, and nothing is known of what they mean.
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

    @_one_at_a_time
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
        features, duplicates = self._features(candidates)
        # A map lets go of one sheet before it asks for the next: each is ten megabytes.
        rankings = map(
            partial(self._rank, duplicates=duplicates, without=without),
            self._written(block, features, candidates),
        )
        return list(chain.from_iterable(rankings))

    @_one_at_a_time
    def scores(self, block: Sequence[Profile], candidates: Candidates) -> np.ndarray:
        """The scores alone (profiles × papers, float32), papers as `candidates` has them.

        Nothing is barred, arranged or explained: this is for comparing rankers.
        """
        features, _ = self._features(candidates)
        sheets = self._written(block, features, candidates, apart=False)
        found = [each.trust[:, None] * each.scores for each in sheets]
        nobody = np.zeros((0, len(features.papers)), np.float32)
        return np.concatenate([nobody, *found])[:, features.given]

    @_one_at_a_time
    def learned(
        self, block: Sequence[Profile], liked: Mapping[str, Paper], vectors: Mapping[str, bytes]
    ) -> dict[str, tuple[bytes, ...]]:
        """What to keep of each profile, by subscriber: `rank` is quicker where candidates bring it.

        `liked` are the papers they like and dislike, `vectors` what the embedder made of those. It
        stays true until they say something new, or `keeps` becomes another name.
        """
        if self._cache is None:
            return {}
        self._cache.learn_vectors(vectors)
        return {
            name: content
            for chunk in _chunks(block, {})
            for name, content in opinions.tastes_to_keep(
                chunk, liked, self._cache, self._weights
            ).items()
        }

    @_one_at_a_time
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
        features, duplicates = self._features(candidates)
        row = features.position[paper_id]
        (sheet,) = self._written([profile], features, candidates)
        (ranking,) = self._rank(sheet, duplicates, without)
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
        for each in opinions.judged(profile):
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
        self,
        block: Sequence[Profile],
        features: Features,
        candidates: Candidates,
        *,
        apart: bool = True,
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
                apart=apart,
            )

    def _features(self, candidates: Candidates) -> tuple[Features, np.ndarray]:
        """Features of an edition and its near-duplicates; kept, as one edition serves many blocks."""
        if self._latest is None or self._latest[0] != candidates.papers:
            cache = self._cache or PointCache(
                bare(candidates.papers),
                embedder=self.embedder,
                views=self._weights.views,
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
        arranging.fill_with_voted(sheet, barred, duplicates)
        lists = arranging.lists(
            sheet,
            barred,
            duplicates,
            cap=self._cap,
            floor=self._weights.minor_floor,
            explore=bool(self._explore),
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
                matched=int(sheet.matched[row].sum()),
            )


def _name_of(space: Space, weights: Weights, embeds: str) -> str:
    """The name of what is kept of people: another one for whatever would make it something else."""
    about = f"{weights.like} {weights.dislike} {weights.views} {FORMAT} {embeds}"
    mark = blake2b(about.encode(), digest_size=4).hexdigest()
    return f"{space.name}/{mark}"


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


def _barred(sheet: Sheet, without: Mapping[str, frozenset[str]]) -> np.ndarray:
    """Papers that a profile has said its word on, or is not to be shown (profiles × papers)."""
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
    """The id of the paper that a profile means, empty for one that is not at hand."""
    if value in features.id_of:
        return features.id_of[value]
    return candidates.liked[value].id if value in candidates.liked else ""
