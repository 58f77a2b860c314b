"""Merges two rankings into one list, so that the reader's feedback tells which one is better.

Team-draft interleaving: F. Radlinski, M. Kurup, T. Joachims, "How does clickthrough data reflect
retrieval quality?", CIKM 2008. The rankings take turns adding their best paper that is not on the
list yet, and a coin decides who begins each round. So both get the same share of every place, and
position bias is the same for both.
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
    """Merge two rankings of one subscriber, marking each pick with the team that added it.

    Papers that both begin with in the same order have no team, nor do those that are left when one
    ranking is used up: feedback on them favours neither. Otherwise the teams are of equal size, or
    differ by one. The list is in the order to show, not by score. Picks end at the first paper for
    which its team has only an id; the rest are ids.
    """
    order = list(_drafted(a.listed, b.listed, rng))
    told = {team: {each.paper_id: each for each in own.picks} for team, own in ((A, a), (B, b))}
    picks: list[Pick] = []
    for paper, team in order:
        pick = told[team].get(paper) if team else told[A].get(paper, told[B].get(paper))
        if pick is None:  # its team has only an id for it
            break
        picks.append(pick._replace(team=team))
    rest = tuple(paper for paper, _ in order[len(picks) :])
    return Ranking(
        subscriber_id=a.subscriber_id,
        picks=tuple(picks),
        rest=rest,
        matched=max(a.matched or 0, b.matched or 0, len(picks) - exploring(picks) + len(rest)),
    )


def _drafted(a: Sequence[str], b: Sequence[str], rng: random.Random) -> Iterator[tuple[str, str]]:
    """The papers of both, each with its team, "" for none."""
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
    """The next paper of a team, "" at the end; drops those that the other team has added."""
    while left and left[-1] in taken:
        left.pop()
    return left[-1] if left else ""
