"""How long a sentence embedder takes over a day's papers, beside the words' own space.

    python benchmarks/embedding.py MODEL [--papers 500]

MODEL is what `[ranking] embedder` would be: the name of a model, or a folder. The baseline is what
every paper costs without one: its terms, weighed and placed in the low-rank space. The papers are
invented, as long as those of arXiv are: 1,400 characters of title and abstract, give or take 500.
OMP_NUM_THREADS=1 in the environment keeps everything to one core.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import time
from datetime import UTC, datetime
from html import unescape
from importlib.resources import files

from digest.errors import ConfigError
from digest.model import Paper
from digest.ranking.embedding import SentenceEmbedder
from digest.ranking.space import learn, terms_of

DAY = 1_000
BATCHES = (1, 32, 64)
START = datetime(2026, 6, 10, tzinfo=UTC)
ABSTRACT = re.compile(r"^Abstract: (.*?)</description>", re.DOTALL | re.MULTILINE)


def invent(papers: int) -> list[Paper]:
    """Papers put together from sentences of the sample listings."""
    chance = random.Random(7)
    listings = (each.read_text("utf-8") for each in files("digest.sample").iterdir())
    found = [each for listing in listings for each in ABSTRACT.findall(listing)]
    sentences = re.split(r"(?<=\.) ", unescape(" ".join(found)))
    made = []
    for number in range(papers):
        text = " ".join(chance.choices(sentences, k=30))
        title, abstract = text[:70], text[70 : int(chance.gauss(1_400, 250))]
        made.append(Paper(id=f"p{number}", title=title, abstract=abstract, published=START))
    return made


def timed(work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("model")
    options.add_argument("--papers", type=int, default=500)
    given = options.parse_args()
    papers = invent(given.papers)
    space = learn(papers)
    loading = timed(lambda: SentenceEmbedder(given.model).dimensions)
    print(f"loading took {loading:.1f} s; the machine's load is {os.getloadavg()[0]:.1f}\n")
    base = timed(lambda: space.dense(space.tfidf(terms_of(each) for each in papers)))
    print(f"{'':26} {'papers/s':>9} {f's for {DAY:,}':>12} {'times the space':>16}")
    report("the words' own space", base, base, len(papers))
    for batch in BATCHES:
        embedder = SentenceEmbedder(given.model, batch=batch)
        embedder.papers(papers[:batch])
        took = timed(lambda embedder=embedder: embedder.papers(papers))
        report(f"{embedder.name.partition(':')[2][:16]}, batch {batch}", took, base, len(papers))


def report(what: str, took: float, base: float, papers: int) -> None:
    print(f"{what:26} {papers / took:9.1f} {DAY * took / papers:12.1f} {took / base:16.0f}")


if __name__ == "__main__":
    try:
        main()
    except ConfigError as error:
        raise SystemExit(error.message) from None
