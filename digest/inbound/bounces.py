"""Record bounces and complaints: whom they are about, and what is kept of them.

Anyone can write a report, so one only counts against a subscriber whom it names with our MAC: by
the address it was sent to (VERP), or by an address or link in the mail of ours that it returns.
Links that people may share, to a digest or a feed, do not count. Other reports are kept unread for
the operator, except those sent to an address of somebody who was erased: nothing of them is kept.
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
from digest.subscriptions.limits import DAY

log = logging.getLogger(__name__)

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
    """Record a report, or whatever came to an address for bounces; the same mail counts once."""
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
    kind = found.kind if is_signed else EvidenceKind.UNREAD
    at = now
    if kind is EvidenceKind.SOFT_BOUNCE and person is not None:
        at = _happened(mail, person, edition, now)
    digest_id = f"{person.id}.{edition}" if person is not None and edition else ""
    evidence = Evidence(
        id=_id(mail.raw),
        kind=kind,
        subscriber_id=person.id if person is not None else "",
        digest_id=digest_id if digest_id and store.ledger.digest(digest_id) else "",
        status=found.status,
        detail=found.detail,
        raw=mail.raw[: MOST_OF_UNREAD if kind is EvidenceKind.UNREAD else MOST_KEPT],
        at=at,
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
    """Return when a bounce happened, which may have waited in a mailbox for months.

    That is the day of the edition that our MAC names, else the date of the report; now if that is
    in the future or before they signed up.
    """
    told = editions.day_window(edition)[1] if edition else _written(mail)
    return told if told is not None and person.created_at <= told <= now else now


def _written(mail: Incoming) -> datetime | None:
    """Return a mail's Date (RFC 5322 §3.6.1); None if it cannot be read."""
    try:
        told = parsedate_to_datetime(mail.first("date")[:LONGEST_DATE])
        return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _has_room(store: Store, evidence: Evidence, *, now: datetime) -> None:
    """Raise RetryLater after more unread mail in a day than anybody will look at.

    The mail server keeps what it has, and offers it again. How many are kept in all is bounded by
    `digest.store.pruning`.
    """
    if evidence.kind is not EvidenceKind.UNREAD or store.post.evidence(evidence.id) is not None:
        return
    if not store.post.take("unread", now=now, seconds=DAY, most=MOST_UNREAD):
        raise RetryLater("Too many mails came today that could not be read.", retry_after=DAY)


def keep_unread(store: Store, raw: bytes, *, detail: str, now: datetime) -> None:
    """Keep a mail for the operator; raises RetryLater after too many in a day."""
    evidence = Evidence(
        id=_id(raw),
        kind=EvidenceKind.UNREAD,
        detail=detail,
        raw=raw[:MOST_OF_UNREAD],
        at=now,
    )
    _has_room(store, evidence, now=now)
    store.post.record(evidence)


def _id(raw: bytes) -> str:
    """Return the id of a mail as evidence: the same for the same bytes."""
    return f"e_{sha256(raw).hexdigest()[:24]}"


def _about(
    store: Store,
    mail: Incoming,
    recipients: Sequence[str],
    policy: Policy,
) -> tuple[Subscriber | None, str, bool]:
    """Return the subscriber a report names, the edition or "", and whether our MAC proves it."""
    tagged = proving.by_tag(store, recipients, scope=links.BOUNCE, policy=policy)
    if tagged is not None:
        return tagged[0], _dated(proving.edition_of(tagged[1])), True
    returned = _SOFT_BREAK.sub(b"", mail.raw[: reading.MOST_BYTES])
    for scopes, is_tag, named in _named(returned):
        person = subscriptions.by_id(store, named.subscriber_id)
        holds = tokens.holds_tag if is_tag else tokens.holds
        if person is not None and any(holds(named, person.key, scope) for scope in scopes):
            return person, _dated(proving.edition_of(named.subject)) if is_tag else "", True
    return *_by_message_id(store, returned), False


def _is_to_somebody_gone(store: Store, recipients: Sequence[str]) -> bool:
    """Tell whether a recipient is an address that we made for somebody who was erased.

    Its MAC cannot be checked, as their key is gone; but nothing about them may be stored again.
    """
    tags = (_TAG.match(each.encode("ascii", "replace")) for each in recipients)
    named = (tokens.read(each[1].decode().lower()) for each in tags if each is not None)
    ids = {each.subscriber_id for each in named if each is not None}
    return not ids <= store.subscribers.get(sorted(ids)).keys()


def _named(returned: bytes) -> Iterator[tuple[tuple[str, ...], bool, tokens.Named]]:
    """Yield (scopes it may have, is it a tag, what it names) of each tag and token; unchecked."""
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
    """Return the subscriber and edition of a returned digest, by its Message-ID.

    That has no MAC, and can be read off any of a subscriber's links: a hint for the operator only.
    """
    for text in list(dict.fromkeys(_OF_A_DIGEST.findall(returned)))[:MOST_NAMED]:
        digest = store.ledger.digest(text.decode("ascii"))
        if digest is not None:
            return subscriptions.by_id(store, digest.subscriber_id), digest.edition
    return None, ""


def _dated(edition: str) -> str:
    return "" if edition == proving.LETTER else edition
