"""Messages as bytes: safe header fields, and a text and an HTML part.

All bytes are ASCII, with CRLF and short lines. Header text that is not ASCII becomes encoded words
(RFC 2047); bodies are quoted-printable already. This does not use `email`, which takes 6 ms for a
message of this size.
"""

from __future__ import annotations

import re
from base64 import b64encode, encodebytes
from collections.abc import Iterable, Sequence
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import idna

from digest.errors import ConfigError, InvalidInput
from digest.model import Site
from digest.text import clean, wrapped

# One field as it is sent, with its CRLF.
Header = bytes
Attachment = tuple[str, str, bytes]

LONGEST_LOCAL_PART = 64
_ROOM = 76
# 39 bytes are 52 in base64; with `=?utf-8?B?`, `?=` and `Subject: ` that is 73 (RFC 2047 §2: 76).
_WORD_BYTES = 39
_LONGEST_PLAIN_WORD = 60

_LOCAL_PART = re.compile(r"[^\x00-\x20\x7f-\x9f\"(),:;<>@\[\\\]]+")
_DOMAIN = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOT_IN_A_FILE_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_MEDIA_TYPE = re.compile(r"[a-z]{1,20}/[a-z0-9.+-]{1,60}")
_MIME = b"MIME-Version: 1.0\r\n"
_ONE_CLICK = b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")


class Written(NamedTuple):
    """A message's bytes, and how many of them, the body, are `ready` (see `model.Message`)."""

    content: bytes
    ready: int


@lru_cache(maxsize=4096)
def unstructured(name: str, text: str) -> Header:
    """A field of free text, such as Subject: folded if it is ASCII, else in encoded words."""
    text = clean(text)
    words = text.split(" ")
    plain = text.isascii() and "=?" not in text
    if plain and max(map(len, words)) <= _LONGEST_PLAIN_WORD:
        lines = wrapped(text, _ROOM - 1, first=_ROOM - len(name) - 2)
        return _field(name, "\r\n ".join(lines).encode())
    return _field(name, b"\r\n ".join(_encoded_words(text)))


def mailbox(name: str, address: str, display: str = "") -> Header:
    """An address field, with a display name if there is one; raises InvalidInput."""
    spec = mail_address(address)
    return named(name, spec, display) if display else _field(name, spec.encode())


@lru_cache(maxsize=1024)
def named(name: str, spec: str, display: str) -> Header:
    """A field of the form `Display Name <spec>`, such as From or List-Id (RFC 5322 §3.4)."""
    display = clean(display)
    if not display:
        return _field(name, f"<{spec}>".encode())
    if not display.isascii() or len(display) > _LONGEST_PLAIN_WORD or "=?" in display:
        words = [*_encoded_words(display), b"<%s>" % spec.encode()]
        return _field(name, b"\r\n ".join(words))
    if not _ATOMS.fullmatch(display):
        display = '"' + re.sub(r'(["\\])', r"\\\1", display) + '"'
    fold = "\r\n " if len(name) + len(display) + len(spec) + 5 > _ROOM else " "
    return _field(name, f"{display}{fold}<{spec}>".encode())


def addressed(site: Site, recipient: str, subject: str) -> list[Header]:
    """From, To, Subject and MIME-Version.

    Raises InvalidInput if the recipient's address cannot be written in a header, ConfigError if
    the site's cannot.
    """
    return [
        _from(site.mail_from, site.name),
        mailbox("To", recipient),
        unstructured("Subject", subject),
        _MIME,
    ]


@lru_cache(maxsize=16)
def _from(address: str, name: str) -> Header:
    try:
        return mailbox("From", address, name)
    except InvalidInput as error:
        raise ConfigError(
            "mail.from is not an address that can be written in a mail header.",
            subject="mail.from",
        ) from error


def unsubscribing(page: str, mailto: str) -> list[Header]:
    """List-Unsubscribe (RFC 2369), and one click if the page is https, as RFC 8058 §3.1 asks."""
    ways = [f"<{way}>" for way in (page, mailto) if way]
    headers = [verbatim("List-Unsubscribe", ", ".join(ways))] if ways else []
    if page.startswith("https:"):
        headers.append(_ONE_CLICK)
    return headers


