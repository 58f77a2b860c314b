"""Runs rankers on a dataset: each ranks every day for every profile."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from digest.errors import InvalidInput
from digest.evaluation import datasets, lines, measures
from digest.evaluation.baselines import Preparing
from digest.evaluation.words import Corpus
from digest.ranking import space
from digest.ranking.cores import one_core

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from digest.evaluation.baselines import Scorer
    from digest.evaluation.contestants import Maker
    from digest.evaluation.datasets import Dataset, Material, Task
    from digest.model import Profile
    from digest.ports import Candidates
    from digest.ranking.embedding import SentenceEmbedder

    Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
    Day = tuple[list[Task], Candidates]

BLOCK = 256
RANKED = 200
QUICK = 10.0
TIMES = 3
EMBEDDED_AT_ONCE = 1_024
FINISHED = (".jsonl", ".jsonl.gz")


@dataclass(slots=True, kw_only=True)
class Record:
    """The results of one ranker.

    `key` is how it was named on the command line, `name` its name in tables. `values` are its measures
    by task id. By collection, `seconds` is the time for one profile and day, and `learning` the time to
    learn a profile's likes, for rankers that keep them.
    """

    key: str
    name: str
    about: str
    values: dict[str, np.ndarray] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    learning: dict[str, float] = field(default_factory=dict)


def run(
    dataset: Dataset,
    makers: Mapping[str, Maker],
    *,
    progress: Progress,
    embedder: SentenceEmbedder | None = None,
    keep: Callable[[Task, list[str]], None] = lambda _task, _ranking: None,
) -> list[Record]:
    """Let each ranker rank every task, one collection at a time.

    `keep` is called with each ranking, of at most 200 papers. Tasks without answers are ranked but not
    measured.
    """
    records: dict[str, Record] = {}
    for name in dataset.collections:
        with progress(f"reading {name}", None):
            material = datasets.material(dataset, name)
        everything = list(material.papers.values())
        tasks = [each for each in dataset.tasks if each.collection == name]
        days = list(_days(dataset, material, tasks))
        if embedder is not None:
            days = _embedded(days, embedder, progress)
        corpus = Corpus()
        for key, make in makers.items():
            scorer = make(corpus)
            record = records.setdefault(key, Record(key=key, name=scorer.name, about=scorer.about))
            with progress(f"{record.name} learns {name}", None):
                scorer.learn(material.background, everything, material.libraries)
            with progress(f"{record.name} ranks {name}", len(tasks)) as done:
                for task, ranking in _rankings(scorer, days, record, done):
                    keep(task, ranking)
                    if task.relevant:
                        record.values[task.id] = measures.measured(ranking, task.relevant)
    return list(records.values())


def finished(dataset: Dataset, path: Path) -> Record:
    """Measure the rankings in a file; a task that is missing there counts as an empty ranking.

    Papers that are not of the task's day are skipped. Raises InvalidInput if a task is ranked twice,
    or none is ranked.
    """
    shown = path.name.removesuffix(".gz").removesuffix(".jsonl")
    record = Record(key=str(path), name=shown, about=f"rankings of {path}")
    tasks = {each.id: each for each in dataset.tasks if each.relevant}
    days = {day: frozenset(ids) for day, ids in dataset.days.items()}
    ranked: set[str] = set()
    for row in lines.rows(path):
        name = row.text("task")
        if name in ranked:
            raise row.wrong(f"the task {name!r} is ranked a second time")
        ranked.add(name)
        task = tasks.get(name)
        if task is not None:
            ranking = [each for each in row.texts("ranking") if each in days[task.day]]
            record.values[task.id] = measures.measured(ranking, task.relevant)
    if not record.values:
        raise InvalidInput(f"{path} ranks none of the tasks.", subject=str(path))
    nothing = np.zeros(len(measures.MEASURES))
    record.values = {each: record.values.get(each, nothing) for each in tasks}
    return record


def told_apart(records: Sequence[Record]) -> list[Record]:
    """The records with distinct names: files by their path and classes by their module if needed.

    What is named alike even then is numbered.
    """
    shared = Counter(each.name for each in records)
    seen: Counter[str] = Counter()
    found = []
    for each in records:
        name = each.key if shared[each.name] > 1 and _is_elsewhere(each) else each.name
        seen[name] += 1
        number = f" ({seen[name]})" if seen[name] > 1 else ""
        found.append(replace(each, name=f"{name}{number}"))
    return found


def _is_elsewhere(record: Record) -> bool:
    """Whether a record is of a file or of somebody's class, rather than a built-in ranker."""
    return ":" in record.key or record.key.endswith(FINISHED)


