"""Reads ranking datasets: a folder of papers, of people's interests, and of the papers of each day.

    SET_papers.jsonl        {"id", "title", "abstract", "authors"?, "categories"?, "date"?}
    profiles.jsonl          {"profile", "likes": [ids, newest first], "keywords": [...]}
    candidates.json         {day: [ids]}
    tasks.jsonl             {"task", "profile", "day"}
    SET_other_libraries.jsonl   {"likes": [ids]}: people without tasks (optional)
    SET_community.jsonl         {"id", "early_likes"}: early votes of papers (optional)
    truth.jsonl             {"task", "set", "variant", "user", "cluster", "relevant": [ids]}

Any file may be gzipped, with `.gz` after its name. The answers (truth) may be in the folder, beside it
as `FOLDER-truth.jsonl`, elsewhere, or missing. Papers in no day's candidates are the background.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zlib import crc32

from digest.errors import InvalidInput
from digest.evaluation import lines
from digest.model import Interest, InterestKind, Paper, Profile, Signal
from digest.ports import Candidates
from digest.ranking import trending
from digest.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

PAPERS = "_papers.jsonl"
VOTES = ("early_likes", "upvotes", "votes", "likes")
NEWEST = datetime(2026, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(1900, 1, 1, tzinfo=UTC)
BETWEEN_LIKES = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task: rank a day's papers for this profile.

    `collection` is the SET of the papers file that the day is from; `set` is its name in the answers,
    usually the same. `variant` says which part of a person's interests the profile has, `person` whose
    it is, and `cluster` groups people who are not independent. `relevant` are the wanted papers.
    Without answers `variant`, `cluster` and `relevant` are empty, and `person` is the profile.
    """

    id: str
    profile: str
    day: str
    collection: str
    set: str
    likes: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    variant: str = ""
    person: str = ""
    cluster: str = ""
    relevant: frozenset[str] = frozenset()

    def interests(self) -> Profile:
        """The profile for the ranker: keywords, and likes in order, a minute apart."""
        likes = (
            Interest(kind=InterestKind.LIKE, value=each, added_at=NEWEST - position * BETWEEN_LIKES)
            for position, each in enumerate(self.likes)
        )
        keywords = (
            Interest(kind=InterestKind.KEYWORD, value=each, added_at=NEWEST)
            for each in self.keywords
        )
        return Profile(subscriber_id=self.profile, interests=(*likes, *keywords))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A dataset without its papers, which are read one collection at a time (see `material`)."""

    folder: Path
    days: Mapping[str, tuple[str, ...]]
    tasks: Sequence[Task]
    answered: bool

    @property
    def collections(self) -> list[str]:
        """The collections that tasks are from."""
        return sorted({each.collection for each in self.tasks})

    def chosen(
        self, *, sets: Sequence[str] = (), variants: Sequence[str] = (), people: int | None = None
    ) -> Dataset:
        """Only the tasks of these sets and variants, and of so many people of each.

        People are drawn by their names, so it is always the same ones. Raises InvalidInput if no task
        is left.
        """
        _expect(sets, {each.set for each in self.tasks}, "set")
        if self.answered:
            _expect(variants, {each.variant for each in self.tasks}, "variant")
        kept = [
            each
            for each in self.tasks
            if (not sets or each.set in sets) and (not variants or _is_of(each, variants))
        ]
        if people is not None:
            drawn = _drawn(kept, people)
            kept = [each for each in kept if each.person in drawn[each.set, each.variant]]
        if not kept:
            raise InvalidInput("No task is left to rank.", subject=str(self.folder))
        return replace(self, tasks=kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """The papers of one collection, with other people's libraries (lists of ids) and votes.

    `background` is newest first.
    """

    papers: Mapping[str, Paper]
    background: Sequence[Paper]
    libraries: Sequence[Sequence[str]]
    votes: Mapping[str, int]

    def candidates(self, ids: Iterable[str], liked: Iterable[str]) -> Candidates:
        """A day's papers as candidates.

        They are in a fixed pseudo-random order, so that a ranker gains nothing by leaving ties in the
        order of a file. A paper that is in no file has only its id.
        """
        found = [self.papers.get(each) or Paper(id=each, title="") for each in dict.fromkeys(ids)]
        papers = sorted(found, key=lambda each: (crc32(each.id.encode()), each.id))
        signals = [
            Signal(
                paper_id=each.id,
                source="community",
                kind="upvotes",
                value=self.votes[each.id],
                seen_at=NEWEST,
            )
            for each in papers
            if each.id in self.votes
        ]
        categories = {each.id: each.categories for each in papers}
        upvotes = trending.upvotes(signals)
        return Candidates(
            papers=papers,
            trending=trending.relative(upvotes, categories),
            upvotes=upvotes,
            liked={each: self.papers[each] for each in liked if each in self.papers},
        )


def read(folder: Path, *, truth: Path | None = None) -> Dataset:
    """Read a folder's tasks, with their answers if there are any.

    Raises InvalidInput, naming file and line, for what is missing or wrong.
    """
    if not folder.is_dir():
        raise InvalidInput(f"There is no folder {folder}.", subject=str(folder))
    days = {day: whole.texts(day) for whole in [_candidates(folder)] for day in whole.names()}
    tasks = list(_tasks(folder, days))
    answers_in = truth or _truth_of(folder)
    if answers_in:
        answers: dict[str, lines.Row] = {}
        for row in lines.rows(answers_in):
            if row.text("task") in answers:
                raise row.wrong(f"the task {row.text('task')!r} is answered twice")
            answers[row.text("task")] = row
        tasks = [_answered(each, answers.get(each.id)) for each in tasks]
        if not any(each.relevant for each in tasks):
            raise InvalidInput(
                f"{answers_in} answers none of the tasks in {folder}.", subject=str(answers_in)
            )
    return Dataset(folder=folder, days=days, tasks=tasks, answered=answers_in is not None)


def material(dataset: Dataset, collection: str) -> Material:
    """Read the papers of one collection, with other people's libraries and votes."""
    folder = dataset.folder
    papers: dict[str, Paper] = {}
    for row in lines.rows(_paper_files(folder)[collection]):
        paper = _paper(row)
        papers.setdefault(paper.id, paper)
    if not papers:
        raise InvalidInput(f"There are no papers in {_paper_files(folder)[collection]}.")
    asked = {each for ids in dataset.days.values() for each in ids}
    others = lines.find(folder, f"{collection}_other_libraries.jsonl")
    community = lines.find(folder, f"{collection}_community.jsonl")
    return Material(
        papers=papers,
        background=sorted(
            (each for each in papers.values() if each.id not in asked),
            key=lambda each: each.published or LONG_AGO,
            reverse=True,
        ),
        libraries=[row.texts("likes") for row in lines.rows(others)] if others else [],
        votes=dict(map(_votes, lines.rows(community))) if community else {},
    )


