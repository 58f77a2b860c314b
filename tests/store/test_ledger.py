from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from digest.errors import NotFound
from digest.model import Mood, OutboxState, Outcome, Pick, Reason, ReasonKind, Status

HOUR = timedelta(hours=1)
NOTHING_OUT = {"queued": 0, "sending": 0, "sent": 0, "retry": 0, "failed": 0, "expired": 0}


def claim(store, now, *, limit=9):
    """What is due by then."""
    return store.ledger.claim(now, owner="one", limit=limit, lease=60)


def claimed(store, make, *people):
    """Envelopes of a digest each for these people, in one claim."""
    make.queue(store, *(make.digest(each) for each in people))
    return claim(store, make.day)


def offer(store, make, *envelopes):
    """Mark these as going out."""
    return store.ledger.offer(
        envelopes, lease=envelopes[0].lease, now=make.day, until=make.day + HOUR
    )


def states(store):
    """Outbox states that occur, with their counts."""
    return {state: count for state, count in store.ledger.counts().items() if count}


# --- composing --------------------------------------------------------------------------------


def test_a_digest_comes_back_as_it_was(store, make, people):
    reasons = (
        Reason(kind=ReasonKind.TOPIC, what="cs.LG", amount=0.1 + 0.2),
        Reason(kind=ReasonKind.DISLIKE, what="arxiv:2606.00003", amount=-0.125),
        Reason(kind=ReasonKind.WORDS, what="graphs", amount=0.25, words=("graph kernel", "façade")),
    )
    digest = make.digest(
        people[0],
        mood=Mood.PICKS,
        picks=(
            Pick(paper_id="arxiv:2606.00002", score=0.175, reasons=reasons),
            Pick(paper_id="arxiv:2606.00001", score=-1.5, team="b"),
        ),
        rest=("arxiv:2606.00003",),
        announced=30,
        matched=4,
        withheld=1,
    )

    assert make.queue(store, digest) == 1

    assert store.ledger.digest(digest.id) == digest
    assert store.ledger.digest("s_000001.1999-01-01") is None


def test_composing_a_known_key_changes_nothing(store, make, people):
    digest = make.digest(people[0], papers=[make.paper(1)])
    make.queue(store, digest)

    again = make.queue(store, replace(digest, picks=(), rest=("arxiv:2606.00002",)), digest)

    assert again == 0
    assert store.ledger.digest(digest.id) == digest
    assert states(store) == {"queued": 1}


def test_composing_moves_due_times_also_of_those_without_a_digest(store, make, people):
    due = make.day + timedelta(days=1)

    store.ledger.compose(
        [(make.digest(people[0]), None)],
        next_due={people[0].id: due, people[1].id: due},
        send_from={},
        message_ids={},
    )

    found = store.subscribers.get(each.id for each in people)
    assert [found[each.id].due_at for each in people] == [due, due, make.day]


def test_composing_makes_nobody_due_who_has_paused(store, make, people):
    person = people[0]
    store.subscribers.save(replace(person, status=Status.PAUSED, due_at=None))

    store.ledger.compose(
        [(make.digest(person), None)],
        next_due={person.id: make.day + timedelta(days=1)},
        send_from={},
        message_ids={},
    )

    assert store.subscribers.get([person.id])[person.id].due_at is None


def test_a_digest_without_expiry_is_kept_but_not_sent(store, make, people):
    digest = make.digest(people[0], mood=Mood.HOLIDAY)

    make.queue(store, digest, expires=None)

    assert store.ledger.digest(digest.id) == digest
    assert store.ledger.counts() == NOTHING_OUT


def test_who_got_a_digest_since_then_is_known_whether_or_not_it_goes_out(store, make, people):
    first, second, third = people[:3]
    make.queue(store, make.digest(first, composed_at=make.day))
    make.queue(store, make.digest(second, composed_at=make.day + HOUR, picks=()))
    make.queue(store, make.digest(third, composed_at=make.day + 2 * HOUR), expires=None)

    assert store.ledger.composed_since(make.day) == {first.id, second.id, third.id}
    assert store.ledger.composed_since(make.day + HOUR) == {second.id, third.id}
    assert store.ledger.composed_since(make.day + 3 * HOUR) == frozenset()


