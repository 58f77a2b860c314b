"""A database of before: what is known of its polls, and nothing of freshness."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from sqlite_utils import Database

from digest.model import PollState
from digest.store import migrations, open_store


def test_polls_of_before_go_on_with_their_validators(tmp_path):
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as db:
        migrations.migrations.apply(Database(db), stop_before="0012_polls")
        db.execute(
            "INSERT INTO polls VALUES ('blog', 'https://b.example/feed', '', '\"a\"', '', 'h',"
            " NULL, NULL, NULL, 0, '', 0)"
        )
        db.commit()

    with closing(open_store(path)) as store:
        store.migrate()
        states = store.sources.poll_states()

    assert states == [
        PollState(source="blog", url="https://b.example/feed", etag='"a"', body_hash="h")
    ]
