"""Turns the terms of a score into a few reasons that sum to the score exactly."""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING

from digest.model import Pick, Reason, ReasonKind

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_REASONS = 7
TRIFLE = 0.005
DECIMALS = 6

Term = tuple[float, ReasonKind, str]
Words = Mapping[tuple[ReasonKind, str], tuple[str, ...]]
NO_WORDS: Words = MappingProxyType({})

_amount = itemgetter(0)


def pick(paper_id: str, terms: Iterable[Term], words: Words = NO_WORDS) -> Pick:
    """Make a pick of (amount, kind, what) terms, with its reasons largest first.

    `words` are the words to name with a reason, by (kind, what), or by (kind, "") for all of a kind.
    Amounts must be non-zero, with at most six decimals.

    The largest term of each kind becomes a reason, and others while there are fewer than seven. The
    rest, and amounts below 0.005, are added to the largest of their kind, so the sum is exact.
    """
    found = sorted(terms, key=_amount, reverse=True)
    kept = _folded(found) if len({kind for _, kind, _ in found}) < len(found) else found
    reasons = [
        Reason(kind, what, amount, words.get((kind, what)) or words.get((kind, ""), ()))
        for amount, kind, what in kept
    ]
    return Pick(paper_id, round(fsum([each.amount for each in reasons]), DECIMALS), tuple(reasons))


def _folded(terms: Iterable[Term]) -> list[Term]:
    """Keep the first term of each kind and as many others as fit; add up the rest by kind."""
    kept: dict[tuple[ReasonKind, str], float] = {}
    others: list[Term] = []
    largest: dict[ReasonKind, str] = {}
    for amount, kind, what in terms:
        if kind in largest:
            others.append((amount, kind, what))
        else:
            largest[kind] = what
            kept[kind, what] = amount
    for amount, kind, what in others:
        if len(kept) < MOST_REASONS and abs(amount) >= TRIFLE:
            kept[kind, what] = amount
        else:
            sum_of_kind = kept[kind, largest[kind]] + amount
            kept[kind, largest[kind]] = round(sum_of_kind, DECIMALS)
    found = [(amount, kind, what) for (kind, what), amount in kept.items()]
    return sorted(found, key=_amount, reverse=True)
