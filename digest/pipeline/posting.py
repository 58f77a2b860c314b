"""Post: letters are written, stored, and sent one by one, at least once each.

Letters are few and somebody waits for them, so they have a queue of their own and never stand
behind a morning's digests. Whoever writes a letter may send it at once; the worker sends the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random

from digest import subscriptions
from digest.delivery import policy
from digest.errors import ConfigError, DigestError
from digest.model import (
    AddressChange,
    Interest,
    Letter,
    Message,
    Outcome,
    Receipt,
    Status,
    Subscriber,
)
from digest.pipeline.doubting import MOST_DOUBTS
from digest.pipeline.handing_over import is_away
from digest.pipeline.line import Bounced, Delivered
from digest.pipeline.noting import ANSWERING
from digest.ports import Store, Transport
from digest.rendering import letters, mime

log = logging.getLogger(__name__)

Sign = Callable[[bytes, datetime], bytes]

BLOCK = 20
LEASE = timedelta(minutes=15)
# After this, a server that takes minutes for each letter is given no more of them.
OFFERING = LEASE / 2
LASTS = timedelta(days=2)
# A link that lives an hour is not worth sending when most of it is over.
LASTS_OF: Mapping[str, timedelta] = {"account": timedelta(minutes=40)}
DELAYS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))
JITTER = 0.2
TOO_LATE = "a letter could not be sent before it was too late"
WITH_INTERESTS = frozenset({"confirm"})


def write(
    store: Store,
    templates: letters.LetterTemplates,
    kind: str,
    person: Subscriber | None,
    *,
    domain: str,
    now: datetime,
    recipient: str = "",
    in_reply_to: str = "",
    attachment: mime.Attachment | None = None,
    **context: object,
) -> Letter:
    """Render a letter and queue it; the same letter within a minute is queued once.

    An answer to mail is queued once, however often that mail comes in. A `change` of address in the
    context gives its letters the new address, and ties their links to this change. Raises
    InvalidInput and ConfigError as `rendering.letters.letter` does.
    """
    change = context.pop("change", None)
    if isinstance(change, AddressChange):
        context |= {"email": change.email, "subject": subscriptions.change_subject(change)}
        recipient = recipient or (change.email if kind == "address-new" else "")
    if kind in WITH_INTERESTS and person is not None:
        question = subscriptions.asked_again(store, person, now=now)
        person, context = question.person, _asking(question, context)
    letter = _letter(
        templates,
        kind,
        person,
        context,
        domain=domain,
        now=now,
        recipient=recipient,
        in_reply_to=in_reply_to,
        attachment=attachment,
    )
    store.post.put([letter])
    return letter


def ask(
    store: Store,
    templates: letters.LetterTemplates,
    addresses: Iterable[str],
    *,
    domain: str,
    now: datetime,
) -> int:
    """Ask those of some hundred addresses to confirm who have not yet, at most daily; how many.

    All their letters are stored in one transaction. Raises as `write` does.
    """
    asked: list[tuple[str, str, Letter]] = []
    for key, person in subscriptions.to_be_asked(store, addresses, now=now).items():
        question = subscriptions.question(store, person, now=now)
        letter = _letter(
            templates,
            "confirm",
            question.person,
            _asking(question, {}),
            domain=domain,
            now=now,
        )
        asked.append((key, person.id, letter))
    return subscriptions.ask(store, asked, now=now) if asked else 0


def _asking(question: subscriptions.Question, context: Mapping[str, object]) -> dict[str, object]:
    """The context of a letter that asks somebody to confirm."""
    if question.mark:  # the letter must say exactly what its link agrees to
        return {**context, "interests": question.interests, "mark": question.mark}
    return {"interests": question.interests, **context}


def _letter(
    templates: letters.LetterTemplates,
    kind: str,
    person: Subscriber | None,
    context: Mapping[str, object],
    *,
    domain: str,
    now: datetime,
    recipient: str = "",
    in_reply_to: str = "",
    attachment: mime.Attachment | None = None,
) -> Letter:
    """A letter whose id follows from what it says and when."""
    once = in_reply_to or f"{now:%Y-%m-%dT%H:%M}"
    # With the key and the address, since a letter from before they changed has dead links.
    about = (person.id, person.key, person.email) if person else ()
    said = sorted((name, _timeless(value)) for name, value in context.items())
    named = (kind, about, recipient, once, said)
    key = f"{kind}.{sha256(repr(named).encode(errors='replace')).hexdigest()[:24]}"
    message = letters.letter(
        templates,
        kind,
        to=person,
        recipient=recipient,
        message_id=f"<{key}@{domain}>",
        at=now,
        in_reply_to=in_reply_to,
        attachment=attachment,
        **context,
    )
    return Letter(
        id=key,
        kind=kind,
        sender=message.sender,
        recipient=message.recipient,
        content=message.content,
        at=now,
        expires_at=now + LASTS_OF.get(kind, LASTS),
    )


def _timeless(value: object) -> object:
    """Interests without the time at which each was added; everything else as it is."""
    if isinstance(value, tuple) and all(isinstance(each, Interest) for each in value):
        return sorted((str(each.kind), each.value, each.weight) for each in value)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What sending letters works with.

    `sign` gives the bytes that go out. `bounced` is told of an active subscriber's address that the
    mail server rejects, `gone` of each letter as soon as it was taken.
    """

    store: Store
    transport: Transport
    sign: Sign
    clock: Callable[[], datetime]
    rng: Random
    bounced: Bounced
    gone: Callable[[], object] = lambda: None
    stopping: Callable[[], bool] = lambda: False


