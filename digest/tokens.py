"""Signed links: opaque, unforgeable, scoped, and revocable one subscriber at a time.

A token is `<subscriber>.<subject>.<mac>`: what it names, and 128 bits of HMAC-SHA256 over scope
and names under the subscriber's own key. There is no key for the whole site to lose, a new
subscriber key revokes every link of that person, and a message costs one HMAC however many
links it has: `/d/<token>/3/more`.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass

MAC_BYTES = 16


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
    """Whether the signature is right for this scope and key; takes constant time."""
    expected = _mac(key, scope, named.subscriber_id, named.subject)
    return hmac.compare_digest(expected.encode(), named.mac.encode())


def _mac(key: str, scope: str, subscriber_id: str, subject: str) -> str:
    text = f"{scope}.{subscriber_id}.{subject}".encode()
    digest = hmac.digest(bytes.fromhex(key), text, "sha256")[:MAC_BYTES]
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
