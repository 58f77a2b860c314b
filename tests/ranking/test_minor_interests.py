"""Which of someone's likes are interests of their own."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from digest.ranking.minor_interests import MOST, NEWEST, SHARE, find

AXES = np.eye(8)


def near(*axes, spread=0.3):
    """Directions that lie around these axes, each in its own way; those of one axis are alike."""
    rng = np.random.default_rng(1)
    rows = AXES[list(axes)] + rng.normal(0, spread / 8**0.5, (len(axes), 8))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def found(rows, weights=None):
    return find(rows, [1.0] * len(rows) if weights is None else weights)


def test_a_few_likes_far_from_the_others_are_a_smaller_interest():
    assert found(near(0, 0, 0, 1, 0, 0, 0, 1, 0)) == [[3, 7]]


def test_the_heaviest_is_the_main_one_and_the_others_follow_by_weight():
    rows = near(0, 0, 0, 0, 0, 1, 1, 2, 2, 2)

    assert found(rows) == [[7, 8, 9], [5, 6]]
    assert found(rows, [1, 1, 1, 1, 1, 9, 9, 1, 1, 1]) == [[0, 1, 2, 3, 4]]  # 3 of 26 are too few


def test_among_scattered_likes_a_cluster_is_found():
    assert found(near(0, 0, 0, 1, 2, 3, 4, 5)) == [[0, 1, 2]]
    assert found(near(0, 1, 2, 3, 4, 5, 6, 7)) == []


def test_one_like_is_no_interest_and_neither_are_few_among_many():
    assert found(near(0, 0, 0, 0, 1)) == []
    assert found(near(*[0] * 20, 1, 1)) == []


def test_three_likes_or_similar_likes_have_no_smaller_interests():
    assert found(near(0, 0, 1)) == []
    assert found(near(*[0] * 12, spread=0.1)) == []


def test_what_is_older_weighs_less():
    rows = near(0, 0, 0, 0, 0, 0, 1, 1)

    assert found(rows) == [[6, 7]]
    assert found(rows, [1, 1, 1, 1, 1, 1, 0.2, 0.2]) == []


def test_of_many_likes_the_newest_count():
    rows = near(*[0] * NEWEST, *[1] * NEWEST)

    assert found(rows) == []


def test_likes_without_a_direction_belong_to_no_interest():
    rows = np.concatenate([near(0, 0, 0, 0, 1, 1), np.zeros((2, 8))])

    assert found(rows) == [[4, 5]]
    assert found(np.zeros((6, 8))) == []


@settings(max_examples=40)
@given(
    arrays(float, st.tuples(st.integers(0, 24), st.just(4)), elements=st.floats(-1, 1, width=16)),
    st.data(),
)
def test_smaller_interests_are_few_and_disjoint_and_heavy_enough(rows, data):
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    weights = data.draw(st.lists(st.floats(0.01, 1), min_size=len(rows), max_size=len(rows)))

    groups = find(rows, weights)

    flat = [row for group in groups for row in group]
    assert len(flat) == len(set(flat)) < max(len(rows), 1)
    assert len(groups) <= MOST
    for group in groups:
        assert len(group) >= 2
        assert sum(weights[row] for row in group) >= SHARE * sum(weights) - 1e-9
