"""Deliver: claim a block that is due and send it group by group; see `handing_over`.

Each group is marked as going out, rendered, handed over and settled. After a crash the marked
messages are in doubt: whoever claims them next asks the mail server's log, and sends them again,
under the same Message-IDs, only if it was not taken or cannot say. No transaction is open while
the network is used.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from digest.model import Digest, Envelope
from digest.pipeline.handing_over import send_block
from digest.pipeline.line import LEASE, Bounced, Delivered, Line, Material
from digest.pipeline.making import SIGNERS, BeginToSign, Render, Signing
from digest.pipeline.pacing import Pacer
from digest.pipeline.shelf import Shelf, load, named_in
from digest.ports import Acceptances, Store, Transport

__all__ = ["Bounced", "Delivered", "Material", "Render", "deliver", "material_for"]

PATIENCE = timedelta(minutes=1)


def deliver(
    store: Store,
    transport: Transport,
    renderer: Callable[[Material], Render],
    *,
    clock: Callable[[], datetime],
    rng: random.Random,
    owner: str,
    block: int,
    bounced: Bounced,
    acceptances: Acceptances | None = None,
    pacer: Pacer | None = None,
    pause: Callable[[float], object] | None = None,
    signing: BeginToSign | None = None,
    until: datetime | None = None,
    stopping: Callable[[], bool] = lambda: False,
    progress: Callable[[int], object] = lambda _: None,
) -> Delivered:
    """Send everything that is due, a block at a time, until none is left or we are `stopping`.

    - `until`: when to break off after the group in hand. Unlike with `stopping`, its receipts then
      have all the time they need to be written.
    - `bounced` acts on what a mail server refused for good, and returns the subscriber as changed.
    - `acceptances` knows whether messages in doubt were taken (None: they are sent again).
    - `pacer` says how many may go now; `pause` sleeps for so many seconds when none may (None: they
      are left for the next round).
    - `signing` begins to sign a rendered message (None: it goes out unsigned).
    - `progress` is told the size of each group.

    A round ends early when the mail server is away, or slow for long; what is left is still due.
    """

    def over() -> bool:
        return stopping() or (until is not None and clock() >= until)

    with ThreadPoolExecutor(SIGNERS, thread_name_prefix="sign") as pool:
        line = Line(
            store=store,
            transport=transport,
            renderer=Shelf(store, renderer).render,
            clock=clock,
            rng=rng,
            bounced=bounced,
            acceptances=acceptances,
            pacer=pacer or Pacer.free(),
            signing=Signing(begin=signing, pool=pool, clock=clock) if signing else None,
        )
        total = Delivered()
        while not over():
            envelopes, again = _claim(line, owner=owner, block=block)
            if again and pause and _wait(clock, again, pause, stopping=over, progress=progress):
                continue
            if not envelopes:
                break
            try:
                done = send_block(line, envelopes, over=over, stopping=stopping, progress=progress)
            finally:
                store.ledger.release(envelopes[0].lease)
            total += done
            if done.cut_short:
                break
        return total


def _claim(line: Line, *, owner: str, block: int) -> tuple[list[Envelope], datetime | None]:
    """A block that may go now; if there is none, when to ask again, as far as we know."""
    now, ledger = line.clock(), line.store.ledger
    room = line.pacer.room(now, block)
    if room.count:
        envelopes = ledger.claim(now, owner=owner, limit=room.count, lease=LEASE.total_seconds())
        return envelopes, None if envelopes else line.pacer.next_at(now)
    return [], room.again if ledger.due(now, most=1) else line.pacer.next_at(now)


def _wait(
    clock: Callable[[], datetime],
    until: datetime,
    pause: Callable[[float], object],
    *,
    stopping: Callable[[], bool],
    progress: Callable[[int], object],
) -> bool:
    """Wait until then; False if that is too long, we are to stop, or the clock stands still."""
    if until - clock() > PATIENCE:
        return False
    while (now := clock()) < until:
        pause(min((until - now).total_seconds(), 1.0))
        progress(0)
        if stopping() or clock() <= now:
            return False
    return True


def material_for(store: Store, digests: Iterable[Digest]) -> Material:
    """Load the papers, upvotes, voices and liked titles that these digests show."""
    return load(store, *named_in(digests))
