"""What every value type shares: aware UTC times, checked."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from functools import cache


class Value:
    """Base of the value types: refuses naive times, so that no local time slips into the core."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for name in _times_of(type(self)):  # type: ignore[arg-type]  # classes are hashable
            value = getattr(self, name)
            if not isinstance(value, datetime) or value.tzinfo is UTC:
                continue
            if value.utcoffset() is None:
                msg = f"{type(self).__name__}.{name} must be an aware datetime"
                raise ValueError(msg)
            object.__setattr__(self, name, value.astimezone(UTC))


@cache
def _times_of(kind: type) -> tuple[str, ...]:
    """The fields of a value type that hold times; found once, since values are made by millions."""
    return tuple(each.name for each in fields(kind) if "datetime" in str(each.type))
