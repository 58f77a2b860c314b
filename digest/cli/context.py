"""What every command shares: the global options, the application, and how things are shown."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from digest.config import load
from digest.errors import InvalidInput

if TYPE_CHECKING:
    from digest.app import App

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The global options."""

    config: str | None
    db: str | None
    debug: bool

    def app(self, **overrides: object) -> App:
        """The application, with flags laid over settings; dots in keys are written `__`."""
        from digest.app import App  # noqa: PLC0415 - `digest --help` need not load numpy

        flags: dict[str, object] = {"db": self.db} if self.db else {}
        flags.update(
            {key.replace("__", "."): each for key, each in overrides.items() if each is not None}
        )
        return App(load(Path(self.config) if self.config else None, overrides=flags))


pass_context = click.make_pass_decorator(Context)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")


def edition_option(default: str = "today", what: str = "") -> Callable[[Any], Any]:
    """The `--date` option, checked; `what` says how that edition is shown."""
    return click.option(
        "--date",
        "edition",
        callback=lambda _context, _parameter, value: None if value is None else edition_date(value),
        metavar="YYYY-MM-DD",
        help=f"The edition of this day{what}. Default: {default}.",
    )


def edition_date(text: str) -> str:
    """An ISO date as typed; raises InvalidInput."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            pass
    raise InvalidInput(f"A date is written like 2026-06-10, not {text!r}.")


def watched(
    app: App,
    part: str,
    work: Callable[[], Result],
    *,
    stopping: Callable[[], bool] = lambda: False,
) -> Result:
    """Do what is a part of the worker's work, too: what goes wrong is kept for the status."""
    from digest.app import watched  # noqa: PLC0415 - keeps `--help` quick

    return watched(app.store, part, work, clock=app.clock, stopping=stopping)


def show_json(value: object) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def _plain(value: object) -> object:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, StrEnum | Path):
        return str(value)
    raise TypeError(type(value).__name__)


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr when a terminal is there; otherwise nothing."""
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(what, total=total)
        yield lambda done: bars.advance(task, done)
