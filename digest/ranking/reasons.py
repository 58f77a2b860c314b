"""What made a score: terms by kind, few enough to read, that sum to the score exactly."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum

from digest.model import Pick, Reason, ReasonKind

MOST_REASONS = 6
TRIFLE = 0.005
DECIMALS = 6

Term = tuple[float, ReasonKind, str]


def pick(paper_id: str, terms: Sequence[Term]) -> Pick:
    """The pick that these (amount, kind, what) terms make, its reasons largest first.

    Amounts are rounded to six decimals and the score is their sum. At most six reasons are
    kept, at least one of each kind that has any; what the others add goes to the largest of
    their kind, so that nothing is lost from the sum.
    """
    kept: list[Term] = []
    spare: list[Term] = []
    lead: dict[ReasonKind, int] = {}
    for term in sorted(terms, key=_by_amount):
        if term[1] in lead:
            spare.append(term)
        else:
            lead[term[1]] = len(kept)
            kept.append(term)
    room = MOST_REASONS - len(kept)
    for amount, kind, what in spare:
        if room > 0 and abs(amount) >= TRIFLE:
            kept.append((amount, kind, what))
            room -= 1
        else:
            largest = kept[lead[kind]]
            kept[lead[kind]] = (largest[0] + amount, kind, largest[2])
    rounded = [(round(amount, DECIMALS), kind, what) for amount, kind, what in kept]
    reasons = tuple(
        Reason(kind=kind, what=what, amount=amount)
        for amount, kind, what in sorted(rounded, key=_by_amount)
        if amount
    )
    return Pick(
        paper_id=paper_id, score=fsum(each.amount for each in reasons), reasons=reasons
    )


def _by_amount(term: Term) -> tuple[float, str, str]:
    return (-term[0], term[1], term[2])
