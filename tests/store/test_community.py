from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from digest.errors import NotFound
from digest.model import Signal, SubmissionState, Voice

OPEN, WAITING = SubmissionState.OPEN, SubmissionState.WAITING
FEATURED, REJECTED = SubmissionState.FEATURED, SubmissionState.REJECTED


@pytest.fixture
def people(store, make):
    """Three readers, of whom the first two show their names, in a store with three papers."""
    store.papers.ingest([make.item(make.paper(number)) for number in (1, 2, 3)])
    people = [
        make.subscriber(1, name="Ada", shows_name=True),
        make.subscriber(2, name="Bo", shows_name=True),
        make.subscriber(3, name="Cy", shows_name=False),
    ]
    store.subscribers.add((each, []) for each in people)
    return people


# --- votes ----------------------------------------------------------------------------------------


def test_a_vote_counts_once_and_becomes_a_signal(store, make, people):
    paper = make.paper(1)
    later = make.day + timedelta(hours=1)

    store.community.vote(people[0].id, paper.id, make.day)
    store.community.vote(people[0].id, paper.id, later)
    (first,) = store.papers.signals([paper.id])[paper.id]
    assert (first.value, first.seen_at) == (1.0, make.day)
    store.community.vote(people[1].id, paper.id, later)

    assert store.papers.signals([paper.id]) == {
        paper.id: [
            Signal(paper_id=paper.id, source="community", kind="upvotes", value=2.0, seen_at=later)
        ]
    }


def test_a_vote_taken_back_leaves_the_others_and_no_votes_are_no_signal(store, make, people):
    paper = make.paper(1)
    store.community.vote(people[0].id, paper.id, make.day)
    store.community.vote(people[1].id, paper.id, make.day + timedelta(hours=1))

    store.community.unvote(people[1].id, paper.id)
    (left,) = store.papers.signals([paper.id])[paper.id]
    assert (left.value, left.seen_at) == (1.0, make.day)

    store.community.unvote(people[0].id, paper.id)
    store.community.unvote(people[0].id, paper.id)
    assert store.papers.signals([paper.id]) == {}


def test_nobody_votes_for_nothing(store, make, people):
    with pytest.raises(NotFound):
        store.community.vote("s_unknown", make.paper(1).id, make.day)
    with pytest.raises(NotFound):
        store.community.vote(people[0].id, "arxiv:unknown", make.day)


def test_one_knows_what_one_voted_for(store, make, people):
    store.community.vote(people[0].id, make.paper(1).id, make.day)
    store.community.vote(people[1].id, make.paper(2).id, make.day)
    ids = [make.paper(number).id for number in (1, 2, 3)]

    assert store.community.votes_of(people[0].id, ids) == {make.paper(1).id}


def test_papers_with_votes_since_then_most_first(store, make, people):
    old, one, two = (make.paper(number) for number in (1, 2, 3))
    store.community.vote(people[0].id, old.id, make.day - timedelta(seconds=1))
    store.community.vote(people[0].id, one.id, make.day)
    store.community.vote(people[0].id, two.id, make.day)
    store.community.vote(people[1].id, two.id, make.day)

    found = store.papers.voted(make.day, limit=5)

    assert [*found.items()] == [(two.id, 2), (one.id, 1)]
    assert len(store.papers.voted(make.day, limit=1)) == 1


def test_votes_for_two_papers_that_are_one_are_one_vote_each(store, make, people):
    preprint = make.paper(8, id="doi:10.1101/1", identifiers=("doi:10.1101/1",), doi="10.1101/1")
    store.papers.ingest([make.item(preprint), make.item(make.paper(9))])
    for person, about in ((0, preprint), (0, make.paper(9)), (1, preprint)):
        store.community.vote(people[person].id, about.id, make.day)
    both = make.paper(9, doi="10.1101/1", identifiers=("arxiv:2606.00009", "doi:10.1101/1"))

    store.papers.ingest([make.item(both)])

    (signal,) = store.papers.signals([both.id])[both.id]
    assert signal.value == 2.0
    assert store.community.votes_of(people[1].id, [both.id]) == {both.id}


# --- submissions ----------------------------------------------------------------------------------


def test_a_submission_comes_back_as_it_was_made(store, make, people):
    put = make.submission(1, person=people[0])

    assert store.community.submit(put) == put
    assert store.community.submission(put.id) == put
    assert store.community.submission("p_unknown") is None


def test_a_paper_is_put_forward_once_until_it_is_rejected(store, make, people):
    first = store.community.submit(make.submission(1, person=people[0]))
    again = make.submission(2, person=people[1], about=make.paper(1))
    assert store.community.submit(again) == first
    assert store.community.submit(replace(first, line="Another line.")) == first
    assert store.community.standing(first.paper_id) == first

    store.community.decide(
        replace(first, state=REJECTED, decided_at=make.day), make.moderation(first)
    )

    assert store.community.standing(first.paper_id) is None
    assert store.community.submit(again) == again


