"""Errors of SQLite as those of `digest.errors`."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from digest.errors import ConfigError, DigestError, InvalidInput, NotFound, StoreBusy

ROOM = 100_000
"""Free bytes below which a failure to write means a full disk: SQLite reports FULL only for the
database itself, and IOERR when the files beside it cannot grow."""

BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})

UNWRITTEN = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_CANTOPEN,
    }
)

CURES = {
    sqlite3.SQLITE_NOTADB: "{path} is not a Digest database; name another file.",
    sqlite3.SQLITE_CORRUPT: "The database {path} is damaged; restore it from a backup.",
    sqlite3.SQLITE_CANTOPEN: "The database {path} cannot be opened; check that its folder exists "
    "and that this user may write there.",
    sqlite3.SQLITE_READONLY: "The database {path} is read-only; this user must be able to write it "
    "and its folder.",
    sqlite3.SQLITE_PERM: "This user may not write the database {path}.",
    sqlite3.SQLITE_FULL: "The disk that holds the database {path} is full.",
    sqlite3.SQLITE_IOERR: "The disk that holds the database {path} fails; see the system's log.",
}


@contextmanager
def mapped(path: Path) -> Iterator[None]:
    """Raise SQLite's errors inside the block as ours; programming errors pass unchanged.

    StoreBusy for a locked database, ConfigError for what the operator must fix, NotFound for a
    reference to something that is not stored, InvalidInput for values that cannot be stored.
    """
    try:
        yield
    except sqlite3.Error as error:
        ours = _translate(error, path)
        if ours is None:
            raise
        raise ours from error
    except (UnicodeEncodeError, OverflowError) as error:
        raise InvalidInput(
            "A value holds characters or numbers that cannot be stored.", subject=str(path)
        ) from error


@contextmanager
def writing(copy: Path) -> Iterator[None]:
    """Raise errors of writing a backup as ConfigError; errors of reading the original pass."""
    try:
        yield
    except sqlite3.Error as error:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code not in UNWRITTEN:
            raise
        full = code == sqlite3.SQLITE_FULL or _is_full(copy.parent)
        raise ConfigError(
            f"The backup {copy} cannot be written: {'its disk is full' if full else error}.",
            subject=str(copy),
        ) from error


def _translate(error: sqlite3.Error, path: Path) -> DigestError | None:
    # Errors that Python's own wrapper raises carry no code.
    extended = getattr(error, "sqlite_errorcode", None) or 0
    code = extended & 0xFF
    if code in BUSY:
        return StoreBusy(f"The database {path} is in use by another process.", subject=str(path))
    if code == sqlite3.SQLITE_IOERR and _is_full(path.parent):
        code = sqlite3.SQLITE_FULL
    if code in CURES:
        return ConfigError(CURES[code].format(path=path), subject=str(path))
    if extended == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
        return NotFound("This refers to something that is not in the database.", subject=str(path))
    if str(error).startswith(("no such table", "no such column")):
        return ConfigError(
            f"The database {path} is not set up for this version of Digest; migrate it first.",
            subject=str(path),
        )
    return None


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < ROOM
    except OSError:
        return False