def post_due(this: Round) -> Delivered:
    """Send every letter that is due; safe to call from several processes at once.

    If the server is away, the rest waits for the next time (`cut_short`). Raises ConfigError if the
    server refuses our password or certificate; the letters are then due again in a minute.
    """
    total, post = Delivered(), this.store.post
    for kind in post.drop_late(this.clock()):
        log.warning(TOO_LATE, extra={"action": "post", "kind": kind})
    while not this.stopping():
        now = this.clock()
        claimed = post.claim(now, limit=BLOCK, lease=LEASE.total_seconds())
        if not claimed:
            break
        total += _post(this, claimed, now)
        if total.cut_short or len(claimed) < BLOCK:
            break
    return total


def _post(this: Round, claimed: Sequence[Letter], now: datetime) -> Delivered:
    """Send what was claimed at `now`, but only while the claim outlasts the server's answer."""
    waiting = {each.id: each for each in claimed}
    total, clock = Delivered(), this.clock
    answers: list[Receipt] = []

    def held() -> bool:
        return clock() + ANSWERING < now + LEASE

    def settle(letter: Letter, retry_at: datetime | None, **how: bool) -> None:
        # Once our lease has run out, somebody else may hold the letter.
        if retry_at is None or clock() < now + LEASE:
            this.store.post.settle(letter.id, retry_at=retry_at, **how)

    signed = list(_signed(claimed, this.sign, now))
    untaken = {each.digest_id for each in signed}
    offers = _in_time(signed, untaken, clock, now + OFFERING)
    try:
        for answer in this.transport.send(offers, now, held=held):
            letter = waiting.pop(answer.digest_id)
            receipt = _mended(letter, answer)
            answers.append(receipt)
            if receipt.outcome is Outcome.ACCEPTED:
                this.gone()
            retry_at = _retry_at(letter, receipt, clock(), this.rng)
            settle(letter, retry_at, in_doubt=receipt.is_silent, untried=receipt.untried)
            total += _told(letter, receipt, retry_at)
            if receipt.outcome is Outcome.REFUSED:
                _bounce(this, letter, receipt)
    except ConfigError:
        if not answers:  # it is raised before the first is offered
            untaken.update(each.digest_id for each in signed)
        raise
    finally:
        for letter in waiting.values():
            untried = letter.id in untaken
            settle(letter, _later(letter, clock(), this.rng, tried=not untried), untried=untried)
            total += Delivered(deferred=1)
    return total + Delivered(cut_short=bool(answers) and is_away(answers))


