"""An application with many readers, and the processes it starts."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from digest import subscriptions
from digest.app import App
from digest.config import load

PEOPLE = 60


class Several:
    """Makes applications on one database, at today's date, with five papers for sixty people who are due."""

    people = PEOPLE

    def __init__(self, folder, items):
        self.folder = folder
        self._items = items
        self._made = []

    def __call__(self, **settings):
        """An application with settings of its own; the first one puts people and papers in."""
        loaded = load(
            environment={},
            overrides={
                "db": str(self.folder / "digest.db"),
                "smtp.url": f"maildir:{self.folder / 'maildir'}",
                "smtp.processes": 3,
                "smtp.block": 10,
                "ranking.processes": 3,
                "ranking.block": 5,
                "sources.arxiv.options": {"nested": True},
                **settings,
            },
        )
        app = App(loaded)
        if not self._made:
            app.create()
            app.store.papers.ingest(self._items(range(5), seen_at=app.clock()))
            for number in range(PEOPLE):
                person = subscriptions.subscribe(
                    app.store,
                    f"reader{number}@example.net",
                    subscriptions.Wishes(topics=["cs.LG"]),
                    topics=app.settings.topics,
                    defaults=app.newcomer,
                    confirmed=True,
                    now=app.clock(),
                )
                app.store.subscribers.save(replace(person, due_at=app.clock()))
        self._made.append(app)
        return app

    def close(self):
        for app in self._made:
            app.close()


@pytest.fixture
def several(tmp_path, archive):
    """Applications whose work is worth three processes."""
    made = Several(tmp_path, archive)
    yield made
    made.close()


@pytest.fixture
def kill_one(below_us):
    """Called with whatever, kills one of the processes below this one, once; `.killed` is which."""

    def kill(*_):
        if not kill.killed:
            kill.killed.append(below_us()[0])
            os.kill(kill.killed[0], signal.SIGKILL)

    kill.killed = []
    return kill


@pytest.fixture
def below_us():
    """The processes below this one, by id."""

    def look():
        mine = Path(f"/proc/self/task/{os.getpid()}/children")
        commands = {int(pid): Path(f"/proc/{pid}/cmdline") for pid in mine.read_text().split()}
        return [pid for pid, command in commands.items() if b"spawn_main" in command.read_bytes()]

    return look
