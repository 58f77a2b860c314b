"""Quoted-printable text in pieces that can be joined in any order, with holes to fill.

Every encoded piece ends with a line break; if its text does not, with a soft one (RFC 2045 §6.7
rule 5). So each piece is encoded once, and a message is their join with no line over 76.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from itertools import chain
from operator import itemgetter
from typing import Any

LONGEST_CONSTANT = 500

# `clean` removes NUL from outside text, so these marks cannot be forged.
_HOLE = re.compile("\0([a-z_]+)\0")
# What mail systems change at the beginning of a line.
_CHANGED = re.compile(rb"^(?:\.|F(?=rom ))", re.MULTILINE)
_LONGEST = 75  # with the `=` of a soft break 76
# 73 leaves room for that `=` and for an encoded first letter.
_CHUNK = re.compile(rb".{1,73}(?<!=)(?<!=.)")
_OWN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,72}")


def hole(name: str) -> str:
    """The mark that keeps a place open in a template's output."""
    return f"\0{name}\0"


def encode(text: str) -> bytes:
    r"""Quoted-printable with CRLF, in lines of at most 76; newlines (`\n`) of the text stay.

    No line begins with a dot or with `From `, which SMTP (RFC 5321 §4.5.2) or an mbox would
    change and so break the signature. Carriage returns are left out, lone surrogates become `?`.
    """
    if not text:
        return b""
    raw = text.replace("\r", "").encode(errors="replace")
    quoted = b2a_qp(raw)
    last = len(quoted) - quoted.rfind(b"\n") - 1
    if (
        last > _LONGEST
        or b"\n." in quoted
        or b"\nFrom " in quoted
        or quoted.startswith((b".", b"From "))
        # With these `b2a_qp` may make a line too long.
        or (b"\n" in raw and (b"=20\n" in quoted or b"=09\n" in quoted))
    ):
        quoted = _narrower(quoted)
    return quoted.replace(b"\n", b"\r\n") + (b"=\r\n" if last else b"")


def _narrower(quoted: bytes) -> bytes:
    """The same with shorter lines and the first characters encoded that `_CHANGED` finds."""
    lines = quoted.replace(b"=\n", b"").split(b"\n")
    cut = b"\n".join(b"=\n".join(_CHUNK.findall(line)) for line in lines)
    return _CHANGED.sub(lambda found: b"=%02X" % found[0][0], cut)


# Most text between holes is the same for all papers.
_constant = lru_cache(maxsize=4096)(encode)


def encode_address(url: str) -> tuple[bytes, bytes]:
    """`encode` for HTML and for text, of an address for one person.

    Only what comes before its last slash is worth caching.
    """
    before, slash, own = url.rpartition("/")
    if not _OWN.fullmatch(own):
        return encode(escape(url)), encode(url)
    html, text = _known(before + slash)
    personal = own.encode() + b"=\r\n"
    return html + personal, text + personal


@lru_cache(maxsize=4096)
def _known(beginning: str) -> tuple[bytes, bytes]:
    return encode(escape(beginning)), encode(beginning)


@lru_cache(maxsize=4096)
def _getter(holes: tuple[str, ...] | tuple[int, ...]) -> Callable[[Any], tuple[bytes, ...]]:
    """Takes the values of these holes from a mapping, or from a sequence by index."""
    if len(holes) > 1:
        return itemgetter(*holes)
    return lambda values: tuple(values[each] for each in holes)


@dataclass(frozen=True, slots=True)
class Pieces:
    """A text with holes: its encoded pieces, of which every second one is a hole, left empty.

    Holes are filled with encoded values: a mapping from their names or, after `ordered`, a tuple,
    which is a third faster.
    """

    pieces: tuple[bytes, ...]
    holes: tuple[str, ...]
    _values: Callable[[Any], tuple[bytes, ...]] = field(repr=False, compare=False)

    @classmethod
    def of(cls, text: str) -> Pieces:
        """Encode a template's output, with a hole for each mark."""
        parts = _HOLE.split(text)
        constants = [
            _constant(each) if len(each) <= LONGEST_CONSTANT else encode(each)
            for each in parts[::2]
        ]
        pieces = (*chain.from_iterable((each, b"") for each in constants),)[:-1]
        holes = (*parts[1::2],)
        return cls(pieces, holes, _getter(holes))

    def fill(self, values: Mapping[str, bytes]) -> bytes:
        """The text with its holes filled."""
        return b"".join(self.filled(values))

    def filled(self, values: Mapping[str, bytes] | tuple[bytes, ...]) -> list[bytes]:
        """The same in pieces, to be joined with others."""
        pieces = list(self.pieces)
        pieces[1::2] = self._values(values)
        return pieces

    def ordered(self, *names: str) -> Pieces:
        """The same text, to be filled with the values of these names in this order."""
        places = tuple(names.index(each) for each in self.holes)
        return Pieces(self.pieces, self.holes, _getter(places))
