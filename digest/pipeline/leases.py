"""Leases: what only one process does at a time, held while that process lives and little longer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from digest.errors import DigestError
from digest.ports import Store

LEASE_SECONDS = 60
RENEW_SECONDS = 15


@contextmanager
def held(
    store: Store,
    name: str,
    *,
    owner: str,
    clock: Callable[[], datetime],
    every: float = RENEW_SECONDS,
) -> Iterator[bool]:
    """Hold a lease for as long as the block lasts; False where another process has it.

    A thread renews it `every` so many seconds, whatever the block waits for. A process that is
    killed leaves it for a minute.
    """
    if not store.lease(name, owner=owner, now=clock(), seconds=LEASE_SECONDS):
        yield False
        return
    over = threading.Event()

    def renew() -> None:
        while not over.wait(every):
            with suppress(DigestError):  # a busy database may be free the next time
                store.lease(name, owner=owner, now=clock(), seconds=LEASE_SECONDS)

    renewing = threading.Thread(target=renew, name=f"lease-{name}", daemon=True)
    renewing.start()
    try:
        yield True
    finally:
        over.set()
        renewing.join()  # or it could take again what is given back
        store.unlease(name, owner=owner)
