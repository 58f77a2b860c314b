from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from digest.model import (
    AnnounceType,
    EvidenceKind,
    InterestKind,
    Outcome,
    PollState,
    SubmissionState,
)
from digest.store import pruning

LATER = date(2027, 6, 1)
LATE = datetime(2027, 6, 1, tzinfo=UTC)


def test_counts_name_the_main_tables(store, make):
    store.papers.ingest([make.item(make.paper(number)) for number in (1, 2)])

    counts = store.counts()

    assert (counts["papers"], counts["announcements"]) == (2, 2)
    assert (counts["subscribers"], counts["digests"]) == (0, 0)


def test_migrating_a_current_store_does_nothing(store):
    assert store.migrate() == []


def test_closing_twice_does_no_harm(store):
    store.close()
    store.close()


# --- leases -----------------------------------------------------------------------------------


def test_a_lease_is_held_by_one_owner_until_it_ends(store, make):
    def take(owner, after):
        at = make.day + timedelta(seconds=after)
        return store.lease("poll", owner=owner, now=at, seconds=60)

    assert take("one", after=0)
    assert not take("two", after=59)
    assert take("one", after=30)
    assert not take("two", after=89)
    assert take("two", after=90)
    assert store.lease("other", owner="one", now=make.day, seconds=60)


def test_a_lease_that_a_clock_took_that_was_ahead_holds_nobody_up(store, make):
    def take(owner, after):
        at = make.day + timedelta(minutes=after)
        return store.lease("poll", owner=owner, now=at, seconds=60)

    assert take("ahead", after=60)
    assert not take("two", after=58)
    assert take("two", after=0)
    assert not take("ahead", after=0)


def test_whether_a_lease_is_held_can_be_asked_without_taking_it(store, make):
    def held(at):
        return store.leased("poll", now=at, seconds=60)

    assert not held(make.day)
    store.lease("poll", owner="one", now=make.day, seconds=60)

    assert [held(make.day + timedelta(seconds=each)) for each in (0, 59, 60)] == [True, True, False]
    assert not held(make.day - timedelta(hours=1)), "it was taken by a clock that was ahead"
    assert store.lease("poll", owner="one", now=make.day, seconds=60)


def test_only_its_owner_gives_a_lease_back(store, make):
    store.lease("poll", owner="one", now=make.day, seconds=60)

    store.unlease("poll", owner="two")
    assert not store.lease("poll", owner="two", now=make.day, seconds=60)
    store.unlease("poll", owner="one")
    assert store.lease("poll", owner="two", now=make.day, seconds=60)


# --- pruning ------------------------------------------------------------------------------------


def test_pruning_keeps_what_digests_and_opinions_name(store, make):
    papers = {n: make.paper(n) for n in range(1, 7)}
    longer_ago = make.day - timedelta(days=3)
    store.papers.ingest([make.item(papers[n]) for n in (1, 2)])
    store.papers.ingest([make.item(papers[n], seen_at=longer_ago) for n in (3, 4, 5, 6)])
    person = make.subscriber()
    store.subscribers.add(
        [
            (
                person,
                [
                    make.interest(papers[3].id, InterestKind.LIKE),
                    make.interest(papers[4].id, InterestKind.DISLIKE),
                    make.interest(papers[5].id, InterestKind.KEYWORD),
                ],
            )
        ]
    )
    make.queue(store, make.digest(person, papers=[papers[1]], rest=(papers[2].id,)))

    deleted = make.prune(store, papers_before=LATER)

    assert deleted["papers"] == 2
    assert set(store.papers.get(each.id for each in papers.values())) == {
        papers[n].id for n in (1, 2, 3, 4)
    }
    assert store.counts()["announcements"] == 4


def test_pruning_keeps_what_readers_said_something_of(store, make):
    papers = {n: make.paper(n) for n in range(1, 6)}
    store.papers.ingest([make.item(each) for each in papers.values()])
    person = make.subscriber()
    store.subscribers.add([(person, [make.interest(papers[1].id, InterestKind.KNOWN)])])
    store.feedback.add(make.feedback(about=papers[2]))
    store.feedback.undo("f_1", make.day)
    store.community.vote(person.id, papers[3].id, make.day)
    store.community.submit(make.submission(about=papers[4]))

    assert make.prune(store, papers_before=LATER)["papers"] == 1

    assert set(store.papers.get(each.id for each in papers.values())) == {
        papers[n].id for n in (1, 2, 3, 4)
    }


