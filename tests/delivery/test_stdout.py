"""Delivery onto a text stream."""

from __future__ import annotations

import io
import mailbox

from digest.delivery import StdoutTransport
from digest.model import Outcome


def test_the_output_is_an_mbox_that_a_mail_program_can_read(tmp_path, message, now):
    stream = io.StringIO()
    tricky = message(2, b"Subject: Two\r\n\r\nFrom here on\r\n>From there\r\n\r\n")

    receipts = list(StdoutTransport(stream).send([message(1), tricky, message(3)], now))
    (tmp_path / "out.mbox").write_text(stream.getvalue())
    found = mailbox.mbox(tmp_path / "out.mbox", create=False)

    assert [each.outcome for each in receipts] == [Outcome.ACCEPTED] * 3
    assert [each["Subject"] for each in found] == ["Edition 1", "Two", "Edition 3"]
    assert found[1].get_payload().strip() == ">From here on\n>>From there"
    assert stream.getvalue().startswith("From digest@localhost Wed Jun 10 07:00:00 2026\n")
    found.close()


def test_a_stream_nobody_reads_any_more_defers(message, now):
    class Broken(io.StringIO):
        def write(self, _):
            raise BrokenPipeError(32, "Broken pipe")

    (receipt,) = StdoutTransport(Broken()).send([message()], now)

    assert (receipt.outcome, receipt.reply) == (Outcome.DEFERRED, "not written: Broken pipe")


def test_the_stream_stays_open(message, now):
    stream = io.StringIO()
    transport = StdoutTransport(stream)

    transport.close()

    assert not stream.closed
