"""What policy no longer keeps goes in portions, and what digests share goes with the last of them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from digest.model import Pick, Reason, ReasonKind
from digest.store import pruning

DAY = timedelta(days=1)


def rows(store, table):
    with store._connections.read() as connection:
        return connection.execute(f"SELECT * FROM {table}").fetchall()


@pytest.fixture
def two_days(store, make):
    """A digest of one person on each of two days, each with a word and a paper of its own."""
    store.papers.ingest([make.item(make.paper(number)) for number in (1, 2)])
    person = make.subscriber()
    store.subscribers.add([(person, [])])
    digests = []
    for number, word in ((1, "graph"), (2, "kernel")):
        why = Reason(kind=ReasonKind.WORDS, what=f"like {word}", amount=0.75, words=(word,))
        pick = Pick(paper_id=make.paper(number).id, score=0.75, reasons=(why,))
        digests.append(
            make.digest(
                person,
                edition=f"2026-06-{9 + number:02}",
                until=make.day + DAY * (number - 1),
                picks=(pick,),
            )
        )
        make.queue(store, digests[-1])
    return digests


def test_words_and_strings_go_with_the_last_digest_that_names_them(store, make, two_days):
    old, new = two_days
    assert len(rows(store, "words")) == 2

    make.prune(store, logs_before=old.since, digests_before=date(2026, 6, 11))

    assert store.ledger.digests([old.id, new.id]) == {new.id: new}
    assert [row["listed"] for row in rows(store, "words")] == ["kernel"]
    texts = {row["text"] for row in rows(store, "strings")}
    assert "like kernel" in texts
    assert "@example.org" in texts, "the domain of Message-IDs is used every day"
    assert "like graph" not in texts


def test_a_queue_that_was_pruned_has_nothing_to_send(store, make, two_days):
    assert store.ledger.counts()["queued"] == 2

    make.prune(store, digests_before=date(2026, 6, 12))

    assert store.ledger.counts()["queued"] == 0
    assert store.ledger.claim(make.day + DAY, owner="one", limit=9, lease=60) == []


def test_papers_that_a_kept_digest_may_show_stay(store, two_days):
    long_after = date(2027, 1, 1)

    kept = store.prune(papers_before=long_after, logs_before=two_days[0].since)
    assert kept["papers"] == 0

    gone = store.prune(
        papers_before=long_after, logs_before=two_days[0].since, digests_before=long_after
    )
    assert gone["papers"] == 2
    assert store.counts()["papers"] == 0


def test_rows_go_in_portions_between_which_others_write(store, make, two_days, monkeypatch):
    """Were a transaction open during the pause, the other would wait for it in vain."""
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        store.lease("another", owner=f"{len(pauses)}", now=make.day, seconds=0)

    monkeypatch.setattr(pruning, "MOST_DIGESTS", 1)
    monkeypatch.setattr(pruning.time, "sleep", pause)

    assert pruning.prune_digests(store._connections, date(2026, 6, 12)) == 2
    assert len(pauses) == 2


def test_papers_go_a_few_at_a_time_and_one_that_a_reader_names_meanwhile_stays(
    store, make, monkeypatch
):
    reader, papers = make.subscriber(), [make.paper(number) for number in (1, 2, 3)]
    store.subscribers.add([(reader, [])])
    store.papers.ingest([make.item(each) for each in papers])
    left = []

    def meanwhile(_):
        left.append(store.counts()["papers"])
        store.community.vote(reader.id, papers[2].id, make.day)

    monkeypatch.setattr(pruning, "MOST_PAPERS", 1)
    monkeypatch.setattr(pruning.time, "sleep", meanwhile)

    deleted = make.prune(store, papers_before=date(2027, 6, 1))

    assert left == [2, 1, 1]
    assert deleted["papers"] == 2
    assert list(store.papers.get(each.id for each in papers)) == [papers[2].id]
    assert store.community.votes_of(reader.id, [papers[2].id])
