"""The wire form of a mail: header fields that nothing can be smuggled into, and two parts.

Everything is ASCII with CRLF and short lines: header text that is not goes in encoded words
(RFC 2047), bodies come quoted-printable. Written by hand because `email` takes 6 ms for a
message of this size, and our bodies are encoded already.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha256

import idna

from digest.errors import InvalidInput
from digest.text import clean

Header = tuple[str, bytes]

LONGEST_LOCAL_PART = 64
_ROOM = 76
# 39 bytes are 52 in base64; with `=?utf-8?B?`, `?=` and `Subject: ` that is 73 (RFC 2047 §2: 76).
_WORD_BYTES = 39
_LONGEST_PLAIN_WORD = 60

_LOCAL_PART = re.compile(r"[^\x00-\x20\x7f-\x9f\"(),:;<>@\[\\\]]+")
_DOMAIN = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")


def unstructured(name: str, text: str) -> Header:
    """A field of free text, such as Subject: folded if plain ASCII, else in encoded words."""
    text = clean(text)
    words = text.split(" ")
    plain = text.isascii() and "=?" not in text
    if plain and all(len(word) <= _LONGEST_PLAIN_WORD for word in words):
        return name, _folded(words, first=len(name) + 2)
    return name, b"\r\n ".join(_encoded_words(text))


def mailbox(name: str, address: str, display: str = "") -> Header:
    """An address field, with a display name if there is one; raises InvalidInput."""
    spec = mail_address(address)
    return named(name, spec, display) if clean(display) else (name, spec.encode())


def named(name: str, spec: str, display: str) -> Header:
    """A field of the form `Display Name <spec>`, such as From or List-Id (RFC 5322 §3.4)."""
    display = clean(display)
    if not display:
        return name, f"<{spec}>".encode()
    if not display.isascii() or len(display) > _LONGEST_PLAIN_WORD or "=?" in display:
        return name, b"\r\n ".join([*_encoded_words(display), b"<%s>" % spec.encode()])
    if not _ATOMS.fullmatch(display):
        display = '"' + re.sub(r'(["\\])', r"\\\1", display) + '"'
    fold = "\r\n " if len(name) + len(display) + len(spec) + 5 > _ROOM else " "
    return name, f"{display}{fold}<{spec}>".encode()


def verbatim(name: str, value: str) -> Header:
    """A structured field we made ourselves, on one line: folding has broken signatures elsewhere.

    What could end the field is cut out; what is not ASCII becomes `?`.
    """
    return name, _CONTROL.sub("", value).encode("ascii", errors="replace")


def date(at: datetime) -> Header:
    """The Date field (RFC 5322 §3.3), in UTC."""
    return "Date", format_datetime(at).encode()


@lru_cache(maxsize=1024)
def mail_address(address: str) -> str:
    """The address as it stands in a header and an envelope, its domain in ASCII (RFC 5890).

    A local part that is not ASCII stays as it is: such an address needs SMTPUTF8 (RFC 6531),
    and has no other spelling. Raises InvalidInput, without the address in its message.
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


def alternative(headers: Iterable[Header], *, text: bytes, html: bytes, key: str) -> bytes:
    """A multipart/alternative message, text first (RFC 2046 §5.1.4).

    The parts are quoted-printable and end with CRLF. The boundary is derived from `key`, so the
    same mail has the same bytes; it begins with `=_`, which no quoted-printable text can hold.
    """
    boundary = b"=_%s" % sha256(key.encode(errors="replace")).hexdigest()[:32].encode()
    fields = [b"%s: %s\r\n" % (name.encode(), value) for name, value in headers]
    return b"".join(
        (
            *fields,
            b'Content-Type: multipart/alternative;\r\n boundary="%s"\r\n\r\n' % boundary,
            _part(boundary, b"plain", text),
            _part(boundary, b"html", html),
            b"--%s--\r\n" % boundary,
        )
    )


def _part(boundary: bytes, kind: bytes, body: bytes) -> bytes:
    return (
        b"--%s\r\nContent-Type: text/%s; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n%s\r\n" % (boundary, kind, body)
    )


def _folded(words: list[str], *, first: int) -> bytes:
    lines: list[str] = []
    room = _ROOM - first
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word) <= room:
            lines[-1] += f" {word}"
        else:
            room = _ROOM - first if not lines else _ROOM - 1
            lines.append(word)
    return "\r\n ".join(lines).encode()


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
