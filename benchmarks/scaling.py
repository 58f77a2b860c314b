"""A morning for 1,000 to 1,000,000 people: what one costs, and what a process holds.

    python benchmarks/scaling.py [--people 1000 10000 100000] [--papers 2000] [--processes 1] [--sink]

Everyone follows one to three topics, two of three have a keyword, and two of three like 3 to 40
papers, whose tastes are kept as on every day but that of a new signal (so that the making of the
database ends some day, a thousand tastes are shared out). The day's edition is composed, then
delivered to nobody: claims, receipts and all, with one short text in place of each mail, since
`delivery.py` measures rendering and handing over. With `--sink` all of it goes out once more, real
mails through Postfix's `smtp-sink`, which counts them. Each size has its own database, and each
part a process of its own, with as many processes of its own as are asked for.

Making the database of a million people takes minutes and 9 GB: `--keep FOLDER` leaves
databases there, and takes those that are.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import resource
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import IO

import invented

from digest import config
from digest.app import App
from digest.app.processes import run
from digest.cli import OBJECTS_BEFORE_LOOKING
from digest.model import Interest, InterestKind, Item, Message, Outcome, Paper, Profile, Receipt
from digest.pipeline import delivering
from digest.pipeline.delivering import Delivered
from digest.ranking import space as spaces
from digest.ranking.linear import LinearRanker
from digest.store import open_store

ARCHIVE = 3_000
TASTES = 1_000
BLOCK = 500
EDITION = "2026-06-10"
AFTER = invented.NOW.replace(hour=23)
HERE = Path(__file__).resolve()

Asked = Callable[[], bool]
Told = Callable[[int], object]


def never() -> bool:
    return False


def prepare(path: Path, people: int, papers: int) -> None:
    """A database with an archive, a space learned from it, a day's papers and so many people."""
    chance = random.Random(5)
    made = [
        replace(each, categories=tuple(fields(chance, 3)))
        for each in invented.papers(ARCHIVE + papers, length=(90, 160))
    ]
    old, new = made[:ARCHIVE], made[ARCHIVE:]
    before = invented.NOW - timedelta(days=9)
    store = open_store(path)
    store.migrate()
    store.papers.ingest(seen(old, before))
    store.papers.ingest(invented.items(new))
    learned = spaces.learn(old)
    store.spaces.keep(
        learned.name, spaces.dumps(learned), before, papers=ARCHIVE, dimensions=learned.dimensions
    )
    vectors = spaces.pack(learned.dense(learned.tfidf(spaces.terms_of(each) for each in old)))
    store.spaces.put(learned.name, dict(zip((each.id for each in old), vectors, strict=True)))
    ranker = LinearRanker(topics={}, space=learned)
    words = [each.title.split()[0] for each in old[:400]]
    tastes = list(liked(old, chance))
    known = {each.id: each for each in old}
    kept = ranker.learned(tastes, known, {})
    everyone = iter(invented.people(people))
    while block := list(islice(everyone, 10_000)):
        own = [chance.choice(tastes) for _ in block]
        rows = [
            (person, (*taste.interests, *said(words, chance)))
            for person, taste in zip(block, own, strict=True)
        ]
        store.subscribers.add(rows)
        store.spaces.keep_tastes(
            ranker.keeps,
            {
                person.id: kept[taste.subscriber_id]
                for person, taste in zip(block, own, strict=True)
            },
            [Profile(subscriber_id=person.id, interests=interests) for person, interests in rows],
        )
    store.close()


def seen(made: Sequence[Paper], at: datetime) -> list[Item]:
    """The papers as announced at another time."""
    return [
        replace(each, announcement=replace(each.announcement, day=at.date(), seen_at=at))
        for each in invented.items(made)
    ]


def liked(old: Sequence[Paper], chance: random.Random) -> Iterator[Profile]:
    """What a thousand people like: a third nothing, the others 3 to 40 papers."""
    for number in range(TASTES):
        count = chance.choice((0, 0, 0, 3, 5, 5, 10, 20, 40))
        yield Profile(
            subscriber_id=f"taste {number}",
            interests=tuple(
                interest(InterestKind.LIKE, each.id) for each in chance.sample(old, count)
            ),
        )


