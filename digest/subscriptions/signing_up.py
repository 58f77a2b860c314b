"""The way in: asked for by a stranger or by an operator, confirmed by the owner of the mailbox.

Whoever asks for a subscription, or for a link, learns nothing about the address they typed: the
page is the same, and so is the work done before it: beside the limits two reads, and for a
subscription two writes. The letter is to be written after the page is sent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from itertools import islice
from typing import Literal

from digest import editions
from digest.errors import InvalidInput
from digest.model import Interest, Letter, Status, Subscriber, SuppressionReason, Topic
from digest.model.base import Value
from digest.ports import Store
from digest.subscriptions.addresses import (
    CHANGE_FOR,
    address_hash,
    admission,
    lift,
    suppressed,
    suppression,
)
from digest.subscriptions.changing import put_interests
from digest.subscriptions.limits import DAY, HOUR, bucket, may, may_reach
from digest.subscriptions.people import CONFIRMED, amend, find, fresh, newcomer, normal_address
from digest.subscriptions.returning import (
    RENEWED_AFTER,
    Question,
    agreed,
    question,
    schedule_of,
    wish_back,
    with_room,
)
from digest.subscriptions.wishes import Wishes, asked_for, interests_of, timing

log = logging.getLogger(__name__)

LETTERS_AN_HOUR = 1_000
LINKS_A_DAY = 5
PENDING_FOR = timedelta(days=14)
# As long as links hold that agree to them: to the end of a day, from an hour after the wish at most.
WISHES_FOR = PENDING_FOR + timedelta(days=1) + RENEWED_AFTER
FORGOTTEN_AT_ONCE = 200
NETWORK_BITS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds(Value):
    """What strangers can make us send in an hour: from one network, and to one address.

    To one address that is six letters in a day at most, or an hour's bound would be no bound.
    """

    signups: int
    letters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp(Value):
    """What came of asking for a subscription, or for a link; the page says the same of all three.

    `ask` wants the letter `confirm`, `known` the letter `known` (or `link`), `silent` none. `limited` is
    true when the network asked too often, `full` when all strangers together have: a page may say
    either, as it tells of no address.
    """

    outcome: Literal["ask", "known", "silent"]
    subscriber: Subscriber | None = None
    limited: bool = False
    full: bool = False


def sign_up(
    store: Store,
    email: str,
    wishes: Wishes,
    *,
    topics: Mapping[str, Topic],
    defaults: Subscriber,
    network: str,
    bounds: Bounds,
    now: datetime,
) -> SignUp:
    """Take a stranger's word that this address wants digests; nothing comes before it confirms.

    `network` is the address the request came from (empty: not limited by it). Who is subscribed
    already stays as they are; the wishes of one who has not confirmed are replaced by these; for one
    who had left they wait beside the profile until that one agrees. Raises InvalidInput and NotFound
    for what was typed, and never for what is stored.
    """
    address = normal_address(email)
    interests = interests_of(wishes, topics=topics, now=now)
    new = asked_for(newcomer(defaults, address, now=now), wishes)
    if not _may_come(store, network, bounds, now):
        return SignUp(outcome="silent", limited=True)
    # Asked whoever it is: were a letter counted for some alone, the end of them would tell of whom.
    # And before the address's own letters are counted: who is told to try again has not had one.
    if not _is_room(store, "letters", now):
        return SignUp(outcome="silent", full=True)
    reason = suppression(store, address)
    known = store.subscribers.by_email(address)
    if not _may_write(store, address, bounds, now) or _is_closed(known, reason):
        _idle(store, now)
        return SignUp(outcome="silent")
    if known is None and store.subscribers.add([(new, ())]):
        store.subscribers.set_interests(new.id, interests)
        return SignUp(outcome="ask", subscriber=new)
    # Two forms sent at once: the other one was first.
    known = known or store.subscribers.by_email(address)
    if known is not None and known.status in (Status.PENDING, Status.UNSUBSCRIBED):
        return _again(store, known, new, wishes, interests)
    _idle(store, now)
    return SignUp(outcome="known" if known else "silent", subscriber=known)


def request_link(
    store: Store, email: str, *, bounds: Bounds, network: str, now: datetime
) -> SignUp:
    """Whom to mail a link to their preferences (a pending one: to confirm), if anybody.

    The page says the same either way, also when too many links were mailed within the hour, which
    only letters to people we know can bring about. Raises InvalidInput for what is no address.
    """
    address = normal_address(email)
    if not _may_come(store, network, bounds, now):
        return SignUp(outcome="silent", limited=True)
    reason = suppression(store, address)
    known = store.subscribers.by_email(address)
    if not _may_write(store, address, bounds, now):
        return SignUp(outcome="silent")
    if known is None or _is_closed(known, reason):
        _idle(store, now, turns=1)
        return SignUp(outcome="silent")
    return _linked(known) if _is_room(store, "links", now) else SignUp(outcome="silent")


def renew_link(store: Store, person: Subscriber, *, now: datetime) -> SignUp:
    """Whom to mail a fresh link: one who holds an old one, whichever network they are in.

    Raises InvalidInput after five in a day, or when the address has had its letters for today.
    """
    counted = may(store, "renew", person.id, now=now, seconds=DAY, most=LINKS_A_DAY)
    if not counted or not may_reach(store, person.email, now=now):
        raise InvalidInput(
            "Enough links have been mailed today; look among the spam, or try again tomorrow."
        )
    if _is_closed(person, suppression(store, person.email)):
        return SignUp(outcome="silent")
    return _linked(person)


def subscribe(
    store: Store,
    email: str,
    wishes: Wishes,
    *,
    topics: Mapping[str, Topic],
    defaults: Subscriber,
    confirmed: bool,
    now: datetime,
) -> Subscriber:
    """Add a subscriber for an operator, or add wishes to a known one.

    New ones, and those who come back, stay `pending` until they confirm, unless `confirmed` (an
    operator vouches); whoever rests goes on resting. Nothing but an operator's confirmation revives a suppressed address, or
    takes one off the suppression list. Raises InvalidInput.
    """
    address = normal_address(email)
    interests = interests_of(wishes, topics=topics, now=now)
    admission(store, confirmed=confirmed)(address)
    known = store.subscribers.by_email(address)
    if known is None:
        new = asked_for(newcomer(defaults, address, now=now), wishes)
        if store.subscribers.add([(new, interests)]):
            return activate(store, new, now=now) if confirmed else new
        known = find(store, address)  # somebody else was first
    changes = _changes(known, asked_for(known, wishes), now)
    # First what may be refused: then nothing has changed.
    put_interests(store, known, interests, reweigh=wishes.weight is not None)
    person = amend(store, known, **changes)
    store.subscribers.drop_comeback(known.id)
    if person.status is not known.status:
        return person  # they have answered or left just now: that counts
    if confirmed and person.status not in CONFIRMED:
        return activate(store, person, now=now)
    if person.status is Status.UNSUBSCRIBED:
        return amend(store, person, status=Status.PENDING)
    return person


def _changes(known: Subscriber, wanted: Subscriber, now: datetime) -> dict[str, object]:
    """The fields of a row that were asked to be another, and when the next digest is due by that."""
    changes: dict[str, object] = {
        each.name: value
        for each in fields(wanted)
        if (value := getattr(wanted, each.name)) != getattr(known, each.name)
    }
    if wanted.status is Status.ACTIVE and timing(wanted) != timing(known):
        changes["due_at"] = editions.next_due(wanted, now)
    return changes


def confirm(store: Store, person: Subscriber, *, now: datetime, mark: str = "") -> Subscriber:
    """The owner of the mailbox agrees: the first digest is due at once, then at their hour.

    `mark` is that of the letter they agree by: one who had left gets what it asks for beside what
    they had, and by any other letter what they had. Who is not waiting to confirm stays as they are.
    """
    current = fresh(store, person)
    if current.status is not Status.PENDING:
        return current
    lift(store, current.email, only=SuppressionReason.ERASED)
    wished = agreed(store, current, mark)
    if wished is not None:
        interests = with_room(store, current, wished.interests)
        store.subscribers.add_interests(current.id, interests)
    confirmed = amend(
        store,
        current,
        **schedule_of(wished),
        status=Status.ACTIVE,
        confirmed_at=current.confirmed_at or now,
        due_at=now,
        paused_until=None,
    )
    store.subscribers.drop_comeback(current.id)
    return confirmed


def to_be_asked(store: Store, addresses: Iterable[str], *, now: datetime) -> dict[str, Subscriber]:
    """Those of these who have yet to confirm and were not asked to today, by what `ask` counts.

    Whoever is on the suppression list is left out.
    """
    pending = store.subscribers.by_emails(addresses, Status.PENDING)
    closed = suppressed(store, pending)
    waiting = {
        bucket(store, "ask", address): person
        for address, person in pending.items()
        if address not in closed
    }
    asked = store.post.used(waiting, now=now, seconds=DAY)
    return {key: person for key, person in waiting.items() if key not in asked}


def ask(store: Store, letters: Iterable[tuple[str, str, Letter]], *, now: datetime) -> int:
    """Queue letters that ask people to confirm, in one transaction, once a day at most; how many.

    Each comes after its key in `to_be_asked`, and the id of whom it asks.
    """
    return store.post.ask(letters, now=now, seconds=DAY)


def activate(store: Store, subscriber: Subscriber, *, now: datetime) -> Subscriber:
    """Make someone active on an operator's word: due at their next local hour.

    What was asked for in their name meanwhile is forgotten.
    """
    current = fresh(store, subscriber)
    if current.status is Status.ACTIVE:
        return current
    store.subscribers.drop_comeback(current.id)
    return amend(
        store,
        current,
        status=Status.ACTIVE,
        confirmed_at=current.confirmed_at or now,
        due_at=editions.next_due(current, now),
        paused_until=None,
    )


def asked_again(store: Store, person: Subscriber, *, now: datetime) -> Question:
    """What a letter asks of who has yet to confirm; they have 14 days from the latest such letter."""
    if person.status is Status.PENDING and person.confirmed_at is None:
        amend(store, person, created_at=now)
    return question(store, person, now=now)


def forget_pending(
    store: Store, now: datetime, *, stopping: Callable[[], bool] = lambda: False
) -> int:
    """Erase those who never confirmed within 14 days of asking; how many.

    Of who said no is left what keeps an import from asking them again (see `erase`). Wishes for
    another address that have ended go as well, and what was asked for in the name of those who had
    left, once no link can agree to it any more.
    """
    forgotten = 0
    for status in (Status.PENDING, Status.UNSUBSCRIBED):
        over = _never_confirmed(store, status, now - PENDING_FOR)
        while not stopping() and (block := list(islice(over, FORGOTTEN_AT_ONCE))):
            hashed = {
                each.id: address_hash(store, each.email)
                for each in block
                if status is Status.UNSUBSCRIBED
            }
            # Who has confirmed since they were read, or was asked again, is as given no more.
            forgotten += store.subscribers.erase_unchanged(block, now, suppressing=hashed)
    store.subscribers.drop_changes(now - CHANGE_FOR)
    store.subscribers.drop_comebacks(now - WISHES_FOR)
    return forgotten


def _never_confirmed(store: Store, status: Status, until: datetime) -> Iterator[Subscriber]:
    """Those with this status who were last asked to confirm until then, and never did."""
    for person, _ in store.subscribers.all(status):
        if person.confirmed_at is None and person.created_at <= until:
            yield person


def _again(
    store: Store,
    known: Subscriber,
    new: Subscriber,
    wishes: Wishes,
    interests: tuple[Interest, ...],
) -> SignUp:
    """One who never confirmed starts afresh; of one who had left the profile stays as it is.

    Whoever asks may be a stranger: what its owner has confirmed changes only when that one agrees.
    What a full profile has no room for is left out then, as a refusal would tell that there is one.
    """
    if known.confirmed_at is None:
        wanted = replace(new, id=known.id, key=known.key)
    else:
        wanted = replace(known, status=Status.PENDING, due_at=None)
    kept = store.subscribers.save(wanted, before=known)
    if kept and known.confirmed_at is None:
        store.subscribers.set_interests(wanted.id, interests)
    elif kept:
        kept = wish_back(store, wanted, wishes, interests, now=new.created_at)
    # Else they answered an earlier letter just now: that counts.
    person = wanted if kept else fresh(store, known)
    if person.status in (Status.UNSUBSCRIBED, Status.SUPPRESSED):
        return SignUp(outcome="silent")
    return _linked(person)


def _linked(person: Subscriber) -> SignUp:
    return SignUp(outcome="ask" if person.status is Status.PENDING else "known", subscriber=person)


def _is_closed(known: Subscriber | None, reason: SuppressionReason | None) -> bool:
    if known is not None and known.status is Status.SUPPRESSED:
        return True
    return reason not in (None, SuppressionReason.ERASED)


def _may_come(store: Store, network: str, bounds: Bounds, now: datetime) -> bool:
    """Whether this network has not asked too often; a /64 is one network, as it is one household."""
    if not network:
        return True
    try:
        address = ip_address(network)
        if isinstance(address, IPv6Address):
            network = str(ip_network((address, NETWORK_BITS), strict=False))
    except ValueError:
        pass
    return may(store, "network", network, now=now, seconds=HOUR, most=bounds.signups)


def _may_write(store: Store, address: str, bounds: Bounds, now: datetime) -> bool:
    """Whether a stranger may make us write to this address, in this hour and today."""
    if not may(store, "letters", address, now=now, seconds=HOUR, most=bounds.letters):
        return False
    return may_reach(store, address, now=now)


def _is_room(store: Store, what: str, now: datetime) -> bool:
    """Whether strangers may have one more of these written to anyone at all in this hour."""
    if store.post.take(what, now=now, seconds=HOUR, most=LETTERS_AN_HOUR):
        return True
    log.warning(
        "strangers have asked for all %s of an hour, and are refused more",
        what,
        extra={"action": "sign-up"},
    )
    return False


def _idle(store: Store, now: datetime, *, turns: int = 2) -> None:
    """As much writing as keeping somebody new takes (two turns), so that time tells nothing."""
    for turn in range(turns):
        store.post.take(f"idle.{turn}", now=now, seconds=1, most=LETTERS_AN_HOUR)
