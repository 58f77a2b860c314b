"""What the list of papers shown gains and loses beside the ten best scores.

    python benchmarks/lists.py DATASET [--people 250]

DATASET is a folder as `digest evaluate` reads them, with answers. nDCG@10 of the ten papers that are
shown, for real people, and for invented ones who are two of them at once: half their keywords the
one's and half the other's, or 20 likes of one and 4 of the other, whose interest is the smaller one.
*served* is how often such a reader is shown anything that the other one of the two took (for
keywords: that each of them took). It takes five minutes.
"""

from __future__ import annotations

import argparse
import gc
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from random import Random
from unittest.mock import patch

import numpy as np

from digest.cli import OBJECTS_BEFORE_LOOKING
from digest.evaluation import datasets, measures
from digest.evaluation.datasets import Dataset, Material, Task
from digest.ports import Candidates
from digest.ranking import arranging, placing, selecting
from digest.ranking.linear import LinearRanker
from digest.ranking.sheet import Sheet
from digest.ranking.space import learn

SHOWN = 10
MANY, FEW = 20, 4
NOW = datetime(2026, 6, 10, tzinfo=UTC)


@dataclass(frozen=True)
class Way:
    """A way to make the list.

    λ is `diversity` (None: the best scores as they are, near-duplicates too), `placed` how many places
    smaller interests get at most, and with `heard` everything followed has one.
    """

    name: str
    diversity: float | None
    placed: int = 0
    heard: bool = False


WAYS = (
    Way("score alone", None),
    Way("λ = 0", 0.0),
    Way("λ = 0.3", 0.3),
    Way("λ = 0.5", 0.5),
    Way("λ = 0.3, places", 0.3, placing.MOST_PLACED),
    Way("and for what is followed", 0.3, placing.MOST_PLACED, heard=True),
)


@dataclass(frozen=True)
class Reader:
    """One task, and for each interest of its reader what was taken of it."""

    task: Task
    taken: Sequence[frozenset[str]]


def alone(tasks: Sequence[Task]) -> list[Reader]:
    """Real people."""
    return [Reader(each, (each.relevant,)) for each in tasks if each.relevant]


def by_keywords(tasks: Sequence[Task]) -> list[Reader]:
    """Two people's keywords as one reader's."""
    return [
        Reader(
            replace(
                one,
                profile=f"{one.profile}+{other.profile}",
                keywords=(*one.keywords, *other.keywords),
                relevant=one.relevant | other.relevant,
            ),
            (one.relevant, other.relevant),
        )
        for one, other in strangers(tasks)
    ]


def by_likes(tasks: Sequence[Task]) -> list[Reader]:
    """The newest 20 likes of one and the newest 4 of another, as evenly mixed as they can be."""
    made = []
    for one, other in strangers([each for each in tasks if len(each.likes) >= MANY]):
        likes = list(one.likes[:MANY])
        for n, like in enumerate(other.likes[:FEW]):
            likes.insert(n * (MANY // FEW + 1) + 1, like)
        task = replace(
            one,
            profile=f"{one.profile}+{other.profile}",
            likes=tuple(likes),
            relevant=one.relevant | other.relevant,
        )
        made.append(Reader(task, (other.relevant,)))
    return made


def strangers(tasks: Sequence[Task]) -> Iterator[tuple[Task, Task]]:
    """Pairs of a day who took nothing in common and do not belong together, one after another."""
    by_day: dict[str, list[Task]] = defaultdict(list)
    for each in tasks:
        if each.relevant:
            by_day[each.day].append(each)
    for day, found in sorted(by_day.items()):
        Random(day).shuffle(found)
        for one, other in pairwise(found):
            apart = one.relevant.isdisjoint(other.relevant)
            if apart and one.cluster != other.cluster and not set(one.likes) & set(other.likes):
                yield one, other


CASES: tuple[tuple[str, str, Callable[[Sequence[Task]], list[Reader]]], ...] = (
    ("k1", "1 like", alone),
    ("k5", "5", alone),
    ("k30", "30", alone),
    ("full", "all", alone),
    ("kw", "keywords", alone),
    ("kw5", "5 keywords", alone),
    ("kw", "keywords, two in one", by_keywords),
    ("full", "20 + 4 likes, two in one", by_likes),
)


def measured(
    dataset: Dataset, material: Material, ranker: LinearRanker, readers: Sequence[Reader], way: Way
) -> tuple[float, float]:
    """nDCG@10 of what is shown, and the part of readers who are served in all that they are."""
    values, served = [], []
    by_day: dict[str, list[Reader]] = defaultdict(list)
    for each in readers:
        by_day[each.task.day].append(each)
    with changed(way):
        for day, found in by_day.items():
            liked = {paper for each in found for paper in each.task.likes}
            shown = lists(ranker, found, material.candidates(dataset.days[day], liked))
            for each, ids in zip(found, shown, strict=True):
                values.append(measures.measured(ids, each.task.relevant)[0])
                served.append(all(not taken.isdisjoint(ids) for taken in each.taken))
    return float(np.mean(values)), float(np.mean(served))


def lists(
    ranker: LinearRanker, readers: Sequence[Reader], candidates: Candidates
) -> list[list[str]]:
    """What each of these is shown."""
    block = [replace(each.task.interests(), limit=SHOWN) for each in readers]
    tastes = {ranker.keeps: ranker.learned(block, candidates.liked, {})}
    found = ranker.rank(block, replace(candidates, tastes=tastes), without={}, now=NOW)
    return [[pick.paper_id for pick in each.picks] for each in found]


def changed(way: Way) -> ExitStack:
    """The ranker as that way has it, for a while."""
    stack = ExitStack()
    stack.enter_context(patch.object(placing, "MOST_PLACED", way.placed))
    if way.diversity is None:
        stack.enter_context(patch.object(arranging, "_shared_out", best))
    else:
        defaults = selecting.arrange.__kwdefaults__
        stack.enter_context(patch.dict(defaults, diversity=way.diversity))
    if not way.heard:
        stack.enter_context(patch.object(placing, "for_followed", lambda _, lists, __: lists))
    return stack


def best(_: Sheet, lists: Sequence[np.ndarray], __: np.ndarray) -> list[np.ndarray]:
    """The best scores as they are."""
    return [each[:SHOWN] for each in lists]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder", type=Path)
    options.add_argument("--people", type=int, default=250)
    given = options.parse_args()
    gc.set_threshold(OBJECTS_BEFORE_LOOKING, 50, 50)  # as the command has it
    dataset = datasets.read(given.folder)
    for name in dataset.collections:
        material = datasets.material(dataset, name)
        space = learn(material.background)
        ranker = LinearRanker(topics={}, space=space)
        print(f"{name}\n{'':28}{'readers':>8}", *(f"{each.name:>22}" for each in WAYS))
        variants = {each.variant for each in dataset.tasks if each.collection == name}
        for variant, about, made in CASES:
            if variant not in variants:
                continue
            chosen = dataset.chosen(sets=[name], variants=[variant], people=given.people)
            readers = made(chosen.tasks)
            found = [measured(dataset, material, ranker, readers, way) for way in WAYS]
            cells = (
                f"{value:.4f}" + (f", served {part:.1%}" if made is not alone else "")
                for value, part in found
            )
            print(f"{about:28}{len(readers):8}", *(f"{each:>22}" for each in cells), flush=True)


if __name__ == "__main__":
    main()
