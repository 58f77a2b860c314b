"""What bounces and complaints do to a subscription, and how an operator takes that back."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from digest import editions
from digest.errors import NotFound, StoreBusy
from digest.model import Evidence, EvidenceKind, Status, Subscriber, SuppressionReason
from digest.ports import Store
from digest.subscriptions.addresses import address_hash, lift
from digest.subscriptions.people import MOST_TRIES, amend

SOFT_PAUSE = timedelta(days=14)
MOST_EVIDENCE = 1_000
MOST_STANDING = 1_000_000
ENDS = {
    EvidenceKind.HARD_BOUNCE: (Status.SUPPRESSED, SuppressionReason.BOUNCED),
    EvidenceKind.COMPLAINT: (Status.UNSUBSCRIBED, SuppressionReason.COMPLAINED),
}
# What a later bounce does not make lighter.
LASTING = (SuppressionReason.COMPLAINED, SuppressionReason.OPERATOR)

# How the evidence says what it found, for whoever reads it and for taking it back.
_WAS = re.compile(r" ?\[was (active|paused|pending|suppressed)\]$")


def bounce(
    store: Store, evidence: Evidence, *, soft_bounces: int, soft_days: int, now: datetime
) -> Subscriber | None:
    """Act on a bounce or complaint and keep it; known evidence changes nothing.

    A hard bounce suppresses the address, a complaint ends the subscription at once, also of one
    who is suppressed; both put its hash on the suppression list. The `soft_bounces`th digest (or
    day of other mail) with a soft bounce within the last `soft_days` pauses for 14 days; when it was
    is the evidence's to say. Returns the subscriber concerned as they are now, None where nobody is
    known.
    """
    for _ in range(MOST_TRIES):
        person = _person(store, evidence)
        if store.post.evidence(evidence.id) is not None:
            return person
        if person is None or evidence.kind is EvidenceKind.UNREAD:
            store.post.record(evidence)
            return person
        after, counted = _turned(store, person, evidence, soft_bounces, soft_days, now)
        noted = evidence
        if after.status is not person.status:
            noted = replace(evidence, detail=f"{evidence.detail} [was {person.status}]".strip())
        # All at once: what a crash tore apart could not be taken back.
        if store.post.record(
            noted,
            turned=(person, after),
            suppressing=_suppressing(store, person, evidence.kind),
            settling=counted,
        ):
            return after
    raise StoreBusy("The subscription is being changed by others at the moment; please try again.")


def undo_bounce(store: Store, evidence_id: str, *, now: datetime) -> Subscriber | None:
    """An operator takes back what came of a bounce or complaint, or has dealt with an unread mail.

    The subscription goes on as it was before, unless a bounce had ended it before a complaint did:
    then it stays ended. The address comes off the suppression list; other evidence of the same kind
    is settled with it. Raises NotFound; twice does no harm.
    """
    evidence = store.post.evidence(evidence_id)
    if evidence is None:
        raise NotFound("There is no such evidence; `digest bounces` lists it.")
    person = _person(store, evidence)
    if evidence.settled_at is not None:
        return person
    if person is not None and evidence.kind is not EvidenceKind.UNREAD:
        if evidence.kind in ENDS:
            lift(store, person.email, only=ENDS[evidence.kind][1])
        person = _restore(store, person, evidence, now)
        for each in _standing(store, evidence):
            store.post.settle_evidence(each.id, now)
    store.post.settle_evidence(evidence.id, now)
    return person


def outlive(store: Store, person: Subscriber, kind: EvidenceKind, *, now: datetime) -> None:
    """What evidence of this kind has done is by now the person's own doing: it is settled.

    Undoing it would otherwise take their own doing back, which looks the same in their row.
    """
    for each in store.post.evidences(subscriber_id=person.id, kind=kind, limit=MOST_EVIDENCE):
        if each.settled_at is None and _WAS.search(each.detail):
            store.post.settle_evidence(each.id, now)


def outlived(store: Store, people: Collection[str], kind: EvidenceKind, *, now: datetime) -> None:
    """The same for many at once, by their ids, whatever their number."""
    for each in store.post.evidences(kind=kind, unsettled=True, limit=MOST_STANDING):
        if each.subscriber_id in people and _WAS.search(each.detail):
            store.post.settle_evidence(each.id, now)


def _person(store: Store, evidence: Evidence) -> Subscriber | None:
    if not evidence.subscriber_id:
        return None
    return store.subscribers.get([evidence.subscriber_id]).get(evidence.subscriber_id)


def _turned(
    store: Store, person: Subscriber, evidence: Evidence, most: int, days: int, now: datetime
) -> tuple[Subscriber, list[str]]:
    """The person as this evidence leaves them, and what was counted with it and counts no more."""
    if evidence.kind in ENDS:
        status = ENDS[evidence.kind][0]
        if person.status in (status, Status.UNSUBSCRIBED):
            return person, []
        return replace(person, status=status, due_at=None), []
    since = now - timedelta(days=days)
    before = _standing(store, evidence, since=since)
    mails = {_mail(each) for each in (*before, evidence)}
    if person.status is not Status.ACTIVE or evidence.at < since or len(mails) < most:
        return person, []
    paused = replace(person, status=Status.PAUSED, paused_until=now + SOFT_PAUSE, due_at=None)
    return paused, [each.id for each in before]


def _mail(evidence: Evidence) -> str:
    """What came back: a list that a digest went to may say so once for each of its members."""
    return evidence.digest_id or f"{evidence.at:%Y-%m-%d}"


def _suppressing(
    store: Store, person: Subscriber, kind: EvidenceKind
) -> tuple[str, SuppressionReason] | None:
    """What evidence of this kind puts on the suppression list."""
    if kind not in ENDS:
        return None
    hashed = address_hash(store, person.email)
    return None if store.post.suppression(hashed) in LASTING else (hashed, ENDS[kind][1])


def _standing(store: Store, evidence: Evidence, *, since: datetime | None = None) -> list[Evidence]:
    """Evidence of the same kind against the same person that nobody has settled."""
    found = store.post.evidences(
        subscriber_id=evidence.subscriber_id, kind=evidence.kind, since=since, limit=MOST_EVIDENCE
    )
    return [each for each in found if each.settled_at is None]


def _restore(store: Store, person: Subscriber, evidence: Evidence, now: datetime) -> Subscriber:
    """The status that evidence of this kind changed, as it was before it last did."""
    came_to = ENDS[evidence.kind][0] if evidence.kind in ENDS else Status.PAUSED
    noted = next(
        (
            found[1]
            for each in (*_standing(store, evidence), evidence)
            if (found := _WAS.search(each.detail))
        ),
        "",
    )
    if noted in ("", Status.SUPPRESSED) or person.status is not came_to:
        return person
    was = Status(noted)
    until = person.paused_until
    if was is Status.PAUSED and until is not None and until <= now:
        was = Status.ACTIVE
    return amend(
        store,
        person,
        status=was,
        paused_until=until if was is Status.PAUSED else None,
        due_at=editions.next_due(person, now) if was is Status.ACTIVE else None,
    )
