"""Checks every request before it reaches a page, and adds security headers to every response.

Readers are identified by signed links, not cookies, so cross-site request forgery has nothing to
work with; the origin of each POST is checked all the same.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

LARGEST_BODY = 64 * 1024
LARGEST_UPLOAD = 2 * 1024 * 1024
MOST_DISCARDED = 32 * 1024 * 1024
DISCARDING_SECONDS = 5
TOO_LARGE = 413
UPLOADS = ("/subscribe", "/me/")
MOST_HEADERS = 100
LARGEST_HEADERS = 16 * 1024
# Enough for our search form: 500 characters of 9 bytes each when quoted, and its filters.
LONGEST_QUERY = 8 * 1024
ONE_CLICK = re.compile(r"/u/[^/]+")
"""Mail programs and mailbox providers post here from any origin (RFC 8058 §3.2)."""

ANY_HOST = "/health"

HEADERS: Mapping[str, str] = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "browsing-topics=(), camera=(), geolocation=(), microphone=(), "
    "payment=(), usb=()",
    # With `no-referrer` browsers would send `Origin: null` for our own forms.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
HSTS = "max-age=31536000"
CLOSE = {"connection": "close"}

BROKEN = "Something went wrong on our side. Please try again later."
ACTION = {"action": "request"}

Refuse = Callable[[Request, Exception], Awaitable[Response]]

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?")


class Refusal(Exception):
    """A request that is refused with a status and one sentence."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Guard:
    """Refuses malformed and cross-site requests, and adds security headers to every response.

    `url` is the site's address ("" if it has none) and `hosts` are its other names. If neither is
    given any Host is accepted, and `/health` always accepts any. `refuse` makes the page shown
    when an upload is too large.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        url: str = "",
        hosts: Collection[str] = (),
        refuse: Refuse | None = None,
    ) -> None:
        self._app = app
        self._refuse = refuse
        own = urlsplit(url)
        self._origin = f"{own.scheme}://{own.netloc}".lower() if own.netloc else ""
        named = {name for name in (own.hostname, *map(host_name, hosts)) if name}
        self._hosts = frozenset(named)
        https = {"strict-transport-security": HSTS} if own.scheme == "https" else {}
        self._headers = [
            (name.encode(), value.encode()) for name, value in {**HEADERS, **https}.items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the request, pass it on, and add headers to the response."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        begun = False

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                present = {name.lower() for name, _ in message.get("headers", ())}
                added = [each for each in self._headers if each[0] not in present]
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        try:
            largest = self._check(scope)
        except Refusal as refusal:
            # The body was not read to its end, so the connection cannot be used again.
            answer: Response = PlainTextResponse(refusal.text, refusal.status, headers=CLOSE)
            if refusal.status == TOO_LARGE and scope["path"].startswith(UPLOADS):
                # A proxy that cannot pass on the whole file would report a bad gateway instead.
                await _discard(receive)
                if self._refuse is not None:
                    error = HTTPException(TOO_LARGE, headers=CLOSE)
                    answer = await self._refuse(Request(scope), error)
            await answer(scope, receive, guarded)
            return
        try:
            await self._app(scope, bounded(receive, largest), guarded)
        except Exception:
            # Starlette answers 500 and raises again for the server to log; it is logged already.
            if not begun:
                log.exception("a request failed, and so did its error page", extra=ACTION)
                await PlainTextResponse(BROKEN, status_code=500)(scope, receive, guarded)

    def _check(self, scope: Scope) -> int:
        """How many bytes the body may have; raises Refusal for a request that is refused."""
        raw = scope["headers"]
        if len(raw) > MOST_HEADERS or sum(len(n) + len(v) for n, v in raw) > LARGEST_HEADERS:
            raise Refusal(431, "There are too many header fields.")
        if len(scope.get("query_string", b"")) > LONGEST_QUERY:
            raise Refusal(414, "The address is too long.")
        headers = Headers(scope=scope)
        self._check_host(headers.getlist("host"), scope["path"])
        if scope["method"] == "POST" and not ONE_CLICK.fullmatch(scope["path"]):
            self._check_origin(headers)
        largest = LARGEST_UPLOAD if scope["path"].startswith(UPLOADS) else LARGEST_BODY
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            raise Refusal(400, "The Content-Length is not valid.")
        if len(length) > len(str(largest)) or int(length) > largest:
            raise Refusal(TOO_LARGE, "That is too large.")
        return largest

    def _check_host(self, given: list[str], path: str) -> None:
        if not self._hosts or path == ANY_HOST:
            return
        names = {host_name(each) for each in given}
        if len(given) != 1 or "" in names:
            raise Refusal(400, "The request does not say which site it is for.")
        if not names <= self._hosts:
            raise Refusal(
                421,
                "This site is not served here; its names are set by [site] url and [web] hosts.",
            )

    def _check_origin(self, headers: Headers) -> None:
        """Refuse a form sent by a page of another site; clients that are no browsers send neither.

        Browsers send Sec-Fetch-Site over https and to localhost; otherwise the Origin counts.
        """
        site = headers.get("sec-fetch-site")
        origin = headers.get("origin", "").lower()
        if site is not None:
            foreign = site not in ("same-origin", "none")
        else:
            foreign = bool(origin) and not self._ours(origin, headers.get("host", "").lower())
        if foreign:
            raise Refusal(403, "That form was sent from another site.")

    def _ours(self, origin: str, host: str) -> bool:
        return origin == self._origin or (
            origin.startswith(("http://", "https://")) and origin.partition("://")[2] == host
        )


def host_name(host: str) -> str:
    """The name in a Host header in lower case, without the port; "" if it is not valid."""
    found = _HOST.fullmatch(host.strip().lower())
    return found["name"].strip("[]").rstrip(".") if found else ""


async def _discard(receive: Receive) -> None:
    """Read the rest of a body, within MOST_DISCARDED bytes and DISCARDING_SECONDS."""
    left, more = MOST_DISCARDED, True
    with suppress(TimeoutError):
        async with asyncio.timeout(DISCARDING_SECONDS):
            while more and left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                more = message.get("more_body", False)


def bounded(receive: Receive, largest: int) -> Receive:
    """Receive at most `largest` bytes of body, whatever its declared length; raises HTTPException (413)."""
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > largest:
                raise HTTPException(TOO_LARGE, headers=CLOSE)
        return message

    return limited
