from __future__ import annotations

from dataclasses import replace
from string import ascii_lowercase

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.errors import ConfigError
from digest.model import Pick, Reason, ReasonKind
from digest.store.rows import contents

PAPERS = {f"arxiv:2606.{number:05}": 1_000_000 + number for number in range(40)}
WORDS = ("graph kernel", "façade", "retrieval", "diffusion", "proof")
WHATS = ("cs.LG", "graphs", "Ada Example", "")
SHARED = contents.Shared(
    papers=PAPERS,
    strings={each: place for place, each in enumerate(WHATS)},
    words={number: {word: place for place, word in enumerate(WORDS)} for number in PAPERS.values()},
)
LOOKED = contents.Names(
    papers={number: each for each, number in PAPERS.items()},
    strings=dict(enumerate(WHATS)),
    words=dict.fromkeys(PAPERS.values(), WORDS),
)

reasons = st.builds(
    Reason,
    kind=st.sampled_from(ReasonKind),
    what=st.sampled_from(WHATS),
    amount=st.floats(-40, 40).map(lambda amount: round(amount, 3)),
    words=st.lists(st.sampled_from(WORDS), max_size=4).map(tuple),
)


@st.composite
def picks(draw, paper):
    found = tuple(draw(st.lists(reasons, max_size=7)))
    score = round(sum(each.amount for each in found), 3) if found else draw(st.floats(-9, 9))
    team = draw(st.sampled_from(["", "a", "b", "ß", "long"]))
    return Pick(paper_id=paper, score=score, reasons=found, team=team)


@st.composite
def shown(draw):
    papers = draw(st.lists(st.sampled_from(sorted(PAPERS)), unique=True, max_size=20))
    cut = draw(st.integers(0, len(papers)))
    return tuple(draw(picks(each)) for each in papers[:cut]), tuple(papers[cut:])


def read(content, looked=LOOKED):
    found = contents.decode(content)
    return contents.picks_of(found, looked), contents.rest_of(found, looked)


@given(drawn=shown(), window=st.integers(0, 10**9), matched=st.integers(0, 10**6))
def test_whatever_a_digest_shows_comes_back(make, drawn, window, matched):
    listed, rest = drawn
    digest = replace(make.digest(), picks=listed, rest=rest, matched=matched, withheld=3)

    content = contents.encode(digest, window, SHARED)

    found = contents.decode(content)
    assert read(content) == (listed, rest)
    assert (found.window, found.matched, found.withheld) == (window, matched, 3)
    assert contents.window_in(content) == window
    if content[:1] == contents.COMPACT:
        assert contents.window_in(content[: contents.HEAD]) == window
    assert list(contents.papers_in(content)) == [
        *(PAPERS[each.paper_id] for each in listed),
        *(PAPERS[each] for each in rest),
    ]
    assert list(contents.papers_in(content, titles=False)) == [
        PAPERS[each.paper_id] for each in listed
    ]


def ten_picks(kinds=(ReasonKind.WORDS, ReasonKind.TOPIC)):
    return tuple(
        Pick(
            paper_id=paper,
            score=3.0,
            reasons=(
                Reason(kind=kinds[0], what="graphs", amount=2.0, words=WORDS[:3]),
                Reason(kind=kinds[1], what="cs.LG", amount=1.0),
            ),
        )
        for paper in sorted(PAPERS)[:10]
    )


def test_ten_picks_with_reasons_take_few_bytes(make):
    content = contents.encode(replace(make.digest(), picks=ten_picks()), 20_000, SHARED)

    assert content[:1] == contents.COMPACT
    assert len(content) <= 140


def test_amounts_are_kept_in_thousandths_and_their_sum_is_the_score(make):
    terms = (0.1 + 0.2, 1.234567, -0.0004)
    pick = Pick(
        paper_id="arxiv:2606.00001",
        score=round(sum(terms), 6),
        reasons=tuple(
            Reason(kind=ReasonKind.TOPIC, what="cs.LG", amount=amount) for amount in terms
        ),
    )

    ((found,), _) = read(contents.encode(replace(make.digest(), picks=(pick,)), 1, SHARED))

    assert [each.amount for each in found.reasons] == [0.3, 1.235, 0.0]
    assert found.score == 1.535


@pytest.mark.parametrize(
    ("shared", "looked"),
    [
        pytest.param(
            {word: place + 300 for place, word in enumerate(WORDS)},
            ("…",) * 300 + WORDS,
            id="a paper with very many words",
        ),
        pytest.param(
            {word: place for place, word in enumerate(WORDS)}, WORDS, id="a paper from long ago"
        ),
    ],
)
def test_what_is_unusual_takes_more_room(make, shared, looked):
    papers = PAPERS | {"arxiv:2606.00001": 3}
    listed = ten_picks()
    wide = contents.Shared(
        papers=papers, strings=SHARED.strings, words=dict.fromkeys(papers.values(), shared)
    )

    content = contents.encode(replace(make.digest(), picks=listed), 1, wide)

    assert content[:1] == contents.COMPACT
    assert read(
        content,
        contents.Names(
            papers={number: each for each, number in papers.items()},
            strings=LOOKED.strings,
            words=dict.fromkeys(papers.values(), looked),
        ),
    ) == (listed, ())


def test_many_different_terms_are_told_apart(make):
    whats = [a + b for a in ascii_lowercase for b in ascii_lowercase[:3]]
    shared = replace(SHARED, strings={each: place for place, each in enumerate(whats)})
    listed = (
        Pick(
            paper_id="arxiv:2606.00001",
            score=float(len(whats)),
            reasons=tuple(Reason(kind=ReasonKind.KEYWORD, what=each, amount=1.0) for each in whats),
        ),
    )

    content = contents.encode(replace(make.digest(), picks=listed), 1, shared)

    assert content[:1] == contents.COMPACT
    assert read(content, replace(LOOKED, strings=dict(enumerate(whats)))) == (listed, ())


def test_papers_that_are_gone_are_left_out(make):
    listed, rest = ten_picks(), tuple(sorted(PAPERS)[10:12])
    content = contents.encode(replace(make.digest(), picks=listed, rest=rest), 1, SHARED)
    gone = {PAPERS[listed[0].paper_id], PAPERS[rest[1]]}
    left = {number: each for number, each in LOOKED.papers.items() if number not in gone}

    assert read(content, replace(LOOKED, papers=left)) == (listed[1:], rest[:1])


def test_every_kind_of_reason_has_its_place():
    assert set(contents.KINDS) == set(ReasonKind)


def test_what_was_cut_short_or_goes_on_is_refused(make):
    content = contents.encode(replace(make.digest(), picks=ten_picks()), 20_000, SHARED)
    damaged = [content[:length] for length in range(len(content))] + [content + b"\0"]

    for each in damaged:
        with pytest.raises(ConfigError, match="restore it from a backup"):
            contents.decode(each)


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda rest: contents.COMPACT + rest))
@example(b"")
@example(b"\2 of a version to come")
@example(b'{"window": 1}')
@example(b"[1, 2, 3, {}, 7]")
def test_any_other_bytes_are_refused_with_a_sentence(content):
    try:
        found = contents.decode(content)
    except ConfigError:
        return
    assert len(found.papers) >= found.shown, "or they happen to say something"