def test_submissions_are_listed_newest_first_by_state_and_time(store, make, people):
    for number, state in ((1, OPEN), (2, FEATURED), (3, OPEN)):
        store.community.submit(
            make.submission(number, state=state, decided_at=make.day if state == FEATURED else None)
        )

    def listed(state=None, *, since=make.day, limit=9):
        return [each.id for each in store.community.submissions(state, since=since, limit=limit)]

    assert listed() == ["p_3", "p_2", "p_1"]
    assert listed(OPEN) == ["p_3", "p_1"]
    assert listed(limit=1) == ["p_3"]
    assert listed(since=make.day + timedelta(minutes=2)) == ["p_3", "p_2"]


def test_what_one_reader_put_forward_is_found_among_that_of_all_others(store, make, people):
    store.community.submit(make.submission(1, person=people[0]))
    for number in (2, 3):
        store.community.submit(make.submission(number, person=people[1]))

    found = store.community.submissions(since=make.day, limit=1, subscriber_id=people[0].id)

    assert [each.id for each in found] == ["p_1"]


def test_what_was_decided_is_listed_by_when_that_was(store, make, people):
    for number, state, days in ((1, FEATURED, 3), (2, OPEN, 0), (3, REJECTED, 2), (4, FEATURED, 1)):
        decided_at = make.day + timedelta(days=days) if days else None
        store.community.submit(make.submission(number, state=state, decided_at=decided_at))

    def listed(since=make.day, limit=9):
        return [each.id for each in store.community.decided(since=since, limit=limit)]

    assert listed() == ["p_1", "p_3", "p_4"]
    assert listed(limit=1) == ["p_1"]
    assert listed(since=make.day + timedelta(days=2)) == ["p_1", "p_3"]


def test_a_waiting_submission_opens_under_the_papers_own_name(store, make, people):
    waits = make.submission(1, paper_id="doi:10.1101/1", state=WAITING)
    other = make.submission(2, paper_id="arxiv:unknown", state=WAITING)
    store.community.submit(waits)
    store.community.submit(other)
    assert store.community.arrived() == 0
    paper = make.paper(9, doi="10.1101/1", identifiers=("arxiv:2606.00009", "doi:10.1101/1"))
    store.papers.ingest([make.item(paper)])

    assert store.community.arrived() == 1

    opened = store.community.submission(waits.id)
    assert (opened.state, opened.paper_id) == (OPEN, paper.id)
    assert store.community.submission(other.id) == other
    assert store.community.arrived() == 0


@pytest.mark.parametrize(
    ("states", "stands"),
    [((OPEN, OPEN), "p_1"), ((OPEN, FEATURED), "p_2"), ((FEATURED, OPEN), "p_1")],
)
def test_what_is_undecided_of_papers_that_are_one_gives_way_to_what_stands(
    store, make, people, states, stands
):
    one, two = make.paper(8), make.paper(9)
    store.papers.ingest([make.item(one), make.item(two)])
    for number, about, state in ((1, one, states[0]), (2, two, states[1])):
        decided_at = make.day if state is FEATURED else None
        store.community.submit(
            make.submission(number, about=about, state=state, decided_at=decided_at)
        )

    store.papers.ingest([make.item(make.paper(8, identifiers=(one.id, two.id)))])

    (left,) = store.community.submissions(since=make.day, limit=9)
    assert (left.id, left.paper_id) == (stands, one.id)


def test_what_curators_picked_of_papers_that_are_one_stays_until_one_rejects_it(
    store, make, people
):
    one, two = make.paper(8), make.paper(9)
    store.papers.ingest([make.item(one), make.item(two)])
    picks = [
        feature(store, make, make.submission(number, about=about), curator=people[0].id, line=line)
        for number, about, line in ((1, one, "Read it."), (2, two, "A find."))
    ]
    store.papers.ingest([make.item(make.paper(8, identifiers=(one.id, two.id)))])

    assert store.community.standing(two.id) == picks[0]
    lines = [each.line for each in store.community.voices([one.id])[one.id] if each.curator]
    assert lines == ["Read it.", "A find."]

    over = replace(picks[1], state=REJECTED, decided_at=make.day + timedelta(days=2))
    store.community.decide(over, make.moderation(over, action="reject"))

    found = store.community.submissions(since=make.day, limit=9)
    assert [(each.id, each.state) for each in found] == [("p_2", REJECTED), ("p_1", REJECTED)]
    assert {each.action for each in store.community.last_decisions(["p_1", "p_2"]).values()} == {
        "reject"
    }
    assert store.community.featured(make.day) == frozenset()


def test_what_one_curator_says_of_papers_that_are_one_is_said_once(store, make, people):
    one, two = make.paper(8), make.paper(9)
    store.papers.ingest([make.item(one), make.item(two)])
    for number, about in ((1, one), (2, two)):
        put = make.submission(number, about=about, person=people[number - 1])
        feature(store, make, put, curator=people[0].id, line="Read it.")
    store.papers.ingest([make.item(make.paper(8, identifiers=(one.id, two.id)))])

    voices = store.community.voices([one.id])[one.id]

    said = [(each.name, each.curator) for each in voices]
    assert said == [("Ada", False), ("Bo", False), ("Ada", True)]


