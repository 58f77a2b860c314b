"""Rate limits. They are stored under hashes, so that no address or network can be read there."""

from __future__ import annotations

import hmac
import re
from datetime import datetime

from digest.ports import Store

HOUR = 3_600.0
DAY = 86_400.0
LETTERS_A_DAY = 6

_TAG = re.compile(r"(?<=.)\+.*(?=@)")


def may(store: Store, what: str, name: str, *, now: datetime, seconds: float, most: int) -> bool:
    """Count `what` done once more to or by `name`; False if that is over the limit.

    `name` is an address, a network or a subscriber's id.
    """
    return store.post.take(bucket(store, what, name), now=now, seconds=seconds, most=most)


def bucket(store: Store, what: str, name: str) -> str:
    """Return the name under which the store counts `what` done to or by `name`."""
    hashed = hmac.digest(store.post.secret("limits"), name.encode(), "sha256").hex()[:32]
    return f"{what}.{hashed}"


def may_reach(store: Store, address: str, *, now: datetime) -> bool:
    """Count a letter to an address that somebody unproven asked for; False after six in a day."""
    return may(store, "reach", mailbox(address), now=now, seconds=DAY, most=LETTERS_A_DAY)


def mailbox(address: str) -> str:
    """Return the address without its +tag: under all its tags one person gets the letters."""
    return _TAG.sub("", address)
