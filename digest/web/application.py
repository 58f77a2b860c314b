"""Routes, and what every answer carries."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest.app import App
from digest.errors import ConfigError, DigestError, InvalidInput, NotFound, RetryLater
from digest.rendering import pages
from digest.web import feeds, operator, people, reading

log = logging.getLogger(__name__)

LARGEST_BODY = 64 * 1024
SMALLEST_TO_COMPRESS = 500

HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

STATUS: dict[type[DigestError], int] = {
    NotFound: 404,
    InvalidInput: 400,
    RetryLater: 503,
    ConfigError: 500,
}

Endpoint = Callable[[Request], Response]


class Guard:
    """Adds the security headers to every answer, and refuses bodies that no form of ours makes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, guarded."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            await Response("Too large.", status_code=413)(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.encode(), value.encode())
                        for name, value in HEADERS.items()
                        if name.encode() not in present
                    ),
                ]
            await send(message)

        await self.app(scope, receive, guarded)


def application(app: App) -> Starlette:
    """The ASGI application."""
    routes: list[BaseRoute] = [
        route
        for part in (people, reading, operator, feeds)  # feeds last: it takes what is left
        for route in part.routes(app)
    ]
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(Guard),
            Middleware(GZipMiddleware, minimum_size=SMALLEST_TO_COMPRESS),
        ],
        exception_handlers={
            DigestError: _handler(app, _digest_error),
            HTTPException: _handler(app, _http_error),
            Exception: _handler(app, _unexpected),
        },
    )


def _handler(
    app: App, describe: Callable[[Exception], tuple[int, str]]
) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        status, text = describe(error)
        if request.url.path == "/health" or "json" in request.headers.get("accept", ""):
            return JSONResponse({"error": text}, status_code=status)
        page = pages.page("message", site=app.site, title="That did not work", text=text)
        return HTMLResponse(page, status_code=status)

    return handle


def _digest_error(error: Exception) -> tuple[int, str]:
    for kind, status in STATUS.items():
        if isinstance(error, kind):
            return status, str(error)
    return 400, str(error)


def _http_error(error: Exception) -> tuple[int, str]:
    status = error.status_code if isinstance(error, HTTPException) else 500
    words = {404: "There is no such page.", 405: "This page cannot be asked like that."}
    return status, words.get(status, "The request could not be answered.")


def _unexpected(error: Exception) -> tuple[int, str]:
    log.error("a request failed", exc_info=error, extra={"action": "request"})
    return 500, "Something went wrong on our side. Please try again later."