@pytest.mark.parametrize("late", [0, 1, 2, 7])
def test_a_digest_made_late_is_of_an_edition_of_days_ago_and_known_as_new(
    store, make, people, late
):
    reader, other = people[:2]
    now = make.day + timedelta(days=late)
    make.queue(store, make.digest(other))
    make.queue(store, make.digest(reader, until=now, composed_at=now))

    assert store.ledger.composed_since(now - HOUR / 60) >= {reader.id}
    assert (other.id in store.ledger.composed_since(now)) == (late == 0)


@pytest.mark.parametrize(
    ("outcome", "state", "waits"),
    [
        (Outcome.ACCEPTED, OutboxState.SENT, False),
        (Outcome.REFUSED, OutboxState.FAILED, False),
        (Outcome.DEFERRED, OutboxState.RETRY, True),
    ],
)
def test_what_is_queued_going_out_or_to_be_tried_again_waits(
    store, make, people, outcome, state, waits
):
    assert not store.ledger.has_waiting()
    make.queue(store, make.digest(people[0]))
    assert store.ledger.has_waiting()

    [envelope] = store.ledger.claim(make.day, owner="w", limit=1, lease=900)
    assert states(store) == {OutboxState.SENDING: 1}
    assert store.ledger.has_waiting()

    later = make.day + HOUR if waits else None
    receipt = make.receipt(envelope, outcome, retry_at=later)
    store.ledger.settle([receipt], lease=envelope.lease)

    assert states(store) == {state: 1}
    assert store.ledger.has_waiting() is waits


def test_all_of_a_batch_is_kept_or_nothing(store, make, people):
    good = make.digest(people[0])
    stranger = make.digest(make.subscriber(99))

    with pytest.raises(NotFound):
        make.queue(store, good, stranger)

    assert store.ledger.digest(good.id) is None
    assert store.counts()["digests"] == 0


def test_digests_cover_up_to_the_end_of_the_latest(store, make, people):
    newest = make.digest(people[0], edition="2026-06-10")
    make.queue(store, newest, make.digest(people[0], edition="2026-06-09"))

    found = store.ledger.covered([each.id for each in people])

    assert found == {people[0].id: newest.until}


def test_digests_come_whole_by_their_ids(store, make, people):
    papers = [make.paper(number) for number in (1, 2)]
    store.papers.ingest([make.item(each) for each in papers])
    one = make.digest(people[0], papers=papers)
    two = make.digest(people[1], papers=papers[:1], rest=(papers[1].id,))
    make.queue(store, one, two)

    assert store.ledger.digests([two.id, "s_1.2026-01-01", one.id]) == {one.id: one, two.id: two}


def test_recent_digests_come_whole_and_newest_first(store, make, people):
    digests = [
        make.digest(people[0], papers=[make.paper(1)], edition=f"2026-06-{day:02}")
        for day in (8, 10, 9)
    ]
    make.queue(store, *digests, make.digest(people[1]))

    assert store.ledger.recent(people[0].id, limit=2) == [digests[1], digests[2]]


# --- what was sent ----------------------------------------------------------------------------


def test_sent_finds_picks_and_titles_of_each_ones_own_digests(store, make, people):
    make.queue(
        store,
        make.digest(people[0], papers=[make.paper(1)], rest=("arxiv:2606.00002",)),
        make.digest(people[1], papers=[make.paper(3)]),
    )
    asked = ["arxiv:2606.00001", "arxiv:2606.00002"]

    sent = store.ledger.sent([each.id for each in people], asked)

    assert sent == {people[0].id: frozenset(asked)}
    assert store.ledger.sent([people[1].id], []) == {}


def test_titles_of_a_day_without_a_mail_were_sent_to_nobody(store, make, people):
    store.papers.ingest([make.item(make.paper(2))])
    digest = make.digest(people[0], papers=[make.paper(1)], rest=("arxiv:2606.00002",))
    store.ledger.compose([(digest, None)], next_due={}, send_from={}, message_ids={})

    sent = store.ledger.sent([people[0].id], ["arxiv:2606.00001", "arxiv:2606.00002"])

    assert sent == {people[0].id: {"arxiv:2606.00001"}}


