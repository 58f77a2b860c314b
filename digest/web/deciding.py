"""The desk where curators and the operator decide on the papers that readers submitted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest import subscriptions
from digest.errors import InvalidInput
from digest.model import Moderation, Paper, Submission, Subscriber
from digest.ports import Store
from digest.subscriptions.submissions import LOOKUP, OPERATOR
from digest.web import words
from digest.web.forms import Form

LOOK_BACK = timedelta(days=365)
DEEDS = {"feature": "featured", "reject": "turned down"}
EITHER = (
    "Feature it, or turn it down; a paper that is still being looked up can be featured once it is "
    "fetched."
)

Found = Sequence[tuple[Submission, Paper | None]]
"""Submissions, each with its paper if that is fetched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What is to decide, what was decided, and the log, with who did what.

    By submission: `stands`, its state in words, and `unfound`, why its paper could not be fetched.
    `called` is what to call people. The operator, who names the curators, sees their ids in the log.
    """

    waiting: Found
    decided: Found
    log: Sequence[tuple[str, Moderation, Paper | None]]
    stands: Mapping[str, str]
    unfound: Mapping[str, str]
    called: Mapping[str, str]


def desk(store: Store, me: str, *, most: int, now: datetime) -> Desk:
    """The desk with up to `most` of each; `me` is who looks at it, as the log names them."""
    since = now - LOOK_BACK
    waiting = subscriptions.undecided(store, since=since, limit=most)
    decided = store.community.decided(since=since, limit=most)
    unfound = subscriptions.unfound(store, decided)
    log = store.community.log(limit=most)
    actors = {each.actor for each in log} - {OPERATOR, LOOKUP}
    called = _names(store, {*actors, *(each.subscriber_id for each in (*waiting, *decided))})
    who = {each: each or "a reader" for each in actors} if me == OPERATOR else called
    papers = store.papers.get({each.paper_id for each in log})
    return Desk(
        waiting=with_papers(store, waiting),
        decided=with_papers(store, decided),
        log=[(_deed(each, {**who, me: "you"}), each, papers.get(each.paper_id)) for each in log],
        stands=stands((*waiting, *decided), unfound),
        unfound=unfound,
        called=called,
    )


def decide(
    store: Store, form: Form, curator: Subscriber | None, submission: str, *, now: datetime
) -> str:
    """Do what a form of the desk asks for; returns a code of `words.DONE`.

    `curator` is None for the operator. Raises InvalidInput, and NotFound for the submission.
    """
    if form.one("do") not in ("feature", "reject"):
        raise InvalidInput(EITHER)
    feature = form.one("do") == "feature"
    decided = subscriptions.decide(
        store, curator, submission, feature=feature, line=form.one("line"), now=now
    )
    if decided.decided_at != now:
        return "kept"
    return "featured" if feature else "rejected"


def stands(submissions: Iterable[Submission], unfound: Mapping[str, str]) -> dict[str, str]:
    """The state of each submission in words, by id."""
    return {
        each.id: words.UNFOUND if each.id in unfound else words.STATES[each.state]
        for each in submissions
    }


def with_papers(store: Store, found: Sequence[Submission]) -> Found:
    """Each submission with its paper, or None until that is fetched."""
    papers = store.papers.get({each.paper_id for each in found})
    return [(each, papers.get(each.paper_id)) for each in found]


def _names(store: Store, ids: set[str]) -> dict[str, str]:
    """What to call people: the name they show, or "a reader"."""
    found = store.subscribers.get(ids)
    named = {key: each.name for key, each in found.items() if each.shows_name and each.name}
    return {key: named.get(key, "a reader") for key in ids}


def _deed(line: Moderation, called: Mapping[str, str]) -> str:
    if line.actor == LOOKUP:
        return words.UNFOUND
    return f"{called.get(line.actor, line.actor)} {DEEDS.get(line.action, line.action)}"
