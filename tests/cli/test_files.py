"""What commands write is there as a whole, or not at all."""

import os
from pathlib import Path

import pytest

from digest.cli.files import replacing


def test_a_file_is_replaced_once_it_is_whole_and_keeps_its_mode(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("old")
    path.chmod(0o640)

    with replacing(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"

    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o640)
    assert list(tmp_path.iterdir()) == [path]


def test_a_private_file_is_its_owners_alone(tmp_path):
    path = tmp_path / "list.csv"

    with replacing(path, private=True) as part:
        part.write_text("new")

    assert path.stat().st_mode & 0o777 == 0o600


def test_what_fails_leaves_the_old_file_and_names_it(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("old")

    with pytest.raises(OSError, match="No space left") as caught, replacing(path):
        raise OSError(28, "No space left on device")

    assert caught.value.filename == str(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_pipe_is_written_to_by_its_name():
    reading, writing = os.pipe()

    with replacing(Path(f"/dev/fd/{writing}")) as part:
        part.write_text("all")
    os.close(writing)

    with os.fdopen(reading) as pipe:
        assert pipe.read() == "all"
