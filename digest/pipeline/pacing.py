"""Keep to a pace that all processes share through the store.

While nothing holds mail back, nothing is read or written; else one short transaction for each group
that goes, and one for what came of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from digest.delivery import pace as paces
from digest.model import Caps, Envelope, Grant, Pace, Receipt, Room
from digest.ports import PaceStore

FRESH = timedelta(seconds=1)


class Pacer:
    """One process's view of the pace towards one mail server, shared with all others.

    `server` names it, `own` says that it runs on this machine. Not for several threads at once.
    """

    def __init__(
        self,
        store: PaceStore | None,
        *,
        server: str = "",
        own: bool = False,
        caps: Caps | None = None,
    ) -> None:
        self._store = store
        self._server = server
        self._own = own
        self._caps = caps or Caps()
        self._free_until: datetime | None = None
        self._held: set[int] = set()

    @classmethod
    def free(cls) -> Pacer:
        """A pacer that lets everything go, for what is no mail server."""
        return cls(None)

    def room(self, now: datetime, most: int) -> Room:
        """How many of `most` messages may be claimed now; if none, when to ask again."""
        if self._store is None or self._is_free(now):
            return Room(count=most)
        known = self._store.load(self._server) or self._begin(now)
        self._note(known, now)
        return paces.room(known, self._caps, now, most)

    def ask(self, wanted: Mapping[str, int], now: datetime) -> Grant:
        """Let as many messages go to each domain as may; the others get times to come again."""
        if self._store is None or self._is_free(now):
            return Grant(at=now, allowed=dict(wanted))

        def take(known: Pace | None) -> tuple[Pace, Grant]:
            return paces.take(known or self._begin(now), self._caps, wanted, now)

        grant = self._store.change(self._server, take)
        for times in grant.held.values():
            self._held.update(math.ceil(each.timestamp()) for each in times)
        return grant

    def learn(self, grant: Grant, receipts: Iterable[tuple[str, Receipt]], now: datetime) -> None:
        """Take in what came of everything sent under a grant, by domain."""
        if self._store is None:
            return
        given = list(receipts)
        slowed = any(paces.is_slow_down(each.code, each.reply) for _, each in given)
        if not given or (self._is_free(now) and not slowed):
            return

        def learn(known: Pace | None) -> tuple[Pace, Pace]:
            before = known or self._begin(now)
            after = paces.learn(before, self._caps, grant, given, now)
            return after, after

        self._note(self._store.change(self._server, learn), now)

    def count(self, messages: int, now: datetime) -> None:
        """Count messages that went without asking, such as letters, against the caps."""
        if self._store is None or not messages or self._caps == Caps():
            return

        def count(known: Pace | None) -> tuple[Pace, None]:
            return paces.count(known or self._begin(now), self._caps, messages, now), None

        self._store.change(self._server, count)

    def next_at(self, now: datetime) -> datetime | None:
        """When the first message that was held back here is due again; None if none is."""
        self._held = {each for each in self._held if each > now.timestamp()}
        return datetime.fromtimestamp(min(self._held), UTC) if self._held else None

    def _begin(self, now: datetime) -> Pace:
        return paces.begin(now, own=self._own)

    def _note(self, known: Pace, now: datetime) -> None:
        free = paces.is_free(known, self._caps)
        self._free_until = now + FRESH if free else None

    def _is_free(self, now: datetime) -> bool:
        """Whether nothing held us back when last checked, which is checked again every second."""
        until = self._free_until
        return until is not None and until - FRESH <= now < until


def domain_of(address: str) -> str:
    """The domain of an address, folded."""
    return address.rpartition("@")[2].casefold()


def share(
    envelopes: Sequence[Envelope], grant: Grant
) -> tuple[list[Envelope], dict[str, datetime]]:
    """The envelopes that may go, in order, and when the others come again, by digest id."""
    allowed = dict(grant.allowed)
    held = {domain: iter(times) for domain, times in grant.held.items()}
    go: list[Envelope] = []
    later: dict[str, datetime] = {}
    for each in envelopes:
        domain = domain_of(each.subscriber.email)
        if allowed.get(domain, 0) > 0:
            allowed[domain] -= 1
            go.append(each)
        else:
            later[each.digest.id] = next(held.get(domain, iter(())), grant.at)
    return go, later


def by_domain(
    envelopes: Sequence[Envelope], receipts: Iterable[Receipt]
) -> list[tuple[str, Receipt]]:
    """Receipts, each with the domain that it is about."""
    domains = {each.digest.id: domain_of(each.subscriber.email) for each in envelopes}
    return [(domains[each.digest_id], each) for each in receipts if each.digest_id in domains]