def test_sent_can_leave_the_edition_out_that_is_made_again(store, make, people):
    make.queue(
        store,
        make.digest(people[0], papers=[make.paper(1)], edition="2026-06-09"),
        make.digest(people[0], papers=[make.paper(2)], edition="2026-06-10"),
    )
    asked = ["arxiv:2606.00001", "arxiv:2606.00002"]

    sent = store.ledger.sent([people[0].id], asked, but_edition="2026-06-10")

    assert sent == {people[0].id: frozenset({"arxiv:2606.00001"})}


# --- claiming -----------------------------------------------------------------------------------


def test_a_claim_gives_what_is_due_oldest_first_with_all_that_sending_needs(store, make, people):
    first = make.digest(people[1], papers=[make.paper(1)], rest=("arxiv:2606.00002",))
    make.queue(store, make.digest(people[0]), send_from=make.day)
    make.queue(store, first, send_from=make.day - HOUR)
    make.queue(store, make.digest(people[2]), send_from=make.day + HOUR)

    envelopes = claim(store, make.day, limit=10)

    assert [each.subscriber for each in envelopes] == [people[1], people[0]]
    envelope = envelopes[0]
    assert envelope.digest == first
    assert envelope.message_id == f"<{first.id}@example.org>"
    assert envelope.attempts == 1
    assert envelope.expires_at == make.day + 20 * HOUR
    assert {each.lease for each in envelopes} == {envelope.lease}
    assert states(store) == {"sending": 2, "queued": 1}


def test_two_claims_never_share_a_row(store, make, people):
    make.queue(store, *(make.digest(each) for each in people))

    blocks = [claim(store, make.day, limit=2) for _ in range(3)]

    assert [len(block) for block in blocks] == [2, 1, 0]
    assert len({each.digest.id for block in blocks for each in block}) == 3
    assert blocks[0][0].lease != blocks[1][0].lease


@pytest.mark.parametrize("offered", [False, True])
def test_a_row_whose_lease_ran_out_is_due_again_and_its_old_owner_too_late(
    store, make, people, offered
):
    (old,) = claimed(store, make, people[0])
    until = make.day + HOUR
    if offered:
        assert store.ledger.offer([old], lease=old.lease, now=make.day, until=until)

    assert claim(store, make.day, limit=1) == []
    (new,) = claim(store, make.day + 2 * HOUR, limit=1)

    assert (new.digest.id, new.message_id) == (old.digest.id, old.message_id)
    assert int(new.lease) > int(old.lease), "fences grow"
    late = {"now": make.day + 2 * HOUR, "until": make.day + 9 * HOUR}
    assert not store.ledger.offer([old], lease=old.lease, **late)
    assert not store.ledger.hold(old.lease, over=make.day, until=make.day + 9 * HOUR)
    busy = make.receipt(old, Outcome.DEFERRED)
    assert store.ledger.settle([busy], lease=old.lease, until=late["until"]) == 0
    assert store.ledger.release(old.lease) == 0
    assert store.ledger.settle([make.receipt(new)], lease=new.lease) == 1
    assert states(store) == {"sent": 1}


def test_receipts_are_written_with_the_marks_of_those_that_go_next(store, make, people):
    gone, next_one = claimed(store, make, *people[:2])
    under = {"lease": gone.lease, "now": make.day, "until": make.day + HOUR}
    store.ledger.offer([gone], **under)

    going = store.ledger.offer([next_one], **under, settling=[make.receipt(gone)])

    assert going == {next_one.digest.id}
    assert states(store) == {"sent": 1, "sending": 1}


@pytest.mark.parametrize("outcome", [Outcome.DEFERRED, Outcome.REFUSED])
def test_receipts_of_a_claim_that_was_taken_over_are_not_written_with_marks_either(
    store, make, people, outcome
):
    gone, next_one = claimed(store, make, *people[:2])
    offer(store, make, gone)
    late = make.day + 2 * HOUR
    claim(store, late, limit=2)

    going = store.ledger.offer(
        [next_one],
        lease=gone.lease,
        now=late,
        until=late + HOUR,
        settling=[make.receipt(gone, outcome)],
    )

    assert going is None
    assert states(store) == {"sending": 2}


