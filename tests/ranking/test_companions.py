"""Papers that the same people like."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.ports import Candidates
from digest.ranking import companions
from digest.ranking.linear import LinearRanker
from digest.ranking.profiles import Weights

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)
PAPERS = 8
THREE = companions.FEWEST_READERS
libraries = st.lists(st.lists(st.integers(0, PAPERS - 1), max_size=6), max_size=8)


def test_papers_that_the_same_people_like_are_companions_and_others_are_not():
    found = companions.of([[0, 1], [2, 3]] * THREE, PAPERS).toarray()

    assert [np.flatnonzero(row).tolist() for row in found] == [[1], [0], [3], [2], [], [], [], []]


def test_pairs_that_fewer_than_three_people_like_are_no_companions():
    found = companions.of([[0, 1], [0, 1], [2, 3], [2, 3], [2, 3, 0]], PAPERS).toarray()

    assert [np.flatnonzero(row).tolist() for row in found] == [[], [], [3], [2], [], [], [], []]


def test_companions_in_more_libraries_have_a_larger_share():
    found = companions.of([[0, 1], [0, 1], [0, 2]] * THREE, PAPERS).toarray()

    assert found[0, 1] > found[0, 2] > 0


def test_a_pair_in_a_small_library_counts_more_than_one_in_a_large_library():
    found = companions.of([[0, 1], [0, 2, 3, 4, 5, 6]] * THREE, PAPERS).toarray()

    assert found[0, 1] > found[0, 2] > 0


def test_a_paper_that_everybody_likes_has_a_smaller_share():
    found = companions.of([[0, 1, 2], *([[1, 3]] * 9)] * THREE, PAPERS).toarray()

    assert found[0, 2] > found[0, 1] > 0


@settings(max_examples=40)
@given(libraries)
def test_shares_sum_to_one_or_zero_and_no_paper_is_its_own_companion(libraries):
    found = companions.of(libraries, PAPERS).toarray()

    sums = found.sum(axis=1)
    assert ((np.abs(sums - 1) < 1e-5) | (sums == 0)).all()
    assert (found >= 0).all()
    assert not found.diagonal().any()
    together = Counter((a, b) for each in libraries for a in set(each) for b in set(each) if a != b)
    known = {pair for pair, readers in together.items() if readers >= THREE}
    assert {tuple(each) for each in np.argwhere(found).tolist()} == known


def test_only_the_closest_companions_are_kept(monkeypatch):
    monkeypatch.setattr(companions, "MOST_COMPANIONS", 2)

    found = companions.of([[0, 1], [0, 1], [0, 2], [0, 2], [0, 3]] * THREE, PAPERS).toarray()

    assert np.flatnonzero(found[0]).tolist() == [1, 2]
    assert found[0].sum() == pytest.approx(1)


def test_a_paper_found_by_companions_alone_names_no_similar_like(
    invented, social_space, profile, new_paper
):
    clocks = [new_paper("clocks", n) for n in range(5)]
    ranker = LinearRanker(topics={}, space=social_space, weights=Weights(like_floor=0.1))
    candidates = Candidates(papers=[*clocks, new_paper("bread")], liked=invented)

    (ranking,) = ranker.rank([profile(like="bread-1")], candidates, without={}, now=NOW)
    named = {pick.paper_id: pick.reasons[0].what for pick in ranking.picks}

    assert named.pop("new-bread-0") == "bread-1"
    assert named
    assert set(named.values()) == {""}


def test_one_like_raises_what_people_with_the_same_like_like(
    invented, space, social_space, profile, new_paper
):
    papers = [new_paper(theme, n) for theme in ("clocks", "bridges") for n in range(5)]
    candidates = Candidates(papers=papers, liked=invented)
    baker = profile(like="bread-1")

    def lead(space):
        scores = LinearRanker(topics={}, space=space).scores([baker], candidates)[0]
        return scores[:5].mean() - scores[5:].mean()

    assert lead(social_space) > lead(space) + 0.5
