"""Whole delivery of 44 KB mails into Postfix's `smtp-sink`, beside the obvious stack.

    apt install postfix; pip install dkimpy
    python benchmarks/delivery.py [--rounds 5] [--sessions 1]

Every contender claims digests from a database of its own, renders, signs or does not, hands over
by SMTP and writes the receipts down; the obvious stack (Jinja and premailer for each message,
EmailMessage, dkimpy, smtplib) has the same ledger. `smtp-source` only sends: what this machine
can do at all. What the mail server allows (the pace) is taken as learned already.
"""

from __future__ import annotations

import argparse
import gc
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import invented

from digest import config
from digest.app import App
from digest.cli import OBJECTS_BEFORE_LOOKING
from digest.delivery import dkim
from digest.model import Envelope, Flow, Message, Pace
from digest.pipeline.pacing import Pacer
from digest.ranking import explain
from digest.rendering import mail
from digest.store import open_store

LOTS, MORE, MANY, FEW = 200_000, 60_000, 30_000, 100
PICKS = 7
PAPERS = 2_000
LENGTH = 44_000
FAST = 1e6  # messages a second: no pace at all
SELECTOR, DOMAIN = "bench", "digest.example"

Run = Callable[[], float]


def prepare(path: Path, people: int) -> Path:
    """A database with a day of papers and a queued digest for each of so many people."""
    store = open_store(path)
    store.migrate()
    made = invented.papers(PAPERS, length=(38, 66))
    store.papers.ingest(invented.items(made))
    readers = invented.people(people)
    store.subscribers.add((each, []) for each in readers)
    expires = datetime.now(UTC) + timedelta(days=1)
    digests = list(invented.digests(made, readers, picks=PICKS))
    invented.queue(store, digests, expires, DOMAIN)
    store.close()
    return path


def application(
    db: Path, port: int, *, key: bytes = b"", sessions: int = 1, processes: int = 1
) -> App:
    """The application as an operator would set it up."""
    overrides: dict[str, object] = {
        "db": str(db),
        "site.url": f"https://{DOMAIN}",
        "site.imprint": "Example Library, 1 Reading Lane, 12345 Booktown",
        "mail.from": f"digest@{DOMAIN}",
        "smtp.url": f"smtp://127.0.0.1:{port}?security=none",
        "smtp.connections": sessions,
        "smtp.per_connection": 1_000_000,
        "smtp.processes": processes,
    }
    if key:
        overrides |= {
            "dkim.domain": DOMAIN,
            "dkim.selector": SELECTOR,
            "dkim.private_key": key.decode(),
        }
    app = App(config.load(None, overrides=overrides))
    app.__dict__["pacer"] = Pacer.free()
    learned = Flow(start=FAST, floor=1.0, tokens=FAST, at=datetime.now(UTC))
    app.store.pace.change(f"127.0.0.1:{port}", lambda _: (Pace(server=learned), None))
    return app


def ours(db: Path, port: int, *, key: bytes, sessions: int) -> App:
    """Digest as it is."""
    return application(db, port, key=key, sessions=sessions)


def in_two(db: Path, port: int, *, key: bytes, sessions: int) -> App:
    """The same in two processes, each of which claims blocks; starting them is counted.

    It takes two seconds, for each makes every fragment anew: there are as many messages as are
    worth that, though fewer than on the morning that a second process is for.
    """
    return application(db, port, key=key, sessions=sessions, processes=2)


def theirs(db: Path, port: int, *, key: bytes, sessions: int) -> App:  # noqa: ARG001 - as `ours`
    """The same ledger, with the obvious way to render, to sign and to send."""
    from obvious import Obvious, SmtplibTransport, signed_by_dkimpy  # noqa: PLC0415 - not for senders

    app = application(db, port)
    app.__dict__["transport"] = SmtplibTransport(port)  # one connection, whatever `sessions` says

    day = app.store.papers.announced(invented.NOW - timedelta(days=1), invented.NOW)
    papers = {paper.id: paper for paper, _ in day}
    titles = {key: each.title for key, each in papers.items()}
    because = explain.Because(topics=app.settings.topics, titles=titles)
    way = Obvious(app.site, app.settings.topics, papers, because)

    def renderer(_material: object) -> Callable[[Envelope], Message]:
        def render(envelope: Envelope) -> Message:
            content = way.message(envelope, envelope.digest.composed_at)
            if key:
                content = signed_by_dkimpy(content, DOMAIN, SELECTOR, key)
            return Message(
                digest_id=envelope.digest.id,
                sender=app.site.mail_from,
                recipient=envelope.subscriber.email,
                content=content,
            )

        return render

    app.renderer = renderer
    return app


def delivered(app: App, people: int) -> tuple[float, float]:
    """Deliver everything; seconds on the wall, and of this process and those it started."""
    wall, cpu = time.perf_counter(), sum(os.times()[:4])
    done = app.deliver()
    taken = time.perf_counter() - wall, sum(os.times()[:4]) - cpu
    assert done.accepted == people, done
    app.close()
    return taken


def by_smtp_source(port: int, sessions: int) -> tuple[float, float]:
    """As many messages of the same size, by Postfix's own test client."""
    before, wall = os.times(), time.perf_counter()
    subprocess.run(
        f"smtp-source -d -s {sessions} -m {MANY} -l {LENGTH} "
        f"-f digest@{DOMAIN} -t reader@example.org 127.0.0.1:{port}".split(),
        check=True,
    )
    after = os.times()
    cpu = after.children_user - before.children_user
    return time.perf_counter() - wall, cpu + after.children_system - before.children_system