@pytest.mark.parametrize("claimed_again", [False, True])
def test_what_was_accepted_is_not_sent_again_though_its_claim_was_taken_over(
    store, make, people, claimed_again
):
    (gone,) = claimed(store, make, people[0])
    offer(store, make, gone)
    late = {"now": make.day + 2 * HOUR, "until": make.day + 3 * HOUR}
    store.ledger.tidy(late["now"])
    again = store.ledger.claim(late["now"], owner="two", limit=claimed_again, lease=60)

    assert store.ledger.settle([make.receipt(gone)], lease=gone.lease) == 1

    assert states(store) == {"sent": 1}
    assert not any(store.ledger.offer([each], lease=each.lease, **late) for each in again)
    assert claim(store, make.day + 4 * HOUR, limit=1) == []


def test_what_goes_out_again_is_settled_by_whoever_sends_it(store, make, people):
    (gone,) = claimed(store, make, people[0])
    offer(store, make, gone)
    late = make.day + 2 * HOUR
    (again,) = claim(store, late, limit=1)
    store.ledger.offer([again], lease=again.lease, now=late, until=late + HOUR)

    assert store.ledger.settle([make.receipt(gone)], lease=gone.lease) == 0
    assert store.ledger.settle([make.receipt(again)], lease=again.lease) == 1


# --- in doubt ---------------------------------------------------------------------------------


def test_of_a_dead_senders_rows_exactly_those_it_had_offered_are_in_doubt(store, make, people):
    make.queue(store, *(make.digest(each) for each in people))
    block = store.ledger.claim(make.day, owner="dead", limit=3, lease=60)
    sent, offered, kept = block
    offer(store, make, sent, offered)
    store.ledger.settle([make.receipt(sent)], lease=sent.lease)

    again = claim(store, make.day + HOUR)

    assert {each.digest.id: (each.attempts, each.in_doubt) for each in again} == {
        offered.digest.id: (2, make.day),
        kept.digest.id: (1, None),
    }


def test_every_end_in_the_middle_but_the_first_counts_as_a_silence(store, make, people):
    """Whatever ends its sender each time is to end itself one day, and not to go out for ever."""
    make.queue(store, make.digest(people[0]))
    seen = []
    for hours in (0, 2, 4, 6):
        now = make.day + hours * HOUR
        (envelope,) = store.ledger.claim(now, owner="dead", limit=1, lease=60)
        store.ledger.offer([envelope], lease=envelope.lease, now=now, until=now + HOUR)
        seen.append((envelope.in_doubt, envelope.doubts))

    assert seen == [(None, 0), (make.day, 0), (make.day, 1), (make.day, 2)]


def test_a_doubt_stays_until_the_message_is_known_to_have_arrived(store, make, people):
    (envelope,) = claimed(store, make, people[0])
    offer(store, make, envelope)
    lost = make.receipt(
        envelope, Outcome.DEFERRED, code=0, retry_at=make.day + HOUR / 2, unknown=True
    )
    store.ledger.settle([lost], lease=envelope.lease)

    (again,) = claim(store, make.day + HOUR / 2, limit=1)
    assert again.in_doubt == make.day
    busy = make.receipt(again, Outcome.DEFERRED, code=450, retry_at=make.day + HOUR)
    store.ledger.settle([busy], lease=again.lease)

    (third,) = claim(store, make.day + HOUR, limit=1)
    assert third.in_doubt == make.day


def test_a_refusal_that_is_certain_leaves_no_doubt(store, make, people):
    (envelope,) = claimed(store, make, people[0])
    offer(store, make, envelope)
    busy = make.receipt(envelope, Outcome.DEFERRED, code=450, retry_at=make.day + HOUR)
    store.ledger.settle([busy], lease=envelope.lease)

    (again,) = claim(store, make.day + HOUR, limit=1)

    assert again.in_doubt is None


def test_what_is_in_doubt_does_not_expire_before_somebody_has_asked(store, make, people):
    (envelope,) = claimed(store, make, people[0])
    offer(store, make, envelope)
    lost = make.receipt(envelope, Outcome.DEFERRED, code=0, unknown=True)
    store.ledger.settle([lost], lease=envelope.lease)

    (again,) = claim(store, make.day + 30 * HOUR, limit=1)

    assert again.expires_at < make.day + 30 * HOUR
    late = make.receipt(again, Outcome.DEFERRED, code=0)
    assert store.ledger.settle([late], lease=again.lease) == 1
    assert states(store) == {"expired": 1}


