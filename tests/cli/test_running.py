"""Commands that poll and learn share that with other processes, however those end."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from aiosmtpd.controller import Controller

from digest.app import App
from digest.cli import running
from digest.errors import ConfigError
from digest.pipeline.delivering import Delivered
from digest.store import open_store
from digest.testing import RecordedFetcher

ROOT = Path(__file__).parents[2]
OFF = "".join(
    f"[sources.{name}]\nenabled = false\n" for name in ("arxiv", "arxiv-oai", "huggingface")
)
IDLE = """
class Source:
    def __init__(self, name):
        self.name = name

    def requests(self, cursor, now):
        return ()

    def parse(self, listing):
        raise AssertionError("nothing was asked")
"""
ENDED = """
import signal

class Source:
    def __init__(self, name):
        self.name = name

    def requests(self, cursor, now):
        signal.raise_signal(signal.SIGTERM)

    def parse(self, listing):
        raise AssertionError("nothing was asked")
"""
# A shell sends a second SIGHUP beside the terminal's, while what is open is being closed.
HUNG_UP = ENDED.replace(
    "signal.raise_signal(signal.SIGTERM)",
    """try:
            signal.raise_signal(signal.SIGHUP)
        finally:
            signal.raise_signal(signal.SIGHUP)""",
)

PAST = """
from digest.model import Harvest, Request

class Source:
    def __init__(self, name):
        self.name = name

    def requests(self, cursor, now):
        return ()

    def backfill(self, first, last):
        return self.page(1)

    def page(self, number):
        url = f"https://past.example/{number}"
        return Request(source=self.name, url=url, place=f"page {number}", poll=False)

    def parse(self, listing):
        left = 2 - int(listing.place[-1])
        return Harvest(more=(self.page(2),) if left else (), left=left)
