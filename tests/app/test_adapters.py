"""What settings describe, as the world outside is told of it."""

from __future__ import annotations

import shutil
import threading

import pytest
from aiosmtpd.controller import Controller

from digest import doctor
from digest.app import App
from digest.config import load
from digest.model import Message

INTERNATIONAL, IN_ASCII = "bücher.example", "xn--bcher-kva.example"


@pytest.fixture
def app(tmp_path):
    """Make applications that write from an address at an international domain."""
    opened = []

    def make(**settings):
        overrides = {"db": str(tmp_path / "digest.db"), "mail.from": f"digest@{INTERNATIONAL}"}
        opened.append(App(load(environment={}, overrides=overrides | settings)))
        return opened[-1].create()

    yield make
    for each in opened:
        each.close()


class Greeted:
    """Notes by which name it is greeted."""

    def __init__(self):
        self.names = []

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802 - aiosmtpd's name
        session.host_name = hostname
        self.names.append(hostname)
        return responses


@pytest.fixture
def server(free_port):
    """The address of a mail server, and by which names it was greeted."""
    greeted, port = Greeted(), free_port()
    controller = Controller(greeted, hostname="127.0.0.1", port=port)
    controller.start()
    yield f"smtp://127.0.0.1:{port}", greeted.names
    controller.stop()


def test_a_database_that_another_process_is_making_is_waited_for(app, empty, tmp_path):
    """Worker and web start together: what one has just made is empty for a moment."""
    path = tmp_path / "digest.db"
    path.touch()
    made = shutil.copy(empty, tmp_path / "made.db")
    making = threading.Timer(0.1, made.rename, (path,))
    making.start()

    assert app().store.counts()["subscribers"] == 0

    making.join()


def test_a_mail_server_is_greeted_by_an_international_domain_in_ascii(app, server, now):
    url, names = server
    made = app(**{"smtp.url": url})
    letter = Message(
        digest_id="one",
        sender=made.site.mail_from,
        recipient="ada@example.org",
        content=b"Subject: Hello\r\n\r\nHello.\r\n",
    )

    (receipt,) = made.transport.send([letter], now)

    assert (receipt.code, names) == (250, [IN_ASCII])


def test_the_doctor_tries_it_under_the_same_name(app, server):
    url, names = server

    assert {level for level, _ in doctor._mail(app(**{"smtp.url": url}))} == {"fine"}

    assert names == [IN_ASCII]


def test_so_is_it_in_whatever_stands_in_headers(app):
    site = app(
        **{
            "mail.bounce_to": f"bounces@{INTERNATIONAL}",
            "mail.unsubscribe_to": f"stop@{INTERNATIONAL}",
        }
    ).site

    assert (site.mail_from, site.list_id) == (f"digest@{IN_ASCII}", f"digest.{IN_ASCII}")
    assert (site.bounce_to, site.unsubscribe_to) == (f"bounces@{IN_ASCII}", f"stop@{IN_ASCII}")


def test_a_domain_that_has_no_name_in_ascii_stands_as_it_is_set(app):
    assert app(**{"mail.from": "digest@-ü-.example"}).site.mail_from == "digest@-ü-.example"


def test_the_doctor_knows_that_bounces_go_to_the_same_domain(app):
    made = app(**{"mail.bounce_to": f"bounces@{INTERNATIONAL}", "site.url": "https://d.example"})

    levels = [each.level for each in doctor._guarded("sender", doctor._sender, made)]

    assert levels == ["fine"]
