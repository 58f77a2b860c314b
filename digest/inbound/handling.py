"""A mail taken in: whose it is, what it asks for, what is done, and what is answered."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

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
from digest.inbound.acting import Done, Turn
from digest.inbound.commands import Asked, Command
from digest.inbound.grammar import Verb
from digest.inbound.headers import domain_of
from digest.inbound.proving import LETTER, Proof
from digest.inbound.values import Incoming, Policy, Reply
from digest.model import Status
from digest.ports import Store
from digest.subscriptions import Wishes

log = logging.getLogger(__name__)

MAILBOXES = ("bounce", "reply", "unsubscribe", "subscribe")
OPERATORS = frozenset({"abuse", "hostmaster", "postmaster", "security", "webmaster"})
WAITING = frozenset({Status.PENDING, Status.UNSUBSCRIBED})
DONE = "Done."
TITLES = {
    Verb.CONFIRM: "You are subscribed.",
    Verb.ANSWER: "Thank you for your answer.",
    Verb.UNDO: "Taken back.",
    Verb.SETTINGS: "Your settings.",
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
    """Act on one mail, and say what is to be answered: one answer at most, whatever it asks.

    `recipients` are the envelope's, or those the header names if there are none. `answer` is to
    keep each reply; only then does the mail count as taken in. The same mail acts once, whichever
    way and however often it comes. No mail is bad enough to raise: what cannot be read is kept for
    the operator. Raises RetryLater while the database is locked; the mail must then be offered
    again, and nothing of it is lost.
    """
    try:
        mail = reading.read(raw)
    except Exception as error:  # noqa: BLE001 - as below
        _keep_tripping(store, raw, error, now)
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
    except Exception as error:  # noqa: BLE001 - a mail that trips us must not come again and again
        _keep_tripping(store, raw, error, now)
        replies = ()
    # Last, so that a mail whose handling was cut short is handled when it is offered again.
    store.post.first_time(mail.key, now)
    return replies


def _keep_tripping(store: Store, raw: bytes, error: Exception, now: datetime) -> None:
    log.error(  # a traceback could show the mail
        "a mail could not be handled",
        extra={"action": "take-in", "error": type(error).__name__},
    )
    bounces.keep_unread(store, raw, detail=type(error).__name__, now=now)


def mailbox_of(recipients: Sequence[str]) -> tuple[str, str]:
    """The part before `+` of the address that tells most of what is wanted, and the part behind."""
    parted = [each.rpartition("@")[0].partition("+") for each in recipients]
    named = [(base.casefold(), detail) for base, _, detail in parted]
    for wanted in MAILBOXES:
        for base, detail in named:
            if base == wanted:
                return base, detail
    return "help", ""


def _ours(recipients: Sequence[str], policy: Policy) -> list[str]:
    return [each for each in recipients if domain_of(each) == policy.domain.casefold()]


def _handled(
    store: Store, mail: Incoming, recipients: Sequence[str], policy: Policy, now: datetime
) -> tuple[Reply, ...]:
    mailbox, plus = mailbox_of(recipients)
    silence = guard.silence(mail, policy)
    leaving = proving.by_unsubscribe_token(store, mail)
    if leaving is not None and _is_leaving(mail, mailbox):
        return _leave(store, mail, leaving, silence=silence, now=now)
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
    proof = proving.prove(store, mail, recipients, policy)
    if proof is None:
        log.info("not proven", extra={"action": "take-in"})
        return ()
    site = policy.site.name.strip()
    asked = commands.parse(mail.subject, mail.lines, mailbox=mailbox, site=site)
    plus = plus if mailbox == "subscribe" else ""  # elsewhere it is a tag, and names no wish
    if proof.subscriber is None:
        return _for_stranger(store, mail, proof, asked, policy, plus=plus, now=now)
    return _for_subscriber(store, mail, proof, asked, policy, plus=plus, now=now)


def _role(recipients: Sequence[str]) -> str:
    """The mailbox of those that a domain must have for its operator (RFC 2142), if one is meant."""
    named = (each.rpartition("@")[0].partition("+")[0].casefold() for each in recipients)
    return next((each for each in named if each in OPERATORS), "")


def _is_leaving(mail: Incoming, mailbox: str) -> bool:
    """Whether a mail with a valid token asks to be unsubscribed, in the line that has the token."""
    if mailbox in ("bounce", "unsubscribe"):
        return mailbox == "unsubscribe"
    texts = (mail.subject, *mail.lines[: proving.MOST_TOKENS])
    said = ((each, proving.without_tokens(each)) for each in texts)
    return any(rest != text and grammar.is_leaving(rest) for text, rest in said)


def _leave(
    store: Store, mail: Incoming, proof: Proof, *, silence: str, now: datetime
) -> tuple[Reply, ...]:
    """The token is the proof, and mail programs send such mails by themselves: it always acts."""
    if proof.subscriber is None:
        return ()
    subscriptions.unsubscribe(store, proof.subscriber, now=now)
    log.info("unsubscribed", extra={"action": "take-in"})
    if silence:
        return ()
    return _answered(store, mail, proof, [Done(letter="goodbye")], title="", now=now)


def _for_stranger(
    store: Store,
    mail: Incoming,
    proof: Proof,
    asked: Asked,
    policy: Policy,
    *,
    plus: str,
    now: datetime,
) -> tuple[Reply, ...]:
    """Someone whose address is proven, but who has no subscription."""
    verbs = [each.verb for each in asked.commands]
    if Verb.SUBSCRIBE in verbs:
        return _sign_up(store, mail, proof, asked.commands, policy, plus=plus, now=now)
    if not verbs or verbs == [Verb.CONFIRM]:
        return _explained(store, mail, proof, now=now)
    if Verb.HELP in verbs:
        done = Done(letter="help")
    else:
        start = f"To begin, write to subscribe@{policy.domain}."
        done = Done(lines=("There is no subscription for the address you write from.", start))
    return _answered(store, mail, proof, [done], title="You are not subscribed.", now=now)


def _for_subscriber(
    store: Store,
    mail: Incoming,
    proof: Proof,
    asked: Asked,
    policy: Policy,
    *,
    plus: str,
    now: datetime,
) -> tuple[Reply, ...]:
    person = proof.subscriber
    asked_for = asked.commands
    if person is None:
        return ()
    if person.status is Status.SUPPRESSED:
        if any(each.verb is Verb.UNSUBSCRIBE for each in asked_for):
            subscriptions.unsubscribe(store, person, now=now)
        return ()
    _, is_answer = commands.bare_subject(mail.subject)
    is_yes = not asked_for and mail.blank and is_answer and proof.edition == LETTER
    if person.status is Status.PENDING and is_yes:
        asked_for = (Command(verb=Verb.CONFIRM),)
    if not asked_for:
        return _explained(store, mail, proof, now=now)
    verbs = [each.verb for each in asked_for]
    if person.status in WAITING and Verb.SUBSCRIBE in verbs:
        return _sign_up(store, mail, proof, asked_for, policy, plus=plus, now=now)
    edition = proof.edition if proof.edition != LETTER else ""
    turn = Turn(
        store=store,
        person=person,
        policy=policy,
        edition=edition or answering.edition_from(mail.references, person),
        mark=proof.mark,
        now=_begun(store, mail, now),
    )
    if plus and Verb.SUBSCRIBE in verbs:
        asked_for = (*asked_for, Command(verb=Verb.SUBSCRIBE, text=plus.replace("+", ", ")))
    done = acting.act(turn, asked_for)
    title = TITLES.get(verbs[0], DONE) if len(set(verbs)) == 1 else DONE
    if all(each.failed for each in done):
        title = "Nothing has changed."
    return _answered(store, mail, proof, done, title=title, now=now)


def _begun(store: Store, mail: Incoming, now: datetime) -> datetime:
    """When this mail was first acted on: one that is offered again does the same at the same time.

    So it finds what it did before: it takes back no more answers than it did, and tells of those.
    """
    key = f"begun.{mail.key}"
    store.post.first_time(key, now)
    return store.post.came(key) or now


def _sign_up(
    store: Store,
    mail: Incoming,
    proof: Proof,
    asked_for: Sequence[Command],
    policy: Policy,
    *,
    plus: str,
    now: datetime,
) -> tuple[Reply, ...]:
    """Ask the owner of the address for the yes that every subscription needs."""
    wishes = commands.wishes_of(asked_for, policy.topics, plus)
    try:
        signed = _signed_up(store, proof.address, wishes, policy, now=now)
    except InvalidInput:
        # What cannot be kept, such as an hour there is not, can be said later: the answer to the
        # yes names what is kept.
        kept = Wishes(
            topics=wishes.topics,
            keywords=[each for each in wishes.keywords if _is_keyword(each, now)],
            authors=wishes.authors,
        )
        signed = _signed_up(store, proof.address, kept, policy, now=now)
    if signed.subscriber is None or not guard.may_answer(store, proof.address, now=now):
        return ()
    kind = "confirm" if signed.outcome == "ask" else "known"
    return (
        Reply(
            kind=kind,
            subscriber=signed.subscriber,
            recipient=signed.subscriber.email,
            in_reply_to=mail.message_id,
        ),
    )


def _is_keyword(text: str, now: datetime) -> bool:
    try:
        subscriptions.interests_of(Wishes(keywords=(text,)), topics={}, now=now)
    except InvalidInput:
        return False
    return True


def _signed_up(
    store: Store, address: str, wishes: Wishes, policy: Policy, *, now: datetime
) -> subscriptions.SignUp:
    return subscriptions.sign_up(
        store,
        address,
        wishes,
        topics=policy.topics,
        defaults=policy.defaults,
        network="",
        bounds=policy.bounds,
        now=now,
    )


def _explained(store: Store, mail: Incoming, proof: Proof, *, now: datetime) -> tuple[Reply, ...]:
    """Help for what was not understood, once a day."""
    if not guard.may_explain(store, proof.address, now=now):
        log.info("not understood again", extra={"action": "take-in"})
        return ()
    line = "We could not make out what you wrote, and changed nothing."
    person = proof.subscriber
    waits: tuple[str, ...] = ()
    if person is not None and person.status is Status.PENDING:
        waits = acting.standing(store, person, proof.mark)
    done = Done(letter="help", context={"lines": (line, *waits)})
    return _answered(store, mail, proof, [done], title="", now=now)


def _answered(
    store: Store,
    mail: Incoming,
    proof: Proof,
    done: Sequence[Done],
    *,
    title: str,
    now: datetime,
) -> tuple[Reply, ...]:
    """The one answer to all that was done, beside letters that are files or links."""
    if not guard.may_answer(store, proof.address, now=now):
        log.info("answered too often", extra={"action": "take-in"})
        return ()
    person = proof.subscriber
    if person is not None:
        person = store.subscribers.get([person.id]).get(person.id, person)
    is_asked = person is not None and person.status is Status.PENDING
    # Their “yes” may come in reply to this: it is to bring what the letter they answer asks for.
    kept = {"mark": proof.mark} if is_asked and proof.mark else {}

    def reply(kind: str, context: Mapping[str, object], source: Done | None = None) -> Reply:
        return Reply(
            kind=kind,
            subscriber=person,
            recipient=proof.address,
            in_reply_to=mail.message_id,
            context={**context, **kept},
            attachment=source.attachment if source else None,
        )

    letters = {each.letter: each for each in done if each.letter}
    replies = [reply(kind, each.context or {}, each) for kind, each in letters.items()]
    lines = tuple(line for each in done for line in each.lines)
    if lines:
        undo = list(dict.fromkeys(command for each in done for command in each.undo))
        context = {"title": title, "lines": lines, "undo": _to_undo(undo)}
        replies.append(reply("answer", context))
    return tuple(replies)


def _to_undo(undo: Sequence[str]) -> str:
    if not undo:
        return ""
    if len(undo) == 1:
        return f"To undo this, reply “{undo[0]}”."
    return f"To undo this, reply with any of these, each on a line: {', '.join(f'“{e}”' for e in undo)}."