"""


@pytest.fixture
def source(digest, tmp_path, monkeypatch):
    """Puts a source with this code in the place of all others."""
    digest("init")

    def write(name, code):
        (tmp_path / f"{name}.py").write_text(code)
        monkeypatch.syspath_prepend(tmp_path)
        settings = f'{OFF}[sources.mine]\nuse = "{name}:Source"\n'
        (tmp_path / "digest.toml").write_text(settings)

    return write


@pytest.fixture
def fetching(source, tmp_path):
    """The store, while another process is fetching."""
    source("idle_source", IDLE)
    store = open_store(tmp_path / "digest.db")
    store.lease("poll", owner="another", now=datetime.now(UTC), seconds=60)
    yield store
    store.close()


def test_a_run_waits_for_another_process_that_is_fetching(digest, fetching, monkeypatch):
    monkeypatch.setattr(running, "sleep", lambda _: fetching.unlease("poll", owner="another"))

    ran = digest("run")

    assert ran.code == 0
    assert ran.out.startswith("Another process is fetching: waiting until it is done.\n")
    assert "no list to ask for today" in ran.out, "then it reads by itself"


def test_so_does_who_delivers(digest, fetching, monkeypatch):
    monkeypatch.setattr(running, "sleep", lambda _: fetching.unlease("poll", owner="another"))

    ran = digest("deliver")

    assert ran.code == 0
    assert ran.out.startswith("Another process is fetching: waiting until it is done.\n")
    assert "still fetching" not in ran.out


@pytest.mark.parametrize("command", ["run", "deliver"])
def test_nobody_waits_for_ever(digest, fetching, monkeypatch, command):
    monkeypatch.setattr(running, "PATIENCE", timedelta(0))

    ran = digest(command)

    assert ran.code == 0
    assert "It is still fetching: going on with what there is.\n" in ran.out


@pytest.fixture
def unused():
    """A port that nobody listens at."""
    with closing(socket.create_server(("127.0.0.1", 0))) as held:
        return held.getsockname()[1]


@pytest.mark.parametrize("command", ["run", "deliver"])
def test_digests_end_where_we_looked_for_a_poll_so_that_one_that_begins_then_is_in_the_next(
    digest, source, tmp_path, monkeypatch, command
):
    source("idle_source", IDLE)
    digest("subscribe", "ada@example.org", "--topic", "cs.IR", "--confirmed")
    looked, look = [], App.is_polling

    def noted(app):
        seen = look(app)
        looked.append(app.clock())
        return seen

    monkeypatch.setattr(App, "is_polling", noted)
    with closing(open_store(tmp_path / "digest.db")) as store:
        person = store.subscribers.by_email("ada@example.org")
        store.subscribers.save(replace(person, due_at=datetime.now(UTC)))

        digest(command)

        (made,) = store.ledger.recent(person.id, limit=9)
        assert made.until < looked[-1]


def test_what_no_mail_server_said_is_not_put_into_its_mouth(
    digest, source, tmp_path, monkeypatch, unused
):
    source("idle_source", IDLE)
    monkeypatch.setenv("DIGEST_SMTP_URL", f"smtp://127.0.0.1:{unused}")
    digest("subscribe", "ada@example.org", "--topic", "cs.IR", "--confirmed")
    with closing(open_store(tmp_path / "digest.db")) as store:
        person = store.subscribers.by_email("ada@example.org")
        store.subscribers.save(replace(person, due_at=datetime.now(UTC)))

    ran = digest("deliver")

    line = ran.out.splitlines()[-1]
    assert line.startswith("    the reason: ")
    assert line.endswith("the mail server cannot be reached: Connection refused")


@pytest.mark.parametrize(("pages", "code"), [([1], 1), ([1, 2], 0)])
def test_a_back_fill_that_breaks_off_is_a_failure(digest, source, monkeypatch, pages, code):
    source("past_source", PAST)
    answers = RecordedFetcher({f"https://past.example/{each}": b"a page" for each in pages})
    monkeypatch.setattr("digest.fetching.HttpFetcher", lambda **_: answers)

    ran = digest("fetch", "mine", "--since", "2026-06-01", "--until", "2026-06-02")

    assert ran.code == code
    said = "mine 2026-06-01..2026-06-02: failed: 1 more were not fetched, and nothing fetches"
    assert (said in ran.out) == bool(code)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "ending"), [("fetch", ENDED), ("run", ENDED), ("run", HUNG_UP)]
)
def test_a_command_that_is_ended_gives_its_turn_back(digest, source, tmp_path, command, ending):
    source("ended_source", ending)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{tmp_path}"}

    ended = subprocess.run(
        [sys.executable, "-m", "digest", command],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (-signal.SIGTERM, "")
    store = open_store(tmp_path / "digest.db")
    assert store.lease("poll", owner="next", now=datetime.now(UTC), seconds=60)
    store.close()


class Interrupting:
    """A mail server that has whoever sends interrupted with the first mail, and then answers."""

    def __init__(self):
        self.recipients = []
        self.sender = None
        self.may_answer = threading.Event()

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.recipients += envelope.rcpt_tos
        if len(self.recipients) == 1:
            self.sender.send_signal(signal.SIGINT)
            await asyncio.to_thread(self.may_answer.wait, 60)
        return "250 2.0.0 Ok"


@pytest.fixture
def interrupted(digest, source, tmp_path, free_port):
    """Has a command interrupted while it mails three readers: the process, and the mail server."""
    source("idle_source", IDLE)
    server, port = Interrupting(), free_port()
    controller = Controller(server, hostname="127.0.0.1", port=port)
    controller.start()
    for name in ("ada", "bo", "cy"):
        digest("subscribe", f"{name}@example.org", "--topic", "cs.IR", "--confirmed")
    with closing(open_store(tmp_path / "digest.db")) as store:
        for person in store.subscribers.page("", limit=9):
            store.subscribers.save(replace(person, due_at=datetime.now(UTC)))

    def run(command):
        server.sender = subprocess.Popen(
            [sys.executable, "-m", "digest", command],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": f"{ROOT}:{tmp_path}",
                "DIGEST_SMTP_URL": f"smtp://127.0.0.1:{port}",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return server.sender, server

    yield run
    server.may_answer.set()
    server.sender.kill()
    server.sender.communicate()
    controller.stop()


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "deliver"])
def test_who_is_interrupted_while_sending_finishes_the_group_in_hand_and_says_so(
    digest, interrupted, command
):
    process, server = interrupted(command)
    line = [process.stderr.readline() for _ in range(2)][-1]
    server.may_answer.set()
    out, err = process.communicate(timeout=60)

    assert line == "Finishing what is in hand; again, and it ends at once.\n"
    assert (process.returncode, err) == (130, "")
    sent = len(server.recipients)
    assert f"{sent} sent, 0 to be tried again, 0 refused." in out
    outbox = digest("status", "--json").json["outbox"]
    assert (outbox["sent"], outbox["queued"]) == (sent, 3 - sent)


@pytest.mark.slow
def test_who_is_interrupted_twice_ends_at_once(interrupted):
    process, _server = interrupted("deliver")
    process.stderr.readline()
    process.send_signal(signal.SIGINT)

    process.communicate(timeout=60)

    assert process.returncode == 130


@pytest.mark.slow
def test_who_is_to_ignore_interrupts_goes_on(interrupted):
    """As a shell has it for what a script leaves in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process, server = interrupted("deliver")
    finally:
        signal.signal(signal.SIGINT, before)
    server.may_answer.set()

    _, err = process.communicate(timeout=60)

    assert (process.returncode, err, len(server.recipients)) == (0, "", 3)


