"""How often something may be done; kept under hashes, so that nothing tells of whom."""

from __future__ import annotations

import hmac
from datetime import datetime

from digest.ports import Store

HOUR = 3_600.0
DAY = 86_400.0
LETTERS_A_DAY = 6


def may(store: Store, what: str, name: str, *, now: datetime, seconds: float, most: int) -> bool:
    """Whether `what` may be done once more to or by `name`: an address, a network, a subscriber."""
    return store.post.take(bucket(store, what, name), now=now, seconds=seconds, most=most)


def bucket(store: Store, what: str, name: str) -> str:
    """Where it is counted how often `what` is done to or by `name`."""
    hashed = hmac.digest(store.post.secret("limits"), name.encode(), "sha256").hex()[:32]
    return f"{what}.{hashed}"


def may_reach(store: Store, address: str, *, now: datetime) -> bool:
    """Whether whoever has not shown that an address is theirs may have it written to once more today."""
    return may(store, "reach", address, now=now, seconds=DAY, most=LETTERS_A_DAY)
