"""Through a real Postfix into a real Maildir, and past a real DKIM verifier."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime

import dkim as dkimpy
import pytest

from digest.delivery import MailServer, Signer, SmtpTransport, is_address_failure, public_record
from digest.model import Outcome

pytestmark = pytest.mark.slow

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def postfix(start_postfix):
    """Postfix with one mailbox, which takes ASCII addresses only."""
    return start_postfix(
        ["reader@example.net"],
        "smtputf8_enable = no",
        "smtpd_data_restrictions = reject_unauth_pipelining",
        "smtpd_forbid_unauth_pipelining = yes",
    )


@pytest.fixture(scope="module")
def received(postfix):
    """Wait for so many messages to the reader."""

    def wait(count, patience=20.0):
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if len(postfix.files()) >= count:
                return [each.read_bytes() for each in postfix.files()]
            time.sleep(0.05)
        pytest.fail(f"Postfix has not delivered {count} messages within {patience:g} s")

    return wait


@pytest.fixture
def transport(postfix, transport_to):
    return transport_to(postfix)


def letter(number):
    """Everything a relay might be tempted to touch, in 7-bit ASCII."""
    chance = random.Random(number)
    words = ["".join(chance.choices("abcdefgh .=&;<>", k=60)).rstrip() for _ in range(50)]
    tricky = [".", "..", ".dot", "From here", "", "x" * 998, "trailing blanks \t ", "-- ", ""]
    return "\r\n".join(
        [
            "From: Digest <digest@example.org>",
            "To: reader@example.net",
            f"Subject: Edition {number}",
            "Date: Wed, 10 Jun 2026 07:00:00 +0000",
            f"Message-ID: <s_{number}.2026-06-10@example.org>",
            f"List-Unsubscribe: <https://example.org/u/{'t' * 200}>",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=us-ascii",
            "",
            *words,
            *tricky,
            "end",
            "",
        ]
    ).encode()


@pytest.fixture(scope="module")
def delivered(postfix, received, dkim_key, message):
    """A hundred signed messages as they lie in the inbox after the hop, with their originals."""
    signer = Signer("example.org", "s1", dkim_key)
    signed = {n: signer.sign(letter(n), NOW) for n in range(100)}
    messages = [message(number, content) for number, content in signed.items()]
    server = MailServer(host="127.0.0.1", port=postfix.port, hello="us.example", timeout=10)
    transport = SmtpTransport(server, connections=2)
    receipts = list(transport.send(messages, NOW))
    transport.close()
    assert {each.outcome for each in receipts} == {Outcome.ACCEPTED}
    return signed, received(100)


def test_every_body_arrives_byte_for_byte_with_the_line_ends_of_the_disk(delivered):
    signed, files = delivered

    arrived = sorted(each.partition(b"\n\n")[2] for each in files)

    bodies = (each.partition(b"\r\n\r\n")[2] for each in signed.values())
    assert arrived == sorted(each.replace(b"\r\n", b"\n") for each in bodies)


def test_every_signature_is_still_good_after_the_hop(delivered, dkim_key):
    _, files = delivered

    results = [
        dkimpy.verify(
            each.replace(b"\n", b"\r\n"), dnsfunc=lambda *_, **__: public_record(dkim_key).encode()
        )
        for each in files
    ]

    assert results == [True] * 100


def test_opendkim_agrees_about_every_one_of_them(delivered, dkim_key, opendkim):
    _, files = delivered

    said = opendkim(files, {"s1._domainkey.example.org": public_record(dkim_key)})

    assert said.count("succeeded") == 100


def test_announcing_the_next_message_with_the_final_dot_is_pipelining_as_it_should_be(
    postfix, received, transport, message
):
    before, there = postfix.log.read_text(), len(postfix.files())
    batch = [message(number, letter(number)) for number in range(60)]

    receipts = list(transport.send(batch, NOW))

    assert {each.outcome for each in receipts} == {Outcome.ACCEPTED}
    assert len(received(there + 60)) == there + 60
    said = postfix.log.read_text().removeprefix(before)
    assert said.count(": connect from") == 1
    assert "improper" not in said


def test_an_unknown_mailbox_is_refused_as_an_address_failure_and_the_rest_goes_out(
    received, transport, delivered, message
):
    before = len(received(100))
    batch = [message(1, recipient="nobody@example.net"), message(2)]

    refused, accepted = transport.send(batch, NOW)

    assert (refused.outcome, refused.code) == (Outcome.REFUSED, 550)
    assert is_address_failure(refused.code, refused.reply)
    assert "@" not in refused.reply
    assert accepted.outcome is Outcome.ACCEPTED
    assert len(received(before + 1)) == before + 1


def test_mail_for_elsewhere_is_a_matter_of_policy_not_of_the_address(transport, message):
    (refused,) = transport.send([message(recipient="reader@elsewhere.example")], NOW)

    assert refused.outcome is Outcome.REFUSED
    assert "5.7.1" in refused.reply
    assert not is_address_failure(refused.code, refused.reply)
