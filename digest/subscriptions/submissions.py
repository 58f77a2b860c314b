"""Papers that subscribers submit for everyone, and what curators decide."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from digest.errors import InvalidInput, NotFound
from digest.model import Moderation, Submission, SubmissionState, Subscriber
from digest.ports import Store
from digest.subscriptions.limits import DAY, may
from digest.subscriptions.people import CONFIRMED, fresh, normal_address
from digest.subscriptions.wishes import paper_key
from digest.text import clean

LONGEST_LINE = 300
OPERATOR = "operator"
LOOKUP = "lookup"


def submit(
    store: Store, person: Subscriber, text: str, line: str, *, a_day: int, now: datetime
) -> Submission:
    """Submit a paper with a line why; `text` is an arXiv id, a DOI, or a URL with one.

    A paper that is not stored yet waits until it is fetched. One that was submitted before is
    returned as it is, and does not count for the limit `a_day`. Raises InvalidInput.
    """
    if fresh(store, person).status not in CONFIRMED:
        raise InvalidInput("Only confirmed subscribers can put papers forward.")
    if a_day < 1:
        raise InvalidInput("Papers cannot be put forward here.")
    named = paper_key(text)
    why = checked_line(line)
    if not why:
        raise InvalidInput(
            f"Say in a line (up to {LONGEST_LINE} characters) why others should read it."
        )
    if before := store.community.standing(named):
        return before
    if not may(store, "submit", person.id, now=now, seconds=DAY, most=a_day):
        raise InvalidInput(f"You can put {a_day} papers forward in a day; the next one tomorrow.")
    found = next(iter(store.papers.get([named]).values()), None)
    return store.community.submit(
        Submission(
            id=f"p_{secrets.token_hex(8)}",
            paper_id=named if found is None else found.id,
            subscriber_id=person.id,
            line=why,
            at=now,
            state=SubmissionState.WAITING if found is None else SubmissionState.OPEN,
        )
    )


def decide(
    store: Store,
    curator: Subscriber | None,
    submission_id: str,
    *,
    feature: bool,
    line: str | None,
    now: datetime,
) -> Submission:
    """Feature or reject a submission for a curator (None: the operator), with a line.

    The same decision again only changes the line, or nothing if that is None. Every change is
    logged. Raises NotFound, and InvalidInput for featuring a paper that is not fetched yet.
    """
    submission = store.community.submission(submission_id)
    if submission is None:
        raise NotFound("There is no such submission.", subject=submission_id)
    state = SubmissionState.FEATURED if feature else SubmissionState.REJECTED
    same = submission.state is state and not unfound(store, [submission])
    # A line about the other decision does not stay.
    left = submission.curator_line if same else ""
    note = left if line is None else checked_line(line)
    if same and note == submission.curator_line:
        return submission
    if feature and not store.papers.get([submission.paper_id]):
        raise InvalidInput("That paper is not fetched yet; it can be featured once it is.")
    actor = OPERATOR if curator is None else curator.id
    decided = replace(submission, state=state, curator_line=note)
    if not same:
        by = "" if curator is None else curator.id
        decided = replace(decided, curator_id=by, decided_at=now)
    store.community.decide(
        decided,
        Moderation(
            at=now,
            actor=actor,
            action="feature" if feature else "reject",
            submission_id=submission.id,
            paper_id=submission.paper_id,
            note=note,
        ),
    )
    return decided


def undecided(store: Store, *, since: datetime, limit: int) -> list[Submission]:
    """Return submissions since then that wait for a decision, newest first.

    Up to `limit` of those whose paper is stored, and as many of those still to be fetched.
    """
    found = [
        each
        for state in (SubmissionState.OPEN, SubmissionState.WAITING)
        for each in store.community.submissions(state, since=since, limit=limit)
    ]
    return sorted(found, key=lambda each: each.at, reverse=True)


def unfound(store: Store, submissions: Sequence[Submission]) -> dict[str, str]:
    """Return why each of these submissions could not be fetched, by id, if that decided it."""
    rejected = [each.id for each in submissions if each.state is SubmissionState.REJECTED]
    last = store.community.last_decisions(rejected) if rejected else {}
    return {key: each.note for key, each in last.items() if each.actor == LOOKUP}


def is_curator(person: Subscriber, curators: Sequence[str]) -> bool:
    """Tell whether a subscriber may feature and reject; `curators` are addresses as configured."""
    if person.status not in CONFIRMED:
        return False
    return person.email in {_normal(each) for each in curators}


def checked_line(text: str) -> str:
    """Return a line as it is shown beside a paper; raises InvalidInput if it is too long."""
    line = clean(text)
    if len(line) > LONGEST_LINE:
        raise InvalidInput(f"A line has at most {LONGEST_LINE} characters, not {len(line)}.")
    return line


def _normal(address: str) -> str:
    try:
        return normal_address(address)
    except InvalidInput:
        return ""
