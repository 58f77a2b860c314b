"""Scores what a block of profiles follows: topics, keywords, saved searches, authors, and mutes.

Each kind becomes an `Evidence`: one row of values over the papers for each distinct interest in the
block, and a sparse matrix of who holds which interest with what weight. Its scores are the product
of the two.

`likes` (profiles), an argument of many functions, is how many known papers each profile likes.
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
from digest.ranking.space import Space, terms
from digest.ranking.sparse import Matrix
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
"""The worth of a cosine where words are weighed by one edition alone: there cosines are larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What each kind of interest is worth, in log-odds: 3 makes a paper twenty times as likely.

    `like` and `typed` multiply cosines (see `Views`), which are about 0.08 for a very suitable paper
    and 0.01 for any other; the product counts for less while little is known of the reader (see
    `tastes.certainty`). Dislikes count a sixth as much as likes (Rocchio's γ/β); at a half, disliking
    a paper similar to liked ones would do more harm than good (docs/ranking.md).

    A paper that nothing followed admits still matches if likes add at least `like_floor`, one of the
    smaller interests alone would add `minor_floor`, or a typed phrase adds `typed_floor` before
    fading and certainty.
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

    `names` are the distinct interests, `weights` (profiles × names, float32) how much each counts for
    each profile, `values` (names × papers, float32) what it adds to a score at weight 1, and `admits`
    (same shape) whether it makes the paper match; None means wherever it adds something.
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
        """The interests that a profile holds, as positions in `names`, with their weights."""
        span = slice(*self.weights.indptr[profile : profile + 2])
        return zip(self.weights.indices[span], self.weights.data[span], strict=True)

    def admitted(self, scores: np.ndarray) -> np.ndarray:
        """Which papers match each profile by this kind (profiles × papers), given its scores."""
        if self.admits is None:
            return np.asarray(scores > 0)
        return np.asarray((self.weights @ self.admits.astype(np.float32)) > 0)


def by_kind(
    block: Sequence[Profile],
    features: Features,
    known: Mapping[str, Topic],
    weights: Weights,
    likes: Sequence[int],
    trusted: np.ndarray,
) -> tuple[list[Evidence], Directions]:
    """Everything that a block follows, by kind, and the directions of its keywords."""
    exact, near, directions = keywords(block, features, weights, likes)
    kinds = (
        topics(block, features, known, weights, likes),
        exact,
        near,
        queries(block, features, weights, likes),
        authors(block, features, weights, trusted),
    )
    return [each for each in kinds if len(each.names)], directions


def topics(
    block: Sequence[Profile],
    features: Features,
    known: Mapping[str, Topic],
    weights: Weights,
    likes: Sequence[int],
) -> Evidence:
    """Followed topics: a primary category or a phrase in the title counts in full.

    If a topic has keywords, a fifth of its value depends on the paper having two of them. Of k topics
    each counts 1/√k, so that they do not drown the likes of people who follow whole fields; having
    keywords, searches or likes counts as one topic more. Topics fade as the number of likes grows (see
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
    """Keywords that occur in a paper, and papers similar to a keyword; and the keywords' directions.

    A keyword counts less where it occurs if many papers of the archive have it (see `_rarity`). Both
    fade by 2/(2 + n) for n likes. Of m keywords, the similarity to each counts 1/√m; occurring counts
    in full.
    """
    held = [distinct(each, InterestKind.KEYWORD, by=matching.telling) for each in block]
    fading, sure = _fading(likes), certainty(np.array(likes))

    def values(name: str) -> np.ndarray:
        index, phrase = features.index, fold(name)
        worth = weights.keyword * _rarity(phrase, features.space)
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


def _rarity(phrase: str, space: Space) -> float:
    """How much a phrase tells about papers it occurs in, from 1 for a rare one to 0.1.

    It is log(0.3/p) / log(60) for a phrase in a share p of the archive's papers, so 1 for one in two
    hundred. A phrase is as rare as the rarest of its words and pairs of words, by their IDF.
    """
    if not space.dimensions:
        return 1.0
    # Singular and plural are treated as independent.
    share = 1 - prod(1 - exp(1 - space.rarity(terms(each))) for each in matching.variants(phrase))
    return min(max(log(COMMON / share) / log(COMMON / RARE), LEAST_TELLING), 1.0)


def _near(
    names: Sequence[str], features: Features, weights: Weights
) -> tuple[np.ndarray, Directions]:
    """What similarity to each keyword adds (names × papers), and the keywords' directions."""
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
    """Saved searches; they fade as keywords do."""
    held = [distinct(each, InterestKind.QUERY, by=_parts_of) for each in block]

    def values(name: str) -> np.ndarray:
        anywhere, in_title = features.index.in_query(name)
        return _row(
            features, (weights.query * weights.in_abstract, anywhere), (weights.query, in_title)
        )

    return _evidence(ReasonKind.QUERY, held, _fading(likes), values, features)


def trust(block: Sequence[Profile], features: Features, likes: Sequence[int]) -> np.ndarray:
    """The factor to scale each profile's scores by: 2/(1 + m) for m kinds of interest (float32).

    Topics, typed words and likes mostly agree on a paper, so their sum would overstate its chance.
    Topics that have faded count for less than one kind. The order of papers does not change.
    """
    kinds = [
        bool(n) + _types(each) + any(i.weight > 0 for i in each.of(InterestKind.TOPIC)) * fade
        for n, each, fade in zip(likes, block, _fading_topics(likes, features), strict=True)
    ]
    return np.asarray(2 / (1 + np.maximum(kinds, 1)), np.float32)


def authors(
    block: Sequence[Profile], features: Features, weights: Weights, trusted: np.ndarray
) -> Evidence:
    """Followed authors; they count in full, whatever `trusted` scales the sum by."""
    held = [distinct(each, InterestKind.AUTHOR) for each in block]

    def values(name: str) -> np.ndarray:
        return _row(features, (weights.author, features.index.by_author(name)))

    return _evidence(ReasonKind.AUTHOR, held, (1 / trusted).tolist(), values, features)


def muted(block: Sequence[Profile], features: Features, known: Mapping[str, Topic]) -> np.ndarray:
    """Papers that a profile never wants to see (profiles × papers, bool).

    A mute may be a word or phrase in the title, the abstract or an author's name, an author, a
    category, or a known topic. A hidden author or topic is only that.
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
    """The factor for typed words of each profile: the more likes, the less they count."""
    return [FADE_BY / (FADE_BY + n) for n in likes]


def _fading_topics(likes: Sequence[int], features: Features) -> list[float]:
    """The factor for topics of each profile: it falls as for typed words, but never below a third.

    At full weight, topics cost 3 to 6 % of nDCG@10 with three likes or more (docs/ranking.md). Without
    a learned space likes say too little, and topics do not fade.
    """
    if not features.space.dimensions:
        return [1.0] * len(likes)
    return [max(fade, TOPICS_STAY) for fade in _fading(likes)]


def _types(profile: Profile) -> bool:
    """Whether a profile has a keyword or saved search that distinguishes papers at all."""
    return bool(
        distinct(profile, InterestKind.KEYWORD, by=matching.telling)
        or distinct(profile, InterestKind.QUERY, by=_parts_of)
    )


def _parts_of(query: str) -> str:
    return " ".join(sorted(matching.query_parts(query)))


def distinct(
    profile: Profile, kind: InterestKind, by: Callable[[str], str] = str.strip
) -> list[Interest]:
    """A profile's interests of one kind with a positive weight, without repeats by their key `by`."""
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
    return Evidence(kind=kind, names=names, weights=_holdings(held, names, scale), values=values)


def _rows(
    kind: str,
    held: Sequence[Sequence[Interest]],
    values_of: Callable[[str], np.ndarray],
    features: Features,
) -> tuple[list[str], np.ndarray]:
    """The distinct interests of a block, and for each its values over the papers."""
    names = sorted({each.value for interests in held for each in interests})
    found = features.cached(kind, names, lambda missing: [values_of(each) for each in missing])
    return names, _stacked(found) if found else np.zeros((0, len(features.papers)), np.float32)


def _row(features: Features, *marks: tuple[float, Iterable[int]]) -> np.ndarray:
    """One row over the papers: each value at its places, a later one replacing an earlier one."""
    row = np.zeros(len(features.papers), np.float32)
    for value, places in marks:
        row[list(places)] = value
    return row


def _holdings(
    held: Sequence[Sequence[Interest]], names: Sequence[str], scale: Sequence[float]
) -> Matrix:
    """Who holds which interest (profiles × names): each weight times the profile's scale."""
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
    """Rows of one length as a matrix; for many rows, three times as quick as `np.stack`."""
    return np.concatenate(rows).reshape(len(rows), -1)
