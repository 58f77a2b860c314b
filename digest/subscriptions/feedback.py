"""Feedback on papers, what it does to a profile, and how it is undone.

Each feedback changes one slot of the profile: the opinion of a paper (liked or disliked), a known
paper, a muted author or a muted topic. It is stored with what the slot held before, so that
feedback can be undone in any order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile

from digest.errors import InvalidInput, NotFound
from digest.model import (
    Feedback,
    FeedbackKind,
    Interest,
    InterestKind,
    Paper,
    Subscriber,
    Via,
)
from digest.model.base import Value
from digest.ports import Store
from digest.subscriptions.people import amend
from digest.subscriptions.wishes import interest
from digest.text import clean, truncate

LONGEST_REASON = 500
MOST_STATEMENTS = 1_000

LIKING: Mapping[FeedbackKind, float] = {
    FeedbackKind.MORE: 1.0,
    FeedbackKind.SAVE: 1.5,
    FeedbackKind.UPVOTE: 0.5,
}
OPINIONS = (*LIKING, FeedbackKind.LESS)
HIDING = {
    FeedbackKind.HIDE_AUTHOR: InterestKind.MUTE_AUTHOR,
    FeedbackKind.HIDE_TOPIC: InterestKind.MUTE_TOPIC,
}

Slot = tuple[Interest, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conviction(Value):
    """An interest, and the feedback it rests on."""

    interest: Interest
    feedback: tuple[Feedback, ...] = ()


def give(
    store: Store,
    person: Subscriber,
    kind: FeedbackKind,
    *,
    paper: Paper | None = None,
    value: str = "",
    via: Via,
    now: datetime,
    edition: str = "",
    rank: int = 0,
    reason: str = "",
) -> Feedback:
    """Record feedback on a paper, on an author or topic (`value`), or on all papers so far.

    The same feedback again returns what is recorded. Raises InvalidInput if the paper or value is
    missing.
    """
    if kind is FeedbackKind.SEEN_ALL:
        return _see_all(store, person, via=via, now=now)
    subject = _subject(kind, paper, value, now)
    said = _said(store, person.id, kind, subject)
    last = next((each for each in said if each.kind is kind and each.undone_at is None), None)
    before = _slot(store, person.id, kind, subject)
    if last is not None:
        if any(each.kind is _aim(kind) for each in before):
            if kind is FeedbackKind.UPVOTE:
                store.community.vote(person.id, subject, now)
            return last
        undo(store, person, last.id, now=now)
        before = _slot(store, person.id, kind, subject)
    feedback = Feedback(
        id=_id(person.id, kind, subject, sum(each.kind is kind for each in said)),
        subscriber_id=person.id,
        kind=kind,
        paper_id=paper.id if paper is not None else "",
        value=subject if kind in HIDING else "",
        via=via,
        at=now,
        edition=edition,
        rank=rank,
        reason=truncate(clean(reason), LONGEST_REASON),
        added=_moved(before, kind, subject, now),
        replaced=before,
    )
    if kind is FeedbackKind.UPVOTE:
        store.community.vote(person.id, subject, now)
    store.feedback.add(feedback)
    return feedback


def undo(store: Store, person: Subscriber, feedback_id: str, *, now: datetime) -> Feedback:
    """Undo feedback; raises NotFound if this person gave none with this id."""
    feedback = store.feedback.get(feedback_id)
    if feedback is None or feedback.subscriber_id != person.id:
        raise NotFound("There is nothing like that to undo.")
    if feedback.kind is FeedbackKind.SEEN_ALL:
        return feedback if feedback.undone_at else _unsee(store, person, feedback, now=now)
    undone = store.feedback.undo(feedback.id, now, settled=settled) or feedback
    if feedback.kind is FeedbackKind.UPVOTE:
        # There can be two of them, if two papers were merged. They are looked up after the undo, so
        # that of two undone at once the later one sees that none is left.
        paper, kinds = [feedback.paper_id], [FeedbackKind.UPVOTE]
        if not store.feedback.of(person.id, kinds=kinds, paper_ids=paper, limit=1):
            store.community.unvote(person.id, feedback.paper_id)
    return undone


def settled(opinion: Interest, standing: Sequence[Feedback]) -> Interest:
    """Return a like with the weight that the standing feedback on its paper, newest first, gives.

    Any other interest, and a like with a weight that no feedback gives, is returned as it is.
    """
    liking = list(takewhile(lambda each: each.kind in LIKING, standing))
    if not liking or opinion.kind is not InterestKind.LIKE:
        return opinion
    if opinion.weight not in LIKING.values():
        return opinion
    weights = [LIKING[each.kind] for each in liking]
    if len(liking) == len(standing):
        weights += [each.weight for each in liking[-1].replaced if each.kind is InterestKind.LIKE]
    return replace(opinion, weight=max(weights))


def evidence_of(store: Store, person: Subscriber, *, limit: int = 500) -> list[Conviction]:
    """Return the whole profile, each interest with the standing feedback it rests on, newest first.

    An interest that was typed rests on none. `limit` is how much feedback is looked at.
    """
    (profile,) = store.subscribers.profiles([person.id])
    resting: dict[tuple[InterestKind, str], list[Feedback]] = {}
    for each in store.feedback.of(person.id, limit=limit):
        if each.kind is not FeedbackKind.SEEN_ALL:
            subject = each.value if each.kind in HIDING else each.paper_id
            resting.setdefault((_aim(each.kind), subject.casefold()), []).append(each)
    return [
        Conviction(
            interest=each, feedback=tuple(resting.get((each.kind, each.value.casefold()), ()))
        )
        for each in profile.interests
    ]


def _see_all(store: Store, person: Subscriber, *, via: Via, now: datetime) -> Feedback:
    """Mark everything up to now as seen; the next digest begins here."""
    standing = store.feedback.of(person.id, kinds=[FeedbackKind.SEEN_ALL], limit=1)
    if standing and standing[0].at >= now:
        return standing[0]
    feedback = Feedback(
        id=_id(person.id, FeedbackKind.SEEN_ALL, now.isoformat(), 0),
        subscriber_id=person.id,
        kind=FeedbackKind.SEEN_ALL,
        via=via,
        at=now,
    )
    store.feedback.add(feedback)
    amend(store, person, seen_until=now)
    return feedback


def _unsee(store: Store, person: Subscriber, feedback: Feedback, *, now: datetime) -> Feedback:
    undone = store.feedback.undo(feedback.id, now) or feedback
    left = store.feedback.of(person.id, kinds=[FeedbackKind.SEEN_ALL], limit=1)
    amend(store, person, seen_until=left[0].at if left else None)
    return undone


def _subject(kind: FeedbackKind, paper: Paper | None, value: str, now: datetime) -> str:
    """Return what feedback is about: a paper's id, or the cleaned name of an author or topic."""
    if kind in HIDING:
        return interest(HIDING[kind], value, now=now).value
    if paper is None:
        raise InvalidInput(f"Say which paper you mean by {kind}.")
    return paper.id


