"""Scores likes and dislikes of a block: as directions, read from what is kept or learned now."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from digest.model import OPINIONS, Interest, InterestKind, Paper, Profile, ReasonKind
from digest.ranking import minor_interests, profiles
from digest.ranking.directions import Directions, bundled, compact, packed, unbundled, unpacked
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
    """The likes (or the dislikes, or the smaller interests) of those in a block who have any.

    `rows` are the rows of their profiles, ascending, `counts` how many known papers each likes,
    `directions` one vector for each, and `amounts` (rows × papers) what it adds to each score.
    """

    kind: ReasonKind
    rows: np.ndarray
    counts: np.ndarray
    directions: Directions
    amounts: np.ndarray

    def of(self, profile: int) -> int:
        """The position of a profile in `rows`, -1 if it is not there."""
        at = int(np.searchsorted(self.rows, profile))
        return at if at < len(self.rows) and self.rows[at] == profile else -1


def tastes_to_keep(
    block: Sequence[Profile], known: Mapping[str, Paper], cache: PointCache, weights: Weights
) -> dict[str, tuple[bytes, ...]]:
    """Each profile's likes and dislikes as bytes to keep, by subscriber id.

    `known` are the papers they name, by the ids that profiles use. Each of the two is a bundle: the
    number of known papers, the compact direction of all of them, and for likes that of each smaller
    interest; empty if there are none.
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
    with_minors: bool = True,
) -> tuple[list[Taste], Taste]:
    """The likes and dislikes of a block, and the smaller interests among likes unless left out.

    `kept` is what `tastes_to_keep` returned, by subscriber id; for others, tastes are learned now. A
    profile has at most one row of each kind, and three of smaller interests (see `minor_interests`).
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
        smaller += [
            (row, count, part) for row, count, own in parts for part in own[1:] if with_minors
        ]
    return [each for each in found if len(each.rows)], _read(OPINIONS[0], smaller, features)


def known_papers(
    names: Iterable[str], candidates: Candidates, features: Features
) -> dict[str, Paper]:
    """The papers with these identifiers, as far as `liked` or the candidates include them."""
    known: dict[str, Paper] = {}
    for each in names:
        if each in candidates.liked:
            known[each] = candidates.liked[each]
        elif each in features.id_of:
            known[each] = features.papers[features.position[features.id_of[each]]]
    return known


def judged(profile: Profile) -> Iterable[Interest]:
    """The interests that are judgements of a paper: liked, disliked or known."""
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
    """For each profile the bytes to keep of one kind (see `tastes_to_keep`)."""
    if not any(held):
        return [b""] * len(held)
    parts = [[each] if each else [] for each in held]
    if kind is InterestKind.LIKE:
        cached = cache.liked({i.value: known[i.value] for each in held for i in each})
        parts = [[*own, *_smaller(each, cached)] for own, each in zip(parts, held, strict=True)]
    everything = [each for own in parts for each in own]
    looking = learned(everything, cache, known=known, worth=_worth(kind, weights))
    # A smaller interest only chooses a paper or two, so the fewest marks will do.
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
    """The papers judged by profiles of which nothing is kept, by the ids that profiles use."""
    strangers = (each for each, old in zip(block, kept, strict=True) if old is None)
    return known_papers((i.value for each in strangers for i in judged(each)), candidates, features)