def test_evidence_goes_when_it_is_old_but_never_unread(store, make):
    unread = EvidenceKind.UNREAD
    settled = make.day + timedelta(hours=1)
    for found in (
        make.evidence(1),
        make.evidence(2, kind=unread),
        make.evidence(3, kind=unread, settled_at=settled),
        make.evidence(4, at=make.day + timedelta(days=2)),
    ):
        store.post.record(found)

    assert "evidence" not in make.prune(store, papers_before=LATER)
    deleted = make.prune(store, papers_before=LATER, evidence_before=make.day + timedelta(days=1))

    assert deleted["evidence"] == 2
    assert [each.id for each in store.post.evidences()] == ["e_4", "e_2"]


def test_of_mail_that_nobody_could_read_the_newest_some_thousand_stay(store, make, monkeypatch):
    monkeypatch.setattr(pruning, "MOST_UNREAD", 2)
    unread, hour = EvidenceKind.UNREAD, timedelta(hours=1)
    for found in (
        make.evidence(1, kind=unread, at=make.day + 3 * hour),
        make.evidence(2, kind=unread, at=make.day + hour),
        make.evidence(3, kind=unread, at=make.day + 2 * hour),
        make.evidence(4, kind=unread, at=make.day + 2 * hour),
        make.evidence(5, kind=unread, at=make.day, settled_at=make.day + hour),
        make.evidence(6, kind=EvidenceKind.COMPLAINT, at=make.day),
    ):
        store.post.record(found)

    deleted = make.prune(store, papers_before=LATER, evidence_before=make.day)

    assert deleted["evidence"] == 2
    assert {each.id for each in store.post.evidences()} == {"e_1", "e_4", "e_5", "e_6"}


def test_soft_bounces_that_are_still_counted_outlive_other_evidence(store, make):
    for number, kind in enumerate(EvidenceKind, 1):
        store.post.record(make.evidence(number, kind=kind))
    old = {"papers_before": LATER, "logs_before": make.day, "evidence_before": LATE}

    store.prune(**old, soft_before=make.day)
    assert {each.kind for each in store.post.evidences()} == {"soft-bounce", "unread"}

    store.prune(**old, soft_before=LATE)
    assert {each.kind for each in store.post.evidences()} == {"unread"}


def test_soft_bounces_are_kept_no_shorter_than_other_evidence(store, make):
    store.post.record(make.evidence(kind=EvidenceKind.SOFT_BOUNCE))

    make.prune(store, papers_before=LATER, evidence_before=make.day, soft_before=LATE)

    assert [each.id for each in store.post.evidences()] == ["e_1"]


def test_pruning_forgets_uses_received_mail_and_letters_that_are_over(store, make):
    later = make.day + timedelta(days=2)
    for key, at in (("old", make.day), ("new", later)):
        store.post.first_time(key, at)
        store.post.take(key, now=at, seconds=60, most=1)
    store.post.put([make.letter(1), make.letter(2, expires_at=later)])

    deleted = make.prune(store, logs_before=later)

    assert (deleted["received"], deleted["uses"], deleted["letters"]) == (1, 1, 1)
    assert not store.post.first_time("new", later)


def test_pruning_goes_by_the_last_announcement(store, make):
    store.papers.ingest([make.item(make.paper(1)), make.item(make.paper(2))])
    later = make.day + timedelta(days=174)
    again = {"type": AnnounceType.REPLACE, "day": date(2026, 12, 1), "seen_at": later}
    store.papers.ingest([make.item(make.paper(2), **again)])

    assert make.prune(store, papers_before=date(2026, 6, 10))["papers"] == 0
    assert make.prune(store, papers_before=date(2026, 6, 11))["papers"] == 1
    assert set(store.papers.get(["arxiv:2606.00001", "arxiv:2606.00002"])) == {"arxiv:2606.00002"}