def verbatim(name: str, value: str) -> Header:
    """A structured field on one line, because other mail systems break signatures of folded ones.

    Control characters are left out; what is not ASCII becomes `?`.
    """
    if not (value.isascii() and value.isprintable()):
        value = _CONTROL.sub("", value)
    return _field(name, value.encode("ascii", errors="replace"))


@lru_cache(maxsize=1024)
def date(at: datetime) -> Header:
    """The Date field (RFC 5322 §3.3), in UTC."""
    return _field("Date", format_datetime(at).encode())


@lru_cache(maxsize=1024)
def mail_address(address: str) -> str:
    """The address for headers and envelopes, its domain in ASCII (RFC 5890).

    A local part that is not ASCII stays as it is, and needs SMTPUTF8 (RFC 6531). Raises
    InvalidInput, without the address in its message.
    """
    local, at, domain = address.strip().rpartition("@")
    if at and _LOCAL_PART.fullmatch(local) and clean(local) == local:
        try:
            ascii_domain = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
        except (idna.IDNAError, UnicodeError):
            ascii_domain = ""
        if len(local.encode()) <= LONGEST_LOCAL_PART and _DOMAIN.fullmatch(ascii_domain):
            return f"{local}@{ascii_domain}"
    raise InvalidInput("An email address cannot be written in a mail header; correct the address.")


def alternative(
    headers: Iterable[Header],
    *,
    text: Sequence[bytes],
    html: Sequence[bytes],
    key: str,
    attachment: Attachment | None = None,
) -> Written:
    """A multipart/alternative message, text first (RFC 2046 §5.1.4), with or without a file.

    The parts are pieces of quoted-printable lines; the file becomes base64. Boundaries are derived
    from `key`, so that the same mail has the same bytes. They begin with `=_`, which is in no
    quoted-printable text, so many mails may share a key.
    """
    kind, plain, between, last = _frame(key)
    both = (plain, *text, between, *html, last)
    if attachment is None:
        return _written((*headers, kind), both)
    outer = _boundary(f"{key} and a file")
    mixed = b'Content-Type: multipart/mixed;\r\n boundary="%s"\r\n\r\n' % outer
    start, end = b"--%s\r\n" % outer, b"--%s--\r\n" % outer
    return _written(
        (*headers, mixed), (start, kind, *both, b"\r\n", start, _file(*attachment), end)
    )


def _field(name: str, value: bytes) -> Header:
    return b"%s: %s\r\n" % (name.encode(), value)


def _written(head: Sequence[bytes], body: Sequence[bytes]) -> Written:
    content = b"".join((*head, *body))
    return Written(content=content, ready=len(content) - sum(map(len, head)))


@lru_cache(maxsize=64)
def _frame(key: str) -> tuple[bytes, bytes, bytes, bytes]:
    """The Content-Type field, and the bytes before, between and after the two parts."""
    boundary = _boundary(key)
    plain, html = (
        b"--%s\r\nContent-Type: text/%s; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" % (boundary, kind)
        for kind in (b"plain", b"html")
    )
    return (
        b'Content-Type: multipart/alternative;\r\n boundary="%s"\r\n\r\n' % boundary,
        plain,
        b"\r\n" + html,
        b"\r\n--%s--\r\n" % boundary,
    )


def _boundary(key: str) -> bytes:
    return b"=_%s" % blake2b(key.encode(errors="replace"), digest_size=16).hexdigest().encode()


def _file(name: str, kind: str, content: bytes) -> bytes:
    """An attachment; a name or type that is unsafe in a header is replaced."""
    name = _NOT_IN_A_FILE_NAME.sub("-", name).strip("-.")[-_LONGEST_PLAIN_WORD:] or "file"
    if not _MEDIA_TYPE.fullmatch(kind):
        kind = "application/octet-stream"
    lines = encodebytes(content).replace(b"\n", b"\r\n")
    return (
        f'Content-Type: {kind}\r\nContent-Disposition: attachment;\r\n filename="{name}"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\n"
    ).encode() + lines


def _encoded_words(text: str) -> list[bytes]:
    words = []
    chunk = b""
    for character in text:
        encoded = character.encode(errors="replace")
        if len(chunk) + len(encoded) > _WORD_BYTES:
            words.append(chunk)
            chunk = b""
        chunk += encoded
    return [b"=?utf-8?B?%s?=" % b64encode(each) for each in (*words, chunk)]
