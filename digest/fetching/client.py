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
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta

import httpx

from digest.errors import ConfigError, FetchFailed, FetchRefused
from digest.fetching import answers
from digest.fetching.address import check_url, shown
from digest.fetching.answers import Reply
from digest.fetching.caching import retry_after
from digest.fetching.guard import GuardedTransport, Resolve, resolve
from digest.fetching.inflating import MIB, Caps, Inflater
from digest.fetching.pacing import Held, Queues
from digest.fetching.schedule import prepare
from digest.model import Answer, PollState, Request

logger = logging.getLogger(__name__)

ARXIV_SPACING = {"arxiv.org": 3.0}
"""arXiv's terms: one request every three seconds, over one connection, all its hosts together
(https://info.arxiv.org/help/api/tou.html)."""

MAX_REDIRECTS = 5
MAX_HEADERS = 32 * 1024
"""Bytes of response headers; the HTTP parser itself gives up near 100 KiB."""

HOLD = 300.0
"""Seconds for which a party is left alone that answers 429 without saying how long."""

_EXCERPT_CAPS = Caps(wire=16 * 1024, body=64 * 1024)

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
        if not user_agent.isascii() or not user_agent.isprintable() or not _contact(user_agent):
            raise ConfigError(
                "The user agent must be plain ASCII and name a contact: give the URL of the "
                "service or an address in parentheses after its name.",
                subject="user_agent",
            )
        self._user_agent = user_agent
        self._timeout = timeout
        self._caps = Caps(wire=max_wire, body=max_body)
        self._clock = clock
        self._queues = Queues(spacing, default=default_spacing, clock=clock, sleep=sleep)
        self._slots = asyncio.Semaphore(concurrency)
        self._transport = GuardedTransport(find, allow_private=allow_private, tls=tls)
        self._lock = threading.Lock()
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

    def close(self) -> None:
        """Break off what is under way and end the thread; safe to call twice."""
        with self._lock:
            self._closed = True
            loop, self._loop = self._loop, None
        if loop is not None:
            asyncio.run_coroutine_threadsafe(self._shut(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join()
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
        began = self._clock()
        tasks = [self._fetch_one(request, state, now, began) for request, state in batch]
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

    async def _fetch_one(
        self, request: Request, state: PollState, now: datetime, began: float
    ) -> Answer:
        conditions = prepare(request, state)
        known = request.poll and request.url == state.url
        url = first = check_url((known and state.location) or request.url)
        headers = self._headers(request, conditions)
        seen, permanent, left = {url}, True, self._timeout
        while True:
            reply, took = await self._visit(url, headers, left)
            at = now + timedelta(seconds=self._clock() - began)
            if reply.status not in answers.REDIRECTS:
                break
            permanent = permanent and reply.status in answers.PERMANENT
            left -= took
            url = answers.next_url(reply)
            if url in seen or len(seen) > MAX_REDIRECTS:
                raise _circular(first)
            seen.add(url)
        moved_to = url if permanent and url != first else ""
        if reply.status in answers.WHOLE or (reply.status == answers.NOT_MODIFIED and conditions):
            body = None if reply.status == answers.NOT_MODIFIED else reply.body
            return Answer(request=request, status=reply.status, url=url, headers=reply.headers, body=body, moved_to=moved_to, at=at)
        raise answers.failure(reply, url)
