"""Groups the results of rankers by set and variant, and by the size of profiles."""

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

SIZES = {
    "none": (0, 0),
    "1 to 3": (1, 3),
    "4 to 9": (4, 9),
    "10 to 29": (10, 29),
    "30 to 99": (30, 99),
    "100 and more": (100, np.inf),
}
SPREAD = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """People of one set with similar profiles, and how well each ranker did for them.

    `collection` is the papers they are from. `sizes` and `clusters` have the number of likes and the
    cluster of each person, and `values` the measures (people × `measures.MEASURES`) by ranker.
    `keyworded` says whether they have keywords. `part` names the sizes if this is part of a group.
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
        """What these profiles contain, in words."""
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
        """The sort key among groups: by number of likes, then with keywords, then keywords only."""
        size, differ = median(self.sizes), min(self.sizes) < max(self.sizes)
        return self.set, size == 0, self.keyworded, differ, size, self.variant

    def estimate(self, ranker: str) -> Estimate:
        """The means and intervals of a ranker."""
        return measures.estimated(self.values[ranker], self.clusters)

    def lead(self, ours: str, other: str) -> Estimate:
        """The paired difference between ours and another ranker."""
        return measures.estimated(self.values[ours] - self.values[other], self.clusters)


def groups(tasks: Iterable[Task], records: Sequence[Record]) -> list[Group]:
    """The groups by set and variant, of all tasks that every record has values for."""
    by_group: defaultdict[tuple[str, str], dict[str, list[Task]]] = defaultdict(dict)
    for each in tasks:
        if all(each.id in record.values for record in records):
            by_group[each.set, each.variant].setdefault(each.person, []).append(each)
    found = [_group(name, variant, people, records) for (name, variant), people in by_group.items()]
    return sorted(found, key=lambda each: each.order)


def by_size(group: Group) -> list[Group]:
    """The parts of a group by number of likes; none if its profiles are of similar size."""
    sizes = np.array(group.sizes)
    if sizes.max() < SPREAD * max(sizes.min(), 1):
        return []
    parts = []
    for part, (least, most) in SIZES.items():
        rows = np.flatnonzero((sizes >= least) & (sizes < most + 1))
        if len(rows):
            parts.append(_part(group, rows, part))
    return parts if len(parts) > 1 else []


def over_sets(found: Sequence[Group]) -> dict[str, list[Group]]:
    """The groups of each variant that several sets have, by variant."""
    by_variant: defaultdict[str, list[Group]] = defaultdict(list)
    for each in found:
        by_variant[each.variant].append(each)
    return {name: several for name, several in by_variant.items() if len(several) > 1}


def mean_over_sets(several: Sequence[Group], ranker: str, than: str = "") -> Estimate:
    """The mean over sets, each counting the same, of a ranker or of its lead over `than`."""
    values = [
        each.values[ranker] - each.values[than] if than else each.values[ranker] for each in several
    ]
    draws = [
        measures.resampled(own, each.clusters) for own, each in zip(values, several, strict=True)
    ]
    mean = np.mean([each.mean(axis=0) for each in values], axis=0)
    return measures.interval(mean, _independently(draws))


def _independently(draws: Sequence[np.ndarray]) -> np.ndarray:
    """The mean over sets of their resamples, shuffled for each set to make them independent.

    Without that, sets with the same number of clusters would share their draws.
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
