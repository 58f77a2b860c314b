"""What the operator is told of the pace: by the doctor, and by the forecast."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from digest import doctor
from digest.app import App
from digest.config import load
from digest.delivery import said
from digest.errors import ConfigError
from digest.model import Letter, Status, Subscriber
from digest.store import open_store
from digest.testing import MemoryTransport

SERVER = "smtp://mx.example.net:587"


@pytest.fixture
def app(tmp_path, now):
    """Make applications that send over SMTP, with settings of their own."""
    opened = []

    def make(**smtp):
        overrides = {"db": str(tmp_path / "digest.db"), "smtp.url": SERVER}
        settings = load(
            environment={},
            overrides=overrides | {f"smtp.{key}": value for key, value in smtp.items()},
        )
        opened.append(App(settings, clock=lambda: now))
        opened[-1].create()
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def findings(app):
    return [(each.level, each.text) for each in doctor._guarded("pace", doctor._pace, app)]


def test_without_caps_the_doctor_has_nothing_to_say(app):
    assert findings(app()) == []


def test_sensible_caps_are_repeated(app):
    assert findings(app(per_second=14, per_day=50_000)) == [
        ("fine", "at most 14 per second, 50000 per day")
    ]


@pytest.mark.parametrize(
    ("caps", "words"),
    [
        ({"per_hour": 500, "per_day": 100}, "per_hour = 500 has no effect: per_day = 100 is less"),
        (
            {"per_second": 1, "per_day": 10**6},
            "per_day = 1000000 is never reached at per_second = 1",
        ),
        ({"per_hour": 10, "per_day": 1000}, "per_day = 1000 is never reached at per_hour = 10"),
        ({"per_day": 5, "url": "stdout:"}, "apply to mail servers only"),
    ],
)
def test_the_doctor_warns_of_caps_that_make_no_sense(app, caps, words):
    assert any(level == "warning" and words in text for level, text in findings(app(**caps)))


def test_the_doctor_warns_of_fewer_a_day_than_there_are_readers(app, now):
    made = app(per_day=2)
    people = (
        Subscriber(
            id=f"s_{number}",
            email=f"reader{number}@example.org",
            status=Status.ACTIVE,
            key=f"{number:032x}",
            created_at=now,
        )
        for number in range(3)
    )
    made.store.subscribers.add((each, []) for each in people)

    assert "is less than the 3 active subscribers" in findings(made)[-1][1]


def test_what_the_pacer_learns_is_what_the_forecast_reads(app, now):
    made = app(per_hour=10)
    grant = made.pacer.ask({"a.example": 10}, now)

    assert sum(grant.allowed.values()) == 1  # a server that is new is offered one at first
    assert made.store.pace.load("mx.example.net:587") is not None
    assert made.courier_pacer.room(now + timedelta(seconds=30), 50).count > 0
    assert said(made.forecast(), now) == "none wait"


def test_a_server_on_this_machine_is_offered_more_at_first(app, now):
    grant = app(url="smtp://127.0.0.1:25").pacer.ask({"a.example": 1000}, now)

    assert sum(grant.allowed.values()) > 100


def test_a_folder_has_no_pace(app, tmp_path, now):
    grant = app(url=f"maildir:{tmp_path / 'out'}", per_hour=1).pacer.ask({"a.example": 1000}, now)

    assert grant.allowed == {"a.example": 1000}


def queue(app, letters):
    app.store.post.put(
        Letter(
            id=f"letter {number}",
            kind="help",
            sender="digest@example.org",
            recipient="ada@example.org",
            content=b"",
            at=app.clock(),
            expires_at=app.clock() + timedelta(days=1),
        )
        for number in range(letters)
    )


def counted(app):
    """How many messages are known to have gone within the day."""
    known = app.store.pace.load("mx.example.net:587")
    return sum(count for _, count in known.used["per_day"]) if known else 0


class Ending(MemoryTransport):
    """Takes all letters, and then something else goes wrong."""

    def send(self, messages, now, **held):
        yield from super().send(messages, now, **held)
        raise ConfigError("The disk is full.")


def test_letters_that_went_are_counted_even_if_posting_ends_with_an_error(app):
    made = app(per_day=100)
    made.__dict__["courier"] = Ending()
    queue(made, letters=3)

    with pytest.raises(ConfigError, match="full"):
        made.post()

    assert counted(made) == 3


def test_letters_that_went_while_the_database_is_busy_are_counted_with_the_next(app, tmp_path):
    made = app(per_day=100)

    class Locking(MemoryTransport):
        """Once the last letter is settled, another process writes for long."""

        def send(self, messages, now, **held):
            yield from super().send(messages, now, **held)
            other.execute("BEGIN IMMEDIATE")

    made.__dict__ |= {
        "courier": Locking(),
        "store": open_store(tmp_path / "digest.db", timeout=0.01),
    }
    made.store.migrate()
    queue(made, letters=3)
    with closing(sqlite3.connect(tmp_path / "digest.db", isolation_level=None)) as other:
        assert made.post().accepted == 3
    assert counted(made) == 0

    made.__dict__["courier"] = MemoryTransport()
    made.post()
    assert counted(made) == 3
