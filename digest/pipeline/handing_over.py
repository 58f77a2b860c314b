"""Handing a claimed block over: what a crash leaves is known, and nothing known is forgotten.

For each group of at most 50: mark it as going out (committed before the first byte is sent), send
it while its messages are made, and write the receipts down as they come, those of 50 ms at a time,
also while an answer is waited for; where all were accepted, the last of them with the marks of the
next group, since the disk is what takes the time. Just before each message becomes the server's,
the lease is looked at once more, unless it was a moment ago.
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
UNWRITTEN = timedelta(milliseconds=50)
LOOKING = 0.025  # seconds between looks at whether an answer is being waited for
TELLING = timedelta(seconds=1)  # of what went, since what is done about it may take long
SURE = timedelta(milliseconds=20)
SECOND = timedelta(seconds=1)  # as exactly as the ledger knows when something went
MOST_QUIET = 3  # messages by themselves in a row, since about one a server may have nothing to say
# A message becomes the server's only while the lease lasts long enough for its answer (5 minutes
# at most) and for its log to say so, before anybody else may look there.
ANSWERING = timedelta(minutes=6)
POLICY_WINDOW = timedelta(days=30)
TRIES, PAUSE = 80, 10.0  # of so many seconds each, so that a claim outlasts them
LAST_TRIES = 3  # of one that is asked to stop: half a minute, and then it may be killed
# By what a mail server said to so many, lately, refusals are judged.
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

    Receipts that cannot be written down are waited for, unless we are `stopping`.
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
    """What goes out together: those in no doubt first, then each of the others by itself.

    It may be one of them that ends this process each time; alone, it takes no others with it, and
    the last, it keeps none waiting.
    """
    certain = [each for each in waiting if each.in_doubt is None]
    for start in range(0, len(certain), GROUP):
        yield certain[start : start + GROUP]
    doubtful = (each for each in waiting if each.in_doubt is not None)
    for each in sorted(doubtful, key=lambda each: each.doubts):
        yield [each]


class _Notes:
    """The receipts of a claim on their way to the ledger.

    They are written down by whoever sends, and by another thread while that waits for an answer.
    `owed` are the last ones of a group, to be written down with the marks of the next.
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
        self.untried = False  # whether nobody was there for some, which are due again at once

    def begin(self) -> None:
        """Begin a group."""
        self._written_at = self._line.clock()
        self._missed = self.failing = self.untried = False

    def note(self, accepted: Receipt, now: datetime) -> None:
        """Take one more in, and write down what there is every 50 ms."""
        with self._lock:
            self._noted += 1
            self._unwritten.append(accepted)
            if abs(now - self._written_at) >= UNWRITTEN:
                self._write()

    def end(self) -> set[str]:
        """End a group; the ids of those that are written down."""
        with self._lock:
            written, self._written, self._unwritten = self._written, set(), []
        return written

    def settle_owed(self) -> None:
        """Write down what is owed, before anything that may take long."""
        owed, self.owed = self.owed, []
        if owed:
            self.settle(owed)

    def settle(self, receipts: Sequence[Receipt]) -> None:
        """Write receipts down, whatever ails the database: it is all that is known of these messages.

        All tries together take no longer than a claim lasts; a process that is asked to stop makes
        three where the database is busy, else one. Raises what the last one did.
        """
        for tried in range(1, TRIES + 1):
            try:
                self._line.store.ledger.settle(
                    receipts, lease=self.lease, until=self._line.clock() + LEASE
                )
            except (StoreBusy, ConfigError) as error:
                busy = isinstance(error, StoreBusy)  # which was waited for
                hurried = self._stopping() and (not busy or tried >= LAST_TRIES)
                if tried == TRIES or hurried:
                    raise
                log.warning("receipts wait: %s", error.message, extra={"action": "deliver"})
                if not busy:
                    time.sleep(PAUSE)
            else:
                return

    def holding(self) -> bool:
        """Whether what came of others can be written down, looked at once more where it could not."""
        if self.failing:
            with self._lock:
                self._write()
        return not self.failing

    @contextmanager
    def written_while_waiting(self) -> Iterator[None]:
        """Within the block, write down what there is once no more comes for a moment."""
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
            # After a try that failed, whoever sends tries: two would wait one after the other.
            if self._unwritten and self._noted == seen and not self._missed:
                with self._lock:
                    self._write()
            seen = self._noted

    def _write(self) -> None:
        """Write down what there is; where that cannot be now, it stays."""
        if not self._unwritten:
            return
        now, self._missed = self._line.clock(), True
        try:
            self._line.store.ledger.settle(self._unwritten, lease=self.lease, until=now + LEASE)
        except StoreBusy:  # what comes meanwhile is not to be forgotten for that
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
    """Send a group; `notes` owes receipts of the last one, and then of this."""
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
        with suppress(StoreBusy):  # what would be learned comes again
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
    """Send what is being made, and write down as they come those that were accepted."""
    notes.begin()
    for answer in line.transport.send(making, now, held=claim.held):
        moment = line.clock()
        # It speaks of when the group began, which mostly is the same second.
        late = abs(moment - answer.at) >= SECOND
        receipt = replace(answer, at=moment) if late else answer
        answers.append(receipt)
        notes.untried = notes.untried or receipt.untried
        if receipt.outcome is Outcome.ACCEPTED:  # the whole group decides what a refusal means
            notes.note(receipt, moment)


