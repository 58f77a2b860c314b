"""Two rankings shown as one list, so that their reader's answers tell which is better.

Team-draft interleaving: F. Radlinski, M. Kurup, T. Joachims, "How does clickthrough data reflect
retrieval quality?", CIKM 2008. The two take turns at naming their best paper that is not on the
list yet, and a coin says who begins each round: so that both have the same share of every place,
and whatever makes readers look at a place, or not, is the same for both.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from digest.compose import exploring
from digest.model import Ranking

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

    from digest.model import Pick

A, B = "a", "b"


def team_draft(a: Ranking, b: Ranking, rng: random.Random) -> Ranking:
    """One ranking of all that two hold, each pick marked with the team that brought it.

    No team has what both begin with in the same order, nor what is left once one of them has
    nothing more to bring: an answer to these says nothing for either. Otherwise the teams are of
    one size, or differ by one. The list is in the order to be shown, not by score. Its picks reach
    as far as both say of theirs why: further than what is shown in full.
    """
    order = list(_drafted(a.listed, b.listed, rng))
    told = {team: {each.paper_id: each for each in own.picks} for team, own in ((A, a), (B, b))}
    picks: list[Pick] = []
    for paper, team in order:
        pick = told[team].get(paper) if team else told[A].get(paper, told[B].get(paper))
        if pick is None:  # from here on one of the two has only ids
            break
        picks.append(pick._replace(team=team))
    rest = tuple(paper for paper, _ in order[len(picks) :])
    return Ranking(
        subscriber_id=a.subscriber_id,
        picks=tuple(picks),
        rest=rest,
        matched=max(a.matched, b.matched, len(picks) - exploring(picks) + len(rest)),
    )


def _drafted(a: Sequence[str], b: Sequence[str], rng: random.Random) -> Iterator[tuple[str, str]]:
    """The papers of both, each with the team that brings it, if one does."""
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))
    yield from ((each, "") for each in a[:shared])
    taken = set(a[:shared])
    left = {A: list(reversed(a[shared:])), B: list(reversed(b[shared:]))}
    turns: list[str] = []
    while all(_next(left[team], taken) for team in (A, B)):
        turns = turns or rng.sample((A, B), 2)
        team = turns.pop(0)
        taken.add(left[team][-1])
        yield left[team].pop(), team
    others = dict.fromkeys((*reversed(left[A]), *reversed(left[B])))
    yield from ((each, "") for each in others if each not in taken)


def _next(left: list[str], taken: set[str]) -> str:
    """What a team would bring now; what the other has brought meanwhile goes from its list."""
    while left and left[-1] in taken:
        left.pop()
    return left[-1] if left else ""
