"""Hand a claimed block over to the mail server, so that a crash never loses what is known of it.

Messages go in groups of at most 50. A group is marked as going out, committed before its first byte
is sent; it is sent while its messages are made; and receipts are written as they come, those of 50
ms at a time, also while an answer is waited for. If all were accepted, the last receipts are
written together with the marks of the next group, since committing is what takes the time. Just
before each message becomes the server's, the lease is checked, unless it was a moment ago.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from digest.delivery import policy
from digest.errors import ConfigError, DigestError, StoreBusy
from digest.model import Envelope, Grant, Outcome, Receipt, Status
from digest.pipeline.doubting import settle_doubts
from digest.pipeline.line import LEASE, Bounced, Delivered, Line
from digest.pipeline.making import Making, Render
from digest.pipeline.noting import Claim, Notes
from digest.pipeline.pacing import by_domain, domain_of, share
from digest.ports import Store

log = logging.getLogger(__name__)

GROUP = 50
TELLING = timedelta(seconds=1)  # between calls of `progress`, which may take long
SECOND = timedelta(seconds=1)  # how exactly the ledger knows when a message went
MOST_QUIET = 3  # unanswered messages in a row, each sent alone, before a round ends
POLICY_WINDOW = timedelta(days=30)
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
    notes = Notes(line, waiting[0].lease, stopping)
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


def _send_group(line: Line, render: Render, group: Sequence[Envelope], notes: Notes) -> Delivered:
    """Send a group; `notes` owes receipts of the last one before, and of this one after."""
    now, lease = line.clock(), notes.lease
    grant, group, going = _offered(line, group, notes, now)
    if going is None:
        log.warning("another worker took our claim over", extra={"action": "deliver"})
        return Delivered(cut_short=True)
    staying = [each for each in group if each.digest.id in going]
    making = Making(render, staying, now=now, signing=line.signing)
    claim = Claim(line, notes)
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
    claim: Claim,
    answers: list[Receipt],
    notes: Notes,
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
    line: Line, group: Sequence[Envelope], notes: Notes, now: datetime
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
