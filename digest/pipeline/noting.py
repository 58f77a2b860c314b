"""What is known of a claim while it is sent: its receipts on their way to the ledger, and its lease."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Event, Lock, Thread

from digest.errors import ConfigError, StoreBusy
from digest.model import Receipt
from digest.pipeline.line import LEASE, Line

log = logging.getLogger(__name__)

UNWRITTEN = timedelta(milliseconds=50)  # after which receipts are written
LOOKING = 0.025  # seconds between looks at whether the sender waits for an answer
SURE = timedelta(milliseconds=20)  # for which a look at the lease is good
# A message is handed over only while the lease lasts long enough for the server's answer (at most
# 5 minutes) to reach its log, where the next holder of the lease would look.
ANSWERING = timedelta(minutes=6)
TRIES, PAUSE = 80, 10.0  # tries to write receipts, and seconds between: less than a lease together
LAST_TRIES = 3  # when asked to stop: half a minute, since then the process may be killed


class Notes:
    """The receipts of a claim on their way to the ledger.

    The sending thread writes them, and a second one does while the first waits for an answer.
    `owed` are the last ones of a group, to be written with the marks of the next.
    """

    def __init__(self, line: Line, lease: str, stopping: Callable[[], bool]) -> None:
        self._line = line
        self._stopping = stopping
        self._lock = Lock()
        self._unwritten: list[Receipt] = []
        self._written: set[str] = set()
        self._written_at = line.clock()
        self._noted = 0
        self.lease = lease
        self._missed = False
        self.owed: list[Receipt] = []
        self.failing = False
        self.untried = False  # whether some were not even offered, and are due again at once

    def begin(self) -> None:
        """Begin a group."""
        self._written_at = self._line.clock()
        self._missed = self.failing = self.untried = False

    def note(self, accepted: Receipt, now: datetime) -> None:
        """Take one more receipt, and write what there is every 50 ms."""
        with self._lock:
            self._noted += 1
            self._unwritten.append(accepted)
            if abs(now - self._written_at) >= UNWRITTEN:
                self._write()

    def end(self) -> set[str]:
        """End a group; returns the ids of those that are written."""
        with self._lock:
            written, self._written, self._unwritten = self._written, set(), []
        return written

    def settle_owed(self) -> None:
        """Write what is owed, before anything that may take long."""
        owed, self.owed = self.owed, []
        if owed:
            self.settle(owed)

    def settle(self, receipts: Sequence[Receipt]) -> None:
        """Write receipts, trying for as long as a claim lasts: nothing else knows of these messages.

        A process that is asked to stop tries three times if the database is busy, else once. Raises
        the error of the last try.
        """
        for tried in range(1, TRIES + 1):
            try:
                self._line.store.ledger.settle(
                    receipts, lease=self.lease, until=self._line.clock() + LEASE
                )
            except (StoreBusy, ConfigError) as error:
                busy = isinstance(error, StoreBusy)  # the store has waited already
                hurried = self._stopping() and (not busy or tried >= LAST_TRIES)
                if tried == TRIES or hurried:
                    raise
                log.warning("receipts wait: %s", error.message, extra={"action": "deliver"})
                if not busy:
                    time.sleep(PAUSE)
            else:
                return

    def holding(self) -> bool:
        """Whether receipts can be written; after a failure, tries once more."""
        if self.failing:
            with self._lock:
                self._write()
        return not self.failing

    @contextmanager
    def written_while_waiting(self) -> Iterator[None]:
        """Within the block, write what there is whenever no more comes for a moment."""
        over = Event()
        watch = Thread(target=self._watch, args=(over,), name="receipts", daemon=True)
        watch.start()
        try:
            yield
        finally:
            over.set()
            watch.join()

    def _watch(self, over: Event) -> None:
        seen = 0
        while not over.wait(LOOKING):
            # After a failure the sender tries again: two threads would only wait for each other.
            if self._unwritten and self._noted == seen and not self._missed:
                with self._lock:
                    self._write()
            seen = self._noted

    def _write(self) -> None:
        """Write what there is; if that is not possible now, it stays."""
        if not self._unwritten:
            return
        now, self._missed = self._line.clock(), True
        try:
            self._line.store.ledger.settle(self._unwritten, lease=self.lease, until=now + LEASE)
        except StoreBusy:  # the next try writes them
            return
        except ConfigError:
            self.failing = True
            return
        finally:
            self._written_at = self._line.clock()
        self._missed = self.failing = False
        self._written.update(each.digest_id for each in self._unwritten)
        self._unwritten = []


class Claim:
    """Checks that our claim holds, and notes whether the transport has asked.

    A transport asks before it lets a message go, so until then nothing has gone. Nobody else can
    take what is held for minutes, so a yes is good for a moment unless we slept. While receipts
    cannot be written, as on a full disk, the answer is no.
    """

    def __init__(self, line: Line, notes: Notes) -> None:
        self._line = line
        self._notes = notes
        self.asked = False
        self._sure_at: datetime | None = None

    def held(self) -> bool:
        """Whether a message may go now."""
        self.asked = True
        if not self._notes.holding():
            return False
        now = self._line.clock()
        if self._sure_at and abs(now - self._sure_at) < SURE:
            return True
        ledger = self._line.store.ledger
        try:
            held = ledger.hold(self._notes.lease, over=now + ANSWERING, until=now + LEASE)
        except (StoreBusy, ConfigError):
            held = False  # nobody can tell, so this message waits
        self._sure_at = now if held else None
        return held