def fields(chance: random.Random, most: int) -> list[str]:
    """One to `most` of forty fields, the first of which have the most papers and readers."""
    count = chance.randint(1, most)
    return list(dict.fromkeys(f"field.{int(40 ** chance.random())}" for _ in range(count)))


def said(words: Sequence[str], chance: random.Random) -> Iterator[Interest]:
    """One to three topics, a keyword for two of three."""
    for each in fields(chance, 3):
        yield interest(InterestKind.TOPIC, each)
    if chance.random() < 2 / 3:
        yield interest(InterestKind.KEYWORD, chance.choice(words))


def interest(kind: InterestKind, value: str) -> Interest:
    return Interest(kind=kind, value=value, added_at=invented.NOW - timedelta(days=30))


class Nobody:
    """A transport that takes everything and sends nothing."""

    def send(
        self, messages: Iterable[Message], now: datetime, *, held: Callable[[], bool]
    ) -> Iterator[Receipt]:
        """One receipt a message, in order."""
        if held():
            for each in messages:
                yield Receipt(
                    digest_id=each.digest_id,
                    outcome=Outcome.ACCEPTED,
                    code=250,
                    reply="2.0.0 Ok",
                    at=now,
                )

    def close(self) -> None:
        """Nothing to close."""


def application(path: Path, processes: int, port: int = 0) -> App:
    """The application as an operator would set it up, at the hour of the edition."""
    overrides = {
        "db": str(path),
        "site.url": "https://digest.example",
        "mail.from": "digest@digest.example",
        "ranking.processes": processes,
        "smtp.processes": processes,
        "smtp.url": f"smtp://127.0.0.1:{port}?security=none",
        "smtp.per_connection": 10_000,
    }
    return App(config.load(None, environment={}, overrides=overrides), clock=lambda: AFTER)


def compose(path: Path, processes: int) -> int:
    """Compose the edition; how many digests."""
    with application(path, processes) as app:
        return app.compose_edition(EDITION).digests


def to_nobody(app: App, *, stopping: Asked = never, progress: Told = print) -> Delivered:
    """Deliver what waits to nobody."""
    return delivering.deliver(
        app.store,
        Nobody(),
        lambda _: (
            lambda envelope: Message(
                digest_id=envelope.digest.id,
                sender="digest@digest.example",
                recipient=envelope.subscriber.email,
                content=b"Subject: A day\r\n\r\nA short text.\r\n",
            )
        ),
        clock=lambda: AFTER,
        rng=random.Random(1),
        owner=app.owner,
        block=BLOCK,
        bounced=lambda _: None,
        stopping=stopping,
        progress=progress,
    )


def deliver(path: Path, processes: int) -> int:
    """Deliver the edition to nobody; how many mails."""
    with application(path, processes) as app:
        done = run(
            app.settings,
            [to_nobody] * processes,
            name="benchmark",
            stopping=never,
            progress=lambda _: None,
        )
    return sum(each.accepted for each in done if each)


def send(path: Path, processes: int) -> int:
    """Deliver the edition through `smtp-sink`; how many mails it took."""
    port = free_port()
    counted = path.with_suffix(".counted")
    # Processes that send go by the clock on the wall, by which the invented day is over.
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE outbox SET expires_at = unixepoch() + 86400")
    with (
        counted.open("wb") as told,
        sink(port, told),
        application(path, processes, port) as app,
    ):
        done = app.deliver()
    seen = int(counted.read_bytes().rpartition(b"mesg=")[2].split()[0])
    assert seen == done.accepted, (seen, done)
    return seen


@contextmanager
def sink(port: int, told: IO[bytes]) -> Iterator[None]:
    """A mail server that takes everything, keeps nothing, and counts."""
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen(["smtp-sink", "-c", *user, f"127.0.0.1:{port}", "200"], stdout=told)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                assert process.poll() is None, "smtp-sink has ended"
                time.sleep(0.05)
            else:
                break
        yield
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


