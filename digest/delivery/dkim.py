"""DKIM signatures (RFC 6376) by OpenSSL: RSA with SHA-256, headers relaxed, body simple.

RSA and not Ed25519 (RFC 8463), because large receivers still fail the latter. The simple form is
safe for our bodies, ASCII in short lines, which no relay has a reason to touch; the relaxed form
would more than double the cost of everything but RSA itself (0.3 to 0.7 ms).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from digest.errors import ConfigError

# RFC 6376 §5.4.1, and RFC 8058 §4, which asks for both List-Unsubscribe fields.
SIGNED = (
    "From",
    "Reply-To",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "List-Id",
    "List-Help",
    "List-Archive",
    "List-Subscribe",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Auto-Submitted",
    "Feedback-ID",
)
# Named once more than they occur, so that adding another breaks the signature (RFC 6376 §8.15).
OVERSIGNED = frozenset({"from", "to", "subject", "date"})
SMALLEST_KEY = 1024
KEY_BITS = 2048

_WHITE_SPACE = re.compile(rb"[ \t]+")
_NAME = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]*[a-z0-9])?)*")
_LINE = 76


class Signer:
    """Signs messages for `domain` with the key published at `<selector>._domainkey.<domain>`.

    Raises ConfigError when the PEM is no RSA private key of 1024 bits or more (RFC 8301 §3.2),
    or domain or selector is not a lower-case ASCII name.
    """

    def __init__(
        self,
        domain: str,
        selector: str,
        private_key_pem: bytes,
        *,
        headers: Sequence[str] = SIGNED,
    ) -> None:
        for name in (domain, selector):
            if not _NAME.fullmatch(name):
                raise ConfigError(f"DKIM: {name!r} is not a name in the DNS; write it in ASCII")
        self.record_name = f"{selector}._domainkey.{domain}"
        self._key = _load(private_key_pem)
        self._headers = tuple(each.lower() for each in headers)
        self._names = f"d={domain}; s={selector};"

    def sign(self, content: bytes, now: datetime) -> bytes:
        """The message with a DKIM-Signature in front; the same arguments give the same bytes.

        `content` has CRLF line ends; `now` becomes `t=`.
        """
        unsigned = self.begin(content, now)
        return unsigned.finish(unsigned.seal())

    def begin(self, content: bytes, now: datetime) -> Unsigned:
        """The message without its signature, so that the caller can do something meanwhile."""
        head, _, body = content.partition(b"\r\n\r\n")
        fields = _fields(head)
        names: list[str] = []
        signed: list[bytes] = []
        for name in self._headers:
            # RFC 6376 §5.4.2: of several fields with one name, the last is signed first.
            found = fields.get(name, [])[::-1]
            signed += found
            names += [name] * (len(found) + (name in OVERSIGNED))
        body_hash = b64encode(sha256(simple_body(body)).digest()).decode()
        field = _folded(
            "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple;",
            self._names,
            f"t={int(now.timestamp())};",
            f"h={':'.join(names)};",
            f"bh={body_hash};",
            "b=",
        )
        data = b"".join((*signed, relaxed_header(field.encode())[:-2]))
        return Unsigned(key=self._key, data=data, field=field, content=content)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unsigned:
    """A message that lacks nothing but the signature of `data`, which ends its `field`."""

    key: rsa.RSAPrivateKey
    data: bytes
    field: str
    content: bytes

    def seal(self) -> bytes:
        """The raw signature; OpenSSL lets other threads work meanwhile."""
        return self.key.sign(self.data, padding.PKCS1v15(), hashes.SHA256())

    def finish(self, seal: bytes) -> bytes:
        """The message, with the header field that holds what `seal` returned in front."""
        return f"{self.field}{_wrapped(b64encode(seal).decode())}\r\n".encode() + self.content


def generate_key() -> bytes:
    """A new RSA private key of 2048 bits, as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_record(private_key_pem: bytes) -> str:
    """The TXT record to publish for a private key (RFC 6376 §3.6.1).

    Longer than 255 characters: some DNS tools want it cut into several quoted strings.
    Raises ConfigError.
    """
    public = _load(private_key_pem).public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={b64encode(der).decode()}"


@lru_cache(maxsize=1024)  # most fields are the same in every mail of a morning
def relaxed_header(field: bytes) -> bytes:
    """One header field in relaxed form (RFC 6376 §3.4.2), ending in CRLF."""
    name, _, value = field.partition(b":")
    unfolded = _WHITE_SPACE.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return name.rstrip(b" \t").lower() + b":" + unfolded + b"\r\n"


def simple_body(body: bytes) -> bytes:
    """A body in simple form (RFC 6376 §3.4.3): unchanged, but ending in exactly one CRLF."""
    while body.endswith(b"\r\n"):
        body = body[:-2]
    return body + b"\r\n"


def _load(pem: bytes) -> rsa.RSAPrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # TypeError is how the library says that the key is encrypted.
        raise ConfigError(
            "DKIM: the private key cannot be read; an unencrypted RSA key in PEM form is needed, "
            "as `openssl genrsa 2048` makes it"
        ) from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ConfigError("DKIM: the private key is not an RSA key")
    if key.key_size < SMALLEST_KEY:
        raise ConfigError(
            f"DKIM: the private key has {key.key_size} bits; receivers ignore less than "
            f"{SMALLEST_KEY}, and {KEY_BITS} are usual"
        )
    return key


def _fields(head: bytes) -> dict[str, list[bytes]]:
    """Header fields in relaxed form by lower-case name, in the order they stand."""
    fields: dict[str, list[bytes]] = {}
    for raw in re.split(rb"\r\n(?![ \t])", head):
        relaxed = relaxed_header(raw)
        name = relaxed.partition(b":")[0].decode("ascii", "replace")
        fields.setdefault(name, []).append(relaxed)
    return fields


def _folded(*tags: str) -> str:
    """Tags on lines of their own, the long `h=` broken after colons."""
    lines: list[str] = []
    for tag in tags:
        line = ""
        for piece in tag.replace(":", ":\0").split("\0") if tag.startswith("h=") else [tag]:
            if line and len(line) + len(piece) > _LINE:
                lines.append(line)
                line = ""
            line += piece
        lines.append(line)
    return "\r\n\t".join(lines)


def _wrapped(text: str) -> str:
    """Base64 on several lines; blanks inside `b=` are ignored (RFC 6376 §3.5)."""
    return "\r\n\t ".join(text[at : at + _LINE - 4] for at in range(0, len(text), _LINE - 4))
