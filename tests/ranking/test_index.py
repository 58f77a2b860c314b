"""The index answers as `digest.matching` would, paper by paper."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest import matching
from digest.model import Paper, Topic
from digest.ranking.index import Index

words = st.lists(
    st.sampled_from(
        ["tide", "tides", "clock", "brass", "bus", "C++-bus", "3D潮汐", "潮汐综述", "조석을"]
    ),
    max_size=5,
)
phrases = st.lists(
    st.sampled_from(["tide", "Tide clock", "brass", "bus", "buss", "综述", "조석", "述 潮"]),
    max_size=2,
)
categories = st.lists(st.sampled_from(["cs.IR", "cs.CV", "math.OC", "hep-th"]), max_size=3)
queries = st.lists(
    st.sampled_from(
        [
            "tide",
            "tides",
            '"tide clock"',
            '"brass',
            "bu*",
            "clo*",
            "the",
            "ek",
            "?!",
            "综述",
            "潮汐综*",
            "汐综述*",
            "조석*",
            "조서*",
            "3D潮*",
            "c++-b*",
            "bus-cl*",
        ]
    ),
    max_size=3,
).map(" ".join)
authors = st.lists(st.sampled_from(["Bo Ek", "Ada Tide"]), max_size=2)
followed = st.lists(st.sampled_from(["cs", "CS.ir", "math", "math.O", "hep-th"]), max_size=2)


@settings(max_examples=50)
@given(st.lists(st.tuples(words, words, categories), max_size=5), phrases, followed)
def test_a_topic_has_the_same_papers_by_index_and_by_rule(drawn, some_phrases, some_categories):
    papers = [
        Paper(id=str(n), title=" ".join(a), abstract=" ".join(b), categories=tuple(c))
        for n, (a, b, c) in enumerate(drawn)
    ]
    topic = Topic(id="t", name="T", categories=tuple(some_categories), phrases=tuple(some_phrases))

    found = Index(papers).in_topic(topic)

    assert found == {
        row
        for row, paper in enumerate(papers)
        if matching.in_topic(matching.folded(paper), paper.categories, topic)
    }


@settings(max_examples=50)
@given(st.lists(st.tuples(words, words, authors), max_size=5), queries)
def test_a_query_finds_the_same_papers_by_index_and_by_rule(drawn, query):
    papers = [
        Paper(id=str(n), title=" ".join(a), abstract=" ".join(b), authors=tuple(c))
        for n, (a, b, c) in enumerate(drawn)
    ]

    found, by_title = Index(papers).in_query(query)

    assert found == {
        row
        for row, paper in enumerate(papers)
        if matching.in_query(matching.searched(paper), query)
    }
    assert by_title <= found


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Jane Doe", {"Jane Doe", "Doe, Jane", "Jane Q. Doe", "J. Doe"}),
        ("John Doe", {"John Doe", "J. Doe"}),
        ("J. Doe", {"Jane Doe", "Doe, Jane", "Jane Q. Doe", "John Doe", "J. Doe"}),
        ("Doe", {"Jane Doe", "Doe, Jane", "Jane Q. Doe", "John Doe", "J. Doe", "Ada Doe"}),
    ],
)
def test_an_author_in_full_is_no_namesake_with_another_given_name(name, found):
    everyone = ("Jane Doe", "Doe, Jane", "Jane Q. Doe", "John Doe", "J. Doe", "Ada Doe", "Bo Ek")
    papers = [Paper(id=each, title="On tides", authors=(each,)) for each in everyone]

    assert {papers[row].id for row in Index(papers).by_author(name)} == found


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Jörg Schütze", {"Jörg Schütze", "Joerg Schuetze", "J. Schutze"}),
        ("Joerg Schuetze", {"Jörg Schütze", "Joerg Schuetze"}),
        ("Jorg Schutze", {"Jörg Schütze", "J. Schutze"}),
        ("Schuetze", {"Jörg Schütze", "Joerg Schuetze"}),
        ("Eva Baur", {"Eva Baur"}),
        ("Eva Bauer", {"Eva Bauer"}),
    ],
)
def test_an_author_is_found_with_umlauts_and_without(name, found):
    everyone = ("Jörg Schütze", "Joerg Schuetze", "J. Schutze", "Eva Baur", "Eva Bauer")
    papers = [Paper(id=each, title="On tides", authors=(each,)) for each in everyone]

    assert {papers[row].id for row in Index(papers).by_author(name)} == found
