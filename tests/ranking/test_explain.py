"""Reasons in words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import Pick, Reason, ReasonKind
from digest.ranking.explain import Because

TITLES = {"arxiv:2606.1": "Tides of the northern sea"}


def reason(kind, what, amount=1.0, words=()):
    return Reason(kind=ReasonKind(kind), what=what, amount=amount, words=words)


@pytest.mark.parametrize(
    ("kind", "what", "words"),
    [
        ("topic", "cs.IR", "you follow Information Retrieval (cs.IR)"),
        ("topic", "math.OC", "you follow math.OC"),
        ("keyword", "dual encoder", "it matches your keyword “dual encoder”"),
        ("words", "dual encoder", "it is close in meaning to your keyword “dual encoder”"),
        ("author", "Ada Lovelace", "it is by Ada Lovelace, whom you follow"),
        ("like", "arxiv:2606.1", "it is similar to “Tides of the northern sea”, which you liked"),
        ("like", "arxiv:0000.0", "it goes with papers you liked"),
        ("query", '"dual encoder" tide', "it matches your saved search “'dual encoder' tide”"),
        ("picked", "", "curators picked it"),
        ("trending", "57", "it is trending (57 upvotes)"),
        ("trending", "2", "it has 2 upvotes"),
        ("trending", "1", "it has one upvote"),
        ("trending", "", "readers upvoted it"),
    ],
)
def test_each_kind_of_reason_reads_as_a_person_would_say_it(topics, kind, what, words):
    pick = Pick(paper_id="p", score=1.0, reasons=(reason(kind, what),))
    because = Because(topics=topics, titles=TITLES)

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

    assert Because(topics=topics, titles=TITLES)(pick) == (
        "Because you follow Information Retrieval (cs.IR), it matches your keyword "
        "“dual encoder”, and it is by Ada Lovelace, whom you follow"
    )


def test_personal_reasons_come_before_votes_and_picks(topics):
    pick = Pick(
        paper_id="p",
        score=3.0,
        reasons=(
            reason("trending", "57", 1.6),
            reason("picked", "", 0.8),
            reason("topic", "cs.IR", 0.6),
        ),
    )

    line = Because(topics=topics, titles={})(pick)

    assert line.startswith("Because you follow")
    assert line.index("cs.IR") < line.index("it is trending (57 upvotes)")


def test_reasons_of_one_kind_are_joined_and_small_ones_left_out(topics):
    pick = Pick(
        paper_id="p",
        score=1.93,
        reasons=(
            reason("keyword", "tide", 1.0),
            reason("keyword", "moon", 0.9),
            reason("keyword", "brass", 0.03),
        ),
    )

    assert Because(topics=topics, titles=TITLES)(pick) == (
        "Because it matches your keywords “tide” and “moon”"
    )


def test_a_keyword_in_the_paper_is_told_once_with_what_similarity_to_it_adds(topics):
    common = (
        reason("words", "tide", 2.1, ("moon",)),
        reason("trending", "5", 1.3),
        reason("keyword", "tide", 0.1),
    )
    rare = (reason("keyword", "tide", 2.1), reason("words", "tide", 2.0, ("moon",)))
    because = Because(topics=topics, titles=TITLES)

    assert because(Pick("p", 3.5, common)) == (
        "Because it matches your keyword “tide”, and it is trending (5 upvotes)"
    )
    assert because(Pick("p", 4.1, rare)) == "Because it matches your keyword “tide”"


def test_as_many_words_are_told_as_there_is_room_for(topics):
    words = ("manipulation", "vision language", "action " * 4)
    liked = {"a:1": "Global prior meets local consistency: dual-memory augmented"}
    pick = Pick("p", 2.0, (reason("like", "a:1", 2.0, words),))

    assert Because(topics=topics, titles=liked)(pick).endswith(
        "which you liked (manipulation, vision language)"
    )


@pytest.mark.parametrize(
    ("kind", "what", "found", "words"),
    [
        (
            "like",
            "arxiv:2606.1",
            ("lunar tide", "basin", "gauge"),
            "it is similar to “Tides of the northern sea”, which you liked (lunar tide, basin, gauge)",
        ),
        (
            "like",
            "arxiv:0000.0",
            ("lunar tide", "tide", "gauge"),
            "it goes with papers you liked (lunar tide, gauge)",
        ),
        (
            "words",
            "Dual encoders",
            ("encoders", "passage"),
            "it is close in meaning to your keyword “Dual encoders” (encoders, passage)",
        ),
        ("words", "tide", ("tide",), "it is close in meaning to your keyword “tide”"),
        (
            "words",
            "sign language",
            ("sign", "language"),
            "it is close in meaning to your keyword “sign language”",
        ),
        (
            "words",
            "graph neural networks",
            ("neural networks", "graph", "molecule"),
            "it is close in meaning to your keyword “graph neural networks” (molecule)",
        ),
    ],
)
def test_the_words_behind_a_reason_follow_it_without_repeats(topics, kind, what, found, words):
    pick = Pick(paper_id="p", score=1.0, reasons=(reason(kind, what, words=found),))

    assert Because(topics=topics, titles=TITLES)(pick) == f"Because {words}"


def test_joined_reasons_have_their_first_three_words(topics):
    pick = Pick(
        paper_id="p",
        score=1.9,
        reasons=(
            reason("words", "tide", 1.0, words=("gauge", "basin")),
            reason("words", "moon", 0.9, words=("gauge", "orbit", "crater")),
        ),
    )

    assert Because(topics=topics, titles={})(pick) == (
        "Because it is close in meaning to your keywords “tide” and “moon” (gauge, basin, orbit)"
    )


def test_a_paper_to_explore_says_so_first(topics):
    pick = Pick(
        paper_id="p", score=0.2, reasons=(reason("trending", "57", 0.2), reason("explore", "", 0.0))
    )
    because = Because(topics=topics, titles={})

    assert because(pick) == (
        "To explore: it is outside your usual interests, and it is trending (57 upvotes)"
    )
    assert because.sentences(pick) == [
        "it is outside your usual interests",
        "it is trending (57 upvotes)",
    ]


@pytest.mark.parametrize(
    ("kind", "what", "said"),
    [
        ("words", "tides", "it is close in meaning to your keyword “tides” (moon)"),
        (
            "like",
            "arxiv:2606.1",
            "it is similar to “Tides of the northern sea”, which you liked (moon)",
        ),
    ],
)
def test_a_paper_to_explore_is_not_called_outside_the_interests_it_is_similar_to(
    topics, kind, what, said
):
    reasons = (
        reason(kind, what, 1.5, words=("moon",)),
        reason("trending", "57", 0.2),
        reason("explore", "", 0.0),
    )

    assert Because(topics=topics, titles=TITLES)(Pick("p", 1.7, reasons)) == (
        f"To explore: {said}, and it is trending (57 upvotes)"
    )


def test_a_long_line_first_drops_words_and_then_lesser_reasons(topics):
    long = " ".join(["tide"] * 12)
    words = ("gauge", "basin", "orbit")
    pick = Pick(
        paper_id="p",
        score=5.5,
        reasons=(
            reason("like", "a:1", 3.0, words),
            reason("words", f"{long}s", 1.5, words),
            reason("author", long, 1.0),
        ),
    )

    assert Because(topics=topics, titles={"a:1": long})(pick) == (
        f"Because it is similar to “{long}”, which you liked, and it is close in meaning to your "
        f"keyword “{long}s”"
    )


@pytest.mark.parametrize("kind", ["words", "like"])
def test_similarity_without_words_is_told_only_as_the_largest_reason(topics, kind):
    near, telling = reason(kind, "nectar", 2.0), reason(kind, "nectar", 2.0, ("honey",))
    more, less = reason("topic", "math.OC", 3.0), reason("topic", "math.OC", 1.0)
    because = Because(topics=topics, titles={})
    said = [
        len(because.sentences(Pick("p", 3.0, reasons)))
        for reasons in ((more, near), (more, telling), (near, less), (near,))
    ]

    assert said == [1, 2, 2, 1]
    assert because(Pick("p", 3.0, (more, near))) == "Because you follow math.OC"


def test_a_term_that_lowers_the_score_is_put_into_words_too(topics):
    because = Because(topics=topics, titles=TITLES)

    assert because.term(reason("dislike", "arxiv:2606.1", -0.5)) == (
        "it is similar to “Tides of the northern sea”, which you disliked"
    )


@pytest.mark.parametrize(
    ("kind", "what", "amount", "words"),
    [
        ("like", "arxiv:2606.1", -0.1, "it is unlike papers you liked"),
        ("dislike", "arxiv:2606.1", 0.1, "it is unlike papers you disliked"),
        ("words", "tides", -0.1, "it is far in meaning from your keyword “tides”"),
    ],
)
def test_what_is_unlike_an_interest_is_not_called_similar_to_it(topics, kind, what, amount, words):
    assert Because(topics=topics, titles=TITLES).term(reason(kind, what, amount)) == words


def test_being_unlike_a_disliked_paper_is_no_reason_to_show_one(topics):
    pick = Pick("p", 0.2, (reason("trending", "1", 0.1), reason("dislike", "", 0.1)))

    assert Because(topics=topics, titles=TITLES)(pick) == "Because it has one upvote"


def test_without_a_reason_in_favour_nothing_is_said(topics):
    pick = Pick(paper_id="p", score=-1, reasons=(reason("dislike", "arxiv:2606.1", -1.0),))

    assert Because(topics=topics, titles=TITLES)(pick) == ""


@settings(max_examples=50)
@given(
    st.sampled_from([each for each in ReasonKind if each is not ReasonKind.DISLIKE]),
    st.text(max_size=200),
    st.text(max_size=200),
    st.lists(st.text(max_size=60), max_size=5),
)
def test_one_reason_is_one_short_line_whatever_stands_in_it(kind, what, title, found):
    pick = Pick(paper_id="p", score=1.0, reasons=(reason(kind, what, words=tuple(found)),))
    (words,) = Because(topics={}, titles={what: title}).sentences(pick)

    assert len(words) <= 130
    assert len(words.splitlines()) == 1


few = st.builds(
    reason, st.sampled_from(ReasonKind), st.sampled_from(["arxiv:2606.1", "3"]), st.floats(-1, 1)
)


@settings(max_examples=50)
@given(st.lists(st.lists(few, max_size=4), max_size=8))
def test_cached_lines_are_those_of_the_same_reasons(several):
    because = Because(topics={}, titles=TITLES)
    picks = [Pick(paper_id="p", score=1.0, reasons=tuple(each)) for each in several]

    assert [because(each) for each in picks] == [
        Because(topics={}, titles=TITLES)(each) for each in picks
    ]


@settings(max_examples=50)
@given(st.lists(st.builds(reason, st.sampled_from(ReasonKind), st.text(max_size=200)), max_size=6))
def test_all_that_is_said_of_a_pick_is_one_line(reasons):
    pick = Pick(paper_id="p", score=1.0, reasons=tuple(reasons))
    words = Because(topics={}, titles={})(pick)

    assert len(words) <= 240
    assert len(words.splitlines()) <= 1
