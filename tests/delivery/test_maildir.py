"""Delivery into a Maildir."""

from __future__ import annotations

import errno
import mailbox
import os

import pytest

from digest.delivery import MaildirTransport
from digest.errors import ConfigError
from digest.model import Outcome


def test_messages_land_whole_in_new_with_native_line_ends(tmp_path, message, now):
    transport = MaildirTransport(tmp_path / "mail" / "box")

    receipts = list(transport.send([message(1), message(2)], now))
    transport.close()

    assert [(each.outcome, each.code) for each in receipts] == [(Outcome.ACCEPTED, 250)] * 2
    assert [each.digest_id for each in receipts] == ["s_1.2026-06-10", "s_2.2026-06-10"]
    files = sorted((tmp_path / "mail" / "box" / "new").iterdir())
    assert [each.read_bytes() for each in files] == [
        message(n).content.replace(b"\r\n", b"\n") for n in (1, 2)
    ]
    assert list((tmp_path / "mail" / "box" / "tmp").iterdir()) == []


def test_a_mail_program_can_read_it(tmp_path, message, now):
    list(MaildirTransport(tmp_path).send([message(7)], now))

    (found,) = mailbox.Maildir(tmp_path, create=False)

    assert found["Subject"] == "Edition 7"


def test_sending_the_same_digest_again_changes_nothing(tmp_path, message, now):
    for _ in range(2):
        (receipt,) = MaildirTransport(tmp_path).send([message()], now)

        assert receipt.outcome is Outcome.ACCEPTED

    assert len(list((tmp_path / "new").iterdir())) == 1


def test_a_message_already_read_does_not_come_back(tmp_path, message, now):
    list(MaildirTransport(tmp_path).send([message()], now))
    (file,) = (tmp_path / "new").iterdir()
    file.rename(tmp_path / "cur" / f"{file.name}:2,S")

    (receipt,) = MaildirTransport(tmp_path).send([message()], now)

    assert (receipt.outcome, receipt.reply) == (Outcome.ACCEPTED, "already in the Maildir")
    assert list((tmp_path / "new").iterdir()) == []


def test_a_hostile_digest_id_cannot_leave_the_maildir(tmp_path, message, now):
    from dataclasses import replace

    wicked = replace(message(), digest_id="../../../etc/x:2,S")

    list(MaildirTransport(tmp_path / "box").send([wicked], now))

    (file,) = (tmp_path / "box" / "new").iterdir()
    assert "/" not in file.name
    assert ":" not in file.name


@pytest.fixture
def full_disk(monkeypatch):
    """A disk that takes names and words, and then says that it has no room for the words."""

    def full(handle):
        if os.fstat(handle).st_size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_defers_and_leaves_no_litter(tmp_path, message, now):
    transport = MaildirTransport(tmp_path)

    receipts = list(transport.send([message(1), message(2)], now))

    assert [each.outcome for each in receipts] == [Outcome.DEFERRED] * 2
    assert receipts[0].reply == "the Maildir cannot be written to: No space left on device"
    assert list((tmp_path / "tmp").iterdir()) == []
    assert list((tmp_path / "new").iterdir()) == []


def test_a_maildir_that_disappears_defers(tmp_path, message, now):
    transport = MaildirTransport(tmp_path / "box")
    (tmp_path / "box" / "cur").rmdir()

    (receipt,) = transport.send([message()], now)

    assert receipt.outcome is Outcome.DEFERRED


def test_a_check_writes_to_it_and_leaves_nothing(tmp_path):
    transport = MaildirTransport(tmp_path / "box")
    transport.check()
    assert [*(tmp_path / "box").rglob("*/*")] == []

    (tmp_path / "box" / "new").rmdir()
    (tmp_path / "box" / "new").write_text("not a folder")
    with pytest.raises(ConfigError, match="cannot be written to: Not a directory"):
        transport.check()


@pytest.mark.usefixtures("full_disk")
def test_a_check_finds_a_full_disk(tmp_path):
    with pytest.raises(ConfigError, match="cannot be written to: No space left on device"):
        MaildirTransport(tmp_path).check()


def test_a_path_that_cannot_be_made_is_an_error_for_the_operator(tmp_path):
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(ConfigError, match=r"^\[smtp\] url: .* cannot be made: Not a directory"):
        MaildirTransport(tmp_path / "file" / "box")
