"""Sending in several processes: the same mails, once each; a process that dies is no disaster."""

import os
from collections import Counter
from datetime import timedelta

import pytest

from digest.app import processes
from digest.errors import ConfigError

pytestmark = pytest.mark.slow


@pytest.fixture
def waiting(several):
    """Make an application with mails for sixty people waiting."""

    def make(**settings):
        app = several(**settings)
        app.compose_edition(None)
        return app

    return make


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


def test_they_give_way_to_what_somebody_waits_for(several):
    own = os.getpriority(os.PRIO_PROCESS, 0)

    found = processes.run(
        several().settings,
        [priority, priority],
        name="share",
        stopping=lambda: False,
        progress=lambda _: None,
    )

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
    done = app.deliver(progress=kill_one)

    counts = app.store.ledger.counts()
    assert kill_one.killed
    assert counts["sent"] + counts["sending"] == several.people
    assert counts["sending"] <= 10, "what it had claimed waits for its lease"
    assert done.accepted <= counts["sent"]


def test_what_only_the_operator_can_mend_is_raised_here(waiting, several):
    (several.folder / "file").touch()
    app = waiting(**{"smtp.url": f"maildir:{several.folder / 'file' / 'maildir'}"})

    with pytest.raises(ConfigError, match="cannot be made"):
        app.deliver()
