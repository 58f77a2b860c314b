"""What the people of a block like and dislike: where each looks, as it is kept or learned now."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from digest.model import OPINIONS, Interest, InterestKind, Paper, Profile, ReasonKind
from digest.ranking import minor_interests, profiles
from digest.ranking.directions import (
    Directions,
    bundled,
    compact,
    packed,
    unbundled,
    unpacked,
)
from digest.ranking.profiles import UNLEARNED, Weights
from digest.ranking.tastes import learned, weights_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from digest.ports import Candidates
    from digest.ranking.features import Features
    from digest.ranking.point_cache import CachedPoints, PointCache

SAID = (*OPINIONS, InterestKind.KNOWN)
COUNTED = 4
_SILENT = Profile(subscriber_id="", interests=())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Taste:
    """What those of a block who have any likes (or dislikes) make of the papers.

    `rows` are their profiles in order, `counts` how many papers it is that each likes (or dislikes)
    and of which something is known, `directions` where each looks, `amounts` what that adds to each
    paper.
    """

    kind: ReasonKind
    rows: np.ndarray
    counts: np.ndarray
    directions: Directions
    amounts: np.ndarray

    def of(self, profile: int) -> int:
        """The row of a profile, -1 for one that has none."""
        at = int(np.searchsorted(self.rows, profile))
        return at if at < len(self.rows) and self.rows[at] == profile else -1


def tastes_to_keep(
    block: Sequence[Profile], known: Mapping[str, Paper], cache: PointCache, weights: Weights
) -> dict[str, tuple[bytes, ...]]:
    """What is worth keeping of each profile: its likes and its dislikes as compact directions.

    `known` are the papers they name. The bytes are a bundle of how many of those there are, where they
    look as a whole, and where each smaller interest does; empty for a profile that has none of a kind.
    """
    liking, disliking = (
        _bundles(kind, _held(kind, block, known), cache, known, weights) for kind in OPINIONS
    )
    names = (each.subscriber_id for each in block)
    return dict(zip(names, zip(liking, disliking, strict=True), strict=True))


def tastes(
    block: Sequence[Profile],
    features: Features,
    candidates: Candidates,
    weights: Weights,
    kept: Mapping[str, tuple[bytes, ...]],
    *,
    apart: bool = True,
) -> tuple[list[Taste], Taste]:
    """The likes and the dislikes of a block, and `apart` the smaller interests among likes.

    `kept` are tastes_to_keep by subscriber; what is missing is learned here and now. A profile has a row of
    each kind at most, and up to three for smaller interests (see `minor_interests`).
    """
    old = [kept.get(each.subscriber_id) for each in block]
    known = _unkept(block, old, candidates, features)
    fresh = [each if had is None else _SILENT for each, had in zip(block, old, strict=True)]
    found: list[Taste] = []
    smaller: list[tuple[int, int, bytes]] = []
    for at, kind in enumerate(OPINIONS):
        held = _held(kind, fresh, known)
        if not features.space.dimensions:
            there = [row for row, each in enumerate(held) if each]
            worth = UNLEARNED * _worth(kind, weights)
            made = learned([held[each] for each in there], features.cache, known=known, worth=worth)
            found.append(_taste(kind, there, [len(held[each]) for each in there], made, features))
            continue
        new = _bundles(kind, held, features.cache, known, weights)
        rows = [
            unbundled(made if had is None else had[at]) for made, had in zip(new, old, strict=True)
        ]
        parts = [
            (row, int.from_bytes(each[0], "little"), each[1:])
            for row, each in enumerate(rows)
            if each
        ]
        found.append(_read(kind, [(row, count, own[0]) for row, count, own in parts], features))
        smaller += [(row, count, part) for row, count, own in parts for part in own[1:] if apart]
    return [each for each in found if len(each.rows)], _read(OPINIONS[0], smaller, features)


def known_papers(
    names: Iterable[str], candidates: Candidates, features: Features
) -> dict[str, Paper]:
    """The papers of these names that were brought along or are candidates."""
    known: dict[str, Paper] = {}
    for each in names:
        if each in candidates.liked:
            known[each] = candidates.liked[each]
        elif each in features.id_of:
            known[each] = features.papers[features.position[features.id_of[each]]]
    return known


def judged(profile: Profile) -> Iterable[Interest]:
    """The papers that a profile has said its word on."""
    return chain.from_iterable(profile.of(kind) for kind in SAID)


def _read(kind: InterestKind, rows: Sequence[tuple[int, int, bytes]], features: Features) -> Taste:
    looking = unpacked([content for *_, content in rows], features.points.width)
    return _taste(
        kind, [row for row, *_ in rows], [count for _, count, _ in rows], looking, features
    )


def _taste(
    kind: InterestKind,
    rows: Sequence[int],
    counts: Sequence[int],
    looking: Directions,
    features: Features,
) -> Taste:
    return Taste(
        kind=ReasonKind(str(kind)),
        rows=np.array(rows, int),
        counts=np.array(counts, int),
        directions=looking,
        amounts=features.amounts(looking),
    )


def _bundles(
    kind: InterestKind,
    held: Sequence[Sequence[Interest]],
    cache: PointCache,
    known: Mapping[str, Paper],
    weights: Weights,
) -> list[bytes]:
    """For each profile how many it holds, those as a whole, and each smaller interest among likes."""
    if not any(held):
        return [b""] * len(held)
    parts = [[each] if each else [] for each in held]
    if kind is InterestKind.LIKE:
        cached = cache.liked({i.value: known[i.value] for each in held for i in each})
        parts = [[*own, *_smaller(each, cached)] for own, each in zip(parts, held, strict=True)]
    everything = [each for own in parts for each in own]
    looking = learned(everything, cache, known=known, worth=_worth(kind, weights))
    # A smaller interest chooses a paper or two: the fewest marks are enough.
    counts = np.array([0 if at else len(each) for own in parts for at, each in enumerate(own)])
    made = iter(packed(compact(looking, cache.space, counts)))
    return [
        bundled([len(each).to_bytes(COUNTED, "little"), *(next(made) for _ in own)]) if own else b""
        for each, own in zip(held, parts, strict=True)
    ]


def _smaller(likes: Sequence[Interest], cached: CachedPoints) -> list[list[Interest]]:
    if len(likes) < minor_interests.FEWEST_LIKES:
        return []
    newest = sorted(likes, key=lambda each: each.added_at, reverse=True)[: minor_interests.NEWEST]
    near = cached.points.near[[cached.row[each.value] for each in newest]]
    found = minor_interests.find(near, weights_of(newest))
    return [[newest[row] for row in rows] for rows in found]


def _held(
    kind: InterestKind, block: Sequence[Profile], known: Collection[str]
) -> list[list[Interest]]:
    if not known:
        return [[]] * len(block)
    return [[i for i in profiles.distinct(p, kind) if i.value in known] for p in block]


def _worth(kind: InterestKind, weights: Weights) -> float:
    return weights.like if kind is InterestKind.LIKE else -weights.dislike


def _unkept(
    block: Sequence[Profile],
    kept: Sequence[object],
    candidates: Candidates,
    features: Features,
) -> dict[str, Paper]:
    """What those like and dislike of whom nothing is kept, by the id that profiles use for it."""
    strangers = (each for each, old in zip(block, kept, strict=True) if old is None)
    return known_papers((i.value for each in strangers for i in judged(each)), candidates, features)
