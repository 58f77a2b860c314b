"""Asking a Postfix log what was taken: joined by queue id, found by time, whatever stands in it."""

from __future__ import annotations

import gzip
import os
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.delivery import MailLog, maillog

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
IDS = ["<s_1.2026-06-10@example.org>", "<s_2.2026-06-10@example.org>"]
TRADITIONAL = "{:%b %e %H:%M:%S}"
RFC3339 = "{:%Y-%m-%dT%H:%M:%S.%f+00:00}"


def line(at, tail, form=TRADITIONAL):
    return f"{form.format(at)} mx postfix/{tail}\n"


def header(message_id, queue_id="3A2C91F0", at=NOON, form=TRADITIONAL):
    return line(at, f"cleanup[815]: {queue_id}: message-id={message_id}", form)


def queued(queue_id="3A2C91F0", at=NOON, form=TRADITIONAL, sender="bounce@example.org"):
    words = f"qmgr[97]: {queue_id}: from=<{sender}>, size=44123, nrcpt=1 (queue active)"
    return line(at, words, form)


@pytest.fixture
def write(tmp_path):
    """Write a log, last written to at `at`, and say where the newest of them is."""

    def write(content, name="mail.log", at=NOON):
        path = tmp_path / name
        data = content.encode(errors="surrogateescape")
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        os.utime(path, (at.timestamp(), at.timestamp()))
        return tmp_path / "mail.log"

    return write


@pytest.mark.parametrize("form", [TRADITIONAL, RFC3339])
def test_what_was_queued_is_taken_and_what_stands_nowhere_is_not(write, form):
    log = MailLog(write(header(IDS[0], form=form) + queued(form=form)))

    assert log.taken(IDS, NOON) == {IDS[0]: True, IDS[1]: False}


def test_a_header_alone_is_not_a_message_taken(write):
    log = MailLog(write(header(IDS[0])))

    assert log.taken(IDS[:1], NOON) == {IDS[0]: False}


def test_a_queue_id_that_is_used_again_speaks_for_its_new_message_only(write):
    content = header(IDS[0]) + header("<other@example.com>") + queued()

    assert MailLog(write(content)).taken(IDS[:1], NOON) == {IDS[0]: False}


def test_lines_of_several_messages_may_be_mixed(write):
    content = header(IDS[0], "AAAAAA") + header(IDS[1], "BBBBBB") + queued("BBBBBB")

    assert MailLog(write(content)).taken(IDS, NOON) == {IDS[0]: False, IDS[1]: True}


def test_long_queue_ids_and_other_instances_are_understood(write):
    content = header(IDS[0], "4bX1yZ2kGqz9vT") + queued("4bX1yZ2kGqz9vT")

    log = MailLog(write(content.replace("postfix/", "postfix-out/submission/")))

    assert log.taken(IDS[:1], NOON)[IDS[0]]


def test_a_last_line_without_an_end_is_not_believed_yet(write):
    log = MailLog(write(header(IDS[0]) + queued().rstrip("\n")))

    assert log.taken(IDS[:1], NOON) == {IDS[0]: False}


def test_a_message_may_be_split_between_a_rotated_log_and_the_new_one(write):
    write(header(IDS[0]), "mail.log.1", at=NOON)
    path = write(queued(at=NOON + timedelta(seconds=1)), at=NOON + timedelta(seconds=1))

    assert MailLog(path).taken(IDS[:1], NOON)[IDS[0]]


@pytest.mark.parametrize(
    "name", ["mail.log.1", "mail.log.2.gz", "mail.log-20260610", "mail.log.20260610-120000.gz"]
)
def test_rotated_logs_are_read_whatever_the_rotation_calls_them(write, name):
    write(header(IDS[0]) + queued(), name)

    assert MailLog(write("")).taken(IDS[:1], NOON)[IDS[0]]


def test_a_log_that_is_being_rotated_at_this_moment_is_found_under_its_old_name(write, tmp_path):
    write(header(IDS[0]) + queued(), "mail.log.1")

    assert MailLog(tmp_path / "mail.log").taken(IDS[:1], NOON)[IDS[0]]


def test_files_that_were_finished_long_before_are_not_read(write, tmp_path):
    write("not even gzip", "mail.log.1", at=NOON - timedelta(days=1))
    (tmp_path / "mail.log.1").rename(tmp_path / "mail.log.2.gz")

    assert MailLog(write(header(IDS[0]))).taken(IDS[:1], NOON) == {IDS[0]: False}


