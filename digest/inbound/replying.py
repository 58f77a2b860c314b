"""What is answered to a mail: one answer for all that was done, and letters that were asked for."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from digest import subscriptions
from digest.inbound import acting, guard
from digest.inbound.proving import Proof
from digest.inbound.values import Done, Incoming, Policy, Reply
from digest.model import Status, Subscriber
from digest.ports import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A mail whose sender is proven, and what is needed to act on it."""

    store: Store
    mail: Incoming
    policy: Policy
    proof: Proof
    now: datetime


def explained(case: Case) -> tuple[Reply, ...]:
    """Send the help letter for a mail that was not understood, once a day."""
    if not guard.may_explain(case.store, case.proof.address, now=case.now):
        log.info("not understood again", extra={"action": "take-in"})
        return ()
    lines: tuple[str, ...] = ("We could not make out what you wrote, and changed nothing.",)
    person = case.proof.subscriber
    if person is not None and person.status is Status.PENDING:
        lines += acting.standing(case.store, person, case.proof.mark)
    return answered(case, [Done(letter="help", context={"lines": lines})])


def answered(case: Case, done: Sequence[Done], title: str = "") -> tuple[Reply, ...]:
    """One answer for all that was done, and each letter that was asked for."""
    if not may_answer(case):
        return ()
    person = case.proof.subscriber
    if person is not None:
        person = subscriptions.by_id(case.store, person.id) or person
    is_pending = person is not None and person.status is Status.PENDING
    # A "yes" in reply to this must bring what the letter they replied to asks for, but erasing is
    # asked anew.
    before = case.proof.mark if is_pending and case.proof.mark != acting.ERASING else ""
    mark = max((each.mark for each in done), default="") or before
    kept = {"mark": mark} if mark else {}
    letters = {each.letter: each for each in done if each.letter}
    replies = [
        reply(case, kind, person, {**(each.context or {}), **kept}, each.attachment)
        for kind, each in letters.items()
    ]
    if lines := tuple(line for each in done for line in each.lines):
        undo = list(dict.fromkeys(command for each in done for command in each.undo))
        context = {"title": title, "lines": lines, "undo": _how_to_undo(undo), **kept}
        replies.append(reply(case, "answer", person, context))
    return tuple(replies)


def may_answer(case: Case) -> bool:
    """Whether the sender has not yet had too many answers; logged if they have."""
    if guard.may_answer(case.store, case.proof.address, now=case.now):
        return True
    log.info("answered too often", extra={"action": "take-in"})
    return False


def reply(
    case: Case,
    kind: str,
    person: Subscriber | None,
    context: Mapping[str, object] | None = None,
    attachment: tuple[str, str, bytes] | None = None,
) -> Reply:
    """A letter of a kind to whoever wrote."""
    return Reply(
        kind=kind,
        subscriber=person,
        recipient=case.proof.address,
        in_reply_to=case.mail.message_id,
        context=context or {},
        attachment=attachment,
    )


def _how_to_undo(undo: Sequence[str]) -> str:
    if not undo:
        return ""
    if len(undo) == 1:
        return f"To undo this, reply “{undo[0]}”."
    return f"To undo this, reply with any of these, each on a line: {', '.join(f'“{e}”' for e in undo)}."
