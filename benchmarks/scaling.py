"""A morning for 1,000 to 1,000,000 people: what one costs, and what a process holds.

    python benchmarks/scaling.py [--people 1000 10000 100000] [--papers 2000]

Everyone follows one to three topics, two of three have a keyword, and two of three like 3 to 40
papers, whose tastes are kept as on every day but that of a new signal (so that the making of the
database ends some day, a thousand tastes are shared out). A process of its own composes the day's
edition, then delivers it to nobody: claims, receipts and all, with one short text in place of each
mail, since `delivery.py` measures rendering and handing over. Each size has its own database.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import invented

from digest.cli import OBJECTS_BEFORE_LOOKING
from digest.model import Interest, InterestKind, Item, Message, Outcome, Paper, Profile, Receipt
from digest.pipeline import composing, delivering
from digest.ranking import space as spaces
from digest.ranking.linear import LinearRanker
from digest.store import open_store

ARCHIVE = 3_000
TASTES = 1_000
BLOCK = 500
EDITION = "2026-06-10"
AFTER = invented.NOW.replace(hour=23)
HERE = Path(__file__).resolve()


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


def morning(path: Path) -> None:
    """Compose the edition and deliver it to nobody; prints seconds of each and the most memory."""
    gc.set_threshold(OBJECTS_BEFORE_LOOKING, 50, 50)
    store = open_store(path)
    content = store.spaces.load()
    assert content is not None
    ranker = LinearRanker(topics={}, space=spaces.loads(content), explore=1)
    began = time.process_time()
    composed = composing.compose_edition(
        store, ranker, EDITION, now=AFTER, block=BLOCK, domain="digest.example"
    )
    composing_took = time.process_time() - began
    began = time.process_time()
    delivered = delivering.deliver(
        store,
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
        owner="benchmark",
        block=BLOCK,
        bounced=lambda _: None,
    )
    delivering_took = time.process_time() - began
    assert composed.digests == delivered.accepted, (composed, delivered)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(composed.digests, composing_took, delivering_took, memory)
    store.close()


def ran(*arguments: object) -> str:
    """What this file prints as a process of its own, on one core."""
    return subprocess.run(
        [sys.executable, str(HERE), *map(str, arguments)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parents[1])},
    ).stdout


def size(path: Path) -> int:
    return sum(each.stat().st_size for each in path.parent.glob(f"{path.name}*"))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--people", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    options.add_argument("--papers", type=int, default=2_000)
    options.add_argument("--prepare", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--morning", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.prepare:
        return prepare(given.prepare, given.people[0], given.papers)
    if given.morning:
        return morning(given.morning)
    print(f"{given.papers:,} papers; processor time a person, on one core\n")
    print(
        f"{'people':>10}{'compose µs':>12}{'deliver µs':>12}{'most MB':>9}"
        f"{'minutes':>9}{'bytes a digest':>16}{'time':>7}{'memory':>8}"
    )
    first: tuple[float, float] | None = None
    for people in given.people:
        folder = Path(tempfile.mkdtemp(prefix="scaling-"))
        try:
            path = folder / "digest.db"
            ran("--prepare", path, "--people", people, "--papers", given.papers)
            before, began = size(path), time.perf_counter()
            count, compose, deliver, memory = map(float, ran("--morning", path).split())
            wall = time.perf_counter() - began
            each = (compose + deliver) / count
            first = first or (each, memory)
            print(
                f"{people:10,}{1e6 * compose / count:12,.0f}{1e6 * deliver / count:12,.0f}"
                f"{memory:9,.0f}{wall / 60:9.1f}{(size(path) - before) / count:16,.0f}"
                f"{each / first[0]:6.2f}×{memory / first[1]:7.2f}×",
                flush=True,
            )
        finally:
            shutil.rmtree(folder)
    return None


if __name__ == "__main__":
    main()
