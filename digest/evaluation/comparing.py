"""Which of two rankers readers would rather have, from digests that both had a part in.

An answer counts for the ranker that brought the pick (`digest.ranking.interleaving`): a digest is
won by the one whose picks got more. What is won and lost between two is a coin whose bias is
looked for: with a uniform prior it is Beta(1 + won, 1 + lost), exactly.
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
    """What readers' answers say of rankers a and b.

    `answers` are those to picks that one ranker brought, `digests` those that have such answers,
    `people` their readers. `won`, `lost` and `tied` are a's and count people, each by more of
    their digests, or, where there are fewer than 10 people (`few`), digests, which then say what
    these people like, not what people do.
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
        """How likely a is the better one."""
        return float(1 - betainc(1 + self.won, 1 + self.lost, 0.5))

    @property
    def share(self) -> float:
        """How often a is preferred where one is, as expected."""
        return (1 + self.won) / (2 + self.won + self.lost)

    @property
    def interval(self) -> tuple[float, float]:
        """Between what shares it is, with 95 % certainty."""
        low, high = betaincinv(1 + self.won, 1 + self.lost, (TAIL, 1 - TAIL))
        return float(low), float(high)

    @property
    def winner(self) -> str:
        """The team that wins surely enough (`a`, `b`), or "" as long as none does."""
        if self.won + self.lost < FEWEST_DECIDED or 1 - SURE < self.chance < SURE:
            return ""
        return A if self.chance >= SURE else B

    @property
    def missing(self) -> int | None:
        """About how many more answers would decide it if they go on like this.

        None where that cannot be told: there are none yet, or the two are about as good.
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
    """What was said of editions from `first` (ISO date) on that two rankers had a part in."""
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
    outcomes = digests if few else Counter(map(_leaning, balances.values()))
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
    """Who won a digest (1 is a, -1 is b, 0 neither), and the answers that say so."""
    teams = {pick.paper_id: pick.team for pick in answer.digest.picks}
    sides = {A: 1, B: -1}
    counted = [sides[teams[paper]] * said for paper, said in answer.said.items() if teams[paper]]
    return _sign(sum(counted)), len(counted)


def _leaning(outcomes: Counter[int]) -> int:
    return _sign(outcomes[1] - outcomes[-1])


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)
