"""Handing a claimed block over: what a crash leaves is known, and nothing known is forgotten.

For each group of at most 50: mark it as going out (committed before the first byte is sent), send
it while its messages are made, and write the receipts down as they come, those of 50 ms at a time;
where all were accepted, the last of them with the marks of the next group, since the disk is what
takes the time. Just before each message becomes the server's, the lease is looked at once more, unless it was a
moment ago.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

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
SURE = timedelta(milliseconds=20)
SECOND = timedelta(seconds=1)  # as exactly as the ledger knows when something went
# A message becomes the server's only while the lease lasts long enough for its answer (5 minutes
# at most) and for its log to say so, before anybody else may look there.
ANSWERING = timedelta(minutes=6)
POLICY_WINDOW = timedelta(days=30)
TRIES = 30  # of ten seconds each
# By what a mail server said to so many, lately, refusals are judged.
MOST_REMEMBERED = 20
REMEMBERED = timedelta(days=3)


def send_block(
    line: Line,
    envelopes: Sequence[Envelope],
    *,
    stopping: Callable[[], bool],
    progress: Callable[[int], object],
) -> Delivered:
    """Send a claimed block, group by group; asked to stop, the group in hand is finished."""
    waiting, total = settle_doubts(line, envelopes)
    progress(len(envelopes) - len(waiting))
    if not waiting:
        return total
    render = line.renderer(each.digest for each in waiting)
    owed: list[Receipt] = []
    try:
        for start in range(0, len(waiting), GROUP):
            if start and stopping():
                break
            group = waiting[start : start + GROUP]
            done = _send_group(line, render, group, owed)
            progress(done.accepted + done.deferred + done.refused)
            total += done
            if total.cut_short:
                break
    finally:
        if owed:
            _settle(line, owed, waiting[0].lease)
    return total


@dataclass(slots=True)
class _Answers:
    """What came of a group so far, and the ids of those of which it is written down."""

    receipts: list[Receipt] = field(default_factory=list)
    written: set[str] = field(default_factory=set)

    @property
    def of_tried(self) -> list[Receipt]:
        """Of those that were offered to the server."""
        return [each for each in self.receipts if not each.untried]


def _send_group(
    line: Line, render: Render, group: Sequence[Envelope], owed: list[Receipt]
) -> Delivered:
    """Send a group; `owed` are receipts still to be written down, of the last one and then of this."""
    now, lease = line.clock(), group[0].lease
    grant, group = _granted(line, group, now)
    offered = [each.digest.id for each in group]
    going = line.store.ledger.offer(group, lease=lease, now=now, until=now + LEASE, settling=owed)
    owed.clear()
    if going is None:
        log.warning("another worker took our claim over", extra={"action": "deliver"})
        return Delivered(cut_short=True)
    staying = [each for each in group if each.digest.id in going]
    making = Making(render, staying, now=now, signing=line.signing)
    claim, answers = _Claim(line, lease), _Answers()
    unsent: Sequence[str] = ()
    try:
        _take_answers(line, making, claim, answers, now)
    except ConfigError:
        if not claim.asked and not answers.receipts:
            unsent = list(going)
        raise
    finally:
        unsent = making.unmade if making.fault else unsent
        ours = _is_ours(line, answers.receipts)
        told = [*making.failed, *answers.of_tried]
        settled = policy.settle_times(told, group, max(now, line.clock()), line.rng, ours=ours)
        unwritten = [each for each in settled if each.digest_id not in answers.written]
        if all(each.outcome is Outcome.ACCEPTED for each in unwritten):
            owed += unwritten
        else:
            _settle(line, unwritten, lease)
        left = [each for each in offered if each not in going]
        back = _given_back(line, answers.receipts, unsent, left, lease)
        with suppress(StoreBusy):  # what would be learned comes again
            line.pacer.learn(grant, by_domain(group, [*told, *back]), line.clock())
    sendable = len(going) > len(making.failed)
    if sendable and not answers.receipts and not making.fault:
        log.error("the transport gave no receipt for a group", extra={"action": "deliver"})
    away = ours or (sendable and is_away(answers.receipts))
    done = _summed_up(line, group, settled, away=away)
    if making.fault:
        raise making.fault
    untried = len(answers.receipts) - len(answers.of_tried)
    return replace(done, deferred=done.deferred + untried)


def _take_answers(
    line: Line, making: Making, claim: _Claim, answers: _Answers, now: datetime
) -> None:
    """Send what is being made, and write down as they come those that were accepted."""
    unwritten: list[Receipt] = []
    written_at = line.clock()
    for answer in line.transport.send(making, now, held=claim.held):
        moment = line.clock()
        # It speaks of when the group began, which mostly is the same second.
        late = abs(moment - answer.at) >= SECOND
        receipt = replace(answer, at=moment) if late else answer
        answers.receipts.append(receipt)
        if receipt.outcome is not Outcome.ACCEPTED:
            continue  # the whole group decides what a refusal means
        unwritten.append(receipt)
        if abs(moment - written_at) < UNWRITTEN:
            continue
        written_at = moment
        # What comes meanwhile is not to be forgotten for a database that is busy now.
        with suppress(StoreBusy):
            line.store.ledger.settle(unwritten, lease=claim.lease, until=moment + LEASE)
            answers.written.update(each.digest_id for each in unwritten)
            unwritten = []


def _granted(
    line: Line, group: Sequence[Envelope], now: datetime
) -> tuple[Grant, Sequence[Envelope]]:
    """As many of a group as the pace lets go now; the others come again later."""
    grant = line.pacer.ask(Counter(domain_of(each.subscriber.email) for each in group), now)
    going, later = share(group, grant)
    if later:
        line.store.ledger.put_off(later, lease=group[0].lease)
    return grant, going


def _settle(line: Line, receipts: Sequence[Receipt], lease: str) -> None:
    """Write receipts down, however busy the database: it is all that is known of these messages.

    Each try waits for the database by itself; all together take no longer than a claim lasts.
    Raises StoreBusy after the last.
    """
    for left in reversed(range(TRIES)):
        try:
            line.store.ledger.settle(receipts, lease=lease, until=line.clock() + LEASE)
        except StoreBusy:
            if not left:
                raise
            log.warning("the database is busy; receipts wait", extra={"action": "deliver"})
        else:
            return


def _is_ours(line: Line, answers: Sequence[Receipt]) -> bool:
    """Whether the mail server refuses us, judged with what it said of others lately."""
    if not any(each.code // 100 == 5 for each in answers):  # noqa: PLR2004 - refused for good
        return False
    here = {each.digest_id for each in answers}
    told: Sequence[tuple[Receipt, str]] = ()
    with suppress(StoreBusy):  # they are judged by themselves, then
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
    now = line.clock()
    none = [Receipt(digest_id=each, outcome=Outcome.DEFERRED, at=now) for each in (*unsent, *left)]
    return [*untried, *none]


class _Claim:
    """Says whether our claim holds, and whether anybody has asked.

    A transport asks before it lets a message go: as long as none has, nothing has gone. Nobody
    else can take what is held for minutes, so a yes is good for a moment, unless we slept since.
    """

    def __init__(self, line: Line, lease: str) -> None:
        self._line = line
        self.lease = lease
        self.asked = False
        self._sure_at: datetime | None = None

    def held(self) -> bool:
        self.asked = True
        now = self._line.clock()
        if self._sure_at and abs(now - self._sure_at) < SURE:
            return True
        ledger = self._line.store.ledger
        try:
            held = ledger.hold(self.lease, over=now + ANSWERING, until=now + LEASE)
        except StoreBusy:
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
    return Delivered(
        accepted=sum(each.outcome is Outcome.ACCEPTED for each in settled),
        deferred=sum(each.outcome is Outcome.DEFERRED for each in settled),
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
