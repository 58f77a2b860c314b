"""A reader who never opens a browser: subscribes, confirms, answers and leaves by mail alone.

A real Postfix delivers to the reader's mailbox, and hands what is for Digest to the worker's LMTP
door; a real opendkim tells it whose signature holds.
"""

import re
import shutil
import smtplib
import subprocess
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import make_msgid, parseaddr

import dkim as dkimpy
import pytest

from digest.delivery import generate_key, public_record
from digest.store import open_store

pytestmark = pytest.mark.slow

DOMAIN = "papers.example"
ADA = "ada@example.net"
GONE = "gone@far.example"
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()


@pytest.fixture(scope="module")
def key():
    return generate_key()


@pytest.fixture(scope="module")
def milter(key, tmp_path_factory, free_port, is_taken, eventually):
    """Opendkim, which writes Authentication-Results as the reader's mail comes in."""
    if shutil.which("opendkim") is None:
        pytest.skip("opendkim is not installed")
    folder = tmp_path_factory.mktemp("opendkim")
    port = free_port()
    (folder / "dns").write_text(f"s1._domainkey.example.net {public_record(key)}\n")
    (folder / "conf").write_text(
        f"Mode v\nSyslog no\nSocket inet:{port}@127.0.0.1\nTestDNSData file:{folder}/dns\n"
        "AuthservID mx.example.net\nAlwaysAddARHeader yes\nOn-NoSignature accept\n"
        "RequireSafeKeys no\nInternalHosts 192.0.2.1\n"
    )
    running = subprocess.Popen(
        ["opendkim", "-f", "-x", folder / "conf"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert eventually(lambda: running.poll() is not None or is_taken(port), 10)
    if running.poll() is not None:
        pytest.skip("opendkim does not start here")
    yield f"inet:127.0.0.1:{port}"
    running.kill()
    running.wait()


@pytest.fixture(scope="module")
def door(free_port):
    """Where the worker listens for mail by LMTP."""
    return free_port()


@pytest.fixture(scope="module")
def postfix(start_postfix, milter, door, serve):
    far = serve(lambda stage, _: "550 5.1.1 no such mailbox" if stage == "RCPT" else None)
    return start_postfix(
        [ADA],
        f"relay_domains = {DOMAIN}, far.example",
        f"transport_maps = inline:{{ {{ {DOMAIN} = lmtp:inet:127.0.0.1:{door} }},"
        f" {{ far.example = smtp:[127.0.0.1]:{far.port} }} }}",
        "relay_recipient_maps =",
        "recipient_delimiter = +",
        f"smtpd_milters = {milter}",
        "milter_default_action = accept",
    )


@pytest.fixture(scope="module")
def digest(postfix, door, command_line, tmp_path_factory, is_taken, eventually):
    """The worker, listening; the sample was read yesterday."""
    made = command_line(tmp_path_factory.mktemp("by-mail"))
    made.settings |= {
        "DIGEST_SMTP_URL": postfix.url,
        "DIGEST_SITE_URL": f"https://{DOMAIN}",
        "DIGEST_MAIL_FROM": f"digest@{DOMAIN}",
        "DIGEST_MAIL_UNSUBSCRIBE_TO": "",
        "DIGEST_INBOUND_DOMAIN": DOMAIN,
        "DIGEST_INBOUND_LMTP": f"127.0.0.1:{door}",
        "DIGEST_INBOUND_AUTHSERV_ID": "mx.example.net",
        "DIGEST_WORKER_TICK": "1",
        "DIGEST_WORKER_PUBLISH": "",
        "DIGEST_WORKER_NIGHTLY_HOUR": "23",
    }
    made.ready(0, "--at", YESTERDAY)
    made.start("worker")
    assert eventually(lambda: is_taken(door), 30)
    return made


@pytest.fixture
def write(postfix, key):
    """Send a mail as the reader does, signed by their own provider unless said otherwise."""

    def send(to, subject, body="", *, sender=ADA, signed=True, reply_to=None):
        mail = EmailMessage()
        mail["From"] = sender
        mail["To"] = to
        mail["Subject"] = subject
        mail["Message-ID"] = make_msgid(domain="example.net")
        mail["Date"] = datetime.now(UTC)
        if reply_to is not None:
            mail["In-Reply-To"] = reply_to
        mail.set_content(body)
        wire = mail.as_bytes(policy=policy.SMTP)
        if signed:
            wire = dkimpy.sign(wire, b"s1", b"example.net", key) + wire
        with smtplib.SMTP("127.0.0.1", postfix.port) as server:
            server.sendmail(sender, [parseaddr(to)[1]], wire)

    return send


@pytest.fixture
def arrives(postfix, eventually):
    """Wait for the next mail to a reader."""

    def wait(known, name="ada", seconds=30):
        assert eventually(lambda: len(postfix.files(name)) > known, seconds), "no mail came"
        content = postfix.files(name)[known].read_bytes()
        return message_from_bytes(content, policy=policy.default)

    return wait


def text_of(mail):
    return " ".join(mail.get_body(("plain",)).get_content().split())


def digests(postfix):
    mails = (
        message_from_bytes(each.read_bytes(), policy=policy.default)
        for each in postfix.files("ada")
    )
    return [each for each in mails if each["list-id"]]


def status_of(digest, address):
    found = digest.rows("SELECT status FROM subscribers WHERE email = ?", address)
    return found[0][0] if found else None


def test_a_reader_needs_nothing_but_mail(digest, postfix, write, arrives, eventually):
    write(f"subscribe+cs.IR@{DOMAIN}", "subscribe", "keywords: dual encoder")
    asked = arrives(0)
    assert status_of(digest, ADA) == "pending"
    assert parseaddr(asked["reply-to"])[1].startswith("reply+")
    assert asked["auto-submitted"].startswith("auto-")

    write(asked["reply-to"], f"Re: {asked['subject']}", "yes please", signed=False)
    assert eventually(lambda: status_of(digest, ADA) == "active", 30)
    assert eventually(lambda: digests(postfix), 30), "no digest came"
    first = digests(postfix)[0]
    with closing(open_store(digest.db)) as store:
        (kept,) = store.ledger.recent(store.subscribers.by_email(ADA).id, limit=9)
    picks = [each.paper_id for each in kept.picks]
    assert len(picks) >= 2, "the first digest holds yesterday's papers"

    known = len(postfix.files("ada"))
    write(
        first["reply-to"],
        f"Re: {first['subject']}",
        "more 2\n\n> what was said before\n",
        signed=False,
    )
    answer = arrives(known)
    liked = digest.rows("SELECT value FROM interests WHERE kind = 'like'")
    assert liked == [(picks[1],)]
    assert answer["auto-submitted"] == "auto-replied"
    assert "undo" in text_of(answer).lower()

    ways = re.search(r"<mailto:([^?>]+)\?subject=([^>]+)>", first["list-unsubscribe"])
    write(ways[1], ways[2].replace("%20", " "), signed=False)
    assert eventually(lambda: status_of(digest, ADA) == "unsubscribed", 30)


def test_who_cannot_prove_the_address_is_neither_answered_nor_subscribed(
    digest, postfix, write, eventually
):
    write(f"subscribe@{DOMAIN}", "subscribe cs.LG", sender="eve@example.net", signed=False)
    write(f"help@{DOMAIN}", "help", sender="eve@example.net", signed=False)

    assert eventually(lambda: digest.rows("SELECT count(*) FROM received")[0][0] >= 2, 30)
    assert status_of(digest, "eve@example.net") is None
    assert not postfix.files("eve")


def test_a_bounce_that_comes_back_ends_the_mails_to_an_address_that_is_gone(digest, eventually):
    assert digest("subscribe", GONE, "--topic", "cs.IR", "--confirmed").code == 0
    assert digest("deliver", "--date", YESTERDAY).code == 0

    assert eventually(lambda: status_of(digest, GONE) == "suppressed", 30)
    ((kind, status),) = digest.rows("SELECT kind, status FROM evidence")
    assert (kind, status) == ("hard-bounce", "5.1.1")
