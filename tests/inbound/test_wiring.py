"""The doors, the application and the worker together."""

import shutil
import smtplib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from digest import doctor, worker
from digest.errors import ConfigError
from digest.inbound import lmtp
from digest.testing import MemoryTransport, RecordedFetcher

DOMAIN = "digest.example"
MAIL = (
    b"Authentication-Results: mx.digest.example; dkim=pass header.d=example.org\r\n"
    b"From: Ada <ada@example.org>\r\nTo: subscribe@digest.example\r\nSubject: cs.IR\r\n"
    b"Message-ID: <1@example.org>\r\n\r\n"
)


@pytest.fixture
def app(application):
    """An application that takes mail in, and whose network answers nothing."""
    application.__dict__["fetcher"] = RecordedFetcher({})

    def settle(**changes):
        given = {"domain": DOMAIN, "authserv_id": "mx.digest.example", **changes}
        inbound = replace(application.settings.inbound, **given)
        application.settings = replace(application.settings, inbound=inbound)
        return application

    return settle


def send(address, raw=MAIL, to="subscribe@digest.example"):
    host, _, port = address.rpartition(":")
    with smtplib.LMTP(host, int(port), local_hostname="localhost") as client:
        client.sendmail("ada@example.org", [to], raw)


def test_a_mail_is_answered_at_once(app, mails):
    app().take_in(MAIL, ["subscribe@digest.example"])
    (asked,) = mails()
    assert asked["to"] == "ada@example.org"
    assert asked["reply-to"].addresses[0].addr_spec.startswith("reply+s_")


def test_an_answer_that_cannot_leave_now_waits_and_the_mail_is_taken(app, mails, tmp_path):
    application = app()
    good = application.settings.smtp
    application.settings = replace(application.settings, smtp=replace(good, url="gopher://x"))
    application.take_in(MAIL)
    assert application.store.post.waiting() == 1

    application.settings = replace(application.settings, smtp=good)
    application.post()
    assert len(mails()) == 1


def test_a_mail_is_taken_while_another_thread_waits_for_the_mail_server(app, monkeypatch):
    monkeypatch.setattr("digest.app.correspondent.PATIENCE", 0.01)
    asked, speaks = Event(), Event()

    class Silent(MemoryTransport):
        def send(self, messages, now, **how):
            asked.set()
            assert speaks.wait(30)
            yield from super().send(messages, now, **how)

    application = app()
    server = application.__dict__["courier"] = Silent()
    with ThreadPoolExecutor() as threads:
        first = threads.submit(application.take_in, MAIL)
        assert asked.wait(30)
        second = MAIL.replace(b"<1@", b"<2@").replace(b"ada@", b"bo@")
        assert application.take_in(second), "it does not wait for the mail server"
        speaks.set()
        assert first.result(timeout=30)

    application.post()
    assert [each.recipient for each in server.sent] == ["ada@example.org", "bo@example.org"]


def test_without_a_domain_no_mail_is_taken_in(app):
    with pytest.raises(ConfigError, match="domain"):
        app(domain="").take_in(MAIL)


def test_the_worker_listens_and_what_comes_in_is_answered(app, mails, free_port):
    address = f"127.0.0.1:{free_port()}"
    door = worker.Door(app(lmtp=address))
    door.open()
    send(address)
    door.close()
    assert len(mails()) == 1
    with pytest.raises(ConnectionRefusedError):
        send(address)


def test_a_second_worker_listens_once_the_first_has_gone(app, mails, free_port):
    address = f"127.0.0.1:{free_port()}"
    application = app(lmtp=address)
    first, second = worker.Door(application), worker.Door(application)
    first.open()
    second.open()
    send(address)
    first.close()
    second.open()
    send(address, MAIL.replace(b"<1@", b"<2@").replace(b"ada@", b"bo@"))
    second.close()
    assert len(mails()) == 2


def test_a_door_that_cannot_be_opened_stops_the_worker_at_once(app):
    with pytest.raises(ConfigError, match="lmtp"):
        worker.Door(app(lmtp="nonsense")).open()


def test_a_port_that_another_program_holds_stops_the_worker_and_is_wrong_for_the_doctor(
    app, stranger
):
    application = app(lmtp=stranger(b"220 mx.example.org ESMTP Postfix\r\n"))

    with pytest.raises(ConfigError, match="another program listens"):
        worker.Door(application).open()

    wrong = [each.text for each in doctor.examine(application) if each.level == "wrong"]
    assert any("another program listens" in text for text in wrong)


def test_two_digests_cannot_listen_at_one_address_and_the_second_says_so(app, free_port, caplog):
    address = f"127.0.0.1:{free_port()}"
    application = app(lmtp=address)
    other = lmtp.Server(
        lambda raw, to: None,
        address,
        secret=b"another database's",
        domains=["other.example"],
    )
    try:
        with pytest.raises(ConfigError, match="another Digest"):
            worker.Door(application).open()
        worker.tick(application, door=worker.Door(application))
        wrong = [each.text for each in doctor.examine(application) if each.level == "wrong"]
    finally:
        other.close()

    assert "mail: [inbound] lmtp: another Digest, with another database" in caplog.text
    assert any("another Digest" in text for text in wrong)


def test_mail_that_comes_in_once_the_database_was_replaced_waits(app, free_port, tmp_path, empty):
    address = f"127.0.0.1:{free_port()}"
    application = app(lmtp=address)
    door = worker.Door(application)
    door.open()
    there = Path(application.settings.db)
    there.rename(tmp_path / "moved.db")
    shutil.copy(empty, there)
    try:
        with pytest.raises(smtplib.SMTPDataError) as kept:
            send(address)
    finally:
        door.close()
    assert kept.value.smtp_code == 451


def test_the_door_takes_mail_for_every_address_that_our_mails_name_and_no_other(app, free_port):
    address = f"127.0.0.1:{free_port()}"
    application = app(lmtp=address)
    named = replace(
        application.settings.mail,
        from_="papers@lab.example",
        bounce_to="bounces@mx.example",
        unsubscribe_to="leave@Lists.example",
    )
    application.settings = replace(application.settings, mail=named)
    ours = {DOMAIN, "lab.example", "mx.example", "lists.example"}
    door = worker.Door(application)
    door.open()
    try:
        for number, each in enumerate(sorted(ours)):
            send(address, MAIL.replace(b"<1@", f"<{number}@".encode()), to=f"x@{each}")
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            send(address, to="unsubscribe@other.example")
    finally:
        door.close()


def test_without_a_mailbox_nothing_is_fetched(app):
    assert app().fetch_mail() == 0


def test_the_doctor_warns_of_a_door_that_is_open_to_all(app):
    def said(**changes):
        found = doctor.examine(app(**changes))
        return [each.text for each in found if each.check == "inbound" and each.level == "warning"]

    assert said(lmtp="127.0.0.1:2424") == []
    assert "loopback" in " ".join(said(lmtp="0.0.0.0:2424"))
    assert "authserv_id" in " ".join(said(lmtp="", authserv_id=""))


def test_the_doctor_says_what_must_be_true_where_a_server_is_believed(app):
    texts = [each.text for each in doctor.examine(app()) if each.check == "inbound"]

    assert any("mx.digest.example" in each and "every mail" in each for each in texts)
