"""Every ranker ranks every day for everyone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from digest.errors import InvalidInput
from digest.evaluation import datasets, lines, measures
from digest.evaluation.baselines import Preparing
from digest.evaluation.words import Corpus
from digest.ranking import space

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
    """How one ranker did.

    `key` is what it was called by, `name` what tables call it; `values` are its measures by task
    id, `seconds` what a profile costs a day, by collection, and `learning` what it costs to learn one's
    likes anew, of those that keep what they learn.
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
    """Let each of these rank every task, a file of papers at a time, and record how they did.

    `keep` is given every ranking, of 200 papers at most, as it is made. Tasks without answers
    are ranked and not measured.
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
    """How rankings did that are in a file already; a task that is missing counts as nothing found.

    Papers that are none of the task's day are passed over. Raises InvalidInput for a task that is
    ranked twice, and where none is ranked.
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
    """The records, each by a name of its own.

    Of several of one name, files go by as much of their path as no other has, and classes by their
    module, too; what is alike even then is numbered.
    """
    ladders = [_ladder(each) for each in records]
    names = [each.pop(0) for each in ladders]
    while climbing := [
        at for at, name in enumerate(names) if ladders[at] and names.count(name) > 1
    ]:
        for at in climbing:
            names[at] = ladders[at].pop(0)
    for at, name in enumerate(names):
        number = 1
        while names[at] in names[:at]:
            number += 1
            names[at] = f"{name} ({number})"
    return [replace(each, name=name) for each, name in zip(records, names, strict=True)]


def _ladder(record: Record) -> list[str]:
    """What a record may be called, from its name on to all that it was called by."""
    if record.key.endswith(FINISHED):
        parts = Path(record.key).parts
        return [record.name, *(str(Path(*parts[at:])) for at in reversed(range(len(parts))))]
    return [record.name, record.key] if ":" in record.key else [record.name]


def _days(dataset: Dataset, material: Material, tasks: Sequence[Task]) -> Iterator[Day]:
    """Each day's tasks, with its papers."""
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
    """A block's scores; the first block of each collection is timed."""
    profiles = [each.interests() for each in block]
    found, cost = _timed(scorer, profiles, candidates)
    shape = (len(block), len(candidates.papers))
    if found.shape != shape or found.dtype.kind not in "fiub":
        raise InvalidInput(
            f"The ranker {record.name} gave scores of shape {found.shape}, not {shape} numbers."
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
    """Seconds a block; `learning` is None where nothing is kept and all is done every day."""

    scoring: float
    learning: float | None


def _timed(
    scorer: Scorer, profiles: Sequence[Profile], candidates: Candidates
) -> tuple[np.ndarray, _Cost]:
    """A block's scores from what is kept of its people, and what both cost."""
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
    """What a block costs on one core, the least of three times.

    What is made once a paper is at hand by now, and is no subscriber's cost; the people are
    strangers each time, so that nothing is at hand that was made for one of them.
    """
    costs = []
    with threadpool_limits(1):
        for time in range(TIMES):
            strangers = [
                replace(each, subscriber_id=f"{each.subscriber_id} {time}") for each in profiles
            ]
            costs.append(_timed(scorer, strangers, candidates)[1])
    learning = [each.learning for each in costs if each.learning is not None]
    return _Cost(min(each.scoring for each in costs), min(learning, default=None))


def _embedded(days: Sequence[Day], embedder: SentenceEmbedder, progress: Progress) -> list[Day]:
    """The days with the vectors of their papers, and of what their people like."""
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
