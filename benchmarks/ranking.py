"""What it costs to rank a day's papers for a subscriber, beside one linear SVM a subscriber.

    python benchmarks/ranking.py [FOLDER] [--papers 2000] [--rounds 5]

Processor time on one core a subscriber, 256 at a time:

- scores: ours, from the tastes that an installation keeps (scores alone);
- rank: the same with ten picks arranged and their reasons;
- learning: what somebody's likes are made into, once after each signal;
- svm: arxiv-sanity-lite's recipe, a machine fitted to each profile and asked about the papers.

What is made once a paper is at hand before the clock starts. All are timed one after another in
each round, and the medians of the rounds compared, so that a busy machine is busy for all of them.
FOLDER is a dataset as `digest evaluate` reads them (its first set); without one, papers are
invented: themes that have Zipf vocabularies of their own, and readers of one to three of them.
"""

from __future__ import annotations

import argparse
import gc
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from time import process_time

from threadpoolctl import threadpool_limits

from digest.cli import OBJECTS_BEFORE_LOOKING
from digest.evaluation import datasets
from digest.evaluation.baselines import SupportVectors
from digest.evaluation.words import Corpus
from digest.model import Interest, InterestKind, Paper, Profile
from digest.ports import Candidates
from digest.ranking.linear import LinearRanker
from digest.ranking.space import learn, pack, terms_of

BLOCK = 256
LIKES = 25
ARCHIVE = 3_000
MACHINES = 4
PICKS = 10
THEMES = 24
WORDS = 1_200
COMMON = 4_000
NOW = datetime(2026, 6, 10, 4, tzinfo=UTC)


@dataclass(frozen=True)
class Material:
    background: Sequence[Paper]
    papers: Sequence[Paper]
    profiles: Sequence[Profile]
    liked: Mapping[str, Paper]


def invented(papers: int) -> Material:
    """An archive, a day's papers and people who like 25 of the archive."""
    chance = random.Random(7)
    archive = list(islice(written("old", chance), ARCHIVE))
    by_theme: dict[str, list[str]] = {}
    for each in archive:
        by_theme.setdefault(each.categories[0], []).append(each.id)
    profiles = []
    for person in range(BLOCK):
        own = chance.sample(sorted(by_theme), chance.randint(1, 3))
        near = [name for theme in own for name in by_theme[theme]]
        profiles.append(profile(f"reader {person}", chance.sample(near, LIKES)))
    return Material(
        background=archive,
        papers=list(islice(written("new", chance), papers)),
        profiles=profiles,
        liked={each.id: each for each in archive},
    )


def written(kind: str, chance: random.Random) -> Iterator[Paper]:
    """Papers without end: half of their words a theme's own, half everyone's."""
    number = 0
    while True:
        theme = chance.randrange(THEMES)
        words = [
            *(f"own{theme}x{zipf(chance, WORDS)}" for _ in range(90)),
            *(f"all{zipf(chance, COMMON)}" for _ in range(90)),
        ]
        chance.shuffle(words)
        yield Paper(
            id=f"{kind}-{number}",
            title=" ".join(words[:9]),
            abstract=" ".join(words[9:]),
            authors=tuple(f"Author {chance.randrange(20_000)}" for _ in range(4)),
            categories=(f"theme.{theme}",),
            published=NOW - timedelta(minutes=number),
        )
        number += 1


def zipf(chance: random.Random, words: int) -> int:
    """A word by rank: one of rank r is drawn as often as 1/r, nearly."""
    return int(words ** chance.random()) - 1


def profile(name: str, likes: Sequence[str]) -> Profile:
    interests = tuple(
        Interest(kind=InterestKind.LIKE, value=each, added_at=NOW - timedelta(days=day))
        for day, each in enumerate(likes)
    )
    return Profile(subscriber_id=name, interests=interests, limit=PICKS)


def read(folder: Path, papers: int) -> Material:
    """A dataset's first set: so many of its days' papers as one day's, and its longest profiles."""
    dataset = datasets.read(folder)
    name = dataset.collections[0]
    held = datasets.material(dataset, name)
    day = sorted({each for day in dataset.days.values() for each in day} & held.papers.keys())
    tasks = {each.profile: each for each in dataset.tasks if each.collection == name and each.likes}
    longest = sorted(tasks.values(), key=lambda each: -len(each.likes))[:BLOCK]
    return Material(
        background=held.background,
        papers=[held.papers[each] for each in day[:papers]],
        profiles=[profile(each.profile, each.likes) for each in longest],
        liked={
            name: held.papers[name]
            for each in longest
            for name in each.likes
            if name in held.papers
        },
    )


def ways(material: Material) -> dict[str, Callable[[], float]]:
    """What is timed, by name: each runs once and says what a subscriber cost."""
    people = material.profiles
    space = learn(material.background)
    ranker = LinearRanker(topics={}, space=space)
    plain = Candidates(papers=material.papers, liked=material.liked)
    tastes = ranker.learned(people, material.liked, {})
    lying = pack(space.dense(space.tfidf(terms_of(each) for each in material.liked.values())))
    kept = Candidates(
        papers=material.papers,
        tastes={ranker.keeps: tastes},
        lying=dict(zip(material.liked, lying, strict=True)),
    )
    known = (*material.background, *material.liked.values(), *material.papers)
    everything = list({each.id: each for each in known}.values())
    machines = SupportVectors(Corpus())

    def support_vectors() -> float:
        machines.learn(material.background, everything, ())
        few = people[:: len(people) // MACHINES][:MACHINES]
        return timed(lambda: machines.scores(few, plain), len(few))

    return {
        "scores": lambda: timed(lambda: ranker.scores(people, kept), len(people)),
        "rank": lambda: timed(lambda: ranker.rank(people, kept, without={}, now=NOW), len(people)),
        "learning": lambda: timed(lambda: ranker.learned(people, material.liked, {}), len(people)),
        "svm": support_vectors,
    }


def timed(work: Callable[[], object], people: int) -> float:
    began = process_time()
    work()
    return (process_time() - began) / people


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder", type=Path, nargs="?")
    options.add_argument("--papers", type=int, default=2_000)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    material = read(given.folder, given.papers) if given.folder else invented(given.papers)
    likes = median(len(each.interests) for each in material.profiles)
    print(
        f"{len(material.papers):,} papers, {len(material.profiles)} profiles of {likes:g} likes,"
        f" {len(material.background):,} papers in the archive\n"
    )
    gc.set_threshold(OBJECTS_BEFORE_LOOKING, 50, 50)  # as the command has it
    with threadpool_limits(1):
        found = ways(material)
        for work in found.values():
            work()
        rounds = [{name: work() for name, work in found.items()} for _ in range(given.rounds)]
    costs = {name: median(each[name] for each in rounds) for name in found}
    print(f"{'':10} {'µs a subscriber':>16} {'svm takes':>12}")
    for name, cost in costs.items():
        print(f"{name:10} {1e6 * cost:16,.0f} {costs['svm'] / cost:10,.0f} ×")


if __name__ == "__main__":
    main()
