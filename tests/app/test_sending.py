"""Sending in several processes: the same mails, once each; a process that dies is no disaster."""

import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from digest import subscriptions
from digest.app import App
from digest.config import load
from digest.errors import ConfigError

pytestmark = pytest.mark.slow

PEOPLE = 60


@pytest.fixture
def several(tmp_path, archive, now):
    """Make an application at today's date, with mails for sixty people waiting."""
    made = []

    def make(**settings):
        loaded = load(
            environment={},
            overrides={
                "db": str(tmp_path / "digest.db"),
                "smtp.url": f"maildir:{tmp_path / 'maildir'}",
                "smtp.processes": 3,
                "smtp.block": 10,
                "sources.arxiv.options": {"nested": True},
                **settings,
            },
        )
        app = App(loaded)
        made.append(app.create())
        app.store.papers.ingest(archive(range(5), seen_at=app.clock()))
        for number in range(PEOPLE):
            subscriptions.subscribe(
                app.store,
                f"reader{number}@example.net",
                subscriptions.Wishes(topics=["cs.LG"]),
                topics=app.settings.topics,
                defaults=app.newcomer,
                confirmed=True,
                now=app.clock(),
            )
        app.compose_edition(None)
        return app

    yield make
    for app in made:
        app.close()


def senders():
    """The processes below this one that send."""
    mine = Path(f"/proc/self/task/{os.getpid()}/children")
    commands = {int(pid): Path(f"/proc/{pid}/cmdline") for pid in mine.read_text().split()}
    return [pid for pid, command in commands.items() if b"spawn_main" in command.read_bytes()]


def test_several_processes_send_everything_once_and_their_results_are_added_up(several, tmp_path):
    app = several()
    told = []

    done = app.deliver(progress=told.append)

    assert (done.accepted, sum(told)) == (PEOPLE, PEOPLE)
    assert len(list((tmp_path / "maildir" / "new").iterdir())) == PEOPLE
    attempts = Counter(
        each.digest_id
        for each, _ in app.store.ledger.deliveries(since=app.clock().replace(year=2000), limit=1000)
    )
    assert set(attempts.values()) == {1}
    assert app.store.ledger.counts()["sent"] == PEOPLE


def test_asked_to_stop_they_stop_after_the_group_in_hand(several):
    app = several()

    done = app.deliver(stopping=lambda: True)

    counts = app.store.ledger.counts()
    assert counts["sending"] == 0
    assert done.accepted == counts["sent"] < PEOPLE
    assert counts["queued"] == PEOPLE - counts["sent"]


def test_one_that_is_killed_takes_nobody_with_it(several):
    app = several()
    killed = []

    def kill_one(_count):
        if not killed:
            killed.append(senders()[0])
            os.kill(killed[0], signal.SIGKILL)

    done = app.deliver(progress=kill_one)

    counts = app.store.ledger.counts()
    assert killed
    assert counts["sent"] + counts["sending"] == PEOPLE
    assert counts["sending"] <= 10, "what it had claimed waits for its lease"
    assert done.accepted <= counts["sent"]


def test_what_only_the_operator_can_mend_is_raised_here(several, tmp_path):
    (tmp_path / "file").touch()
    app = several(**{"smtp.url": f"maildir:{tmp_path / 'file' / 'maildir'}"})

    with pytest.raises(ConfigError, match="cannot be made"):
        app.deliver()
