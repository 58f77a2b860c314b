"""The schema, as steps that are applied once and never changed after a release.

Imports nothing of ours but the steps, so that a step means the same in every version. Times are
text in ISO-8601 UTC of fixed width, which sorts as it reads; ids are text; JSON columns say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from sqlite3 import complete_statement
from types import ModuleType

from sqlite_utils import Database, Migrations

from digest.store.migrations import (
    answers,
    comebacks,
    doubts,
    evidence,
    first_schema,
    learning,
    people,
    polls,
    sending,
    strings,
    strokes,
    submissions,
    tastes,
)

FIRST = "0001_first_schema"
PEOPLE = "0002_people"
LEARNING = "0003_learning"
TASTES = "0004_tastes"
SENDING = "0005_sending"
DOUBTS = "0006_doubts"
STRINGS = "0007_strings"
EVIDENCE = "0008_evidence"
STROKES = "0009_strokes"
ANSWERS = "0010_answers"
SUBMISSIONS = "0011_submissions"
POLLS = "0012_polls"
COMEBACKS = "0013_comebacks"

# What each step is for stands at the top of its module.
STEPS = {
    FIRST: first_schema,
    PEOPLE: people,
    LEARNING: learning,
    TASTES: tastes,
    SENDING: sending,
    DOUBTS: doubts,
    STRINGS: strings,
    EVIDENCE: evidence,
    STROKES: strokes,
    ANSWERS: answers,
    SUBMISSIONS: submissions,
    POLLS: polls,
    COMEBACKS: comebacks,
}
NAMES = tuple(STEPS)

migrations = Migrations("digest")


def _register(name: str, step: ModuleType) -> None:
    @migrations(name=name)
    def apply(db: Database) -> None:
        for script in step.SCRIPTS:
            for statement in statements(script):
                db.execute(statement)


for _name, _step in STEPS.items():
    _register(_name, _step)


def statements(script: str) -> Iterator[str]:
    """The statements of a script, each of which ends with a line.

    sqlite-utils' `executescript` asks after every letter whether one has ended, which took 0.1 s
    of the 0.13 s of a new database.
    """
    begun = ""
    for line in script.splitlines(keepends=True):
        begun += line
        if complete_statement(begun):
            yield begun
            begun = ""
    if begun.strip():
        yield begun
