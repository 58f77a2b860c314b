"""Two rankings become one list in which neither has the better places."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from digest.model import Pick, Ranking, Reason, ReasonKind
from digest.ranking.interleaving import team_draft

PAPERS = [f"arxiv:{number}" for number in range(12)]


def ranking(papers, *, matched=None):
    picks = tuple(
        Pick(
            paper_id=each,
            score=float(len(papers) - place),
            reasons=(Reason(kind=ReasonKind.TOPIC, what="cs.IR", amount=1.0),),
        )
        for place, each in enumerate(papers)
    )
    return Ranking(
        subscriber_id="s_ada", picks=picks, matched=len(papers) if matched is None else matched
    )


def cut(papers, limit):
    """The same with reasons for so many."""
    whole = ranking(papers)
    return replace(whole, picks=whole.picks[:limit], rest=whole.listed[limit:])


def drafted(a, b, seed=0):
    """The list as (paper, team) pairs."""
    found = team_draft(ranking(a), ranking(b), random.Random(seed))
    return [(each.paper_id, each.team) for each in found.picks]


def orders():
    return st.lists(st.sampled_from(PAPERS), unique=True)


@given(a=orders(), b=orders(), seed=st.integers())
def test_teams_of_one_size_take_turns_to_add_their_best_paper(a, b, seed):
    shown = drafted(a, b, seed)

    assert sorted(paper for paper, _ in shown) == sorted({*a, *b})
    sizes = Counter()
    before = set()
    for paper, team in shown:
        if team:
            own = a if team == "a" else b
            assert paper == next(each for each in own if each not in before)
            sizes[team] += 1
            assert abs(sizes["a"] - sizes["b"]) <= 1
        before.add(paper)


@given(a=orders(), seed=st.integers())
def test_two_that_agree_have_no_teams(a, seed):
    assert drafted(a, a, seed) == [(paper, "") for paper in a]


def test_papers_that_both_begin_with_have_no_team():
    shown = drafted(["p1", "p2", "p3", "p4"], ["p1", "p2", "p4", "p3"])
    assert shown[:2] == [("p1", ""), ("p2", "")]
    assert {team for _, team in shown[2:]} == {"a", "b"}


def test_papers_left_when_one_ranking_is_used_up_have_no_team():
    shown = drafted(["p1", "p2"], ["p3", "p4", "p5", "p6"])
    assert [team for _, team in shown[4:]] == ["", ""]
    assert [paper for paper, _ in shown[4:]] == ["p5", "p6"]
    assert drafted([], ["p1", "p2"]) == [("p1", ""), ("p2", "")]


def test_each_team_begins_about_half_of_the_time():
    first = Counter(drafted(["p1"], ["p2"], seed)[0][1] for seed in range(400))
    assert 150 < first["a"] < 250


@given(a=orders(), b=orders(), limit=st.integers(1, 12), seed=st.integers())
def test_what_is_shown_is_the_same_where_the_rest_are_ids(a, b, limit, seed):
    whole = team_draft(ranking(a), ranking(b), random.Random(seed))
    found = team_draft(cut(a, limit), cut(b, limit), random.Random(seed))

    assert found.picks[:limit] == whole.picks[:limit]
    assert found.listed == whole.listed
    assert found.matched == whole.matched


def test_the_same_coin_gives_the_same_list():
    a, b = PAPERS, PAPERS[::-1]
    assert drafted(a, b, seed=7) == drafted(a, b, seed=7)
    assert any(drafted(a, b, seed=7) != drafted(a, b, seed=seed) for seed in range(20))


def test_a_pick_keeps_the_score_and_reasons_of_who_brought_it():
    a, b = ranking(["p1", "p2"]), ranking(["p3", "p1", "p2"], matched=9)
    found = team_draft(a, b, random.Random(1))
    own = {"a": a, "b": b}
    for each in found.picks:
        if each.team:
            there = {pick.paper_id: pick for pick in own[each.team].picks}[each.paper_id]
            assert (each.score, each.reasons) == (there.score, there.reasons)
    assert (found.subscriber_id, found.matched) == ("s_ada", 9)
    assert team_draft(replace(a, matched=None), b, random.Random(0)).matched == 9
