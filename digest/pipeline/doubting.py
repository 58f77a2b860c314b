"""Messages of which nobody knows whether a mail server took them: whom to ask, and what follows."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from digest.model import Envelope, Outcome, Receipt
from digest.pipeline.line import LEASE, Delivered, Line

log = logging.getLogger(__name__)

# After so many silences a message is not sent again, unless the server's log lacks it.
MOST_DOUBTS = 2
ASKED_AGAIN = timedelta(hours=1)
WELL_BEFORE = timedelta(days=1)


def settle_doubts(
    line: Line, envelopes: Sequence[Envelope]
) -> tuple[Sequence[Envelope], Delivered]:
    """Ask about messages that an earlier sender may have handed over; returns those left to send.

    After two silences of the server, a message is sent again only if its log says that it was not
    taken. While the log cannot say, it is asked again later; where there is no log, the message
    counts as arrived.
    """
    doubtful = [(each, each.in_doubt) for each in envelopes if each.in_doubt is not None]
    if not doubtful:
        return envelopes, Delivered()
    now = line.clock()
    taken: Mapping[str, bool | None] = {}
    has_log = line.acceptances is not None
    if line.acceptances is not None:
        ids = [each.message_id for each, _ in doubtful]
        taken = line.acceptances.taken(ids, _asked_since([each for _, each in doubtful], now))
    receipts: list[Receipt] = []
    later: dict[str, datetime] = {}
    for each, _ in doubtful:
        known = taken.get(each.message_id)
        if known is None and each.doubts >= MOST_DOUBTS and has_log and now < each.expires_at:
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
        Delivered(accepted=accepted, expired=len(receipts) - accepted),
    )


def _asked_since(doubts: Sequence[datetime], now: datetime) -> datetime:
    """From when on to ask the log.

    If a message seems to have gone in the future, the clock was wrong and nobody knows when it
    went.
    """
    return min(*doubts, now - WELL_BEFORE) if max(doubts) > now else min(doubts)


def _ended(envelope: Envelope, taken: bool | None, now: datetime) -> Receipt | None:
    """The receipt of a message in doubt that is not sent again; None for one that is."""
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
