"""With a Postfix of one's own, whatever is killed or stopped: nobody is lost, nobody gets two."""

import logging
import os
import random
import re
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing

import pytest

pytestmark = pytest.mark.slow
log = logging.getLogger(__name__)

PEOPLE = 150
DELIVER = ("deliver", "--date", "2026-06-11")
LONG_AGO = "2000-01-01T00:00:00.000000Z"
# What the lease leaves a mail server before anybody asks it, here in seconds instead of minutes.
WRITING_DOWN = 1.0


@pytest.fixture
def postfix(start_postfix):
    """Postfix with a mailbox for each reader and a log of its own."""
    return start_postfix([f"reader{number}@example.net" for number in range(PEOPLE)])


@pytest.fixture
def digest(command_line, postfix, tmp_path):
    """Everybody's digest waits to be sent through Postfix, whose log can be read."""
    made = command_line(tmp_path)
    made.settings |= {
        "DIGEST_SMTP_URL": postfix.url,
        "DIGEST_SMTP_MAILLOG": str(postfix.log),
        "DIGEST_SMTP_BLOCK": "60",
    }
    made.ready(PEOPLE)
    yield made
    made.stop()


@pytest.fixture
def some_arrive(postfix, eventually):
    """Wait until a few more mails have arrived."""

    def wait(more=8):
        before = len(postfix.files())
        assert eventually(lambda: len(postfix.files()) >= before + more, 30)

    return wait


@pytest.fixture
def everybody_has_one(digest, postfix, eventually):
    """Deliver what is left, and count: nobody has none, and at most `repeated` people two."""

    def check(repeated=0):
        last = digest(*DELIVER)
        assert eventually(lambda: digest.outbox() == {"sent": PEOPLE}, 1), digest.outbox()
        # A Postfix that has lost its queue manager waits a minute before it starts another.
        eventually(lambda: len({each.parent.parent for each in postfix.files()}) == PEOPLE, 70)
        time.sleep(WRITING_DOWN)  # for one that would be too many
        # By queue id: a Postfix whose queue manager was killed may itself file what it has twice.
        taken = {(each.parent.parent.name, queue_id(each)) for each in postfix.files()}
        copies = Counter(name for name, _ in taken)
        asked = digest.rows("SELECT count(*) FROM deliveries WHERE reply LIKE '%log says%'")
        log.info("%s; settled by the log: %s", last.out, asked)
        names = [f"reader{number}" for number in range(PEOPLE)]
        others = {each: copies[each] for each in names if copies[each] != 1}
        assert len(others) <= repeated, others
        assert all(each == 2 for each in others.values()), others

    return check


def run_out(digest):
    """The leases of whoever is gone (or asleep) run out, minutes later."""
    time.sleep(WRITING_DOWN)
    digest.rows("UPDATE claims SET until = ? RETURNING 1", LONG_AGO)


def put_to_sleep(process, digest):
    """Stop a process between its transactions: within one it would keep everybody else out."""
    while True:
        process.send_signal(signal.SIGSTOP)
        with closing(sqlite3.connect(digest.db, timeout=0.2, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                process.send_signal(signal.SIGCONT)
                time.sleep(0.01)
            else:
                return


def test_when_senders_are_killed_at_random(digest, some_arrive, everybody_has_one):
    chance = random.Random(3)
    for _ in range(4):
        process = digest.start(*DELIVER)
        some_arrive()
        time.sleep(chance.uniform(0, 0.05))
        process.kill()
        process.wait()
        run_out(digest)

    everybody_has_one()


def test_when_one_of_several_sending_processes_is_killed(
    digest, some_arrive, everybody_has_one, below
):
    process = digest.start(*DELIVER, DIGEST_SMTP_PROCESSES="2", DIGEST_SMTP_BLOCK="40")
    some_arrive()
    os.kill(random.Random(5).choice(below(process.pid)), signal.SIGKILL)
    assert process.wait(timeout=60) == 1, "the other one goes on, and somebody is told"
    run_out(digest)

    everybody_has_one()


def test_when_the_sending_processes_lose_their_parent(
    digest, some_arrive, everybody_has_one, below, is_running
):
    process = digest.start(*DELIVER, DIGEST_SMTP_PROCESSES="2", DIGEST_SMTP_BLOCK="40")
    some_arrive()
    children = below(process.pid)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 30
    while any(is_running(each) for each in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(is_running(each) for each in children), "they stop by themselves"

    everybody_has_one()


def test_when_a_sender_sleeps_past_its_lease(digest, some_arrive, everybody_has_one):
    sleeper = digest.start(*DELIVER)
    some_arrive()
    put_to_sleep(sleeper, digest)
    run_out(digest)
    other = digest(*DELIVER)
    sleeper.send_signal(signal.SIGCONT)
    assert sleeper.wait(timeout=60) in (0, 1)

    assert " 0 sent" not in other.out
    # It may have fallen asleep between looking at its lease and sending the final dot: once.
    everybody_has_one(repeated=1)


def test_when_the_mail_servers_own_processes_are_killed(
    digest, postfix, eventually, everybody_has_one, below
):
    digest.settings["DIGEST_SMTP_TIMEOUT"] = "3"
    chance = random.Random(7)
    victims = [b"smtpd", b"cleanup", b"smtpd", b"qmgr"]
    process = digest.start(*DELIVER)
    while digest.outbox() != {"sent": PEOPLE}:
        before = len(postfix.files())
        eventually(
            lambda at=before + 8, sender=process: (
                len(postfix.files()) >= at or sender.poll() is not None
            )
        )
        if process.poll() is not None:
            put_off_is_due(digest)
            process = digest.start(*DELIVER)
        elif victims:
            time.sleep(chance.uniform(0, 0.05))
            for pid in below(postfix.master, victims.pop()):
                os.kill(pid, signal.SIGKILL)
    assert not victims

    everybody_has_one()


def put_off_is_due(digest):
    """What was put off comes again, minutes later."""
    time.sleep(WRITING_DOWN)
    digest.rows("UPDATE outbox SET due_at = 0 WHERE state = 'retry' RETURNING 1")


def queue_id(mail):
    return re.search(rb"with ESMTP id (\w+)", mail.read_bytes())[1]
