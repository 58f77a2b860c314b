"""Mail into a Maildir on this machine: to try things out, or for a local reader.

See https://cr.yp.to/proto/maildir.html: a message is written in `tmp/` and moved to `new/` once it
is whole. Lines end in LF, as in files here.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from digest.errors import ConfigError
from digest.model import Message, Outcome, Receipt

BLOCK = 65_536
"""Bytes: more than most mails have."""


def try_to_write(folder: Path) -> None:
    """Write a file without a name to a folder; raises OSError.

    Creating a file is not enough of a test: a full disk still accepts names.
    """
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(BLOCK))
        file.flush()
        os.fsync(file.fileno())


class MaildirTransport:
    """Delivers into one Maildir, whoever the recipient is (`digest.ports.Transport`).

    Idempotent: a file is named after its digest, so sending the same digest again replaces the
    unread message, and leaves alone one that a mail reader has already filed in `cur/`.
    Raises ConfigError when the Maildir cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            for name in ("tmp", "new", "cur"):
                (path / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"[smtp] url: the Maildir {path} cannot be made: {error.strerror}",
                subject=str(path),
            ) from error

    def check(self) -> None:
        """Raise ConfigError unless mail can be written, by trying; nothing is left behind."""
        try:
            for name in ("tmp", "new"):
                try_to_write(self.path / name)
        except OSError as error:
            raise ConfigError(
                f"[smtp] url: the Maildir {self.path} cannot be written to: {error.strerror}",
                subject=str(self.path),
            ) from error

    def send(
        self,
        messages: Iterable[Message],
        now: datetime,
        *,
        held: Callable[[], bool] = lambda: True,
    ) -> Iterator[Receipt]:
        """One receipt a message, in order, once it is safely on disk.

        A full or read-only disk defers. `held` is ignored: the same digest is filed once anyway.
        """
        _ = held
        filed: set[str] | None = None
        for message in messages:
            name = f"digest.{quote(message.digest_id, safe='')}"
            try:
                filed = self._filed() if filed is None else filed
                if name not in filed:
                    self._write(name, message.content.replace(b"\r\n", b"\n"))
            except OSError as error:
                yield Receipt(
                    digest_id=message.digest_id,
                    outcome=Outcome.DEFERRED,
                    reply=f"the Maildir cannot be written to: {error.strerror}",
                    at=now,
                )
                continue
            yield Receipt(
                digest_id=message.digest_id,
                outcome=Outcome.ACCEPTED,
                code=250,
                reply="already in the Maildir" if name in filed else "written to the Maildir",
                at=now,
            )

    def close(self) -> None:
        """Nothing is held open between messages."""

    def _filed(self) -> set[str]:
        """The names, without flags, of messages that a mail reader has filed."""
        return {each.name.partition(":")[0] for each in os.scandir(self.path / "cur")}

    def _write(self, name: str, content: bytes) -> None:
        handle, partial = tempfile.mkstemp(prefix=f"{name}.", dir=self.path / "tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(partial).replace(self.path / "new" / name)
        except BaseException:
            with suppress(OSError):
                Path(partial).unlink()
            raise
        self._keep_the_name()

    def _keep_the_name(self) -> None:
        """Sync the directory, without which the rename would not survive a power cut."""
        folder = os.open(self.path / "new", os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
