"""One subscriber's row: make, find, and change it without losing concurrent changes."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from email_validator import EmailNotValidError, validate_email

from digest.errors import InvalidInput, NotFound, StoreBusy
from digest.model import Status, Subscriber
from digest.ports import Store

KEY_BYTES = 32
MOST_TRIES = 20
ID_BYTES = 10
TOGETHER_BYTES = 2

LONGEST_PLAIN = 200  # below every limit of RFC 5321 on the whole address
_PLAIN = re.compile(r"((?=.{1,64}@)[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@([A-Za-z0-9.-]+)")

CONFIRMED = frozenset({Status.ACTIVE, Status.PAUSED})


def normal_address(email: str) -> str:
    """Return an address in the form it is stored and compared in; raises InvalidInput.

    Checks syntax only (RFC 5321 lengths, IDNA domain), not DNS. All of it is lower-cased: no mail
    system in use tells `Ada@` from `ada@`.
    """
    address = email.strip()
    if len(address) <= LONGEST_PLAIN and (plain := _PLAIN.fullmatch(address)):
        # Only the domain of such an address can be wrong.
        return f"{plain[1].lower()}@{_domain(plain[2])}"
    return _checked(address)


@lru_cache(maxsize=65_536)
def _domain(domain: str) -> str:
    return _checked(f"a@{domain}").removeprefix("a@")


def _checked(email: str) -> str:
    if "\ufffd" in email:  # a file read in the wrong encoding; nobody has such an address
        raise InvalidInput(
            "That is not an email address we can send to: it has a character that could not be read."
        )
    try:
        checked = validate_email(
            email, check_deliverability=False, test_environment=True, strict=True
        )
    except EmailNotValidError as error:
        raise InvalidInput(f"That is not an email address we can send to: {error}") from error
    return checked.normalized.lower()


def new_ids(count: int) -> list[str]:
    """Return random ids for people who are added together.

    They begin alike, so that they are neighbours in the store: otherwise every block of an import
    of a million people would touch every page.
    """
    start = secrets.token_hex(TOGETHER_BYTES)
    return [f"s_{start}{secrets.token_hex(ID_BYTES - TOGETHER_BYTES)}" for _ in range(count)]


def newcomer(defaults: Subscriber, address: str, *, now: datetime) -> Subscriber:
    """Return a new, pending subscriber with the defaults of this installation."""
    return replace(
        defaults,
        id=new_ids(1)[0],
        email=address,
        status=Status.PENDING,
        key=new_key(),
        created_at=now,
        confirmed_at=None,
        due_at=None,
    )


def new_key() -> str:
    """Return a new secret for one person's links."""
    return secrets.token_hex(KEY_BYTES)


def find(store: Store, email: str) -> Subscriber:
    """Return the subscriber with this address; raises NotFound."""
    subscriber = store.subscribers.by_email(normal_address(email))
    if subscriber is None:
        raise NotFound("Nobody is subscribed with that address; `digest subscribe` adds it.")
    return subscriber


def by_id(store: Store, subscriber_id: str) -> Subscriber | None:
    """Return the subscriber with this id, as stored now."""
    return store.subscribers.get([subscriber_id]).get(subscriber_id)


def fresh(store: Store, person: Subscriber) -> Subscriber:
    """Return the person as stored now; raises NotFound if they are gone."""
    found = by_id(store, person.id)
    if found is None:
        raise NotFound("This subscription does not exist any more.", subject=person.id)
    return found


def amend(store: Store, person: Subscriber, **changes: Any) -> Subscriber:
    """Change these fields of a person's row as stored now, and nothing else.

    The row is read again if it changes meanwhile, so that a saved preference cannot undo an
    unsubscription or bring back a revoked key. With a `status` among the changes, nothing changes
    unless the row still has the status of `person`.
    """
    for _ in range(MOST_TRIES):
        current = fresh(store, person)
        if "status" in changes and current.status is not person.status:
            return current
        changed = replace(current, **changes)
        if changed.status is not Status.ACTIVE:
            changed = replace(changed, due_at=None)
        if changed == current or store.subscribers.save(changed, before=current):
            return changed
    raise StoreBusy("The subscription is being changed by others at the moment; please try again.")