def _offered(
    line: Line, group: Sequence[Envelope], notes: _Notes, now: datetime
) -> tuple[Grant, Sequence[Envelope], frozenset[str] | None]:
    """As many of a group as the pace lets go now, with what `offer` says; the others come later.

    Where none of them is marked, none goes, and the caps have counted them for nothing.
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
    """Whether the mail server refuses us, judged with what it said of others lately."""
    if not any(each.code // 100 == 5 for each in answers):  # noqa: PLR2004 - refused for good
        return False
    here = {each.digest_id for each in answers}
    told: Sequence[tuple[Receipt, str]] = ()
    with suppress(StoreBusy, ConfigError):  # they are judged by themselves, then
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
    """Unmark what was offered to nobody; its receipts, for the caps have counted it.

    That is what the transport did not try and what cannot have gone: no attempt of theirs. The
    caps have counted those who `left` as well.
    """
    untried = [each for each in answers if each.untried]
    certain = [*unsent, *(each.digest_id for each in untried)]
    if certain:
        line.store.ledger.withdraw(certain, lease=lease)
    return [*untried, *_none_went((*unsent, *left), line.clock())]


class _Claim:
    """Says whether our claim holds, and whether anybody has asked.

    A transport asks before it lets a message go: as long as none has, nothing has gone. Nobody
    else can take what is held for minutes, so a yes is good for a moment, unless we slept since.
    Where what came of others cannot be written down, as on a full disk, nothing more goes.
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
            held = False  # nobody can say, so this one waits
        self._sure_at = now if held else None
        return held


def is_away(answers: Sequence[Receipt]) -> bool:
    """Whether nobody was there to say anything to any of the messages, or to the last of them."""
    return any(each.untried for each in answers) or all(
        each.outcome is Outcome.DEFERRED and not each.code for each in answers
    )


def _summed_up(
    line: Line, group: Sequence[Envelope], settled: Sequence[Receipt], *, away: bool
) -> Delivered:
    """Act on what was refused, and count."""
    by_id = {each.digest.id: each for each in group}
    suppressed = sum(
        _suppressed(line.store, by_id[each.digest_id], each, now=each.at, bounced=line.bounced)
        for each in settled
        if each.outcome is Outcome.REFUSED
    )
    deferred = [each for each in settled if each.outcome is Outcome.DEFERRED]
    # What may have arrived is asked about once it is too late.
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
    """Tell of a refusal; whether it ended the sending, as for an address that does not exist."""
    person = envelope.subscriber
    refusals = store.ledger.refusals(person.id, now - POLICY_WINDOW)
    hard = policy.should_suppress(receipt, refusals)
    if not hard and not receipt.code:
        return False  # a fault of ours says nothing of their address
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
