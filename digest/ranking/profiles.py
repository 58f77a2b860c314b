"""A block of profiles as sparse matrices over an edition's papers.

Every kind of interest becomes `Evidence`: a row of values over the papers for each distinct
interest of the block, and a sparse matrix of who holds it and how dear it is. Scores are then
one product a kind, whoever the people are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from digest import matching
from digest.model import Interest, InterestKind, Paper, Profile, ReasonKind, Topic
from digest.ranking.features import (
    STRONGEST,
    STRONGEST_OF_ONE,
    Features,
    Matrix,
    lengths,
    scaled,
    strongest,
)
from digest.text import fold, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

ENOUGH_KEYWORDS = 2
KEYWORDS_SHARE = 0.2
KEYWORDS_FADE_BY = 5
TINY = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What each kind of interest is worth, in units of the strongest match of one topic.

    `similar_words`, `like` and `dislike` multiply cosines of TF-IDF: about 0.15 for a paper right
    up one's street, 0.02 for any. Dislikes count half as much as likes (Rocchio's γ/β). The
    floors are such cosines too: a paper that is in no topic, has no keyword and is by nobody one
    follows is still let in if it is that close to what one likes, or types.
    """

    topic: float = 1.0
    cross_list: float = 0.8
    keyword: float = 1.0
    in_abstract: float = 0.7
    similar_words: float = 3.0
    author: float = 1.5
    like: float = 6.0
    dislike: float = 3.0
    like_floor: float = 0.05
    keyword_floor: float = 0.12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """One kind of interest of a block.

    `names` are the distinct interests, `values` (names × papers, float32) what each adds to a
    paper at weight 1, `admits` (same shape) whether it lets the paper in, `weights` (profiles ×
    names, float32) how dear it is to each.
    """

    kind: ReasonKind
    names: Sequence[str]
    weights: Matrix
    values: np.ndarray
    admits: np.ndarray

    def scores(self) -> np.ndarray:
        """What this kind adds to each paper for each profile (profiles × papers)."""
        return np.asarray(self.weights @ self.values)

    def held_by(self, profile: int) -> Iterable[tuple[int, float]]:
        """The rows of `names` that a profile holds, with how dear each is."""
        span = slice(*self.weights.indptr[profile : profile + 2])
        return zip(self.weights.indices[span], self.weights.data[span], strict=True)

    def admitted(self) -> np.ndarray:
        """Which papers this kind lets in for each profile (profiles × papers)."""
        return np.asarray((self.weights @ self.admits.astype(np.float32)) > 0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tastes:
    """The liked (or disliked) papers of a block.

    `names` are the distinct ones by the id that profiles use, `held` the rows of them that each
    profile holds, `cosines` (profiles × papers) how near each paper is to the weighted mean of
    a profile's own, `similar` (names × papers) how near to each of them, by its strongest terms.
    """

    kind: ReasonKind
    names: Sequence[str]
    held: Sequence[np.ndarray]
    cosines: np.ndarray
    similar: np.ndarray

    def nearest(self, profile: int, rows: np.ndarray) -> list[str]:
        """For each of these papers the one of the profile's own that is most like it."""
        held = self.held[profile]
        best = self.similar[np.ix_(held, rows)].argmax(axis=0)
        return [self.names[each] for each in held[best].tolist()]


def topics(
    block: Sequence[Profile], features: Features, known: Mapping[str, Topic], weights: Weights
) -> Evidence:
    """Followed topics: the primary category or a phrase in the title count in full.

    Where a topic has keywords, a fifth of the value hangs on a paper's having two of them.
    k topics count 1/√k each, or people who follow whole fields would never see what they like.
    """

    def values(name: str) -> np.ndarray:
        return _topic_values(matching.topic_of(name, known), features, weights)

    held = [_distinct(each, InterestKind.TOPIC) for each in block]
    scale = [weights.topic / max(1, len(each)) ** 0.5 for each in held]
    return _evidence(ReasonKind.TOPIC, held, scale, values, features)


def keywords(
    block: Sequence[Profile], features: Features, weights: Weights
) -> tuple[Evidence, Evidence]:
    """Typed words and phrases that stand in a paper, and those that only share words with it.

    Both fade by 5/(5 + n) as n likes say better what someone wants.
    """
    held = [_distinct(each, InterestKind.KEYWORD, by=fold) for each in block]
    scale = _fading(block)

    def values(name: str) -> np.ndarray:
        index, phrase = features.index, fold(name)
        return _row(
            features,
            (weights.keyword * weights.in_abstract, index.texts.find(phrase)),
            (weights.keyword, index.titles.find(phrase)),
        )

    exact = _evidence(ReasonKind.KEYWORD, held, scale, values, features)
    similar = (features.queries(exact.names) @ features.by_term).toarray()
    near = replace(
        exact,
        kind=ReasonKind.WORDS,
        values=np.float32(weights.similar_words) * similar,
        admits=similar >= weights.keyword_floor,
    )
    return exact, near


def queries(block: Sequence[Profile], features: Features, weights: Weights) -> Evidence:
    """Saved searches, worth what a keyword is, and fading as keywords do."""
    held = [_distinct(each, InterestKind.QUERY, by=_parts_of) for each in block]

    def values(name: str) -> np.ndarray:
        anywhere, in_title = features.index.in_query(name)
        return _row(
            features, (weights.keyword * weights.in_abstract, anywhere), (weights.keyword, in_title)
        )

    return _evidence(ReasonKind.QUERY, held, _fading(block), values, features)


def authors(block: Sequence[Profile], features: Features, weights: Weights) -> Evidence:
    """Followed authors."""
    held = [_distinct(each, InterestKind.AUTHOR) for each in block]

    def values(name: str) -> np.ndarray:
        row = np.zeros(len(features.papers), np.float32)
        row[list(features.index.by_author(name))] = weights.author
        return row

    return _evidence(ReasonKind.AUTHOR, held, [1.0] * len(block), values, features)


def tastes(
    block: Sequence[Profile],
    kind: InterestKind,
    features: Features,
    known: Mapping[str, Paper],
) -> Tastes:
    """Likes or dislikes as Rocchio's centroids in TF-IDF space; unknown papers are passed over."""
    held = [[each for each in _distinct(p, kind) if each.value in known] for p in block]
    names = _names(held)
    vectors = features.vectors([known[name] for name in names])
    weights = _holdings(held, names, [1.0] * len(block))
    centroids = strongest(sp.csr_array(weights @ vectors), STRONGEST)
    # A mean is shorter the more its papers differ, which says nothing against any of them: it is
    # brought to the length that they have on average.
    average = np.asarray(weights @ lengths(vectors)) / np.maximum(weights.sum(axis=1), TINY)
    centroids = scaled(centroids, average / np.maximum(lengths(centroids), TINY))
    single = strongest(vectors, STRONGEST_OF_ONE)
    return Tastes(
        kind=ReasonKind(str(kind)),
        names=names,
        held=[weights.indices[start:end] for start, end in pairwise(weights.indptr)],
        cosines=(centroids @ features.by_term).toarray(),
        similar=(single @ features.by_term).toarray(),
    )


def muted(block: Sequence[Profile], features: Features, known: Mapping[str, Topic]) -> np.ndarray:
    """Papers that a profile never wants to see (profiles × papers), whatever else speaks for them.

    A mute is a word or phrase in title, abstract or an author's name, an author, a category, or
    a topic of ours. A hidden author or topic is that alone.
    """

    def values(name: str) -> np.ndarray:
        index = features.index
        rows = index.texts.find(fold(name)) | index.names.find(fold(name))
        rows |= index.in_topic(matching.topic_of(name, known))
        if len(words(name)) > 1:
            rows |= index.by_author(name)
        return _row(features, (1, rows))

    def by_author(name: str) -> np.ndarray:
        return _row(features, (1, features.index.by_author(name)))

    def in_topic(name: str) -> np.ndarray:
        return _row(features, (1, features.index.in_topic(matching.topic_of(name, known))))

    found = np.zeros((len(block), len(features.papers)), bool)
    for kind, values_of in (
        (InterestKind.MUTE, values),
        (InterestKind.MUTE_AUTHOR, by_author),
        (InterestKind.MUTE_TOPIC, in_topic),
    ):
        held = [_distinct(each, kind) for each in block]
        names, rows = _rows(held, values_of, features)
        if names:
            found |= np.asarray(_holdings(held, names, [1.0] * len(block)) @ rows > 0)
    return found


def _topic_values(topic: Topic, features: Features, weights: Weights) -> np.ndarray:
    index = features.index
    categories, phrases = matching.demands(topic)
    row = _row(
        features,
        (weights.cross_list, index.in_topic(topic)),
        *((1, index.primary.get(key, ())) for key in categories),
        *((1, index.titles.find(phrase)) for phrase in phrases),
    )
    if topic.keywords:
        hits = sum(_row(features, (1, index.texts.find(fold(each)))) for each in topic.keywords)
        row *= 1 - KEYWORDS_SHARE + KEYWORDS_SHARE * np.minimum(hits / ENOUGH_KEYWORDS, 1)
    return row


def _fading(block: Sequence[Profile]) -> list[float]:
    """What typed words still count for each, the more likes say better what someone wants."""
    likes = (len(each.of(InterestKind.LIKE)) for each in block)
    return [KEYWORDS_FADE_BY / (KEYWORDS_FADE_BY + n) for n in likes]


def _parts_of(query: str) -> str:
    return " ".join(sorted(matching.query_parts(query)))


def _distinct(
    profile: Profile, kind: InterestKind, by: Callable[[str], str] = str.strip
) -> list[Interest]:
    """A profile's interests of one kind that weigh anything, each once."""
    found = {by(each.value): each for each in profile.of(kind) if each.weight > 0}
    return [each for key, each in found.items() if key]


def _evidence(
    kind: ReasonKind,
    held: Sequence[Sequence[Interest]],
    scale: Sequence[float],
    values_of: Callable[[str], np.ndarray],
    features: Features,
) -> Evidence:
    names, values = _rows(held, values_of, features)
    return Evidence(
        kind=kind,
        names=names,
        weights=_holdings(held, names, scale),
        values=values,
        admits=values > 0,
    )


def _rows(
    held: Sequence[Sequence[Interest]],
    values_of: Callable[[str], np.ndarray],
    features: Features,
) -> tuple[list[str], np.ndarray]:
    """The distinct interests of a block, and for each its values over the papers."""
    names = _names(held)
    values = np.zeros((len(names), len(features.papers)), np.float32)
    for row, name in enumerate(names):
        values[row] = values_of(name)
    return names, values


def _row(features: Features, *marks: tuple[float, Iterable[int]]) -> np.ndarray:
    """One row over the papers: each value at its places, later ones over earlier ones."""
    row = np.zeros(len(features.papers), np.float32)
    for value, places in marks:
        row[list(places)] = value
    return row


def _names(held: Sequence[Sequence[Interest]]) -> list[str]:
    return sorted({each.value for interests in held for each in interests})


def _holdings(
    held: Sequence[Iterable[Interest]], names: Sequence[str], scale: Sequence[float]
) -> Matrix:
    """Who holds which interest: profiles × names, each weight times the profile's scale."""
    column = {name: at for at, name in enumerate(names)}
    triples = [
        (each.weight * scale[row], row, column[each.value])
        for row, interests in enumerate(held)
        for each in interests
    ]
    data, rows, columns = zip(*triples, strict=True) if triples else ((), (), ())
    return sp.csr_array(
        (np.array(data, np.float32), (np.array(rows, int), np.array(columns, int))),
        shape=(len(held), len(names)),
    )
