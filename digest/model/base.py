"""What every value type shares: aware UTC times, checked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar


class Value:
    """Base of the value types: refuses naive times, so that no local time slips into the core."""

    __slots__ = ()
    _times: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        # Found once a class, since values are made by the million.
        own = (name for name, kind in cls.__annotations__.items() if "datetime" in str(kind))
        cls._times = tuple(dict.fromkeys((*cls._times, *own)))

    def __post_init__(self) -> None:
        for name in self._times:
            value = getattr(self, name)
            if not isinstance(value, datetime) or value.tzinfo is UTC:
                continue
            if value.utcoffset() is None:
                msg = f"{type(self).__name__}.{name} must be an aware datetime"
                raise ValueError(msg)
            object.__setattr__(self, name, value.astimezone(UTC))