def test_silences_are_counted_and_what_may_have_arrived_in_the_end_is_not_lost(store, make, people):
    make.queue(store, make.digest(people[0], papers=[make.paper(1)]))
    told = {"outcome": Outcome.DEFERRED, "unknown": True}
    for hour, code in enumerate((0, 451, 0)):
        now = make.day + hour * HOUR
        (envelope,) = claim(store, now, limit=1)
        store.ledger.offer([envelope], lease=envelope.lease, now=now, until=now + HOUR)
        receipt = make.receipt(envelope, code=code, retry_at=now + HOUR, **told)
        store.ledger.settle([receipt], lease=envelope.lease)
    (envelope,) = claim(store, make.day + 3 * HOUR, limit=1)

    assert envelope.doubts == 2, "451 is a word"
    ended = make.receipt(envelope, code=0, retry_at=envelope.expires_at, **told)
    store.ledger.settle([ended], lease=envelope.lease)

    assert states(store) == {"expired": 1}
    assert store.ledger.sent([people[0].id], ["arxiv:2606.00001"]).keys() == {people[0].id}
    assert store.ledger.covered([people[0].id]) == {people[0].id: envelope.digest.until}
    store.ledger.requeue({envelope.digest.id: "<x@y>"}, make.day + 4 * HOUR, make.day + 9 * HOUR)
    (anew,) = claim(store, make.day + 4 * HOUR, limit=1)
    assert anew.doubts == 0


def test_a_claim_of_a_clock_that_was_ahead_is_over_once_the_clock_is_right(store, make, people):
    make.queue(store, make.digest(people[0]))
    (ahead,) = store.ledger.claim(make.day + 9 * HOUR, owner="ahead", limit=1, lease=60)

    assert claim(store, make.day + 8 * HOUR, limit=1) == []
    (right,) = claim(store, make.day, limit=1)

    assert right.digest.id == ahead.digest.id
    assert store.ledger.settle([make.receipt(ahead)], lease=ahead.lease) == 0


def test_what_was_offered_is_not_given_back_before_its_lease_runs_out(store, make, people):
    block = claimed(store, make, *people)
    offer(store, make, block[0])

    assert store.ledger.release(block[0].lease) == 2

    assert states(store) == {"queued": 2, "sending": 1}


def test_what_was_offered_and_never_sent_can_be_withdrawn_and_is_given_back(store, make, people):
    block = claimed(store, make, *people)
    lease, ids = block[0].lease, [each.digest.id for each in block]
    offer(store, make, *block)

    store.ledger.withdraw(ids[:2], lease="another's")
    store.ledger.withdraw(ids[1:], lease=lease)

    assert store.ledger.release(lease) == 2
    assert states(store) == {"queued": 2, "sending": 1}


def test_who_left_after_the_claim_is_closed_when_the_rest_of_the_group_goes_out(
    store, make, people
):
    block = claimed(store, make, *people)
    stays, leaves, erased = people
    store.subscribers.set_status(leaves.id, Status.UNSUBSCRIBED)
    store.subscribers.erase(erased.id)

    going = store.ledger.offer(
        block, lease=block[0].lease, now=make.day + HOUR / 2, until=make.day + HOUR
    )

    assert going == {f"{stays.id}.2026-06-10"}
    assert states(store) == {"sending": 1, "failed": 1}
    ((told, whose),) = store.ledger.deliveries(since=make.day, limit=9)
    assert (whose, told.outcome, told.code) == (leaves.id, Outcome.REFUSED, 0)
    assert told.reply == "not sent: the subscriber was unsubscribed by then"
    assert store.ledger.refusals(leaves.id, make.day) == 0
    assert store.ledger.release(block[0].lease) == 0


def test_whoever_moved_after_the_claim_is_written_to_where_they_are_now(store, make, people):
    block = claimed(store, make, *people[:2])
    stays, moves = people[:2]
    store.subscribers.save(replace(moves, email="moved@example.org"))

    going = store.ledger.offer(
        block, lease=block[0].lease, now=make.day + HOUR / 2, until=make.day + HOUR
    )

    assert going == {f"{stays.id}.2026-06-10"}
    assert store.ledger.release(block[0].lease) == 1
    (again,) = claim(store, make.day + HOUR / 2)
    assert (again.subscriber.email, again.attempts) == ("moved@example.org", 1)


