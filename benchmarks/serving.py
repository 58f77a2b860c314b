"""How fast `digest web` answers, in one process, beside the smallest answer it can give.

    python benchmarks/serving.py [--papers 20000] [--seconds 5]

Makes a database of invented papers, serves it on loopback and lets `wrk` (Debian package `wrk`)
ask with 16 connections. Every figure stands beside that of a bare ASGI application on the same
uvicorn in the same run, which says `ok` and nothing else: what the server itself can do.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

from digest.model import Announcement, AnnounceType, Item, Paper
from digest.store import open_store

ROOT = Path(__file__).parents[1]
WORDS = [
    "retrieval",
    "diffusion",
    "graph",
    "language",
    "model",
    "learning",
    "robust",
    "vision",
    "attention",
    "transformer",
    "bayesian",
    "policy",
    "speech",
    "segmentation",
    "privacy",
    "federated",
    "causal",
    "kernel",
    "quantum",
    "protein",
    "dialogue",
    "translation",
    "sparse",
    "optimal",
    "agents",
    "reasoning",
    "multimodal",
    "benchmark",
    "alignment",
    "prompt",
]
CATEGORIES = ("cs.LG", "cs.CL", "cs.CV", "cs.IR", "stat.ML", "math.OC")
A_DAY = 1_000
BARE = """
import uvicorn
async def ok(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
uvicorn.run(ok, port=PORT, lifespan="off", access_log=False, log_level="error", http="h11")
"""
RESULT = re.compile(r"99%\s+([\d.]+\w+).*Requests/sec:\s+([\d.]+)", re.DOTALL)


def invent(number: int, chance: random.Random, now: datetime) -> Item:
    key = f"arxiv:{2400 + number // 90_000:04}.{number % 90_000 + 10_000:05}"
    seen = now - timedelta(days=number // A_DAY, hours=1)
    paper = Paper(
        id=key,
        title=" ".join(chance.choices(WORDS, k=8)).capitalize(),
        abstract=" ".join(chance.choices(WORDS, k=150)),
        authors=tuple(
            f"{chance.choice(WORDS).title()} {chance.choice(WORDS).title()}" for _ in "abc"
        ),
        categories=tuple(chance.sample(CATEGORIES, 2)),
        url=f"https://arxiv.org/abs/{key.partition(':')[2]}",
        identifiers=(key,),
    )
    announced = Announcement(
        paper_id=key,
        source="arxiv",
        feed=paper.categories[0],
        day=seen.date(),
        type=AnnounceType.NEW,
        seen_at=seen,
    )
    return Item(paper=paper, announcement=announced)


def fill(path: Path, papers: int) -> None:
    store = open_store(path)
    store.migrate()
    chance, now = random.Random(7), datetime.now(UTC)
    for start in range(0, papers, 2_000):
        numbers = range(start, min(start + 2_000, papers))
        store.papers.ingest([invent(number, chance, now) for number in numbers])
    store.close()


def ask(url: str, seconds: int, *options: str) -> tuple[float, str]:
    command = ["wrk", "-t1", "-c16", f"-d{seconds}s", "--latency", *options, url]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in told or "If-None-Match" in str(options), told
    percentile, rate = RESULT.search(told).groups()
    return float(rate), percentile


def searches(folder: Path) -> str:
    """A script that asks for other words every time."""
    listed = ",".join(f'"{word}"' for word in WORDS)
    script = folder / "searches.lua"
    script.write_text(
        f"local w={{{listed}}}\nmath.randomseed(42)\n"
        'request=function() return wrk.format("GET","/search?q="..w[math.random(#w)].."+"'
        '..w[math.random(#w)].."+"..w[math.random(#w)]) end\n'
    )
    return str(script)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--papers", type=int, default=20_000)
    options.add_argument("--seconds", type=int, default=5)
    given = options.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed (Debian: apt install wrk)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder / "digest.db", given.papers)
        port, bare_port = free_port(), free_port()
        site = f"http://127.0.0.1:{port}"
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DIGEST_DB": str(folder / "digest.db"),
            "DIGEST_SITE_URL": site,
            "DIGEST_WEB_PORT": str(port),
            "DIGEST_WEB_REQUESTS": "1000000000",
        }
        log = (folder / "web.log").open("wb")
        web = subprocess.Popen(
            [sys.executable, "-m", "digest", "web"], cwd=folder, env=environment, stderr=log
        )
        bare = subprocess.Popen([sys.executable, "-c", BARE.replace("PORT", str(bare_port))])
        try:
            measure(site, f"http://127.0.0.1:{bare_port}", given.seconds, searches(folder))
        finally:
            for process in (web, bare):
                process.terminate()
                process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def measure(site: str, bare: str, seconds: int, script: str) -> None:
    feed = f"{site}/feeds/cs.LG.atom"
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(feed) as answer:
                etag = answer.headers["etag"]
            break
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
    for path in ("/", "/search?q=retrieval", "/topics/cs.LG"):
        urllib.request.urlopen(f"{site}{path}").close()
    base, percentile = ask(bare, seconds)
    print(f"{'request':34} {'req/s':>8} {'p99':>9}  of the bare server")
    print(f"{'a bare ASGI application':34} {base:8.0f} {percentile:>9}  1.00")
    for what, url, more in (
        ("the today page", f"{site}/", ()),
        ("a topic page", f"{site}/topics/cs.LG", ()),
        ("a topic feed", feed, ()),
        ("a topic feed, If-None-Match: 304", feed, ("-H", f"If-None-Match: {etag}")),
        ("search, three words, never cached", site, ("-s", script)),
    ):
        rate, percentile = ask(url, seconds, *more)
        print(f"{what:34} {rate:8.0f} {percentile:>9}  {rate / base:.2f}")


if __name__ == "__main__":
    main()
