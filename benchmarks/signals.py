"""What topics, dislikes and keywords that say little do beside what a dataset knows of people.

    python benchmarks/signals.py DATASET [--set arx]

DATASET is a folder as `digest evaluate` reads them, with answers. People in it have likes and keywords
alone, so the rest is made up: the commonest category of someone's likes as a topic, a dislike of a paper
that ranks among their first 20 on another day and that they never took, "learning" as a keyword. nDCG@10
is that of all candidates by score, as it is and with what keeps the signal small left out. Then, of the
papers with a chance between two bounds, how many of 100 were taken. It takes ten minutes.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np

from digest.evaluation import datasets, measures
from digest.evaluation.datasets import NEWEST, Dataset, Material, Task
from digest.model import Interest, InterestKind, Profile
from digest.model.digests import OFFSET
from digest.ranking import profiles
from digest.ranking.linear import LinearRanker
from digest.ranking.profiles import Weights
from digest.ranking.space import Space, learn

BLOCK = 256
FIRST = 20
BOUNDS = ((0.1, 0.3), (0.3, 0.6), (0.8, 1.0))
HALF_OF_LIKES = 30.0
HARDLY_TELLING = "learning"

Given = Callable[[Task], Sequence[Interest]]
Scored = tuple[Task, Sequence[str], np.ndarray]


@dataclass(frozen=True)
class Bench:
    """A set of a dataset, and the space learned from its past."""

    dataset: Dataset
    material: Material
    tasks: Sequence[Task]
    space: Space

    def scored(self, variant: str, given: Given, weights: Weights = Weights()) -> Iterator[Scored]:  # noqa: B008 - immutable
        """Every answered task of a variant with its candidates' ids and scores; likes are left out."""
        ranker = LinearRanker(topics={}, space=self.space, weights=weights)
        by_day: dict[str, list[Task]] = defaultdict(list)
        for each in self.tasks:
            if each.variant == variant and each.relevant:
                by_day[each.day].append(each)
        for day, asked in sorted(by_day.items()):
            for start in range(0, len(asked), BLOCK):
                part = asked[start : start + BLOCK]
                yield from self._day(ranker, day, part, [_profile(each, given) for each in part])

    def _day(
        self, ranker: LinearRanker, day: str, tasks: Sequence[Task], block: Sequence[Profile]
    ) -> Iterator[Scored]:
        said = (InterestKind.LIKE, InterestKind.DISLIKE)
        named = {i.value for each in block for kind in said for i in each.of(kind)}
        candidates = self.material.candidates(self.dataset.days[day], named)
        ids = [each.id for each in candidates.papers]
        for task, scores in zip(tasks, ranker.scores(block, candidates), strict=True):
            fresh = ~np.isin(ids, task.likes)
            yield task, [each for each, new in zip(ids, fresh, strict=True) if new], scores[fresh]

    def topic(self, task: Task) -> Sequence[Interest]:
        """The commonest category of what somebody likes."""
        papers = (self.material.papers.get(each) for each in task.likes)
        counts = Counter(each.categories[0] for each in papers if each and each.categories)
        return [_interest(InterestKind.TOPIC, name) for name, _ in counts.most_common(1)]

    def dislike(self, variant: str) -> Given:
        """A paper that ranks among somebody's first on another day, and was never taken."""
        taken: dict[str, set[str]] = defaultdict(set)
        for each in self.tasks:
            taken[each.person].update(each.relevant)
        first: dict[tuple[str, str], str] = {}
        for task, ids, scores in self.scored(variant, nothing):
            best = (ids[at] for at in np.argsort(-scores, kind="stable")[:FIRST])
            other = next((each for each in best if each not in taken[task.person]), None)
            if other is not None:
                first[task.person, task.day] = other

        def given(task: Task) -> Sequence[Interest]:
            found = (
                paper
                for (person, day), paper in first.items()
                if person == task.person
                and day != task.day
                and paper not in self.dataset.days[task.day]
            )
            return [_interest(InterestKind.DISLIKE, each) for each in list(found)[:1]]

        return given


