"""A block of profiles as sparse matrices over an edition's papers.

Every kind of interest becomes `Evidence`: a row of values over the papers for each distinct
interest of the block, and a sparse matrix of who holds it and how dear it is. Scores are then
one product a kind, whoever the people are.

`likes` says how many papers each of a block likes of which something is known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp, log, prod
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from digest import matching
from digest.model import Interest, InterestKind, Profile, ReasonKind, Topic
from digest.ranking.directions import Directions, nowhere, stacked
from digest.ranking.features import Features
from digest.ranking.point_cache import Views
from digest.ranking.space import Matrix, Space, terms
from digest.ranking.tastes import certainty, typed
from digest.text import fold, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

ENOUGH_KEYWORDS = 2
KEYWORDS_SHARE = 0.2
FADE_BY = 2
TOPICS_STAY = 1 / 3
COMMON, RARE, LEAST_TELLING = 0.3, 0.005, 0.1
UNLEARNED = 1 / 3
"""What a cosine says where words are only as rare as in one edition: there they are all larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What each kind of interest is worth, in log-odds: 3 makes a paper twenty times as likely.

    `like` and `typed` multiply cosines (see `Views`): about 0.08 for a paper right up one's street,
    and 0.01 for any; what comes of it counts as far as it is certain (see `tastes.certainty`).
    Dislikes count a sixth as much as likes (Rocchio's γ/β): by half, one that resembles what somebody
    likes would take away more than it tells (docs/ranking.md). A paper that is in no topic, has no
    keyword and is by nobody one follows is still let in if what likes add comes to `like_floor`,
    what one of the smaller interests among them would add by itself to `minor_floor`, or what a
    typed phrase adds before it is doubted to `typed_floor`.
    """

    topic: float = 3.0
    cross_list: float = 2.4
    keyword: float = 1.0
    query: float = 3.0
    in_abstract: float = 0.7
    author: float = 4.5
    like: float = 60.0
    dislike: float = 10.0
    typed: float = 60.0
    like_floor: float = 2.5
    minor_floor: float = 4.0
    typed_floor: float = 8.0
    views: Views = field(default_factory=Views)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """One kind of interest of a block.

    `names` are the distinct interests, `values` (names × papers, float32) what each adds to a
    paper at weight 1, `admits` (same shape) whether it lets the paper in (None: if it adds anything),
    `weights` (profiles × names, float32) how dear it is to each.
    """

    kind: ReasonKind
    names: Sequence[str]
    weights: Matrix
    values: np.ndarray
    admits: np.ndarray | None = None

    def scores(self) -> np.ndarray:
        """What this kind adds to each paper for each profile (profiles × papers)."""
        return np.asarray(self.weights @ self.values)

    def held_by(self, profile: int) -> Iterable[tuple[int, float]]:
        """The rows of `names` that a profile holds, with how dear each is."""
        span = slice(*self.weights.indptr[profile : profile + 2])
        return zip(self.weights.indices[span], self.weights.data[span], strict=True)

    def admitted(self, scores: np.ndarray) -> np.ndarray:
        """Which papers this kind lets in for each profile (profiles × papers), given its scores."""
        if self.admits is None:
            return np.asarray(scores > 0)
        return np.asarray((self.weights @ self.admits.astype(np.float32)) > 0)


def topics(
    block: Sequence[Profile],
    features: Features,
    known: Mapping[str, Topic],
    weights: Weights,
    likes: Sequence[int],
) -> Evidence:
    """Followed topics: the primary category or a phrase in the title count in full.

    Where a topic has keywords, a fifth of the value hangs on a paper's having two of them.
    k topics count 1/√k each, or people who follow whole fields would never see what they like;
    for whoever has keywords, searches or likes as well, which mostly lie in the same fields,
    these count as one topic more. As likes come to say better what someone wants, topics fade (see
    `_fading_topics`).
    """

    def values(name: str) -> np.ndarray:
        return _topic_values(matching.topic_of(name, known), features, weights)

    held = [distinct(each, InterestKind.TOPIC) for each in block]
    beside = [bool(n) or _types(each) for n, each in zip(likes, block, strict=True)]
    scale = [
        fade / max(1, len(each) + more) ** 0.5
        for each, more, fade in zip(held, beside, _fading_topics(likes, features), strict=True)
    ]
    return _evidence(ReasonKind.TOPIC, held, scale, values, features)


def keywords(
    block: Sequence[Profile], features: Features, weights: Weights, likes: Sequence[int]
) -> tuple[Evidence, Evidence, Directions]:
    """Typed words and phrases that stand in a paper, and what is near to them in words or meaning.

    One that stands in many papers of the archive counts less where it stands (see `_rare`). Both
    fade by 2/(2 + n) as n likes say better what someone wants. Of m keywords what they come near to
    counts 1/√m each, what they stand in in full.
    """
    held = [distinct(each, InterestKind.KEYWORD, by=matching.telling) for each in block]
    fading, sure = _fading(likes), certainty(np.array(likes))

    def values(name: str) -> np.ndarray:
        index, phrase = features.index, fold(name)
        worth = weights.keyword * _rare(phrase, features.space)
        return _row(
            features,
            (worth * weights.in_abstract, index.texts.find(phrase)),
            (worth, index.titles.find(phrase)),
        )

    exact = _evidence(ReasonKind.KEYWORD, held, fading, values, features)
    amounts, directions = _near(exact.names, features, weights)
    shared = [
        fade * truth / max(1, len(each)) ** 0.5
        for fade, truth, each in zip(fading, sure.tolist(), held, strict=True)
    ]
    near = Evidence(
        kind=ReasonKind.WORDS,
        names=exact.names,
        weights=_holdings(held, exact.names, shared),
        values=amounts,
        admits=amounts >= weights.typed_floor,
    )
    return exact, near, directions


def _rare(phrase: str, space: Space) -> float:
    """What a phrase tells of the papers that it stands in: 1 to 0.1, as it stands in more of them.

    It is log(0.3/p) / log(60) for a phrase in a share p of the archive, so 1 for one in two hundred.
    A phrase is as rare as the rarest of its words and pairs, whose shares are in their IDF.
    """
    if not space.dimensions:
        return 1.0
    # As if a paper had the plural whether or not it has the singular.
    share = 1 - prod(1 - exp(1 - space.rarity(terms(each))) for each in matching.variants(phrase))
    return min(max(log(COMMON / share) / log(COMMON / RARE), LEAST_TELLING), 1.0)


def _near(
    names: Sequence[str], features: Features, weights: Weights
) -> tuple[np.ndarray, Directions]:
    """What typed words come near to (names × papers), and where each looks."""
    worth = weights.typed * (1 if features.space.dimensions else UNLEARNED)

    def looked(missing: Sequence[str]) -> list[tuple[np.ndarray, Directions]]:
        made = typed(missing, features.cache, worth=worth)
        amounts = features.amounts(made)
        return [(row, made.only([at])) for at, row in enumerate(amounts)]

    if not names:
        return np.zeros((0, len(features.papers)), np.float32), nowhere(features.points.width)
    found = features.cached("typed", names, looked)
    return _stacked([row for row, _ in found]), stacked([each for _, each in found])


def queries(
    block: Sequence[Profile], features: Features, weights: Weights, likes: Sequence[int]
) -> Evidence:
    """Saved searches, which fade as keywords do."""
    held = [distinct(each, InterestKind.QUERY, by=_parts_of) for each in block]

    def values(name: str) -> np.ndarray:
        anywhere, in_title = features.index.in_query(name)
        return _row(
            features, (weights.query * weights.in_abstract, anywhere), (weights.query, in_title)
        )

    return _evidence(ReasonKind.QUERY, held, _fading(likes), values, features)


def trust(block: Sequence[Profile], features: Features, likes: Sequence[int]) -> np.ndarray:
    """By how much of it each profile's sum counts: 2/(1 + m) for m kinds of interest (float32).

    Topics, typed words and likes mostly say the same of a paper, so what they add up to is more
    than people take. Topics that have faded are less than one. It changes nothing about the order:
    one factor a profile.
    """
    kinds = [
        bool(n) + _types(each) + any(i.weight > 0 for i in each.of(InterestKind.TOPIC)) * fade
        for n, each, fade in zip(likes, block, _fading_topics(likes, features), strict=True)
    ]
    return np.asarray(2 / (1 + np.maximum(kinds, 1)), np.float32)


def authors(
    block: Sequence[Profile], features: Features, weights: Weights, trusted: np.ndarray
) -> Evidence:
    """Followed authors, who count in full whatever is `trusted` of the rest: nothing else says so."""
    held = [distinct(each, InterestKind.AUTHOR) for each in block]

    def values(name: str) -> np.ndarray:
        row = np.zeros(len(features.papers), np.float32)
        row[list(features.index.by_author(name))] = weights.author
        return row

    return _evidence(ReasonKind.AUTHOR, held, (1 / trusted).tolist(), values, features)


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
        held = [distinct(each, kind) for each in block]
        names, rows = _rows(f"hidden {kind}", held, values_of, features)
        if names:
            found |= np.asarray(_holdings(held, names, [1.0] * len(block)) @ rows > 0)
    return found


def _topic_values(topic: Topic, features: Features, weights: Weights) -> np.ndarray:
    index = features.index
    categories, phrases = matching.demands(topic)
    row = _row(
        features,
        (weights.cross_list, index.in_topic(topic)),
        *((weights.topic, index.primary.get(key, ())) for key in categories),
        *((weights.topic, index.titles.find(phrase)) for phrase in phrases),
    )
    if topic.keywords:
        hits = sum(_row(features, (1, index.texts.find(fold(each)))) for each in topic.keywords)
        row *= 1 - KEYWORDS_SHARE + KEYWORDS_SHARE * np.minimum(hits / ENOUGH_KEYWORDS, 1)
    return row


def _fading(likes: Sequence[int]) -> list[float]:
    """What typed words still count for each, the more likes say better what someone wants."""
    return [FADE_BY / (FADE_BY + n) for n in likes]


def _fading_topics(likes: Sequence[int], features: Features) -> list[float]:
    """What topics still count: they fade as words do, but to a third at most.

    In full they cost 3 to 6 % of nDCG@10 beside three likes or more (docs/ranking.md). Where no
    space is learned, likes say too little for that.
    """
    if not features.space.dimensions:
        return [1.0] * len(likes)
    return [max(fade, TOPICS_STAY) for fade in _fading(likes)]


def _types(profile: Profile) -> bool:
    """Whether somebody has typed any words that tell papers apart."""
    keywords, queries = profile.of(InterestKind.KEYWORD), profile.of(InterestKind.QUERY)
    return any(each.weight > 0 and matching.telling(each.value) for each in keywords) or any(
        each.weight > 0 and matching.query_parts(each.value) for each in queries
    )


def _parts_of(query: str) -> str:
    return " ".join(sorted(matching.query_parts(query)))


def distinct(
    profile: Profile, kind: InterestKind, by: Callable[[str], str] = str.strip
) -> list[Interest]:
    """A profile's interests of one kind that weigh anything, each once."""
    held = profile.of(kind)
    if not held:
        return []
    found = {by(each.value): each for each in held if each.weight > 0}
    return [each for key, each in found.items() if key]


def _evidence(
    kind: ReasonKind,
    held: Sequence[Sequence[Interest]],
    scale: Sequence[float],
    values_of: Callable[[str], np.ndarray],
    features: Features,
) -> Evidence:
    names, values = _rows(kind.value, held, values_of, features)
    return Evidence(
        kind=kind,
        names=names,
        weights=_holdings(held, names, scale),
        values=values,
    )


def _rows(
    kind: str,
    held: Sequence[Sequence[Interest]],
    values_of: Callable[[str], np.ndarray],
    features: Features,
) -> tuple[list[str], np.ndarray]:
    """The distinct interests of a block, and for each its values over the papers."""
    names = _names(held)
    found = features.cached(kind, names, lambda missing: [values_of(each) for each in missing])
    return names, _stacked(found) if found else np.zeros((0, len(features.papers)), np.float32)


def _row(features: Features, *marks: tuple[float, Iterable[int]]) -> np.ndarray:
    """One row over the papers: each value at its places, later ones over earlier ones."""
    row = np.zeros(len(features.papers), np.float32)
    for value, places in marks:
        row[list(places)] = value
    return row


def _names(held: Sequence[Sequence[Interest]]) -> list[str]:
    return sorted({each.value for interests in held for each in interests})


def _holdings(
    held: Sequence[Sequence[Interest]], names: Sequence[str], scale: Sequence[float]
) -> Matrix:
    """Who holds which interest: profiles × names, each weight times the profile's scale."""
    shape = (len(held), len(names))
    if not names:
        return sp.csr_array(shape, dtype=np.float32)
    column = {name: at for at, name in enumerate(names)}
    columns = [column[each.value] for interests in held for each in interests]
    weights = [
        each.weight * by for interests, by in zip(held, scale, strict=True) for each in interests
    ]
    ends = np.cumsum([0, *map(len, held)], dtype=np.int32)
    found = sp.csr_array(
        (np.array(weights, np.float32), np.array(columns, np.int32), ends), shape=shape
    )
    found.sort_indices()
    return found


def _stacked(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Rows of one length as a matrix, in a third of the time that `np.stack` takes for many."""
    return np.concatenate(rows).reshape(len(rows), -1)
