"""What a day of digests takes in the database, from composed to sent, and how long that takes.

    python benchmarks/keeping.py [--people 100000] [--days 2]

Invented digests of ten picks with reasons, and of ten further titles, are composed through the
ledger in blocks; then they are claimed, offered and settled in groups, as a sender does. Block by
block in turn, `sqlite-utils` inserts the same digests as rows with JSON columns, without a queue.
Bytes are the growth of the whole file: indexes, outbox and deliveries are in it, on the first day
also the numbers that readers get, once and for all. A further title is 2 bytes.
"""

from __future__ import annotations

import argparse
import gc
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import invented
from sqlite_utils import Database

from digest.model import Digest, Outcome, Paper, Pick, Reason, ReasonKind, Receipt
from digest.ports import Newcomer, Store
from digest.store import open_store

PAPERS, BLOCK, GROUP = 2_000, 500, 50
DIFFERENT = 5_000
DOMAIN = "digest.example"
TITLES = 10
TO_REACH = 300


class Spent:
    """Processor and wall seconds by part."""

    def __init__(self) -> None:
        self.cpu: defaultdict[str, float] = defaultdict(float)
        self.wall: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def on(self, part: str) -> Iterator[None]:
        """Count what the block takes."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.cpu[part] += time.process_time() - cpu
        self.wall[part] += time.perf_counter() - wall


def enter(store: Store, people: int) -> None:
    """A day of papers, and so many subscribers."""
    store.papers.ingest(invented.items(invented.papers(PAPERS)))
    (like,) = invented.people(1)
    for start in range(0, people, 25_000):
        store.subscribers.add_alike(
            [
                Newcomer(each, f"{each}@example.org", f"{number:064x}", "", like, ())
                for number, each in enumerate(ids(start, min(25_000, people - start)))
            ]
        )


def ids(start: int, count: int) -> list[str]:
    """Subscribers' ids, in the order they come."""
    return [f"s_{number:020x}" for number in range(start, start + count)]


def patterns() -> list[Digest]:
    """Digests that differ, as long as they are not everybody's: ids and times come later."""
    chance = random.Random(5)
    papers = {each.id: each for each in invented.papers(PAPERS)}
    words = [word for each in papers.values() for word in each.title.split()]
    return [
        replace(digest, picks=tuple(_picks(digest, papers, chance.sample(words, 3), chance)))
        for digest in invented.digests(list(papers.values()), invented.people(DIFFERENT))
    ]


def _picks(
    digest: Digest, papers: Mapping[str, Paper], keywords: Sequence[str], chance: random.Random
) -> Iterator[Pick]:
    """The picks of someone with two topics, three keywords and some likes: three reasons each."""
    topics = chance.sample(invented.CATEGORIES, 2)
    for each in digest.picks:
        paper = papers[each.paper_id]
        like = tuple(paper.title.split()[:3])
        found = [
            (ReasonKind.TOPIC, chance.choice(topics), ()),
            (ReasonKind.KEYWORD, chance.choice(keywords), ()),
            (ReasonKind.WORDS, "", like),
            (ReasonKind.AUTHOR, paper.authors[0], ()),
        ]
        reasons = tuple(
            Reason(kind=kind, what=what, amount=chance.uniform(0.1, 4), words=words)
            for kind, what, words in found[: chance.choice((2, 3, 3, 3, 4))]
        )
        yield Pick(paper_id=paper.id, score=sum(each.amount for each in reasons), reasons=reasons)


def of_day(day: int, start: int, count: int, made: Sequence[Digest]) -> list[Digest]:
    """A block of a day's digests."""
    later = timedelta(days=day)
    edition = (invented.NOW + later).date().isoformat()
    return [
        replace(
            made[(start + place + day) % DIFFERENT],
            id=f"{person}.{edition}",
            subscriber_id=person,
            edition=edition,
            since=invented.NOW - timedelta(days=1) + later,
            until=invented.NOW + later,
            composed_at=invented.NOW + later,
        )
        for place, person in enumerate(ids(start, count))
    ]


