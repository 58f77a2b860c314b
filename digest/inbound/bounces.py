"""Bounces and complaints: whom they are about, and what is kept of them.

What kind of failure a report speaks of anyone could have written, so it only counts against a
subscriber whom it names with our MAC: by the address it was sent to (VERP), or by an address or
a link in the mail of ours that it returns. Links that people show to others, to a digest or a
feed, do not count. All else is kept as it came, for the operator, but for what comes to an address
of somebody who was erased: that is not kept at all.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256

from digest import editions, subscriptions, tokens
from digest.errors import RetryLater
from digest.inbound import guard, proving, reading, reports
from digest.inbound.values import Incoming, Policy
from digest.model import Evidence, EvidenceKind, Subscriber
from digest.ports import Store
from digest.rendering import links

log = logging.getLogger(__name__)

DAY = 86_400.0
MOST_UNREAD = 1_000
MOST_KEPT = 256_000
MOST_OF_UNREAD = 32_000
MOST_NAMED = 20
LONGEST_DATE = 100

SCOPES = (links.UNSUBSCRIBE, links.CONFIRM)

_SOFT_BREAK = re.compile(rb"=\r?\n|\r?\n[ \t]+")
_TAG = re.compile(
    rb"(?:reply|bounce)\+(s_[0-9a-f]{4,40}\.[a-z0-9-]{1,20}\.[a-z2-7]{16})@", re.IGNORECASE
)
_TOKEN = re.compile(rb"(?<![\w.-])(s_[0-9a-f]{4,40}\.[\w-]{0,20}\.[\w-]{22})(?![\w-])")
_OF_A_DIGEST = re.compile(rb"<(s_[0-9a-f]{4,40}\.\d{4}-\d\d-\d\d)(?:\.[^@<>\s]{0,40})?@")


def handle(
    store: Store, mail: Incoming, recipients: Sequence[str], policy: Policy, *, now: datetime
) -> None:
    """Take in a report, or whatever came to an address for bounces; twice is once."""
    automatic = guard.is_chatter(mail, policy) and not reports.is_marked(mail)
    found = reports.find(mail, automatic=automatic)
    is_addressed = any(
        each.lower().startswith((f"{links.BOUNCE}+", f"{links.BOUNCE}@")) for each in recipients
    )
    is_junk = found.kind is EvidenceKind.UNREAD and not (is_addressed or reports.is_marked(mail))
    if found.kind is None or is_junk:
        log.info("nothing to count", extra={"action": "report"})
        return
    person, edition, is_signed = _about(store, mail, recipients, policy)
    if not is_signed and _is_to_somebody_gone(store, recipients):
        log.info("a report on somebody who is gone", extra={"action": "report"})
        return
    is_known = is_signed and found.kind is not EvidenceKind.UNREAD
    is_counted = is_known and found.kind is EvidenceKind.SOFT_BOUNCE
    digest_id = f"{person.id}.{edition}" if person is not None and edition else ""
    kind = found.kind if is_known else EvidenceKind.UNREAD
    evidence = Evidence(
        id=evidence_id(mail.raw),
        kind=kind,
        subscriber_id=person.id if person is not None else "",
        digest_id=digest_id if digest_id and store.ledger.digest(digest_id) else "",
        status=found.status,
        detail=found.detail,
        raw=mail.raw[: MOST_OF_UNREAD if kind is EvidenceKind.UNREAD else MOST_KEPT],
        at=_happened(mail, person, edition, now) if is_counted and person is not None else now,
    )
    _has_room(store, evidence, now=now)
    log.info("a report came in", extra={"action": "report", "kind": str(evidence.kind)})
    subscriptions.bounce(
        store,
        evidence,
        soft_bounces=policy.soft_bounces,
        soft_days=policy.soft_days,
        now=now,
    )


def _happened(mail: Incoming, person: Subscriber, edition: str, now: datetime) -> datetime:
    """When a bounce happened that may have waited in a mailbox for months.

    That is the day of the edition that our MAC names, else when the report says it was written; now,
    where that is yet to come or was before they signed up.
    """
    told = editions.day_window(edition)[1] if edition else _written(mail)
    return told if told is not None and person.created_at <= told <= now else now


def _written(mail: Incoming) -> datetime | None:
    """What a mail says of its date (RFC 5322 §3.6.1), if it can be read."""
    try:
        told = parsedate_to_datetime(mail.first("date")[:LONGEST_DATE])
        return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _has_room(store: Store, evidence: Evidence, *, now: datetime) -> None:
    """Raise RetryLater once a day has brought more unread mail than anybody will look at.

    The mail server then keeps what it has, and offers it again. Nobody can fill our disk by coming
    every day either: the night leaves some thousands of them (`digest.store.pruning`).
    """
    if evidence.kind is not EvidenceKind.UNREAD or store.post.evidence(evidence.id) is not None:
        return
    if not store.post.take("unread", now=now, seconds=DAY, most=MOST_UNREAD):
        raise RetryLater("There is too much mail that nobody could read.", retry_after=DAY)


def keep_unread(store: Store, raw: bytes, *, detail: str, now: datetime) -> None:
    """Keep a mail that nothing could be made of, until an operator has seen it."""
    evidence = Evidence(
        id=evidence_id(raw),
        kind=EvidenceKind.UNREAD,
        detail=detail,
        raw=raw[:MOST_OF_UNREAD],
        at=now,
    )
    _has_room(store, evidence, now=now)
    store.post.record(evidence)


def evidence_id(raw: bytes) -> str:
    """The id of a mail as evidence: the same for the same bytes."""
    return f"e_{sha256(raw).hexdigest()[:24]}"


def _about(
    store: Store,
    mail: Incoming,
    recipients: Sequence[str],
    policy: Policy,
) -> tuple[Subscriber | None, str, bool]:
    """The subscriber a report names, the edition if one is named, and whether our MAC says so."""
    tagged = proving.by_tag(store, recipients, scope=links.BOUNCE, policy=policy)
    if tagged is not None:
        return tagged[0], _dated(proving.edition_of(tagged[1])), True
    returned = _SOFT_BREAK.sub(b"", mail.raw[: reading.MOST_BYTES])
    for scopes, is_tag, named in _named(returned):
        person = store.subscribers.get([named.subscriber_id]).get(named.subscriber_id)
        holds = tokens.holds_tag if is_tag else tokens.holds
        if person is not None and any(holds(named, person.key, scope) for scope in scopes):
            return person, _dated(proving.edition_of(named.subject)) if is_tag else "", True
    return *_by_message_id(store, returned), False


def _is_to_somebody_gone(store: Store, recipients: Sequence[str]) -> bool:
    """Whether a recipient is an address we made for somebody who is not there any more.

    Their key is gone, so its MAC can prove nothing; but nothing of theirs may come back either.
    """
    tags = (_TAG.match(each.encode("ascii", "replace")) for each in recipients)
    named = (tokens.read(each[1].decode().lower()) for each in tags if each is not None)
    ids = {each.subscriber_id for each in named if each is not None}
    return not ids <= store.subscribers.get(sorted(ids)).keys()


def _named(returned: bytes) -> Iterator[tuple[tuple[str, ...], bool, tokens.Named]]:
    """Tags and tokens in a returned mail, with the scopes they may have; nothing is checked yet."""
    for pattern, scopes, is_tag in (
        (_TAG, (links.BOUNCE, links.REPLY), True),
        (_TOKEN, SCOPES, False),
    ):
        for text in list(dict.fromkeys(pattern.findall(returned)))[:MOST_NAMED]:
            word = text.decode("ascii", "replace")
            named = tokens.read(word.lower() if is_tag else word)
            if named is not None:
                yield scopes, is_tag, named


def _by_message_id(store: Store, returned: bytes) -> tuple[Subscriber | None, str]:
    """Whose digest a report returns, where it left nothing of it but the Message-ID.

    That has no MAC, and every link of a reader tells it: it is a hint for the operator, no more.
    """
    for text in list(dict.fromkeys(_OF_A_DIGEST.findall(returned)))[:MOST_NAMED]:
        digest = store.ledger.digest(text.decode("ascii"))
        if digest is not None:
            found = store.subscribers.get([digest.subscriber_id])
            return found.get(digest.subscriber_id), digest.edition
    return None, ""


def _dated(edition: str) -> str:
    return "" if edition == proving.LETTER else edition
