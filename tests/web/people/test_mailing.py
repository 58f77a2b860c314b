"""Letters and first digests leave behind the answers, however long a mail server takes."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module

import pytest

from digest.testing import MemoryTransport
from digest.web.mailing import Mailing

PATIENCE = 30
THREADS = 4
MANY = THREADS + 2


class Silent(MemoryTransport):
    """A mail server that takes a connection, and says nothing until it is told to."""

    def __init__(self):
        super().__init__()
        self.speaks = threading.Event()

    def send(self, messages, now, **how):
        assert self.speaks.wait(PATIENCE)
        yield from super().send(messages, now, **how)


@pytest.fixture
def app(app, monkeypatch):
    """A site with few threads, and one network that may ask often."""
    monkeypatch.setattr(import_module("digest.web.application"), "THREADS", THREADS)
    app.settings = replace(app.settings, web=replace(app.settings.web, signups=1_000))
    return app


@pytest.fixture
def server(app):
    server = Silent()
    app.__dict__["courier"] = server
    return server


@pytest.fixture
def browsers(client, server):
    """As many browsers as one likes, at once."""
    with ThreadPoolExecutor(2 * MANY) as browsers:
        yield browsers
        server.speaks.set()


@pytest.fixture
def site_answers(client, browsers):
    """The site shows more pages, one after another, than it has threads to do so."""

    def site_answers():
        pages = [
            browsers.submit(client.get, "/health").result(timeout=PATIENCE / 2) for _ in range(MANY)
        ]
        return {page.status_code for page in pages} == {200}

    return site_answers


def test_a_mail_server_that_says_nothing_holds_up_no_page_and_loses_no_letter(
    client, server, browsers, site_answers
):
    addresses = [f"reader{number}@example.org" for number in range(MANY)]
    wishes = {"topics": ["cs.IR"], "keywords": "reranking"}
    asked = [
        browsers.submit(client.post, "/subscribe", data=wishes | {"email": each})
        for each in addresses
    ]

    assert site_answers()

    server.speaks.set()
    assert {each.result(timeout=PATIENCE).status_code for each in asked} == {200}
    assert sorted(each.recipient for each in server.sent) == sorted(addresses)


def test_nor_do_first_digests_that_wait_for_it(client, server, browsers, site_answers, join, at):
    people = [join(f"reader{number}@example.org", confirmed=False) for number in range(MANY)]
    pressed = [browsers.submit(client.post, at(each).confirm) for each in people]

    assert site_answers()

    server.speaks.set()
    assert {each.result(timeout=PATIENCE).status_code for each in pressed} == {200}
    assert sorted(each.recipient for each in server.sent) == sorted(each.email for each in people)


def test_a_letter_written_while_another_post_is_ending_is_not_left_to_it(
    client, app, server, browsers, site_answers, monkeypatch
):
    server.speaks.set()
    post, looked, may_end = app.post, threading.Event(), threading.Event()

    def post_and_end_late():
        done = post()
        if not looked.is_set():
            looked.set()
            assert may_end.wait(PATIENCE)
        return done

    monkeypatch.setattr(app, "post", post_and_end_late)
    first, second = "first@example.org", "second@example.org"
    wishes = {"topics": ["cs.IR"], "keywords": "reranking"}
    asked = [browsers.submit(client.post, "/subscribe", data=wishes | {"email": first})]
    assert looked.wait(PATIENCE)
    asked.append(browsers.submit(client.post, "/subscribe", data=wishes | {"email": second}))
    assert site_answers()  # meanwhile the second is written

    may_end.set()
    assert {each.result(timeout=PATIENCE).status_code for each in asked} == {200}
    assert [each.recipient for each in server.sent] == [first, second]


def test_of_two_letters_none_is_lost_when_the_answer_is_broken_off(app):
    begun, goes_on, second = threading.Event(), threading.Event(), threading.Event()

    def first():
        begun.set()
        goes_on.wait(PATIENCE)

    async def broken_off():
        task = asyncio.create_task(Mailing(app).letters(first, second.set)())
        await asyncio.to_thread(begun.wait, PATIENCE)
        task.cancel()
        goes_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(second.wait, 5)

    asyncio.run(broken_off())
