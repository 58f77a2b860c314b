"""Contenders timed in turns, so that what the machine does meanwhile falls on all of them alike."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Seconds of each round, by the clock on the wall and by that of the processor."""

    wall: tuple[float, ...]
    cpu: tuple[float, ...]

    @property
    def typical(self) -> float:
        """The median round on the wall, in seconds."""
        return median(self.wall)

    @property
    def work(self) -> float:
        """The median round of processor time, in seconds."""
        return median(self.cpu)


def interleaved(
    contenders: Mapping[str, Callable[[], object]], *, rounds: int = 5
) -> dict[str, Times]:
    """Run each contender once to warm up, then all of them in turn, `rounds` times."""
    for run in contenders.values():
        run()
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            taken[name].append(timed(run))
    return {name: times_of(each) for name, each in taken.items()}


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Seconds that one call takes: on the wall, and of this process's processor time."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - cpu


def times_of(taken: list[tuple[float, float]]) -> Times:
    """Rounds, each (wall, cpu), as one value."""
    wall, cpu = zip(*taken, strict=True)
    return Times(wall=wall, cpu=cpu)


def ratio(ours: Times, theirs: Times) -> float:
    """How many times faster we are: the median of the rounds' own ratios."""
    return median(b / a for a, b in zip(ours.wall, theirs.wall, strict=True))


def work_ratio(ours: Times, theirs: Times) -> float:
    """The same by processor time, which other work on the machine moves less."""
    return median(b / a for a, b in zip(ours.cpu, theirs.cpu, strict=True))