def test_pruning_cuts_logs_at_their_time(store, make, monkeypatch):
    from digest.model import SourceReport, Verdict

    monkeypatch.setattr("digest.store.pruning.MOST_ROWS", 2)
    store.sources.add_reports(
        SourceReport(
            source="arxiv", place="", verdict=Verdict.NEW, at=make.day + timedelta(days=days)
        )
        for days in range(6)
    )

    deleted = make.prune(store, logs_before=make.day + timedelta(days=4))

    assert deleted["runs"] == 4
    assert len(store.sources.reports(since=make.day)) == 2


# --- threads ------------------------------------------------------------------------------------


def test_threads_share_a_store_without_losing_anything(store, make):
    failures = []

    def work(number):
        try:
            for step in range(5):
                store.papers.ingest([make.item(make.paper(number * 100 + step))])
                store.subscribers.add([(make.subscriber(number * 100 + step), [])])
                assert store.papers.search("study", limit=1)
        except Exception as error:  # noqa: BLE001 - told below, in the thread that can fail the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert (store.counts()["papers"], store.counts()["subscribers"]) == (20, 20)


# --- what everyone can read -----------------------------------------------------------------------


def test_the_token_changes_with_what_everyone_can_read(store, make):
    person = make.subscriber(name="Ada", shows_name=True)
    paper = make.paper(1)
    put = make.submission(about=paper)
    decided = replace(put, state=SubmissionState.FEATURED, decided_at=make.day)
    unknown = make.submission(2, state=SubmissionState.WAITING)
    changes = (
        lambda: store.papers.ingest([make.item(paper)]),
        lambda: store.papers.set_trending({paper.id: 1.5}),
        lambda: store.papers.ingest([make.item(paper, signals=(make.signal(paper),))]),
        lambda: store.subscribers.add([(person, [])]),
        lambda: store.community.submit(put),
        lambda: store.community.vote(person.id, paper.id, make.day),
        lambda: store.community.unvote(person.id, paper.id),
        lambda: store.community.decide(decided, make.moderation(put)),
        lambda: store.community.submit(unknown),
        lambda: store.papers.ingest([make.item(make.paper(2))]),
        store.community.arrived,
        lambda: store.subscribers.save(replace(person, shows_name=False)),
        lambda: store.subscribers.erase(person.id),
    )
    tokens = [store.papers.changed()]

    for change in changes:
        change()
        tokens.append(store.papers.changed())

    same = [number for number, (a, b) in enumerate(pairwise(tokens)) if a == b]
    assert same == [3]  # who signs up shows nowhere
    assert len(set(tokens)) == len(tokens) - 1


def test_the_token_stays_when_nothing_changes(store, make):
    person, paper = make.subscriber(), make.paper(1)
    store.papers.ingest([make.item(paper)])
    store.papers.set_trending({paper.id: 1.5})
    store.subscribers.add([(person, [])])
    store.community.vote(person.id, paper.id, make.day)
    store.community.submit(make.submission(about=paper))
    before = store.papers.changed()

    store.papers.ingest([make.item(paper)])
    store.papers.set_trending({paper.id: 1.5})
    store.community.vote(person.id, paper.id, make.day + timedelta(hours=1))
    store.community.submit(make.submission(2, about=paper))
    store.community.arrived()
    store.subscribers.save(replace(person, limit=3))
    make.queue(store, make.digest(person, papers=[paper]))
    make.prune(store)

    assert store.papers.changed() == before


# --- digests that are no longer kept ---------------------------------------------------------------


def test_pruning_forgets_digests_before_a_day_and_what_became_of_them(store, make, monkeypatch):
    monkeypatch.setattr("digest.store.pruning.MOST_DIGESTS", 2)
    monkeypatch.setattr("digest.store.pruning.PAUSE", 0)
    people = [make.subscriber(number) for number in range(1, 6)]
    store.subscribers.add((each, []) for each in people)
    store.papers.ingest([make.item(make.paper(1))])
    old = [make.digest(each, papers=[make.paper(1)], edition="2026-06-08") for each in people]
    kept = [make.digest(each, papers=[make.paper(1)], edition="2026-06-10") for each in people]
    make.queue(store, *old)
    envelopes = store.ledger.claim(make.day, owner="one", limit=9, lease=60)
    store.ledger.settle([make.receipt(each) for each in envelopes], lease=envelopes[0].lease)
    make.queue(store, *kept)

    deleted = make.prune(store, digests_before=date(2026, 6, 10))

    assert deleted["digests"] == 5
    assert store.ledger.digests(each.id for each in old) == {}
    assert store.ledger.digests(each.id for each in kept) == {each.id: each for each in kept}
    assert (store.counts()["deliveries"], store.ledger.counts()["queued"]) == (0, 5)
    assert store.ledger.recent(people[0].id, limit=9) == [kept[0]]


