"""DKIM signatures, checked by an implementation that is not ours (dkimpy)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.delivery import Signer, public_record
from digest.delivery.dkim import SIGNED
from digest.errors import ConfigError

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)
LETTER = (
    b"From: =?utf-8?q?Dig=C3=ABst?= <digest@example.org>\r\n"
    b"To: reader@example.net\r\n"
    b"Subject: Three papers\r\n on  retrieval\r\n"
    b"Date: Wed, 10 Jun 2026 07:00:00 +0000\r\n"
    b"Message-ID: <s_1.2026-06-10@example.org>\r\n"
    b"List-Unsubscribe: <https://example.org/u/" + b"t" * 90 + b">\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"X-Unsigned: whatever\r\n"
    b"\r\n"
    b"Hello  there\t.\r\n.leading dot\r\n\r\n"
)


@pytest.fixture(scope="session")
def signer(dkim_key):
    return Signer("example.org", "s1", dkim_key)


def verifies(content: bytes, key: bytes, names: str = "s1._domainkey.example.org") -> bool:
    def look_up(name, timeout=5):
        assert name == f"{names}.".encode()
        return public_record(key).encode()

    return dkimpy.verify(content, dnsfunc=look_up)


def test_a_signed_message_verifies(signer, dkim_key):
    signed = signer.sign(LETTER, NOW)

    assert signed.endswith(LETTER)
    assert verifies(signed, dkim_key)


@pytest.mark.parametrize("length", [1, 7, 17, 60, 63])
@pytest.mark.parametrize("domain", ["a.de", "papers.example.org", f"{'lab.' * 60}example.org"])
def test_names_of_any_length_leave_the_message_whole(dkim_key, domain, length):
    signer = Signer(domain, "s" * length, dkim_key)
    signed = signer.sign(LETTER, NOW)

    assert signed.startswith(b"DKIM-Signature: v=1;")
    assert verifies(signed, dkim_key, signer.record_name)
    assert max(map(len, signed.split(b"\r\n"))) <= 998  # RFC 5322 §2.1.1


def test_the_slow_half_may_be_done_elsewhere(signer):
    unsigned = signer.begin(LETTER, NOW)

    assert unsigned.finish(unsigned.seal()) == signer.sign(LETTER, NOW)
    assert LETTER not in unsigned.seal()


def test_the_signature_says_what_it_covers(signer):
    header = signer.sign(LETTER, NOW).partition(b"\r\nFrom:")[0].decode()
    unfolded = re.sub(r"\s+", "", header)
    tags = dict(each.split("=", 1) for each in unfolded.partition(":")[2].split(";"))

    assert (tags["a"], tags["c"]) == ("rsa-sha256", "relaxed/simple")
    assert (tags["d"], tags["s"]) == ("example.org", "s1")
    assert tags["t"] == str(int(NOW.timestamp()))
    names = tags["h"].split(":")
    assert {"list-unsubscribe", "list-unsubscribe-post", "message-id"} < set(names)
    assert [names.count(each) for each in ("from", "to", "subject", "date")] == [2] * 4
    assert "x-unsigned" not in names
    assert "list-archive" not in names
    assert all(len(line) <= 78 for line in header.split("\r\n"))


def test_the_same_message_at_the_same_time_gets_the_same_signature(signer):
    assert signer.sign(LETTER, NOW) == signer.sign(LETTER, NOW)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Hello", b"Hallo"),
        (b"Three papers", b"Four papers"),
        (b"List-Unsubscribe=One-Click", b"List-Unsubscribe=Two-Clicks"),
        (b"https://example.org/u/", b"https://evil.example/u/"),
        (b"To: reader", b"From: ceo@example.org\r\nTo: reader"),
        (b"To: reader", b"Subject: Another\r\nTo: reader"),
    ],
)
def test_tampering_breaks_the_signature(signer, dkim_key, old, new):
    signed = signer.sign(LETTER, NOW)
    assert old in signed

    assert not verifies(signed.replace(old, new, 1), dkim_key)


def test_what_a_relay_may_do_does_not_break_it(signer, dkim_key):
    signed = signer.sign(LETTER, NOW)

    relayed = b"Received: by relay\r\n" + signed.replace(
        b"Subject: Three papers\r\n on  retrieval", b"SUBJECT:  Three papers on retrieval "
    )

    assert verifies(relayed, dkim_key)


@settings(max_examples=15, deadline=None)  # dkimpy takes 15 ms to verify
@given(
    body=st.text(alphabet=st.sampled_from("ab. \t\n"), max_size=60),
    subject=st.text(alphabet=st.sampled_from("ab \t:;="), max_size=30),
)
def test_any_body_and_subject_verifies(signer, dkim_key, body, subject):
    letter = (
        f"From: a@example.org\r\nSubject: x{subject}\r\n\r\n".encode()
        + body.replace("\n", "\r\n").encode()
        + b"\r\n"
    )

    assert verifies(signer.sign(letter, NOW), dkim_key)


def test_fields_that_occur_twice_are_signed_from_the_last_one_up(signer, dkim_key):
    letter = b"List-Help: <a>\r\nFrom: a@example.org\r\nList-Help: <b>\r\n\r\nhi\r\n"
    signed = signer.sign(letter, NOW)

    assert verifies(signed, dkim_key)
    assert not verifies(signed.replace(b"<a>", b"<x>"), dkim_key)


def test_bytes_that_are_no_message_do_not_raise(signer):
    for content in (b"", b"no header at all", b"\xff\xfe\r\n\r\n"):
        assert signer.sign(content, NOW).endswith(content)


def test_the_fields_to_sign_can_be_chosen(dkim_key):
    signer = Signer("example.org", "s1", dkim_key, headers=["From"])
    signed = signer.sign(LETTER, NOW)

    assert b"h=from:from;" in signed
    assert verifies(signed, dkim_key)


def test_all_list_fields_of_rfc_8058_are_signed_by_default():
    assert {"List-Unsubscribe", "List-Unsubscribe-Post"} <= set(SIGNED)


# --- keys -----------------------------------------------------------------------------------------


WEAK_KEY = b"""\
-----BEGIN PRIVATE KEY-----
MIIBVAIBADANBgkqhkiG9w0BAQEFAASCAT4wggE6AgEAAkEAsk5XEN67odKcXE4v
k0KZDMtHMC2XKw8eEFEF9pPLHplVGjJLYeabdFUGzeH0l6TmULNcbBjCij15eQOo
Lm25EwIDAQABAkA2dGR0u4FUP40PR7WR5MH3PVHFbfb/6IMG+qe2kZZ0Bl+LNceY
iHnvHpItMFSBPKEyyKVNY9+Wrmtp/SA5fF95AiEA2Jyt5jROgI8f2HrhGzGPW4AV
YiF5+Q0tg8VMUJpLmB0CIQDSuoKvDS6uOG2vaHjQegKHtt87tsYREcAvTgaJnqOu
7wIhANca2FJH1UEzYEOA2zQ/Bgaubg2yAsdAv9cgQYW1g6Y9AiBr0OdqHumCU/ay
p1Yg/DvtKgB/Md2XACj/SwGHSfZfWwIgD0YaJbJb+LnA+3xvWy2ZH1FznVFBEvED
bsOJz2lyz8w=
-----END PRIVATE KEY-----
"""


def pem(key, encryption=None):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


def test_the_record_to_publish_holds_the_public_key(signer, dkim_key):
    assert signer.record_name == "s1._domainkey.example.org"
    assert re.fullmatch(r"v=DKIM1; k=rsa; p=[A-Za-z0-9+/=]{392}", public_record(dkim_key))


def test_keys_of_the_traditional_kind_are_read_too():
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    old = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())

    assert verifies(Signer("example.org", "s1", old).sign(LETTER, NOW), old)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "cannot be read"),
        (b"-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n", "cannot be read"),
        (pem(ed25519.Ed25519PrivateKey.generate()), "not an RSA key"),
    ],
)
def test_a_wrong_key_is_an_error_for_the_operator(text, words):
    with pytest.raises(ConfigError, match=words):
        Signer("example.org", "s1", text)
    with pytest.raises(ConfigError, match=words):
        public_record(text)


def test_an_encrypted_key_is_an_error_for_the_operator():
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)

    with pytest.raises(ConfigError, match="unencrypted"):
        Signer("example.org", "s1", pem(key, BestAvailableEncryption(b"pw")))


def test_a_key_that_receivers_ignore_is_an_error_for_the_operator():
    with pytest.raises(ConfigError, match="512 bits"):
        Signer("example.org", "s1", WEAK_KEY)


@pytest.mark.parametrize(
    ("domain", "selector"),
    [("exa mple.org", "s1"), ("example.org", "s1; t=y"), ("", "s1"), ("bücher.example", "s1")],
)
def test_domain_and_selector_must_be_names(dkim_key, domain, selector):
    with pytest.raises(ConfigError, match="is not a name in the DNS"):
        Signer(domain, selector, dkim_key)
