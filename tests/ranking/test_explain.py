"""Reasons in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.model import Pick, Reason, ReasonKind
from digest.ranking.explain import explainer

TITLES = {"arxiv:2606.1": "Tides of the northern sea"}


def reason(kind, what, amount=1.0):
    return Reason(kind=ReasonKind(kind), what=what, amount=amount)


@pytest.mark.parametrize(
    ("kind", "what", "words"),
    [
        ("topic", "cs.IR", "you follow Information Retrieval (cs.IR)"),
        ("topic", "math.OC", "you follow math.OC"),
        ("keyword", "dual encoder", "it matches your keyword “dual encoder”"),
        ("words", "dual encoder", "it shares words with your keyword “dual encoder”"),
        ("author", "Ada Lovelace", "it is by Ada Lovelace, whom you follow"),
        ("like", "arxiv:2606.1", "it is similar to “Tides of the northern sea”, which you liked"),
        ("like", "arxiv:0000.0", "it is similar to papers you liked"),
        ("query", '"dual encoder" tide', "it matches your saved search “'dual encoder' tide”"),
        ("picked", "", "curators picked it"),
        ("trending", "57", "it is trending (57 upvotes)"),
        ("trending", "1", "it is trending (1 upvote)"),
        ("trending", "", "it is trending"),
    ],
)
def test_each_kind_of_reason_reads_as_a_person_would_say_it(topics, kind, what, words):
    pick = Pick(paper_id="p", score=1.0, reasons=(reason(kind, what),))
    because = explainer(topics=topics, titles=TITLES)

    assert because.sentences(pick) == [words]
    assert because(pick) == f"Because {words}"


def test_the_three_weightiest_reasons_make_one_line(topics):
    pick = Pick(
        paper_id="p",
        score=2.6,
        reasons=(
            reason("topic", "cs.IR", 1.0),
            reason("keyword", "dual encoder", 0.9),
            reason("author", "Ada Lovelace", 0.8),
            reason("trending", "57", 0.2),
            reason("dislike", "arxiv:2606.1", -0.3),
        ),
    )

    assert explainer(topics=topics, titles=TITLES)(pick) == (
        "Because you follow Information Retrieval (cs.IR), it matches your keyword "
        "“dual encoder”, and it is by Ada Lovelace, whom you follow"
    )


def test_reasons_of_one_kind_are_said_together_and_trifles_not_at_all(topics):
    pick = Pick(
        paper_id="p",
        score=1.93,
        reasons=(
            reason("keyword", "tide", 1.0),
            reason("keyword", "moon", 0.9),
            reason("keyword", "brass", 0.03),
        ),
    )

    assert explainer(topics=topics, titles=TITLES)(pick) == (
        "Because it matches your keywords “tide” and “moon”"
    )


def test_without_a_reason_in_favour_nothing_is_said(topics):
    pick = Pick(paper_id="p", score=-1, reasons=(reason("dislike", "arxiv:2606.1", -1.0),))

    assert explainer(topics=topics, titles=TITLES)(pick) == ""


@given(st.sampled_from(ReasonKind), st.text(max_size=200), st.text(max_size=200))
def test_one_reason_is_one_short_line_whatever_stands_in_it(kind, what, title):
    pick = Pick(paper_id="p", score=1.0, reasons=(reason(kind, what),))
    (words,) = explainer(topics={}, titles={what: title}).sentences(pick)

    assert len(words) <= 130
    assert len(words.splitlines()) == 1
