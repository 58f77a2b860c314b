"""How well searches and "similar papers" find what people would want, and what they cost.

    python benchmarks/searching.py FOLDER [--db lab.db] [--limit 300]

FOLDER holds a dataset of papers and of people's reading lists, as `digest evaluate` reads them:
`arx_papers.jsonl.gz` and `profiles.jsonl.gz`. The papers are stored and learned from (`--db` keeps
them for the next run); then each task is done twice, by words alone and with the learned space:

- title, sentence, beginning, six words: what is typed or pasted is a paper's title, a sentence of
  its abstract, the abstract's first 40 words, or six words in a row; the paper should come first;
- scattered: eight telling words of an abstract in no order;
- prefixes: its two longest words without their ends, `generaliz* interpretabi*`;
- prefix: the longest alone, which is what costs most: many papers have a word of its stem;
- heading: the heading of a reading list; its papers should be found;
- related: a paper of a list; the others should be similar to it;
- author: a name; that author's papers should be found.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import log2
from pathlib import Path
from statistics import fmean, quantiles

from digest import text
from digest.model import Announcement, AnnounceType, Item, Paper
from digest.pipeline import learning
from digest.pipeline.searching import search, similar
from digest.ports import Store
from digest.ranking import space as spaces
from digest.ranking.nearness import MOST_PAPERS, Nearness, gather
from digest.store import open_store

FOUND = 50
FEWEST_LIKED = 5
QUERIES_A_LIST = 8
SAMPLES = 1_000
MEASURES = {"related": "ndcg", "heading": "ndcg", "author": "ndcg"}


@dataclass(frozen=True)
class Task:
    kind: str
    asked: str | Paper
    wanted: frozenset[str]
    group: int


def lines(path: Path) -> Iterator[dict]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def item(row: dict) -> Item:
    day = date.fromisoformat(row["date"])
    at = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
    key = f"arxiv:{row['id']}"
    paper = Paper(
        id=key,
        title=row["title"],
        abstract=row["abstract"],
        authors=tuple(row["authors"]),
        categories=tuple(row["categories"]),
        published=at,
        identifiers=(key,),
    )
    told = Announcement(
        paper_id=key, source="arxiv", feed="cs", day=day, type=AnnounceType.NEW, seen_at=at
    )
    return Item(paper=paper, announcement=told)


def fill(store: Store, folder: Path) -> None:
    rows = sorted(lines(folder / "arx_papers.jsonl.gz"), key=lambda row: (row["date"], row["id"]))
    for start in range(0, len(rows), 2_000):
        store.papers.ingest([item(row) for row in rows[start : start + 2_000]])
    learning.learn(store, clock=lambda: datetime.now(UTC), owner="benchmark")


def libraries(folder: Path) -> list[tuple[list[str], list[str]]]:
    """Each person's longest list of likes, and their headings."""
    likes: dict[str, list[str]] = {}
    headings: dict[str, dict[str, None]] = defaultdict(dict)
    for row in lines(folder / "profiles.jsonl.gz"):
        name, person, *_, variant = row["profile"].split("-")
        if name == "arx" and variant == "full":
            likes[person] = max(likes.get(person, []), row["likes"], key=len)
        elif name == "arx" and variant == "kw":
            headings[person].update(dict.fromkeys(row["keywords"]))
    return [
        ([f"arxiv:{each}" for each in liked], list(headings[person]))
        for person, liked in likes.items()
        if len(liked) >= FEWEST_LIKED
    ]


