"""Sign up: a stranger or an operator asks for a subscription, or for a link to one.

Whoever asks learns nothing about the address they typed. The page is the same for every address,
and so is the time it takes: beside the rate limits two reads, and for a subscription two writes.
Only a library of hundreds of papers takes some hundredths of a second longer to keep than to drop.
The letter is written after the page has been sent.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from digest.errors import InvalidInput
from digest.model import Interest, Status, Subscriber, SuppressionReason, Topic
from digest.model.base import Value
from digest.ports import Store
from digest.subscriptions.addresses import refusals, suppression, vouch
from digest.subscriptions.changing import differences, put_interests
from digest.subscriptions.confirming import activate
from digest.subscriptions.limits import DAY, HOUR, mailbox, may, may_reach
from digest.subscriptions.people import CONFIRMED, amend, find, fresh, newcomer, normal_address
from digest.subscriptions.returning import wish_back
from digest.subscriptions.wishes import Wishes, asked_for, interests_of

log = logging.getLogger(__name__)

LETTERS_AN_HOUR = 1_000
LINKS_A_DAY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds(Value):
    """Rate limits per hour: sign-ups from one network, and letters to one address.

    One address also gets at most six letters in a day.
    """

    signups: int
    letters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp(Value):
    """What came of asking for a subscription or a link; the page is the same for each outcome.

    `ask` wants the letter `confirm`, `known` the letter `known` (or `link`), `silent` none.
    `limited` is true if the network asked too often, `full` if all strangers together did; a page
    may say so, as neither depends on the address.
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
    """Sign an address up on a stranger's word; no digest comes before its owner confirms.

    `network` is where the request comes from, as `192.0.2.0/24` ("" for no limit by network). A
    subscriber stays as they are; the wishes of one who has not confirmed are replaced; those for one
    who has left are kept beside the profile until they agree. Raises InvalidInput and NotFound for
    what was typed, never for what is stored.
    """
    address = normal_address(email)
    interests = interests_of(wishes, topics=topics, now=now)
    new = asked_for(newcomer(defaults, address, now=now), wishes)
    if not _may_ask(store, network, bounds, now):
        return SignUp(outcome="silent", limited=True)
    # Counted for every address, so that reaching the limit reveals nothing about one; and before the
    # letters to this address, so that who is told to try again can.
    if not _is_room(store, "letters", now):
        return SignUp(outcome="silent", full=True)
    reason = suppression(store, address)
    known = store.subscribers.by_email(address)
    if not _may_write(store, address, bounds, now) or _is_refused(known, reason):
        _write_in_vain(store, now)
        return SignUp(outcome="silent")
    if known is None and store.subscribers.add([(new, ())]):
        store.subscribers.set_interests(new.id, interests)
        return SignUp(outcome="ask", subscriber=new)
    # Of two forms sent at once, the other was first.
    known = known or store.subscribers.by_email(address)
    if known is not None and known.status in (Status.PENDING, Status.UNSUBSCRIBED):
        return _ask_known(store, known, new, wishes, interests)
    _write_in_vain(store, now)
    return SignUp(outcome="known" if known else "silent", subscriber=known)


def request_link(
    store: Store, email: str, *, bounds: Bounds, network: str, now: datetime
) -> SignUp:
    """Return whom to mail a link to their preferences (one who is pending: to confirm), if anybody.

    The page is the same either way, also when too many links were mailed within the hour: only
    letters to subscribers count there. Raises InvalidInput for what is no address.
    """
    address = normal_address(email)
    if not _may_ask(store, network, bounds, now):
        return SignUp(outcome="silent", limited=True)
    reason = suppression(store, address)
    known = store.subscribers.by_email(address)
    if not _may_write(store, address, bounds, now):
        return SignUp(outcome="silent")
    if known is None or _is_refused(known, reason):
        _write_in_vain(store, now, turns=1)
        return SignUp(outcome="silent")
    return _letter_to(known) if _is_room(store, "links", now) else SignUp(outcome="silent")


