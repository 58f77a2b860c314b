"""Votes become heat: more votes, newer votes, and a fair chance for small fields."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from digest.model import Signal
from digest.ranking.trending import hot, relative, upvotes


def votes(paper, value, at, *, source="hf", kind="upvotes"):
    return Signal(paper_id=paper, source=source, kind=kind, value=value, seen_at=at)


def test_more_votes_are_hotter(now):
    heat = hot([votes("few", 3, now), votes("many", 30, now)], {}, now)

    assert heat["many"] > heat["few"]


def test_newer_votes_are_hotter_and_a_tenfold_of_votes_is_worth_two_days(now):
    signals = [votes("old", 99, now - timedelta(days=2)), votes("new", 9, now)]

    heat = hot([*signals, *(votes(f"p{n}", 1, now) for n in range(9))], {}, now)

    assert abs(heat["old"] - heat["new"]) < 0.01


def test_a_small_field_is_not_buried_by_a_large_one(now):
    categories = {f"ml{n}": ("cs.LG",) for n in range(40)} | {
        "math": ("math.NT",),
        "m2": ("math.NT",),
    }
    signals = [votes(f"ml{n}", 50 + n, now) for n in range(40)]
    signals += [votes("math", 40, now), votes("m2", 2, now)]

    heat = hot(signals, categories, now)

    assert heat["math"] > heat["ml0"]


def test_the_order_of_two_papers_is_the_same_whenever_it_is_computed(now):
    signals = [votes("a", 5, now - timedelta(days=1)), votes("b", 4, now)]

    today, later = hot(signals, {}, now), hot(signals, {}, now + timedelta(days=9))

    assert today == later


def test_a_source_whose_clock_is_ahead_gains_nothing(now):
    heat = hot([votes("honest", 5, now), votes("ahead", 5, now + timedelta(days=30))], {}, now)

    assert heat["ahead"] == heat["honest"]


def test_the_latest_number_of_each_source_counts_and_other_signals_do_not(now):
    earlier = now - timedelta(hours=3)
    signals = [
        votes("p", 9, now),
        votes("p", 5, earlier),
        votes("p", 2, now, source="scirate"),
        votes("p", 1_000, now, kind="stars"),
        votes("q", 0, now),
    ]

    assert upvotes(signals) == {"p": 11}
    assert set(hot(signals, {}, now)) == {"p"}


def test_no_signals_no_heat(now):
    assert hot([], {}, now) == {}


@given(st.data())
def test_a_vote_more_never_cools_a_paper(data):
    from datetime import UTC, datetime

    at = datetime(2026, 6, 10, tzinfo=UTC)
    counts = data.draw(st.lists(st.integers(1, 10_000), min_size=3, max_size=8))
    signals = [votes(str(n), count, at) for n, count in enumerate(counts)]
    more = [votes("0", counts[0] * 10, at), *signals[1:]]

    before, after = hot(signals, {}, at), hot(more, {}, at)

    assert after["0"] - after["1"] >= before["0"] - before["1"] - 1e-9


def test_votes_count_relative_to_what_is_typical_of_the_field():
    counts = {f"ml{n}": 50 + n for n in range(20)} | {f"m{n}": 2 for n in range(9)} | {"star": 40}
    fields = {each: ("cs.LG",) if each.startswith("ml") else ("math.NT",) for each in counts}

    worth = relative(counts, fields)

    assert max(worth, key=worth.get) == "star"
    assert worth["ml19"] > worth["ml0"]


def test_no_votes_are_worth_nothing_and_divide_by_nothing():
    assert relative({"p": 0, "q": 0}, {}) == {"p": 0.0, "q": 0.0}