@pytest.mark.parametrize("renews", ["offer", "settle", "hold"])
def test_a_lease_is_renewed_by_whoever_works_under_it(store, make, people, renews):
    (envelope,) = claimed(store, make, people[0])
    until = make.day + 3 * HOUR
    match renews:
        case "offer":
            store.ledger.offer([], lease=envelope.lease, now=make.day, until=until)
        case "settle":
            store.ledger.settle([], lease=envelope.lease, until=until)
        case "hold":
            assert store.ledger.hold(envelope.lease, over=make.day + HOUR, until=until)

    assert claim(store, make.day + 2 * HOUR) == []
    assert len(claim(store, until)) == 1


def test_a_look_at_a_lease_that_lasts_writes_nothing(store, make, people):
    (envelope,) = claimed(store, make, people[0])

    assert store.ledger.hold(envelope.lease, over=make.day, until=make.day + 9 * HOUR)

    assert len(claim(store, make.day + HOUR)) == 1


def test_what_is_put_off_is_due_at_its_new_time_and_was_no_attempt(store, make, people):
    block = claimed(store, make, *people)
    lease = block[0].lease
    offer(store, make, block[0])
    times = {each.digest.id: make.day + HOUR for each in block[:2]}

    assert store.ledger.put_off(times, lease="9999") == 0
    assert store.ledger.put_off(times, lease=lease) == 1, "the first is on its way"
    assert store.ledger.release(lease) == 1

    (again,) = claim(store, make.day)
    assert again.digest.id == block[2].digest.id
    later = claim(store, make.day + HOUR)
    assert {each.digest.id: each.attempts for each in later}[block[1].digest.id] == 1


def test_what_is_due_is_counted_no_further_than_asked(store, make, people):
    make.queue(store, *(make.digest(each) for each in people))

    assert store.ledger.due(make.day, most=9) == 3
    assert store.ledger.due(make.day, most=2) == 2
    assert store.ledger.due(make.day - HOUR, most=9) == 0


def test_what_is_past_its_window_expires_instead(store, make, people):
    make.queue(store, make.digest(people[0]), expires=make.day + HOUR)
    make.queue(store, make.digest(people[1]), expires=make.day + HOUR)
    store.ledger.claim(make.day, owner="crashed", limit=1, lease=60)

    assert claim(store, make.day + HOUR) == []
    assert states(store) == {"expired": 2}


@pytest.mark.parametrize("expire", ["tidy", "claim"])
def test_what_expires_is_counted_in_the_log_and_is_no_answer_of_a_mail_server(
    store, make, people, caplog, expire
):
    make.queue(store, *(make.digest(each) for each in people), expires=make.day + HOUR)
    block = claim(store, make.day, limit=2)
    busy = make.receipt(block[0], Outcome.DEFERRED, code=451, retry_at=make.day + HOUR / 2)
    store.ledger.settle([busy], lease=block[0].lease)
    store.ledger.release(block[0].lease)

    if expire == "tidy":
        store.ledger.tidy(make.day + HOUR)
    else:
        claim(store, make.day + HOUR)

    assert states(store) == {"expired": len(people)}
    assert store.ledger.deliveries(since=make.day + HOUR, limit=9) == []
    (line,) = caplog.records
    assert (line.getMessage(), line.digests) == ("digests were not sent in time", len(people))


@pytest.mark.parametrize("by", ["settle", "offer"])
def test_what_expires_by_a_deferral_is_counted_in_the_log_unless_it_may_have_arrived(
    store, make, people, caplog, by
):
    make.queue(store, *(make.digest(each) for each in people[:3]), expires=make.day + HOUR)
    block = claim(store, make.day, limit=3)
    lease, times = block[0].lease, {"now": make.day, "until": make.day + HOUR}
    store.ledger.offer(block, lease=lease, **times)
    late = make.receipt(block[0], Outcome.DEFERRED, code=451)
    perhaps = make.receipt(
        block[1], Outcome.DEFERRED, code=0, unknown=True, retry_at=make.day + HOUR
    )
    receipts = [late, perhaps, make.receipt(block[2])]

    if by == "settle":
        store.ledger.settle(receipts, lease=lease)
    else:
        store.ledger.offer([], lease=lease, settling=receipts, **times)

    assert states(store) == {"expired": 2, "sent": 1}
    (line,) = caplog.records
    assert (line.getMessage(), line.digests) == ("digests were not sent in time", 1)


