"""Values as rows of a table and back, by the names and types of their fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import date, datetime, time
from enum import Enum
from sqlite3 import Row
from types import UnionType
from typing import Any, Generic, TypeVar, get_args, get_type_hints

from digest.model import (
    AddressChange,
    Announcement,
    Comeback,
    Evidence,
    Feedback,
    Flow,
    Interest,
    Letter,
    Link,
    Moderation,
    PollState,
    Signal,
    Submission,
)
from digest.store.rows.people import interests_text, to_interests
from digest.store.rows.scalars import Columns, moment, stamp

T = TypeVar("T")

Interests = tuple[Interest, ...]
WRITERS: dict[object, Callable[[Any], str]] = {
    datetime: stamp,
    date: date.isoformat,
    time: time.isoformat,
    Interests: interests_text,
}
READERS: dict[object, Callable[[Any], object]] = {
    datetime: moment,
    date: date.fromisoformat,
    time: time.fromisoformat,
    bool: bool,
    Interests: to_interests,
}


class Record(Generic[T]):
    """How the values of a dataclass are stored: one column for each field.

    Times, dates and interests are stored as text, enums by their value, everything else as it is.
    `renamed` gives the columns that are not named like their field, `more` the columns that no
    field has. `insert` and `replace` are the statements that write a row, given `columns`.
    """

    def __init__(
        self, of: type[T], table: str, *, more: tuple[str, ...] = (), **renamed: str
    ) -> None:
        self._of = of
        hints = get_type_hints(of)
        names = [each.name for each in fields(of)]  # type: ignore[arg-type]
        columns = [renamed.get(each, each) for each in names]
        kinds = [_without_none(hints[each]) for each in names]
        readers = [
            READERS.get(kind) or (kind if issubclass(kind, Enum) else None) for kind in kinds
        ]
        self._writers = list(zip(names, map(WRITERS.get, kinds), strict=True))
        self._readers = list(zip(names, columns, readers, strict=True))
        into = (*columns, *more)
        values = f"INTO {table} ({', '.join(into)}) VALUES ({', '.join('?' * len(into))})"
        self.insert = f"INSERT {values}"
        self.replace = f"INSERT OR REPLACE {values}"

    def columns(self, value: T, *more: str) -> Columns:
        """What `insert` and `replace` write of a value, then the values of `more` columns."""
        written = (
            found if (found := getattr(value, name)) is None or write is None else write(found)
            for name, write in self._writers
        )
        return (*written, *more)

    def read(self, row: Row) -> T:
        """The value that a row holds; columns that no field has are passed over."""
        return self._of(
            **{
                name: found if (found := row[column]) is None or read is None else read(found)
                for name, column, read in self._readers
            }
        )


def _without_none(hint: Any) -> Any:
    """The type `X` of a field that may be `X | None`."""
    return get_args(hint)[0] if isinstance(hint, UnionType) else hint


ADDRESS_CHANGES = Record(AddressChange, "address_changes")
ANNOUNCEMENTS = Record(Announcement, "announcements")
COMEBACKS = Record(Comeback, "comebacks", limit="max_picks")
EVIDENCE = Record(Evidence, "evidence")
FEEDBACK = Record(Feedback, "feedback")
FLOWS = Record(Flow, "paces", more=("server", "domain", "used"))
LETTERS = Record(Letter, "letters", more=("due_at",))
LINKS = Record(Link, "links", more=("paper_id", "position"))
MODERATION = Record(Moderation, "moderation")
POLLS = Record(PollState, "polls")
SIGNALS = Record(Signal, "signals", by="by_whom")
SUBMISSIONS = Record(Submission, "submissions")
