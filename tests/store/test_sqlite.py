"""What is particular to SQLite: locks, files, versions, and two processes on one file."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from digest.errors import ConfigError, NotFound, StoreBusy
from digest.model import (
    AddressChange,
    Comeback,
    EvidenceKind,
    SuppressionReason,
)
from digest.store import (
    SqliteStore,
    connections,
    finding,
    ledger,
    open_store,
    outbox,
    pace,
    papers,
    spaces,
)
from digest.store import subscribers as people
from digest.store.post import evidence_query

COMPLAINT, UNREAD = EvidenceKind.COMPLAINT, EvidenceKind.UNREAD
DAY = datetime(2026, 6, 10, tzinfo=UTC)


@pytest.fixture
def path(empty, tmp_path):
    """An empty database that no one has open."""
    return Path(shutil.copy(empty, tmp_path / "digest.db"))


# --- a locked database --------------------------------------------------------------------------

CALLS = {
    "papers.ingest": lambda s, m: s.papers.ingest([m.item()]),
    "papers.get": lambda s, m: s.papers.get(["arxiv:1"]),
    "papers.news": lambda s, m: s.papers.news(m.day, m.day),
    "papers.announced": lambda s, m: s.papers.announced(m.day, m.day),
    "papers.announcements": lambda s, m: s.papers.announcements(["arxiv:1"]),
    "papers.signals": lambda s, m: s.papers.signals(["arxiv:1"]),
    "papers.signalled": lambda s, m: s.papers.signalled(m.day),
    "papers.set_trending": lambda s, m: s.papers.set_trending({}),
    "papers.trending": lambda s, m: s.papers.trending(),
    "papers.in_categories": lambda s, m: s.papers.in_categories([], since=m.day, limit=1),
    "papers.entered": lambda s, m: s.papers.entered(m.day),
    "papers.categories": lambda s, m: s.papers.categories(m.day),
    "papers.known_categories": lambda s, m: s.papers.known_categories(),
    "papers.daily_counts": lambda s, m: s.papers.daily_counts(
        ["cs.LG"], since=m.day, before=m.day.date()
    ),
    "papers.search": lambda s, m: s.papers.search("graphs", limit=1),
    "sources.cursor": lambda s, m: s.sources.cursor("arxiv"),
    "sources.set_cursor": lambda s, m: s.sources.set_cursor("arxiv", "{}"),
    "sources.poll_states": lambda s, m: s.sources.poll_states(),
    "sources.save_polls": lambda s, m: s.sources.save_polls([]),
    "sources.add_reports": lambda s, m: s.sources.add_reports([]),
    "sources.reports": lambda s, m: s.sources.reports(since=m.day),
    "subscribers.add": lambda s, m: s.subscribers.add([(m.subscriber(), [])]),
    "subscribers.save": lambda s, m: s.subscribers.save(m.subscriber()),
    "subscribers.by_email": lambda s, m: s.subscribers.by_email("reader@example.org"),
    "subscribers.get": lambda s, m: s.subscribers.get(["s_1"]),
    "subscribers.all": lambda s, m: list(s.subscribers.all()),
    "subscribers.profiles": lambda s, m: s.subscribers.profiles(["s_1"]),
    "subscribers.set_interests": lambda s, m: s.subscribers.set_interests("s_1", []),
    "subscribers.add_interests": lambda s, m: s.subscribers.add_interests("s_1", []),
    "subscribers.due": lambda s, m: s.subscribers.due(m.day, limit=1),
    "subscribers.page": lambda s, m: s.subscribers.page("", limit=1),
    "subscribers.shares": lambda s, m: s.subscribers.shares(most=2, least=1),
    "subscribers.topics_in_use": lambda s, m: s.subscribers.topics_in_use(),
    "ledger.compose": lambda s, m: m.queue(s, m.digest()),
    "subscribers.set_status": lambda s, m: s.subscribers.set_status("s_1", m.subscriber().status),
    "subscribers.by_emails": lambda s, m: s.subscribers.by_emails(
        ["reader@example.org"], m.subscriber().status
    ),
    "subscribers.end": lambda s, m: s.subscribers.end(
        ["reader@example.org"], m.subscriber().status
    ),
    "subscribers.add_alike": lambda s, m: s.subscribers.add_alike([]),
    "post.suppressions": lambda s, m: s.post.suppressions(["a hash"]),
    "ledger.composed": lambda s, m: s.ledger.composed(["s_1"], "2026-06-10"),
    "papers.has_feed": lambda s, m: s.papers.has_feed("arxiv", "cs.LG"),
    "papers.primaries": lambda s, m: s.papers.primaries(["arxiv:1"]),
    "ledger.covered": lambda s, m: s.ledger.covered(["s_1"]),
    "ledger.digest": lambda s, m: s.ledger.digest("s_1.2026-06-10"),
    "ledger.recent": lambda s, m: s.ledger.recent("s_1", limit=1),
    "ledger.sent": lambda s, m: s.ledger.sent(["s_1"], ["arxiv:1"]),
    "ledger.tidy": lambda s, m: s.ledger.tidy(m.day),
    "ledger.claim": lambda s, m: s.ledger.claim(m.day, owner="one", limit=1, lease=60),
    "ledger.settle": lambda s, m: s.ledger.settle([], lease="one"),
    "ledger.release": lambda s, m: s.ledger.release("one"),
    "ledger.offer": lambda s, m: s.ledger.offer([], lease="one", now=m.day, until=m.day),
    "ledger.hold": lambda s, m: s.ledger.hold("one", over=m.day, until=m.day),
    "ledger.withdraw": lambda s, m: s.ledger.withdraw(["s_1"], lease="one"),
    "ledger.put_off": lambda s, m: s.ledger.put_off({"s_1": m.day}, lease="one"),
    "ledger.due": lambda s, m: s.ledger.due(m.day, most=1),
    "ledger.composed_since": lambda s, m: s.ledger.composed_since(m.day),
    "ledger.counts": lambda s, m: s.ledger.counts(),
    "ledger.has_waiting": lambda s, m: s.ledger.has_waiting(),
    "ledger.refusals": lambda s, m: s.ledger.refusals("s_1", m.day),
    "papers.announced_on": lambda s, m: s.papers.announced_on(m.day.date()),
    "papers.days": lambda s, m: s.papers.days(m.day.date(), m.day.date()),
    "papers.by_author": lambda s, m: s.papers.by_author("Ada Example", limit=1),
    "papers.voted": lambda s, m: s.papers.voted(m.day, limit=1),
    "papers.changed": lambda s, m: s.papers.changed(),
    "subscribers.remove_interests": lambda s, m: s.subscribers.remove_interests("s_1", []),
    "subscribers.wanted": lambda s, m: s.subscribers.wanted(m.day, limit=1),
    "subscribers.resumable": lambda s, m: s.subscribers.resumable(m.day, limit=1),
    "subscribers.put_change": lambda s, m: s.subscribers.put_change(
        AddressChange(subscriber_id="s_1", email="new@example.org", asked_at=m.day)
    ),
    "subscribers.change": lambda s, m: s.subscribers.change("s_1"),
    "subscribers.drop_changes": lambda s, m: s.subscribers.drop_changes(m.day),
    "subscribers.drop_change": lambda s, m: s.subscribers.drop_change("s_1"),
    "subscribers.put_comeback": lambda s, m: s.subscribers.put_comeback(
        Comeback(subscriber_id="s_1", asked_at=m.day)
    ),
    "subscribers.renew_comeback": lambda s, m: s.subscribers.renew_comeback(
        Comeback(subscriber_id="s_1", asked_at=m.day), m.day
    ),
    "subscribers.comeback": lambda s, m: s.subscribers.comeback("s_1"),
    "subscribers.drop_comeback": lambda s, m: s.subscribers.drop_comeback("s_1"),
    "subscribers.drop_comebacks": lambda s, m: s.subscribers.drop_comebacks(m.day),
    "subscribers.erase": lambda s, m: s.subscribers.erase("s_1"),
    "subscribers.erase_unchanged": lambda s, m: s.subscribers.erase_unchanged(
        [], m.day, suppressing={}
    ),
    "ledger.on_the_way": lambda s, m: s.ledger.on_the_way(["s_1.2026-06-10"]),
    "ledger.requeue": lambda s, m: s.ledger.requeue({}, m.day, m.day),
    "ledger.deliveries": lambda s, m: s.ledger.deliveries(since=m.day, limit=1),
    "ledger.states": lambda s, m: s.ledger.states(["s_1.2026-06-10"]),
    "ledger.attempts": lambda s, m: s.ledger.attempts(["s_1.2026-06-10"]),
    "feedback.add": lambda s, m: s.feedback.add(m.feedback()),
    "feedback.undo": lambda s, m: s.feedback.undo("f_1", m.day),
    "feedback.get": lambda s, m: s.feedback.get("f_1"),
    "feedback.of": lambda s, m: s.feedback.of("s_1"),
    "feedback.answers": lambda s, m: list(s.feedback.answers("2026-06-10", kinds=[])),
    "ledger.digests": lambda s, m: s.ledger.digests(["s_1.2026-06-10"]),
    "community.vote": lambda s, m: s.community.vote("s_1", "arxiv:1", m.day),
    "community.unvote": lambda s, m: s.community.unvote("s_1", "arxiv:1"),
    "community.votes_of": lambda s, m: s.community.votes_of("s_1", ["arxiv:1"]),
    "community.changed": lambda s, m: s.community.changed(),
    "community.submit": lambda s, m: s.community.submit(m.submission()),
    "community.standing": lambda s, m: s.community.standing("arxiv:1"),
    "community.submission": lambda s, m: s.community.submission("p_1"),
    "community.submissions": lambda s, m: s.community.submissions(since=m.day, limit=1),
    "community.decided": lambda s, m: s.community.decided(since=m.day, limit=1),
    "community.arrived": lambda s, m: s.community.arrived(),
    "community.decide": lambda s, m: s.community.decide(
        m.submission(), m.moderation(m.submission())
    ),
    "community.voices": lambda s, m: s.community.voices(["arxiv:1"]),
    "community.featured": lambda s, m: s.community.featured(m.day),
    "community.log": lambda s, m: s.community.log(limit=1),
    "community.last_decisions": lambda s, m: s.community.last_decisions(["p_1"]),
    "post.put": lambda s, m: s.post.put([m.letter()]),
    "post.ask": lambda s, m: s.post.ask([], now=m.day, seconds=60),
    "post.used": lambda s, m: s.post.used(["signups"], now=m.day, seconds=60),
    "post.claim": lambda s, m: s.post.claim(m.day, limit=1, lease=60),
    "post.drop_late": lambda s, m: s.post.drop_late(m.day),
    "post.settle": lambda s, m: s.post.settle("confirm-1", retry_at=None),
    "post.record": lambda s, m: s.post.record(m.evidence()),
    "post.evidence": lambda s, m: s.post.evidence("e_1"),
    "post.evidences": lambda s, m: s.post.evidences(),
    "post.settle_evidence": lambda s, m: s.post.settle_evidence("e_1", m.day),
    "post.waiting": lambda s, m: s.post.waiting(),
    "post.waiting_for": lambda s, m: s.post.waiting_for("ada@example.org"),
    "post.came": lambda s, m: s.post.came("a hash"),
    "spaces.name": lambda s, m: s.spaces.name(),
    "spaces.learned": lambda s, m: s.spaces.learned(),
    "spaces.size": lambda s, m: s.spaces.size(),
    "spaces.load": lambda s, m: s.spaces.load(),
    "spaces.keep": lambda s, m: s.spaces.keep("lsa:1", b"", m.day),
    "spaces.vectors": lambda s, m: s.spaces.vectors("lsa:1", ["arxiv:1"]),
    "spaces.changed": lambda s, m: s.spaces.changed(),
    "spaces.newest": lambda s, m: list(s.spaces.newest("lsa:1", limit=1)),
    "spaces.put": lambda s, m: s.spaces.put("lsa:1", {}),
    "spaces.lacking": lambda s, m: s.spaces.lacking("lsa:1", limit=1),
    "spaces.waiting": lambda s, m: s.spaces.waiting("lsa:1", among=1),
    "spaces.archive": lambda s, m: list(s.spaces.archive(limit=1)),
    "spaces.lying": lambda s, m: s.spaces.lying("lsa:1", ["arxiv:1"]),
    "spaces.tastes": lambda s, m: s.spaces.tastes("lsa:1/1", ["s_1"]),
    "spaces.keep_tastes": lambda s, m: s.spaces.keep_tastes("lsa:1/1", {}, []),
    "spaces.forget_tastes": lambda s, m: s.spaces.forget_tastes(["lsa:1/1"]),
    "subscribers.by_status": lambda s, m: s.subscribers.by_status(),
    "post.first_time": lambda s, m: s.post.first_time("a hash", m.day),
    "post.suppress": lambda s, m: s.post.suppress("a hash", SuppressionReason.BOUNCED, m.day),
    "post.suppression": lambda s, m: s.post.suppression("a hash"),
    "post.unsuppress": lambda s, m: s.post.unsuppress("a hash"),
    "post.secret": lambda s, m: s.post.secret("suppressions"),
    "post.take": lambda s, m: s.post.take("signups", now=m.day, seconds=60, most=1),
    "check": lambda s, m: s.check(),
    "migrate": lambda s, m: s.migrate(),
    "counts": lambda s, m: s.counts(),
    "try_to_write": lambda s, m: s.try_to_write(),
    "lease": lambda s, m: s.lease("poll", owner="one", now=m.day, seconds=1),
    "leased": lambda s, m: s.leased("poll", now=m.day, seconds=1),
    "unlease": lambda s, m: s.unlease("poll", owner="one"),
    "prune": lambda s, m: s.prune(papers_before=m.day.date(), logs_before=m.day),
    "backup": lambda s, m: s.backup(s.path.with_name("backup.db")),
}


def public(thing):
    return {
        name for name in dir(thing) if not name.startswith("_") and callable(getattr(thing, name))
    }


def test_every_public_method_is_in_the_list_of_calls(path):
    store = open_store(path)
    families = (
        *("papers", "sources", "subscribers", "ledger", "feedback", "community", "post"),
        "spaces",
    )
    methods = {f"{each}.{name}" for each in families for name in public(getattr(store, each))}
    store.close()

    assert set(CALLS) | {"close"} == methods | public(store)


@pytest.mark.parametrize("name", CALLS)
def test_a_locked_database_is_a_busy_store(path, make, name):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        store = SqliteStore(path, timeout=0)

        with pytest.raises(StoreBusy) as busy:
            CALLS[name](store, make)

    assert busy.value.subject == str(path)


def test_readers_go_on_while_another_process_writes_and_a_failed_writer_recovers(path, make):
    store = SqliteStore(path, timeout=0)
    store.papers.ingest([make.item()])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreBusy):
            store.papers.ingest([make.item(make.paper(2))])
        assert store.counts()["papers"] == 1

    assert store.papers.ingest([make.item(make.paper(2))]).papers == 1
    store.close()


# --- files that cannot be used ------------------------------------------------------------------


def test_a_file_that_is_no_database_is_named_in_the_error(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("These are notes, and long enough to be read as a header. " * 20)

    with pytest.raises(ConfigError, match=r"notes\.txt is not a Digest database"):
        open_store(path)
    assert path.read_text().startswith("These are notes")


def test_a_database_from_a_newer_version_is_refused(path):
    with closing(sqlite3.connect(path)) as other:
        other.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('digest', '0999_far_future', '2030-01-01')"
        )
        other.commit()

    with pytest.raises(ConfigError, match="newer version of Digest"):
        open_store(path)
    store = SqliteStore(path)
    with pytest.raises(ConfigError, match="0999_far_future"):
        store.migrate()
    store.close()


def test_a_database_without_tables_asks_for_a_migration(tmp_path):
    store = open_store(tmp_path / "empty.db")

    with pytest.raises(ConfigError, match="migrate it first"):
        store.counts()
    store.close()


def test_a_folder_that_is_not_there_is_named_in_the_error(tmp_path):
    with pytest.raises(ConfigError, match="No such file or directory"):
        open_store(tmp_path / "nowhere" / "digest.db")


def test_a_file_that_this_user_may_not_write_is_found_without_writing(path, unwritable):
    with unwritable(path) as copy:
        store = SqliteStore(copy)
        assert store.counts()["papers"] == 0
        with pytest.raises(ConfigError, match=r"digest\.db is read-only"):
            store.try_to_write()
        store.close()


def test_a_file_that_is_being_written_can_be_and_is_busy_at_once(path):
    store = SqliteStore(path, timeout=60)
    store.try_to_write()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy):
            store.try_to_write()
    store.close()


@pytest.mark.parametrize("there", ["nothing", "another"])
def test_nothing_is_written_to_a_file_that_was_moved_away(path, make, empty, there):
    store = SqliteStore(path)
    store.papers.ingest([make.item()])
    path.rename(path.with_name("moved.db"))
    if there == "another":
        shutil.copy(empty, path)

    for write in (
        store.try_to_write,
        lambda: store.papers.ingest([make.item(make.paper(2))]),
        lambda: store.lease("poll", owner="one", now=DAY, seconds=1),
    ):
        with pytest.raises(ConfigError, match=r"digest\.db is not the one that was opened"):
            write()
    assert store.counts()["papers"] == 1, "what was there can still be read"
    assert path.exists() == (there == "another"), "no empty file takes its place"
    store.close()


def test_no_second_connection_goes_to_another_file_than_the_first(path, empty):
    store = SqliteStore(path)
    with store._connections.read():
        path.rename(path.with_name("moved.db"))
        shutil.copy(empty, path)
        with pytest.raises(ConfigError, match="not the one that was opened"):
            store.counts()
    store.close()


def test_a_file_that_is_written_over_or_linked_elsewhere_is_the_same_one(path, make):
    store = SqliteStore(path)
    store.counts()
    path.with_name("also.db").hardlink_to(path)
    path.touch()
    store.papers.ingest([make.item()])
    assert store.counts()["papers"] == 1
    store.close()


def test_only_the_owner_can_read_the_file(path):
    assert path.stat().st_mode & 0o777 == 0o600


def test_commits_outlive_a_power_cut(path, set_up, monkeypatch):
    monkeypatch.setattr(connections, "SET_UP", set_up)
    store = open_store(path)
    with store._connections.read() as connection:
        settings = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    store.close()

    assert settings == ["wal", 2, 1]


# --- the schema ---------------------------------------------------------------------------------


def test_every_table_is_strict_and_every_view_can_be_read(path):
    with closing(sqlite3.connect(path)) as db:
        tables = {
            name: strict
            for _, name, kind, _, _, strict in db.execute("PRAGMA table_list")
            if kind == "table" and not name.startswith(("sqlite_", "_sqlite", "papers_fts"))
        }
        views = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'view'")]
        for view in views:
            db.execute(f"SELECT * FROM {view}").fetchall()

    assert {"papers", "subscribers", "digests", "outbox", "feedback"} <= tables.keys()
    assert all(tables.values())
    assert "latest_papers" in views


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (outbox.DUE, "outbox_due"),
        ("SELECT * FROM outbox WHERE state = 'sending' AND lease = ?", "outbox_leased"),
        (people.DUE, "subscribers_due"),
        (people.COUNT_DUE, "subscribers_due"),
        (people.NTH_DUE, "sqlite_autoindex_subscribers_1"),
        ("SELECT number FROM joined WHERE paper = ?", "joined_by_paper"),
        (
            "SELECT * FROM interests WHERE kind IN ('like', 'dislike', 'known') AND value = ?",
            "interests_in_papers",
        ),
        ("SELECT * FROM announcements WHERE seen_at > ?", "announcements_by_seen_at"),
        ("SELECT * FROM feedback WHERE paper_id = ? AND paper_id <> ''", "feedback_by_paper"),
        ("SELECT * FROM feedback WHERE subscriber_id = ? ORDER BY at DESC", "feedback_by_subscr"),
        (
            """
            SELECT * FROM feedback
            WHERE edition <> '' AND (edition, subscriber_id, rowid) > (?, '', 0)
            ORDER BY edition, subscriber_id, rowid
            """,
            "feedback_by_edition",
        ),
        ("SELECT * FROM letters WHERE due_at <= ? ORDER BY due_at, id", "letters_due"),
        ("SELECT * FROM deliveries WHERE at >= ? ORDER BY at DESC", "deliveries_by_at"),
        ("SELECT * FROM uses WHERE bucket = ? AND at > '2026'", "uses_by_bucket"),
        (
            "SELECT * FROM subscribers WHERE status = 'paused' AND paused_until <= ?",
            "subscribers_resuming",
        ),
        (
            "SELECT * FROM submissions WHERE state = 'featured' AND decided_at >= ?",
            "submissions_by_state",
        ),
        (evidence_query(subscriber_id="s_1", kind=COMPLAINT)[0], "evidence_by_subscriber"),
        (
            evidence_query(subscriber_id="s_1", kind=COMPLAINT, unsettled=True)[0],
            "evidence_by_subscriber",
        ),
        (evidence_query(kind=UNREAD, unsettled=True)[0], "evidence_unsettled"),
        (evidence_query(but=UNREAD, since=DAY)[0], "evidence_by_at"),
    ],
)
def test_what_is_asked_often_goes_by_an_index(path, query, index):
    with closing(sqlite3.connect(path)) as db:
        plan = db.execute(f"EXPLAIN QUERY PLAN {query}", ("",) * query.count("?")).fetchall()

    steps = [row[3] for row in plan]
    assert any(index in step for step in steps)
    assert not any("TEMP B-TREE" in step for step in steps)


@pytest.mark.parametrize("query", [ledger.HAS_WAITING, pace.COUNT_WAITING, pace.COUNT_BY_DOMAIN])
def test_what_waits_is_looked_at_without_reading_what_was_sent(path, query):
    with closing(sqlite3.connect(path)) as db:
        plan = db.execute(f"EXPLAIN QUERY PLAN {query}", ("[]",) * query.count("?")).fetchall()

    looked = [row[3] for row in plan if "outbox" in row[3]]
    assert len(looked) == 2
    assert all("outbox USING INDEX outbox_" in step for step in looked)


def test_categories_of_late_are_counted_without_reading_those_of_all_papers(path):
    with closing(sqlite3.connect(path)) as db:
        values = ("2026-06-01", "2026-06-10", '["cs.LG"]')
        plan = db.execute(f"EXPLAIN QUERY PLAN {papers.DAILY_COUNTS}", values).fetchall()

    first, second = (row[3] for row in plan if row[3].startswith("SEARCH"))
    assert "announcements_by_seen_at" in first
    assert "(paper_id=?)" in second


@pytest.mark.parametrize(
    ("query", "values", "indexes"),
    [
        (papers.COUNT_DAYS, ("2026-06-01", "2026-06-30"), {"papers_by_day"}),
        (papers.VOTED, ("2026-06-09", 9), {"votes_by_at"}),
        (
            finding.EXAMINED.format(texts="", among="", condition=finding.CATEGORIES.holds),
            {"query": "graphs", "last": 9, "examined": 9, "categories": "[]"},
            {"papers_by_number"},
        ),
        (finding.CATEGORIES.papers, {"categories": "[]"}, {"categories_by_category"}),
        (finding.SOURCE.papers, {"source": "arxiv"}, {"announcements_by_source"}),
        (
            spaces.LACKING,
            {"space": "lsa:1", "limit": 9, "among": 9},
            {"papers_by_day", "autoindex_vectors"},
        ),
    ],
)
def test_searches_are_narrowed_without_looking_at_rows(path, query, values, indexes):
    with closing(sqlite3.connect(path)) as db:
        plan = db.execute(f"EXPLAIN QUERY PLAN {query}", values).fetchall()

    found = [row[3] for row in plan if " USING " in row[3] and "PRIMARY KEY" not in row[3]]
    assert all("COVERING INDEX" in step for step in found)
    assert {index for index in indexes for step in found if index in step} == indexes


def test_the_search_index_agrees_with_the_papers_also_after_a_vacuum(path, make):
    store = open_store(path)
    store.papers.ingest([make.item(make.paper(number)) for number in range(1, 9)])
    store.prune(papers_before=date(2020, 1, 1), logs_before=make.day)
    with store._connections.plain() as db:
        db.execute("DELETE FROM papers WHERE id IN ('arxiv:2606.00001', 'arxiv:2606.00004')")
        db.execute("UPDATE papers SET title = 'Giraffes' WHERE id = 'arxiv:2606.00007'")
        db.execute("VACUUM")

        db.execute("INSERT INTO papers_fts (papers_fts, rank) VALUES ('integrity-check', 1)")

    assert [paper.id for paper, _ in store.papers.search("giraffe", limit=9)] == [
        "arxiv:2606.00007"
    ]
    store.close()


def test_a_pick_of_a_paper_that_is_not_stored_is_refused(path, make):
    store = open_store(path)
    store.subscribers.add([(make.subscriber(), [])])

    with pytest.raises(NotFound):
        make.queue(store, make.digest(papers=[make.paper(404)]))
    store.close()


def test_an_erased_address_is_not_to_be_read_in_the_file_either(path, make):
    store = open_store(path)
    person = make.subscriber(email="ada.lovegood@example.org")
    store.subscribers.add([(person, []), (make.subscriber(2), [])])
    store.post.put([make.letter(recipient=person.email)])
    store.post.record(make.evidence(raw=b"To: " + person.email.encode() + b"x" * 9_000))

    store.subscribers.erase(person.id)
    store.close()

    file = path.read_bytes()
    assert b"reader2@example.org" in file
    assert b"ada.lovegood" not in file


# --- backup ---------------------------------------------------------------------------------------


def test_a_backup_is_one_whole_private_file(path, make, tmp_path):
    store = open_store(path)
    store.papers.ingest([make.item()])
    target = tmp_path / "backups" / "digest.db"
    target.parent.mkdir()

    store.backup(target)
    store.backup(target)
    store.close()

    assert [each.name for each in target.parent.iterdir()] == ["digest.db"]
    assert target.stat().st_mode & 0o777 == 0o600
    copy = open_store(target)
    assert copy.counts()["papers"] == 1
    copy.close()


def test_a_backup_that_cannot_be_written_leaves_nothing_behind(path, tmp_path):
    store = open_store(path)

    with pytest.raises(ConfigError, match="cannot be written"):
        store.backup(tmp_path / "nowhere" / "digest.db")
    store.close()


# --- two processes --------------------------------------------------------------------------------

START = """
import sys
from pathlib import Path
from digest.store import open_store
store = open_store(Path(sys.argv[1]))
store.migrate()
print(store.post.secret("suppressions").hex())
for number in range(10):
    store.sources.set_cursor(f"{sys.argv[2]}.{number}", "x")
