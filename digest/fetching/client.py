"""The one door to the web: polite to every server, and hard for any of them to hurt.

Spacing and holds live as long as the `HttpFetcher`. Between processes they are kept by having
one process poll: the worker polls only under a lease in the store.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode

from digest.errors import ConfigError, FetchFailed, FetchRefused
from digest.fetching.address import shown
from digest.fetching.exchange import Exchange, Watch
from digest.fetching.guard import GuardedTransport, Resolve, resolve
from digest.fetching.inflating import MIB, Caps
from digest.fetching.pacing import Queues
from digest.model import Answer, PollState, Request

logger = logging.getLogger(__name__)

ARXIV_SPACING: Mapping[str, float] = {"arxiv.org": 3.0}
"""Seconds. arXiv's terms: one request every three seconds, over one connection, for all of its
hosts together (https://info.arxiv.org/help/api/tou.html)."""

Outcome = Answer | FetchFailed | FetchRefused


class HttpFetcher:
    """Fetches batches of requests; satisfies `digest.ports.Fetcher`.

    `user_agent` names the service and a contact (a URL or an address). `timeout` (seconds) is
    for one request with all its redirects, not counting the wait for its turn. `max_wire` and
    `max_body` are bytes as sent and inflated. `spacing` maps hosts or host suffixes to
    the seconds between requests to all of them together, `default_spacing` is for every other
    host; `concurrency` is how many parties are asked at once. `tls` replaces the trusted roots,
    `find` the resolver; `allow_private` lets private addresses through. `clock` and `sleep` are
    seconds, monotonic.

    Requests run in a thread and event loop of their own, so `fetch` may be called from any
    thread, inside another event loop or not, and spacing holds across calls. Raises ConfigError
    for a user agent without contact.
    """

    def __init__(
        self,
        user_agent: str,
        *,
        allow_private: bool = False,
        timeout: float = 30.0,
        max_wire: int = 8 * MIB,
        max_body: int = 16 * MIB,
        spacing: Mapping[str, float] = ARXIV_SPACING,
        default_spacing: float = 1.0,
        concurrency: int = 8,
        tls: ssl.SSLContext | None = None,
        find: Resolve = resolve,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        plain = user_agent.isascii() and user_agent.isprintable()
        if not plain or not ("@" in user_agent or "://" in user_agent):
            raise ConfigError(
                "The user agent must be plain ASCII and name a contact: give the URL of the "
                "service or an address in parentheses after its name.",
                subject="user_agent",
            )
        self._clock = clock
        self._transport = GuardedTransport(find, allow_private=allow_private, tls=tls)
        self._exchange = Exchange(
            self._transport,
            Queues(spacing, default=default_spacing, clock=clock, sleep=sleep),
            user_agent=user_agent,
            timeout=timeout,
            caps=Caps(wire=max_wire, body=max_body),
            concurrency=concurrency,
        )
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def fetch(self, batch: Sequence[tuple[Request, PollState]], now: datetime) -> list[Outcome]:
        """Carry out the batch, hosts side by side, each host spaced; one outcome a request.

        Outcomes are in the order of the batch, and returned rather than raised. `now` is when
        the batch begins; `retry_after` of a failure counts from it, so that waiting that long
        after `now` is never too early.
        """
        loop = self._running_loop()
        future = asyncio.run_coroutine_threadsafe(self._fetch_all(batch, now), loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def post_form(self, url: str, fields: Sequence[tuple[str, str]], now: datetime) -> None:
        """Send a form, as politely and safely as everything else; the answer's words are dropped.

        Raises FetchFailed or FetchRefused.
        """
        watch = Watch(now=now, clock=self._clock)
        body = urlencode(fields).encode()
        future = asyncio.run_coroutine_threadsafe(
            self._exchange.post_form(url, body, watch), self._running_loop()
        )
        try:
            future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """Break off what is under way and end the thread; safe to call twice."""
        with self._lock:
            self._closed = True
            loop, self._loop = self._loop, None
            thread, self._thread = self._thread, None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._shut(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._closed:
                raise RuntimeError("fetch was called on a closed HttpFetcher")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="fetching", daemon=True
                )
                self._thread.start()
            return self._loop

    async def _shut(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._transport.aclose()
        await asyncio.get_running_loop().shutdown_asyncgens()

    async def _fetch_all(
        self, batch: Sequence[tuple[Request, PollState]], now: datetime
    ) -> list[Outcome]:
        watch = Watch(now=now, clock=self._clock)
        tasks = [self._exchange.carry_out(request, state, watch) for request, state in batch]
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        return [
            self._settle(request, outcome)
            for (request, _), outcome in zip(batch, outcomes, strict=True)
        ]

    def _settle(self, request: Request, outcome: Answer | BaseException) -> Outcome:
        """Turn what was raised into an outcome; a fault of our own must not hide other sources."""
        if isinstance(outcome, Answer | FetchFailed | FetchRefused):
            return outcome
        if not isinstance(outcome, Exception):
            raise outcome
        where = shown(request.url)
        logger.error("a fetch broke", exc_info=outcome, extra={"action": "fetch-broke"})
        return FetchFailed(
            f"{where} could not be fetched because of a fault in Digest "
            f"({type(outcome).__name__}): report it; it will be asked again later.",
            subject=where,
        )
