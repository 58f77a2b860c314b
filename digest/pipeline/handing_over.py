"""Hand a claimed block over to the mail server, so that a crash never loses what is known of it.

Messages go in groups of at most 50. A group is marked as going out, committed before its first byte
is sent; it is sent while its messages are made; and receipts are written as they come, those of 50
ms at a time, also while an answer is waited for. If all were accepted, the last receipts are
written together with the marks of the next group, since committing is what takes the time. Just
before each message becomes the server's, the lease is checked, unless it was a moment ago.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event, Lock, Thread

from digest.delivery import policy
from digest.errors import ConfigError, DigestError, StoreBusy
from digest.model import Envelope, Grant, Outcome, Receipt, Status
from digest.pipeline.doubting import settle_doubts
from digest.pipeline.line import LEASE, Bounced, Delivered, Line
from digest.pipeline.making import Making, Render
from digest.pipeline.pacing import by_domain, domain_of, share
from digest.ports import Store

log = logging.getLogger(__name__)

GROUP = 50
UNWRITTEN = timedelta(milliseconds=50)  # after which receipts are written
LOOKING = 0.025  # seconds between looks at whether the sender waits for an answer
TELLING = timedelta(seconds=1)  # between calls of `progress`, which may take long
SURE = timedelta(milliseconds=20)  # for which a look at the lease is good
SECOND = timedelta(seconds=1)  # how exactly the ledger knows when a message went
MOST_QUIET = 3  # unanswered messages in a row, each sent alone, before a round ends
# A message is handed over only while the lease lasts long enough for the server's answer (at most
# 5 minutes) to reach its log, where the next holder of the lease would look.
ANSWERING = timedelta(minutes=6)
POLICY_WINDOW = timedelta(days=30)
TRIES, PAUSE = 80, 10.0  # tries to write receipts, and seconds between: less than a lease together
LAST_TRIES = 3  # when asked to stop: half a minute, since then the process may be killed
# A server's last answers, by which refusals are judged.
MOST_REMEMBERED = 20
REMEMBERED = timedelta(days=3)


def send_block(
    line: Line,
    envelopes: Sequence[Envelope],
    *,
    over: Callable[[], bool],
    stopping: Callable[[], bool],
    progress: Callable[[int], object],
) -> Delivered:
    """Send a claimed block, group by group, until it is `over`; the group in hand is finished.

    Receipts that cannot be written yet are waited for, unless we are `stopping`.
    """
    waiting, total = settle_doubts(line, envelopes)
    progress(len(envelopes) - len(waiting))
    if not waiting:
        return total
    render = line.renderer(each.digest for each in waiting)
    notes = _Notes(line, waiting[0].lease, stopping)
    untold, told_at, quiet, away = 0, line.clock(), 0, False
    try:
        with notes.written_while_waiting():
            for number, group in enumerate(_groups(waiting)):
                if number and over():
                    break
                done = _send_group(line, render, group, notes)
                untold += done.accepted + done.deferred + done.expired + done.refused
                total += replace(done, cut_short=False)
                quiet = quiet + 1 if done.cut_short else 0
                alone = group[0].in_doubt is not None and not notes.untried
                away = quiet > 0 and (not alone or quiet == MOST_QUIET)
                if away:
                    break
                if abs(line.clock() - told_at) >= TELLING:
                    notes.settle_owed()
                    progress(untold)
                    untold, told_at = 0, line.clock()
    finally:
        notes.settle_owed()
    if untold:
        progress(untold)
    return replace(total, cut_short=away)


def _groups(waiting: Sequence[Envelope]) -> Iterator[Sequence[Envelope]]:
    """What goes out together: messages in no doubt first, then each of the others by itself.

    A message in doubt may be what ended the last sender. Alone, it endangers no other; last, it
    delays none.
    """
    certain = [each for each in waiting if each.in_doubt is None]
    for start in range(0, len(certain), GROUP):
        yield certain[start : start + GROUP]
    doubtful = (each for each in waiting if each.in_doubt is not None)
    for each in sorted(doubtful, key=lambda each: each.doubts):
        yield [each]


class _Notes:
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


def _send_group(line: Line, render: Render, group: Sequence[Envelope], notes: _Notes) -> Delivered:
    """Send a group; `notes` owes receipts of the last one before, and of this one after."""
    now, lease = line.clock(), notes.lease
    grant, group, going = _offered(line, group, notes, now)
    if going is None:
        log.warning("another worker took our claim over", extra={"action": "deliver"})
        return Delivered(cut_short=True)
    staying = [each for each in group if each.digest.id in going]
    making = Making(render, staying, now=now, signing=line.signing)
    claim = _Claim(line, notes)
    answers: list[Receipt] = []
    unsent: Sequence[str] = ()
    try:
        _take_answers(line, making, claim, answers, notes, now)
    except BaseException as error:
        nothing_went = isinstance(error, ConfigError) and not claim.asked and not answers
        unsent = list(going) if nothing_went else making.unmade
        raise
    finally:
        written = notes.end()
        unsent = making.unmade if making.fault else unsent
        ours = _is_ours(line, answers)
        told = [*making.failed, *(each for each in answers if not each.untried)]
        settled = policy.settle_times(told, group, max(now, line.clock()), line.rng, ours=ours)
        unwritten = [each for each in settled if each.digest_id not in written]
        if all(each.outcome is Outcome.ACCEPTED for each in unwritten):
            notes.owed += unwritten
        else:
            notes.settle(unwritten)
        left = [each.digest.id for each in group if each.digest.id not in going]
        back = _given_back(line, answers, unsent, left, lease)
        with suppress(StoreBusy):  # the next group teaches the same
            line.pacer.learn(grant, by_domain(group, [*told, *back]), line.clock())
    sendable = len(going) > len(making.failed)
    if sendable and not answers and not making.fault:
        log.error("the transport gave no receipt for a group", extra={"action": "deliver"})
    away = ours or (sendable and is_away(answers))
    done = _summed_up(line, group, settled, away=away)
    if making.fault:
        raise making.fault
    untried = [policy.scrub(each.reply) for each in answers if each.untried]
    causes = done.causes or tuple(dict.fromkeys(untried))
    return replace(done, deferred=done.deferred + len(untried), causes=causes)


def _take_answers(
    line: Line,
    making: Making,
    claim: _Claim,
    answers: list[Receipt],
    notes: _Notes,
    now: datetime,
) -> None:
    """Send messages as they are made, and write down accepted ones as the answers come."""
    notes.begin()
    for answer in line.transport.send(making, now, held=claim.held):
        moment = line.clock()
        # A receipt bears the time at which the group began, mostly within the same second.
        late = abs(moment - answer.at) >= SECOND
        receipt = replace(answer, at=moment) if late else answer
        answers.append(receipt)
        notes.untried = notes.untried or receipt.untried
        if receipt.outcome is Outcome.ACCEPTED:  # what a refusal means, the whole group tells
            notes.note(receipt, moment)


def _offered(
    line: Line, group: Sequence[Envelope], notes: _Notes, now: datetime
) -> tuple[Grant, Sequence[Envelope], frozenset[str] | None]:
    """Mark as many of a group as the pace lets go now, and put the others off.

    Returns the grant, those messages, and the ids that may go (None if our claim is lost). If none
    is marked, the pace is told that nothing went.
    """
    ledger, lease = line.store.ledger, notes.lease
    grant = line.pacer.ask(Counter(domain_of(each.subscriber.email) for each in group), now)
    group, later = share(group, grant)
    going: frozenset[str] | None = None
    try:
        if later:
            ledger.put_off(later, lease=lease)
        going = ledger.offer(group, lease=lease, now=now, until=now + LEASE, settling=notes.owed)
        notes.owed.clear()
    finally:
        if going is None:
            with suppress(StoreBusy, ConfigError):
                none = _none_went((each.digest.id for each in group), now)
                line.pacer.learn(grant, by_domain(group, none), now)
    return grant, group, going


def _none_went(digest_ids: Iterable[str], now: datetime) -> list[Receipt]:
    """Receipts for the caps alone."""
    return [Receipt(digest_id=each, outcome=Outcome.DEFERRED, at=now) for each in digest_ids]


def _is_ours(line: Line, answers: Sequence[Receipt]) -> bool:
    """Whether the mail server refuses us, not the recipients, judged with its recent answers."""
    if not any(each.code // 100 == 5 for each in answers):  # noqa: PLR2004 - refused for good
        return False
    here = {each.digest_id for each in answers}
    told: Sequence[tuple[Receipt, str]] = ()
    with suppress(StoreBusy, ConfigError):  # then this group is judged by itself
        told = line.store.ledger.deliveries(since=line.clock() - REMEMBERED, limit=MOST_REMEMBERED)
    before = {each.digest_id: each for each, _ in reversed(told) if each.digest_id not in here}
    ours = policy.is_ours(answers, [each for each in before.values() if each.code])
    if ours:
        log.error(
            "the mail server refuses almost everything; nothing is sent for now",
            extra={"action": "deliver", "reply": policy.scrub(answers[-1].reply)},
        )
    return ours


def _given_back(
    line: Line,
    answers: Sequence[Receipt],
    unsent: Sequence[str],
    left: Sequence[str],
    lease: str,
) -> list[Receipt]:
    """Unmark what was certainly not offered, and return receipts that tell the pace so.

    Those are the messages that were not tried, or not made. Those who `left` meanwhile went nowhere
    either.
    """
    untried = [each for each in answers if each.untried]
    certain = [*unsent, *(each.digest_id for each in untried)]
    if certain:
        line.store.ledger.withdraw(certain, lease=lease)
    return [*untried, *_none_went((*unsent, *left), line.clock())]


class _Claim:
    """Checks that our claim holds, and notes whether the transport has asked.

    A transport asks before it lets a message go, so until then nothing has gone. Nobody else can
    take what is held for minutes, so a yes is good for a moment unless we slept. While receipts
    cannot be written, as on a full disk, the answer is no.
    """

    def __init__(self, line: Line, notes: _Notes) -> None:
        self._line = line
        self._notes = notes
        self.asked = False
        self._sure_at: datetime | None = None

    def held(self) -> bool:
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


def is_away(answers: Sequence[Receipt]) -> bool:
    """Whether nobody was there to answer for any of the messages, or for the last of them."""
    return any(each.untried for each in answers) or all(
        each.outcome is Outcome.DEFERRED and not each.code for each in answers
    )


def _summed_up(
    line: Line, group: Sequence[Envelope], settled: Sequence[Receipt], *, away: bool
) -> Delivered:
    """Act on refusals, and count the outcomes."""
    by_id = {each.digest.id: each for each in group}
    suppressed = sum(
        _suppressed(line.store, by_id[each.digest_id], each, now=each.at, bounced=line.bounced)
        for each in settled
        if each.outcome is Outcome.REFUSED
    )
    deferred = [each for each in settled if each.outcome is Outcome.DEFERRED]
    # A message that may have arrived is asked about once it is too late, and counts then.
    expired = sum(each.retry_at is None and not each.unknown for each in deferred)
    return Delivered(
        accepted=sum(each.outcome is Outcome.ACCEPTED for each in settled),
        deferred=len(deferred) - expired,
        expired=expired,
        refused=sum(each.outcome is Outcome.REFUSED for each in settled),
        suppressed=suppressed,
        causes=tuple(
            dict.fromkeys(
                policy.scrub(each.reply) for each in settled if each.outcome is not Outcome.ACCEPTED
            )
        ),
        cut_short=away,
    )


def _suppressed(
    store: Store, envelope: Envelope, receipt: Receipt, *, now: datetime, bounced: Bounced
) -> bool:
    """Report a refusal; returns whether it ended all mail to them, as for an unknown address."""
    person = envelope.subscriber
    refusals = store.ledger.refusals(person.id, now - POLICY_WINDOW)
    hard = policy.should_suppress(receipt, refusals)
    if not hard and not receipt.code:
        return False  # our own fault says nothing about the address
    evidence = policy.evidence(
        receipt, subscriber_id=person.id, attempt=envelope.attempts, hard=hard
    )
    try:
        after = bounced(evidence)
    except DigestError as error:
        log.warning(
            "a refusal could not be recorded: %s", error.message, extra={"action": "bounce"}
        )
        return False
    if after is None or after.status is not Status.SUPPRESSED:
        return False
    log.warning(
        "stopped sending to a subscriber that the mail server refuses",
        extra={"action": "suppress", "subscriber": person.id, "code": receipt.code},
    )
    return True
