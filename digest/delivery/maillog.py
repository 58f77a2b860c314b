"""Which messages a local Postfix took, read from its log (`digest.ports.Acceptances`).

    … postfix/cleanup[815]: 3A2C91: message-id=<s_1.2026-06-10@example.org>
    … postfix/qmgr[97]: 3A2C91: from=<bounce@example.org>, size=44123, nrcpt=1 (queue active)

The first line comes with the message's header, when the message may still be refused or broken off.
It is taken once the second line follows for the same queue id. Queue ids are reused, so order
matters.

Lines are found by time. A log writes times without a zone, and in the traditional form without a
year, so they are counted back from the file's last line, which was written when the file last
changed. Only the fixed parts of a line are trusted: anybody may choose the addresses and words in
it.
"""

from __future__ import annotations

import gzip
import logging
import os
import re
import zlib
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

log = logging.getLogger(__name__)

# Allows for summer time, clocks that were corrected, and lines that were written a little late.
SLACK = timedelta(hours=2)
LONGEST_LINE = 16_384
NEAR = 65_536  # bytes among which the binary search looks for a line with a time
TRIES = 3

_TRADITIONAL = re.compile(rb"([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d) ")
_RFC3339 = re.compile(rb"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)[.\d]*(?:Z|[+-]\d\d:?\d\d) ")
_NAMES = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_MONTHS = {name: number for number, name in enumerate(_NAMES, 1)}
_START = rb"(?:[A-Z][a-z]{2} [ \d]\d [\d:]{8}|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-][\d:]+)) [^ ]+ "
_CLEANUP = re.compile(
    _START + rb"[\w./-]+/cleanup\[\d+\]: ([0-9A-Za-z]{5,25}): message-id=(<[^ ]*>)$"
)
_QUEUED = re.compile(
    _START + rb"[\w./-]+/qmgr\[\d+\]: ([0-9A-Za-z]{5,25}): "
    rb"from=<.*>, size=\d+, nrcpt=\d+ \(queue active\)$"
)