def test_digests_are_counted_while_they_are_kept(store, make):
    people = [make.subscriber(number) for number in (1, 2, 3)]
    store.subscribers.add((each, []) for each in people)
    for edition in ("2026-06-08", "2026-06-10"):
        make.queue(store, *(make.digest(each, edition=edition) for each in people))
    assert store.counts()["digests"] == 6

    store.subscribers.erase(people[0].id)
    assert store.counts()["digests"] == 4

    make.prune(store, digests_before=date(2026, 6, 10))
    assert store.counts()["digests"] == 2

    make.queue(store, make.digest(people[1], edition="2026-06-08"))
    assert store.counts()["digests"] == 3

    with store._connections.write() as connection:  # as an operator might, by SQL
        connection.execute("DELETE FROM readers WHERE subscriber_id = ?", (people[1].id,))
    assert store.counts()["digests"] == 1


def test_digests_are_counted_while_they_are_pruned(store, make, monkeypatch):
    """Another is composed meanwhile, and then the process is stopped."""
    people = [make.subscriber(number) for number in (1, 2, 3)]
    store.subscribers.add((each, []) for each in people)
    digests = [make.digest(each, edition="2026-06-08") for each in people]
    make.queue(store, *digests[:2])
    counted = [2]

    def go_on(_):
        counted.append(store.counts()["digests"])
        if len(counted) > 2:
            raise KeyboardInterrupt
        make.queue(store, digests[2])

    monkeypatch.setattr(pruning, "MOST_DIGESTS", 1)
    monkeypatch.setattr(pruning.time, "sleep", go_on)
    with pytest.raises(KeyboardInterrupt):
        make.prune(store, digests_before=date(2026, 6, 10))

    assert counted == [2, 1, 1]
    make.queue(store, digests[0])
    assert store.counts()["digests"] == 2
    for each in people:
        store.subscribers.erase(each.id)
    assert store.counts()["digests"] == 0


def test_what_became_of_a_digest_is_kept_as_long_as_the_digest(store, make):
    """Else a server that refuses every mail would be asked for ever: its refusals are counted."""
    reader = make.subscriber()
    store.subscribers.add([(reader, [])])
    make.queue(store, make.digest(reader))
    (taken,) = store.ledger.claim(make.day, owner="one", limit=9, lease=60)
    store.ledger.settle([make.receipt(taken, Outcome.REFUSED, code=554)], lease=taken.lease)

    store.prune(papers_before=LATER, logs_before=make.day + timedelta(days=29))

    assert store.ledger.refusals(reader.id, make.day - timedelta(days=1)) == 1


def test_what_forgotten_digests_may_have_shown_counts_as_sent(store, make):
    reader, newcomer = make.subscriber(1), make.subscriber(2)
    old, new = make.paper(1), make.paper(2)
    store.subscribers.add([(reader, []), (newcomer, [])])
    store.papers.ingest([make.item(old, seen_at=make.day - timedelta(days=2))])
    store.papers.ingest([make.item(new)])
    last = make.digest(
        reader, papers=[old], edition="2026-06-09", until=make.day - timedelta(days=1)
    )
    make.queue(store, last)

    make.prune(store, digests_before=date(2026, 6, 10))

    asked = [old.id, new.id]
    assert store.ledger.sent([reader.id, newcomer.id], asked) == {reader.id: {old.id}}


def test_pruning_forgets_addresses_that_are_no_longer_polled(store, make):
    def polled(url, days_ago, **fields):
        at = make.day - timedelta(days=days_ago)
        return PollState(source="hf", url=url, polled_at=at, due_at=at, **fields)

    store.sources.save_polls(
        [polled("/2026-01-02", 90), polled("/gone", 90, gone=True), polled("/2026-06-09", 1)]
    )

    deleted = make.prune(store, logs_before=make.day - timedelta(days=30))

    assert deleted["polls"] == 1
    assert {each.url for each in store.sources.poll_states("hf")} == {"/gone", "/2026-06-09"}