class Meter:
    """Processor time by part, while an application delivers: each without the parts within it."""

    def __init__(self, app: App) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self._local = threading.local()
        ledger, transport = app.store.ledger, app.transport
        for name in ("claim", "offer", "settle", "hold", "release", "due"):
            if hasattr(ledger, name):
                setattr(ledger, name, self._timed("ledger", getattr(ledger, name)))
        if app.signer is not None:
            app.signer.begin = self._timed("sign", self._begun(app.signer.begin))
        mail.message = self._timed("render", mail.message)
        app.because = self._explained(app.because)
        transport.send = self._sent(transport.send)

    def _timed(self, part: str, call: Callable[..., object]) -> Callable[..., object]:
        def timed(*given: object, **named: object) -> object:
            with self._counted(part):
                return call(*given, **named)

        return timed

    @contextmanager
    def _counted(self, part: str) -> Iterator[None]:
        start, around = time.thread_time(), getattr(self._local, "within", 0.0)
        self._local.within = 0.0
        try:
            yield
        finally:
            took = time.thread_time() - start
            self.spent[part] += took - self._local.within
            self._local.within = around + took

    def _begun(self, begin: Callable[..., Any]) -> Callable[..., object]:
        def begun(*given: object) -> object:
            unsigned = begin(*given)
            return SimpleNamespace(
                seal=self._timed("sign", unsigned.seal),
                finish=self._timed("sign", unsigned.finish),
            )

        return begun

    def _explained(self, because: Callable[..., object]) -> Callable[..., object]:
        return lambda material: self._timed("reasons in words", because(material))

    def _sent(self, send: Callable[..., Iterator[object]]) -> Callable[..., Iterator[object]]:
        def sent(*given: object, **named: object) -> Iterator[object]:
            receipts = send(*given, **named)
            while True:
                with self._counted("SMTP"):
                    receipt = next(receipts, None)
                if receipt is None:
                    return
                yield receipt

        return sent


def split(db: Path, port: int, key: bytes) -> None:
    """Print where the processor time of our own line goes."""
    app = application(db, port, key=key)
    plain, meter = mail.message, Meter(app)
    _, cpu = delivered(app, MANY)
    mail.message = plain
    print(f"\nprocessor time by part, µs a message ({'signed' if key else 'unsigned'})")
    for part, spent in meter.spent.items():
        print(f"  {part:28}{spent / MANY * 1e6:8.0f}")
    rest = cpu - sum(meter.spent.values())
    print(f"  {'the rest':28}{rest / MANY * 1e6:8.0f}\n  {'all':28}{cpu / MANY * 1e6:8.0f}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def sink(port: int) -> subprocess.Popen[bytes]:
    """A mail server that takes everything and keeps nothing."""
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen(["smtp-sink", *user, f"127.0.0.1:{port}", "200"])
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return process


def measure(folder: Path, port: int, rounds: int, sessions: int) -> None:
    key = dkim.generate_key()
    stored = {count: prepare(folder / f"{count}.db", count) for count in (LOTS, MORE, MANY, FEW)}
    stacks = {
        "digest, signed": (ours, MANY, key),
        "digest, unsigned": (ours, MANY, b""),
        "two, signed": (in_two, MORE, key),
        "two, unsigned": (in_two, LOTS, b""),
        "obvious, signed": (theirs, FEW, key),
        "obvious, unsigned": (theirs, FEW, b""),
    }

    def fresh(count: int) -> Path:
        return Path(shutil.copy(stored[count], folder / "run.db"))

    taken: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for turn in range(rounds + 1):
        for name, (build, count, used) in stacks.items():
            for each in folder.glob("run.db*"):
                each.unlink()
            app = build(fresh(count), port, key=used, sessions=sessions)
            took = delivered(app, count)
            taken[name] += [took] * bool(turn)  # the first round warms up
        taken["smtp-source"] += [by_smtp_source(port, sessions)] * bool(turn)
    counts = {name: count for name, (_, count, _) in stacks.items()} | {"smtp-source": MANY}
    rates = {name: [counts[name] / wall for wall, _ in each] for name, each in taken.items()}
    print(f"{'':20}{'messages/s':>12}{'best':>8}{'CPU µs':>9}")
    for name, each in taken.items():
        cpu = median(cpu for _, cpu in each) / counts[name] * 1e6
        print(f"{name:20}{median(rates[name]):12,.1f}{max(rates[name]):8,.0f}{cpu:9,.0f}")
    for a, b, goal in (
        ("digest, signed", "obvious, signed", "25"),
        ("digest, unsigned", "obvious, signed", ""),
        ("two, signed", "obvious, signed", ""),
        ("two, unsigned", "obvious, signed", ""),
        ("digest, unsigned", "obvious, unsigned", "80, the MTA signing for both"),
        ("digest, unsigned", "smtp-source", "0.6"),
    ):
        ratio = median(x / y for x, y in zip(rates[a], rates[b], strict=True))
        print(f"{a} / {b}: {ratio:.2f}{f' (to reach: {goal})' if goal else ''}")
    for used in (key, b""):
        for each in folder.glob("run.db*"):
            each.unlink()
        split(fresh(MANY), port, used)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--sessions", type=int, default=1)
    given = options.parse_args()
    if shutil.which("smtp-sink") is None:
        sys.exit("smtp-sink is not installed (Debian: apt install postfix)")
    gc.set_threshold(OBJECTS_BEFORE_LOOKING, 50, 50)  # as the command has it
    port = free_port()
    server = sink(port)
    try:
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder), port, given.rounds, given.sessions)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
