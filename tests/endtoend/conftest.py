"""The command line in processes of its own, and a mail server that keeps count."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "digest" / "sample" / "arxiv-2026-06-11.xml"
DIGEST = [sys.executable, "-m", "digest"]
DROP, HANG = "DROP", "HANG"
HANGING_SECONDS = 3


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


class CommandLine:
    """`digest("status")` runs a process to its end, `digest.start("worker")` leaves it running.

    Settings are given as the environment variables they are; none of ours leak in.
    """

    def __init__(self, folder: Path, prepared: Path) -> None:
        self.folder = folder
        self.prepared = prepared
        self.db = folder / "digest.db"
        self.settings = {
            "DIGEST_SMTP_URL": f"maildir:{folder / 'maildir'}",
            "DIGEST_SITE_URL": "https://digest.example",
            "DIGEST_MAIL_FROM": "digest@digest.example",
            "DIGEST_MAIL_UNSUBSCRIBE_TO": "unsubscribe@digest.example",
            "DIGEST_WORKER_PUBLISH": str(folder / "public"),
            "DIGEST_KEEP_BACKUPS": str(folder / "backups"),
            "DIGEST_SOURCES_ARXIV_URL": "http://127.0.0.1:9/rss/",
            "DIGEST_SOURCES_ARXIV_OAI_URL": "http://127.0.0.1:9/oai",
            "DIGEST_SOURCES_HUGGINGFACE_URL": "http://127.0.0.1:9/hf",
        }
        self.processes: list[subprocess.Popen[bytes]] = []

    def __call__(self, *words: str | Path, **settings: str) -> Ran:
        ran = subprocess.run(
            [*DIGEST, "--db", self.db, *words],
            cwd=self.folder,
            env=self._environment(settings),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in ran.stderr, ran.stderr
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def start(self, *words: str, **settings: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [*DIGEST, "--db", self.db, *words],
            cwd=self.folder,
            env=self._environment(settings),
            stdout=subprocess.DEVNULL,
        )
        self.processes.append(process)
        return process

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    def rows(self, query: str, *values: object) -> list[tuple]:
        """Look into the database, or change it, as no command does."""
        with closing(sqlite3.connect(self.db, timeout=10)) as connection, connection:
            return connection.execute(query, values).fetchall()

    def outbox(self) -> dict[str, int]:
        """Rows of the outbox by state."""
        return dict(self.rows("SELECT state, count(*) FROM outbox GROUP BY state"))

    def ready(self, people: int, *fetching: str) -> list[str]:
        """Ingest the sample and subscribe that many readers; returns their addresses.

        Done once a session for each choice, and copied from then on.
        """
        addresses = [f"reader{number}@example.net" for number in range(people)]
        copy = self.prepared / "-".join(["ready", str(people), *fetching])
        if not copy.is_file():
            lines = [f"{each},cs.IR;cs.LG,dual encoder,5" for each in addresses]
            roster = self.folder / "readers.csv"
            roster.write_text("\n".join(["email,topics,keywords,limit", *lines, ""]))
            assert self("init").code == 0
            assert self("fetch", "arxiv", "--from", SAMPLE, *fetching).code == 0
            assert self("subscribers", "import", roster, "--confirmed").code == 0
            shutil.copy(self.db, copy)
        shutil.copy(copy, self.db)
        return addresses

    def _environment(self, settings: dict[str, str]) -> dict[str, str]:
        ours = {key: each for key, each in os.environ.items() if not key.startswith("DIGEST_")}
        return {**ours, "PYTHONPATH": str(ROOT), **self.settings, **settings}


@dataclass(frozen=True)
class Taken:
    """A message that the sink took."""

    recipient: str
    content: bytes
    peer: tuple

    @property
    def message_id(self) -> str:
        return message_from_bytes(self.content, policy=policy.default)["message-id"]


class Sink:
    """A mail server that keeps what it takes, and misbehaves as told.

    `fault(stage, address)` is asked at RCPT, and at TAKEN: the content is ours, nothing is said
    yet. It gives the reply, DROP to break the connection, HANG to fall silent, None for the usual.
    `pause` is how many seconds each message takes.
    """

    def __init__(
        self,
        fault: Callable[[str, str], str | None] = lambda *_: None,
        *,
        port: int,
        pause: float = 0,
        **options: object,
    ) -> None:
        self.fault = fault
        self.pause = pause
        self.taken: list[Taken] = []
        self.port = port
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            server_hostname="mx.example.net",
            **options,
        )
        self._controller.start()
        self._running = True

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def recipients(self) -> list[str]:
        return [each.recipient for each in self.taken]

    def stop(self) -> None:
        if self._running:
            self._controller.stop()
        self._running = False

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        reply = await self._reply(server, "RCPT", address)
        if reply:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        await asyncio.sleep(self.pause)
        (address,) = envelope.rcpt_tos
        self.taken.append(Taken(address, envelope.content, session.peer))
        return await self._reply(server, "TAKEN", address) or "250 2.0.0 Ok: queued"

    async def _reply(self, server, stage, address):
        reply = self.fault(stage, address)
        if reply == HANG:
            await asyncio.sleep(HANGING_SECONDS)
        if reply in (DROP, HANG):
            server.transport.abort()
            return "421 4.3.2 nobody hears this"
        return reply


@pytest.fixture(scope="session")
def is_taken():
    """Whether somebody listens on a port."""

    def look(port: int) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return look


@pytest.fixture(scope="session")
def below():
    """The processes that one has started and that are called so: those that work for it."""

    def look(pid: int, name: bytes = b"spawn_main") -> list[int]:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [
            int(each) for each in children if name in Path(f"/proc/{each}/cmdline").read_bytes()
        ]

    return look


@pytest.fixture(scope="session")
def is_running():
    """Whether a process has not ended yet."""

    def look(pid: int) -> bool:
        stat = Path(f"/proc/{pid}/stat")
        return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"

    return look


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A folder for databases that several tests begin with."""
    return tmp_path_factory.mktemp("prepared")


@pytest.fixture(scope="module")
def command_line(prepared):
    """Make command lines in folders; what they leave running is stopped after the module."""
    made = []

    def make(folder: Path) -> CommandLine:
        made.append(CommandLine(folder, prepared))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def digest(command_line, tmp_path):
    made = command_line(tmp_path)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def serve(free_port):
    """Start sinks; they are stopped after the module."""
    sinks = []

    def start(*arguments, **options) -> Sink:
        sinks.append(Sink(*arguments, port=free_port(), **options))
        return sinks[-1]

    yield start
    for sink in sinks:
        sink.stop()


@pytest.fixture(scope="session")
def eventually():
    """Poll until it holds: what we wait for is another process, so there is nothing to inject."""

    def wait(condition: Callable[[], object], seconds: float = 60) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return True
            time.sleep(0.05)
        return False

    return wait
