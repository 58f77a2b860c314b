"""The suppression list, and moving a subscription to another address."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from digest.errors import InvalidInput, NotFound
from digest.model import AddressChange, Status, Subscriber, SuppressionReason
from digest.ports import Store
from digest.subscriptions.limits import DAY, may, may_reach
from digest.subscriptions.people import CONFIRMED, amend, fresh, new_key, normal_address

SALT = "suppressions"
CHANGE_FOR = timedelta(days=7)
CHANGES_A_DAY = 5
SAME_WISH_FOR = timedelta(hours=1)
ENDED = frozenset({Status.PENDING, Status.UNSUBSCRIBED})
TAKEN = "That address has a subscription of its own; end that one first."

Side = Literal["address-old", "address-new"]

REFUSALS = {
    SuppressionReason.BOUNCED: "mail to that address came back",
    SuppressionReason.COMPLAINED: "its owner reported our mail as spam",
    SuppressionReason.ERASED: "its owner asked to be forgotten",
    SuppressionReason.OPERATOR: "an operator put it on the suppression list",
}


def address_hash(store: Store, email: str) -> str:
    """Return an address as the suppression list has it: HMAC-SHA256 with this installation's secret."""
    return _hash(store.post.secret(SALT), normal_address(email))


def suppression(store: Store, email: str) -> SuppressionReason | None:
    """Return why we must not write to this address; None if we may."""
    return store.post.suppression(address_hash(store, email))


def lift(store: Store, email: str, *, only: SuppressionReason) -> None:
    """Take an address off the suppression list if it is there for this reason."""
    hashed = address_hash(store, email)
    if store.post.suppression(hashed) is only:
        store.post.unsuppress(hashed)


def suppressed(store: Store, addresses: Iterable[str]) -> dict[str, SuppressionReason]:
    """Return which of these normalised addresses are on the suppression list, and why."""
    secret = store.post.secret(SALT)
    hashed: dict[str, str] = {}

    def hashes() -> Iterator[str]:
        for address in addresses:
            hashed[key := _hash(secret, address)] = address
            yield key

    return {hashed[key]: reason for key, reason in store.post.suppressions(hashes()).items()}


def refusals(store: Store, addresses: Iterable[str]) -> dict[str, str]:
    """Return which of these normalised addresses an operator must vouch for to add, and why."""
    return {
        address: f"That address is not added, because {REFUSALS[reason]}; "
        "if its owner has agreed since, use --confirmed."
        for address, reason in suppressed(store, addresses).items()
    }


def vouch(store: Store, addresses: Iterable[str]) -> None:
    """Take normalised addresses off the suppression list: the operator says their owners agreed."""
    for address in addresses:
        store.post.unsuppress(address_hash(store, address))


def ask_address(store: Store, person: Subscriber, email: str, *, now: datetime) -> AddressChange:
    """Ask to move a subscription; the latest request counts, and both addresses get a letter.

    The same request after an hour renews its 7 days and keeps what was agreed. Whether the new
    address has a subscription shows only when its owner agrees. Raises InvalidInput, also for an
    address that we must not write to.
    """
    address = normal_address(email)
    current = fresh(store, person)
    if current.status not in CONFIRMED:
        raise InvalidInput("Only an active or paused subscription can move to another address.")
    if address == current.email:
        raise InvalidInput("Your digests go to that address already.")
    counted = may(store, "address", current.id, now=now, seconds=DAY, most=CHANGES_A_DAY)
    if not counted or not may_reach(store, address, now=now):
        raise InvalidInput("You have asked for too many changes of address; try again tomorrow.")
    standing = store.subscribers.change(current.id)
    if standing is None or standing.email != address or not _is_open(standing, now):
        standing = AddressChange(subscriber_id=current.id, email=address, asked_at=now)
    elif now - standing.asked_at < SAME_WISH_FOR:
        return standing  # so that a second click does not end the links of the first letters
    _check_open(store, address)
    change = replace(standing, asked_at=now)
    store.subscribers.put_change(change)
    return change


def change_subject(change: AddressChange) -> str:
    """Return the subject of a change's links, which ties them to this request and to no later one."""
    return str(int(change.asked_at.timestamp()))


def agree(
    store: Store, person: Subscriber, side: Side, *, now: datetime, subject: str = ""
) -> Subscriber | AddressChange:
    """Agree to a change of address for one side; once both have agreed, the subscription moves.

    Returns the change while it waits for the other side, else the subscriber with a new key, which
    ends every link mailed to the old address. A subscription of the new address that has ended or
    was never confirmed is deleted. `subject`, if given, must be the `change_subject` of the
    request. Raises NotFound if there is no such request of the last 7 days, and InvalidInput if the
    new address has an active or paused subscription.
    """
    current = fresh(store, person)
    change = standing_change(store, current, now=now, subject=subject)
    change = replace(
        change,
        old_confirmed=change.old_confirmed or side == "address-old",
        new_confirmed=change.new_confirmed or side == "address-new",
    )
    if side == "address-new":
        _check_free(store, current, change.email)
    if not (change.old_confirmed and change.new_confirmed):
        store.subscribers.put_change(change)
        return change
    _check_open(store, change.email)
    ended = _check_free(store, current, change.email)
    if ended is not None and not store.subscribers.erase(ended.id, only=ENDED):
        raise InvalidInput(TAKEN)  # its owner has confirmed it just now
    moved = amend(store, current, email=change.email, key=new_key())
    lift(store, change.email, only=SuppressionReason.ERASED)
    store.subscribers.drop_change(current.id)
    return moved


def standing_change(
    store: Store, person: Subscriber, *, now: datetime, subject: str = ""
) -> AddressChange:
    """Return the change of address that both sides may agree to; `subject` as in `agree`.

    Raises NotFound if there is none, or a later one.
    """
    change = store.subscribers.change(person.id)
    if change is None or not _is_open(change, now) or subject not in ("", change_subject(change)):
        raise NotFound("This change of address has ended; ask for it again.")
    return change


def gives_way(store: Store, change: AddressChange) -> bool:
    """Tell whether the new address has a subscription that ended, which the change deletes."""
    other = store.subscribers.by_email(change.email)
    return other is not None and other.status in ENDED and other.confirmed_at is not None


def _hash(secret: bytes, address: str) -> str:
    return hmac.digest(secret, address.encode(), "sha256").hex()


def _is_open(change: AddressChange, now: datetime) -> bool:
    return now - change.asked_at < CHANGE_FOR


def _check_free(store: Store, person: Subscriber, address: str) -> Subscriber | None:
    """Return another subscription of this address that ended or was never confirmed, if any.

    Raises InvalidInput for one that is active, paused or suppressed.
    """
    other = store.subscribers.by_email(address)
    if other is None or other.id == person.id:
        return None
    if other.status not in ENDED:
        raise InvalidInput(TAKEN)
    return other


def _check_open(store: Store, address: str) -> None:
    if suppression(store, address) not in (None, SuppressionReason.ERASED):
        raise InvalidInput("Mail to that address bounces or is not wanted; name another one.")