def test_a_row_that_is_being_sent_does_not_expire_under_its_lease(store, make, people):
    make.queue(store, make.digest(people[0]), expires=make.day + HOUR)
    (envelope,) = store.ledger.claim(make.day, owner="one", limit=1, lease=2 * 3600)

    claim(store, make.day + HOUR, limit=1)

    assert store.ledger.settle([make.receipt(envelope)], lease=envelope.lease) == 1


@pytest.mark.parametrize("status", [Status.UNSUBSCRIBED, Status.PAUSED, Status.SUPPRESSED])
def test_people_who_have_left_are_passed_over_without_holding_others_up(
    store, make, people, status
):
    make.queue(store, *(make.digest(each) for each in people))
    for person in people[:2]:
        store.subscribers.save(replace(person, status=status))

    envelopes = claim(store, make.day, limit=1)

    assert [each.subscriber.id for each in envelopes] == [people[2].id]
    assert states(store) == {"failed": 2, "sending": 1}
    assert store.counts()["deliveries"] == 2
    assert store.ledger.refusals(people[0].id, make.day) == 0


# --- settling ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "retry_in", "state"),
    [
        (Outcome.ACCEPTED, None, "sent"),
        (Outcome.REFUSED, None, "failed"),
        (Outcome.DEFERRED, HOUR, "retry"),
        (Outcome.DEFERRED, None, "expired"),
        (Outcome.DEFERRED, 20 * HOUR, "expired"),
    ],
)
def test_a_receipt_leads_to_a_state(store, make, people, outcome, retry_in, state):
    (envelope,) = claimed(store, make, people[0])
    retry_at = None if retry_in is None else make.day + retry_in
    receipt = make.receipt(envelope, outcome, code=450, reply="4.2.1 busy", retry_at=retry_at)

    assert store.ledger.settle([receipt, receipt], lease=envelope.lease) == 1

    assert states(store) == {state: 1}
    assert store.counts()["deliveries"] == 1
    assert store.ledger.settle([receipt], lease=envelope.lease) == 0


def test_a_deferred_digest_is_tried_again_at_its_time(store, make, people):
    (envelope,) = claimed(store, make, people[0])
    later = make.receipt(envelope, Outcome.DEFERRED, code=421, retry_at=make.day + HOUR)
    store.ledger.settle([later], lease=envelope.lease)

    assert claim(store, make.day + HOUR / 2, limit=1) == []
    (again,) = claim(store, make.day + HOUR, limit=1)

    assert (again.attempts, again.message_id) == (2, envelope.message_id)


def test_releasing_gives_back_what_was_not_settled_as_it_was(store, make, people):
    first, second, third = claimed(store, make, *people)
    store.ledger.settle(
        [
            make.receipt(first),
            make.receipt(second, Outcome.DEFERRED, code=421, retry_at=make.day + HOUR),
        ],
        lease=first.lease,
    )

    assert store.ledger.release(first.lease) == 1
    assert states(store) == {"sent": 1, "retry": 1, "queued": 1}

    again = claim(store, make.day + HOUR, limit=3)
    assert {each.digest.id: each.attempts for each in again} == {
        third.digest.id: 1,
        second.digest.id: 2,
    }
    store.ledger.release(again[0].lease)
    assert states(store) == {"sent": 1, "retry": 1, "queued": 1}


def test_refusals_count_in_a_row_since_the_last_acceptance(store, make, people):
    outcomes = [
        (Outcome.REFUSED, 554),
        (Outcome.ACCEPTED, 250),
        (Outcome.REFUSED, 554),
        (Outcome.DEFERRED, 451),
        (Outcome.REFUSED, 550),
        (Outcome.REFUSED, 0),
    ]
    for days, (outcome, code) in enumerate(outcomes):
        at = make.day + timedelta(days=days)
        make.queue(
            store,
            make.digest(people[0], edition=f"2026-06-{10 + days}"),
            send_from=at,
            expires=at + HOUR,
        )
        (envelope,) = claim(store, at, limit=1)
        store.ledger.settle(
            [make.receipt(envelope, outcome, code=code, at=at)], lease=envelope.lease
        )

    assert store.ledger.refusals(people[0].id, make.day) == 2
    assert store.ledger.refusals(people[0].id, make.day + timedelta(days=3)) == 1
    assert store.ledger.refusals(people[1].id, make.day) == 0


