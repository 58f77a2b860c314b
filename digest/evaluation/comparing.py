"""Tells which of two rankers readers prefer, from digests with picks of both.

An answer counts for the ranker that added the pick (see `digest.ranking.interleaving`), and the ranker
with more wins the digest. With a uniform prior, the share of wins is distributed as
Beta(1 + won, 1 + lost).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import ceil
from statistics import NormalDist
from typing import TYPE_CHECKING

from scipy.special import betainc, betaincinv

from digest.evaluation.answers import FEWEST_PEOPLE, answered
from digest.ranking.interleaving import A, B

if TYPE_CHECKING:
    from digest.evaluation.answers import Answered
    from digest.ports import Store

SURE = 0.975
FEWEST_DECIDED = 10
ALIKE = 0.02
TAIL = 0.025


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """What readers' answers say about rankers a and b.

    `answers` counts answers to picks that one ranker added, `digests` the digests with such answers,
    and `people` their readers. `won`, `lost` and `tied` are from a's side. They count people, each by
    the majority of their digests; with fewer than 10 people (`few`) they count digests, and the
    result holds for these people only.
    """

    answers: int
    digests: int
    people: int
    few: bool
    won: int
    lost: int
    tied: int

    @property
    def chance(self) -> float:
        """The probability that a is better."""
        return float(1 - betainc(1 + self.won, 1 + self.lost, 0.5))

    @property
    def share(self) -> float:
        """The expected share of a's wins among those that are not tied."""
        return (1 + self.won) / (2 + self.won + self.lost)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of that share."""
        low, high = betaincinv(1 + self.won, 1 + self.lost, (TAIL, 1 - TAIL))
        return float(low), float(high)

    @property
    def winner(self) -> str:
        """The team that is better with enough certainty (`a` or `b`), or "" if it is too early."""
        if self.won + self.lost < FEWEST_DECIDED or 1 - SURE < self.chance < SURE:
            return ""
        return A if self.chance >= SURE else B

    @property
    def missing(self) -> int | None:
        """About how many more answers are needed if the shares stay as they are.

        None if that cannot be told: there are none yet, or the rankers are about equal.
        """
        decided = self.won + self.lost
        if not decided:
            return None
        ahead = abs(self.share - 1 / 2)
        if ahead < ALIKE:
            return None
        spread = self.share * (1 - self.share)
        needed = max(FEWEST_DECIDED, ceil(NormalDist().inv_cdf(SURE) ** 2 * spread / ahead**2))
        return ceil(max(needed - decided, 1) * self.answers / decided)


def preference(store: Store, *, first: str) -> Preference:
    """The preference in editions since `first` (ISO date)."""
    answers = 0
    digests: Counter[int] = Counter()
    balances: dict[str, Counter[int]] = {}
    for block in answered(store, first):
        for each in block:
            balance, counted = _balance(each)
            if counted:
                answers += counted
                digests[balance] += 1
                balances.setdefault(each.digest.subscriber_id, Counter())[balance] += 1
    few = len(balances) < FEWEST_PEOPLE
    outcomes = digests if few else Counter(_sign(b[1] - b[-1]) for b in balances.values())
    return Preference(
        answers=answers,
        digests=digests.total(),
        people=len(balances),
        few=few,
        won=outcomes[1],
        lost=outcomes[-1],
        tied=outcomes[0],
    )


def _balance(answer: Answered) -> tuple[int, int]:
    """Who won a digest (1 for a, -1 for b, 0 for neither), and how many answers counted."""
    teams = {pick.paper_id: pick.team for pick in answer.digest.picks}
    sides = {A: 1, B: -1}
    counted = [sides[teams[paper]] * said for paper, said in answer.said.items() if teams[paper]]
    return _sign(sum(counted)), len(counted)


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)
