"""Check the cells of a row and turn them into a subscriber and interests.

Cells that come again and again are checked once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from math import nan
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
# Longer lists rarely come twice, and fifty thousand of them would take half a gigabyte.
MOST_SHARED = 5

# A DOI may contain a semicolon (`…<391::AID-ASI1>3.0.CO;2-9`): only one before a paper separates.
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


class Checker:
    """Checks the rows of one import."""

    def __init__(
        self,
        *,
        topics: Mapping[str, Topic],
        defaults: Subscriber,
        confirmed: bool,
        now: datetime,
    ) -> None:
        self.topics = topics
        self.defaults = defaults
        self.confirmed = confirmed
        self.now = now
        self._known_schedule = lru_cache(MOST_KEPT)(self._scheduled)
        self._known_list = lru_cache(MOST_KEPT)(self._listed)
        self._interest = lru_cache(MOST_KEPT)(self._checked)

    def entry(self, row: Mapping[str, Any]) -> tuple[str, str, Subscriber, Sequence[Interest]]:
        """Return the address and name of a row, a subscriber with its schedule, and its interests.

        The subscriber has no id, address or name. Raises InvalidInput.
        """
        if not row.keys() <= KNOWN:
            unknown = next(each for each in row if each not in KNOWN)
            raise InvalidInput(f"there is no column {unknown!r}; there are {', '.join(COLUMNS)}")
        email = row.get("email")
        if not isinstance(email, str) or not email.strip():
            raise InvalidInput("there is no email in this line")
        name = _text(row.get("name"))
        interests = self._wanted(row)
        if name:
            name = subscriptions.checked_name(name)
        like = self._known_schedule(tuple([_text(row.get(each)) for each in SCHEDULE]))
        return subscriptions.normal_address(email), name, like, interests

    def ended(self, row: Mapping[str, Any]) -> tuple[str, Status] | None:
        """Return the address and status of a rejected row; None if these are wrong too."""
        try:
            address = subscriptions.normal_address(_text(row.get("email")))
            return address, _status(_text(row.get("status")))
        except InvalidInput:
            return None

    def _scheduled(self, values: tuple[str, ...]) -> Subscriber:
        cells = dict(zip(SCHEDULE, values, strict=True))
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
        """Return the interests in the lists of a row, each once; the last opinion of a paper counts."""
        found: list[Interest] = []
        for column in LISTS:
            if cell := row.get(column):
                key = tuple(map(str, cell)) if isinstance(cell, list) else str(cell)
                is_long = (len(key) if isinstance(key, tuple) else key.count(";")) > MOST_SHARED
                found += (self._listed if is_long else self._known_list)(column, key)
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

    def _listed(self, column: str, cell: Cell) -> tuple[Interest, ...]:
        made = [self._interest(column, each) for each in _values(column, cell)]
        return tuple({(each.kind, each.value): each for each in made}.values())

    def _checked(self, column: str, value: str) -> Interest:
        if column in PAPERS_ONLY:
            key = subscriptions.paper_key(value)
            return Interest(kind=LISTS[column], value=key, added_at=self.now)
        named: dict[str, Any] = {column: (value,)}
        wishes = subscriptions.Wishes(**named)
        (interest,) = subscriptions.interests_of(wishes, topics=self.topics, now=self.now)
        return interest


def _text(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


def _status(cell: str) -> Status:
    """Parse a status, whatever its case; an empty cell is `active`."""
    status = STATUSES.get(cell.casefold() or Status.ACTIVE)
    if status is None:
        raise InvalidInput(
            f"a status is one of {', '.join(Status)}, not {cell!r}; this line changed nothing"
        )
    return status


def _moment(cell: str) -> datetime | None:
    if not cell:
        return None
    try:
        moment = datetime.fromisoformat(cell)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(f"a pause ends at a time like 2026-12-24, not {cell!r}") from None


def _weights(cell: object) -> dict[tuple[str, str], float]:
    """Parse weights such as `topics:cs.IR=2`, by column and value."""
    found: dict[tuple[str, str], float] = {}
    for each in _values("weights", cell) if cell else ():
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
    if isinstance(cell, list | tuple):
        parts = list(cell)
    else:
        parts = _SEPARATORS.get(column, _ANY).split(str(cell))
    return [str(each).strip() for each in parts if str(each).strip()]


def _limit(cell: str) -> int | None:
    """Parse a limit; spreadsheets write 5 as 5.0."""
    if not cell:
        return None
    try:
        number = float(cell)
    except ValueError:
        number = nan
    if number % 1:  # also of inf and nan
        raise InvalidInput(f"a limit is a whole number, not {cell!r}")
    return int(number)