def _aim(kind: FeedbackKind) -> InterestKind:
    """Return the kind of interest that feedback makes."""
    if kind in LIKING:
        return InterestKind.LIKE
    if kind is FeedbackKind.LESS:
        return InterestKind.DISLIKE
    return HIDING.get(kind, InterestKind.KNOWN)


def _said(store: Store, person_id: str, kind: FeedbackKind, subject: str) -> list[Feedback]:
    """Return all feedback on the same slot, newest first, undone or not."""
    found = store.feedback.of(
        person_id,
        kinds=OPINIONS if kind in OPINIONS else (kind,),
        paper_ids=None if kind in HIDING else (subject,),
        limit=MOST_STATEMENTS,
        standing=False,
    )
    if kind not in HIDING:
        return found
    return [each for each in found if each.value.casefold() == subject.casefold()]


def _slot(store: Store, person_id: str, kind: FeedbackKind, subject: str) -> Slot:
    """Return the interests in the profile that feedback of this kind changes."""
    kinds = {_aim(each) for each in OPINIONS} if kind in OPINIONS else {_aim(kind)}
    (profile,) = store.subscribers.profiles([person_id])
    return tuple(
        each
        for each in profile.interests
        if each.kind in kinds and each.value.casefold() == subject.casefold()
    )


def _moved(before: Slot, kind: FeedbackKind, subject: str, at: datetime) -> Slot:
    """Return the slot after feedback; a like that weighs more already stays as it is."""
    aim, weight = _aim(kind), LIKING.get(kind, 1.0)
    standing = next((each for each in before if each.kind is aim), None)
    if standing is None:
        return (Interest(kind=aim, value=subject, weight=weight, added_at=at),)
    if aim is InterestKind.LIKE and standing.weight < weight:
        return (replace(standing, weight=weight),)
    return before


def _id(person_id: str, kind: FeedbackKind, subject: str, number: int) -> str:
    """Return an id that is the same for the same feedback, so that two clicks at once are one."""
    text = f"{person_id}.{kind}.{number}.{subject.casefold()}"
    return f"f_{hashlib.sha256(text.encode()).hexdigest()[:20]}"
