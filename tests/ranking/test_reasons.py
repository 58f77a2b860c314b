"""Few reasons, and none of the score lost."""

from __future__ import annotations

from math import fsum

from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import ReasonKind
from digest.ranking.reasons import pick

TOPIC, KEYWORD, LIKE = ReasonKind.TOPIC, ReasonKind.KEYWORD, ReasonKind.LIKE


def test_the_largest_reason_comes_first():
    made = pick("p", [(0.5, TOPIC, "cs.IR"), (1.25, LIKE, "p0")])

    assert [(each.kind, each.what) for each in made.reasons] == [(LIKE, "p0"), (TOPIC, "cs.IR")]
    assert made.score == 1.75


def test_a_trifle_is_added_to_the_largest_of_its_kind():
    made = pick("p", [(0.5, KEYWORD, "salt"), (0.001, KEYWORD, "pepper"), (0.2, TOPIC, "t")])

    assert [(each.what, each.amount) for each in made.reasons] == [("salt", 0.501), ("t", 0.2)]


def test_an_eighth_reason_is_added_to_the_largest_of_its_kind():
    many = [(1 - n / 10, KEYWORD, f"k{n}") for n in range(8)]

    made = pick("p", [*many, (0.05, TOPIC, "t")])

    assert len(made.reasons) == 7
    assert made.reasons[0].what == "k0"
    assert made.reasons[0].amount == 1.7
    assert made.reasons[-1].what == "t"


def test_one_reason_of_every_kind_there_is_stays():
    made = pick("p", [(0.001, kind, "what") for kind in ReasonKind])

    assert {each.kind for each in made.reasons} == set(ReasonKind)


def test_words_go_with_their_reason_or_with_all_of_its_kind():
    made = pick(
        "p",
        [(2.0, LIKE, "p0"), (1.0, KEYWORD, "salt"), (0.5, KEYWORD, "rye")],
        {(LIKE, ""): ("moon", "tide"), (KEYWORD, "salt"): ("sea",)},
    )

    assert [each.words for each in made.reasons] == [("moon", "tide"), ("sea",), ()]


def test_what_adds_nothing_is_a_reason_still():
    made = pick("p", [(0.0, ReasonKind.EXPLORE, ""), (1.0, LIKE, "p0")])

    assert made.score == 1.0
    assert [each.kind for each in made.reasons] == [LIKE, ReasonKind.EXPLORE]


terms = st.lists(
    st.tuples(
        st.floats(-3, 3).map(lambda amount: round(amount, 6)).filter(bool),
        st.sampled_from(ReasonKind),
        st.text(max_size=3),
    ),
    max_size=15,
    unique_by=lambda term: term[1:],
)


@settings(max_examples=50)
@given(terms)
def test_the_reasons_of_any_terms_sum_to_the_score(drawn):
    made = pick("p", drawn)

    assert abs(made.score - fsum(amount for amount, _, _ in drawn)) < 1e-6
    assert abs(made.score - fsum(each.amount for each in made.reasons)) < 1e-9
    assert len(made.reasons) <= max(7, len({kind for _, kind, _ in drawn}))
    assert {each.kind for each in made.reasons} == {kind for _, kind, _ in drawn}
