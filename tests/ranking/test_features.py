"""Papers and phrases as vectors."""

from __future__ import annotations

import numpy as np
import pytest

from digest.ranking import features
from digest.ranking.features import Features


def test_rows_have_length_one_and_are_in_the_order_that_breaks_ties(paper):
    made = Features([paper("b", "Brass clock"), paper("a", "Tide and moon")])

    assert [each.id for each in made.papers] == ["a", "b"]
    assert made.position == {"a": 0, "b": 1}
    assert np.sqrt((made.points.tfidf**2).sum(axis=1)) == pytest.approx([1, 1])
    assert made.points.tfidf.dtype == np.float32


def alike(made, points):
    return (points.tfidf @ made.points.tfidf.T).toarray()


def test_another_paper_is_near_the_one_it_shares_words_with(paper):
    made = Features([paper("a", "Tide and moon"), paper("b", "Brass clock")])

    (near,) = alike(made, made.liked({"c": paper("c", "The moon makes tide")}).only(["c"]))

    assert near[0] > 0.3
    assert near[1] == 0


def test_a_phrase_is_further_from_a_paper_for_every_word_that_no_paper_has(paper):
    made = Features([paper("a", "Tide and moon"), paper("b", "Brass clock")])

    whole, part, none = alike(made, made.phrases(["tide", "tide zebra", "zebra"]))

    assert whole[0] > part[0] > 0
    assert not none.any()


def test_kept_points_are_bounded_and_forgetting_changes_nothing(paper, monkeypatch):
    made = Features([paper("a", "Tide and moon"), paper("b", "Brass clock")])
    asked = {"x": paper("x", "moon"), "y": paper("y", "clock")}
    more = {"z": paper("z", "tide"), **asked}
    before = made.liked(asked).only(["x", "y"]).tfidf.toarray()

    monkeypatch.setattr(features, "MOST_KEPT", 1)

    assert (made.liked(more).only(["x", "y"]).tfidf.toarray() == before).all()
    assert set(made.liked(asked).row) == {"x", "y"}


def test_a_paper_may_go_by_several_names(paper):
    made, one = Features([paper("a", "Tide and moon")]), paper("x", "The moon")

    first, second = made.liked({"x": one, "doi:x": one}).only(["x", "doi:x"]).tfidf.toarray()

    assert first.any()
    assert (first == second).all()


def test_without_a_space_words_weigh_what_they_do_in_the_edition_and_mean_nothing(paper):
    made = Features([paper("a", "Tide and moon"), paper("b", "Tide and clock")])

    tide, moon = (made.points.tfidf[0, made.terms.index(each)] for each in ("tide", "moon"))

    assert moon > tide > 0
    assert made.points.near.shape == (2, 0)


def test_around_a_paper_lie_others_of_its_theme(invented, space, new_paper):
    made = Features([new_paper("bees"), new_paper("tides")], space)

    around = made.around({"bees-1": invented["bees-1"]}).only(["bees-1"])

    bees, tides = alike(made, around)[0]
    assert bees > 2 * tides
    assert around.categories.toarray().max() == pytest.approx(1)
    assert around.near[0] @ space.references.near[space.references.ids.index("bees-1")] < 0.9


def test_around_words_lie_papers_that_have_them(space, new_paper):
    made = Features([new_paper("bees"), new_paper("tides")], space)

    bees, tides = alike(made, made.around_phrases(["nectar of the hive"]))[0]

    assert bees > 2 * tides


def test_without_an_archive_nothing_lies_around(paper):
    made = Features([paper("a", "Tide and moon")])

    around = made.around({"x": paper("x", "Tide")}).only(["x"])

    assert not around.tfidf.nnz
    assert not made.around_phrases(["tide"]).tfidf.nnz


def test_an_edition_and_its_readers_see_no_difference_in_company(invented, space, new_paper):
    one, others = new_paper("bees"), [new_paper(theme) for theme in ("tides", "bread")]
    lone, amid = Features([one], space), Features([one, *others], space)
    liked = {
        f"{theme}-{n}": invented[f"{theme}-{n}"] for theme in ("bees", "bread") for n in (1, 2)
    }

    first, second = (
        alike(made, made.around(liked).only(list(liked)))[:, made.position[one.id]]
        for made in (lone, amid)
    )

    assert second == pytest.approx(first, abs=1e-6)


def test_around_a_phrase_that_no_paper_has_lies_nothing(space, invented):
    made = Features(list(invented.values())[:50], space)

    around = made.around_phrases(["扩散模型"])

    assert not around.tfidf.nnz
    assert not around.near.any()
