"""The measures, against values worked out by hand, and what must hold of any ranking."""

from math import log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.evaluation import measures
from digest.evaluation.measures import MEASURES, measured

IDS = [f"p{number}" for number in range(40)]
rankings = st.permutations(IDS)
wanted = st.sets(st.sampled_from(IDS), min_size=1)


def named(values):
    return dict(zip(MEASURES, values.tolist(), strict=True))


def test_values_worked_out_by_hand():
    ranking = [f"x{number}" for number in range(30)]
    ranking[1], ranking[14] = "a", "b"

    found = named(measured(ranking, {"a", "b", "absent"}))

    best = 1 + 1 / log2(3) + 1 / log2(4)
    assert found["nDCG@10"] == pytest.approx((1 / log2(3)) / best)
    assert found["nDCG@20"] == pytest.approx((1 / log2(3) + 1 / log2(16)) / best)
    assert found["R@20"] == pytest.approx(2 / 3)
    assert found["R@50"] == found["R@100"] == pytest.approx(2 / 3)
    assert found["MRR"] == pytest.approx(1 / 2)


def test_more_wanted_than_there_are_places_can_still_be_perfect():
    found = named(measured(IDS, set(IDS)))
    assert (found["nDCG@10"], found["nDCG@20"]) == pytest.approx((1, 1))
    assert found["R@20"] == pytest.approx(0.5)


def test_nothing_found_is_nothing():
    assert measured(IDS, {"absent"}).tolist() == [0] * 6
    assert measured([], {"absent"}).tolist() == [0] * 6


def test_an_id_that_is_repeated_counts_once_where_it_stands_first():
    assert measured(["a", "a", "b"], {"b"}).tolist() == measured(["a", "b"], {"b"}).tolist()


@given(rankings, wanted)
def test_measures_lie_between_0_and_1(ranking, relevant):
    found = measured(ranking, relevant)
    assert (found >= 0).all()
    assert (found <= 1 + 1e-12).all()


@given(rankings, wanted)
def test_the_wanted_first_is_perfect_whatever_follows(ranking, relevant):
    best = sorted(ranking, key=lambda each: each not in relevant)
    found = named(measured(best, relevant))
    assert (found["nDCG@10"], found["nDCG@20"]) == pytest.approx((1, 1))
    assert found["MRR"] == 1


@given(rankings, wanted, st.data())
def test_the_order_of_the_unwanted_changes_nothing(ranking, relevant, data):
    others = iter(data.draw(st.permutations([each for each in ranking if each not in relevant])))
    other = [each if each in relevant else next(others) for each in ranking]
    assert measured(other, relevant).tolist() == measured(ranking, relevant).tolist()


@given(rankings, wanted, st.integers(1, len(IDS) - 1))
def test_moving_a_wanted_one_up_is_never_worse(ranking, relevant, place):
    moved = list(ranking)
    if moved[place] in relevant:
        moved[place - 1], moved[place] = moved[place], moved[place - 1]
    assert (measured(moved, relevant) >= measured(ranking, relevant) - 1e-12).all()


def people(count, seed=0):
    return np.random.default_rng(seed).random((count, 2))


def test_an_interval_holds_the_mean_and_is_the_same_every_time():
    values, clusters = people(30), [str(number) for number in range(30)]

    one, other = (measures.estimated(values, clusters) for _ in range(2))

    assert one.mean == pytest.approx(values.mean(axis=0))
    assert (one.low < one.mean).all()
    assert (one.mean < one.high).all()
    assert one.low.tolist() == other.low.tolist()


def test_an_interval_is_about_as_wide_as_four_standard_errors():
    values = np.random.default_rng(1).normal(size=(400, 1))
    found = measures.estimated(values, [str(number) for number in range(400)])
    assert (found.high - found.low)[0] == pytest.approx(2 * 1.96 / 20, rel=0.1)


def test_people_of_one_cluster_are_drawn_together():
    values = np.array([[0.0], [1.0]])
    alone = measures.estimated(values, ["a", "b"])
    together = measures.estimated(values, ["a", "a"])
    assert (alone.low[0], alone.high[0]) == (0, 1)
    assert together.low[0] == together.high[0] == 0.5


def test_large_clusters_weigh_more_in_a_resample():
    values = np.array([[1.0], [1.0], [1.0], [0.0]])
    draws = measures.resampled(values, ["a", "a", "a", "b"])
    assert set(np.round(draws.ravel(), 6)) == {0.0, 0.75, 1.0}


@settings(max_examples=20)
@given(st.permutations(range(12)))
def test_the_order_of_people_changes_nothing(order):
    values, clusters = people(12), [f"c{number % 5}" for number in range(12)]
    rows = list(order)

    found = measures.estimated(values, clusters)
    other = measures.estimated(values[rows], [clusters[row] for row in rows])

    assert other.low == pytest.approx(found.low)
    assert other.high == pytest.approx(found.high)