def test_half_a_compressed_log_can_say_yes_but_not_no(write, tmp_path):
    write(header(IDS[0]) + queued() + 900 * header("<x@example.com>"), "mail.log.2.gz")
    packed = tmp_path / "mail.log.2.gz"
    packed.write_bytes(packed.read_bytes()[:-20])
    os.utime(packed, (NOON.timestamp(), NOON.timestamp()))

    assert MailLog(write("")).taken(IDS, NOON) == {IDS[0]: True, IDS[1]: None}


def test_a_log_to_which_nothing_was_written_since_cannot_say_that_something_was_not_taken(write):
    """As where the clock was ahead when the message went, and has been put right."""
    log = MailLog(write(header(IDS[0]) + queued()))

    later = NOON + timedelta(minutes=1)
    assert log.taken(IDS, later) == {IDS[0]: True, IDS[1]: None}
    assert log.taken(IDS, NOON + timedelta(hours=5)) == {IDS[0]: None, IDS[1]: None}


def test_a_log_that_is_not_there_cannot_say_anything(tmp_path, caplog):
    for path in (tmp_path / "mail.log", tmp_path / "nowhere" / "mail.log"):
        assert MailLog(path).taken(IDS, NOON) == dict.fromkeys(IDS)
    assert "cannot be read" in caplog.text


def test_a_year_that_is_not_written_is_the_one_it_must_have_been(write):
    new_year = datetime(2027, 1, 1, 0, 5, tzinfo=UTC)
    old = datetime(2026, 12, 31, 23, 58, tzinfo=UTC)
    filler = "".join(header("<x@example.com>", at=old - timedelta(minutes=9)) for _ in range(3000))
    content = filler + header(IDS[0], at=old) + queued(at=old) + header("<y@x>", at=new_year)

    log = MailLog(write(content, at=new_year))

    assert log.taken(IDS[:1], old)[IDS[0]]


@pytest.mark.parametrize("form", [TRADITIONAL, RFC3339])
@pytest.mark.parametrize("hours_ahead", [-9, 0, 2, 14])
def test_only_the_end_of_a_long_log_is_read_whatever_zone_it_is_written_in(
    write, monkeypatch, form, hours_ahead
):
    zone = timedelta(hours=hours_ahead)
    begin = NOON - timedelta(days=2)
    content = "".join(
        header("<x@example.com>", at=begin + zone + timedelta(seconds=5 * number), form=form)
        for number in range(34_000)
    )
    content += header(IDS[0], at=NOON + zone, form=form) + queued(at=NOON + zone, form=form)
    path = write(content)
    read = []
    lines = maillog._lines

    def counting(file, since):
        for each in lines(file, since):
            read.append(each)
            yield each

    monkeypatch.setattr(maillog, "_lines", counting)

    assert MailLog(path).taken(IDS, NOON - timedelta(minutes=20)) == {IDS[0]: True, IDS[1]: False}
    assert 1_500 < len(read) < 4_000, "20 minutes, two hours of slack, and a bit"


def test_words_that_strangers_may_put_into_a_log_are_not_taken_for_its_own(write):
    forged = f"mx postfix/cleanup[1]: 3A2C91F0: message-id={IDS[0]}"
    content = (
        line(NOON, f"smtpd[1]: NOQUEUE: reject: RCPT from x: helo=<{forged}>")
        + line(NOON, f"cleanup[1]: AAAAAA: warning: header Subject: {header(IDS[0]).strip()}")
        + header(f"{IDS[0]} (really)")
        + header(f"<x@example.com>, message-id={IDS[0]}")
        + queued(sender=f"x>, size=1, nrcpt=1 (queue active) {IDS[0]} <y")
        + forged
        + "\n"
        + "\0\xff" * 40_000
        + header(IDS[0])
        + queued("AAAAAA")
    )

    assert MailLog(write(content)).taken(IDS[:1], NOON) == {IDS[0]: False}


@given(st.binary(max_size=400), st.sampled_from(["mail.log", "mail.log.1", "mail.log.2.gz"]))
def test_no_bytes_in_a_log_break_the_reading(tmp_path_factory, noise, name):
    folder = tmp_path_factory.mktemp("noise")
    (folder / name).write_bytes(noise)
    content = header(IDS[0]) + queued()
    (folder / "mail.log").write_bytes(noise + b"\n" + content.encode())

    assert MailLog(folder / "mail.log").taken(IDS[:1], NOON)[IDS[0]]
