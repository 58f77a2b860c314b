"""One request: its redirects, followed by hand, its turn in each queue, its deadline, its body."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import httpx

from digest.errors import FetchFailed, FetchRefused
from digest.fetching.address import check_url, failed, refused, shown
from digest.fetching.answers import (
    BUSY,
    NOT_MODIFIED,
    PERMANENT,
    REDIRECTS,
    TOO_MANY,
    WHOLE,
    Reply,
    clean,
    failure,
    headers_of,
    next_url,
)
from digest.fetching.caching import delta_seconds, retry_after
from digest.fetching.guard import NotPublic
from digest.fetching.inflating import Caps, Inflater
from digest.fetching.pacing import Held, Queues
from digest.fetching.schedule import prepare
from digest.model import Answer, PollState, Request

MAX_REDIRECTS = 5
FORM = "application/x-www-form-urlencoded"

MAX_HEADERS = 32 * 1024
"""Bytes of response headers accepted; beyond 100 KiB the HTTP parser itself stops reading."""

HOLD = 300.0
"""Seconds for which a party is not asked after a 429 without Retry-After."""

MAX_HOLD = 86400.0
"""Seconds; an absurd Retry-After must not stop requests to a party until the next restart."""

ERROR_PAGE = Caps(wire=128 * 1024, body=128 * 1024)
ERROR_PAGE_SECONDS = 2.0


class Watch:
    """Wall-clock time: `now` plus the time since then on a monotonic clock (seconds)."""

    def __init__(self, *, now: datetime, clock: Callable[[], float]) -> None:
        self._now = now
        self._clock = clock
        self._began = clock()

    def elapsed(self) -> float:
        """Seconds since the watch was started."""
        return self._clock() - self._began

    def time(self) -> datetime:
        """The present time."""
        return self._now + timedelta(seconds=self.elapsed())


@dataclass(slots=True, kw_only=True)
class Trip:
    """A request and its redirects so far; `left` is the seconds it may still take.

    With a `body` it is a POST.
    """

    url: str
    left: float
    body: bytes = b""
    permanent: bool = True
    visited: list[str] = field(default_factory=list)

    def follow(self, reply: Reply) -> None:
        """Follow a redirect; raises FetchRefused for a circle or a chain that is too long."""
        self.visited.append(self.url)
        self.permanent = self.permanent and reply.status in PERMANENT
        self.url = next_url(reply)
        if self.url in self.visited or len(self.visited) > MAX_REDIRECTS:
            raise refused(
                shown(self.visited[0]),
                f"redirects in a circle or more than {MAX_REDIRECTS} times: check the address",
            )

    @property
    def moved_to(self) -> str:
        """The last address, if every redirect was permanent and there was one."""
        return self.url if self.visited and self.permanent else ""


class Exchange:
    """Carries out requests over one transport; at most `concurrency` at once.

    Validators are sent with every redirect, since they came from the last redirect's target.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        queues: Queues,
        *,
        user_agent: str,
        timeout: float,
        caps: Caps,
        concurrency: int,
    ) -> None:
        self._transport = transport
        self._queues = queues
        self._user_agent = user_agent
        self._timeout = timeout
        self._caps = caps
        self._slots = asyncio.Semaphore(concurrency)

    async def carry_out(self, request: Request, state: PollState, watch: Watch) -> Answer:
        """The answer after all redirects; raises FetchFailed or FetchRefused."""
        conditions = prepare(request, state)
        headers = self._headers(request.accept, conditions)
        moved = state.location if request.poll and request.url == state.url else ""
        trip = Trip(url=check_url(moved or request.url), left=self._timeout)
        reply = await self._visit(trip, headers, watch)
        while reply.status in REDIRECTS:
            trip.follow(reply)
            reply = await self._visit(trip, headers, watch)
        unchanged = reply.status == NOT_MODIFIED and bool(conditions)
        if not unchanged and reply.status not in WHOLE:
            raise failure(reply, retry_after=_pause(reply, watch))
        if reply.broke_off and not request.poll:  # one page of several must be whole
            raise reply.broke_off
        return Answer(
            request=request,
            status=reply.status,
            url=reply.url,
            headers=reply.headers,
            body=None if unchanged else reply.body,
            moved_to=trip.moved_to,
            broke_off=reply.broke_off.message if reply.broke_off else "",
            at=watch.time(),
        )

    async def post_form(self, url: str, body: bytes, watch: Watch) -> None:
        """Send a form, encoded as `body`; any 2xx is success, a redirect is not followed.

        Raises FetchFailed or FetchRefused.
        """
        headers = self._headers("*/*", {"Content-Type": FORM, "Content-Length": str(len(body))})
        trip = Trip(url=check_url(url), left=self._timeout, body=body)
        reply = await self._visit(trip, headers, watch)
        if not 200 <= reply.status < 300:  # noqa: PLR2004 - success, RFC 9110 §15.3
            raise failure(reply, retry_after=_pause(reply, watch))

    def _headers(self, accept: str, more: Mapping[str, str]) -> dict[str, str]:
        return {
            "User-Agent": self._user_agent,
            "Accept": accept,
            "Accept-Encoding": "gzip",
            "Connection": "close",
            **more,
        }

    async def _visit(self, trip: Trip, headers: Mapping[str, str], watch: Watch) -> Reply:
        """Wait for the host's turn and make one request."""
        where, host = shown(trip.url), httpx.URL(trip.url).host
        try:
            async with self._queues.turn(host), self._slots:
                reply = await self._within(trip, headers)
                if reply.status in BUSY:
                    self._hold(host, reply, watch)
                return reply
        except Held as held:
            raise FetchFailed(
                f"{where} was not asked, as its server has asked for a pause: "
                "it will be asked after that.",
                subject=where,
                retry_after=held.seconds + watch.elapsed(),
                status=TOO_MANY,
            ) from None
        except NotPublic:
            raise refused(
                where,
                "leads to a private or reserved address, which is never asked: "
                "give a public address, or allow private networks",
            ) from None
        except TimeoutError:
            why = f"did not answer in full within {self._timeout:g} seconds"
            raise failed(where, why) from None
        except (httpx.HTTPError, OSError) as error:
            raise failed(where, f"could not be read ({_reason(error)})") from error

    def _hold(self, host: str, reply: Reply, watch: Watch) -> None:
        pause = retry_after(reply.headers.get("retry-after", ""), watch.time())
        if pause is not None or reply.status == TOO_MANY:
            self._queues.hold(host, HOLD if pause is None else min(pause, MAX_HOLD))

    async def _within(self, trip: Trip, headers: Mapping[str, str]) -> Reply:
        """Make one request within the rest of the trip's deadline.

        The deadline is for the whole exchange: a server that sends a byte a second passes any
        timeout of a single read.
        """
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(trip.left):
                return await self._send(trip, headers)
        finally:
            trip.left -= clock() - began

    async def _send(self, trip: Trip, headers: Mapping[str, str]) -> Reply:
        # httpx would write header values as UTF-8; validators must be sent as they were received.
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        method = "POST" if trip.body else "GET"
        request = httpx.Request(method, trip.url, headers=raw, content=trip.body or None)
        response = await self._transport.handle_async_request(request)
        try:
            where = shown(trip.url)
            if sum(len(name) + len(value) for name, value in response.headers.raw) > MAX_HEADERS:
                much = f"sent more than {MAX_HEADERS // 1024} KiB of headers"
                raise refused(where, f"{much}: check what is served there")
            fields = headers_of(response.headers.raw)
            reply = Reply(url=trip.url, status=response.status_code, headers=fields)
            if reply.status not in WHOLE:
                return replace(reply, body=await self._explanation(response, fields, where))
            body, broke_off = await self._body(response, fields, where)
            return replace(reply, body=body, broke_off=broke_off)
        finally:
            await response.aclose()

    async def _body(
        self, response: httpx.Response, fields: Mapping[str, str], where: str
    ) -> tuple[bytes, FetchFailed | None]:
        """The body of an answer; where it broke off, what came of it and the error."""
        inflater = Inflater(fields.get("content-encoding", ""), caps=self._caps, where=where)
        if (delta_seconds(fields.get("content-length", "")) or 0) > self._caps.wire:
            raise inflater.too_large(self._caps.wire, "on the wire")
        try:
            await _pour(response, inflater)
        except (httpx.RemoteProtocolError, httpx.ReadError) as error:
            if not inflater.so_far():
                raise
            return inflater.so_far(), failed(where, f"broke off ({_reason(error)})")
        return inflater.finish(), None

    async def _explanation(
        self, response: httpx.Response, fields: Mapping[str, str], where: str
    ) -> bytes:
        """The beginning of the body of an error; of other statuses nothing."""
        encoding = fields.get("content-encoding", "")
        if response.status_code == NOT_MODIFIED or response.status_code in REDIRECTS:
            return b""
        with suppress(FetchRefused):
            inflater = Inflater(encoding, caps=ERROR_PAGE, where=where)
            with suppress(TimeoutError, httpx.HTTPError, FetchFailed, FetchRefused):
                async with asyncio.timeout(ERROR_PAGE_SECONDS):
                    await _pour(response, inflater)
            return inflater.so_far()
        return b""


async def _pour(response: httpx.Response, inflater: Inflater) -> None:
    async for chunk in response.aiter_raw():
        inflater.feed(chunk)


def _pause(reply: Reply, watch: Watch) -> float | None:
    """The time of a reply's Retry-After, in seconds from the start of the watch."""
    if reply.status not in BUSY:
        return None
    pause = retry_after(reply.headers.get("retry-after", ""), watch.time())
    return None if pause is None else pause + watch.elapsed()


def _reason(error: BaseException) -> str:
    """The message of the first cause, since the client's outer layers add only their names."""
    first = error
    while earlier := first.__cause__ or first.__context__:
        first = earlier
    said = str(first).partition(": bytearray(")[0]  # h11 quotes what came in Python's notation
    return clean(said) or type(first).__name__