class MailLog:
    """Postfix's log at `path`, and its rotated files beside it (`.1`, `.2.gz`, `-20260610`)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def taken(self, message_ids: Collection[str], since: datetime) -> dict[str, bool | None]:
        """Whether Postfix took each message at `since` or later; None if its log cannot say.

        If a part of the log cannot be read, or nothing was written since, it can still say yes, but
        not no.
        """
        wanted = {each.encode(errors="replace") for each in message_ids}
        found: set[bytes] = set()
        try:
            whole = self._search(wanted, since, found)
        except OSError as error:
            whole = False
            log.warning(
                "the mail server's log cannot be read: %s",
                error.strerror or type(error).__name__,
                extra={"action": "maillog"},
            )
        missing = False if whole else None
        return {
            each: True if each.encode(errors="replace") in found else missing
            for each in message_ids
        }

    def check(self) -> None:
        """Raise OSError unless the log can be read."""
        with self.path.open("rb") as file:
            file.read(1)

    def _search(self, wanted: set[bytes], since: datetime, found: set[bytes]) -> bool:
        """Search the files that reach back to `since`, oldest first; whether all could be read."""
        with ExitStack() as stack:
            files, whole = self._open(stack, since)
            reading = _Reading(wanted=wanted, found=found, queue_ids={})
            for file in files:
                try:
                    reading.take(_lines(file, since))
                except (EOFError, zlib.error, gzip.BadGzipFile):
                    whole = False  # it is being compressed just now, or was cut off
        reached = since.astimezone(UTC).replace(tzinfo=None)
        return whole and any(each.written >= reached for each in files)

    def _open(self, stack: ExitStack, since: datetime) -> tuple[list[_LogFile], bool]:
        """Open each file that was still written to at `since`; whether all could be opened.

        Looks again if the log was rotated meanwhile.
        """
        oldest = (since - SLACK).timestamp()
        for _ in range(TRIES):
            before, whole = self._listed(), True
            opened: dict[tuple[int, int], _LogFile] = {}
            for path in before:
                try:
                    raw = stack.enter_context(path.open("rb"))
                except FileNotFoundError:
                    continue
                except OSError:
                    if path == self.path:
                        raise
                    whole = False
                    continue
                status = os.fstat(raw.fileno())
                if status.st_mtime >= oldest:
                    key = (status.st_dev, status.st_ino)
                    written = datetime.fromtimestamp(status.st_mtime, UTC).replace(tzinfo=None)
                    opened[key] = _LogFile(
                        raw=raw, size=status.st_size, written=written, packed=path.suffix == ".gz"
                    )
            if self._listed() == before:
                break
        return sorted(opened.values(), key=lambda each: each.written), whole

    def _listed(self) -> dict[Path, int]:
        """The log and its rotated files, with the inodes behind the names."""
        if not self.path.parent.is_dir():
            raise FileNotFoundError(2, "no such folder", str(self.path.parent))
        rotated = re.compile(re.escape(self.path.name) + r"(?:[.-]\d[\d-]*)?(?:\.gz)?")
        names = {}
        for entry in os.scandir(self.path.parent):
            if rotated.fullmatch(entry.name) and entry.is_file():
                names[Path(entry.path)] = entry.inode()
        if not names:
            self.check()
        return names


@dataclass(frozen=True, slots=True, kw_only=True)
class _LogFile:
    """An open file, its size, and when it was last written to (naive, in UTC)."""

    raw: BinaryIO
    size: int
    written: datetime
    packed: bool


@dataclass(slots=True, kw_only=True)
class _Reading:
    """What has been found so far: Message-IDs, and queue ids whose message is not yet taken."""

    wanted: set[bytes]
    found: set[bytes]
    queue_ids: dict[bytes, bytes]

    def take(self, lines: Iterator[bytes]) -> None:
        """Go through lines in their order."""
        for line in lines:
            if b"/cleanup[" in line:
                if match := _CLEANUP.match(line):
                    queue_id, message_id = match.groups()
                    if message_id in self.wanted:
                        self.queue_ids[queue_id] = message_id
                    else:
                        self.queue_ids.pop(queue_id, None)
            elif b"(queue active)" in line and (match := _QUEUED.match(line)):
                message_id = self.queue_ids.pop(match[1], b"")
                if message_id:
                    self.found.add(message_id)


def _lines(file: _LogFile, since: datetime) -> Iterator[bytes]:
    """The whole lines of a file from about `since` on, without their ends.

    Left out are a last line without an end, which is still being written, and overlong lines.
    """
    stream: BinaryIO = file.raw
    if file.packed:
        stream = gzip.GzipFile(fileobj=file.raw)  # type: ignore[assignment]  # read like any file
    else:
        stream.seek(_start(file, since))
    whole = True
    while line := stream.readline(LONGEST_LINE):
        ends = line.endswith(b"\n")
        if whole and ends:
            yield line.rstrip(b"\r\n")
        whole = ends


def _start(file: _LogFile, since: datetime) -> int:
    """An offset before every line of `since` or later, by binary search; 0 if times do not help."""
    last = _last_time(file)
    if last is None:
        return 0
    # As the log's own clock and zone would write it.
    sought = last - (file.written - since.astimezone(UTC).replace(tzinfo=None)) - SLACK
    low, high = 0, file.size
    while high - low > NEAR:
        middle = (low + high) // 2
        at = _time_near(file.raw, middle, last)
        if at is not None and at < sought:
            low = middle
        else:
            high = middle
    return _line_after(file.raw, low) if low else 0


def _last_time(file: _LogFile) -> datetime | None:
    """The time of the last line that has one."""
    file.raw.seek(max(0, file.size - NEAR))
    for line in reversed(file.raw.read(NEAR).split(b"\n")):
        if at := _time_of(line, file.written + timedelta(days=1)):
            return at
    return None


def _time_near(raw: BinaryIO, offset: int, last: datetime) -> datetime | None:
    """The time of the first line after `offset` that has one."""
    raw.seek(_line_after(raw, offset))
    for line in raw.read(NEAR).split(b"\n"):
        if at := _time_of(line, last):
            return at
    return None


def _line_after(raw: BinaryIO, offset: int) -> int:
    raw.seek(offset)
    raw.readline(NEAR)
    return raw.tell()


def _time_of(line: bytes, latest: datetime) -> datetime | None:
    """When a line was written by the log's clock; a missing year is the last up to `latest`."""
    try:
        if match := _RFC3339.match(line):
            year, month, day, hour, minute, second = map(int, match.groups())
        elif match := _TRADITIONAL.match(line):
            year, month = latest.year, _MONTHS[match[1]]
            day, hour, minute, second = map(int, match.groups()[1:])
            if (month, day) > (latest.month, latest.day + 1):
                year -= 1
        else:
            return None
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the log's own time
    except (ValueError, KeyError):
        return None
