"""How the rankers stand: by set and variant, by the size of profiles, and beside ours."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from digest.evaluation import measures
from digest.evaluation.measures import Estimate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from digest.evaluation.datasets import Task
    from digest.evaluation.running import Record

SIZES = ((1, 3), (4, 9), (10, 29), (30, 99), (100, None))
SPREAD = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """People of one set whose profiles are alike, and how well each ranker did for them.

    `collection` is the file of papers they are from. `title` says what their profiles hold; `sizes` is how many likes each has, by person as
    `clusters` is; `values` (people × `measures.MEASURES`) are by ranker; `keyworded` says whether
    they have keywords. `part` is empty but for a group that is part of another.
    """

    set: str
    collection: str
    variant: str
    sizes: Sequence[float]
    keyworded: bool
    clusters: Sequence[str]
    values: Mapping[str, np.ndarray]
    part: str = ""

    @property
    def title(self) -> str:
        """What these profiles hold, in words."""
        least, most = min(self.sizes), max(self.sizes)
        if most == 0:
            return "keywords only" if self.keyworded else "nothing known"
        if least == most:
            likes = "1 like" if most == 1 else f"{most:g} likes"
        else:
            likes = f"{least:g}–{most:g} likes"
        return f"{likes} + keywords" if self.keyworded else likes

    @property
    def order(self) -> tuple[str, bool, bool, bool, float, str]:
        """Where it stands among others: likes by number, likes with keywords, keywords."""
        size, differ = median(self.sizes), min(self.sizes) < max(self.sizes)
        return self.set, size == 0, self.keyworded, differ, size, self.variant

    def estimate(self, ranker: str) -> Estimate:
        """Means and intervals of a ranker."""
        return measures.estimated(self.values[ranker], self.clusters)

    def lead(self, ours: str, other: str) -> Estimate:
        """By how much ours is better than another."""
        return measures.compared(self.values[ours], self.values[other], self.clusters)


def groups(tasks: Iterable[Task], records: Sequence[Record]) -> list[Group]:
    """The groups by set and variant of all tasks that every one of the records has values for."""
    by_group: defaultdict[tuple[str, str], dict[str, list[Task]]] = defaultdict(dict)
    for each in tasks:
        if all(each.id in record.values for record in records):
            by_group[each.set, each.variant].setdefault(each.person, []).append(each)
    found = [_group(name, variant, people, records) for (name, variant), people in by_group.items()]
    return sorted(found, key=lambda each: each.order)


def by_size(group: Group) -> list[Group]:
    """A group whose profiles differ much in size, parted by it; none where they do not."""
    sizes = np.array(group.sizes)
    if sizes.max() < SPREAD * max(sizes.min(), 1):
        return []
    parts = []
    for least, most in SIZES:
        within = (sizes >= least) & (sizes < (np.inf if most is None else most + 1))
        rows = np.flatnonzero(within)
        if len(rows):
            parts.append(
                _part(group, rows, f"{least} and more" if most is None else f"{least} to {most}")
            )
    return parts if len(parts) > 1 else []


def over_sets(found: Sequence[Group]) -> dict[str, list[Group]]:
    """The groups of every variant that several sets have, by variant."""
    by_variant: defaultdict[str, list[Group]] = defaultdict(list)
    for each in found:
        by_variant[each.variant].append(each)
    return {name: several for name, several in by_variant.items() if len(several) > 1}


def mean_over_sets(several: Sequence[Group], ranker: str, than: str = "") -> Estimate:
    """The mean of several sets' means, each set counting the same; of the lead over `than`."""
    values = [
        each.values[ranker] - each.values[than] if than else each.values[ranker] for each in several
    ]
    draws = [
        measures.resampled(own, each.clusters) for own, each in zip(values, several, strict=True)
    ]
    mean = np.mean([each.mean(axis=0) for each in values], axis=0)
    return measures.interval(mean, _independently(draws))


def _independently(draws: Sequence[np.ndarray]) -> np.ndarray:
    """Means over sets of their resamples, each set's in an order of its own.

    Sets of as many clusters are drawn alike, and people of one have nothing to do with another's.
    """
    rng = np.random.default_rng(measures.SEED)
    return np.asarray(np.mean([each[rng.permutation(len(each))] for each in draws], axis=0))


def _group(
    name: str, variant: str, people: Mapping[str, Sequence[Task]], records: Sequence[Record]
) -> Group:
    days = list(people.values())
    return Group(
        set=name,
        collection=days[0][0].collection,
        variant=variant,
        sizes=[median(len(each.likes) for each in tasks) for tasks in days],
        keyworded=any(each.keywords for tasks in days for each in tasks),
        clusters=[tasks[-1].cluster for tasks in days],
        values={
            record.name: np.array(
                [np.mean([record.values[each.id] for each in tasks], axis=0) for tasks in days]
            )
            for record in records
        },
    )


def _part(group: Group, rows: np.ndarray, part: str) -> Group:
    return replace(
        group,
        sizes=[group.sizes[row] for row in rows],
        clusters=[group.clusters[row] for row in rows],
        values={name: values[rows] for name, values in group.values.items()},
        part=part,
    )
