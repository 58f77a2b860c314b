from __future__ import annotations

from datetime import date, timedelta

import pytest

from digest.errors import NotFound
from digest.model import Outcome, Reason, ReasonKind, Receipt

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def test_digests_follow_papers_that_get_another_id(store, make, people):
    paper = make.paper(1)
    digest = make.digest(people[0], papers=[make.paper(2), paper], rest=("arxiv:2606.00003",))
    make.queue(store, digest)
    named = make.paper(1, id="doi:10.1000/1", identifiers=(paper.id, "doi:10.1000/1"))

    store.papers.ingest([make.item(named)])
    (now,) = store.papers.get([paper.id]).values()

    kept = store.ledger.digest(digest.id)
    assert [each.paper_id for each in kept.picks] == ["arxiv:2606.00002", now.id]


def joined_papers(store, make):
    """Two papers that a third listing shows to be one; returns the id that is left."""
    theirs = make.paper(
        7, id="doi:10.1000/7", title="Another title altogether", identifiers=("doi:10.1000/7",)
    )
    store.papers.ingest([make.item(theirs, source="biorxiv", feed="all")])

    def join():
        both = make.paper(1, doi="10.1000/7", identifiers=("arxiv:2606.00001", "doi:10.1000/7"))
        store.papers.ingest([make.item(both)])
        found = store.papers.get(["arxiv:2606.00001", "doi:10.1000/7"])
        (left,) = {each.id for each in found.values()}
        return left

    return theirs, join


def test_digests_follow_papers_that_turn_out_to_be_one(store, make, people):
    theirs, join = joined_papers(store, make)
    one = make.digest(people[0], papers=[theirs])
    two = make.digest(people[1], papers=[make.paper(2)], rest=(theirs.id,))
    three = make.digest(people[2], papers=[make.paper(1)])
    make.queue(store, one, two, three)

    left = join()

    digests = store.ledger.digests([one.id, two.id, three.id])
    assert [each.paper_id for each in digests[one.id].picks] == [left]
    assert digests[two.id].rest == (left,)
    assert [each.paper_id for each in digests[three.id].picks] == [left]
    sent = store.ledger.sent([each.id for each in people], [left])
    assert sent == {each.id: {left} for each in people}


def test_two_papers_of_a_digest_that_turn_out_to_be_one_stand_there_once(store, make, people):
    theirs, join = joined_papers(store, make)
    picked = make.digest(people[0], papers=[make.paper(2), theirs, make.paper(3), make.paper(1)])
    beside = make.digest(people[1], papers=[theirs], rest=(make.paper(2).id, make.paper(1).id))
    make.queue(store, picked, beside)

    left = join()

    digests = store.ledger.digests([picked.id, beside.id])
    two, three = make.paper(2).id, make.paper(3).id
    assert [each.paper_id for each in digests[picked.id].picks] == [two, left, three]
    assert [each.paper_id for each in digests[beside.id].picks] == [left]
    assert digests[beside.id].rest == (two,)


def test_the_number_of_a_paper_that_was_joined_is_never_given_again(store, make, people):
    theirs, join = joined_papers(store, make)
    digest = make.digest(people[0], papers=[theirs])
    make.queue(store, digest)
    left = join()

    store.papers.ingest([make.item(make.paper(9, title="Quite another paper"))])

    assert [each.paper_id for each in store.ledger.digest(digest.id).picks] == [left]


def test_words_of_a_paper_are_told_whoever_was_first_shown_them(store, make, people):
    def digest(person, words, edition="2026-06-10"):
        made = make.digest(person, papers=[make.paper(1)], edition=edition)
        reason = Reason(kind=ReasonKind.WORDS, what="graphs", amount=0.75, words=words)
        return make.digest(
            person,
            edition=edition,
            picks=(
                type(made.picks[0])(paper_id=made.picks[0].paper_id, score=0.75, reasons=(reason,)),
            ),
        )

    digests = [
        digest(people[0], ("graph", "kernel")),
        digest(people[1], ("kernel", "proof")),
        digest(people[2], ("two\nlines",)),
        digest(people[0], ("proof", "façade", "graph"), edition="2026-06-11"),
    ]
    for each in digests:
        make.queue(store, each)

    found = store.ledger.digests(each.id for each in digests)
    assert [found[each.id] for each in digests] == digests


def test_who_has_a_digest_of_an_edition_is_known_before_ranking(store, make, people):
    make.queue(store, make.digest(people[0]), make.digest(people[1], edition="2026-06-09"))
    ids = [each.id for each in people]

    assert store.ledger.composed(ids, "2026-06-10") == {people[0].id}
    assert store.ledger.composed(ids, "2026-06-11") == frozenset()


def test_a_pick_that_is_not_stored_is_refused(store, make, people):
    with pytest.raises(NotFound):
        make.queue(store, make.digest(people[0], papers=[make.paper(99)]))

    assert store.counts()["digests"] == 0


