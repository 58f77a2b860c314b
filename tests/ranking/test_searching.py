"""The order of what a search found."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.model import Paper
from digest.ranking import fuse, related
from digest.ranking.searching import demands, names_author, similarities, terms_of


def ids(found):
    return [paper.id for paper, _ in found]


def test_being_first_in_one_order_and_last_in_the_other_is_worth_less_than_second_in_both(paper):
    filler = "Words that fill an abstract and say nothing. " * 30
    hits = [
        (paper("words", "Notes", filler), 9.0),
        (paper("both", "Of dual encoders", filler), 8.0),
        (paper("likeness", "Dual encoders of dual encoders", filler), 0.1),
        (paper("neither", "An encoder", filler), 0.5),
    ]

    found = fuse("dual encoders", hits)

    assert ids(found)[0] == "both"
    assert found[0][1] == pytest.approx(1 / 62 + 1 / 62)


def test_two_words_side_by_side_are_worth_more_than_apart(paper):
    filler = "Nothing else is said. " * 40
    hits = [
        (paper("apart", "Notes", f"Dual things and an encoder. {filler}"), 1.0),
        (paper("beside", "Notes", f"A dual encoder is a thing. {filler}"), 1.0),
    ]

    assert (
        similarities(terms_of("dual encoder"), [each for each, _ in hits])[0]
        < (similarities(terms_of("dual encoder"), [each for each, _ in hits])[1])
    )
    assert ids(fuse("dual encoder", hits))[0] == "beside"


def test_a_typed_title_comes_first_whatever_the_scores(paper):
    hits = [(paper("other", "Clocks, clocks, clocks"), 50.0), (paper("it", "Clöcks"), 0.1)]

    found = fuse("clocks!", hits)

    assert ids(found) == ["it", "other"]
    assert found[0][1] > 1 > found[1][1]


@pytest.mark.parametrize("part", ["title", "abstract"])
def test_a_long_text_that_holds_a_title_or_begins_an_abstract_finds_its_paper(paper, part):
    abstract = "The tide rises by the moon and falls by the moon, and we count how often. " * 4
    it = paper("it", "On the counting of tides", abstract)
    hits = [(paper(f"p{n}", "Tides and the moon", "Moon, tide. " * n), 9.0) for n in range(9)]
    pasted = {"title": f"{it.title}. {'Someone else wrote this. ' * 10}", "abstract": abstract}

    assert ids(fuse(pasted[part], [*hits, (it, 0.1)]))[0] == "it"


@pytest.mark.parametrize(
    "reference",
    [
        "Tide et al., On the counting of tides, 2026",
        'A. Tide, "On the Counting of Tides," 2026',
        "on the counting of tides: how we count them",
    ],
)
def test_a_paper_whose_title_stands_in_a_reference_comes_first(paper, reference):
    it = paper("it", "On the counting of tides")
    hits = [
        (
            paper("words", "The tide of counting, et al., 2026", "Tides, and how we count them."),
            9.0,
        ),
        (paper("short", "Counting of tides", "Three words name nothing."), 8.0),
        (it, 0.1),
    ]

    assert ids(fuse(reference, hits))[0] == "it"


def test_of_titles_that_stand_in_a_query_the_longest_comes_first(paper):
    hits = [
        (paper("old", "Tides are all you need"), 9.0),
        (paper("longer", "Tides are all you need for clocks"), 2.0),
        (paper("whole", "Tides are all you need for clocks of brass"), 0.1),
    ]

    whole = fuse("Tides are all you need for clocks of brass", hits)
    cited = fuse("Ng, B.: Tides are all you need for clocks (2026)", hits[:2])

    assert ids(whole) == ["whole", "longer", "old"]
    assert ids(cited) == ["longer", "old"]


def test_plurals_are_the_same_word_and_short_words_are_whole_ones():
    papers = [
        Paper(id="a", title="Transformers"),
        Paper(id="b", title="An article"),
        Paper(id="c", title="The art of it"),
    ]

    assert [bool(each) for each in similarities(terms_of("transformer"), papers)] == [1, 0, 0]
    assert [bool(each) for each in similarities(terms_of("art"), papers)] == [0, 0, 1]


def test_nearness_is_an_order_of_its_own_and_brings_papers_that_words_did_not_find(paper):
    filler = "Words that fill an abstract and say nothing. " * 30
    hits = [(paper(each, "Notes on encoders", filler), 9.0) for each in ("one", "two", "three")]
    beside = paper("beside", "Twin towers", filler)
    near = {"beside": 0.9, "three": 0.8, "one": 0.3}

    found = fuse("encoders", hits, near=near, more=[beside])

    assert ids(found) == ["three", "one", "two", "beside"]
    scores = dict(zip(ids(found), (score for _, score in found), strict=True))
    assert scores["three"] == pytest.approx(1 / 61 + 1 / 61 + 1 / 62)
    assert scores["beside"] == pytest.approx(1 / 64 + 1 / 61)
    assert scores["two"] == pytest.approx(1 / 61 + 1 / 61)


def test_five_words_in_a_row_find_the_paper_in_which_they_stand(paper):
    filler = " We count the tides by the moon. " * 9
    hits = [
        (paper("title", "We rise and fall again"), 0.1),
        (paper("apart", "Again and again we rise, and then fall and rise", filler), 9.0),
        (paper("here", "Tides", f"By the moon we rise, and fall again.{filler}"), 0.2),
    ]

    found = fuse("we rise and fall again", hits)

    assert ids(found) == ["title", "here", "apart"]
    assert [int(score) for _, score in found] == [2, 1, 0]
    assert ids(fuse("rise and fall again", hits))[0] == "apart", "four may stand anywhere"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('"late interaction" retrieval', True),
        ("transform*", True),
        ("graph -neural", True),
        ("title:retrieval", True),
        ("cats AND dogs", True),
        ("NOT dogs", True),
        ("late interaction retrieval", False),
        ("state-of-the-art: what is it - and why?", False),
        ("ANDROID NOTES 2 * 3", False),
        ("BERT: pre-training", False),
        ("“neural networks” of graphs", True),
        ("Bayes’ ‘theorem’", False),
        ("", False),
        (
            'He said "a phrase" in a text that goes on for long enough to have been pasted here',
            False,
        ),
        (
            '"Said in quotes, and for long enough to have been pasted here by a reader of ours" so',
            True,
        ),
    ],
)
def test_what_a_query_demands_is_told_from_what_it_is_about(query, expected):
    assert demands(query) is expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Renée Quill", True),
        ("quill", True),
        ('"quill, renee"', True),
        ("Quill tides", False),
        ("tides", False),
        ("", False),
    ],
)
def test_a_name_is_known_by_the_authors_of_the_first_hits(paper, query, expected):
    hits = [(paper("a", "On tides", authors=("Bo Ng", "Renée A. Quill")), 1.0)]

    assert names_author(query, hits) is expected
    assert not names_author(query, [])


def test_related_papers_leave_out_the_paper_itself(paper):
    it = paper("it", "Pendulum clocks", "Of brass and steel.")
    hits = [
        (it, 9.0),
        (paper("far", "Tides", "Of the moon and the sea." * 9), 1.0),
        (paper("near", "Clocks of brass", "A pendulum of steel keeps time."), 1.0),
    ]

    assert ids(related(it, hits)) == ["near", "far"]


def test_nothing_found_stays_nothing():
    assert fuse("anything", []) == []
    assert related(Paper(id="p", title=""), []) == []


@given(st.text(max_size=60), st.lists(st.tuples(st.text(max_size=30), st.text(max_size=60))))
def test_every_hit_stays_once_and_scores_fall(query, drawn):
    hits = [
        (Paper(id=str(n), title=title, abstract=abstract), float(n % 3))
        for n, (title, abstract) in enumerate(drawn)
    ]

    found = fuse(query, hits)

    assert sorted(ids(found)) == sorted(ids(hits))
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)
    assert len(related(Paper(id="0", title=query), hits)) == max(0, len(hits) - 1)


def test_two_hundred_hits_take_milliseconds():
    text = "We study the retrieval of tides (by dual-encoders) and other things of the sea. " * 18
    hits = [(Paper(id=str(n), title=f"On tides {n}", abstract=text), 1.0) for n in range(200)]

    def once():
        start = time.process_time()
        fuse("dual encoders for the retrieval of tides", hits)
        return time.process_time() - start

    assert min(once() for _ in range(5)) < 0.05
