"""The schema, as steps that are applied once and never changed after a release.

Imports nothing of ours but the steps, so that a step means the same in every version. Times are
text in ISO-8601 UTC of fixed width, which sorts as it reads; ids are text; JSON columns say so.
"""

from __future__ import annotations

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

migrations = Migrations("digest")

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
NAMES = (
    FIRST,
    PEOPLE,
    LEARNING,
    TASTES,
    SENDING,
    DOUBTS,
    STRINGS,
    EVIDENCE,
    STROKES,
    ANSWERS,
    SUBMISSIONS,
    POLLS,
    COMEBACKS,
)


@migrations(name=FIRST)
def apply_first_schema(db: Database) -> None:
    """All tables of the first release."""
    for script in first_schema.SCRIPTS:
        db.executescript(script)


@migrations(name=PEOPLE)
def apply_people(db: Database) -> None:
    """What readers say, send and ask for; the community; letters and evidence."""
    for script in people.SCRIPTS:
        db.executescript(script)


@migrations(name=LEARNING)
def apply_learning(db: Database) -> None:
    """What ranking learned; a floor for subscribers; which ranker brought a pick."""
    for script in learning.SCRIPTS:
        db.executescript(script)


@migrations(name=TASTES)
def apply_tastes(db: Database) -> None:
    """What rankers keep of readers."""
    for script in tastes.SCRIPTS:
        db.executescript(script)


@migrations(name=SENDING)
def apply_sending(db: Database) -> None:
    """Claims with fences; what may have reached a mail server."""
    for script in sending.SCRIPTS:
        db.executescript(script)


@migrations(name=DOUBTS)
def apply_doubts(db: Database) -> None:
    """How often nobody knew what became of a message."""
    for script in doubts.SCRIPTS:
        db.executescript(script)


@migrations(name=STRINGS)
def apply_strings(db: Database) -> None:
    """In whose digests alone a string stands."""
    for script in strings.SCRIPTS:
        db.executescript(script)


@migrations(name=EVIDENCE)
def apply_evidence(db: Database) -> None:
    """What an operator has yet to look at."""
    for script in evidence.SCRIPTS:
        db.executescript(script)


@migrations(name=STROKES)
def apply_strokes(db: Database) -> None:
    """The full-text index anew, in which letters with a stroke are those without."""
    for script in strokes.SCRIPTS:
        db.executescript(script)


@migrations(name=ANSWERS)
def apply_answers(db: Database) -> None:
    """An index for what a reader said last of a paper."""
    for script in answers.SCRIPTS:
        db.executescript(script)


@migrations(name=SUBMISSIONS)
def apply_submissions(db: Database) -> None:
    """One submission at most of each paper that waits for a curator."""
    for script in submissions.SCRIPTS:
        db.executescript(script)


@migrations(name=POLLS)
def apply_polls(db: Database) -> None:
    """For how long a source's last answer stays fresh, and whether it broke off."""
    for script in polls.SCRIPTS:
        db.executescript(script)


@migrations(name=COMEBACKS)
def apply_comebacks(db: Database) -> None:
    """What was asked for in the name of those who had left, until they agree."""
    for script in comebacks.SCRIPTS:
        db.executescript(script)
