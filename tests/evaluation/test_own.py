"""What an operator reads of the feedback on their own editions."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from digest.evaluation import own
from digest.evaluation.comparing import Preference
from digest.evaluation.contestants import built_in
from digest.evaluation.measures import Estimate
from digest.evaluation.own import Proof
from digest.evaluation.replay import AS_SENT, Examination, Replay
from digest.model import Interest, InterestKind, Paper, Profile
from digest.ports import Candidates
from digest.testing import check_ranker

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)
NOBODY = Preference(answers=0, digests=0, people=0, few=True, won=0, lost=0, tied=0)


def estimate(*values, spread=0.05):
    mean = np.array(values)
    return Estimate(mean=mean, low=mean - spread, high=mean + spread)


def replayed(answers=400, people=40, surely=0.999, by=0.1):
    return Replay(
        digests=answers // 2,
        answers=answers,
        people=people,
        pairs=12,
        few=people < 10,
        examination=Examination(chances=(1.0, 0.5, 0.4), learned=True),
        standing={
            "ours": estimate(0.6, 0.8, 0.5, 0.3),
            "theirs": estimate(0.6 - by, 0.7, 0.4, 0.3),
            AS_SENT: estimate(0.55, 0.75, 0.5, 0.3),
        },
        better={
            "theirs": (estimate(by, 0.1, 0.1, 0.1), np.array([surely, 0.5, 0.5, 0.5])),
            AS_SENT: (estimate(0.02, 0.0, 0.0, 0.0), np.array([0.6] * 4)),
        },
    )


def report(found=None, live=NOBODY, against=""):
    proof = Proof(
        first="2026-04-11", replayed=found or replayed(), preferred=live, a="ours", b=against
    )
    json.dumps(own.values(proof))
    return "\n".join(own.lines(proof))


def test_the_report_has_the_amount_of_feedback_and_the_result_of_each_ranker():
    text = report()
    assert "400 answers from 40 people to 200 digests of editions since 2026-04-11" in text
    assert "1 at the top, 2.5 at place 3 (estimated from these answers)" in text
    assert "theirs" in text
    assert "0.600 (0.550–0.650)" in text


@pytest.mark.parametrize(
    ("surely", "by", "verdict"),
    [
        (0.999, 0.1, "ours ranks the wanted papers higher than theirs (+0.100"),
        (0.001, -0.1, "theirs ranks the wanted papers higher than ours (-0.100"),
        (0.9, 0.02, "ours or theirs: these answers do not tell which is better"),
    ],
)
def test_a_ranker_is_called_better_only_with_certainty(surely, by, verdict):
    text = report(replayed(surely=surely, by=by))
    assert verdict in text
    assert "favour 'as it was sent' and similar rankers" in text
    assert "only if it is so however far down readers look:" in text


def test_without_unwanted_papers_the_measure_in_order_is_left_out():
    assert "in order" in report()
    text = report(replace(replayed(), pairs=0))
    assert "in order" not in text
    assert "0.800" not in text


def test_with_little_feedback_the_report_says_so():
    text = report(replayed(answers=30, people=3))
    assert "Too little feedback to tell (30 answers from 3 people; a few hundred are" in text
    assert "ranks the wanted papers" not in text


def test_a_live_comparison_names_the_winner_and_how_sure_that_is():
    live = Preference(answers=90, digests=80, people=40, few=False, won=28, lost=8, tied=4)
    text = report(live=live, against="theirs")
    assert "Live: 90 answers from 40 people to papers that either ours or theirs chose" in text
    assert "ours is ahead in 28 people, theirs in 8, neither in 4" in text
    assert "ours wins: it is the better one with a probability of over 99.9 %." in text


def test_an_open_comparison_says_how_many_more_answers_it_needs():
    live = Preference(answers=60, digests=40, people=5, few=True, won=22, lost=16, tied=2)
    text = report(live=live, against="theirs")
    assert "ours is ahead in 22 digests" in text
    assert "Too early to tell: ours is the better one with a probability of 83.2 %." in text
    assert "more answers will tell" in text
    assert "this holds for them alone" in text


def test_without_a_comparison_it_says_how_to_begin_one():
    assert "[experiments] against" in report()
    assert "There is nothing to compare yet." in report(against="theirs")


# --- the simple rankers ---------------------------------------------------------------------------

PAPERS = [
    Paper(id="arxiv:1", title="Graphs that learn", abstract="Graph networks learn on graphs."),
    Paper(id="arxiv:2", title="Baking bread", abstract="Sourdough bread and its crust."),
    Paper(id="arxiv:3", title="Bread of the north", abstract="Rye bread, sourdough and time."),
]


def profile(**interests):
    return Profile(
        subscriber_id="s_ada",
        interests=tuple(
            Interest(kind=InterestKind(kind), value=value, added_at=NOW)
            for kind, value in interests.items()
        ),
    )


@pytest.mark.parametrize("name", ["random", "tfidf", "rocchio", "knn", "zotero"])
def test_a_simple_ranker_ranks_an_edition(name):
    people = [profile(keyword="sourdough bread"), profile(keyword="graphs")]
    check_ranker(own.simple(name), people[:1], PAPERS)
    first, second = own.simple(name).rank(people, Candidates(papers=PAPERS), without={}, now=NOW)
    assert sorted(first.listed) == ["arxiv:1", "arxiv:2", "arxiv:3"]
    if name != "random":
        assert first.listed[-1] == second.listed[0] == "arxiv:1"


BY_WORDS = sorted(set(built_in()) - {"digest", "popularity", "random"})


@pytest.mark.parametrize("name", BY_WORDS)
def test_papers_similar_to_the_likes_come_first_in_an_edition(name):
    liked = {"arxiv:0": Paper(id="arxiv:0", title="Sourdough", abstract="Rye bread and its crust.")}
    (found,) = own.simple(name).rank(
        [profile(like="arxiv:0")], Candidates(papers=PAPERS, liked=liked), without={}, now=NOW
    )
    assert found.listed[-1] == "arxiv:1"


@pytest.mark.parametrize("name", BY_WORDS)
def test_a_like_may_be_of_the_edition_itself(name):
    (found,) = own.simple(name).rank(
        [profile(like="arxiv:2")],
        Candidates(papers=PAPERS, liked={"arxiv:2": PAPERS[1]}),
        without={},
        now=NOW,
    )
    assert found.listed == ("arxiv:3", "arxiv:1")


@pytest.mark.parametrize("name", BY_WORDS)
def test_an_edition_may_have_nothing_but_what_is_liked(name):
    (found,) = own.simple(name).rank(
        [profile(like="arxiv:2")],
        Candidates(papers=PAPERS[1:2], liked={"arxiv:2": PAPERS[1]}),
        without={},
        now=NOW,
    )
    assert found.listed == ()


def test_a_simple_ranker_leaves_out_judged_and_barred_papers():
    liked = {"arxiv:2": PAPERS[1]}
    (found,) = own.simple("rocchio").rank(
        [profile(like="arxiv:2")],
        Candidates(papers=PAPERS, liked=liked),
        without={"s_ada": frozenset({"arxiv:1"})},
        now=NOW,
    )
    assert found.listed == ("arxiv:3",)


def test_there_is_a_simple_ranker_for_every_built_in_name():
    assert all(own.simple(name) for name in built_in() if name != "digest")
    assert own.simple("nobody's") is None
