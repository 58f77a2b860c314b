"""Setting a connection up: TLS, AUTH, and who is to mend what."""

from __future__ import annotations

import socket

import pytest

from digest.delivery import MailServer, SmtpTransport
from digest.errors import ConfigError
from digest.model import Outcome

ACCEPTED, DEFERRED = Outcome.ACCEPTED, Outcome.DEFERRED


def outcomes(receipts):
    return [(each.outcome, each.code) for each in receipts]


@pytest.mark.parametrize("security", ["starttls", "opportunistic", "tls"])
def test_mail_and_password_travel_encrypted(
    serve, transport_to, message, now, certificate, trusting, security
):
    context, _ = certificate
    server = serve(tls=context, tls_at_once=security == "tls", password=("us", "secret"))
    options = {"security": security, "username": "us", "password": "secret", "tls": trusting}

    receipts = list(transport_to(server, **options).send([message()], now))

    assert outcomes(receipts) == [(ACCEPTED, 250)]
    before_mail = [each.split(" ")[0] for each in server.commands]
    wanted = ["EHLO", "AUTH"] if security == "tls" else ["EHLO", "STARTTLS", "EHLO", "AUTH"]
    assert before_mail[: len(wanted)] == wanted


def test_a_certificate_nobody_vouches_for_stops_the_batch_before_it_starts(
    serve, transport_to, message, now, certificate
):
    server = serve(tls=certificate[0])

    with pytest.raises(ConfigError, match=r"\[smtp\] url: the certificate .* is not trusted"):
        list(transport_to(server, security="starttls").send([message()], now))

    assert server.taken == []


def test_opportunistic_encryption_without_a_password_takes_any_certificate(
    serve, transport_to, message, now, certificate
):
    server = serve(tls=certificate[0])

    receipts = list(transport_to(server).send([message()], now))

    assert outcomes(receipts) == [(ACCEPTED, 250)]
    assert "STARTTLS" in server.commands


def test_required_encryption_that_is_not_offered_is_an_error_for_the_operator(
    serve, transport_to, message, now
):
    with pytest.raises(ConfigError, match="does not offer STARTTLS"):
        list(transport_to(serve(), security="starttls").send([message()], now))


def test_speaking_tls_to_a_plain_port_is_an_error_for_the_operator(
    serve, transport_to, message, now
):
    with pytest.raises(ConfigError, match="does not begin with TLS"):
        list(transport_to(serve(), security="tls").send([message()], now))


def test_a_port_that_speaks_something_else_is_called_that(serve, transport_to, message, now):
    server = serve(replies={"GREETING": ["* OK IMAP4rev1 ready"]})

    (receipt,) = transport_to(server).send([message()], now)

    assert receipt.untried
    assert "its answer is not SMTP" in receipt.reply


def test_a_refused_password_is_an_error_before_anything_is_sent_and_is_not_repeated(
    serve, transport_to, message, now
):
    server = serve(password=("us", "right"))
    transport = transport_to(server, username="us", password="wr0ng-secret")

    with pytest.raises(ConfigError, match="refuses the user name or password: 535") as caught:
        list(transport.send([message()], now))

    assert "wr0ng-secret" not in str(caught.value)
    assert server.taken == []


def test_a_password_refused_for_now_defers(serve, transport_to, message, now):
    server = serve(password=("us", "pw"), replies={"AUTH": ["454 4.7.0 try again"]})

    receipts = list(transport_to(server, username="us", password="pw").send([message()], now))

    assert outcomes(receipts) == [(DEFERRED, 454)]


def test_a_password_refused_in_mid_batch_defers_the_rest(serve, transport_to, message, now):
    server = serve(password=("us", "pw"), replies={"AUTH": [None, "535 5.7.8 no more"]})
    transport = transport_to(server, username="us", password="pw", per_connection=1)

    receipts = list(transport.send([message(n) for n in range(3)], now))

    assert [each.outcome for each in receipts] == [ACCEPTED, DEFERRED, DEFERRED]


@pytest.mark.parametrize(
    ("offered", "password", "words"),
    [(None, "pw", "no way to log in"), (("us", "pw"), "pässword", "ASCII")],
)
def test_authentication_that_cannot_work_is_an_error_for_the_operator(
    serve, transport_to, message, now, offered, password, words
):
    server = serve(password=offered)

    with pytest.raises(ConfigError, match=words):
        list(transport_to(server, username="us", password=password).send([message()], now))


def test_a_host_that_cannot_be_a_name_is_an_error_for_the_operator(message, now):
    with pytest.raises(ConfigError, match="not a host name"):
        list(SmtpTransport(MailServer(host="mail..example", port=25)).send([message()], now))


def test_a_password_is_never_sent_in_the_clear_beyond_this_machine(
    serve, message, now, monkeypatch
):
    server = serve(password=("us", "pw"))
    here = socket.getaddrinfo("127.0.0.1", server.port, type=socket.SOCK_STREAM)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: here)
    there = MailServer(
        host="mail.example.com",
        port=server.port,
        username="us",
        password="pw",
        hello="us.example",
    )
    transport = SmtpTransport(there)

    with pytest.raises(ConfigError, match="a password is not sent in the clear"):
        list(transport.send([message()], now))

    assert not any(each.startswith("AUTH") for each in server.commands)