def compose(store: Store, digests: Sequence[Digest]) -> None:
    """Keep a block and queue it."""
    expires = digests[0].composed_at + timedelta(hours=18)
    due = digests[0].composed_at + timedelta(days=1)
    store.ledger.compose(
        [(each, expires) for each in digests],
        next_due={each.subscriber_id: due for each in digests},
        send_from={},
        message_ids={each.id: f"<{each.id}@{DOMAIN}>" for each in digests},
    )


def insert(db: Database, digests: Sequence[Digest]) -> None:
    """The same block as rows, with JSON for what is nested."""
    db["digests"].insert_all(
        [
            {
                "id": each.id,
                "subscriber_id": each.subscriber_id,
                "edition": each.edition,
                "mood": each.mood.value,
                "since": each.since,
                "until": each.until,
                "picks": [
                    [
                        pick.paper_id,
                        pick.score,
                        [(why.kind, why.what, why.amount, why.words) for why in pick.reasons],
                    ]
                    for pick in each.picks
                ],
                "rest": each.rest,
                "announced": each.announced,
                "matched": each.matched,
                "withheld": each.withheld,
                "composed_at": each.composed_at,
            }
            for each in digests
        ],
        pk="id",
        batch_size=BLOCK,
    )


def send(store: Store, day: int, spent: Spent) -> int:
    """Claim and settle everything that is due; how many."""
    now = invented.NOW + timedelta(days=day)
    until = now + timedelta(minutes=15)
    total = 0
    while True:
        with spent.on("claim"):
            block = store.ledger.claim(now, owner="bench", limit=BLOCK, lease=900)
        if not block:
            return total
        lease = block[0].lease
        with spent.on("offer and settle"):
            for start in range(0, len(block), GROUP):
                group = block[start : start + GROUP]
                assert store.ledger.offer(group, lease=lease, now=now, until=until)
                total += store.ledger.settle(
                    [
                        Receipt(
                            digest_id=each.digest.id,
                            outcome=Outcome.ACCEPTED,
                            code=250,
                            reply="2.0.0 Ok: queued",
                            at=now,
                        )
                        for each in group
                    ],
                    lease=lease,
                    until=until,
                )


def size(path: Path) -> int:
    """Bytes of a database whose log has been taken in."""
    db = Database(path)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return path.stat().st_size


def measure(folder: Path, people: int, days: int) -> None:
    ours, theirs = folder / "digest.db", folder / "json.db"
    store, db = open_store(ours), Database(theirs)
    db.enable_wal()
    store.migrate()
    enter(store, people)
    made = patterns()
    gc.collect()
    gc.freeze()
    print(f"{people:,} digests of 10 picks and 10 titles{'':5}bytes a digest  (JSON rows)")
    spent = Spent()
    for day in range(days):
        before, others = size(ours), size(theirs)
        for start in range(0, people, BLOCK):
            block = of_day(day, start, min(BLOCK, people - start), made)
            with spent.on("compose"):
                compose(store, block)
            with spent.on("sqlite-utils insert_all"):
                insert(db, block)
        assert send(store, day, spent) == people
        grown, other = (size(ours) - before) / people, (size(theirs) - others) / people
        print(f"day {day + 1:<40}{grown:15.0f}{other:13.0f}")
    assert store.ledger.counts()["sent"] == people * days
    store.close()
    db.close()
    print(
        f"to reach: {TO_REACH} without the titles, which are {2 * TITLES} of it\n\n{'µs a digest':28}{'CPU':>8}{'wall':>8}"
    )
    for part in spent.cpu:
        cpu, wall = (each[part] / people / days * 1e6 for each in (spent.cpu, spent.wall))
        print(f"{part:28}{cpu:8.1f}{wall:8.1f}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--people", type=int, default=100_000)
    options.add_argument("--days", type=int, default=2)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), given.people, given.days)


if __name__ == "__main__":
    main()