def nothing(_task: Task) -> Sequence[Interest]:
    """No more than the dataset knows."""
    return ()


def says_little(_task: Task) -> Sequence[Interest]:
    """A keyword that every third paper has."""
    return [_interest(InterestKind.KEYWORD, HARDLY_TELLING)]


def _interest(kind: InterestKind, value: str) -> Interest:
    return Interest(kind=kind, value=value, added_at=NEWEST)


def _profile(task: Task, given: Given) -> Profile:
    profile = task.interests()
    return replace(profile, interests=(*profile.interests, *given(task)))


@contextmanager
def in_full() -> Iterator[None]:
    """Topics that do not fade, keywords that all tell as much, kinds that add up."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(profiles, "TOPICS_STAY", 1.0))
        stack.enter_context(patch.object(profiles, "LEAST_TELLING", 1.0))
        stack.enter_context(patch.object(profiles, "trust", _ones))
        yield


def _ones(block: Sequence[Profile], *_: object) -> np.ndarray:
    return np.ones(len(block), np.float32)


def ndcg(scored: Iterator[Scored]) -> float:
    """The mean over each person's days, then over people."""
    found: dict[str, list[float]] = defaultdict(list)
    for task, ids, scores in scored:
        order = [ids[at] for at in np.argsort(-scores, kind="stable")[:200]]
        found[task.person].append(measures.measured(order, task.relevant)[0])
    return float(np.mean([np.mean(each) for each in found.values()]))


def taken(scored: Iterator[Scored]) -> str:
    """Of 100 papers with a chance between two bounds, how many were taken."""
    counts, hits = np.zeros(len(BOUNDS)), np.zeros(len(BOUNDS))
    for task, ids, scores in scored:
        chances = 1 / (1 + np.exp(OFFSET - scores))
        wanted = np.isin(ids, sorted(task.relevant))
        for at, (low, high) in enumerate(BOUNDS):
            there = (chances >= low) & (chances < high)
            counts[at] += there.sum()
            hits[at] += wanted[there].sum()
    return " ".join(f"{100 * hit / max(n, 1):7.0f}" for hit, n in zip(hits, counts, strict=True))


def report(bench: Bench, variants: Sequence[str]) -> Iterator[str]:
    """The lines for a set."""
    yield f"{'nDCG@10':24}{'without':>9}{'with':>9}{'in full':>9}"
    for variant in variants:
        signals = {"a topic": bench.topic, "a dislike": bench.dislike(variant)}
        if variant.startswith("kw"):
            signals = {f'"{HARDLY_TELLING}"': says_little}
        before = ndcg(bench.scored(variant, nothing))
        for name, given in signals.items():
            after = ndcg(bench.scored(variant, given))
            with in_full():
                whole = ndcg(bench.scored(variant, given, Weights(dislike=HALF_OF_LIKES)))
            yield f"{variant + ' and ' + name:24}{before:9.4f}{after:9.4f}{whole:9.4f}"
    bounds = " ".join(f"{100 * low:.0f}-{100 * high:.0f} %".rjust(7) for low, high in BOUNDS)
    yield f"\n{'taken of 100':24} {bounds}   in full"
    for variant in variants:
        likes = any(each.likes for each in bench.tasks if each.variant == variant)
        for name, given in (("", nothing), *((" and a topic", bench.topic),) * likes):
            now = taken(bench.scored(variant, given))
            with in_full():
                as_it_was = taken(bench.scored(variant, given))
            yield f"{variant + name:24} {now} {as_it_was}"


def main() -> None:
    """Read, learn and report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--set", action="append", help="only this set")
    asked = parser.parse_args()
    dataset = datasets.read(asked.dataset)
    for name in asked.set or dataset.collections:
        material = datasets.material(dataset, name)
        tasks = [each for each in dataset.tasks if each.collection == name]
        space = learn(material.background)
        bench = Bench(dataset, material, tasks, space)
        print(f"\n{name}")
        for line in report(bench, sorted({each.variant for each in tasks})):
            print(line, flush=True)


if __name__ == "__main__":
    main()
