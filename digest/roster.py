"""Subscribers in and out as CSV or JSON Lines, a million rows in constant memory."""

from __future__ import annotations

import csv
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import IO, Any

from digest import editions, subscriptions
from digest.errors import InvalidInput
from digest.model import Interest, InterestKind, Status, Subscriber, Topic
from digest.ports import Store

BATCH = 5_000
MOST_PROBLEMS = 100

LISTS: Mapping[str, InterestKind] = {
    "topics": InterestKind.TOPIC,
    "keywords": InterestKind.KEYWORD,
    "authors": InterestKind.AUTHOR,
    "likes": InterestKind.LIKE,
    "dislikes": InterestKind.DISLIKE,
    "mutes": InterestKind.MUTE,
}
COLUMNS = ("email", "status", "at", "tz", "cadence", "limit", "quiet", *LISTS)
SCHEDULE = ("at", "tz", "cadence", "quiet")

Row = tuple[int, Mapping[str, Any]]


@dataclass(kw_only=True)
class Loaded:
    """What an import came to; `problems` holds the first (line, cause) pairs."""

    added: int = 0
    known: int = 0
    rejected: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list)

    def reject(self, line: int, cause: str) -> None:
        """Count a line that cannot be used."""
        self.rejected += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append((line, cause))


def read(source: IO[str], *, json_lines: bool) -> Iterator[Row]:
    """Rows with their line numbers.

    Raises InvalidInput when the file has no `email` column, or is no text of this kind; the rows
    before the place that cannot be read have been given by then.
    """
    number = 0
    try:
        for number, row in _json_rows(source) if json_lines else _table_rows(source):
            yield number, row
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"The file is not UTF-8 after line {number}; save it as UTF-8."
        ) from error
    except csv.Error as error:
        raise InvalidInput(f"The file is no CSV after line {number}: {error}.") from error


def _json_rows(source: IO[str]) -> Iterator[Row]:
    for number, line in enumerate(source, 1):
        if line.strip():
            yield number, _json_row(line)


def _table_rows(source: IO[str]) -> Iterator[Row]:
    reader = csv.DictReader(source)
    columns = [name.strip().casefold() for name in reader.fieldnames or ()]
    if "email" not in columns:
        raise InvalidInput("The first line must name the columns, and one of them must be email.")
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        raise InvalidInput(f"There is no column {unknown[0]!r}; there are {', '.join(COLUMNS)}.")
    if len(set(columns)) < len(columns):
        raise InvalidInput("The first line names a column twice.")
    reader.fieldnames = columns
    for row in reader:
        yield reader.line_num, row


def load(
    store: Store,
    rows: Iterable[Row],
    *,
    topics: Mapping[str, Topic],
    defaults: Subscriber,
    confirmed: bool,
    now: datetime,
    progress: Callable[[int], object] = lambda _: None,
) -> Loaded:
    """Add rows in batches; addresses already known are left alone, bad lines reported.

    A row's own `status` counts only with `confirmed`: an import never revives anyone by itself.
    """
    result = Loaded()

    def usable() -> Iterator[tuple[Subscriber, Sequence[Interest]]]:
        for line, row in rows:
            try:
                yield _person(row, topics=topics, defaults=defaults, confirmed=confirmed, now=now)
            except InvalidInput as error:
                result.reject(line, error.message)

    people = usable()
    while batch := list(islice(people, BATCH)):
        added = store.subscribers.add(batch)
        result.added += added
        result.known += len(batch) - added
        progress(len(batch))
    return result


def write(
    target: IO[str],
    people: Iterable[tuple[Subscriber, Sequence[Interest]]],
    *,
    json_lines: bool,
) -> int:
    """Write everyone in the form that `read` takes; returns how many."""
    count = 0
    table = csv.DictWriter(target, COLUMNS)
    if not json_lines:
        table.writeheader()
    for count, (person, interests) in enumerate(people, 1):  # noqa: B007 - counted
        row = _row(person, interests)
        if json_lines:
            target.write(json.dumps(row, ensure_ascii=False) + "\n")
        else:
            table.writerow({key: _cell(each) for key, each in row.items()})
    return count


def _json_row(line: str) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


def _person(
    row: Mapping[str, Any],
    *,
    topics: Mapping[str, Topic],
    defaults: Subscriber,
    confirmed: bool,
    now: datetime,
) -> tuple[Subscriber, Sequence[Interest]]:
    try:
        str(row).encode()
    except UnicodeEncodeError:
        raise InvalidInput("this line holds characters that are no text") from None
    email = row.get("email")
    if not isinstance(email, str) or not email.strip():
        raise InvalidInput("there is no email in this line")
    lists = {key: _values(row.get(key)) for key in LISTS}
    wishes = subscriptions.Wishes(
        topics=lists["topics"],
        keywords=lists["keywords"],
        authors=lists["authors"],
        likes=lists["likes"],
        mutes=lists["mutes"],
        limit=_limit(row.get("limit")),
        **{key: str(row[key]).strip() for key in SCHEDULE if row.get(key)},
    )
    interests = list(subscriptions.interests_of(wishes, topics=topics, now=now))
    interests.extend(
        Interest(kind=InterestKind.DISLIKE, value=subscriptions.paper_key(each), added_at=now)
        for each in lists["dislikes"]
    )
    person = subscriptions.with_schedule(
        replace(
            defaults,
            id=f"s_{secrets.token_hex(subscriptions.ID_BYTES)}",
            email=subscriptions.normal_address(email),
            key=secrets.token_hex(subscriptions.KEY_BYTES),
            created_at=now,
        ),
        wishes,
    )
    status = str(row.get("status") or Status.ACTIVE)
    if status not in tuple(Status):
        raise InvalidInput(f"a status is one of {', '.join(Status)}, not {status!r}")
    if not confirmed:
        return person, interests
    person = replace(person, status=Status(status))
    if person.status is Status.ACTIVE:
        person = replace(person, confirmed_at=now, due_at=editions.next_due(person, now))
    return person, interests


def _values(cell: object) -> list[str]:
    if cell is None:
        return []
    parts = cell if isinstance(cell, list) else str(cell).split(";")
    return [str(each).strip() for each in parts if str(each).strip()]


def _limit(cell: object) -> int | None:
    if cell in (None, ""):
        return None
    try:
        number = float(str(cell))
        if number != int(number):
            raise ValueError(cell)  # noqa: TRY301
        return int(number)
    except (ValueError, OverflowError):
        raise InvalidInput(f"a limit is a number, not {cell!r}") from None


def _row(person: Subscriber, interests: Sequence[Interest]) -> dict[str, object]:
    cadence = str(person.cadence)
    if cadence == "weekly":
        cadence = subscriptions.WEEKDAYS[person.weekday]
    return {
        "email": person.email,
        "status": str(person.status),
        "at": f"{person.at:%H:%M}",
        "tz": person.tz,
        "cadence": cadence,
        "limit": person.limit,
        "quiet": str(person.quiet),
        **{
            name: [each.value for each in interests if each.kind is kind]
            for name, kind in LISTS.items()
        },
    }


def _cell(value: object) -> object:
    return "; ".join(value) if isinstance(value, list) else value
