"""Deliver: claim a block that is due, render it, hand it over, settle the receipts in one go.

At least once, with a key: a crash between the hand-over and the settling repeats at most one
block, under the same Message-IDs. No transaction is open while the network is.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from digest.delivery import policy
from digest.errors import ConfigError, DigestError
from digest.model import (
    Digest,
    Envelope,
    Evidence,
    Message,
    Outcome,
    Paper,
    Receipt,
    Status,
    Subscriber,
    Voice,
)
from digest.ports import Store, Transport
from digest.ranking import trending

log = logging.getLogger(__name__)

LEASE_SECONDS = 15 * 60
POLICY_WINDOW = timedelta(days=30)

Render = Callable[[Envelope], Message]
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
    """What a round of delivering came to, by outcome."""

    accepted: int = 0
    deferred: int = 0
    refused: int = 0
    suppressed: int = 0
    causes: tuple[str, ...] = field(default=())

    def __add__(self, other: Delivered) -> Delivered:
        return Delivered(
            accepted=self.accepted + other.accepted,
            deferred=self.deferred + other.deferred,
            refused=self.refused + other.refused,
            suppressed=self.suppressed + other.suppressed,
            causes=tuple(dict.fromkeys((*self.causes, *other.causes)))[:10],
        )


def deliver(
    store: Store,
    transport: Transport,
    renderer: Callable[[Material], Render],
    *,
    clock: Callable[[], datetime],
    rng: random.Random,
    owner: str,
    block: int,
    bounced: Bounced,
    stopping: Callable[[], bool] = lambda: False,
    progress: Callable[[int], object] = lambda _: None,
) -> Delivered:
    """Send everything that is due, a block at a time, until none is left or we are `stopping`.

    `bounced` acts on what a mail server refused for good, and returns the subscriber as they are
    after it.
    """
    total = Delivered()
    while not stopping():
        envelopes = store.ledger.claim(clock(), owner=owner, limit=block, lease=LEASE_SECONDS)
        if not envelopes:
            break
        lease = envelopes[0].lease
        try:
            done = _deliver_block(
                store, transport, renderer, envelopes, clock=clock, rng=rng, bounced=bounced
            )
        finally:
            store.ledger.release(lease)
        total += done
        progress(len(envelopes))
        if not (done.accepted or done.deferred or done.refused):
            log.error("the transport gave no receipt for a block", extra={"action": "deliver"})
            break
    return total


def material_for(store: Store, digests: Iterable[Digest]) -> Material:
    """Load the papers, upvotes, voices and liked titles that a block of digests shows."""
    digests = list(digests)
    picks = [pick for digest in digests for pick in digest.picks]
    ids = {pick.paper_id for pick in picks}
    ids.update(paper for digest in digests for paper in digest.rest)
    papers = store.papers.get(ids)
    named = {reason.what for pick in picks for reason in pick.reasons} - papers.keys()
    others = store.papers.get(each for each in named if ":" in each)
    signals = [s for found in store.papers.signals(papers).values() for s in found]
    titles = {key: paper.title for key, paper in (*papers.items(), *others.items())}
    return Material(
        papers=papers,
        upvotes=trending.upvotes(signals),
        titles=titles,
        voices=store.community.voices(papers),
    )


def _deliver_block(
    store: Store,
    transport: Transport,
    renderer: Callable[[Material], Render],
    envelopes: Sequence[Envelope],
    *,
    clock: Callable[[], datetime],
    rng: random.Random,
    bounced: Bounced,
) -> Delivered:
    now = clock()
    render = renderer(material_for(store, (each.digest for each in envelopes)))
    messages: list[Message] = []
    receipts: list[Receipt] = []
    for envelope in envelopes:
        try:
            messages.append(render(envelope))
        except ConfigError:
            raise
        except DigestError as error:
            receipts.append(_not_rendered(envelope, Outcome.REFUSED, error.message, now=now))
        except Exception as error:
            log.error(  # noqa: TRY400 - the traceback is for --debug
                "a digest could not be rendered",
                extra={"action": "render"},
                exc_info=log.isEnabledFor(logging.DEBUG),
            )
            receipts.append(
                _not_rendered(envelope, Outcome.DEFERRED, type(error).__name__, now=now)
            )
    try:
        for receipt in transport.send(messages, now):
            receipts.append(receipt)
            # A server that takes minutes for each must not have ours sent by the next worker too.
            if clock() - now > timedelta(seconds=LEASE_SECONDS / 2):
                break
    finally:
        settled = policy.settle_times(receipts, envelopes, now, rng)
        store.ledger.settle(settled, lease=envelopes[0].lease)
    by_id = {each.digest.id: each for each in envelopes}
    suppressed = sum(
        _suppressed(store, by_id[each.digest_id], each, now=now, bounced=bounced)
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
    )


def _not_rendered(envelope: Envelope, outcome: Outcome, cause: str, *, now: datetime) -> Receipt:
    """A receipt of our own; what may be a fault of ours is put off, so that others go first."""
    return Receipt(
        digest_id=envelope.digest.id, outcome=outcome, reply=f"not rendered: {cause}", at=now
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
    after = bounced(evidence)
    if after is None or after.status is not Status.SUPPRESSED:
        return False
    log.warning(
        "stopped sending to a subscriber that the mail server refuses",
        extra={"action": "suppress", "subscriber": person.id, "code": receipt.code},
    )
    return True
