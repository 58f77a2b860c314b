"""Read the rows of a CSV or JSON Lines file, with their line numbers."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from textwrap import shorten
from typing import IO, Any

from digest.errors import InvalidInput
from digest.roster.columns import COLUMNS

DELIMITERS = (",", ";", "\t")
"""Spreadsheets write a semicolon where the comma is a decimal sign."""

ALSO_EMAIL = ("email address", "email_address", "e-mail", "e-mail address")
MOST_NAMED = 200

Row = tuple[int, Mapping[str, Any] | str]
"""A line's number, and its cells by column or why it cannot be read."""

RUN_ON = (
    'are read as one, because a `"` in the first of them is closed in the last: '
    "remove it, or the line breaks"
)
BROKEN = (
    'cannot be read as CSV ({}): a cell that begins with a `"` must end with one, '
    "and each one inside it is doubled"
)
TOO_MANY_CELLS = (
    "this line has more cells than there are columns; "
    'several values in one cell are separated by `;`, and need `"` around them if cells are too'
)


def read(source: IO[str], *, json_lines: bool) -> Iterator[Row]:
    """Yield rows with the numbers of the lines they begin in.

    Raises InvalidInput if the file has no `email` column, or is not UTF-8 after the rows yielded.
    """
    number = 0
    try:
        for number, row in _json_rows(source) if json_lines else _table_rows(source):
            yield number, row
    except UnicodeDecodeError as error:
        where = f" after line {number}" if number else ""
        raise InvalidInput(f"The file is not UTF-8{where}; save it as UTF-8.") from error


def _json_rows(source: IO[str]) -> Iterator[Row]:
    for number, line in enumerate(source, 1):
        if line.strip():
            yield number, _json_row(line)


def _table_rows(source: IO[str]) -> Iterator[Row]:
    first = next(source, "")
    records = _records(chain((first,), source), _delimiter(first))
    _, _, header = next(records, (0, 0, []))
    if isinstance(header, str):
        raise InvalidInput(f"The names of the columns cannot be read: {header}.")
    columns = _columns(header)
    _check(columns)
    for began, ended, cells in records:
        if isinstance(cells, str):
            yield began, cells
        elif ended > began:
            # No cell needs a line break, and a stray quotation mark would hide people.
            yield began, f"lines {began} to {ended} {RUN_ON}"
        elif any(each.strip() for each in cells[len(columns) :]):
            yield began, TOO_MANY_CELLS
        elif any(map(str.strip, cells)):
            yield began, dict(zip(columns, cells, strict=False))


def _delimiter(first: str) -> str:
    """Return the delimiter by which the first line has a column `email`; else a comma."""
    for each in DELIMITERS:
        with suppress(csv.Error):
            if "email" in _columns(next(csv.reader((first,), delimiter=each, strict=True), ())):
                return each
    return ","


def _columns(header: Iterable[str]) -> list[str]:
    names = [name.strip().casefold() for name in header]
    while names and not names[-1]:  # spreadsheets write columns that were once in use
        names.pop()
    return ["email" if name in ALSO_EMAIL else name for name in names]


def _check(columns: Sequence[str]) -> None:
    """Raise InvalidInput for unknown columns, naming them all, and for a missing email column."""
    if "email" not in columns:
        found = shorten(", ".join(columns), MOST_NAMED, placeholder=" …") or "nothing"
        raise InvalidInput(
            "The first line must name the columns, and one of them must be email; "
            f"it holds {found}. Cells are separated by commas, semicolons or tabs."
        )
    if unknown := [name for name in columns if name not in COLUMNS]:
        named = shorten(", ".join(map(repr, unknown)), MOST_NAMED, placeholder=" …")
        raise InvalidInput(
            f"There is no column {named}; there are {', '.join(COLUMNS)}. Remove all others, but "
            "write who has left as their status."
        )
    if len(set(columns)) < len(columns):
        raise InvalidInput("The first line names a column twice.")


def _records(source: Iterable[str], delimiter: str) -> Iterator[tuple[int, int, list[str] | str]]:
    """Yield the first and last line of each record, and its cells or why it cannot be read."""
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    began = 1
    while True:
        cells: list[str] | str | None
        try:
            cells = next(reader, None)
        except csv.Error as error:
            # The reader goes on with the line after the one in which it stopped.
            ended = reader.line_num
            lines = f"lines {began} to {ended}" if ended > began else "this line"
            cells = f"{lines} {BROKEN.format(error)}"
        if cells is None:
            return
        yield began, reader.line_num, cells
        began = reader.line_num + 1


def _json_row(line: str) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}
