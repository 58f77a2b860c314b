"""An arXiv list of 1,101 items, parsed by Digest and by feedparser, with the same papers found.

    python benchmarks/parsing.py [FOLDER] [--rounds 5]

Without FOLDER the list is invented; with it, every `*.xml` in it is read instead. Ratios by
processor time. At last a list of 2,000 items is read, deduplicated and stored.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

import feedparser
import invented
import rounds

from digest.model import Listing
from digest.parsing import parse_feed
from digest.sources.arxiv import Arxiv
from digest.store import open_store
from digest.text import html_to_text


def check(body: bytes) -> None:
    """Both must find the same ids, titles and authors, in the same order."""
    ours, theirs = parse_feed(body).entries, feedparser.parse(body).entries
    assert [each.id for each in ours] == [each.id for each in theirs]
    assert [each.title for each in ours] == [html_to_text(each.title) for each in theirs]
    assert [list(each.authors) for each in ours] == [[each.author] for each in theirs]


def ingest(items: int, turns: int) -> None:
    """Read, deduplicate and store a list, then the same one again."""
    body = invented.rss(invented.papers(items))
    source = Arxiv(name="arxiv")
    taken: dict[str, list[tuple[float, float]]] = {"read": [], "stored": [], "stored again": []}
    listing = Listing(source="arxiv", url="https://rss.example.org/cs", body=body)
    harvest = source.parse(listing)
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(turns):
            store = open_store(Path(folder) / f"{turn}.db")
            store.migrate()
            taken["read"].append(rounds.timed(partial(source.parse, listing)))
            keep = partial(store.papers.ingest, harvest.items)
            taken["stored"].append(rounds.timed(keep))
            taken["stored again"].append(rounds.timed(keep))
            assert store.counts()["papers"] == items
            store.close()
    print(f"\na list of {items:,} items{'':14}{'seconds':>10}{'CPU s':>8}")
    for name, each in taken.items():
        wall, cpu = (median(column) for column in zip(*each, strict=True))
        print(f"{name:36}{wall:10.3f}{cpu:8.3f}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder", nargs="?", type=Path)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    if given.folder:
        lists = {path.name: path.read_bytes() for path in sorted(given.folder.glob("*.xml"))}
    else:
        lists = {"invented": invented.rss(invented.papers(1_101))}
    print(f"{'list':28}{'items':>7}{'digest ms':>11}{'feedparser ms':>15}{'ratio':>7}")
    for name, body in lists.items():
        check(body)
        taken = rounds.interleaved(
            {
                "digest": partial(parse_feed, body),
                "feedparser": partial(feedparser.parse, body),
            },
            rounds=given.rounds,
        )
        ours, theirs = taken["digest"], taken["feedparser"]
        count = len(parse_feed(body).entries)
        print(
            f"{name:28}{count:7}{ours.work * 1e3:11.1f}{theirs.work * 1e3:15.1f}"
            f"{rounds.work_ratio(ours, theirs):7.1f}"
        )
    print("to reach: 20")
    ingest(2_000, given.rounds)


if __name__ == "__main__":
    main()