def renew_link(store: Store, person: Subscriber, *, now: datetime) -> SignUp:
    """Return whom to mail a new link in place of an old one that they hold.

    Raises InvalidInput after five in a day, or if the address has had its letters for today.
    """
    counted = may(store, "renew", person.id, now=now, seconds=DAY, most=LINKS_A_DAY)
    if not counted or not may_reach(store, person.email, now=now):
        raise InvalidInput(
            "No more links can be mailed today; look in your spam folder, or try again tomorrow."
        )
    if _is_refused(person, suppression(store, person.email)):
        return SignUp(outcome="silent")
    return _letter_to(person)


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

    A new subscriber, or one who comes back, is `pending` until they confirm, unless `confirmed` (the
    operator vouches for them); one who is paused stays so. Only `confirmed` takes an address off the
    suppression list. Raises InvalidInput.
    """
    address = normal_address(email)
    interests = interests_of(wishes, topics=topics, now=now)
    if confirmed:
        vouch(store, [address])
    elif refused := refusals(store, [address]):
        raise InvalidInput(refused[address])
    known = store.subscribers.by_email(address)
    if known is None:
        new = asked_for(newcomer(defaults, address, now=now), wishes)
        if store.subscribers.add([(new, interests)]):
            return activate(store, new, now=now) if confirmed else new
        known = find(store, address)  # somebody else was first
    changes = differences(known, asked_for(known, wishes), now)
    # First, as this may raise.
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


def _ask_known(
    store: Store,
    known: Subscriber,
    new: Subscriber,
    wishes: Wishes,
    interests: tuple[Interest, ...],
) -> SignUp:
    """Sign up somebody known: one who never confirmed starts anew, one who left keeps their profile.

    A stranger may ask, so what the owner has confirmed only changes when they agree. What a full
    profile has no room for is then left out: an error would reveal that there is a profile.
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
    # If not kept, they answered an earlier letter just now: that counts.
    person = wanted if kept else fresh(store, known)
    if person.status in (Status.UNSUBSCRIBED, Status.SUPPRESSED):
        return SignUp(outcome="silent")
    return _letter_to(person)


def _letter_to(person: Subscriber) -> SignUp:
    return SignUp(outcome="ask" if person.status is Status.PENDING else "known", subscriber=person)


def _is_refused(known: Subscriber | None, reason: SuppressionReason | None) -> bool:
    if known is not None and known.status is Status.SUPPRESSED:
        return True
    return reason not in (None, SuppressionReason.ERASED)


def _may_ask(store: Store, network: str, bounds: Bounds, now: datetime) -> bool:
    """Count a request of this network; False if it is over the limit."""
    if not network:
        return True
    return may(store, "network", network, now=now, seconds=HOUR, most=bounds.signups)


def _may_write(store: Store, address: str, bounds: Bounds, now: datetime) -> bool:
    """Count a letter to this address that a stranger asked for; False if it is over a limit."""
    if not may(store, "letters", mailbox(address), now=now, seconds=HOUR, most=bounds.letters):
        return False
    return may_reach(store, address, now=now)


def _is_room(store: Store, what: str, now: datetime) -> bool:
    """Count a letter of this kind to anybody; False if strangers asked for too many this hour."""
    if store.post.take(what, now=now, seconds=HOUR, most=LETTERS_AN_HOUR):
        return True
    log.warning(
        "strangers have used up the %s of this hour, and are refused more",
        what,
        extra={"action": "sign-up"},
    )
    return False


def _write_in_vain(store: Store, now: datetime, *, turns: int = 2) -> None:
    """Write as much as adding a subscriber does (two turns), so that timing reveals nothing."""
    for turn in range(turns):
        store.post.take(f"idle.{turn}", now=now, seconds=1, most=LETTERS_AN_HOUR)