# --- once more ------------------------------------------------------------------------------------


def requeue(store, make, digest, *, after=HOUR):
    at = make.day + after
    return store.ledger.requeue({digest: "<again@example.org>"}, at, at + 20 * HOUR)


def test_a_digest_that_is_queued_once_more_begins_anew(store, make, people):
    (envelope,) = claimed(store, make, people[0])
    store.ledger.settle([make.receipt(envelope)], lease=envelope.lease)

    assert requeue(store, make, envelope.digest.id) == 1

    (again,) = claim(store, make.day + HOUR)
    assert again.digest == envelope.digest
    assert (again.message_id, again.attempts) == ("<again@example.org>", 1)
    assert again.expires_at == make.day + 21 * HOUR


def test_a_digest_is_on_the_way_until_it_has_arrived_or_never_will(store, make, people):
    (envelope,) = claimed(store, make, people[0])
    digest = envelope.digest.id
    asked = [digest, f"{people[1].id}.2026-06-10", "nonsense"]
    assert store.ledger.on_the_way(asked) == {digest}

    store.ledger.settle([make.receipt(envelope)], lease=envelope.lease)
    assert store.ledger.on_the_way(asked) == frozenset()

    requeue(store, make, digest)
    assert store.ledger.on_the_way(asked) == {digest}


def refused_then_accepted(store, make, person):
    """Both attempts at a digest that was refused, queued once more, and accepted an hour later."""
    (envelope,) = claimed(store, make, person)
    first = make.receipt(envelope, Outcome.REFUSED, code=550, reply="no")
    store.ledger.settle([first], lease=envelope.lease)
    requeue(store, make, envelope.digest.id)
    (again,) = claim(store, make.day + HOUR)
    second = make.receipt(again, code=250, at=make.day + HOUR)
    store.ledger.settle([second], lease=again.lease)
    return first, second


def test_every_attempt_is_told_newest_first(store, make, people):
    first, second = refused_then_accepted(store, make, people[0])

    told = store.ledger.deliveries(since=make.day, limit=9)
    assert told == [(second, people[0].id), (first, people[0].id)]
    assert store.ledger.deliveries(since=make.day, limit=1) == told[:1]
    assert store.ledger.deliveries(since=make.day + HOUR, limit=9) == told[:1]


def test_what_became_of_some_digests_is_told_oldest_first(store, make, people):
    first, second = refused_then_accepted(store, make, people[0])
    other = make.digest(people[1])
    make.queue(store, other)

    assert store.ledger.attempts([first.digest_id, "s_unknown.2026-06-10"]) == [first, second]
    assert store.ledger.attempts([other.id]) == []
    assert store.ledger.states([first.digest_id, other.id, "s_unknown.2026-06-10"]) == {
        first.digest_id: OutboxState.SENT,
        other.id: OutboxState.QUEUED,
    }


def test_what_once_arrived_is_not_lost_if_it_does_not_arrive_again(store, make, people):
    paper = make.paper(1)
    make.queue(store, make.digest(people[0], papers=[paper]))
    (envelope,) = claim(store, make.day, limit=1)
    store.ledger.settle([make.receipt(envelope)], lease=envelope.lease)
    requeue(store, make, envelope.digest.id)

    store.ledger.claim(make.day + timedelta(days=3), owner="one", limit=9, lease=60)

    assert states(store) == {"expired": 1}
    assert store.ledger.covered([people[0].id]) == {people[0].id: make.day}
    assert store.ledger.sent([people[0].id], [paper.id]) == {people[0].id: {paper.id}}


def test_what_is_still_on_its_way_is_not_queued_once_more(store, make, people):
    make.queue(store, make.digest(people[0]))

    assert requeue(store, make, f"{people[0].id}.2026-06-10") == 0
    assert requeue(store, make, "s_unknown.2026-06-10") == 0


def test_a_digest_that_was_only_kept_can_be_sent_later(store, make, people):
    digest = make.digest(people[0])
    make.queue(store, digest, expires=None)

    assert requeue(store, make, digest.id) == 1
    assert states(store) == {"queued": 1}
