"""Sending in several processes: the same mails, once each; a process that dies is no disaster."""

import os
import re
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from digest.app import processes, troubles, watched
from digest.errors import ConfigError, DigestError, RetryLater

pytestmark = pytest.mark.slow


@pytest.fixture
def waiting(several):
    """Make an application with mails for sixty people waiting."""

    def make(**settings):
        app = several(**settings)
        app.compose_edition(None)
        return app

    return make


@pytest.fixture
def share_out(several):
    """Have each of these done in a process of its own; what they come to."""

    def run(*shares):
        given = {"name": "share", "stopping": lambda: False, "progress": lambda _: None}
        return processes.run(several().settings, shares, **given)

    return run


def test_several_processes_send_everything_once_and_their_results_are_added_up(waiting, several):
    app = waiting()
    told = []

    done = app.deliver(progress=told.append)

    assert (done.accepted, sum(told)) == (several.people, several.people)
    assert len(list((several.folder / "maildir" / "new").iterdir())) == several.people
    attempts = Counter(
        each.digest_id
        for each, _ in app.store.ledger.deliveries(since=app.clock().replace(year=2000), limit=1000)
    )
    assert set(attempts.values()) == {1}
    assert app.store.ledger.counts()["sent"] == several.people


def test_each_breaks_off_when_the_time_of_the_round_is_up(waiting, several):
    app = waiting()

    done = app.deliver(until=app.clock() - timedelta(minutes=1))

    assert done.accepted == 0
    assert app.store.ledger.counts()["queued"] == several.people


def priority(app, *, stopping, progress):
    """A share: how the process that does it stands behind others."""
    return (os.getpriority(os.PRIO_PROCESS, 0),)


def test_they_give_way_to_what_somebody_waits_for(share_out):
    own = os.getpriority(os.PRIO_PROCESS, 0)

    found = share_out(priority, priority)

    lower = min(own + processes.NICENESS, 19)  # the last there is, which the suite itself may have
    assert found == [(lower,), (lower,)]


def test_asked_to_stop_they_stop_after_the_group_in_hand(waiting, several):
    app = waiting()

    done = app.deliver(stopping=lambda: True)

    counts = app.store.ledger.counts()
    assert counts["sending"] == 0
    assert done.accepted == counts["sent"] < several.people
    assert counts["queued"] == several.people - counts["sent"]


def test_one_that_is_killed_takes_nobody_with_it(waiting, several, kill_one):
    app = waiting()
    with pytest.raises(RetryLater, match="1 of 3 processes that send digests ended") as told:
        app.deliver(progress=kill_one)

    counts = app.store.ledger.counts()
    assert kill_one.killed
    assert counts["sent"] + counts["sending"] == several.people
    assert counts["sending"] <= 10, "what it had claimed waits for its lease"
    accepted = int(re.search(r"(\d+) sent", told.value.message)[1])
    assert 0 < accepted <= counts["sent"], "what the others sent is told"


def test_where_all_are_killed_that_is_kept_for_the_status(waiting, below_us):
    app = waiting(**{"smtp.processes": 2})

    def kill_all(_):
        for each in below_us():
            os.kill(each, signal.SIGKILL)

    with pytest.raises(RetryLater, match="2 of 2"):
        watched(app.store, "deliver", lambda: app.deliver(progress=kill_all), clock=app.clock)

    (trouble,) = troubles(app.store)
    assert (trouble.part, "2 of 2 processes" in trouble.cause) == ("deliver", True)


def test_one_that_is_killed_while_we_are_to_stop_is_no_trouble(waiting, kill_one):
    app = waiting()

    done = app.deliver(progress=kill_one, stopping=lambda: bool(kill_one.killed))

    assert kill_one.killed
    assert done.accepted <= app.store.ledger.counts()["sent"]


def test_ctrl_c_while_they_start_ends_none_of_them(share_out, below_us, capfd):
    started = threading.Event()

    def interrupt_each():
        done = set()
        while len(done) < 2 and not started.is_set():
            for each in set(below_us()) - done:
                os.kill(each, signal.SIGINT)
                done.add(each)
        return len(done)

    with ThreadPoolExecutor() as pool:
        interrupted = pool.submit(interrupt_each)
        try:
            found = share_out(priority, priority)
        finally:
            started.set()

    assert (interrupted.result(), capfd.readouterr().err) == (2, "")
    assert None not in found


def fault(app, *, stopping, progress):
    """A share: something is wrong inside Digest."""
    raise AttributeError("no such thing")


class Untravelled(Exception):
    """Says more than it was made of, which pickle cannot know."""

    def __init__(self, what, where):
        super().__init__(f"{what} in {where}")


def odd_fault(app, *, stopping, progress):
    """A share: a library has an error of its own."""
    raise Untravelled("a fault", "a library")


def short_of_memory(app, *, stopping, progress):
    """A share: there is too little memory for all."""
    raise MemoryError


def test_a_fault_is_raised_here_with_where_it_was_and_nothing_else_is_said(share_out, capfd):
    with pytest.raises(AttributeError, match="no such thing") as raised:
        share_out(fault, priority)

    (note,) = raised.value.__notes__
    assert "in fault\n" in note
    assert capfd.readouterr().err == ""


def test_a_fault_that_cannot_travel_is_told_in_words(share_out):
    with pytest.raises(DigestError, match=r"\(Untravelled: a fault in a library\)"):
        share_out(odd_fault, priority)


def test_one_that_is_short_of_memory_counts_as_one_that_died(share_out, capfd):
    lacking, other = share_out(short_of_memory, priority)

    assert (lacking, len(other)) == (None, 1)
    assert "Traceback" not in capfd.readouterr().err


def test_what_only_the_operator_can_mend_is_raised_here(waiting, several):
    (several.folder / "file").touch()
    app = waiting(**{"smtp.url": f"maildir:{several.folder / 'file' / 'maildir'}"})

    with pytest.raises(ConfigError, match="cannot be made"):
        app.deliver()
