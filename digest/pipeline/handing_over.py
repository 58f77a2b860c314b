"""Handing a claimed block over: what a crash leaves is known, and nothing known is forgotten.

For each group of at most 50: mark it as going out (committed before the first byte is sent), send
it while its messages are made, and write the receipts down as they come, those of 50 ms at a time.
Just before each message becomes the server's, the lease is looked at once more.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from digest.delivery import policy
from digest.errors import ConfigError, DigestError, StoreBusy
from digest.model import (
    Digest,
    Envelope,
    Evidence,
    Grant,
    Outcome,
    Paper,
    Receipt,
    Status,
    Subscriber,
    Voice,
)
from digest.pipeline.making import Making, Render, Signing
from digest.pipeline.pacing import Pacer, by_domain, domain_of, share
from digest.ports import Acceptances, Store, Transport

log = logging.getLogger(__name__)

GROUP = 50
UNWRITTEN = timedelta(milliseconds=50)
LEASE = timedelta(minutes=15)
# A message becomes the server's only while the lease lasts long enough for its answer (5 minutes
# at most) and for its log to say so, before anybody else may look there.
ANSWERING = timedelta(minutes=6)
# A message that a mail server took in silence so often is sent no more, unless it has not got it.
MOST_DOUBTS = 2
ASKED_AGAIN = timedelta(hours=1)
POLICY_WINDOW = timedelta(days=30)
TRIES = 30  # of ten seconds each
# By what a mail server said to so many, lately, refusals are judged.
MOST_REMEMBERED = 20
REMEMBERED = timedelta(days=3)

Bounced = Callable[[Evidence], Subscriber | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What rendering needs beside the digests themselves, loaded once a block."""

    papers: Mapping[str, Paper]
    upvotes: Mapping[str, int]
    titles: Mapping[str, str]
    voices: Mapping[str, Sequence[Voice]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What a round of delivering came to, by outcome.

    `cut_short` says that what was left is to be tried later: nobody took anything, or what we had
    claimed is no longer ours.
    """

    accepted: int = 0
    deferred: int = 0
    refused: int = 0
    suppressed: int = 0
    causes: tuple[str, ...] = field(default=())
    cut_short: bool = False

    def __add__(self, other: Delivered) -> Delivered:
        return Delivered(
            accepted=self.accepted + other.accepted,
            deferred=self.deferred + other.deferred,
            refused=self.refused + other.refused,
            suppressed=self.suppressed + other.suppressed,
            causes=tuple(dict.fromkeys((*self.causes, *other.causes)))[:10],
            cut_short=self.cut_short or other.cut_short,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a round of delivering works with; `renderer` takes the digests of a block.

    Without `signing`, messages go out as they are rendered.
    """

    store: Store
    transport: Transport
    renderer: Callable[[Iterable[Digest]], Render]
    clock: Callable[[], datetime]
    rng: random.Random
    bounced: Bounced
    acceptances: Acceptances | None
    pacer: Pacer
    signing: Signing | None


def send_block(
    line: Line,
    envelopes: Sequence[Envelope],
    *,
    stopping: Callable[[], bool],
    progress: Callable[[int], object],
) -> Delivered:
    """Send a claimed block, group by group; asked to stop, the group in hand is finished."""
    waiting, total = _settle_doubts(line, envelopes)
    progress(len(envelopes) - len(waiting))
    if not waiting:
        return total
    render = line.renderer(each.digest for each in waiting)
    for start in range(0, len(waiting), GROUP):
        if start and stopping():
            break
        group = waiting[start : start + GROUP]
        done = _send_group(line, render, group)
        progress(done.accepted + done.deferred + done.refused)
        total += done
        if total.cut_short:
            break
    return total


def _settle_doubts(
    line: Line, envelopes: Sequence[Envelope]
) -> tuple[Sequence[Envelope], Delivered]:
    """Ask about those that an earlier sender may have handed over; returns those left to send.

    One after which the server fell silent twice is sent again only if its log says that it was not
    taken; while that cannot say, it is asked again, and where nobody can, it counts as arrived.
    """
    doubtful = [(each, each.in_doubt) for each in envelopes if each.in_doubt is not None]
    if not doubtful:
        return envelopes, Delivered()
    now = line.clock()
    taken: Mapping[str, bool | None] = {}
    asks = line.acceptances is not None
    if line.acceptances is not None:
        ids = [each.message_id for each, _ in doubtful]
        taken = line.acceptances.taken(ids, min(since for _, since in doubtful))
    receipts: list[Receipt] = []
    later: dict[str, datetime] = {}
    for each, _ in doubtful:
        known = taken.get(each.message_id)
        if known is None and each.doubts >= MOST_DOUBTS and asks and now < each.expires_at:
            later[each.digest.id] = min(now + ASKED_AGAIN, each.expires_at)
        elif receipt := _ended(each, known, now):
            receipts.append(receipt)
    lease = envelopes[0].lease
    line.store.ledger.settle(receipts, lease=lease, until=line.clock() + LEASE)
    if later:
        line.store.ledger.put_off(later, lease=lease)
    accepted = sum(each.outcome is Outcome.ACCEPTED for each in receipts)
    log.info(
        "asked about messages that may have been taken",
        extra={"action": "recover", "asked": len(doubtful), "taken": accepted},
    )
    settled = {each.digest_id for each in receipts} | later.keys()
    return (
        [each for each in envelopes if each.digest.id not in settled],
        Delivered(accepted=accepted, deferred=len(receipts) - accepted),
    )


def _ended(envelope: Envelope, taken: bool | None, now: datetime) -> Receipt | None:
    """The receipt of a message in doubt that is not to be sent again; None for one that is."""
    told = Receipt(digest_id=envelope.digest.id, outcome=Outcome.DEFERRED, at=now)
    if taken:
        words = "the mail server's log says that it was taken"
        return replace(told, outcome=Outcome.ACCEPTED, reply=words)
    if taken is None and envelope.doubts >= MOST_DOUBTS:
        words = "not sent again: it may have arrived, and nobody can say"
        return replace(told, reply=words, unknown=True, retry_at=envelope.expires_at)
    if envelope.expires_at <= now:
        return replace(told, reply="not sent again: too late")
    return None


def _send_group(line: Line, render: Render, group: Sequence[Envelope]) -> Delivered:
    now, lease, ledger = line.clock(), group[0].lease, line.store.ledger
    grant, group = _granted(line, group, now)
    offered = [each.digest.id for each in group]
    going = ledger.offer(offered, lease=lease, now=now, until=now + LEASE)
    if going is None:
        log.warning("another worker took our claim over", extra={"action": "deliver"})
        return Delivered(cut_short=True)
    left = [each for each in offered if each not in going]
    staying = [each for each in group if each.digest.id in going]
    making = Making(render, staying, now=now, signing=line.signing)
    claim = _Claim(line, lease)
    answers: list[Receipt] = []
    unsent: Sequence[str] = ()
    unwritten: list[Receipt] = []
    written: set[str] = set()
    written_at = line.clock()
    try:
        for answer in line.transport.send(making, now, held=claim.held):
            moment = line.clock()
            receipt = replace(answer, at=moment)
            answers.append(receipt)
            if receipt.outcome is not Outcome.ACCEPTED:
                continue  # the whole group decides what a refusal means
            unwritten.append(receipt)
            if abs(moment - written_at) < UNWRITTEN:
                continue
            written_at = moment
            # What comes meanwhile is not to be forgotten for a database that is busy now.
            with suppress(StoreBusy):
                ledger.settle(unwritten, lease=lease, until=moment + LEASE)
                written.update(each.digest_id for each in unwritten)
                unwritten = []
    except ConfigError:
        if not claim.asked and not answers:
            unsent = list(going)
        raise
    finally:
        unsent = making.unmade if making.fault else unsent
        ours = _is_ours(line, answers)
        settled = policy.settle_times(
            [*making.failed, *answers], group, max(now, line.clock()), line.rng, ours=ours
        )
        _settle(line, [each for each in settled if each.digest_id not in written], lease=lease)
        back = _given_back(line, unsent, left, lease=lease)
        receipts = [*making.failed, *answers, *back]
        with suppress(StoreBusy):  # what would be learned comes again
            line.pacer.learn(grant, by_domain(group, receipts), line.clock())
    sendable = len(going) > len(making.failed)
    if sendable and not answers and not making.fault:
        log.error("the transport gave no receipt for a group", extra={"action": "deliver"})
    done = _summed_up(line, group, settled, away=ours or (sendable and is_away(answers)))
    if making.fault:
        raise making.fault
    return done


def _granted(
    line: Line, group: Sequence[Envelope], now: datetime
) -> tuple[Grant, Sequence[Envelope]]:
    """As many of a group as the pace lets go now; the others come again later."""
    grant = line.pacer.ask(Counter(domain_of(each.subscriber.email) for each in group), now)
    going, later = share(group, grant)
    if later:
        line.store.ledger.put_off(later, lease=group[0].lease)
    return grant, going


def _settle(line: Line, receipts: Sequence[Receipt], *, lease: str) -> None:
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
    if not any(policy.is_policy_refusal(each) for each in answers):
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
    line: Line, unsent: Sequence[str], left: Sequence[str], *, lease: str
) -> list[Receipt]:
    """Unmark what was offered and cannot have gone, and say so, for the caps have counted it.

    They have counted those who `left` as well.
    """
    if unsent:
        line.store.ledger.withdraw(unsent, lease=lease)
    now = line.clock()
    return [Receipt(digest_id=each, outcome=Outcome.DEFERRED, at=now) for each in (*unsent, *left)]


class _Claim:
    """Says whether our claim holds, and whether anybody has asked.

    A transport asks before it lets a message go: as long as none has, nothing has gone.
    """

    def __init__(self, line: Line, lease: str) -> None:
        self._line = line
        self._lease = lease
        self.asked = False

    def held(self) -> bool:
        self.asked = True
        now = self._line.clock()
        try:
            return self._line.store.ledger.hold(
                self._lease, over=now + ANSWERING, until=now + LEASE
            )
        except StoreBusy:
            return False  # nobody can say, so this one waits


def is_away(answers: Sequence[Receipt]) -> bool:
    """Whether nobody was there to say anything to any of the messages."""
    return all(each.outcome is Outcome.DEFERRED and not each.code for each in answers)


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