def _days(dataset: Dataset, material: Material, tasks: Sequence[Task]) -> Iterator[Day]:
    """The tasks of each day, with its papers."""
    by_day = sorted(tasks, key=lambda each: each.day)
    for day, found in groupby(by_day, key=lambda each: each.day):
        asked = list(found)
        liked = {paper for each in asked for paper in each.likes}
        yield asked, material.candidates(dataset.days[day], liked)


def _rankings(
    scorer: Scorer, days: Sequence[Day], record: Record, done: Callable[[int], None]
) -> Iterator[tuple[Task, list[str]]]:
    for tasks, candidates in days:
        if not candidates.papers:
            yield from ((each, []) for each in tasks)
            continue
        ids = np.array([each.id for each in candidates.papers], object)
        column = {each: at for at, each in enumerate(ids)}
        for start in range(0, len(tasks), BLOCK):
            block = tasks[start : start + BLOCK]
            scores = _scores(scorer, block, candidates, record)
            for row, task in enumerate(block):
                scores[row, [column[each] for each in task.likes if each in column]] = -np.inf
            order = np.argsort(-scores, axis=1, kind="stable")[:, :RANKED]
            for task, best in zip(block, order, strict=True):
                yield task, ids[best].tolist()
            done(len(block))


def _scores(
    scorer: Scorer, block: Sequence[Task], candidates: Candidates, record: Record
) -> np.ndarray:
    """The scores of a block; the first block of each collection is timed."""
    profiles = [each.interests() for each in block]
    found, cost = _timed(scorer, profiles, candidates)
    shape = (len(block), len(candidates.papers))
    if found.shape != shape or found.dtype.kind not in "fiub":
        raise InvalidInput(
            f"The ranker {record.name} gave scores of type {found.dtype} of shape {found.shape}; "
            f"numbers of shape {shape} are needed."
        )
    collection = block[0].collection
    if collection not in record.seconds:
        if cost.scoring < QUICK:
            cost = _cost(scorer, profiles, candidates)
        record.seconds[collection] = cost.scoring / len(block)
        if cost.learning is not None:
            record.learning[collection] = cost.learning / len(block)
    return np.nan_to_num(found.astype(np.float64), nan=-np.inf, neginf=-np.inf)


class _Cost(NamedTuple):
    """Seconds for a block; `learning` is None for a scorer that keeps nothing."""

    scoring: float
    learning: float | None


def _timed(
    scorer: Scorer, profiles: Sequence[Profile], candidates: Candidates
) -> tuple[np.ndarray, _Cost]:
    """The scores of a block, and the time to learn likes and to score."""
    learning = None
    if isinstance(scorer, Preparing):
        began = process_time()
        ready = scorer.prepared(profiles, candidates)
        if ready is not candidates:
            candidates, learning = ready, process_time() - began
    began = process_time()
    found = np.asarray(scorer.scores(profiles, candidates))
    return found, _Cost(process_time() - began, learning)


def _cost(scorer: Scorer, profiles: Sequence[Profile], candidates: Candidates) -> _Cost:
    """The time for a block on one core, the best of three.

    Work for papers is cached by now, as it is not done for each subscriber. The profiles get new ids
    each time, so that nothing is cached for them.
    """
    costs = []
    with one_core():
        for time in range(TIMES):
            strangers = [
                replace(each, subscriber_id=f"{each.subscriber_id} {time}") for each in profiles
            ]
            costs.append(_timed(scorer, strangers, candidates)[1])
    learning = [each.learning for each in costs if each.learning is not None]
    return _Cost(min(each.scoring for each in costs), min(learning, default=None))


def _embedded(days: Sequence[Day], embedder: SentenceEmbedder, progress: Progress) -> list[Day]:
    """The days with vectors of their papers and of what their people like."""
    papers = {
        paper.id: paper
        for _, candidates in days
        for paper in (*candidates.liked.values(), *candidates.papers)
    }
    vectors: dict[str, bytes] = {}
    waiting = list(papers.values())
    with progress("embedding", len(waiting)) as done:
        for start in range(0, len(waiting), EMBEDDED_AT_ONCE):
            part = waiting[start : start + EMBEDDED_AT_ONCE]
            ids = (each.id for each in part)
            vectors.update(zip(ids, space.pack(embedder.papers(part)), strict=True))
            done(len(part))
    return [(tasks, replace(candidates, vectors=vectors)) for tasks, candidates in days]
