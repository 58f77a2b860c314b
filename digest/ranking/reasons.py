"""What made a score: terms by kind, few enough to read, that sum to the score exactly."""

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
    """The pick that these (amount, kind, what) terms make, its reasons largest first.

    `words` are those to name with a reason, by its kind and what it is about; where all of a kind
    share theirs, by the kind and an empty text.

    Amounts have at most six decimals and are not zero; the score is the sum of the reasons'
    amounts. One reason of each kind is kept, and others as long as there are not seven; what those
    beyond and the trifles add goes to the largest of their kind, so that nothing is lost from the sum.
    """
    found = sorted(terms, key=_amount, reverse=True)
    kept = _folded(found) if len({kind for _, kind, _ in found}) < len(found) else found
    reasons = [
        Reason(kind, what, amount, words.get((kind, what)) or words.get((kind, ""), ()))
        for amount, kind, what in kept
    ]
    return Pick(paper_id, round(fsum([each.amount for each in reasons]), DECIMALS), tuple(reasons))


def _folded(terms: Iterable[Term]) -> list[Term]:
    kept: dict[tuple[ReasonKind, str], float] = {}
    spare: list[Term] = []
    largest: dict[ReasonKind, str] = {}
    for amount, kind, what in terms:
        if kind in largest:
            spare.append((amount, kind, what))
        else:
            largest[kind] = what
            kept[kind, what] = amount
    for amount, kind, what in spare:
        if len(kept) < MOST_REASONS and abs(amount) >= TRIFLE:
            kept[kind, what] = amount
        else:
            sum_of_kind = kept[kind, largest[kind]] + amount
            kept[kind, largest[kind]] = round(sum_of_kind, DECIMALS)
    found = [(amount, kind, what) for (kind, what), amount in kept.items()]
    return sorted(found, key=_amount, reverse=True)
