"""A thousand small feeds on as many hosts, polled by Digest and by a bare httpx client.

    python benchmarks/polling.py [--feeds 1000] [--rounds 5]

The feeds are on loopback addresses of this machine (127.0.0.0/8, as Linux has it). Both ask eight
at a time; Digest also checks every address, bounds time and size, and keeps what caching needs.
The seconds that Digest leaves between requests to one host are set to none.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

import httpx
import invented
import rounds

from digest.fetching import HttpFetcher
from digest.model import Answer, PollState, Request

AT_ONCE = 8
SERVER = """
import uvicorn
FEED = open(0, "rb").read()
async def feed(scope, receive, send):
    headers = [(b"content-length", b"%d" % len(FEED)), (b"content-type", b"application/rss+xml")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": FEED})
uvicorn.run(feed, host="0.0.0.0", port=PORT, lifespan="off", access_log=False, log_level="error")
"""


def serve(port: int) -> subprocess.Popen[bytes]:
    """A server that answers everything with one feed of five items."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER.replace("PORT", str(port))], stdin=subprocess.PIPE
    )
    process.stdin.write(invented.rss(invented.papers(5)))
    process.stdin.close()
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return process


async def bare(urls: Sequence[str]) -> None:
    """The same requests with nothing around them."""
    turns = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient() as client:

        async def get(url: str) -> None:
            async with turns:
                answer = await client.get(url)
                assert answer.status_code == 200

        await asyncio.gather(*map(get, urls))


def digest(urls: Sequence[str]) -> None:
    """One batch of polls."""
    fetcher = HttpFetcher(
        "bench (+https://example.org)",
        allow_private=True,
        spacing={},
        default_spacing=0,
        concurrency=AT_ONCE,
    )
    batch = [
        (Request(source="feed", url=each), PollState(source="feed", url=each)) for each in urls
    ]
    answers = fetcher.fetch(batch, invented.NOW)
    assert all(isinstance(each, Answer) for each in answers), answers[:3]
    fetcher.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--feeds", type=int, default=1_000)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    urls = [
        f"http://127.0.{1 + number // 250}.{1 + number % 250}:{port}/feed"
        for number in range(given.feeds)
    ]
    server = serve(port)
    try:
        taken = rounds.interleaved(
            {"digest": lambda: digest(urls), "httpx": lambda: asyncio.run(bare(urls))},
            rounds=given.rounds,
        )
    finally:
        server.terminate()
        server.wait()
    print(f"{given.feeds:,} feeds{'':6}{'seconds':>10}{'feeds/s':>9}{'CPU µs a feed':>15}")
    for name, times in taken.items():
        cpu = times.work / given.feeds * 1e6
        print(f"{name:17}{times.typical:10.2f}{given.feeds / times.typical:9,.0f}{cpu:15,.0f}")
    ratio = rounds.ratio(taken["digest"], taken["httpx"])
    work = rounds.work_ratio(taken["digest"], taken["httpx"])
    print(f"digest at {ratio:.2f} of httpx's rate; {work:.2f} by processor time")


if __name__ == "__main__":
    main()
