"""What bounces and complaints do to a subscription, and how an operator undoes it."""

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
from digest.subscriptions.people import MOST_TRIES, amend, by_id

SOFT_PAUSE = timedelta(days=14)
MOST_EVIDENCE = 1_000
MOST_STANDING = 1_000_000
ENDS = {
    EvidenceKind.HARD_BOUNCE: (Status.SUPPRESSED, SuppressionReason.BOUNCED),
    EvidenceKind.COMPLAINT: (Status.UNSUBSCRIBED, SuppressionReason.COMPLAINED),
}
# Reasons that a later bounce does not replace.
LASTING = (SuppressionReason.COMPLAINED, SuppressionReason.OPERATOR)

# The status before, noted in the evidence's detail for the operator and for undoing.
_WAS = re.compile(r" ?\[was (active|paused|pending|suppressed)\]$")


def bounce(
    store: Store, evidence: Evidence, *, soft_bounces: int, soft_days: int, now: datetime
) -> Subscriber | None:
    """Act on a bounce or complaint and record it; evidence that is known changes nothing.

    A hard bounce suppresses the subscriber, and a complaint unsubscribes them, even if suppressed;
    both put the address on the suppression list. Soft bounces of `soft_bounces` digests (or days of
    other mail) within `soft_days` pause for 14 days; the evidence's time counts. Returns the
    subscriber as they are now, None if nobody is known.
    """
    for _ in range(MOST_TRIES):
        person = by_id(store, evidence.subscriber_id)
        if store.post.evidence(evidence.id) is not None:
            return person
        if person is None or evidence.kind is EvidenceKind.UNREAD:
            store.post.record(evidence)
            return person
        after, counted = _turned(store, person, evidence, soft_bounces, soft_days, now)
        noted = evidence
        if after.status is not person.status:
            noted = replace(evidence, detail=f"{evidence.detail} [was {person.status}]".strip())
        # In one transaction: what a crash left half done could not be undone.
        if store.post.record(
            noted,
            turned=(person, after),
            suppressing=_suppressing(store, person, evidence.kind),
            settling=counted,
        ):
            return after
    raise StoreBusy("The subscription is being changed by others at the moment; please try again.")


def undo_bounce(store: Store, evidence_id: str, *, now: datetime) -> Subscriber | None:
    """Undo what a bounce or complaint did, or settle an unread mail that was dealt with.

    The subscription gets its status of before, except after a complaint of one who was suppressed.
    The address comes off the suppression list, and other evidence of the same kind is settled too.
    Raises NotFound.
    """
    evidence = store.post.evidence(evidence_id)
    if evidence is None:
        raise NotFound("There is no such evidence; `digest bounces` lists it.")
    person = by_id(store, evidence.subscriber_id)
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


def settle(store: Store, people: Collection[str], kind: EvidenceKind, *, now: datetime) -> None:
    """Settle evidence of this kind that changed the status of these people, given by id.

    They have since chosen that status themselves; undoing the evidence would take that back.
    """
    one = next(iter(people)) if len(people) == 1 else ""
    for each in store.post.evidences(
        subscriber_id=one, kind=kind, unsettled=True, limit=MOST_STANDING
    ):
        if each.subscriber_id in people and _WAS.search(each.detail):
            store.post.settle_evidence(each.id, now)


def _turned(
    store: Store, person: Subscriber, evidence: Evidence, most: int, days: int, now: datetime
) -> tuple[Subscriber, list[str]]:
    """Return the person after this evidence, and the ids of evidence that no longer counts."""
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
    """Return which mail bounced: a mailing list may report a digest once for each of its members."""
    return evidence.digest_id or f"{evidence.at:%Y-%m-%d}"


def _suppressing(
    store: Store, person: Subscriber, kind: EvidenceKind
) -> tuple[str, SuppressionReason] | None:
    """Return the hash and reason that go on the suppression list, if any do."""
    if kind not in ENDS:
        return None
    hashed = address_hash(store, person.email)
    return None if store.post.suppression(hashed) in LASTING else (hashed, ENDS[kind][1])


def _standing(store: Store, evidence: Evidence, *, since: datetime | None = None) -> list[Evidence]:
    """Return unsettled evidence of the same kind against the same person."""
    return store.post.evidences(
        subscriber_id=evidence.subscriber_id,
        kind=evidence.kind,
        since=since,
        unsettled=True,
        limit=MOST_EVIDENCE,
    )


def _restore(store: Store, person: Subscriber, evidence: Evidence, now: datetime) -> Subscriber:
    """Give a person the status they had before evidence of this kind last changed it."""
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
