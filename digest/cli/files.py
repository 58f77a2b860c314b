"""Files and folders that commands write."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class NamedPath(click.Path):
    """A path that is not "", which a script's unset variable gives and which would mean "."."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; an empty one is a usage error."""
        if value == "":
            self.fail("it is empty", param, ctx)
        return super().convert(value, param, ctx)


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[Path]:
    """A file to write that takes the place of `path` when the block ends, and goes if it fails.

    It keeps the mode of the file it replaces; a `private` one is its owner's alone. A device or a
    pipe is written to as it is. An OSError that names no other file names `path`.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    target = path.resolve()
    known = target.is_file()
    part = target.with_name(f".{target.name}.{token_hex(4)}")
    try:
        part.touch(0o600 if private or known else 0o666, exist_ok=False)
        yield part
        if known and not private:
            shutil.copymode(target, part)
        part.replace(target)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, str(part)):
            error.filename = str(path)
        raise
