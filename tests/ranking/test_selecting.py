from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from digest.ranking.selecting import BOUND, COMMON, arrange, exploring, near_duplicates

PLACES = 12
INTERESTS = 3


def alone(scores: np.ndarray) -> np.ndarray:
    """Every paper in a group of its own."""
    return np.broadcast_to(np.arange(scores.shape[1]), scores.shape)


def of_interest(*interests: int) -> np.ndarray:
    """Shares of one profile whose papers belong to one interest each."""
    return np.eye(INTERESTS, dtype=np.float32)[list(interests)][None]


def one(scores: list[float]) -> np.ndarray:
    return np.array([scores], np.float32)


def shown(count: int) -> np.ndarray:
    return np.array([count])


def columns(chosen: np.ndarray) -> list[int]:
    return np.flatnonzero(chosen).tolist()


@st.composite
def blocks(draw):
    """A block: scores falling, some without a paper; groups; shares; how many are shown."""
    people = draw(st.integers(1, 4))
    tenths = arrays.arrays(np.int64, (people, PLACES), elements=st.integers(-30, 60))
    scores = -np.sort(-draw(tenths), axis=1) / np.float32(10)
    for row in range(people):
        scores[row, draw(st.integers(0, PLACES)) :] = -np.inf
    groups = draw(arrays.arrays(np.int64, (people, PLACES), elements=st.integers(0, PLACES)))
    parts = arrays.arrays(np.int64, (people, PLACES, INTERESTS), elements=st.integers(0, 10))
    shares = draw(parts) / np.float32(10 * INTERESTS)
    counts = draw(arrays.arrays(np.int64, people, elements=st.integers(0, PLACES + 3)))
    return scores.astype(np.float32), groups, shares.astype(np.float32), counts


def distinct(groups: np.ndarray) -> np.ndarray:
    """Which places of one list hold a paper that repeats none before it."""
    seen: set[int] = set()
    return np.array([not (each in seen or seen.add(each)) for each in groups.tolist()])


@given(blocks())
def test_each_list_has_as_many_papers_as_places_or_distinct_papers(block):
    scores, groups, _, counts = block
    for row, chosen in enumerate(arrange(*block)):
        works = set(groups[row, np.isfinite(scores[row])].tolist())
        assert sum(chosen) == min(counts[row], len(works))
        assert set(groups[row, chosen].tolist()) <= works
        assert len(set(groups[row, chosen].tolist())) == sum(chosen)
        assert chosen[0] == (counts[row] > 0 and np.isfinite(scores[row, 0])), "the best is shown"


@settings(max_examples=50)
@given(blocks())
def test_without_diversity_only_near_duplicates_are_passed_over(block):
    scores, groups, shares, counts = block
    for row, chosen in enumerate(arrange(scores, groups, shares, counts, diversity=0)):
        first = distinct(groups[row]) & np.isfinite(scores[row])
        assert columns(chosen) == np.flatnonzero(first)[: counts[row]].tolist()


@settings(max_examples=50)
@given(blocks(), st.sampled_from([0.1, 0.5, 0.9]))
def test_no_paper_passed_over_is_better_by_more_than_the_bound(block, diversity):
    scores, groups, shares, counts = block
    for row, chosen in enumerate(arrange(scores, groups, shares, counts, diversity=diversity)):
        passed = scores[row, ~chosen & distinct(groups[row])]
        least = scores[row, chosen].min(initial=np.inf)
        assert counts[row] == 0 or passed.max(initial=-np.inf) - least <= BOUND


@settings(max_examples=50)
@given(blocks())
def test_a_list_does_not_depend_on_the_block_or_on_empty_places(block):
    scores, groups, shares, counts = block
    together = arrange(*block)
    for row, chosen in enumerate(together):
        apart = arrange(*(each[row : row + 1] for each in block))
        assert apart[0].tolist() == chosen.tolist()

    wider = [(0, 0), (0, 4)]
    chosen = arrange(
        np.pad(scores, wider, constant_values=-np.inf),
        np.pad(groups, wider, constant_values=0),
        np.pad(shares, [*wider, (0, 2)]),
        counts,
    )
    assert chosen[:, :PLACES].tolist() == together.tolist()
    assert not chosen[:, PLACES:].any()


def test_a_small_interest_with_good_papers_gets_a_place():
    scores = one([5.0, 4.9, 4.8, 4.7, 4.6, 4.5, 4.4])
    shares = of_interest(0, 0, 0, 0, 0, 1, 1)
    chosen = arrange(scores, alone(scores), shares, shown(5))
    assert columns(chosen[0]) == [0, 1, 2, 3, 5]