store.close()
"""


def test_processes_that_start_together_on_a_new_file_take_turns_and_share_its_secrets(tmp_path):
    path = tmp_path / "digest.db"
    root = Path(__file__).parents[2]

    running = [
        subprocess.Popen(
            [sys.executable, "-c", START, path, str(number)], cwd=root, stdout=subprocess.PIPE
        )
        for number in range(3)
    ]

    (secret,) = {each.communicate(timeout=60)[0].strip() for each in running}
    assert [each.returncode for each in running] == [0, 0, 0]
    assert len(bytes.fromhex(secret.decode())) == 32
    store = open_store(path)
    cursors = [
        store.sources.cursor(f"{each}.{number}") for each in range(3) for number in range(10)
    ]
    store.close()
    assert cursors == ["x"] * 30


def test_two_stores_on_one_file_claim_every_row_once(path, make):
    one, two = open_store(path), open_store(path)
    people = [make.subscriber(number) for number in range(20)]
    one.subscribers.add((person, []) for person in people)
    make.queue(one, *(make.digest(person) for person in people))

    claimed = [
        each.digest.id
        for store in (one, two) * 2
        for each in store.ledger.claim(make.day, owner="each", limit=5, lease=60)
    ]

    assert sorted(claimed) == [f"{person.id}.2026-06-10" for person in people]
    one.close()
    two.close()


def test_a_database_of_the_first_release_is_brought_up_to_date_as_it_is(tmp_path, make):
    from sqlite_utils import Database

    from digest.store.migrations import NAMES, migrations

    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as old:
        migrations.apply(Database(old), stop_before="0002_people")
        old.execute(
            "INSERT INTO subscribers VALUES ('s_000001', 'reader1@example.org', 'active', 'UTC',"
            " '07:00:00', 'daily', 0, 10, 'line', '01', '2026-05-11T04:00:00.000000Z', NULL,"
            " '2026-06-10T04:00:00.000000Z')"
        )
        old.commit()
    store = open_store(path)

    assert store.migrate() == [*NAMES[NAMES.index("0002_people") :]]

    assert store.subscribers.get(["s_000001"]) == {"s_000001": make.subscriber(key="01")}
    assert store.feedback.of("s_000001") == []
    assert store.migrate() == []
    store.close()


def test_papers_and_picks_of_the_second_release_are_there_in_the_third(tmp_path, make):
    from sqlite_utils import Database

    from digest.store.migrations import NAMES, migrations

    path, paper = tmp_path / "old.db", make.paper()
    with closing(sqlite3.connect(path)) as old:
        migrations.apply(Database(old), stop_before="0003_learning")
        old.executescript(
            f"""
            INSERT INTO papers (id, title, first_seen, first_announced, number)
            VALUES ('{paper.id}', '{paper.title}', '2026-06-10', '2026-06-10', 7);
            INSERT INTO subscribers VALUES ('s_000001', 'reader1@example.org', 'active', 'UTC',
                '07:00:00', 'daily', 0, 3, 'line', '01', '2026-05-11T04:00:00Z', NULL, NULL, NULL, NULL, '', 0);
            INSERT INTO editions VALUES ('2026-06-10', '2026-06-10', 1, 1, 1);
            INSERT INTO digests VALUES ('s_000001.2026-06-10', 's_000001', '2026-06-10', 'picks',
                '2026-06-09T04:00:00Z', '2026-06-10T04:00:00Z', '[]', 1, 1, 0,
                '2026-06-10T04:00:00Z');
            INSERT INTO picks VALUES ('s_000001.2026-06-10', 1, '{paper.id}', 0.75,
                '[["topic", "cs.LG", 0.75]]');
            """
        )
    store = open_store(path)

    assert store.migrate() == [*NAMES[NAMES.index("0003_learning") :]]

    assert store.ledger.digest("s_000001.2026-06-10").picks == make.digest(papers=[paper]).picks
    assert store.subscribers.get(["s_000001"])["s_000001"].floor == 0
    assert [each.id for each in store.spaces.lacking("lsa:1", limit=9)] == [paper.id]
    assert store.spaces.name() == ""
    store.close()


def test_who_comes_while_another_process_migrates_waits_for_longer_than_others_do(tmp_path):
    path = tmp_path / "digest.db"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        store = open_store(path, timeout=0.05)
        other.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor() as pool:
            migrating = pool.submit(store.migrate)
            with pytest.raises(TimeoutError):
                migrating.result(timeout=0.2)
            other.execute("ROLLBACK")

            assert migrating.result(timeout=30)
    with pytest.raises(StoreBusy), store._connections.write(), store._connections.write():
        pass
    store.close()
