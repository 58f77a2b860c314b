from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.store.search import MOST_TERMS, expressions

ANYTHING = st.text(
    st.characters(exclude_categories=())
    | st.sampled_from("\"*()^:+-{}\0\\ 'NEAR,ANDORNOT title:")
    | st.sampled_from("\ud800\u0301"),
    max_size=80,
)


@pytest.fixture(scope="module")
def library(new_store, make):
    """Three papers that a search can tell apart."""
    store = new_store()
    papers = [
        make.paper(1, title="Diffusion models for molecules", authors=("Émile Noether",)),
        make.paper(2, title="Graphs", abstract="We apply diffusion to self-supervised learning."),
        make.paper(3, title="Transformers", abstract="Attention and retrieval, at last."),
    ]
    store.papers.ingest([make.item(each) for each in papers])
    return store


def numbers(found):
    return [int(paper.id[-5:]) for paper, _ in found]


def test_a_title_weighs_more_than_an_abstract_and_scores_are_positive(library):
    found = library.papers.search("diffusion", limit=10)

    assert numbers(found) == [1, 2]
    assert found[0][1] > found[1][1] > 0


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("molecule", [1]),  # word stems
        ("emile", [1]),  # authors, without accents
        ("transf*", [3]),  # a prefix
        ('"graphs"', [2]),
        ('"diffusion models"', [1]),  # a phrase
        ('"diffusion models', [1]),  # with the closing quote forgotten
        ("self-supervised", [2]),  # a hyphen is no operator
        ("title:graphs", []),  # nor is a column name
        ("attention retrieval", [3]),  # all of the words
        ("", []),
        ("   ", []),
        ("!?*", []),
    ],
)
def test_what_people_type_finds_what_they_mean(library, query, expected):
    assert numbers(library.papers.search(query, limit=10)) == expected


def test_any_of_the_words_will_do_when_no_paper_has_them_all(library):
    assert sorted(numbers(library.papers.search("graphs attention", limit=10))) == [2, 3]


def test_the_limit_is_kept(library):
    assert len(library.papers.search("diffusion", limit=1)) == 1


@given(query=ANYTHING)
def test_no_text_whatever_is_an_error(library, query):
    for _, score in library.papers.search(query, limit=3):
        assert score > 0


def test_a_very_long_query_is_cut():
    everything, anything = expressions(" ".join(f"w{number}" for number in range(1000)))

    assert everything.count(" AND ") == anything.count(" OR ") == MOST_TERMS - 1


def test_deleted_papers_are_not_found(new_store, make):
    from datetime import date

    store = new_store()
    store.papers.ingest([make.item(make.paper(1, title="A title to be deleted soon"))])

    store.prune(papers_before=date(2027, 1, 1), logs_before=make.day)

    assert store.papers.search("deleted", limit=5) == []