def test_lost_digests_cover_nothing_and_count_as_not_sent(store, make, people):
    lost, last = (
        make.digest(
            people[0],
            papers=[make.paper(number)],
            edition=f"2026-06-{day:02}",
            since=make.day - 2 * DAY,
            until=at,
        )
        for number, day, at in ((1, 9, make.day - DAY), (2, 10, make.day))
    )
    make.queue(store, lost, expires=make.day, send_from=lost.until)
    (envelope,) = store.ledger.claim(lost.until, owner="one", limit=9, lease=60)
    refused = make.receipt(envelope, Outcome.REFUSED, code=550)
    store.ledger.settle([refused], lease=envelope.lease)
    ids = [each.id for each in people]

    assert store.ledger.covered(ids) == {people[0].id: lost.since}

    make.queue(store, last)

    assert store.ledger.covered(ids) == {people[0].id: last.until}
    papers = [make.paper(number).id for number in (1, 2, 3)]
    assert store.ledger.sent(ids, papers) == {people[0].id: {papers[1]}}


@pytest.fixture
def lose(store, make):
    """Keep digests that expired without being sent."""

    def run(*digests, expires):
        make.queue(store, *digests, expires=expires, send_from=make.day - 9 * DAY)
        store.ledger.tidy(expires)

    return run


def test_a_digest_made_while_another_waited_does_not_make_up_for_it(store, make, people, lose):
    reader, ids = people[0], [people[0].id]
    lost = make.digest(reader, edition="2026-06-09", until=make.day - 9 * HOUR)
    next_one = make.digest(reader, edition="2026-06-10", since=lost.until)
    lose(lost, expires=make.day + 9 * HOUR)
    make.queue(store, next_one)

    assert store.ledger.covered(ids) == {reader.id: lost.since}

    later = make.day + DAY
    last = make.digest(reader, edition="2026-06-11", since=lost.since, until=later)
    make.queue(store, last)

    assert store.ledger.covered(ids) == {reader.id: later}


def test_a_digest_that_was_refused_at_once_is_made_up_for_once(store, make, people):
    """That is known long before it would have expired."""
    reader, ids = people[0], [people[0].id]
    refused = make.digest(reader, edition="2026-06-09", until=make.day - 9 * HOUR)
    make.queue(store, refused, expires=make.day + 9 * HOUR, send_from=make.day - 9 * HOUR)
    (taken,) = store.ledger.claim(make.day - 8 * HOUR, owner="w", limit=9, lease=60)
    store.ledger.offer([taken], lease=taken.lease, now=make.day, until=make.day)
    receipt = Receipt(digest_id=refused.id, outcome=Outcome.REFUSED, code=550, at=make.day)
    store.ledger.settle([receipt], lease=taken.lease)
    assert store.ledger.covered(ids) == {reader.id: refused.since}

    made_up = make.digest(reader, edition="2026-06-10", since=refused.since)
    make.queue(store, made_up)

    assert store.ledger.covered(ids) == {reader.id: made_up.until}


def test_what_was_left_out_because_it_waited_is_made_up_for_once_it_is_lost(
    store, make, people, lose
):
    """The third goes back to the first, which is lost, and leaves out what the second shows."""
    reader, ids = people[0], [people[0].id]
    one = make.digest(reader, edition="2026-06-09", until=make.day - 9 * HOUR)
    two = make.digest(reader, edition="2026-06-10", since=one.until)
    three = make.digest(reader, edition="2026-06-11", since=one.since, until=make.day + 16 * HOUR)
    lose(one, expires=make.day + 9 * HOUR)
    make.queue(store, three)
    lose(two, expires=make.day + 18 * HOUR)

    assert store.ledger.covered(ids) == {reader.id: two.since}


def test_a_day_that_was_covered_before_it_was_made_again_is_not_looked_at_once_more(
    store, make, people, lose
):
    reader = people[0]
    days = [
        make.digest(reader, edition=f"2026-06-{10 + each}", until=make.day + each * DAY)
        for each in range(3)
    ]
    make.queue(store, *days, expires=make.day + 9 * DAY)
    again = make.digest(
        reader,
        edition="2026-06-08",
        until=make.day + 12 * HOUR,
        composed_at=days[1].composed_at + HOUR,
    )
    lose(again, expires=days[2].composed_at + HOUR)

    assert store.ledger.covered([reader.id]) == {reader.id: days[2].until}


def test_who_had_digests_that_are_no_longer_kept_is_covered_until_the_last_of_those(
    store, make, people
):
    """No digest of theirs ended later; and they are not taken for somebody new."""
    back, going_on, newcomer = people
    kept = make.digest(going_on, edition="2026-06-12", until=make.day + 2 * DAY)
    make.queue(store, make.digest(back), make.digest(going_on), kept)

    make.prune(store, digests_before=date(2026, 6, 11))

    found = store.ledger.covered([each.id for each in (back, going_on, newcomer)])
    assert found == {back.id: make.day, going_on.id: kept.until}


def test_who_is_erased_leaves_no_digest(store, make, people):
    make.queue(store, *(make.digest(each) for each in people))
    make.queue(store, make.digest(people[0], edition="2026-06-09"))

    store.subscribers.erase(people[0].id)

    assert store.counts()["digests"] == 2
    assert store.ledger.counts()["queued"] == 2
    store.subscribers.add([(people[0], [])])
    assert store.ledger.recent(people[0].id, limit=9) == []
