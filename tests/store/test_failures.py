"""What SQLite says of a disk, told so that the right thing is mended."""

import shutil
import sqlite3
from types import SimpleNamespace

import pytest

from digest.errors import ConfigError
from digest.store.failures import mapped, writing


@pytest.fixture
def fail(tmp_path, monkeypatch):
    """`fail(code, free)`: what is said of an error with this code, with so many bytes left."""

    def say(code, free, told=mapped):
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = code
        with pytest.raises(ConfigError) as raised, told(tmp_path / "digest.db"):
            raise error
        return raised.value.message

    return say


@pytest.mark.parametrize(
    "code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_WRITE]
)
def test_a_disk_without_room_is_full_whatever_could_not_be_written(fail, tmp_path, code):
    said = f"The disk that holds the database {tmp_path / 'digest.db'} is full."

    assert fail(code, free=4096) == said


def test_a_disk_with_room_that_cannot_be_written_to_fails(fail):
    assert "fails; see the system's log" in fail(sqlite3.SQLITE_IOERR_WRITE, free=10_000_000)


def test_a_copy_that_cannot_be_written_is_not_taken_for_the_database(fail, tmp_path):
    said = f"The backup {tmp_path / 'digest.db'} cannot be written"

    assert fail(sqlite3.SQLITE_FULL, free=4096, told=writing) == f"{said}: its disk is full."
    assert fail(sqlite3.SQLITE_IOERR_WRITE, free=4096, told=writing).endswith("disk is full.")
    assert fail(sqlite3.SQLITE_READONLY, free=10_000_000, told=writing).startswith(said)


def test_damage_that_is_met_while_copying_is_the_databases_own(tmp_path):
    error = sqlite3.DatabaseError("malformed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT

    with (
        pytest.raises(ConfigError) as raised,
        mapped(tmp_path / "digest.db"),
        writing(tmp_path / "copy.db"),
    ):
        raise error

    assert f"The database {tmp_path / 'digest.db'} is damaged" in raised.value.message