def test_what_is_featured_stands_before_what_was_put_forward_earlier(store, make, people):
    late = make.submission(1, at=make.day + timedelta(hours=9))
    store.community.submit(replace(late, state=REJECTED, decided_at=make.day))
    store.community.submit(make.submission(2, about=make.paper(1)))
    pick = feature(store, make, late)

    assert store.community.standing(pick.paper_id) == pick
    assert store.community.submit(make.submission(3, about=make.paper(1))) == pick


def test_what_was_rejected_stays_so_when_papers_become_one(store, make, people):
    one, two = make.paper(8), make.paper(9)
    store.papers.ingest([make.item(one), make.item(two)])
    store.community.submit(make.submission(1, about=one, state=REJECTED, decided_at=make.day))
    store.community.submit(make.submission(2, about=two))

    store.papers.ingest([make.item(make.paper(8, identifiers=(one.id, two.id)))])

    found = store.community.submissions(since=make.day, limit=9)
    assert [(each.id, each.state) for each in found] == [("p_2", OPEN), ("p_1", REJECTED)]


def test_a_waiting_submission_of_a_paper_that_is_open_already_joins_it(store, make, people):
    paper = make.paper(1, identifiers=(make.paper(1).id, "doi:10.1101/1"), doi="10.1101/1")
    store.community.submit(make.submission(1, paper_id="doi:10.1101/1", state=WAITING))
    store.community.submit(make.submission(2, about=make.paper(1)))
    store.papers.ingest([make.item(paper)])

    store.community.arrived()

    (left,) = store.community.submissions(since=make.day, limit=9)
    assert (left.id, left.state, left.paper_id) == ("p_1", OPEN, paper.id)


# --- curators -------------------------------------------------------------------------------------


def feature(store, make, submission, *, curator="", line=""):
    decided = replace(
        store.community.submit(submission),
        state=FEATURED,
        curator_id=curator,
        curator_line=line,
        decided_at=make.day + timedelta(days=1),
    )
    store.community.decide(decided, make.moderation(decided, actor=curator or "operator"))
    return decided


def test_a_decision_is_kept_with_a_line_in_the_log_once(store, make, people):
    put = make.submission(1, person=people[0])

    decided = feature(store, make, put, curator=people[1].id, line="Yes.")
    feature(store, make, put, curator=people[1].id, line="Yes.")

    assert store.community.submission(put.id) == decided
    assert store.community.log(limit=9) == [make.moderation(decided, actor=people[1].id)]
    assert store.community.featured(make.day + timedelta(days=1)) == {put.paper_id}
    assert store.community.featured(make.day + timedelta(days=2)) == frozenset()


def test_an_unknown_submission_cannot_be_decided(store, make):
    put = make.submission(1)

    with pytest.raises(NotFound):
        store.community.decide(put, make.moderation(put))
    assert store.community.log(limit=9) == []


def test_the_log_is_newest_first(store, make, people):
    for number in (1, 2):
        put = store.community.submit(make.submission(number))
        line = make.moderation(put, at=make.day + timedelta(days=number))
        store.community.decide(replace(put, state=REJECTED, decided_at=line.at), line)

    assert [each.submission_id for each in store.community.log(limit=9)] == ["p_2", "p_1"]
    assert len(store.community.log(limit=1)) == 1


def test_what_was_decided_last_of_submissions_is_found_however_long_the_log(store, make, people):
    for number, day in ((1, 1), (2, 2), (1, 3)):
        put = store.community.submit(make.submission(number))
        line = make.moderation(put, at=make.day + timedelta(days=day), note=f"On day {day}.")
        store.community.decide(replace(put, state=REJECTED, decided_at=line.at), line)
    store.community.submit(make.submission(3))

    found = store.community.last_decisions(["p_1", "p_3", "p_404"])

    assert {key: each.note for key, each in found.items()} == {"p_1": "On day 3."}
    assert store.community.last_decisions([]) == {}


def test_submitter_and_curator_speak_for_a_featured_paper(store, make, people):
    ada, bo, _ = people
    put = feature(store, make, make.submission(1, person=ada), curator=bo.id, line="Yes.")
    store.community.submit(make.submission(2, person=ada))

    found = store.community.voices([put.paper_id, make.paper(2).id])

    assert found == {
        put.paper_id: [
            Voice(paper_id=put.paper_id, name="Ada", line="Worth an evening.", at=put.at),
            Voice(paper_id=put.paper_id, name="Bo", line="Yes.", curator=True, at=put.decided_at),
        ]
    }


def test_who_does_not_show_their_name_is_not_named(store, make, people):
    *_, cy = people
    feature(store, make, make.submission(1, person=cy), curator=cy.id, line="Mine.")

    (voices,) = store.community.voices([make.paper(1).id]).values()

    assert [(each.name, each.line) for each in voices] == [("", "Worth an evening."), ("", "Mine.")]


def test_a_submitter_without_name_and_line_says_nothing(store, make, people):
    *_, cy = people
    feature(store, make, make.submission(1, person=cy, line=""))

    (voices,) = store.community.voices([make.paper(1).id]).values()

    assert [each.curator for each in voices] == [True]