def _in_time(
    messages: Sequence[Message], untaken: set[str], clock: Callable[[], datetime], until: datetime
) -> Iterator[Message]:
    """The messages up to a moment; each leaves `untaken` when it is handed out."""
    for each in messages:
        if clock() > until:
            return
        untaken.discard(each.digest_id)
        yield each


def _signed(claimed: Sequence[Letter], sign: Sign, now: datetime) -> Iterator[Message]:
    """The letters as messages; one that cannot be signed waits, and stops no other."""
    for letter in claimed:
        try:
            content = sign(letter.content, now)
        except ConfigError:
            raise
        except Exception:
            log.exception("a letter could not be signed", extra={"action": "sign"})
            continue
        yield Message(
            digest_id=letter.id, sender=letter.sender, recipient=letter.recipient, content=content
        )


def _mended(letter: Letter, receipt: Receipt) -> Receipt:
    """The receipt, deferred if the server refuses us and not the address.

    A block that is lifted within the day should not cost anybody their confirmation.
    """
    if receipt.outcome is not Outcome.REFUSED or not policy.is_policy_refusal(receipt):
        return receipt
    log.warning(
        "a mail server refuses a letter, which is tried again",
        extra={"action": "post", "kind": letter.kind, "code": receipt.code},
    )
    return replace(receipt, outcome=Outcome.DEFERRED)


def _told(letter: Letter, receipt: Receipt, retry_at: datetime | None) -> Delivered:
    if receipt.outcome is Outcome.ACCEPTED:
        return Delivered(accepted=1)
    cause = policy.scrub(receipt.reply)
    if receipt.outcome is Outcome.DEFERRED:
        over = retry_at is None
        return Delivered(deferred=not over, expired=over, causes=(cause,))
    log.warning(
        "a mail server refused a letter",
        extra={"action": "post", "kind": letter.kind, "code": receipt.code},
    )
    return Delivered(refused=1, causes=(cause,))


def _retry_at(letter: Letter, receipt: Receipt, now: datetime, rng: Random) -> datetime | None:
    """When to try again; None if it was accepted or refused, or would come too late.

    Nor is a letter sent a third time if the server fell silent after it twice.
    """
    if receipt.outcome is not Outcome.DEFERRED:
        return None
    if receipt.is_silent and letter.doubts + 1 >= MOST_DOUBTS:
        log.warning(
            "a letter may have arrived, and is not sent again",
            extra={"action": "post", "kind": letter.kind},
        )
        return None
    retry_at = _later(letter, now, rng, tried=not receipt.untried)
    if retry_at is None:
        log.warning(TOO_LATE, extra={"action": "post", "kind": letter.kind, "code": receipt.code})
    return retry_at


def _later(letter: Letter, now: datetime, rng: Random, *, tried: bool = True) -> datetime | None:
    earlier = max(letter.attempts - 1, 0) if tried else 0
    delay = DELAYS[min(earlier, len(DELAYS) - 1)]
    retry_at = now + delay * rng.uniform(1 - JITTER, 1 + JITTER)
    return retry_at if retry_at < letter.expires_at else None


def _bounce(this: Round, letter: Letter, receipt: Receipt) -> None:
    """End a subscription whose address is no good; strangers' letters have no such effect."""
    if not policy.is_address_failure(receipt.code, receipt.reply):
        return
    person = this.store.subscribers.by_email(letter.recipient)
    if person is None or person.status is not Status.ACTIVE:
        return
    evidence = policy.evidence(receipt, subscriber_id=person.id, attempt=letter.attempts, hard=True)
    try:
        this.bounced(evidence)
    except DigestError as error:
        log.warning("a bounce was not recorded: %s", error.message, extra={"action": "bounce"})
