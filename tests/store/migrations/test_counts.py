"""A database of before: its editions count the digests of somebody who was erased since."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from sqlite_utils import Database

from digest.store import keys, migrations, open_store


def test_digests_that_are_gone_are_no_longer_counted(tmp_path):
    path = tmp_path / "old.db"
    days = [keys.day_of(edition) for edition in ("2026-06-08", "2026-06-10")]
    with closing(sqlite3.connect(path)) as db:
        migrations.migrations.apply(Database(db), stop_before="0014_counts")
        db.executescript(
            """
            INSERT INTO editions VALUES ('2026-06-01', '', 5, 5, 1, '', '2026-06-01');
            INSERT INTO editions VALUES ('2026-06-08', '', 3, 3, 1, '2026-06-07', '2026-06-08');
            INSERT INTO editions VALUES ('2026-06-10', '', 3, 3, 1, '2026-06-09', '2026-06-10');
            """
        )
        db.executemany(
            "INSERT INTO digests VALUES (?, x'01')",
            [(keys.key_of(day, number),) for day in days for number in (1, 3)],
        )
        db.commit()

    with closing(open_store(path)) as store:
        store.migrate()

        assert store.counts()["digests"] == 4

        with closing(sqlite3.connect(path)) as db, db:
            db.execute("DELETE FROM digests WHERE key = ?", (keys.key_of(days[0], 3),))
        assert store.counts()["digests"] == 3
