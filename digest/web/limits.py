"""Rate limits by network, and limits on posted forms."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from math import ceil

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from digest.web.guard import Refuse

HOUR = 3600.0
COST_OF_A_FILE = 3.0
"""A file full of references takes as long to read as several searches."""

LONG_TEXT = 100_000
"""Pasted text with more characters than this costs as much as a file."""

MOST_FIELDS = 500
LARGEST_PART = 2 * 1024 * 1024  # as much as a whole body, so that no field is cut
MOST_NETWORKS = 20_000
EXPENSIVE = frozenset({"/search", "/search.json", "/subscribe/preview"})
"""Pages that search or rank for each request; feeds of searches and days count when rendered."""

PREFIX_4, PREFIX_6 = 24, 56
"""What one customer usually has: a /56 of IPv6 (RIPE-690); /24 is the smallest routed IPv4 network."""

Handler = Callable[[Request], Response]


def network(request: Request) -> str:
    """The network a request comes from, such as `192.0.2.0/24`; "unknown" without an address.

    Behind a proxy of `[web] proxies` the address is the client's own (see `serving`).
    """
    try:
        address = ip_address(request.client.host if request.client else "")
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    # By its number, since a network cannot be made of an address with a zone (fe80::1%eth0).
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), PREFIX_6), strict=False))
    return str(IPv4Network((int(address), PREFIX_4), strict=False))


class Buckets:
    """Token buckets by name, each with `most` uses an hour, refilled evenly.

    Memory is bounded: a name is forgotten after an hour, and beyond `names` the least recent ones.
    `clock` gives monotonic seconds. Thread-safe.
    """

    def __init__(
        self, most: int, *, names: int = MOST_NETWORKS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = float(most)
        self._most_names = names
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str, cost: float = 1.0) -> None:
        """Take from a bucket; raises HTTPException (429) with Retry-After if too little is left."""
        now, cost = self._clock(), min(cost, max(self._most, 1.0))
        with self._lock:
            left, since = self._left.pop(name, (self._most, now))
            left = min(self._most, left + (now - since) * self._most / HOUR)
            enough = left >= cost
            self._left[name] = (left - cost if enough else left, now)
            while len(self._left) > self._most_names or self._is_full_again(now):
                self._left.popitem(last=False)
        if not enough:
            seconds = (cost - left) * HOUR / self._most if self._most else HOUR
            raise HTTPException(429, headers={"retry-after": str(ceil(seconds))})

    @property
    def names(self) -> list[str]:
        """The names remembered, the least recent first."""
        with self._lock:
            return list(self._left)

    def _is_full_again(self, now: float) -> bool:
        """Whether the bucket of the least recent name is full again, so that it can be forgotten."""
        _, since = next(iter(self._left.values()))
        return now - since >= HOUR


class RateLimit:
    """Limits requests for expensive pages by network; `refuse` makes the response (429)."""

    def __init__(self, app: ASGIApp, *, buckets: Buckets, refuse: Refuse) -> None:
        self._app = app
        self._buckets = buckets
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if the network's bucket allows it."""
        app = self._app
        if scope["type"] == "http" and scope["path"] in EXPENSIVE:
            request = Request(scope)
            try:
                self._buckets.take(network(request))
            except HTTPException as error:
                app = await self._refuse(request, error)
        await app(scope, receive, send)


def with_form(
    handler: Handler, *, buckets: Buckets | None = None
) -> Callable[[Request], Awaitable[Response]]:
    """The handler in a thread, with the posted form in `request.state.form` (empty on GET).

    At most one file, only if `buckets` are given, and MOST_FIELDS fields of LARGEST_PART bytes are
    accepted; the response to more is 400. A file or a long text takes its cost from the buckets
    before it is read. The form is closed when the handler returns.
    """

    async def handle(request: Request) -> Response:
        if request.method != "POST":
            request.state.form = FormData()
            return await run_in_threadpool(handler, request)
        try:
            form = await request.form(
                max_files=1 if buckets else 0, max_fields=MOST_FIELDS, max_part_size=LARGEST_PART
            )
        except UnicodeError:  # from a charset such as punycode, which any client may name
            raise HTTPException(400) from None
        try:
            if buckets and _is_large(form):
                buckets.take(network(request), COST_OF_A_FILE)
            request.state.form = form
            return await run_in_threadpool(handler, request)
        finally:
            await form.close()

    return handle


def _is_large(form: FormData) -> bool:
    """Whether the form has a file, or a text longer than LONG_TEXT."""
    return any(
        each.size if isinstance(each, UploadFile) else len(each) > LONG_TEXT
        for _, each in form.multi_items()
    )
