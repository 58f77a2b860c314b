"""Papers and phrases as vectors."""

from __future__ import annotations

import numpy as np
import pytest

from digest.ranking import features
from digest.ranking.features import Features, strongest, terms, terms_of


def test_terms_are_the_telling_words_and_their_pairs():
    assert terms("The dual-encoder of Poincaré!") == [
        "dual",
        "encoder",
        "poincare",
        "dual encoder",
        "encoder poincare",
    ]


def test_the_terms_of_a_title_count_twice(paper):
    assert sorted(terms_of(paper("p", "Tide", "moon"))) == ["moon", "tide", "tide"]


def test_rows_have_length_one_and_are_in_the_order_that_breaks_ties(paper):
    made = Features([paper("b", "Brass clock"), paper("a", "Tide and moon")])

    assert [each.id for each in made.papers] == ["a", "b"]
    assert made.position == {"a": 0, "b": 1}
    assert np.sqrt((made.tfidf**2).sum(axis=1)) == pytest.approx([1, 1])
    assert made.tfidf.dtype == np.float32


def test_another_paper_is_near_the_one_it_shares_words_with(paper):
    made = Features([paper("a", "Tide and moon"), paper("b", "Brass clock")])

    near = (made.vectors([paper("c", "The moon makes tide")]) @ made.by_term).toarray()[0]

    assert near[0] > 0.3
    assert near[1] == 0


def test_a_phrase_is_further_from_a_paper_for_every_word_that_no_paper_has(paper):
    made = Features([paper("a", "Tide and moon"), paper("b", "Brass clock")])

    whole, part, none = (made.queries(["tide", "tide zebra", "zebra"]) @ made.by_term).toarray()

    assert whole[0] > part[0] > 0
    assert not none.any()


def test_kept_vectors_are_bounded_and_forgetting_changes_nothing(paper, monkeypatch):
    made = Features([paper("a", "Tide and moon"), paper("b", "Brass clock")])
    asked = [paper("x", "moon"), paper("y", "clock"), paper("x", "moon")]
    before = made.vectors(asked).toarray()

    monkeypatch.setattr(features, "MOST_KEPT", 1)

    assert (made.vectors(asked).toarray() == before).all()
    assert (made.vectors(asked).toarray() == before).all()


def test_the_strongest_terms_of_each_row_are_kept(paper):
    made = Features([paper("a", "tide tide tide moon"), paper("b", "clock")])

    few = strongest(made.tfidf, 1)

    assert (np.diff(few.indptr) == [1, 1]).all()
    assert few.max(axis=1).toarray() == pytest.approx(made.tfidf.max(axis=1).toarray())
