"""The only HTTP client: polite to every server, and safe against hostile ones.

Spacing and holds last as long as the `HttpFetcher`. They hold between processes because only one
process polls at a time: the worker polls under a lease in the store.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlencode

from digest.errors import ConfigError, FetchFailed, FetchRefused
from digest.fetching.address import failed, shown
from digest.fetching.exchange import Exchange, Watch
from digest.fetching.guard import GuardedTransport, Resolve, resolve
from digest.fetching.inflating import MIB, Caps
from digest.fetching.pacing import Queues
from digest.model import Answer, PollState, Request

logger = logging.getLogger(__name__)

ARXIV_SPACING: Mapping[str, float] = {"arxiv.org": 3.0}
"""Seconds. arXiv's terms: one request every three seconds, over one connection, for all of its
hosts together (https://info.arxiv.org/help/api/tou.html)."""

T = TypeVar("T")
Outcome = Answer | FetchFailed | FetchRefused


class HttpFetcher:
    """Fetches batches of requests; satisfies `digest.ports.Fetcher`.

    `user_agent` names the service and a contact (a URL or an address). `timeout` (seconds) is
    for one request with all its redirects, without the wait for its turn. `max_wire` and
    `max_body` are bytes, compressed and inflated. `spacing` maps a host or host suffix to the
    seconds between requests to all of its hosts together; every other host has
    `default_spacing`. `concurrency` is the number of requests at once. `tls` replaces the trusted
    roots, `find` the resolver; `allow_private` permits private addresses. `clock` is monotonic,
    in seconds, as `sleep` is.

    Requests run in a thread and event loop of their own, so that `fetch` may be called from any
    thread, with or without an event loop, and spacing holds across calls. Raises ConfigError for
    a user agent without a contact.
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
        """Carry out a batch, with hosts in parallel; one outcome for each request, in order.

        Errors are returned, not raised. `now` is when the batch begins, and `retry_after` of a
        failure counts from then.
        """
        return self._run(self._fetch_all(batch, now))

    def post_form(self, url: str, fields: Sequence[tuple[str, str]], now: datetime) -> None:
        """Send a form under the same rules; the body of the answer is ignored.

        Raises FetchFailed or FetchRefused.
        """
        watch = Watch(now=now, clock=self._clock)
        self._run(self._exchange.post_form(url, urlencode(fields).encode(), watch))

    def close(self) -> None:
        """Cancel requests in progress and end the thread; safe to call twice."""
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

    def _run(self, work: Coroutine[object, object, T]) -> T:
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._running_loop())
        except BaseException:
            work.close()
            raise
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

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
        """Turn what was raised into an outcome; a bug of ours must not lose the other outcomes."""
        if isinstance(outcome, Answer | FetchFailed | FetchRefused):
            return outcome
        if not isinstance(outcome, Exception):
            raise outcome
        logger.error("a fetch broke", exc_info=outcome, extra={"action": "fetch-broke"})
        fault = f"a fault in Digest ({type(outcome).__name__}), which please report"
        return failed(shown(request.url), f"could not be fetched because of {fault}")
