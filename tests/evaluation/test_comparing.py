"""Whom readers prefer, told from what they answered, and how sure that is."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from digest.evaluation import comparing, own
from digest.evaluation.comparing import Preference
from digest.model import (
    Announcement,
    AnnounceType,
    Digest,
    Feedback,
    FeedbackKind,
    Item,
    Paper,
    Pick,
    Ranking,
    Status,
    Subscriber,
    Via,
)
from digest.ranking.interleaving import team_draft

DAY = date(2026, 6, 1)
BEGIN = datetime(2026, 6, 1, 7, tzinfo=UTC)
GRAPHS = [f"arxiv:graphs-{number}" for number in range(10)]
BREAD = [f"arxiv:bread-{number}" for number in range(10)]
MORE, LESS, SAVE, KNOWN = (
    FeedbackKind.MORE,
    FeedbackKind.LESS,
    FeedbackKind.SAVE,
    FeedbackKind.KNOWN,
)


@pytest.fixture
def world(store):
    """A database with papers on graphs and on bread."""
    store.papers.ingest(
        [
            Item(
                paper=Paper(id=each, title=f"On {each}", identifiers=(each,)),
                announcement=Announcement(
                    paper_id=each,
                    source="arxiv",
                    feed="cs.LG",
                    day=DAY,
                    type=AnnounceType.NEW,
                    seen_at=BEGIN,
                ),
            )
            for each in (*GRAPHS, *BREAD)
        ]
    )
    return store


def ranked(person, papers):
    return Ranking(
        subscriber_id=person, picks=tuple(Pick(paper_id=each, score=1.0) for each in papers)
    )


def keep(store, digests):
    """Keep these digests, and their readers."""
    people = {each.subscriber_id for each in digests}
    new = [
        Subscriber(
            id=each,
            email=f"{each}@example.org",
            status=Status.ACTIVE,
            key="00",
            created_at=BEGIN,
        )
        for each in sorted(people - store.subscribers.get(people).keys())
    ]
    store.subscribers.add([(each, []) for each in new])
    composed = [(each, None) for each in digests]
    store.ledger.compose(composed, next_due={}, send_from={}, message_ids={})


def digest_of(person, picks, day):
    """A digest of these picks, (paper, team) each."""
    edition = (DAY + timedelta(days=day)).isoformat()
    until = BEGIN + timedelta(days=day)
    return Digest(
        id=f"{person}.{edition}",
        subscriber_id=person,
        edition=edition,
        since=until - timedelta(days=1),
        until=until,
        picks=tuple(Pick(paper_id=paper, score=1.0, team=team) for paper, team in picks),
        composed_at=until,
    )


def send(store, person, picks, *, day=0):
    keep(store, [digest_of(person, picks, day)])


def answer(store, person, paper, kind=MORE, *, day=0):
    edition = (DAY + timedelta(days=day)).isoformat()
    store.feedback.add(
        Feedback(
            id=f"f_{person}.{edition}.{paper}.{kind}",
            subscriber_id=person,
            kind=kind,
            paper_id=paper,
            via=Via.WEB,
            at=BEGIN + timedelta(days=day, hours=1),
            edition=edition,
            rank=1,
        )
    )


def found(store, since=0):
    return comparing.preference(store, first=(DAY + timedelta(days=since)).isoformat())


def counted(store):
    result = found(store)
    return result.won, result.lost, result.tied


# --- who won a digest -----------------------------------------------------------------------------

BOTH = [(GRAPHS[0], "a"), (BREAD[0], "b"), (BREAD[1], "b"), (GRAPHS[1], "a"), (GRAPHS[2], "")]


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ([(GRAPHS[0], MORE)], (1, 0, 0)),
        ([(BREAD[0], SAVE)], (0, 1, 0)),
        ([(BREAD[0], FeedbackKind.UPVOTE)], (0, 1, 0)),
        ([(BREAD[0], LESS)], (1, 0, 0)),
        ([(GRAPHS[0], MORE), (BREAD[0], SAVE)], (0, 0, 1)),
        ([(GRAPHS[0], MORE), (BREAD[0], SAVE), (BREAD[1], MORE)], (0, 1, 0)),
        ([(GRAPHS[0], MORE), (GRAPHS[0], SAVE), (BREAD[0], MORE)], (0, 0, 1)),
        ([(GRAPHS[0], MORE), (GRAPHS[0], LESS)], (0, 1, 0)),
        ([(GRAPHS[2], MORE)], (0, 0, 0)),
        ([(GRAPHS[0], KNOWN)], (0, 0, 0)),
        ([(GRAPHS[5], MORE)], (0, 0, 0)),
    ],
)
def test_a_digest_is_won_by_the_picks_that_were_wanted(world, said, outcome):
    send(world, "s_ada", BOTH)
    for paper, kind in said:
        answer(world, "s_ada", paper, kind)
    assert counted(world) == outcome


def test_undone_answers_do_not_count(world):
    send(world, "s_ada", BOTH)
    answer(world, "s_ada", GRAPHS[0])
    world.feedback.undo(f"f_s_ada.2026-06-01.{GRAPHS[0]}.more", BEGIN + timedelta(days=1))
    assert counted(world) == (0, 0, 0)


def test_only_editions_of_the_span_count(world):
    for day in (0, 3):
        send(world, "s_ada", BOTH, day=day)
        answer(world, "s_ada", GRAPHS[0], day=day)
    assert found(world).digests == 2
    assert found(world, since=1).digests == 1


def test_a_few_people_are_counted_by_digest_and_many_by_person(world):
    for number in range(9):
        for day in range(3):
            send(world, f"s_{number}", BOTH, day=day)
            answer(world, f"s_{number}", BREAD[0] if day == 0 else GRAPHS[0], day=day)
    few = found(world)
    assert (few.few, few.won, few.lost) == (True, 18, 9)

    send(world, "s_9", BOTH)
    answer(world, "s_9", BREAD[0])
    many = found(world)
    assert (many.few, many.won, many.lost) == (False, 9, 1)
    assert (many.answers, many.digests, many.people) == (28, 28, 10)


# --- how sure it is -------------------------------------------------------------------------------


def of(won, lost, tied=0):
    return Preference(
        answers=2 * (won + lost),
        digests=won + lost + tied,
        people=won + lost,
        few=False,
        won=won,
        lost=lost,
        tied=tied,
    )


def test_the_probability_is_that_of_a_coin_with_a_uniform_prior():
    assert of(3, 0).chance == pytest.approx(15 / 16)  # 1 - (1/2)^4
    assert of(1, 1).chance == pytest.approx(1 / 2)
    assert of(40, 20).chance == pytest.approx(1 - of(20, 40).chance)
    low, high = of(60, 40).interval
    assert 0.5 < low < of(60, 40).share < high < 0.7


def test_a_few_digests_decide_nothing_however_clear_they_are():
    assert of(9, 0).winner == ""
    assert of(10, 0).winner == "a"
    assert of(0, 10).winner == "b"
    assert of(8, 6).winner == ""


def test_how_many_more_answers_are_needed_grows_as_the_two_come_closer():
    assert of(0, 0).missing is None
    assert of(500, 500).missing is None
    assert 0 < of(9, 3).missing < of(13, 9).missing < of(55, 45).missing
    assert of(3, 0).missing == 2 * (10 - 3), "never fewer than what decides"


# --- readers who are made up ----------------------------------------------------------------------


def live(store, a, b, *, people, days, likes, seed):
    """Sends interleaved digests to readers who look at a place with 1/place, and tell their likes."""
    rng = random.Random(seed)
    digests, answers = [], []
    for number in range(people):
        person = f"s_{number}"
        for day in range(days):
            lists = [ranked(person, make(rng)) for make in (a, b)]
            drafted = team_draft(*lists, random.Random(f"{person}.{day}"))
            picks = [(each.paper_id, each.team) for each in drafted.picks[:10]]
            digests.append(digest_of(person, picks, day))
            for place, (paper, _) in enumerate(picks, 1):
                if rng.random() < 1 / place and rng.random() < likes(paper):
                    answers.append((person, paper, day))
    keep(store, digests)
    for person, paper, day in answers:
        answer(store, person, paper, day=day)


def taste(paper):
    return 0.5 if "graphs" in paper else 0.15


def graphs_first(_rng):
    return [*GRAPHS, *BREAD]


def bread_first(_rng):
    return [*BREAD, *GRAPHS]


def any_order(rng):
    return rng.sample([*GRAPHS, *BREAD], 20)


@pytest.mark.parametrize(
    ("a", "b", "winner"), [(graphs_first, bread_first, "a"), (bread_first, any_order, "b")]
)
def test_the_ranker_that_readers_prefer_wins(world, a, b, winner):
    live(world, a, b, people=25, days=4, likes=taste, seed=1)
    result = found(world)
    assert result.winner == winner
    text = " ".join(own.compared(result, a="ours", b="theirs"))
    assert f"{ {'a': 'ours', 'b': 'theirs'}[winner] } wins" in text


def test_two_random_rankers_cannot_be_told_apart(world):
    live(world, any_order, any_order, people=25, days=4, likes=taste, seed=2)
    result = found(world)
    assert result.answers > 50
    assert result.winner == ""
    assert "Too early to tell" in " ".join(own.compared(result, a="ours", b="theirs"))


def test_the_same_ranker_twice_gives_nothing_to_compare(world):
    live(world, graphs_first, graphs_first, people=5, days=2, likes=taste, seed=3)
    result = found(world)
    assert result.answers == 0
    assert "There is nothing to compare yet" in " ".join(own.compared(result, a="ours", b="theirs"))


def test_no_address_is_told(world):
    live(world, graphs_first, bread_first, people=3, days=2, likes=taste, seed=4)
    for result in (found(world), replace(found(world), few=False)):
        assert "@" not in " ".join(own.compared(result, a="ours", b="theirs"))
