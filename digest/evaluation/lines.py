"""Reads JSON lines files, gzipped or not, with errors that name the file and line to correct."""

from __future__ import annotations

import gzip
import json
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from digest.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

GZIP = b"\x1f\x8b"
MOST = 2**53
ENDINGS = ("", ".gz")


def find(folder: Path, name: str) -> Path | None:
    """The file of this name in a folder, plain or gzipped."""
    return next(
        (each for end in ENDINGS if (each := folder / f"{name}{end}").is_file()),
        None,
    )


def require(folder: Path, name: str) -> Path:
    """The file of this name in a folder; raises InvalidInput if there is none."""
    found = find(folder, name)
    if found is None:
        raise InvalidInput(
            f"{folder} is not a dataset: it has no {name} (nor {name}.gz).", subject=str(folder)
        )
    return found


@contextmanager
def reading(path: Path) -> Iterator[TextIO]:
    """Open a text file, decompressed if its content is gzip, whatever its name.

    Raises InvalidInput if it cannot be read or decompressed, or is not UTF-8.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(len(GZIP)) == GZIP
        with (
            gzip.open(path, "rt", encoding="utf-8")
            if packed
            else path.open(encoding="utf-8") as text
        ):
            yield text
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidInput(f"{path} is a damaged gzip file: {error}.", subject=str(path)) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 text.", subject=str(path)) from error
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be read: {error.strerror or error}.", subject=str(path)
        ) from error


class Row:
    """The JSON object of one line; its methods raise InvalidInput for missing or wrong values."""

    __slots__ = ("_place", "_values")

    def __init__(self, place: str, values: object) -> None:
        self._place = place
        if not isinstance(values, dict):
            raise self.wrong("it is not a JSON object")
        self._values = values

    def wrong(self, why: str) -> InvalidInput:
        """An error that names the file and line."""
        return InvalidInput(f"{self._place}: {why}.", subject=self._place)

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def names(self) -> list[str]:
        """The keys of the object."""
        return list(self._values)

    def text(self, name: str, default: str | None = None) -> str:
        """A string, or a number as a string; required unless there is a default."""
        value = self._values.get(name)
        if value is None:
            if default is None:
                raise self.wrong(f"{name!r} is missing")
            return default
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.wrong(f"{name!r} is not a string")
        return _whole(str(value))

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings; empty if missing, and of one if it is a single string."""
        value = self._values.get(name)
        if value is None:
            return ()
        if isinstance(value, str):
            return (_whole(value),) if value else ()
        if not isinstance(value, list):
            raise self.wrong(f"{name!r} is not a list")
        if not all(isinstance(each, str | int) and not isinstance(each, bool) for each in value):
            raise self.wrong(f"{name!r} holds something that is not a string")
        return tuple(_whole(str(each)) for each in value)

    def count(self, name: str) -> int:
        """A non-negative number, rounded to an integer."""
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < MOST:
            raise self.wrong(f"{name!r} is not a count")
        return round(value)


def _whole(text: str) -> str:
    """The text with lone surrogates, which JSON can escape but nothing can write, as `?`."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def rows(path: Path) -> Iterator[Row]:
    """The objects of a file, line by line, skipping blank lines."""
    with reading(path) as lines:
        for number, line in enumerate(lines, 1):
            if not line.isspace():
                yield _parsed(line, f"{path}, line {number}")


def whole(path: Path) -> Row:
    """Read a file that is a single JSON object."""
    with reading(path) as text:
        return _parsed(text.read(), str(path))


def _parsed(text: str, place: str) -> Row:
    try:
        return Row(place, json.loads(text))
    except (ValueError, RecursionError) as error:
        why = getattr(error, "msg", str(error))
        if (line := getattr(error, "lineno", 1)) > 1:
            why += f", line {line}"
        raise InvalidInput(f"{place}: this is not JSON ({why}).", subject=place) from error
