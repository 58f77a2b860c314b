"""Two rankings shown as one list, so that their reader's answers tell which is better.

Team-draft interleaving: F. Radlinski, M. Kurup, T. Joachims, "How does clickthrough data reflect
retrieval quality?", CIKM 2008. The two take turns at naming their best paper that is not on the
list yet, and a coin says who begins each round: so that both have the same share of every place,
and whatever makes readers look at a place, or not, is the same for both.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING

from digest.compose import explores
from digest.model import Pick, Ranking

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

A, B = "a", "b"


def team_draft(a: Ranking, b: Ranking, rng: random.Random) -> Ranking:
    """One ranking of all that two hold, each pick marked with the team that brought it.

    No team has what both begin with in the same order, nor what is left once one of them has
    nothing more to bring: an answer to these says nothing for either. Otherwise the teams are of
    one size, or differ by one. The picks are in the order to be shown, not by score.
    """
    shared = sum(1 for _ in takewhile(_agree, zip(a.picks, b.picks, strict=False)))
    picks = [replace(each, team="") for each in a.picks[:shared]]
    taken = {each.paper_id for each in picks}
    left = {A: list(reversed(a.picks[shared:])), B: list(reversed(b.picks[shared:]))}
    turns: list[str] = []
    while all(_next(left[team], taken) for team in (A, B)):
        turns = turns or rng.sample((A, B), 2)
        team = turns.pop(0)
        picks.append(replace(left[team].pop(), team=team))
        taken.add(picks[-1].paper_id)
    picks += _others((*reversed(left[A]), *reversed(left[B])), taken)
    return Ranking(
        subscriber_id=a.subscriber_id,
        picks=tuple(picks),
        matched=max(a.matched, b.matched, sum(not explores(each) for each in picks)),
    )


def _agree(pair: tuple[Pick, Pick]) -> bool:
    return pair[0].paper_id == pair[1].paper_id


def _next(left: list[Pick], taken: set[str]) -> Pick | None:
    """What a team would bring now; what the other has brought meanwhile goes from its list."""
    while left and left[-1].paper_id in taken:
        left.pop()
    return left[-1] if left else None


def _others(picks: Iterable[Pick], taken: set[str]) -> Iterable[Pick]:
    return (replace(each, team="") for each in picks if each.paper_id not in taken)
