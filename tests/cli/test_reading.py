"""`digest rank --why`: the whole sum for one paper, as a table and as JSON."""

from __future__ import annotations

import pytest

from digest.model import chance_of

DAY = ("--date", "2026-06-10")

RANKER = """
from digest.model import Explanation, Pick, Ranking, Reason, ReasonKind

TERMS = (
    Reason(kind=ReasonKind.LIKE, what="arxiv:2606.00002", amount=4.25, words=("maps", "noon")),
    Reason(kind=ReasonKind.TOPIC, what="cs.LG", amount=1.0),
    Reason(kind=ReasonKind.DISLIKE, what="arxiv:2606.00003", amount=-0.5),
)
WORDS = ((("maps", 3.0), ("noon", 1.0), ("…", 0.25)),)


class Ranker:
    def __init__(self, *, topics, trending, cap):
        pass

    def rank(self, block, candidates, *, without, now):
        picks = (Pick(paper_id="arxiv:2606.00001", score=4.75, reasons=TERMS),)
        return [Ranking(subscriber_id=each.subscriber_id, picks=picks, matched=1) for each in block]

    def explain(self, profile, candidates, paper_id, *, without, now):
        barred = "" if paper_id == "arxiv:2606.00001" else "you disliked it"
        return Explanation(
            paper_id=paper_id, score=4.75, terms=TERMS, words=WORDS, barred=barred
        )
"""


@pytest.fixture
def ready(digest, listed, tmp_path, monkeypatch):
    """A database with one listing, one subscriber, and a ranker whose sums are known."""
    (tmp_path / "sums.py").write_text(RANKER, encoding="utf-8")
    (tmp_path / "digest.toml").write_text('[ranking]\nuse = "sums:Ranker"\n', encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert digest("init").code == 0
    assert digest("fetch", "arxiv", "--from", listed).code == 0
    assert digest("subscribe", "a@b.example", "--topic", "cs.LG", "--confirmed").code == 0
    return digest


def test_the_sum_is_a_table_of_terms_and_of_the_words_that_made_them(ready):
    ran = ready("rank", "a@b.example", *DAY, "--why", "2606.00001")

    assert ran.out.splitlines() == [
        "Edition of 2026-06-10: place 1 of 1, shown in full.",
        "A dual encoder for old maps  [arxiv:2606.00001]",
        "",
        "   +4.250000  like      it is similar to “Counting penguins from above”, which you liked",
        "                         +3.000000  maps",
        "                         +1.000000  noon",
        "                         +0.250000  …",
        "   +1.000000  topic     you follow Machine Learning (cs.LG)",
        "   -0.500000  dislike   it is similar to “Gradients that wander”, which you disliked",
        "------------",
        f"   +4.750000  score: a chance of {chance_of(4.75):.1%} that they want it",
    ]


def test_the_sum_as_json_adds_up(ready):
    why = ready("rank", "a@b.example", *DAY, "--why", "2606.00001", "--json").json

    assert (why["id"], why["place"], why["of"], why["shown"]) == ("arxiv:2606.00001", 1, 1, True)
    assert sum(each["amount"] for each in why["terms"]) == why["score"]
    like = why["terms"][0]
    assert like["words"][0] == {"word": "maps", "amount": 3.0}
    assert sum(each["amount"] for each in like["words"]) == like["amount"]


def test_a_paper_that_cannot_be_picked_says_why_and_has_its_sum(ready):
    ran = ready("rank", "a@b.example", *DAY, "--why", "2606.00003")

    assert ran.out.startswith("Edition of 2026-06-10: not in it, since you disliked it.")
    assert "+4.750000  score" in ran.out


def test_a_paper_below_the_floor_says_so(ready):
    ready("subscribe", "a@b.example", "--floor", "0.9")

    ran = ready("rank", "a@b.example", *DAY, "--why", "2606.00001")

    assert "only a title: its chance is below their floor of 90%" in ran.out
    assert "10 papers, chance of 90% or more" in ready("show", "a@b.example").out


def test_rank_as_json_has_chances_and_the_words_of_terms(ready):
    (pick,) = ready("rank", "a@b.example", *DAY, "--json").json

    assert pick["reasons"][0] == (
        "it is similar to “Counting penguins from above”, which you liked (maps, noon)"
    )
    assert (pick["score"], pick["terms"][0]["words"]) == (4.75, ["maps", "noon"])
    assert 0 < pick["chance"] < 1


def test_what_cannot_be_explained_is_said_without_a_traceback(ready):
    assert "neither an arXiv id" in ready("rank", "a@b.example", *DAY, "--why", "that one").err
    assert "no such paper" in ready("rank", "a@b.example", *DAY, "--why", "2606.99999").err
    assert "A floor is" in ready("subscribe", "a@b.example", "--floor", "high").err
