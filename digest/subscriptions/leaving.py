"""Unsubscribe, revoke links, export and erase."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import UTC, datetime, time
from enum import StrEnum

from digest.errors import NotFound
from digest.model import (
    Digest,
    EvidenceKind,
    FeedbackKind,
    Pick,
    Reason,
    Status,
    Subscriber,
    SuppressionReason,
    Value,
)
from digest.ports import Store
from digest.subscriptions.addresses import address_hash
from digest.subscriptions.bounces import settle
from digest.subscriptions.people import amend, fresh, new_key

ALL = 1_000_000
EVER = datetime(1970, 1, 1, tzinfo=UTC)
SECRET = frozenset({"key"})
LEFT_OUT = (
    "the key of your links, and the texts of letters, which hold such links",
    "letters on their way to an address you wish to move to, which may not be yours",
    "bounces and complaints as they came by mail",
    "the numbers that ranking makes of the papers you like and dislike",
    "copies of the database, which are made for safety and dropped after some days",
)


def unsubscribe(store: Store, subscriber: Subscriber, *, now: datetime) -> Subscriber:
    """End a subscription at once; the profile is kept, in case it was a mistake.

    One whom a bounce or complaint had ended before is now unsubscribed by choice: undoing that
    evidence does not subscribe them again.
    """
    if subscriber.status is not Status.UNSUBSCRIBED:
        store.subscribers.set_status(subscriber.id, Status.UNSUBSCRIBED)
        subscriber = fresh(store, subscriber)
    settle(store, {subscriber.id}, EvidenceKind.COMPLAINT, now=now)
    return subscriber


def end(store: Store, addresses: Sequence[str], status: Status, *, now: datetime) -> int:
    """End the subscriptions of normalised addresses at once; returns how many had not ended yet.

    `unsubscribed` settles complaints, as `unsubscribe` does.
    """
    if not addresses:
        return 0
    ended = store.subscribers.end(addresses, status)
    if status is Status.UNSUBSCRIBED:
        left = store.subscribers.by_emails(addresses, status).values()
        settle(store, {each.id for each in left}, EvidenceKind.COMPLAINT, now=now)
    return ended


def revoke(store: Store, subscriber: Subscriber) -> Subscriber:
    """Give a subscriber a new key, which ends every link of theirs and their feed's address."""
    return amend(store, subscriber, key=new_key())


def erase(store: Store, person: Subscriber, *, now: datetime) -> None:
    """Erase a person; only the keyed hash of their address stays, on the suppression list.

    A stricter reason that the list already has for it stays.
    """
    try:
        current = fresh(store, person)
    except NotFound:
        return
    hashed = address_hash(store, current.email)
    if store.post.suppression(hashed) is None:
        store.post.suppress(hashed, SuppressionReason.ERASED, now)
    store.subscribers.erase(current.id)


def export(store: Store, person: Subscriber) -> dict[str, object]:
    """Return what is stored about a person as JSON values; `left_out` says what is not in it."""
    current = fresh(store, person)
    (profile,) = store.subscribers.profiles([current.id])
    said = store.feedback.of(current.id, limit=ALL, standing=False)
    upvoted = {each.paper_id for each in said if each.kind is FeedbackKind.UPVOTE}
    digests = store.ledger.recent(current.id, limit=ALL)
    states = store.ledger.states(each.id for each in digests)
    attempts = store.ledger.attempts(each.id for each in digests)
    titles = {
        paper_id: paper.title
        for paper_id, paper in store.papers.get(_papers_named(digests)).items()
    }
    change = store.subscribers.change(current.id)
    comeback = store.subscribers.comeback(current.id)
    submitted = {
        each.id: each
        for each in store.community.submissions(since=EVER, limit=ALL, subscriber_id=current.id)
    }
    return {
        "profile": _plain(current),
        "interests": [_plain(each) for each in profile.interests],
        "feedback": [_plain(each) for each in said],
        "digests": [
            _digest(each, titles) | {"state": states.get(each.id, "kept")} for each in digests
        ],
        "deliveries": [
            _plain(each, leaving_out={"retry_at", "unknown", "untried"}) for each in attempts
        ],
        "votes": sorted(store.community.votes_of(current.id, upvoted)),
        "submissions": [_plain(each, leaving_out={"curator_id"}) for each in submitted.values()],
        "decisions": [
            _plain(each, leaving_out={"subscriber_id", "line"})
            for each in store.community.submissions(None, since=EVER, limit=ALL)
            if each.curator_id == current.id
        ],
        "moderation": [
            _plain(each, leaving_out={"actor"})
            for each in store.community.log(limit=ALL)
            if each.actor == current.id or each.submission_id in submitted
        ],
        "change_of_address": None if change is None else _plain(change),
        "asked_for_since_leaving": None if comeback is None else _plain(comeback),
        "mail_evidence": [
            _plain(each, leaving_out={"raw"})
            for each in store.post.evidences(subscriber_id=current.id, limit=ALL)
        ],
        "letters_waiting": [
            _plain(each, leaving_out={"id", "sender", "content"})
            for each in store.post.waiting_for(current.email)
        ],
        "suppression": store.post.suppression(address_hash(store, current.email)),
        "left_out": list(LEFT_OUT),
    }


def _papers_named(digests: Iterable[Digest]) -> set[str]:
    return {pick.paper_id for each in digests for pick in each.picks}


def _digest(digest: Digest, titles: dict[str, str]) -> dict[str, object]:
    row = _plain(digest, leaving_out={"picks"})
    row["picks"] = [
        {
            "rank": rank,
            "title": titles.get(pick.paper_id, ""),
            **_plain(pick),
        }
        for rank, pick in enumerate(digest.picks, 1)
    ]
    return row


def _plain(value: Value | Pick | Reason, *, leaving_out: Iterable[str] = ()) -> dict[str, object]:
    """Return a value's fields as JSON values."""
    hidden = SECRET | set(leaving_out)
    if isinstance(value, Pick | Reason):
        names = list(value._fields)
    else:
        names = [each.name for each in fields(value)]  # type: ignore[arg-type]  # all are dataclasses
    return {name: _plainly(getattr(value, name)) for name in names if name not in hidden}


def _plainly(value: object) -> object:
    if isinstance(value, Value | Pick | Reason):
        return _plain(value)
    if isinstance(value, tuple):
        return [_plainly(each) for each in value]
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, datetime | time):
        return value.isoformat()
    return value
