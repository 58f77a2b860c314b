"""Times and lists of ids, as the database holds them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache

Columns = tuple[str | int | float | bytes | None, ...]


# Most rows of a batch carry the same few times, and writing one out costs ten look-ups.
@lru_cache(maxsize=4096)
def stamp(when: datetime) -> str:
    """A time as text of fixed width, in UTC."""
    return when.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def stamp_or_none(when: datetime | None) -> str | None:
    """The same, keeping None."""
    return None if when is None else stamp(when)


def moment(text: str) -> datetime:
    """The time that `stamp` wrote."""
    return datetime.fromisoformat(text)


def moment_or_none(text: str | None) -> datetime | None:
    """The same, keeping None."""
    return None if text is None else datetime.fromisoformat(text)


def second(when: datetime) -> int:
    """A time in whole seconds since 1970, for rows of which there are millions."""
    return int(when.timestamp())


def at_second(seconds: int) -> datetime:
    """The time that `second` wrote."""
    return datetime.fromtimestamp(seconds, UTC)


def at_second_or_none(seconds: int | None) -> datetime | None:
    """The same, keeping None."""
    return None if seconds is None else at_second(seconds)


def listed(values: Iterable[str] | Iterable[int]) -> str:
    """Ids, keys or numbers as one JSON parameter, each once, in order."""
    return json.dumps(list(dict.fromkeys(values)))
