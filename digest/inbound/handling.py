"""Take in one mail: find out who wrote it, do what it asks, and say what to answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from digest import subscriptions
from digest.errors import InvalidInput, RetryLater
from digest.inbound import (
    acting,
    answering,
    bounces,
    commands,
    grammar,
    guard,
    proving,
    reading,
    reports,
)
from digest.inbound.commands import Asked, Command
from digest.inbound.grammar import Verb
from digest.inbound.headers import domain_of
from digest.inbound.proving import LETTER, Proof
from digest.inbound.replying import Case, answered, explained, may_answer, reply
from digest.inbound.values import Done, Incoming, Policy, Reply, Turn
from digest.model import Status, Subscriber
from digest.ports import Store
from digest.subscriptions import Wishes

log = logging.getLogger(__name__)

# Our mailboxes; of several recipients the first in this order counts.
MAILBOXES = ("bounce", "reply", "unsubscribe", "subscribe")
# Mailboxes that a domain must have for its operator (RFC 2142).
OPERATORS = frozenset({"abuse", "hostmaster", "postmaster", "security", "webmaster"})
WAITING = frozenset({Status.PENDING, Status.UNSUBSCRIBED})
DONE = "Done."
TITLES = {
    Verb.CONFIRM: "You are subscribed.",
    Verb.ANSWER: "Thank you for your answer.",
    Verb.UNDO: "Taken back.",
    Verb.SETTINGS: "Your settings.",
    Verb.FORGET: "Delete everything?",
}


def take_in(
    store: Store,
    raw: bytes,
    *,
    recipients: Sequence[str] = (),
    policy: Policy,
    answer: Callable[[Reply], object] = lambda _: None,
    now: datetime,
) -> tuple[Reply, ...]:
    """Act on one mail and return the replies: a letter for each that was asked for, and one answer.

    `recipients` are those of the envelope; without any, those the header names count. `answer`
    must keep each reply; only then is the mail recorded as taken in. The same mail acts once,
    however often it comes. A mail that cannot be read or handled is kept for the operator. Raises
    RetryLater while the database is locked: the mail must then be offered again, and nothing is
    lost.
    """
    try:
        mail = reading.read(raw)
    except Exception as error:  # noqa: BLE001 - as below
        _keep_failed(store, raw, error, now)
        return ()
    if store.post.came(mail.key):
        log.info("the mail came before", extra={"action": "take-in"})
        return ()
    try:
        replies = _handled(store, mail, _ours(recipients or mail.to, policy), policy, now)
        for each in replies:
            answer(each)
    except RetryLater:
        raise
    except Exception as error:  # noqa: BLE001 - a mail that fails must not come again and again
        _keep_failed(store, raw, error, now)
        replies = ()
    # Last, so that a mail whose handling was cut short is handled when it is offered again.
    store.post.first_time(mail.key, now)
    return replies


def _keep_failed(store: Store, raw: bytes, error: Exception, now: datetime) -> None:
    log.error(  # a traceback could show the mail
        "a mail could not be handled",
        extra={"action": "take-in", "error": type(error).__name__},
    )
    bounces.keep_unread(store, raw, detail=type(error).__name__, now=now)


def _ours(recipients: Sequence[str], policy: Policy) -> list[str]:
    return [each for each in recipients if domain_of(each) == policy.domain.casefold()]


def _handled(
    store: Store, mail: Incoming, recipients: Sequence[str], policy: Policy, now: datetime
) -> tuple[Reply, ...]:
    mailbox, plus = _mailbox(recipients)
    silence = guard.silence(mail, policy)
    leaving = proving.by_unsubscribe_token(store, mail)
    if leaving is not None and _is_leaving(mail, mailbox):
        # The token is the proof, and mail programs send such mails by themselves: always obeyed.
        subscriptions.unsubscribe(store, leaving, now=now)
        log.info("unsubscribed", extra={"action": "take-in"})
        proof = Proof(address=leaving.email, subscriber=leaving)
        case = Case(store=store, mail=mail, policy=policy, proof=proof, now=now)
        return () if silence else answered(case, [Done(letter="goodbye")])
    is_report = mailbox == "bounce" or (reports.is_report(mail) and silence)
    if is_report or reports.is_junked(mail):
        bounces.handle(store, mail, recipients, policy, now=now)
        return ()
    role = _role(recipients) if mailbox == "help" else ""
    if role and silence != "own":
        bounces.keep_unread(store, mail.raw, detail=f"Written to {role}@, for you.", now=now)
    elif silence:
        log.info("not answered", extra={"action": "take-in", "why": silence})
    if role or silence:
        return ()
    proved = proving.prove(store, mail, recipients, policy)
    if proved is None:
        log.info("not proven", extra={"action": "take-in"})
        return ()
    names = (policy.site.name.strip(), mail.sender, proved.address)
    asked = commands.parse(mail.subject, mail.lines, mailbox=mailbox, names=names)
    case = Case(store=store, mail=mail, policy=policy, proof=proved, now=now)
    plus = plus if mailbox == "subscribe" else ""  # elsewhere it is a tag, not a wish
    if proved.subscriber is None:
        return _for_stranger(case, asked, plus)
    return _for_subscriber(case, proved.subscriber, asked.commands, plus)


def _mailbox(recipients: Sequence[str]) -> tuple[str, str]:
    """The mailbox that counts, and what stands behind `+` in its address."""
    parted = [each.rpartition("@")[0].partition("+") for each in recipients]
    named = [(base.casefold(), detail) for base, _, detail in parted]
    known = [each for each in named if each[0] in MAILBOXES]
    return min(known, key=lambda each: MAILBOXES.index(each[0]), default=("help", ""))


def _role(recipients: Sequence[str]) -> str:
    """The first recipient that is a mailbox of the operator's; "" if there is none."""
    named = (each.rpartition("@")[0].partition("+")[0].casefold() for each in recipients)
    return next((each for each in named if each in OPERATORS), "")