def tasks_of_papers(papers: list[Paper], most: int, chance: random.Random) -> Iterator[Task]:
    by_author: dict[str, set[str]] = defaultdict(set)
    for paper in papers:
        for name in paper.authors:
            by_author[name].add(paper.id)
    for group, paper in enumerate(chance.sample(papers, min(most, len(papers)))):
        wanted = frozenset([paper.id])
        words = paper.abstract.split()
        long = [each for each in text.sentences(paper.abstract) if len(each.split()) > 5]
        start = chance.randrange(max(1, len(words) - 6))
        telling = sorted({each for each in text.words(paper.abstract) if len(each) > 4})
        asked = {
            "title": paper.title,
            "sentence": chance.choice(long or [paper.abstract]),
            "beginning": " ".join(words[:40]),
            "six words": " ".join(words[start : start + 6]),
            "scattered": " ".join(chance.sample(telling, min(8, len(telling)))),
        }
        begun = [f"{each[:-3]}*" for each in sorted(telling, key=len)[-2:]]
        asked |= {"prefixes": " ".join(begun), "prefix": "".join(begun[-1:])}
        yield from (Task(kind, query, wanted, group) for kind, query in asked.items())
    names = sorted(name for name, ids in by_author.items() if len(ids) > 2 and " " in name)
    for group, name in enumerate(chance.sample(names, min(most // 2, len(names)))):
        yield Task("author", name, frozenset(by_author[name]), group)


def tasks_of_people(
    people: list[tuple[list[str], list[str]]], papers: dict[str, Paper], chance: random.Random
) -> Iterator[Task]:
    for group, (liked, headings) in enumerate(people):
        every = frozenset(liked)
        for each in chance.sample(liked, min(QUERIES_A_LIST, len(liked))):
            yield Task("related", papers[each], every - {each}, group)
        yield from (Task("heading", heading, every, group) for heading in headings)


def measured(found: list[str], wanted: frozenset[str]) -> dict[str, float]:
    hits = [each in wanted for each in found]
    gained = sum(1 / log2(rank + 2) for rank, hit in enumerate(hits[:10]) if hit)
    best = sum(1 / log2(rank + 2) for rank in range(min(10, len(wanted))))
    return {
        "ndcg": gained / best,
        "mrr": next((1 / rank for rank, hit in enumerate(hits, 1) if hit), 0.0),
        "recall": sum(hits[:20]) / len(wanted),
    }


def run(store: Store, nearness: Nearness | None, task: Task) -> dict[str, float]:
    start = time.perf_counter()
    if isinstance(task.asked, Paper):
        found = similar(store, task.asked, limit=FOUND, nearness=nearness)
    else:
        hits = search(store, task.asked, limit=FOUND, nearness=nearness)
        found = [paper for paper, _ in hits]
    took = time.perf_counter() - start
    return {**measured([each.id for each in found], task.wanted), "ms": 1000 * took}


def interval(differences: dict[int, list[float]], chance: random.Random) -> tuple[float, float]:
    """Where the mean difference lies with 95 %: bootstrap over people or papers."""
    groups = list(differences.values())
    means = []
    for _ in range(SAMPLES):
        drawn = chance.choices(groups, k=len(groups))
        means.append(fmean(value for group in drawn for value in group))
    low, *_, high = quantiles(means, n=40)
    return low, high


def report(tasks: list[Task], before: list[dict], after: list[dict]) -> None:
    chance = random.Random(1)
    print("| task | n | measure | words | with the space | difference (95 %) |", end="")
    print(" recall@20 | ms, p50 | ms, p95 |\n|---|---|---|---|---|---|---|---|---|")
    for kind in dict.fromkeys(task.kind for task in tasks):
        rows = [n for n, task in enumerate(tasks) if task.kind == kind]
        key = MEASURES.get(kind, "mrr")
        differences: dict[int, list[float]] = defaultdict(list)
        for n in rows:
            differences[tasks[n].group].append(after[n][key] - before[n][key])
        low, high = interval(differences, chance)

        def told(what: Callable[[list[float]], float], name: str, form: str, rows=rows) -> str:
            one, other = (what([each[n][name] for n in rows]) for each in (before, after))
            return f"{one:{form}} → {other:{form}}"

        one, other = (fmean(each[n][key] for n in rows) for each in (before, after))
        print(
            f"| {kind} | {len(rows)} | {'nDCG@10' if key == 'ndcg' else 'MRR'} | {one:.3f} |"
            f" {other:.3f} | {other - one:+.3f} ({low:+.3f} to {high:+.3f}) |"
            f" {told(fmean, 'recall', '.3f')} | {told(_median, 'ms', '.1f')} |"
            f" {told(_late, 'ms', '.1f')} |"
        )


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _late(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def measure(store: Store, folder: Path, most: int) -> None:
    papers = list(store.spaces.archive(limit=1_000_000))
    papers.sort(key=lambda paper: paper.id)
    chance = random.Random(5)
    people = libraries(folder)
    tasks = [
        *tasks_of_papers(papers, most, chance),
        *tasks_of_people(people, {paper.id: paper for paper in papers}, chance),
    ]
    space = spaces.loads(store.spaces.load())
    start = time.perf_counter()
    nearness = gather(space, store.spaces.newest(space.name, limit=MOST_PAPERS))
    took = time.perf_counter() - start
    size = nearness.codes.nbytes / 1e6
    print(f"{len(nearness.ids)} vectors gathered in {took:.2f} s, {size:.0f} MB")
    # One after the other, so that a busy moment of the machine meets both.
    both = [(run(store, None, task), run(store, nearness, task)) for task in tasks]
    report(tasks, *([each[side] for each in both] for side in (0, 1)))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder", type=Path)
    options.add_argument("--db", type=Path, help="keep the database here, or use the one there")
    options.add_argument("--limit", type=int, default=300, help="papers to take queries from")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.db or Path(folder) / "digest.db"
        is_new = not path.exists()
        store = open_store(path)
        store.migrate()
        if is_new:
            fill(store, given.folder)
        measure(store, given.folder, given.limit)
        store.close()


if __name__ == "__main__":
    main()
