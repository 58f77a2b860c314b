"""What the cells of a row ask for, checked; what was checked once is not checked again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from digest import editions, subscriptions
from digest.errors import InvalidInput
from digest.model import Interest, Status, Subscriber, Topic
from digest.roster.columns import COLUMNS, LISTS, NAMES, STATUSES

KNOWN = frozenset(COLUMNS)
PAPERS_ONLY = ("dislikes", "known")
SCHEDULE = (
    "at",
    "tz",
    "cadence",
    "limit",
    "quiet",
    "floor",
    "shows_name",
    "status",
    "paused_until",
)
YES = ("1", "true", "yes")
MOST_KEPT = 50_000
# A longer list is hardly anybody else's, and fifty thousand of them would be half a gigabyte.
MOST_SHARED = 5

# A semicolon inside a DOI parts nothing (`…<391::AID-ASI1>3.0.CO;2-9`): one before a paper does.
_PAPERS = re.compile(
    r";(?=\s|;|$|[a-z]+:|(?:arxiv|doi)\.|10\.|\d{4}\.|[a-z-]+(?:\.[a-z]{2})?/\d{7})",
    re.IGNORECASE,
)
_SEPARATORS = {
    "likes": _PAPERS,
    "dislikes": _PAPERS,
    "known": _PAPERS,
    "weights": re.compile(r";(?=\s|;|$|[a-z_]+:)"),
}
_ANY = re.compile(";")

Cell = str | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clerk:
    """Reads the rows of one import, and keeps what it made of cells that come again and again."""

    topics: Mapping[str, Topic]
    defaults: Subscriber
    confirmed: bool
    now: datetime
    _schedules: dict[tuple[str, ...], Subscriber] = field(default_factory=dict)
    _interests: dict[tuple[str, Cell], tuple[Interest, ...]] = field(default_factory=dict)
    _single: dict[tuple[str, str], Interest] = field(default_factory=dict)

    def enter(self, row: Mapping[str, Any]) -> tuple[str, str, Subscriber, Sequence[Interest]]:
        """The address and name of a row, whom they are otherwise like, and their interests.

        Raises InvalidInput.
        """
        if not row.keys() <= KNOWN:
            unknown = next(each for each in row if each not in KNOWN)
            raise InvalidInput(f"there is no column {unknown!r}; there are {', '.join(COLUMNS)}")
        email = row.get("email")
        if not isinstance(email, str) or not email.strip():
            raise InvalidInput("there is no email in this line")
        name = _text(row.get("name"))
        try:
            (email + name).encode()
        except UnicodeEncodeError:
            raise _no_text() from None
        interests = self._wanted(row)
        if name:
            name = subscriptions.checked_name(name)
        return subscriptions.normal_address(email), name, self._like(row), interests

    def ending(self, row: Mapping[str, Any]) -> tuple[str, Status] | None:
        """The address and status of a row of which nothing else can be used, if these can be read."""
        try:
            address = subscriptions.normal_address(_text(row.get("email")))
            address.encode()
            return address, _status(_text(row.get("status")))
        except (InvalidInput, ValueError):
            return None

    def _like(self, row: Mapping[str, Any]) -> Subscriber:
        """The schedule and status that a row asks for, with nobody's id, address or name."""
        cells = tuple([_text(row.get(each)) for each in SCHEDULE])
        like = self._schedules.get(cells)
        if like is None:
            _bound(self._schedules)
            like = self._schedules[cells] = self._scheduled(dict(zip(SCHEDULE, cells, strict=True)))
        return like

    def _scheduled(self, cells: Mapping[str, str]) -> Subscriber:
        wishes = subscriptions.Wishes(
            at=cells["at"] or None,
            tz=cells["tz"] or None,
            cadence=cells["cadence"] or None,
            quiet=cells["quiet"] or None,
            floor=cells["floor"] or None,
            limit=_limit(cells["limit"]),
            shows_name=cells["shows_name"].casefold() in YES,
        )
        person = subscriptions.newcomer(self.defaults, "", now=self.now)
        return self._with_status(subscriptions.asked_for(person, wishes), cells)

    def _with_status(self, person: Subscriber, cells: Mapping[str, str]) -> Subscriber:
        status = _status(cells["status"])
        if not self.confirmed and status in subscriptions.CONFIRMED:
            return person
        now = self.now
        person = replace(person, status=status)
        if person.status is Status.ACTIVE:
            return replace(person, confirmed_at=now, due_at=editions.next_due(person, now))
        if person.status is Status.PAUSED:
            return replace(person, confirmed_at=now, paused_until=_moment(cells["paused_until"]))
        return person

    def _wanted(self, row: Mapping[str, Any]) -> Sequence[Interest]:
        """All that the lists of a row name, each once; the last one said of a paper counts."""
        found: list[Interest] = []
        for column in LISTS:
            if cell := row.get(column):
                found += self._listed(column, cell)
        if row.get("likes") and row.get("dislikes"):
            found = list({each.slot: each for each in found}.values())
        if written := _weights(row.get("weights")):
            weights = {
                (column, self._interest(column, value).value): weight
                for (column, value), weight in written.items()
            }
            found = [
                replace(each, weight=weights.get((NAMES[each.kind], each.value), each.weight))
                for each in found
            ]
        subscriptions.check_number(len(found))
        return found

    def _listed(self, column: str, cell: object) -> tuple[Interest, ...]:
        key = (column, tuple(map(str, cell)) if isinstance(cell, list) else str(cell))
        interests = self._interests.get(key)
        if interests is None:
            try:
                str(key).encode()
            except UnicodeEncodeError:
                raise _no_text() from None
            values = _values(column, cell)
            made = [self._interest(column, each) for each in values]
            interests = tuple({(each.kind, each.value): each for each in made}.values())
            if len(values) <= MOST_SHARED:
                _bound(self._interests)
                self._interests[key] = interests
        return interests

    def _interest(self, column: str, value: str) -> Interest:
        interest = self._single.get((column, value))
        if interest is None:
            _bound(self._single)
            interest = self._single[column, value] = self._checked(column, value)
        return interest

    def _checked(self, column: str, value: str) -> Interest:
        if column in PAPERS_ONLY:
            key = subscriptions.paper_key(value)
            return Interest(kind=LISTS[column], value=key, added_at=self.now)
        named: dict[str, Any] = {column: (value,)}
        wishes = subscriptions.Wishes(**named)
        (interest,) = subscriptions.interests_of(wishes, topics=self.topics, now=self.now)
        return interest


def _bound(kept: dict[Any, Any]) -> None:
    """Forget everything once there is too much: what comes often is soon there again."""
    if len(kept) >= MOST_KEPT:
        kept.clear()


def _text(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


def _no_text() -> InvalidInput:
    return InvalidInput("this line holds characters that are no text")


def _status(cell: str) -> Status:
    """What is said of somebody, in whatever case; who says nothing of it means that they get mail."""
    status = STATUSES.get(cell.casefold() or Status.ACTIVE)
    if status is None:
        raise InvalidInput(
            f"a status is one of {', '.join(Status)}, not {cell!r}: who is known stays as they are"
        )
    return status


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
    for each in _values("weights", cell):
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


def _values(column: str, cell: object) -> list[str]:
    if cell is None:
        return []
    parts = cell if isinstance(cell, list) else _SEPARATORS.get(column, _ANY).split(str(cell))
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
