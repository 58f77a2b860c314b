"""Builds the ASGI application: all routes, the middleware and the error pages."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from math import ceil

from anyio.to_thread import current_default_thread_limiter
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from digest.app import App
from digest.errors import ConfigError, DigestError, InvalidInput, NotFound, RetryLater
from digest.rendering import pages
from digest.web import feeds, operator, people, reading, static
from digest.web.about import PRIVATE_PATHS
from digest.web.caching import COMPRESSION, SMALLEST_TO_COMPRESS, takes_gzip
from digest.web.common import without_slash
from digest.web.guard import Guard, Refuse
from digest.web.limits import Buckets, RateLimit
from digest.web.negotiating import SUFFIX, wants_json
from digest.web.showing import ANY_ORIGIN

log = logging.getLogger(__name__)

THREADS = 16
"""Requests handled at once: more would only wait for the interpreter and keep more files open."""

STATUS: dict[type[DigestError], int] = {
    NotFound: 404,
    InvalidInput: 400,
    RetryLater: 503,
    ConfigError: 500,
}
WORDS = {
    404: "There is no such page.",
    # Browsers that open a tab again ask for the page that a button led to.
    405: "This address takes no such request. If a button led you here before, what it did stands.",
    413: "That is too much at once. Go back in your browser and send less; of a file, only the first "
    "megabyte is read.",
    429: "Too many requests came from your network. Please try again a little later.",
    500: "This site is not set up correctly; its operator can see why.",
    503: "This site is busy. Please try again in a few seconds.",
}
TITLES = {
    404: "Not found",
    405: "Nothing to open here",
    413: "Too large",
    429: "Too many requests",
    503: "Please try again",
}
BUSY_SECONDS = 5


class Guarded(Starlette):
    """Starlette inside the guard, so that its own error responses are guarded too."""

    guard: Callable[[ASGIApp], Guard]

    def build_middleware_stack(self) -> ASGIApp:
        """The middleware stack with the guard outermost."""
        return self.guard(super().build_middleware_stack())


class Zipped(GZipMiddleware):
    """Compresses responses that are not compressed yet, for clients that accept it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Starlette only looks for the word, and takes `gzip;q=0` for a yes."""
        takes = scope["type"] == "http" and takes_gzip(
            Headers(scope=scope).get("accept-encoding", "")
        )
        await (super().__call__ if takes else self.app)(scope, receive, send)


def application(app: App) -> Starlette:
    """The ASGI application of one site."""
    web = app.settings.web
    buckets = Buckets(web.requests)
    made = Guarded(
        routes=[  # tried in turn: feeds come early, since they are asked for most
            *feeds.routes(app, buckets),
            *static.routes(app),
            *people.routes(app, buckets),
            *reading.routes(app),
            *operator.routes(app),
            Route("/{path:path}/", lambda asked: without_slash(asked, app.site), methods=["GET"]),
        ],
        middleware=[
            Middleware(RateLimit, buckets=buckets, refuse=_handler(app, _http_error)),
            Middleware(Zipped, minimum_size=SMALLEST_TO_COMPRESS, compresslevel=COMPRESSION),
        ],
        exception_handlers={
            DigestError: _handler(app, _digest_error),
            HTTPException: _handler(app, _http_error),
            Exception: _handler(app, _unexpected),
        },
        lifespan=_with_threads,
    )
    made.router.redirect_slashes = False
    made.guard = partial(
        Guard, url=app.site.url, hosts=web.hosts, refuse=_handler(app, _http_error)
    )
    return made


@asynccontextmanager
async def _with_threads(_app: Starlette) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = THREADS
    yield


def _handler(app: App, describe: Callable[[Exception], tuple[int, str]]) -> Refuse:
    async def handle(request: Request, error: Exception) -> Response:
        status, text = describe(error)
        headers = {"cache-control": "no-store", **(getattr(error, "headers", None) or {})}
        seconds = getattr(error, "retry_after", None)
        if seconds is None and isinstance(error, RetryLater):
            seconds = BUSY_SECONDS
        if seconds is not None:
            headers["retry-after"] = str(ceil(seconds))
        path = request.url.path
        if path.endswith(SUFFIX) and not path.startswith(PRIVATE_PATHS):
            headers |= ANY_ORIGIN
        if wants_json(request) or path == "/health" or path.endswith(SUFFIX):
            return JSONResponse({"error": text}, status_code=status, headers=headers)
        title = TITLES.get(status, "That did not work")
        page = pages.page(
            "message", site=app.site, title=title, text=text, gone=status == HTTPStatus.NOT_FOUND
        )
        return HTMLResponse(page, status_code=status, headers=headers)

    return handle


def _digest_error(error: Exception) -> tuple[int, str]:
    for kind, status in STATUS.items():
        if isinstance(error, kind):
            if status < HTTPStatus.INTERNAL_SERVER_ERROR:
                return status, str(error)
            # The message names files and settings, so only the operator sees it.
            log.warning("a request failed: %s", error, extra={"action": "request"})
            return status, WORDS[status]
    return 400, str(error)


def _http_error(error: Exception) -> tuple[int, str]:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return status, WORDS.get(status, "The request could not be answered.")


def _unexpected(error: Exception) -> tuple[int, str]:
    log.error("a request failed", exc_info=error, extra={"action": "request"})
    return 500, "Something went wrong on our side. Please try again later."
