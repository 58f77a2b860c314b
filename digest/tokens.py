"""Signed links: opaque, unforgeable, scoped, and revocable one subscriber at a time.

A token is `<subscriber>.<subject>.<mac>`: what it names, and 128 bits of keyed BLAKE2b (RFC 7693
§2.9, a MAC of its own at a third of HMAC-SHA256's time) over scope and names under the subscriber's
own key. There is no key for the whole site to lose, a new subscriber key revokes every link of
that person, and a message costs one MAC a scope, however many links it has: `/d/<token>/3/more`.
"""

from __future__ import annotations

import hmac
from base64 import b32encode
from binascii import b2a_base64
from dataclasses import dataclass
from hashlib import blake2b

MAC_BYTES = 16
TAG_BYTES = 10

_IN_URLS = bytes.maketrans(b"+/", b"-_")  # RFC 4648 §5


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a token claims to name, before its signature is checked."""

    subscriber_id: str
    subject: str
    mac: str


def make(key: str, scope: str, subscriber_id: str, subject: str = "") -> str:
    """A token that lets its holder do `scope` to `subject` as this subscriber.

    `key` is the subscriber's secret as hex; scope and ids must not contain dots.
    """
    return f"{subscriber_id}.{subject}.{_mac(key, scope, subscriber_id, subject)}"


def read(token: str) -> Named | None:
    """What the token names, or None if it is not even shaped like one; proves nothing yet."""
    parts = token.split(".")
    if len(parts) != 3 or not parts[0] or not parts[2]:  # noqa: PLR2004 - the three parts above
        return None
    return Named(subscriber_id=parts[0], subject=parts[1], mac=parts[2])


def holds(named: Named, key: str, scope: str) -> bool:
    """Whether the signature is right for this scope and key; takes the same time for each wrong one.

    Links and feed addresses that checkouts before 0.1.0 gave out bear HMAC-SHA256, and work still.
    """
    about = f"{scope}.{named.subscriber_id}.{named.subject}"
    older = _in_url(_older(key, about)[:MAC_BYTES])
    return _is_either(named.mac, _mac(key, scope, named.subscriber_id, named.subject), older)


def make_tag(key: str, scope: str, subscriber_id: str, subject: str) -> str:
    """A token for the local part of a mail address: lower case, no case to lose, below 56 letters.

    `s_….20260610.<mac>`: 80 bits of the same MAC in base32 (RFC 4648 §6); RFC 5321 §4.5.3.1.1
    allows a local part 64 octets. `subject` is lower-case letters, digits and hyphens.
    """
    return f"{subscriber_id}.{subject}.{_tag(key, scope, subscriber_id, subject)}".lower()


def holds_tag(named: Named, key: str, scope: str) -> bool:
    """Whether a tag (read with `read`, in lower case) is right for this scope and key, as `holds`."""
    about = f"mail.{scope}.{named.subscriber_id}.{named.subject}"
    older = _in_mail(_older(key, about)[:TAG_BYTES])
    return _is_either(
        named.mac.lower(), _tag(key, scope, named.subscriber_id, named.subject), older
    )


def _tag(key: str, scope: str, subscriber_id: str, subject: str) -> str:
    about = f"mail.{scope}.{subscriber_id}.{subject}"
    return _in_mail(_signed(key, about, TAG_BYTES))


def _mac(key: str, scope: str, subscriber_id: str, subject: str) -> str:
    return _in_url(_signed(key, f"{scope}.{subscriber_id}.{subject}", MAC_BYTES))


def _signed(key: str, about: str, size: int) -> bytes:
    # What a stranger wrote may hold bytes that are not UTF-8; it is wrong, not an error.
    text = about.encode(errors="replace")
    return blake2b(text, key=bytes.fromhex(key), digest_size=size).digest()


def _older(key: str, about: str) -> bytes:
    return hmac.digest(bytes.fromhex(key), about.encode(errors="replace"), "sha256")


def _is_either(given: str, new: str, older: str) -> bool:
    mac = given.encode(errors="replace")
    found = [hmac.compare_digest(mac, each.encode()) for each in (new, older)]
    return any(found)


def _in_mail(mac: bytes) -> str:
    return b32encode(mac).decode().lower()


def _in_url(mac: bytes) -> str:
    return b2a_base64(mac, newline=False).translate(_IN_URLS, b"=").decode()
