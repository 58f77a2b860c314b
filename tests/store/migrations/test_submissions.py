"""A database of before: of papers that became one, several submissions wait for a curator."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from sqlite_utils import Database

from digest.store import migrations, open_store


def test_of_what_waits_the_oldest_is_left_and_what_was_decided_stays(tmp_path):
    path = tmp_path / "old.db"
    put = {
        "twice": ["open", "open"],
        "picked": ["open", "featured", "featured"],
        "rejected": ["rejected", "open", "rejected"],
        "sought": ["waiting"],
    }
    with closing(sqlite3.connect(path)) as db:
        migrations.migrations.apply(Database(db), stop_before="0011_submissions")
        for paper, states in put.items():
            db.executemany(
                "INSERT INTO submissions VALUES (?, ?, '', '', ?, ?, '', '', NULL)",
                [(f"{paper} {n}", paper, f"2026-06-0{n}", each) for n, each in enumerate(states)],
            )
        db.commit()

    with closing(open_store(path)) as store:
        store.migrate()

    with closing(sqlite3.connect(path)) as db:
        left = [each for (each,) in db.execute("SELECT id FROM submissions ORDER BY id")]
    assert left == [
        "picked 1",
        "picked 2",
        "rejected 0",
        "rejected 1",
        "rejected 2",
        "sought 0",
        "twice 0",
    ]
