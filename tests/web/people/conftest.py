"""A site with papers, a reader with a digest, a browser without script, and a mailbox."""

from __future__ import annotations

import email
import re
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from email import policy
from functools import partial
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from digest import subscriptions
from digest.app import App
from digest.config import load
from digest.model import Feedback, Via
from digest.rendering import links
from digest.web import application as asgi

SETTINGS = Path(__file__).parents[3] / "config" / "digest.toml"
SITE = "https://digest.example"
EDITION = "2026-06-10"
MORNING = datetime(2026, 6, 10, 7, tzinfo=UTC)
READER = "ada@example.org"


@pytest.fixture(scope="session")
def numbered(item):
    """Makes a paper by its number."""

    def make(number):
        return item(
            f"arxiv:2606.{number:05}",
            title=f"A study of retrieval number {number} <in> the wild & beyond",
            # Words of its own, or papers would be near-duplicates of each other.
            abstract=f"We report: map{number} fog{number} hill{number} lake{number}.",
            authors=("Mira Quennell", "Osei Tandoh"),
            categories=("cs.IR", "cs.CL"),
            url=f"https://arxiv.org/abs/2606.{number:05}",
        )

    return make


@pytest.fixture(scope="session")
def prepared(tmp_path_factory, numbered):
    """Two databases that are made once: one with papers, one with a reader and a digest too."""
    folder = tmp_path_factory.mktemp("prepared")
    settings = load(SETTINGS, environment={}, overrides={"db": str(folder / "papers.db")})
    with App(settings, clock=lambda: MORNING).create() as app:
        app.store.papers.ingest([numbered(number) for number in range(1, 9)])
        app.store.backup(folder / "before.db")
        enlist(app, READER)
        app.compose_edition(EDITION)
        app.store.backup(folder / "after.db")
    return {False: folder / "before.db", True: folder / "after.db"}


@pytest.fixture
def app(application, prepared, request):
    shutil.copy(prepared["person" in request.fixturenames], application.settings.db)
    return application


def enlist(app, address, *, confirmed=True, **wishes):
    return subscriptions.subscribe(
        app.store,
        address,
        subscriptions.Wishes(**({"topics": ["cs.IR"], "limit": 3} | wishes)),
        topics=app.settings.topics,
        defaults=app.newcomer,
        confirmed=confirmed,
        now=app.clock(),
    )


@pytest.fixture
def client(app):
    with TestClient(asgi(app), base_url=SITE) as client:
        yield client


@pytest.fixture
def join(app):
    """Make a subscriber, as an operator would."""

    return partial(enlist, app)


@pytest.fixture
def person(app):
    """A reader who has today's digest."""
    return app.store.subscribers.by_email(READER)


@pytest.fixture
def says_much(app, person, numbered):
    """The reader says the same of many other papers, a second apart, from the morning on."""

    def says_much(kind, count):
        items = [numbered(number) for number in range(1_000, 1_000 + count)]
        app.store.papers.ingest(items)
        for number, item in enumerate(items):
            said = Feedback(
                id=f"f_much_{number}",
                subscriber_id=person.id,
                kind=kind,
                paper_id=item.paper.id,
                via=Via.WEB,
                at=app.clock() + timedelta(seconds=number),
            )
            app.store.feedback.add(said)

    return says_much


@pytest.fixture
def now_is(app):
    """Move the clock."""

    def now_is(moment):
        app.moment[0] = moment

    return now_is


@pytest.fixture
def at(app):
    """The signed paths of a reader, by what they are for."""

    class At:
        def __init__(self, person):
            self.unsubscribe = self.path(links.unsubscribe(app.site, person))
            self.confirm = self.path(links.confirm(app.site, person, EDITION))
            self.digest = self.path(links.digest(app.site, person, EDITION))
            self.me = self.path(links.preferences(app.site, person, EDITION))
            minute = int(app.clock().timestamp() // 60)
            self.account = self.path(links.account(app.site, person, minute))

        @staticmethod
        def path(url):
            return url.removeprefix(SITE)

    return At


@pytest.fixture
def database(app):
    """Everything in the database, as text that can be compared."""

    def dump():
        with sqlite3.connect(app.settings.db) as connection:
            return list(connection.iterdump())

    return dump


@pytest.fixture
def mailbox(tmp_path):
    """What was mailed: to whom, and the text."""

    def mailbox():
        files = sorted(Path(tmp_path / "maildir").rglob("*"), key=lambda f: f.stat().st_mtime_ns)
        read = [
            email.message_from_bytes(each.read_bytes(), policy=policy.default)
            for each in files
            if each.is_file()
        ]
        return [(each["to"], each.get_body(("plain",)).get_content()) for each in read]

    return mailbox


@pytest.fixture
def link_in(mailbox):
    """The path of the last link mailed to an address that begins with some path."""

    def link_in(address, path):
        for to, text in reversed(mailbox()):
            found = re.search(rf"{SITE}({path}[^\s]*)", text)
            if address in to and found:
                return found[1]
        raise AssertionError(f"no link to {path} was mailed to {address}")

    return link_in


@pytest.fixture
def profile(app):
    """A reader's interests as (kind, value, weight), sorted."""

    def profile(person):
        (found,) = app.store.subscribers.profiles([person.id])
        return sorted((str(each.kind), each.value, each.weight) for each in found.interests)

    return profile


@pytest.fixture
def leave(client, at):
    """Unsubscribes someone, and gives the address that undoes it."""

    def leave(person):
        page = client.post(at(person).unsubscribe).text
        return re.search(r'action="(/u/[^"]+/back)"', page)[1]

    return leave
