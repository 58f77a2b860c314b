"""Nightly copies take turns; what somebody put beside them is theirs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from digest.pipeline import tidying

NIGHT = datetime(2026, 6, 10, 6, tzinfo=UTC)


def names(folder):
    return sorted(each.name for each in folder.iterdir())


def test_the_newest_nightly_copies_stay(store, tmp_path):
    folder = tmp_path / "backups"

    for night in range(3):
        tidying.backup(store, folder, now=NIGHT + timedelta(days=night), keep=2)

    assert names(folder) == ["digest-2026-06-11.db", "digest-2026-06-12.db"]


def test_what_is_left_of_a_copy_that_was_cut_off_goes_the_next_night(store, tmp_path):
    folder = tmp_path / "backups"
    folder.mkdir()
    for name in ("digest-2026-06-09.db.partial", "digest-2026-06-09.db.partial-journal"):
        (folder / name).write_bytes(b"a part")
    (folder / "digest-mine.db.partial").write_bytes(b"somebody's own")

    tidying.backup(store, folder, now=NIGHT, keep=2)

    assert names(folder) == ["digest-2026-06-10.db", "digest-mine.db.partial"]


@pytest.mark.parametrize(
    "name", ["digest-before-upgrade.db", "digest-0.9.db", "digest-2026-06-1.db"]
)
def test_a_copy_by_hand_stays_and_pushes_no_nightly_one_out(store, tmp_path, name):
    folder = tmp_path / "backups"
    folder.mkdir()
    store.backup(folder / name)

    for night in range(3):
        tidying.backup(store, folder, now=NIGHT + timedelta(days=night), keep=2)

    assert names(folder) == sorted(["digest-2026-06-11.db", "digest-2026-06-12.db", name])
