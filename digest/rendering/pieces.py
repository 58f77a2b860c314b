"""Quoted-printable text in pieces that can be joined in any order, and the holes between them.

Every piece begins and ends at the beginning of a line: where its text does not, a soft line
break (RFC 2045 §6.7 rule 5) ends it. So pieces are encoded once and a message is their join,
with no line over 76 however they meet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# No text from outside has a NUL left in it, so these marks cannot be forged.
_HOLE = re.compile("\0([a-z_]+)\0")
_UNPRINTABLE = re.compile(rb"[^ -<>-~\n]| (?=\n|\Z)")
# 73 leaves room for the soft break's `=` and for an encoded first letter.
_CHUNK = re.compile(rb".{1,73}(?<!=)(?<!=.)")


def hole(name: str) -> str:
    """The mark that keeps a place open in a template's output."""
    return f"\0{name}\0"


def encode(text: str) -> bytes:
    r"""Quoted-printable with CRLF, lines of at most 76; newlines (`\n`) of the text are hard.

    No line begins with a dot or with `From `, so neither SMTP transparency (RFC 5321 §4.5.2)
    nor an mbox on the way has to change a byte that was signed. Lone surrogates become `?`.
    """
    if not text:
        return b""
    raw = _UNPRINTABLE.sub(lambda byte: b"=%02X" % ord(byte[0]), text.encode(errors="replace"))
    lines = [b"=\r\n".join(map(_shy, _CHUNK.findall(line))) for line in raw.split(b"\n")]
    end = b"=\r\n" if lines[-1] else b""
    return b"\r\n".join(lines) + end


def _shy(chunk: bytes) -> bytes:
    if chunk.startswith(b"."):
        return b"=2E" + chunk[1:]
    if chunk.startswith(b"From "):
        return b"=46" + chunk[1:]
    return chunk


@dataclass(frozen=True, slots=True)
class Pieces:
    """A text with holes, as a bytes template: `%(name)b` where a hole is."""

    template: bytes

    @classmethod
    def of(cls, text: str) -> Pieces:
        """Encode a template's output, and open the holes it has marks for."""
        first, *marked = _HOLE.split(text)
        parts = [_constant(first)]
        for name, constant in zip(marked[::2], marked[1::2], strict=True):
            parts.append(b"%%(%s)b" % name.encode())
            parts.append(_constant(constant))
        return cls(b"".join(parts))

    def fill(self, values: Mapping[bytes, bytes]) -> bytes:
        """The text with its holes filled by encoded `values`."""
        return self.template % values


def _constant(text: str) -> bytes:
    return encode(text).replace(b"%", b"%%")
