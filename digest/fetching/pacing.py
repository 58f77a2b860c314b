"""The queue before each host: one request at a time, and a pause after each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


class Held(Exception):
    """The party has asked for a pause, of which `seconds` are left."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(slots=True, kw_only=True)
class Party:
    """The hosts that share one limit: a single host, or all hosts under a suffix.

    Times are those of the queue's clock.
    """

    spacing: float
    shared: bool
    free_at: float = 0.0
    held_until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Queues:
    """Serialises requests by party, within one event loop.

    `spacing` maps a host or host suffix to the seconds of pause after each request; all hosts
    under a suffix share one queue (`arxiv.org` covers `export.arxiv.org`, not `notarxiv.org`).
    Any other host is a party of its own with a pause of `default` seconds. The pause counts from
    the end of a request, so that a slow network cannot shorten it.
    """

    def __init__(
        self,
        spacing: Mapping[str, float],
        *,
        default: float,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._spacing = {_canonical(suffix): pause for suffix, pause in spacing.items()}
        self._default = default
        self._clock = clock
        self._sleep = sleep
        self._parties: dict[str, Party] = {}

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Wait for this host's turn, first come, first served; raises Held where it is on hold."""
        party = self._party(host)
        async with party.lock:
            held = party.held_until - self._clock()
            if held > 0:
                raise Held(held)
            wait = party.free_at - self._clock()
            if wait > 0:
                await self._sleep(wait)
            try:
                yield
            finally:
                party.free_at = self._clock() + party.spacing

    def hold(self, host: str, seconds: float) -> None:
        """Send nothing to the host's party for some seconds, if `spacing` names it.

        Such a party counts the requests to all of its hosts. On any other host only the refused
        URL waits, since a host may serve feeds that have nothing to do with each other.
        """
        party = self._party(host)
        if party.shared:
            party.held_until = max(party.held_until, self._clock() + seconds)

    def _party(self, host: str) -> Party:
        host = _canonical(host)
        suffixes = [each for each in self._spacing if host == each or host.endswith("." + each)]
        name = max(suffixes, key=len, default=host)
        if name not in self._parties:
            shared = name in self._spacing
            pause = self._spacing[name] if shared else self._default
            self._parties[name] = Party(spacing=pause, shared=shared)
        return self._parties[name]


def _canonical(host: str) -> str:
    return host.lower().strip(".")
