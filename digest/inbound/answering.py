"""Feedback by mail on the numbered papers of a digest (`more 2 5`, `less 3`), and `undo`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date

from digest import subscriptions
from digest.errors import InvalidInput
from digest.inbound.commands import Command
from digest.inbound.values import Done, Turn
from digest.model import Digest, Feedback, FeedbackKind, Paper, ReasonKind, Subscriber, Via
from digest.ranking.explain import Because
from digest.text import truncate

LONGEST_TITLE = 100
MOST_SAID = 1_000
SAID = {
    FeedbackKind.MORE: "More like",
    FeedbackKind.LESS: "Less like",
    FeedbackKind.SAVE: "Saved:",
    FeedbackKind.KNOWN: "Known already:",
    FeedbackKind.UPVOTE: "Upvoted:",
    FeedbackKind.HIDE_AUTHOR: "Hidden author:",
    FeedbackKind.HIDE_TOPIC: "Hidden topic:",
    FeedbackKind.SEEN_ALL: "All marked as seen",
}

_OF_A_DIGEST = re.compile(r"<(s_[0-9a-f]{4,40})\.(\d{4}-\d{2}-\d{2})(?:\.[^@<>]*)?@", re.ASCII)


def answer(turn: Turn, command: Command) -> Done:
    """Record feedback on numbered papers of the edition they answer, else of their latest digest.

    Raises InvalidInput if there is no such digest.
    """
    digest = _digest(turn)
    papers = turn.store.papers.get([pick.paper_id for pick in digest.picks])
    because = _because(turn, digest)
    lines: list[str] = []
    changed = False
    for kind, number in command.answers:
        pick = digest.picks[number - 1] if 0 < number <= len(digest.picks) else None
        if pick is None:
            lines.append(_no_such(number, digest))
            continue
        paper = papers.get(pick.paper_id)
        if paper is None:
            lines.append(f"Paper {number} is not kept any more.")
            continue
        said = subscriptions.give(
            turn.store,
            turn.person,
            kind,
            paper=paper,
            via=Via.MAIL,
            now=turn.now,
            edition=digest.edition,
            rank=number,
            reason=because(pick),
        )
        is_new = said.at == turn.now
        changed = changed or is_new
        before = "" if is_new else ", as you said already"
        lines.append(f"{SAID[kind]} {_titled(paper)}{before}")
    return Done(lines=tuple(lines), undo=("undo",) if changed else (), failed=not changed)


def undo(turn: Turn, _command: Command) -> Done:
    """Take back the latest feedback, and all that was given with it.

    Called again with the same `now` it says the same, and takes back nothing more.
    """
    said = turn.store.feedback.of(turn.person.id, limit=MOST_SAID, standing=False)
    done = [each.at for each in said if each.undone_at == turn.now]
    times = done or [each.at for each in said if each.undone_at is None]
    last = [each for each in said if each.at in times[:1] and each.undone_at in (None, turn.now)]
    if not last:
        hint = "Our answer to a change of settings says how to undo that change."
        return Done(lines=("There is no answer of yours to take back.", hint), failed=True)
    papers = turn.store.papers.get([each.paper_id for each in last if each.paper_id])
    for each in last:
        subscriptions.undo(turn.store, turn.person, each.id, now=turn.now)
    return Done(lines=tuple(f"Taken back: {_described(each, papers)}" for each in reversed(last)))


def edition_from(references: Sequence[str], person: Subscriber) -> str:
    """Return the edition of the person's digest that a mail refers to; "" if it refers to none."""
    for each in references:
        found = _OF_A_DIGEST.match(each)
        if found and found[1] == person.id:
            return found[2]
    return ""


def _digest(turn: Turn) -> Digest:
    if turn.edition:
        digest = turn.store.ledger.digest(f"{turn.person.id}.{turn.edition}")
    else:
        digest = next(iter(turn.store.ledger.recent(turn.person.id, limit=1)), None)
    if digest is None or not digest.picks:
        raise InvalidInput(
            "That digest is not kept any more; answer a newer one."
            if turn.edition
            else "You have had no digest yet whose papers could be answered."
        )
    return digest


def _because(turn: Turn, digest: Digest) -> Because:
    """Return what says why a paper of this digest was picked."""
    liked = {
        reason.what
        for pick in digest.picks
        for reason in pick.reasons
        if reason.kind in (ReasonKind.LIKE, ReasonKind.DISLIKE)
    }
    titles = {key: paper.title for key, paper in turn.store.papers.get(liked).items()}
    return Because(topics=turn.policy.topics, titles=titles)


def _no_such(number: int, digest: Digest) -> str:
    day = date.fromisoformat(digest.edition)
    there = f"it has {len(digest.picks)}" if len(digest.picks) > 1 else "it has one"
    return f"There is no paper {number} in the digest of {day.day} {day:%B}: {there}."


def _titled(paper: Paper) -> str:
    return f"“{truncate(paper.title, LONGEST_TITLE)}”"


def _described(feedback: Feedback, papers: Mapping[str, Paper]) -> str:
    paper = papers.get(feedback.paper_id)
    about = _titled(paper) if paper else feedback.value
    return f"{SAID[feedback.kind]} {about}".strip()
