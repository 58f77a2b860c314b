"""Everything that can be killed, killed at random, and a count of what the mailboxes hold.

    apt install postfix; run as root (Postfix wants that)
    python benchmarks/faults.py [--people 10000] [--faults 100] [--senders 4] [SCENARIO ...]

Sends through a Postfix of its own into one mailbox, by several `digest deliver` at once, each with
a database row of the same queue, and strikes until everybody's mail is settled. Prints what was
sent, lost and repeated, how many were in flight when a sender died, and how many of those the mail
server's log settled. `without-log` is for a mail server that cannot be asked: there, nothing may
be lost, and no more repeated than was in flight.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import invented

from digest.store import open_store

DOMAIN = "digest.example"
ROOT = Path(__file__).parents[1]
LONG_AGO = "2000-01-01T00:00:00.000000Z"
# What a lease leaves a mail server to write down what it took, in seconds instead of minutes.
WRITING_DOWN = 1.0
QUEUES = ("maildrop", "incoming", "active", "deferred")
PATIENCE = 120.0
# How long what was struck rests, where Postfix would have it rest a minute or five.
RESTING = ("transport_retry_time", "queue_run_delay", "minimal_backoff_time")
IMPATIENT = [f"{each} = 5s" for each in RESTING]
IN_FLIGHT = """
SELECT owner, count(*) FROM outbox JOIN claims ON fence = lease
WHERE state = 'sending' AND going_out IS NOT NULL GROUP BY owner
"""
SETTLED = "SELECT count(*) FROM deliveries WHERE reply LIKE '%log says%'"


Strike = Callable[["Trial", subprocess.Popen[bytes]], object]


def prepare(path: Path, people: int) -> Path:
    """A database in which that many digests wait, for addresses that Postfix takes."""
    store = open_store(path)
    store.migrate()
    made = invented.papers(200, length=(60, 90))
    store.papers.ingest(invented.items(made))
    expires = datetime.now(UTC) + timedelta(days=1)
    # Nobody is due for another digest: what counts is what becomes of these.
    readers = [
        replace(each, email=each.email.replace("example.org", "example.net"), due_at=expires)
        for each in invented.people(people)
    ]
    store.subscribers.add((each, []) for each in readers)
    digests = list(invented.digests(made, readers, picks=5))
    invented.queue(store, digests, expires, DOMAIN)
    store.close()
    return path


class Trial:
    """Senders that are started again whenever they end, until the queue is empty."""

    def __init__(
        self, folder: Path, postfix: object, *, people: int, senders: int, log: bool
    ) -> None:
        self.postfix = postfix
        self.db = prepare(folder / "digest.db", people)
        self.people = people
        self.chance = random.Random(17)
        self.wanted = senders
        self.senders: list[subprocess.Popen[bytes]] = []
        self.dead: list[tuple[float, int]] = []
        self.asleep: list[tuple[float, subprocess.Popen[bytes]]] = []
        self.in_flight = self.struck = 0
        self.settings = {
            "DIGEST_DB": str(self.db),
            "DIGEST_SITE_URL": f"https://{DOMAIN}",
            "DIGEST_MAIL_FROM": f"digest@{DOMAIN}",
            "DIGEST_SMTP_URL": f"{postfix.url}?security=none",
            "DIGEST_SMTP_TIMEOUT": "5",
            "DIGEST_SMTP_BLOCK": "200",
            "DIGEST_SMTP_MAILLOG": str(postfix.log) if log else "",
        }

    def rows(self, query: str, *values: object) -> list[tuple]:
        with closing(sqlite3.connect(self.db, timeout=30)) as db, db:
            return db.execute(query, values).fetchall()

    def outbox(self) -> dict[str, int]:
        return dict(self.rows("SELECT state, count(*) FROM outbox GROUP BY state"))

    def run(self, strike: Strike, faults: int) -> None:
        """Strike that often, and then let everything come to its end."""
        next_at = 0.0
        while self.outbox().get("sent", 0) < self.people:
            self._keep_up()
            due = self.struck < faults and time.monotonic() > next_at
            if due and (at_work := self._at_work()):
                strike(self, self.chance.choice(at_work))
                self.struck += 1
                next_at = time.monotonic() + self.chance.uniform(0.1, 1.0)
            time.sleep(self.chance.uniform(0.01, 0.1))
            assert not self.outbox().keys() & {"failed", "expired"}, self.outbox()
        for each in self.senders:
            each.wait(timeout=120)

    def kill_a_sender(self, victim: subprocess.Popen[bytes]) -> None:
        victim.kill()
        victim.wait()
        self._is_gone(victim)

    def put_a_sender_to_sleep(self, victim: subprocess.Popen[bytes]) -> None:
        victim.send_signal(signal.SIGSTOP)
        self._is_gone(victim)
        seconds = self.chance.uniform(2, 6)
        self.asleep.append((time.monotonic() + seconds, victim))
        # It may sleep with the database locked, and then we could not wake it from here.
        threading.Timer(seconds, victim.send_signal, [signal.SIGCONT]).start()

    def kill_the_mail_server(self, _: subprocess.Popen[bytes]) -> None:
        """One of Postfix's processes, any of them but the one that starts them."""
        master = self.postfix.master
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        if children:
            os.kill(int(self.chance.choice(children)), signal.SIGKILL)

    def _keep_up(self) -> None:
        """Run out leases, bring forward what was put off, and start who is missing."""
        now = time.monotonic()
        self.asleep = [each for each in self.asleep if now < each[0]]
        for at, pid in self.dead:
            if now >= at:
                self.rows(
                    "UPDATE claims SET until = ? WHERE owner LIKE ? RETURNING 1",
                    LONG_AGO,
                    f"%.{pid}.%",
                )
        self.dead = [each for each in self.dead if now < each[0]]
        soon = int(time.time() - WRITING_DOWN)
        self.rows(
            """
            UPDATE outbox SET due_at = 0 WHERE state = 'retry' AND due_at > 0
                AND coalesce(in_doubt, 0) < ? RETURNING 1
            """,
            soon,
        )
        self.senders = [each for each in self.senders if each.poll() is None]
        while len(self.senders) < self.wanted:
            self.senders.append(
                subprocess.Popen(
                    [sys.executable, "-m", "digest", "deliver"],
                    env={**os.environ, "PYTHONPATH": str(ROOT), **self.settings},
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )

    def _is_gone(self, victim: subprocess.Popen[bytes]) -> None:
        """Count what it had in flight; its lease will run out."""
        self.in_flight += self._in_flight().get(victim.pid, 0)
        self.dead.append((time.monotonic() + WRITING_DOWN, victim.pid))

    def _at_work(self) -> list[subprocess.Popen[bytes]]:
        """The senders, awake, that have something in flight."""
        in_flight, asleep = self._in_flight(), [each for _, each in self.asleep]
        return [each for each in self.senders if each.pid in in_flight and each not in asleep]

    def _in_flight(self) -> dict[int, int]:
        """Messages marked as going out, by the process that has them."""
        return {int(owner.split(".")[-2]): count for owner, count in self.rows(IN_FLIGHT)}


SCENARIOS: dict[str, tuple[Strike, bool]] = {
    "senders": (Trial.kill_a_sender, True),
    "sleep": (Trial.put_a_sender_to_sleep, True),
    "server": (Trial.kill_the_mail_server, True),
    "without-log": (Trial.kill_a_sender, False),
}


@contextmanager
def own_postfix() -> Iterator[object]:
    """The tests' own Postfix, with one mailbox for everybody."""
    spec = importlib.util.spec_from_file_location("conftest", ROOT / "tests" / "conftest.py")
    tests = importlib.util.module_from_spec(spec)
    sys.modules["conftest"] = tests
    spec.loader.exec_module(tests)
    with tests.postfix_instances() as start:
        yield start(["@example.net"], *IMPATIENT)


def is_whole(path: Path) -> bool:
    """Whether Postfix has all of a message: what it was killed over while receiving it never will."""
    return path.is_file() and bool(path.stat().st_mode & stat.S_IXUSR)


def arrived(postfix: object) -> Counter[bytes]:
    """How often each Message-ID lies in the mailbox, once Postfix has nothing left to deliver."""
    copies: Counter[bytes] = Counter()
    queue = postfix.mail.parent / "queue"
    deadline = time.monotonic() + PATIENCE
    while any(is_whole(each) for name in QUEUES for each in (queue / name).rglob("*")):
        assert time.monotonic() < deadline, "Postfix does not deliver what it has"
        time.sleep(1)
    for file in postfix.files():
        head = file.read_bytes().partition(b"\n\n")[0]
        copies[next(x for x in head.split(b"\n") if x.lower().startswith(b"message-id:"))] += 1
    return copies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(SCENARIOS))
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--senders", type=int, default=4)
    given = parser.parse_args()
    print(f"{given.people} messages, {given.senders} senders\n")
    print("scenario      faults    sent    lost  repeated  in flight  settled by the log  seconds")
    for name in given.scenarios or SCENARIOS:
        strike, log = SCENARIOS[name]
        folder = Path(tempfile.mkdtemp(prefix="digest-faults-"))
        try:
            with own_postfix() as postfix:
                trial = Trial(folder, postfix, people=given.people, senders=given.senders, log=log)
                begin = time.monotonic()
                trial.run(strike, given.faults)
                seconds = time.monotonic() - begin
                copies = arrived(postfix)
                settled = trial.rows(SETTLED)[0][0]
        finally:
            shutil.rmtree(folder)
        print(
            f"{name:12}{trial.struck:8}{len(copies):8}{given.people - len(copies):8}"
            f"{copies.total() - len(copies):10}{trial.in_flight:11}{settled:20}{seconds:9.0f}"
        )


if __name__ == "__main__":
    main()
