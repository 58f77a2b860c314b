"""Subscribers in and out as CSV or JSON Lines, a million rows in constant memory."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
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
    "queries": InterestKind.QUERY,
    "likes": InterestKind.LIKE,
    "dislikes": InterestKind.DISLIKE,
    "known": InterestKind.KNOWN,
    "mutes": InterestKind.MUTE,
    "mute_authors": InterestKind.MUTE_AUTHOR,
    "mute_topics": InterestKind.MUTE_TOPIC,
}
PAPERS_ONLY = ("dislikes", "known")
NAMES = {kind: name for name, kind in LISTS.items()}
COLUMNS = (
    "email",
    "name",
    "shows_name",
    "status",
    "paused_until",
    "at",
    "tz",
    "cadence",
    "limit",
    "quiet",
    "floor",
    *LISTS,
    "weights",
)
AS_TYPED = ("name", "at", "tz", "cadence", "quiet", "floor")
YES = ("1", "true", "yes")

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

    A row's own `status` counts only with `confirmed`: an import never revives anyone by itself,
    and what is on the suppression list is rejected without it.
    """
    result = Loaded()
    admit = subscriptions.admission(store, confirmed=confirmed)

    def usable() -> Iterator[tuple[Subscriber, Sequence[Interest]]]:
        for line, row in rows:
            try:
                person, interests = _person(
                    row, topics=topics, defaults=defaults, confirmed=confirmed, now=now
                )
                admit(person.email)
                yield person, interests
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
    typed = {key: str(row[key]).strip() for key in AS_TYPED if row.get(key)}
    wishes = subscriptions.Wishes(
        topics=lists["topics"],
        keywords=lists["keywords"],
        authors=lists["authors"],
        queries=lists["queries"],
        likes=lists["likes"],
        mutes=lists["mutes"],
        mute_authors=lists["mute_authors"],
        mute_topics=lists["mute_topics"],
        at=typed.get("at"),
        tz=typed.get("tz"),
        cadence=typed.get("cadence"),
        quiet=typed.get("quiet"),
        floor=typed.get("floor"),
        limit=_limit(row.get("limit")),
        name=typed.get("name"),
        shows_name=str(row.get("shows_name") or "").strip().casefold() in YES,
    )
    interests = [
        *subscriptions.interests_of(wishes, topics=topics, now=now),
        *(
            Interest(kind=LISTS[key], value=subscriptions.paper_key(each), added_at=now)
            for key in PAPERS_ONLY
            for each in lists[key]
        ),
    ]
    person = subscriptions.asked_for(
        subscriptions.newcomer(defaults, subscriptions.normal_address(email), now=now), wishes
    )
    if weights := _weights(row.get("weights")):
        interests = [
            replace(each, weight=weights.get((NAMES[each.kind], each.value), each.weight))
            for each in interests
        ]
    return _with_status(person, row, confirmed=confirmed, now=now), interests


def _with_status(
    person: Subscriber, row: Mapping[str, Any], *, confirmed: bool, now: datetime
) -> Subscriber:
    status = str(row.get("status") or Status.ACTIVE)
    if status not in tuple(Status):
        raise InvalidInput(f"a status is one of {', '.join(Status)}, not {status!r}")
    if not confirmed:
        return person
    person = replace(person, status=Status(status))
    if person.status is Status.ACTIVE:
        return replace(person, confirmed_at=now, due_at=editions.next_due(person, now))
    if person.status is Status.PAUSED:
        return replace(person, confirmed_at=now, paused_until=_moment(row.get("paused_until")))
    return person


def _moment(cell: object) -> datetime | None:
    if cell in (None, ""):
        return None
    try:
        moment = datetime.fromisoformat(str(cell).strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(f"a pause ends at a time like 2026-12-24, not {cell!r}") from None


def _weights(cell: object) -> dict[tuple[str, str], float]:
    """Weights by column and value, from `topics:cs.IR=2` and so on."""
    found: dict[tuple[str, str], float] = {}
    for each in _values(cell):
        name, _, weight = each.rpartition("=")
        column, _, value = name.partition(":")
        try:
            number = float(weight)
        except ValueError:
            column = ""
        if column not in LISTS:
            raise InvalidInput(f"a weight is written like topics:cs.IR=2, not {each!r}")
        found[column, value] = subscriptions.checked_weight(number)
    return found


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
        "name": person.name,
        "shows_name": "yes" if person.shows_name else "",
        "status": str(person.status),
        "paused_until": person.paused_until.isoformat() if person.paused_until else "",
        "at": f"{person.at:%H:%M}",
        "tz": person.tz,
        "cadence": cadence,
        "limit": person.limit,
        "quiet": str(person.quiet),
        "floor": subscriptions.floor_name(person.floor),
        **{
            name: [each.value for each in interests if each.kind is kind]
            for name, kind in LISTS.items()
        },
        "weights": [
            f"{NAMES[each.kind]}:{each.value}={each.weight:g}"
            for each in interests
            if each.weight != 1
        ],
    }


def _cell(value: object) -> object:
    return "; ".join(value) if isinstance(value, list) else value
