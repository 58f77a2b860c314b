"""Mail written to a text stream as an mbox, which any mail program can open."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TextIO

from digest.model import Message, Outcome, Receipt

_FROM_LINE = re.compile(r"^(>*From )", re.MULTILINE)


class StdoutTransport:
    """Writes messages to a stream (`digest.ports.Transport`); the stream stays the caller's.

    The format is mboxrd (RFC 4155 with reversible quoting of `From ` lines).
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def send(
        self,
        messages: Iterable[Message],
        now: datetime,
        *,
        held: Callable[[], bool] = lambda: True,
    ) -> Iterator[Receipt]:
        """One receipt a message, in order; a closed stream defers.

        Ends early, without receipts for the rest, once `held` says that they are not ours.
        """
        for message in messages:
            if not held():
                return
            text = message.content.replace(b"\r\n", b"\n").decode(errors="replace")
            try:
                self._stream.write(f"From digest@localhost {now:%a %b %e %H:%M:%S %Y}\n")
                self._stream.write(_FROM_LINE.sub(r">\1", text).rstrip("\n") + "\n\n")
                self._stream.flush()
            except OSError as error:
                outcome, code, reply = Outcome.DEFERRED, 0, f"not written: {error.strerror}"
            else:
                outcome, code, reply = Outcome.ACCEPTED, 250, "written"
            yield Receipt(
                digest_id=message.digest_id, outcome=outcome, code=code, reply=reply, at=now
            )

    def close(self) -> None:
        """Nothing to close: the stream is the caller's."""
