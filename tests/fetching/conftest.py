"""A web server on loopback whose every byte a test decides, and fetchers to send there."""

from __future__ import annotations

import asyncio
import inspect
import socket
import ssl
import struct
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from digest.fetching import HttpFetcher
from digest.model import PollState, Request

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)
NO_ROOTS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loading the usual roots takes 30 ms a test


@dataclass(frozen=True)
class Seen:
    """One request as it arrived, header bytes untouched."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name):
        return next(iter(self.all(name)), None)


@dataclass
class Site:
    """Routes by path; a route is bytes, or a function of the request giving bytes or a stream.

    A route that raises ConnectionResetError breaks the connection without a word.
    """

    port: int = 0
    routes: dict = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    open_now: int = 0
    most_open: int = 0

    def url(self, path="/feed", *, host="127.0.0.1", scheme="http"):
        return f"{scheme}://{host}:{self.port}{path}"

    def serve(self, path="/feed", body=b"<rss/>", *, status=200, **headers):
        self.routes[path] = self.response(body, status=status, **headers)

    @staticmethod
    def response(body=b"", *, status=200, length=True, **headers):
        """A response in bytes; `content_type` becomes Content-Type, lists become several lines."""
        lines = [f"HTTP/1.1 {status} Whatever"]
        for name, values in headers.items():
            several = values if isinstance(values, list) else [values]
            lines.extend(f"{name.replace('_', '-').title()}: {value}" for value in several)
        if length:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    async def handle(self, reader, writer):
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            now = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
            writer.transport.abort()
        finally:
            self.open_now -= 1
            writer.close()

    async def _answer(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        method, target, _ = first.split(" ")
        headers = [tuple(line.split(": ", 1)) for line in lines]
        length = next((int(value) for name, value in headers if name == "Content-Length"), 0)
        request = Seen(method, target, headers, await reader.readexactly(length))
        self.seen.append(request)
        route = self.routes.get(target.split("?")[0], self.response(status=404))
        answer = route(request) if callable(route) else route
        if inspect.isasyncgen(answer):
            async for part in answer:
                writer.write(part)
                await writer.drain()
        else:
            writer.write(answer)
            await writer.drain()


def running(site, tls=None):
    """Serve in a thread of its own until the generator is resumed."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(site.handle, "127.0.0.1", 0, ssl=tls))
    site.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield site

    async def stop():
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    asyncio.run_coroutine_threadsafe(stop(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def site():
    yield from running(Site())


@pytest.fixture
def secure_site(certificate):
    """The same over TLS, for the name `secure.test`."""
    yield from running(Site(), tls=certificate[0])


async def everything_is_here(host, port):
    """A resolver for which every name is this machine."""
    return ["127.0.0.1"]


class FakeTime:
    """A clock that moves only while someone sleeps."""

    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def clock(self):
        return self.now

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


@pytest.fixture
def fake_time():
    return FakeTime()


@pytest.fixture
def make_fetcher():
    """Makes fetchers that may ask this machine, without pauses unless a test wants some."""
    made = []

    def make(**options):
        settings = {
            "allow_private": True,
            "default_spacing": 0.0,
            "timeout": 5.0,
            "find": everything_is_here,
            "tls": NO_ROOTS,
            **options,
        }
        made.append(HttpFetcher("digest-tests/1 (+https://digest.example/about)", **settings))
        return made[-1]

    yield make
    for fetcher in made:
        fetcher.close()


@pytest.fixture
def get(make_fetcher):
    """Fetch one URL once, and give the outcome."""

    def fetch(url, *, state=None, poll=True, fetcher=None, **options):
        request = Request(source="blog", url=url, poll=poll)
        fetcher = fetcher or make_fetcher(**options)
        state = state or PollState(source="blog", url=url)
        return fetcher.fetch([(request, state)], NOW)[0]

    return fetch