def _paper_files(folder: Path) -> dict[str, Path]:
    """The files of papers by collection, the part of the name before `_papers`."""
    found = sorted(each for end in lines.ENDINGS for each in folder.glob(f"*{PAPERS}{end}"))
    if not found:
        raise InvalidInput(
            f"{folder} is not a dataset: it has no papers (SET{PAPERS}, maybe gzipped).",
            subject=str(folder),
        )
    return {each.name.partition(PAPERS)[0]: each for each in found}


def _collection_of_day(folder: Path, days: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The collection of each day: the one with most of its candidates.

    If several have as many, it is the one whose name the day's name begins with.
    """
    files = _paper_files(folder)
    if len(files) == 1:
        return dict.fromkeys(days, *files)
    held: dict[str, list[tuple[int, bool, str]]] = {day: [] for day in days}
    for name, path in sorted(files.items()):
        ids = {row.text("id") for row in lines.rows(path)}
        for day, candidates in days.items():
            count = sum(each in ids for each in candidates)
            held[day].append((count, day.startswith(name), name))
    return {day: max(each)[-1] for day, each in held.items()}


def _tasks(folder: Path, days: Mapping[str, Sequence[str]]) -> Iterator[Task]:
    profiles = {
        row.text("profile"): (row.texts("likes"), row.texts("keywords"))
        for row in lines.rows(lines.require(folder, "profiles.jsonl"))
    }
    collections = _collection_of_day(folder, days)
    known: set[str] = set()
    for row in lines.rows(lines.require(folder, "tasks.jsonl")):
        task, profile, day = (row.text(each) for each in ("task", "profile", "day"))
        if profile not in profiles:
            raise row.wrong(f"there is no profile {profile!r}")
        if day not in days:
            raise row.wrong(f"there is no day {day!r}")
        if task in known:
            raise row.wrong(f"the task {task!r} is listed twice")
        known.add(task)
        likes, keywords = profiles[profile]
        yield Task(
            id=task,
            profile=profile,
            day=day,
            collection=collections[day],
            set=collections[day],
            likes=tuple(dict.fromkeys(likes)),
            keywords=tuple(dict.fromkeys(keywords)),
            person=profile,
        )


def _candidates(folder: Path) -> lines.Row:
    return lines.whole(lines.require(folder, "candidates.json"))


def _truth_of(folder: Path) -> Path | None:
    here = folder.resolve()
    return lines.find(here, "truth.jsonl") or lines.find(here.parent, f"{here.name}-truth.jsonl")


def _answered(task: Task, row: lines.Row | None) -> Task:
    if row is None:
        return task
    person = row.text("user", task.profile)
    return replace(
        task,
        set=clean(row.text("set", task.set)),
        variant=clean(row.text("variant", "all")),
        person=person,
        cluster=row.text("cluster", person),
        relevant=frozenset(row.texts("relevant")),
    )


def _paper(row: lines.Row) -> Paper:
    try:
        published = datetime.fromisoformat(date) if (date := row.text("date", "")) else None
    except ValueError:
        raise row.wrong("'date' is not a date like 2026-06-10") from None
    if published is not None and published.tzinfo is None:
        published = published.replace(tzinfo=UTC)
    return Paper(
        id=row.text("id"),
        title=row.text("title", ""),
        abstract=row.text("abstract", ""),
        authors=row.texts("authors"),
        categories=row.texts("categories"),
        published=published,
    )


def _votes(row: lines.Row) -> tuple[str, int]:
    name = next((each for each in VOTES if each in row), VOTES[0])
    return row.text("id"), row.count(name)


def _expect(names: Iterable[str], known: set[str], what: str) -> None:
    for each in names:
        if each not in known:
            raise InvalidInput(
                f"The dataset has no {what} {each!r}; it has {', '.join(sorted(known - {''}))}."
            )


def _is_of(task: Task, variants: Sequence[str]) -> bool:
    """Whether a task is of one of the variants; without answers, the profile's name must end in it."""
    if task.variant:
        return task.variant in variants
    return any(task.profile.endswith(f"-{each}") for each in variants)


def _drawn(tasks: Iterable[Task], people: int) -> dict[tuple[str, str], set[str]]:
    """So many people of each set and variant; the same ones of every variant, if they have it."""
    there: dict[tuple[str, str], set[str]] = {}
    for each in tasks:
        there.setdefault((each.set, each.variant), set()).add(each.person)
    return {
        group: set(sorted(names, key=lambda name: (crc32(name.encode()), name))[:people])
        for group, names in there.items()
    }
