"""A power cut at any write: nobody is lost, and nobody who may have mail counts as without."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from digest.store import keys, open_store
from digest.store.rows.scalars import stamp

PEOPLE, BLOCK, GROUP = 16, 10, 4
HOUR = timedelta(hours=1)


class Machine:
    """A database in use, and copies of its files as a power cut would leave them.

    The cut comes somewhere within the last write: the write-ahead log ends at any byte that it
    added, as what was synced before is safe and what was not may be there in part. It also comes
    after each transaction, should there be several.
    """

    def __init__(self, store, folder, chance):
        self.store, self.folder, self.chance = store, folder, chance
        self.log = store.path.with_name(store.path.name + "-wal")
        # Kept open: closing a file in this process would drop SQLite's locks on it.
        self.files = [file.open("rb") for file in (store.path, self.log)]
        self.taken = set()
        self.cuts = 0

    def do(self, write, *arguments, **options):
        """One transaction, and a cut in it."""
        before = self.log.stat().st_size
        found = write(*arguments, **options)
        after = self.log.stat().st_size
        assert after >= before, "the log is not begun anew in so short a test"
        for keep in {before, after, self.chance.randint(before, after), *self.commits(before)}:
            self.cut(keep)
        return found

    def commits(self, start):
        """Where transactions end from there on: https://www.sqlite.org/fileformat2.html#walformat."""
        log = os.pread(self.files[1].fileno(), self.log.stat().st_size, 0)
        frame = 24 + int.from_bytes(log[8:12], "big")
        for at in range(max(start, 32), len(log), frame):
            if any(log[at + 4 : at + 8]):  # the size of the database, in a commit frame only
                yield at + frame

    def cut(self, keep):
        folder = self.folder / f"cut-{self.cuts}"
        folder.mkdir()
        self.cuts += 1
        for file, size in zip(self.files, (self.store.path.stat().st_size, keep), strict=True):
            (folder / Path(file.name).name).write_bytes(os.pread(file.fileno(), size, 0))
        self.check(folder / self.store.path.name)
        shutil.rmtree(folder)

    def close(self):
        self.store.close()
        for file in self.files:
            file.close()

    def check(self, copy):
        with closing(sqlite3.connect(copy)) as db:
            db.execute("PRAGMA synchronous = OFF")
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            rows = db.execute(
                "SELECT digest_id, state, going_out IS NOT NULL OR in_doubt IS NOT NULL"
                " FROM outbox JOIN posted USING (digest)"
            ).fetchall()
        assert len(rows) == PEOPLE
        assert {each[0] for each in rows if each[1] == "sent"} <= self.taken
        certain = {each[0] for each in rows if each[1] != "sent" and not each[2]}
        assert not certain & self.taken, "somebody who has mail counts as certainly without"
        reopened = open_store(copy)
        due = reopened.ledger.claim(self.later, owner="next", limit=99, lease=60)
        sent = reopened.ledger.counts()["sent"]
        reopened.close()
        assert sent + len(due) == PEOPLE, "everybody is settled or due"


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(each, marks=pytest.mark.slow) for each in range(1, 6))]
)
def test_wherever_the_power_goes_everybody_is_settled_or_due(tmp_path, make, seed):
    chance = random.Random(seed)
    store = open_store(tmp_path / "digest.db")
    store.migrate()
    people = [make.subscriber(number) for number in range(1, PEOPLE + 1)]
    store.papers.ingest([make.item(make.paper())])
    store.subscribers.add((person, []) for person in people)
    make.queue(store, *(make.digest(each, papers=[make.paper()]) for each in people))
    machine = Machine(store, tmp_path, chance)
    machine.later = make.day + 2 * HOUR
    ledger, until = store.ledger, make.day + HOUR

    while block := machine.do(ledger.claim, make.day, owner="one", limit=BLOCK, lease=600):
        lease = block[0].lease
        for start in range(0, len(block), GROUP):
            group = block[start : start + GROUP]
            machine.do(ledger.offer, group, lease=lease, now=make.day, until=until)
            for each in group:
                machine.taken.add(each.digest.id)
                if chance.random() < 0.5:
                    machine.do(ledger.settle, [make.receipt(each)], lease=lease)
            machine.do(ledger.settle, [make.receipt(each) for each in group], lease=lease)
        machine.do(ledger.release, lease)

    assert ledger.counts()["sent"] == PEOPLE
    machine.close()


class Composing(Machine):
    """The same while digests are composed."""

    def check(self, copy):
        with closing(sqlite3.connect(copy)) as db:
            db.execute("PRAGMA synchronous = OFF")
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            kept, queued = (
                {number for (number,) in db.execute(f"SELECT {key} & {keys.MASK} FROM {table}")}
                for key, table in (("key", "digests"), ("digest", "outbox"))
            )
            moved = {
                number
                for (number,) in db.execute(
                    "SELECT number FROM readers JOIN subscribers ON id = subscriber_id"
                    " WHERE due_at = ?",
                    (stamp(self.later),),
                )
            }
        assert kept == queued == moved, "a digest is kept, queued and not due again, or none of it"


def test_wherever_the_power_goes_a_digest_is_there_whole_or_still_to_be_made(tmp_path, make):
    store = open_store(tmp_path / "digest.db")
    store.migrate()
    people = [make.subscriber(number) for number in range(1, PEOPLE + 1)]
    store.papers.ingest([make.item(make.paper())])
    store.subscribers.add((person, []) for person in people)
    machine = Composing(store, tmp_path, random.Random(0))
    machine.later = make.day + 24 * HOUR

    for start in range(0, PEOPLE, GROUP):
        digests = [make.digest(each, papers=[make.paper()]) for each in people[start:][:GROUP]]
        machine.do(
            store.ledger.compose,
            [(each, make.day + HOUR) for each in digests],
            next_due={each.subscriber_id: machine.later for each in digests},
            send_from={},
            message_ids={each.id: f"<{each.id}@digest.example>" for each in digests},
        )

    assert machine.cuts >= 2 * PEOPLE // GROUP
    assert store.ledger.counts()["queued"] == PEOPLE
    machine.close()