def test_a_small_interest_whose_papers_are_poor_gets_none():
    scores = one([5.0, 4.9, 4.8, 4.7, 4.6, 3.0, 2.9])
    shares = of_interest(0, 0, 0, 0, 0, 1, 1)
    chosen = arrange(scores, alone(scores), shares, shown(5), diversity=0.9)
    assert columns(chosen[0]) == [0, 1, 2, 3, 4]


def test_a_small_interest_does_not_take_more_than_its_part():
    scores = one([5.0] * 9 + [4.9] * 3)
    shares = of_interest(*[0] * 9, *[1] * 3)
    chosen = arrange(scores, alone(scores), shares, shown(5), diversity=0.9)
    assert (chosen[0].sum(), chosen[0, 9:].sum()) == (5, 2)


def test_interests_without_papers_do_not_matter():
    scores = one([5.0, 4.9, 4.8])
    none = np.zeros((1, 3, INTERESTS), np.float32)
    assert columns(arrange(scores, alone(scores), none, shown(2))[0]) == [0, 1]


@pytest.mark.parametrize("places", [2, 5])
def test_one_of_several_near_duplicates_is_shown_even_with_free_places(places):
    scores = one([5.0, 4.9, 4.8, 4.7])
    chosen = arrange(scores, np.array([[0, 0, 2, 0]]), of_interest(0, 0, 0, 0), shown(places))
    assert columns(chosen[0]) == [0, 2]


def test_a_block_of_nobody_has_no_lists():
    nothing = np.zeros((0, 4), np.float32)
    assert arrange(nothing, nothing, np.zeros((0, 4, 2), np.float32), np.zeros(0, int)).shape == (
        0,
        4,
    )


def rows(*angles: float) -> sp.csr_array:
    """Rows of length 1 over two terms, by their angles in degrees."""
    turned = np.radians(angles)
    return sp.csr_array(np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32))


def test_similar_papers_are_near_duplicates_of_the_first_of_them():
    groups = near_duplicates(rows(0, 85, 10, 88, 45), same=0.9)
    assert groups.tolist() == [0, 1, 0, 1, 4]


def test_common_words_alone_do_not_make_near_duplicates():
    # All have the first term; the last two share another as well.
    several = np.zeros((COMMON + 2, COMMON + 2), np.float32)
    several[:, 0] = 0.5
    several[np.arange(COMMON + 2), [*range(1, COMMON + 1), COMMON + 1, COMMON + 1]] = 0.8
    groups = near_duplicates(sp.csr_array(several), same=0.85)
    assert groups.tolist() == [*range(COMMON + 1), COMMON]


def test_near_duplicates_are_similar_to_the_first_of_their_group():
    groups = near_duplicates(rows(0, 20, 40), same=0.9)
    assert groups.tolist() == [0, 0, 2]


def test_papers_without_known_words_are_no_near_duplicates():
    assert near_duplicates(sp.csr_array((3, 2), dtype=np.float32)).tolist() == [0, 1, 2]
    assert near_duplicates(sp.csr_array((0, 2), dtype=np.float32)).tolist() == []


@settings(max_examples=30)
@given(st.lists(st.floats(0, 90), max_size=8), st.integers(1, 9))
def test_near_duplicates_are_found_in_parts_as_they_are_at_once(angles, size):
    whole = near_duplicates(rows(*angles))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("digest.ranking.selecting.CHUNK", size)
        assert near_duplicates(rows(*angles)).tolist() == whole.tolist()


def test_the_nearest_paper_outside_is_explored():
    near = np.array([[0.9, 0.2, 0.3]])
    column = exploring(near, np.zeros(3), np.array([[False, True, True]]), shown(5))
    assert column.tolist() == [2]


def test_a_popular_paper_is_explored_before_a_slightly_nearer_one():
    near = np.array([[0.2, 0.3]])
    column = exploring(near, np.array([1.0, 0.0]), np.ones((1, 2), bool), shown(5))
    assert column.tolist() == [0]


def test_nothing_is_explored_by_those_who_are_shown_few_papers():
    near = np.array([[0.2], [0.2]])
    column = exploring(near, np.zeros(1), np.ones((2, 1), bool), np.array([4, 5]))
    assert column.tolist() == [-1, 0]


def test_nothing_is_explored_where_nothing_is_near():
    near = np.array([[-0.1, 0.0]])
    column = exploring(near, np.ones(2), np.ones((1, 2), bool), shown(5))
    assert column.tolist() == [-1]


def test_nothing_is_explored_where_there_are_no_papers():
    nothing = np.zeros((2, 0))
    column = exploring(nothing, np.zeros(0), nothing.astype(bool), np.array([5, 5]))
    assert column.tolist() == [-1, -1]
