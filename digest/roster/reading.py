"""Rows of a CSV or JSON Lines file, with the lines they stand in."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from typing import IO, Any

from digest.errors import InvalidInput
from digest.roster.columns import COLUMNS

Row = tuple[int, Mapping[str, Any]]


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
    reader = csv.reader(source)
    columns = [name.strip().casefold() for name in next(reader, ())]
    if "email" not in columns:
        raise InvalidInput("The first line must name the columns, and one of them must be email.")
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        raise InvalidInput(f"There is no column {unknown[0]!r}; there are {', '.join(COLUMNS)}.")
    if len(set(columns)) < len(columns):
        raise InvalidInput("The first line names a column twice.")
    for cells in reader:
        if cells:
            yield reader.line_num, dict(zip(columns, cells, strict=False))


def _json_row(line: str) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}
