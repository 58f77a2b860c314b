"""`digest receive`: one mail on standard input, as a mail server's alias hands it over."""

import io
import sqlite3
import types
from functools import partial

import pytest

from digest.store import open_store

DOMAIN = "papers.example"
MAIL = (
    b"Authentication-Results: mx.papers.example; dkim=pass header.d=example.org\r\n"
    b"From: Ada <ada@example.org>\r\nTo: subscribe@papers.example\r\nSubject: cs.IR\r\n"
    b"Message-ID: <1@example.org>\r\n\r\n"
)


@pytest.fixture
def receive(digest, monkeypatch):
    """Run the command with a mail on standard input."""

    def run(raw, *words, **environment):
        settings = {
            "DIGEST_INBOUND_DOMAIN": DOMAIN,
            "DIGEST_INBOUND_AUTHSERV_ID": "mx.papers.example",
            "DIGEST_SITE_URL": f"https://{DOMAIN}",
            "DIGEST_MAIL_FROM": f"digest@{DOMAIN}",
        }
        for name, value in (settings | environment).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.stdin", types.SimpleNamespace(buffer=io.BytesIO(raw)))
        return digest("receive", *words)

    return run


def test_a_mail_is_taken_in_and_answered(digest, receive, mails):
    digest("init")
    assert receive(MAIL).code == 0
    (asked,) = mails()
    assert asked["to"] == "ada@example.org"
    assert asked["auto-submitted"] == "auto-replied"
    assert asked["in-reply-to"] == "<1@example.org>"
    (person,) = digest("subscribers", "list", "--json").json
    assert person["status"] == "pending"


def test_the_envelope_s_recipient_can_be_named(digest, receive):
    digest("init")
    raw = MAIL.replace(b"subscribe@papers.example", b"undisclosed-recipients:;")
    assert receive(raw, "--recipient", f"subscribe+cs.CL@{DOMAIN}").code == 0
    (person,) = digest("subscribers", "list", "--json").json
    assert person["email"] == "ada@example.org"


def test_a_reply_confirms_and_the_tag_in_its_address_is_enough(digest, receive, mails):
    digest("init")
    receive(MAIL)
    (asked,) = mails()
    reply = (
        f"From: someone@else.example\r\nTo: {asked['reply-to']}\r\nSubject: Re: x\r\n\r\nyes\r\n"
    )
    assert receive(reply.encode()).code == 0
    (person,) = digest("subscribers", "list", "--json").json
    assert person["status"] == "active"


@pytest.mark.parametrize("raw", [b"", b"\xff" * 1_000, b"Subject: x\r\n\r\n" + b"a" * 3_000_000])
def test_whatever_comes_in_is_fine(digest, receive, raw):
    digest("init")
    assert receive(raw).code == 0


def test_while_the_database_is_locked_the_mail_server_keeps_the_mail(
    digest, receive, mails, tmp_path, monkeypatch
):
    digest("init")
    monkeypatch.setattr("digest.app.adapters.open_store", partial(open_store, timeout=0.05))
    with sqlite3.connect(tmp_path / "digest.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        ran = receive(MAIL)
        other.execute("ROLLBACK")
    other.close()
    assert ran.code == 75
    assert "Traceback" not in ran.err
    assert receive(MAIL).code == 0
    assert len(mails()) == 1


@pytest.mark.parametrize(
    "settings",
    [{"DIGEST_INBOUND_DOMAIN": ""}, {"DIGEST_WEB_PORT": "x"}],
)
def test_wrong_settings_lose_no_mail(digest, receive, settings):
    digest("init")
    assert receive(MAIL, **settings).code == 75


def test_a_missing_database_loses_no_mail(receive):
    assert receive(MAIL).code == 75