def _is_leaving(mail: Incoming, mailbox: str) -> bool:
    """Whether a mail with a valid token asks to unsubscribe, in the line that has the token."""
    if mailbox in ("bounce", "unsubscribe"):
        return mailbox == "unsubscribe"
    texts = (mail.subject, *mail.lines[: proving.MOST_TOKENS])
    said = ((each, proving.without_tokens(each)) for each in texts)
    return any(rest != text and grammar.is_leaving(rest) for text, rest in said)


def _for_stranger(case: Case, asked: Asked, plus: str) -> tuple[Reply, ...]:
    """Act for somebody whose address is proven, but who has no subscription."""
    verbs = [each.verb for each in asked.commands]
    if Verb.SUBSCRIBE in verbs:
        return _sign_up(case, asked.commands, plus)
    if not verbs or verbs == [Verb.CONFIRM]:
        return explained(case)
    if Verb.HELP in verbs:
        return answered(case, [Done(letter="help")])
    lines = (
        "There is no subscription for the address you write from.",
        f"To begin, write to subscribe@{case.policy.domain}.",
    )
    return answered(case, [Done(lines=lines)], title="You are not subscribed.")


def _for_subscriber(
    case: Case, person: Subscriber, asked: tuple[Command, ...], plus: str
) -> tuple[Reply, ...]:
    mail, proof = case.mail, case.proof
    verbs = [each.verb for each in asked]
    if person.status is Status.SUPPRESSED:  # may not be answered, nor asked whether they mean it
        if Verb.UNSUBSCRIBE in verbs:
            subscriptions.unsubscribe(case.store, person, now=case.now)
        if Verb.FORGET in verbs:
            told = "Wants to be forgotten, and is suppressed: `digest forget` erases them."
            bounces.keep_unread(case.store, mail.raw, detail=told, now=case.now)
        return ()
    if not asked and person.status is Status.PENDING and mail.blank and proof.edition == LETTER:
        # A blank reply to the letter that asks for a yes is one.
        _, is_answer = commands.bare_subject(mail.subject)
        asked = (Command(verb=Verb.CONFIRM),) if is_answer else ()
    if not asked:
        return explained(case)
    verbs = [each.verb for each in asked]
    if person.status in WAITING and Verb.SUBSCRIBE in verbs:
        return _sign_up(case, asked, plus)
    edition = proof.edition if proof.edition != LETTER else ""
    turn = Turn(
        store=case.store,
        person=person,
        policy=case.policy,
        edition=edition or answering.edition_from(mail.references, person),
        mark=proof.mark,
        now=_begun(case),
    )
    if plus and Verb.SUBSCRIBE in verbs:
        asked = (*asked, Command(verb=Verb.SUBSCRIBE, text=plus.replace("+", ", ")))
    done = acting.act(turn, asked)
    title = TITLES.get(verbs[0], DONE) if len(set(verbs)) == 1 else DONE
    if len(done) == 1 and done[0].mark == acting.ERASING:
        title = TITLES[Verb.FORGET]
    if all(each.failed for each in done):
        title = "Nothing has changed."
    return answered(case, done, title)


def _sign_up(case: Case, asked: Sequence[Command], plus: str) -> tuple[Reply, ...]:
    """Ask the owner of the address for the yes that every subscription needs."""
    wishes = commands.wishes_of(asked, case.policy.topics, plus, signing_up=True)
    signed = subscriptions.sign_up(
        case.store,
        case.proof.address,
        _possible(wishes, case),
        topics=case.policy.topics,
        defaults=case.policy.defaults,
        network="",
        bounds=case.policy.bounds,
        now=case.now,
    )
    if signed.subscriber is None or not may_answer(case):
        return ()
    kind = "confirm" if signed.outcome == "ask" else "known"
    return (reply(case, kind, signed.subscriber),)


def _begun(case: Case) -> datetime:
    """When this mail was first acted on.

    A mail that is offered again is acted on as of that time, so that `undo` takes back the same
    answers, and no more.
    """
    key = f"begun.{case.mail.key}"
    case.store.post.first_time(key, case.now)
    return case.store.post.came(key) or case.now


def _possible(wishes: Wishes, case: Case) -> Wishes:
    """The wishes without those that cannot be met, such as an unknown time zone.

    The letter says what was kept, and the rest can be asked for again.
    """

    def is_possible(**one: Any) -> bool:
        try:
            subscriptions.interests_of(Wishes(**one), topics=case.policy.topics, now=case.now)
            subscriptions.with_schedule(case.policy.defaults, Wishes(**one))
        except InvalidInput:
            return False
        return True

    kept: dict[str, Any] = {
        name: [each for each in getattr(wishes, name) if is_possible(**{name: [each]})]
        for name in subscriptions.LISTS
    }
    for name in commands.SCHEDULE.values():
        value = getattr(wishes, name)
        if value is not None and is_possible(**{name: value}):
            kept[name] = value
    return Wishes(**kept)