def test_what_expired_is_not_said_to_be_tried_again_and_work_is_left_undone(digest, monkeypatch):
    monkeypatch.setattr(App, "deliver", lambda *_args, **_more: Delivered(accepted=1, expired=2))
    digest("subscribe", "ada@example.org", "--topic", "cs.IR", "--confirmed")

    ran = digest("deliver")

    assert "1 sent, 0 to be tried again, 2 expired, 0 refused." in ran.out
    assert ran.code == 1


def test_a_run_goes_on_where_papers_cannot_be_placed_and_says_so_in_the_end(
    digest, source, tmp_path, monkeypatch
):
    source("idle_source", IDLE)
    digest("subscribe", "ada@example.org", "--topic", "cs.IR", "--confirmed")

    def fail(*_args, **_more):
        raise ConfigError("[ranking] embedder: tiny is not on this machine.")

    monkeypatch.setattr(App, "place", fail)

    ran = digest("run")

    assert ran.out.splitlines()[-1].startswith("1 digests composed")
    assert (ran.code, ran.err.count("tiny is not on this machine")) == (2, 1)
    assert "placing new papers failed" in digest("status").out


def test_a_run_sends_digests_also_while_the_mailbox_is_away_and_says_so_in_the_end(
    digest, source, monkeypatch
):
    source("idle_source", IDLE)
    digest("subscribe", "ada@example.org", "--topic", "cs.IR", "--confirmed")
    monkeypatch.setenv("DIGEST_INBOUND_DOMAIN", "papers.example.org")
    monkeypatch.setenv("DIGEST_INBOUND_IMAP", "imap://digest:secret@127.0.0.1:1")

    ran = digest("run")

    assert ran.out.splitlines()[-1].startswith("1 digests composed")
    assert ran.code == 1
    assert ran.err.count("The mailbox at 127.0.0.1 cannot be read now") == 1
    assert "taking in mail failed" in digest("status").out


class SlowEmbedder:
    """Each block of papers takes it half a minute by the clock of the application."""

    name = "embedder:tiny"
    dimensions = 1
    blocks: ClassVar[list[int]] = []

    def __init__(self, app):
        self._app = app

    def find(self):
        """It is here."""

    def papers(self, papers):
        clock = self._app.clock
        self._app.clock = lambda: clock() + timedelta(seconds=30)
        self.blocks.append(len(papers))
        return np.ones((len(papers), 1), np.float32)


@pytest.fixture
def slow(source, tmp_path, archive, monkeypatch):
    """The sizes of the blocks of 300 papers that a slow embedder has worked on."""
    source("idle_source", IDLE)
    with closing(open_store(tmp_path / "digest.db")) as store:
        store.papers.ingest(archive(range(300)))
    monkeypatch.setattr(App, "embedder", property(SlowEmbedder))
    monkeypatch.setattr(SlowEmbedder, "blocks", [])
    return SlowEmbedder.blocks


def test_a_run_places_papers_for_a_minute_and_who_asks_for_it_places_all(digest, slow):
    assert digest("run").code == 0
    assert slow == [64, 64]

    assert digest("learn").code == 0
    assert slow == [64, 64, 64, 64, 44]


def test_learning_by_hand_says_that_another_process_is_placing_and_a_run_goes_on(
    digest, slow, tmp_path
):
    with closing(open_store(tmp_path / "digest.db")) as store:
        store.lease("place", owner="another", now=datetime.now(UTC), seconds=60)

    learned = digest("learn")

    assert learned.code != 0
    assert "Another process is placing papers." in learned.err
    assert digest("run").code == 0
    assert slow == []
