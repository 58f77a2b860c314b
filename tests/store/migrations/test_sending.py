"""A database of the version before: nothing in it is lost, and what was sent can still be read."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlite_utils import Database

from digest.model import Mood, Outcome, Pick, Reason, ReasonKind
from digest.store import migrations, open_store
from digest.store.migrations import NAMES, sending

DAY = datetime(2026, 6, 10, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
TOPIC = Reason(kind=ReasonKind.TOPIC, what="cs.LG", amount=0.123456)
WORDS = Reason(kind=ReasonKind.WORDS, what="", amount=0.5, words=("graph", "kernel", "Sätze", "∀"))
# Each reader has one digest in this state; the last one's was only kept.
STATES = ("queued", "sending", "retry", "sent", "failed", "expired", "")


def stamp(when):
    return when.isoformat(timespec="microseconds").replace("+00:00", "Z")


def insert(db, table, **columns):
    marks = ", ".join("?" * len(columns))
    db.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", [*columns.values()])


def put(db, digest, state, number):
    """Keep a digest as the version before did."""
    insert(
        db,
        "digests",
        id=digest.id,
        subscriber_id=digest.subscriber_id,
        edition=digest.edition,
        mood=digest.mood.value,
        since=stamp(digest.since),
        until=stamp(digest.until),
        rest=json.dumps(
            [*(each.replace("arxiv:2606", "doi:10.1000/") for each in digest.rest), "doi:unknown"]
        ),
        announced=digest.announced,
        matched=digest.matched,
        withheld=digest.withheld,
        composed_at=stamp(digest.composed_at),
    )
    for rank, pick in enumerate(digest.picks, 1):
        reasons = [
            [each.kind, each.what, each.amount, *([each.words] if each.words else [])]
            for each in pick.reasons
        ]
        insert(
            db,
            "picks",
            digest_id=digest.id,
            rank=rank,
            paper_id=pick.paper_id,
            score=pick.score,
            reasons=json.dumps(reasons),
            team=pick.team,
        )
    if state:
        insert(
            db,
            "outbox",
            digest_id=digest.id,
            subscriber_id=digest.subscriber_id,
            state=state,
            attempts=int(state != "queued"),
            due_at=stamp(DAY),
            expires_at=stamp(DAY + 18 * HOUR),
            lease="host.1.ab" if state == "sending" else None,
            lease_until=stamp(DAY + 2 * HOUR) if state == "sending" else None,
            message_id=f"<{number}@elsewhere.example>",
            earlier=number,
            was_sent=int(state == "failed"),
        )


def delivered(db, digest, attempt, outcome, code):
    insert(
        db,
        "deliveries",
        digest_id=digest.id,
        attempt=attempt,
        at=stamp(DAY),
        outcome=outcome.value,
        code=code,
        reply=f"{code} said",
    )


@pytest.fixture
def digests(make):
    """A digest a state, of two editions, with everything that one can hold."""
    papers = [make.paper(number) for number in (1, 2)]
    picks = (
        Pick(paper_id=papers[1].id, score=0.623456, reasons=(TOPIC, WORDS), team="b"),
        Pick(paper_id=papers[0].id, score=-0.25, reasons=(TOPIC._replace(amount=-0.25),)),
    )
    full = [
        make.digest(
            make.subscriber(number),
            picks=picks,
            rest=("arxiv:2606.00003",),
            announced=9,
            matched=4,
            withheld=2,
        )
        for number in range(1, len(STATES) + 1)
    ]
    quiet = make.digest(
        make.subscriber(1), edition="2026-06-09", until=DAY - 24 * HOUR, mood=Mood.OUTAGE
    )
    return [*full, quiet]


@pytest.fixture
def path(tmp_path, make, digests):
    """The database as the version before left it."""
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as db:
        migrations.migrations.apply(Database(db), stop_before="0005_sending")
        for number in (1, 2, 3):
            paper = make.paper(number)
            columns = {"first_seen": stamp(DAY), "first_announced": "2026-06-10", "number": number}
            insert(db, "papers", id=paper.id, title=paper.title, **columns)
            other = paper.id.replace("arxiv:2606", "doi:10.1000/")
            insert(db, "identifiers", key=other, paper_id=paper.id)
        for number in range(1, len(STATES) + 1):
            person = make.subscriber(number)
            columns = {"status": "active", "tz": "UTC", "at": "07:00:00", "cadence": "daily"}
            columns |= {"weekday": 0, "max_picks": 10, "quiet": "line", "created_at": stamp(DAY)}
            insert(db, "subscribers", id=person.id, email=person.email, key=person.key, **columns)
        for edition in ("2026-06-08", "2026-06-09", "2026-06-10"):
            columns = {"first_composed": stamp(DAY), "digests": 7, "queued": 6, "announced": 9}
            insert(db, "editions", edition=edition, **columns)
        for number, (digest, state) in enumerate(zip(digests, [*STATES, "sent"], strict=True)):
            put(db, digest, state, number)
        for digest, attempt, outcome, code in (
            (digests[2], 3, Outcome.DEFERRED, 451),
            (digests[3], 3, Outcome.DEFERRED, 0),
            (digests[3], 4, Outcome.ACCEPTED, 250),
            (digests[4], 5, Outcome.REFUSED, 550),
        ):
            delivered(db, digest, attempt, outcome, code)
        db.commit()
    return path


@pytest.fixture
def store(path):
    """The same, brought up to date."""
    store = open_store(path)
    assert store.migrate() == [*NAMES[NAMES.index("0005_sending") :]]
    yield store
    store.close()


def test_every_digest_can_be_read_as_it_was(store, digests):
    assert store.counts()["digests"] == len(digests)
    assert store.ledger.digests(each.id for each in digests) == {each.id: each for each in digests}
    assert store.ledger.recent(digests[0].subscriber_id, limit=9) == [digests[0], digests[-1]]


def test_what_waits_is_sent_and_what_is_done_stays_done(store, digests):
    assert store.ledger.counts() == {
        "queued": 1,
        "sending": 0,
        "retry": 2,
        "sent": 2,
        "failed": 1,
        "expired": 1,
    }

    claimed = store.ledger.claim(DAY, owner="new", limit=9, lease=60)

    assert [
        (each.digest, each.message_id, each.attempts, each.expires_at, each.in_doubt)
        for each in claimed
    ] == [
        (digests[0], "<0@elsewhere.example>", 1, DAY + 18 * HOUR, None),
        (digests[1], "<1@elsewhere.example>", 2, DAY + 18 * HOUR, DAY + HOUR),
        (digests[2], "<2@elsewhere.example>", 2, DAY + 18 * HOUR, None),
    ]


def test_every_attempt_is_told_as_before(store, digests):
    told = store.ledger.deliveries(since=DAY, limit=9)

    assert [
        (each.digest_id, person, each.outcome, each.code, each.reply, each.at)
        for each, person in told
    ] == [
        (digests[4].id, digests[4].subscriber_id, Outcome.REFUSED, 550, "550 said", DAY),
        (digests[3].id, digests[3].subscriber_id, Outcome.ACCEPTED, 250, "250 said", DAY),
        (digests[3].id, digests[3].subscriber_id, Outcome.DEFERRED, 0, "0 said", DAY),
        (digests[2].id, digests[2].subscriber_id, Outcome.DEFERRED, 451, "451 said", DAY),
    ]


def test_nobody_is_shown_again_what_an_old_digest_showed(store, digests):
    people = [each.subscriber_id for each in digests[: len(STATES)]]
    papers = [f"arxiv:2606.0000{number}" for number in (1, 2, 3)]

    expired, unmailed = people[STATES.index("expired")], people[STATES.index("")]
    assert store.ledger.sent(people, papers) == {
        each: frozenset(papers[:2] if each == unmailed else papers)
        for each in people
        if each != expired
    }
    assert store.ledger.covered(people) == {
        each: digests[0].since if each == expired else DAY for each in people
    }
    assert store.ledger.composed(people, "2026-06-10") == frozenset(people)
    assert store.ledger.composed(people, "2026-06-09") == {people[0]}


def test_an_old_digest_can_be_queued_once_more(store, digests):
    sent = digests[STATES.index("sent")]

    assert store.ledger.requeue({sent.id: f"<{sent.id}.2@example.org>"}, DAY, DAY + HOUR) == 1

    claimed = store.ledger.claim(DAY, owner="new", limit=9, lease=60)
    (again,) = [each for each in claimed if each.digest.id == sent.id]
    assert (again.digest, again.attempts) == (sent, 1)
    assert again.message_id == f"<{sent.id}.2@example.org>"


def test_erasing_takes_the_old_digests_along(store, digests):
    store.subscribers.erase(digests[0].subscriber_id)

    assert store.ledger.digests(each.id for each in digests) == {
        each.id: each for each in digests[1:-1]
    }


def test_nothing_is_left_of_the_old_tables_and_the_file_is_sound(store, path):
    store.close()
    with closing(sqlite3.connect(path)) as db:
        tables = {row[0] for row in db.execute("SELECT name FROM sqlite_schema")}
        assert not {name for name in tables if "picks" in name or "kept" in name or "keyed" in name}
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        states = [row[0] for row in db.execute("SELECT state FROM undelivered ORDER BY digest_id")]
    assert states == ["queued", "retry", "retry", "failed", "expired"]


@pytest.mark.parametrize("done", range(len(sending.SCRIPTS) + 1))
def test_one_that_was_interrupted_changes_nothing_and_runs_again(path, digests, monkeypatch, done):
    store = open_store(path)
    with monkeypatch.context() as cut:
        cut.setattr(sending, "SCRIPTS", (*sending.SCRIPTS[:done], "SELECT cut_short();"))
        with pytest.raises(sqlite3.OperationalError, match="cut_short"):
            store.migrate()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM picks").fetchone() == (14,)
        assert db.execute("SELECT count(*) FROM outbox WHERE lease_until > ''").fetchone() == (1,)

    assert store.migrate() == [*NAMES[NAMES.index("0005_sending") :]]

    assert store.ledger.digests(each.id for each in digests) == {each.id: each for each in digests}
    store.close()