PARTS = {"compose": compose, "deliver": deliver, "send": send}


def measured(part: str, path: Path, processes: int) -> None:
    """Do a part; prints how many it was for, seconds on the wall and of processors, and memory.

    That is the most that a process of its own held, and what the one that started them did.
    """
    gc.set_threshold(OBJECTS_BEFORE_LOOKING, 50, 50)
    began = time.perf_counter(), time.process_time()
    count = PARTS[part](path, processes)
    wall, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
    own, below = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu += below.ru_utime + below.ru_stime
    most = max(own.ru_maxrss, below.ru_maxrss)
    print(count, wall, cpu, most / 1024, own.ru_maxrss / 1024)


def ran(*arguments: object) -> str:
    """What this file prints as a process of its own."""
    return subprocess.run(
        [sys.executable, str(HERE), *map(str, arguments)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
    ).stdout


def size(path: Path) -> int:
    return sum(each.stat().st_size for each in path.parent.glob(f"{path.name}*"))


def states(path: Path) -> str:
    """How many rows of the outbox stand where."""
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT state, count(*) FROM outbox GROUP BY state").fetchall()
    return ", ".join(f"{count:,} {state}" for state, count in rows)


def whole(path: Path, people: int, processes: int, *, sends: bool) -> tuple[float, float]:
    """All parts for one size, a line each; seconds a person and megabytes, but for sending."""
    before, seconds, most = size(path), 0.0, 0.0
    for part in PARTS if sends else list(PARTS)[:-1]:
        used = path
        if part == "deliver" and sends:  # what was delivered to nobody could not be sent any more
            used = Path(shutil.copy(path, path.with_suffix(".nobody")))
        found = ran("--part", part, "--db", used, "--processes", processes).split()
        count, wall, cpu, memory, parent = map(float, found)
        assert count == people, (part, count)
        if part != "send":
            seconds, most = seconds + cpu / count, max(most, memory)
        print(
            f"{people:10,}  {part:9}{1e6 * cpu / count:8,.0f}{wall:9,.0f}{memory:9,.0f}"
            f"{parent:9,.0f}{(size(used) - before) / count:10,.0f}  {states(used)}",
            flush=True,
        )
        if used != path:
            for each in path.parent.glob(f"{used.name}*"):
                each.unlink()
    return seconds, most


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--people", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    options.add_argument("--papers", type=int, default=2_000)
    options.add_argument("--processes", type=int, default=1)
    options.add_argument("--sink", action="store_true")
    options.add_argument("--keep", type=Path)
    options.add_argument("--prepare", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    options.add_argument("--db", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.prepare:
        return prepare(given.prepare, given.people[0], given.papers)
    if given.part:
        return measured(given.part, given.db, given.processes)
    if given.sink and shutil.which("smtp-sink") is None:
        sys.exit("smtp-sink is not installed (Debian: apt install postfix)")
    print(f"{given.papers:,} papers, {given.processes} processes; ratios are to the first size\n")
    print(
        f"{'people':>10}  {'part':9}{'CPU µs':>8}{'wall s':>9}{'most MB':>9}{'parent':>9}"
        f"{'bytes':>10}  ledger"
    )
    first: tuple[float, float] | None = None
    if given.keep:
        given.keep.mkdir(parents=True, exist_ok=True)
    for people in given.people:
        folder = Path(tempfile.mkdtemp(prefix="scaling-", dir=given.keep))
        try:
            path = folder / "digest.db"
            made = (given.keep or folder) / f"{people}-{given.papers}.db"
            if not made.exists():
                ran("--prepare", made, "--people", people, "--papers", given.papers)
            shutil.copy(made, path)
            found = whole(path, people, given.processes, sends=given.sink)
            first = first or found
            print(f"{'':12}time {found[0] / first[0]:.2f}×, memory {found[1] / first[1]:.2f}×\n")
        finally:
            shutil.rmtree(folder)
    return None


if __name__ == "__main__":
    main()
