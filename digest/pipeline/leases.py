"""Leases: work that only one process does at a time, held while that process lives."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from digest.ports import Store

log = logging.getLogger(__name__)

LEASE_SECONDS = 60
RENEW_SECONDS = 15


def is_held(store: Store, name: str, *, now: datetime) -> bool:
    """Whether any process holds a lease."""
    return store.leased(name, now=now, seconds=LEASE_SECONDS)


@contextmanager
def held(
    store: Store,
    name: str,
    *,
    owner: str,
    clock: Callable[[], datetime],
    every: float = RENEW_SECONDS,
) -> Iterator[bool]:
    """Hold a lease for as long as the block lasts; yields False if another process has it.

    A thread renews it `every` so many seconds, whatever the block waits for. A process that is
    killed leaves it for a minute. One that was suspended for longer may lose it, and logs that.
    """
    if not store.lease(name, owner=owner, now=clock(), seconds=LEASE_SECONDS):
        yield False
        return
    over, about = threading.Event(), {"action": "lease", "lease": name}

    def renew() -> None:
        while not over.wait(every):
            try:
                lasts = store.lease(name, owner=owner, now=clock(), seconds=LEASE_SECONDS)
            except Exception as error:  # noqa: BLE001 - a busy database may be free the next time
                why = type(error).__name__
                log.warning("the lease was not renewed", extra={**about, "why": why})
                continue
            if not lasts:
                log.warning("the lease was lost", extra=about)
                return

    renewing = threading.Thread(target=renew, name=f"lease-{name}", daemon=True)
    renewing.start()
    try:
        yield True
    finally:
        over.set()
        renewing.join()  # or it could take again what is given back
        store.unlease(name, owner=owner)
