"""From a URL in the configuration to a transport."""

from __future__ import annotations

import io
import ssl
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.delivery import (
    MaildirTransport,
    SmtpTransport,
    StdoutTransport,
    check,
    parse_url,
    transport_from_url,
)
from digest.errors import ConfigError, DeliveryDeferred
from digest.model import Outcome


@pytest.mark.parametrize(
    ("url", "host", "port", "security"),
    [
        ("smtp://mail.example.org", "mail.example.org", 25, "opportunistic"),
        ("smtp://mail.example.org:2525/", "mail.example.org", 2525, "opportunistic"),
        ("smtp://localhost?security=none", "localhost", 25, "none"),
        ("smtp+starttls://mail.example.org", "mail.example.org", 587, "starttls"),
        ("smtps://mail.example.org", "mail.example.org", 465, "tls"),
        ("smtp://[::1]:25", "::1", 25, "opportunistic"),
    ],
)
def test_the_scheme_says_how_to_encrypt(url, host, port, security):
    server = parse_url(url)

    assert (server.host, server.port, server.security) == (host, port, security)


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_percent_encoded_credentials_come_through(user, password):
    url = f"smtps://{quote(user, safe='')}:{quote(password, safe='')}@mail.example.org"

    server = parse_url(url)

    assert (server.username, server.password) == (user, password)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "not an address of a kind"),
        ("http://us:s3cret@mail.example.org", "not an address of a kind"),
        ("smtp://us:s3cret@", "no host"),
        ("smtp:mail.example.org", "no host"),
        ("smtp://us:s3cret@mail.example.org:port", "not a URL"),
        ("smtp://us:s3cret@mail.example.org:99999", "not a URL"),
        ("smtp://us:s3/cret@mail.example.org", "write / as %2F"),
        ("smtp://us:s3#cret@mail.example.org", "write / as %2F"),
        ("smtp://us:s3?cret@mail.example.org", "write / as %2F"),
        ("smtp://us:s3cret@mail.example.org?security=maybe", "security is one of none"),
        ("smtp://us:s3cret@mail.example.org?verify=perhaps", "verify is yes or no"),
        ("smtp://us:s3cret@mail.example.org?s3cret=1", "only security and verify"),
        ("smtp://us:12/cret@mail.example.org", "write / as %2F"),
        ("smtp://us:12?cret@mail.example.org", "only security and verify"),
        ("smtp://[us:s3cret@mail.example.org", "not a URL"),
        ("maildir:", "needs a path"),
    ],
)
def test_a_url_that_cannot_be_used_is_explained_without_its_password(url, words):
    with pytest.raises(ConfigError) as caught:
        transport_from_url(url)

    assert words in str(caught.value)
    assert "[smtp] url" in str(caught.value)
    assert "cret" not in str(caught.value)


@given(st.text(max_size=40))
def test_any_text_is_a_mail_server_or_a_configuration_error(url):
    try:
        host = parse_url(url).host
    except ConfigError:
        return
    assert host


def test_a_password_does_not_show_when_a_server_is_printed():
    assert "s3cret" not in repr(parse_url("smtps://us:s3cret@mail.example.org"))


def test_verify_no_takes_any_certificate_and_the_default_takes_none_but_good_ones():
    careless = parse_url("smtps://mail.example.org?verify=no")

    assert careless.tls is not None
    assert careless.tls.verify_mode is ssl.CERT_NONE
    assert parse_url("smtps://mail.example.org").tls is None


def test_each_kind_of_url_makes_its_transport(tmp_path, serve, message, now):
    server = serve()
    stream = io.StringIO()

    smtp = transport_from_url(f"smtp://127.0.0.1:{server.port}", hello="us.example")
    folder = transport_from_url(f"maildir:{tmp_path}/my%20mail")
    screen = transport_from_url("stdout:", stdout=stream)
    receipts = [next(each.send([message()], now)) for each in (smtp, folder, screen)]
    smtp.close()

    assert isinstance(smtp, SmtpTransport)
    assert isinstance(folder, MaildirTransport)
    assert isinstance(screen, StdoutTransport)
    assert {each.outcome for each in receipts} == {Outcome.ACCEPTED}
    assert len(server.taken) == 1
    assert len(list((tmp_path / "my mail" / "new").iterdir())) == 1
    assert "Edition 1" in stream.getvalue()


# --- the dry run ----------------------------------------------------------------------------------


def test_a_check_goes_all_the_way_to_noop_and_sends_nothing(serve, certificate):
    server = serve(tls=certificate[0], password=("us", "s3cret"))
    url = f"smtp+starttls://us:s3cret@127.0.0.1:{server.port}?verify=no"

    lines = check(url, timeout=1, hello="us.example")

    assert lines == [
        f"connected to 127.0.0.1:{server.port}",
        "encrypted with TLSv1.3, certificate not verified",
        "user name and password accepted",
        "the server offers PIPELINING, SIZE, 8BITMIME",
        "ready; no mail was sent",
    ]
    verbs = [each.split(" ")[0] for each in server.commands]
    assert verbs == ["EHLO", "STARTTLS", "EHLO", "AUTH", "NOOP", "QUIT"]


def test_a_check_of_a_plain_server_says_so(serve):
    server = serve(extensions=())

    lines = check(f"smtp://127.0.0.1:{server.port}", hello="us.example")

    assert "not encrypted" in lines
    assert "no user name given" in lines
    assert "the server offers no extension we use" in lines


def test_a_check_raises_what_the_operator_must_mend(serve):
    server = serve(password=("us", "right"))

    with pytest.raises(ConfigError, match="refuses the user name or password"):
        check(f"smtp://us:wrong@127.0.0.1:{server.port}", hello="us.example")


def test_a_check_raises_what_may_pass(serve):
    server = serve(replies={"GREETING": ["450 4.3.2 starting up"]})

    with pytest.raises(DeliveryDeferred, match=r"answered 450 4.3.2 starting up") as caught:
        check(f"smtp://127.0.0.1:{server.port}", hello="us.example")

    assert (caught.value.code, caught.value.reply) == (450, "4.3.2 starting up")


def test_a_server_that_does_not_answer_noop_is_not_ready(serve):
    server = serve(replies={"NOOP": ["DROP"]})

    with pytest.raises(DeliveryDeferred, match="does not answer NOOP"):
        check(f"smtp://127.0.0.1:{server.port}", hello="us.example")


def test_local_transports_are_checked_by_making_them(tmp_path):
    assert check(f"maildir:{tmp_path}/box") == [f"mail is written to the Maildir {tmp_path}/box"]
    assert check("stdout:") == ["mail is written to standard output"]
