"""Runs the server: one process on one address, with deadlines for slow clients."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable, Mapping

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from digest.app import App
from digest.web.application import application
from digest.web.guard import HEADERS, LARGEST_HEADERS

log = logging.getLogger(__name__)

REQUEST_SECONDS = 20.0
EXCHANGE_SECONDS = 90.0
KEEP_ALIVE_SECONDS = 15
ENDING_SECONDS = 20
MOST_CONNECTIONS = 800
"""Below the 1,024 files that a process may usually have open."""

BACKLOG = 512
FULL = b"Too many are connected. Please try again in a minute.\n"


def serve(app: App) -> None:
    """Serve until stopped; requests are not logged, since signed links are secrets.

    Raises OSError if the address cannot be listened on.
    """
    web = app.settings.web
    _ = app.newcomer  # a wrong setting should fail now, not at the first sign-up
    listening = listen(web.host, web.port)
    _ = (app.ranker, app.letters)  # made now, so that the first visitor need not wait
    log.warning("listening on %s", url_of(web.host, listening.getsockname()[1]))
    uvicorn.Server(configuration(app)).run(sockets=[listening])


def url_of(host: str, port: int) -> str:
    """The address to open in a browser."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises OSError, which names the setting."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        # Without what Python adds in brackets, the same host and port once more.
        cause = (error.strerror or str(error)).partition(" (while ")[0]
        raise _unheard(host, port, error.errno, cause) from error
    except UnicodeError as error:  # no DNS name has such labels
        raise _unheard(host, port, errno.EINVAL, "this is not a host name") from error
    # Connections inherit it. asyncio does not set it for a given socket, and a response in two
    # writes (header, body) would wait 40 ms for the client's delayed acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _unheard(host: str, port: int, number: int | None, cause: str) -> OSError:
    return OSError(number, f"[web] host {host!r} cannot be listened on at port {port}: {cause}")


def configuration(app: App) -> uvicorn.Config:
    """The server's settings: `[web] proxies` are trusted, and slow clients are cut off."""
    return uvicorn.Config(
        application(app),
        http=PatientProtocol,
        ws="none",
        access_log=False,
        log_level="info",
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=list(app.settings.web.proxies),
        h11_max_incomplete_event_size=LARGEST_HEADERS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=ENDING_SECONDS,
    )


class PatientProtocol(H11Protocol):
    """HTTP/1.1 with deadlines for a request to arrive, and for the whole exchange.

    Without them a client that sends or reads a byte a minute would hold its connection for ever.
    """

    request_seconds = REQUEST_SECONDS
    exchange_seconds = EXCHANGE_SECONDS
    most_connections = MOST_CONNECTIONS
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Start the deadline for a request; refuse a connection beyond the limit."""
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            transport.write(plain_answer(503, "Service Unavailable", FULL, {"retry-after": "60"}))
            transport.close()
            return
        self._within(self.request_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the deadline."""
        self._cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Start the deadline of the exchange when a request begins."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before and not self.cycle.response_complete:
            self._within(self.exchange_seconds)
        elif self._deadline is None and not self.transport.is_closing():
            self._within(self.request_seconds)

    def on_response_complete(self) -> None:
        """Start the deadline of the next exchange if a pipelined request waits."""
        self._cancel()
        before = self.cycle
        super().on_response_complete()
        if self.cycle is not before:
            self._within(self.exchange_seconds)

    def send_400_response(self, msg: str) -> None:
        """Answer invalid HTTP, with the security headers too."""
        self.transport.write(plain_answer(400, "Bad Request", f"{msg}\n".encode(), {}))
        self.transport.close()

    def _within(self, seconds: float) -> None:
        self._cancel()
        self._deadline = self.loop.call_later(seconds, self._too_late)

    def _cancel(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        """Cut the connection without an answer, which such a client would not read."""
        self._deadline = None
        abort: Callable[[], None] = self.transport.abort
        abort()


def plain_answer(status: int, phrase: str, text: bytes, more: Mapping[str, str]) -> bytes:
    """A response in wire form that closes the connection."""
    headers = {
        **HEADERS,
        **more,
        "content-type": "text/plain; charset=utf-8",
        "content-length": str(len(text)),
        "connection": "close",
    }
    lines = [
        f"HTTP/1.1 {status} {phrase}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + text
