"""Quoted-printable text in pieces that can be joined in any order, and the holes between them.

Every piece begins and ends at the beginning of a line: where its text does not, a soft line
break (RFC 2045 §6.7 rule 5) ends it. So pieces are encoded once and a message is their join,
with no line over 76 however they meet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from itertools import chain
from operator import itemgetter
from typing import Any

LONGEST_CONSTANT = 500

# No text from outside has a NUL left in it, so these marks cannot be forged.
_HOLE = re.compile("\0([a-z_]+)\0")
_PRINTABLE = bytes(range(0x20, 0x7F)) + b"\n"
_UNPRINTABLE = re.compile(rb"[^ -~\n]+")
_TRAILING = re.compile(rb" (?=\n|\Z)")
_WORD = re.compile(rb"[!-\-/-<>-~][!-<>-~]*")
# What a mail system on the way would change at the beginning of a line.
_BOLD = re.compile(rb"^(?:\.|F(?=rom ))", re.MULTILINE)
# 73 leaves room for the soft break's `=` and for an encoded first letter.
_ROOM = 73
_CHUNK = re.compile(rb".{1,73}(?<!=)(?<!=.)")


def _escaped(run: bytes) -> bytes:
    return b"=" + run.hex("=").upper().encode()


_SIGNS = {each.encode(): _escaped(each.encode()) for each in "“”‘’–—…·"}
_OWN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,72}")


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
    raw = text.encode(errors="replace")
    if _WORD.fullmatch(raw):  # an address: those differ in every message
        if len(raw) > _ROOM:
            raw = _shy(b"=\r\n".join(_cut(raw)))
        return raw + b"=\r\n"
    encoded = raw.replace(b"=", b"=3D")
    if others := raw.translate(None, _PRINTABLE):
        if escaped := _SIGNS.get(others):  # mostly it is one of these, and a search takes longer
            encoded = encoded.replace(others, escaped)
        else:
            encoded = _UNPRINTABLE.sub(_hexadecimal, encoded)
    if b" \n" in raw or raw.endswith(b" "):
        encoded = _TRAILING.sub(b"=20", encoded)
    cut = _cut if encoded is raw or b"=" not in encoded else _CHUNK.findall
    lines = [
        line if len(line) <= _ROOM else b"=\r\n".join(cut(line)) for line in encoded.split(b"\n")
    ]
    end = b"=\r\n" if lines[-1] else b""
    return _shy(b"\r\n".join(lines)) + end


def _hexadecimal(run: re.Match[bytes]) -> bytes:
    return _escaped(run[0])


def _cut(line: bytes) -> list[bytes]:
    """A line without encoded letters in chunks, as `_CHUNK` would find them."""
    return [line[at : at + _ROOM] for at in range(0, len(line), _ROOM)]


def _shy(lines: bytes) -> bytes:
    if b"\n." in lines or b"\nFrom " in lines or lines.startswith((b".", b"From ")):
        return _BOLD.sub(_hexadecimal, lines)
    return lines


# Much of what stands between holes is the same whatever the paper.
_constant = lru_cache(maxsize=4096)(encode)


def encode_address(url: str) -> tuple[bytes, bytes]:
    """`encode` for HTML and for text of an address made for one person.

    It is not worth keeping, but what stands before its last slash is.
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
    """What takes the values of these holes out of a mapping, or of a sequence by their places."""
    if len(holes) > 1:
        return itemgetter(*holes)
    return lambda values: tuple(values[each] for each in holes)


@dataclass(frozen=True, slots=True)
class Pieces:
    """A text with holes: its encoded pieces, every second one an empty place for a hole's value."""

    pieces: tuple[bytes, ...]
    holes: tuple[str, ...]
    _values: Callable[[Mapping[str, bytes]], tuple[bytes, ...]] = field(repr=False, compare=False)

    @classmethod
    def of(cls, text: str) -> Pieces:
        """Encode a template's output, and open the holes it has marks for."""
        parts = _HOLE.split(text)
        constants = [
            _constant(each) if len(each) <= LONGEST_CONSTANT else encode(each)
            for each in parts[::2]
        ]
        pieces = (*chain.from_iterable((each, b"") for each in constants),)[:-1]
        holes = (*parts[1::2],)
        return cls(pieces, holes, _getter(holes))

    def fill(self, values: Mapping[str, bytes]) -> bytes:
        """The text with its holes filled by encoded `values`."""
        return b"".join(self.filled(values))

    def filled(self, values: Mapping[str, bytes]) -> list[bytes]:
        """The same in pieces, for whoever joins more than one text."""
        pieces = list(self.pieces)
        pieces[1::2] = self._values(values)
        return pieces

    def ordered(self, *names: str) -> Ordered:
        """The same text, to be filled with the values of these names, in this order."""
        return Ordered(self.pieces, _getter(tuple(names.index(each) for each in self.holes)))


@dataclass(frozen=True, slots=True)
class Ordered:
    """A text with holes that takes their values as a tuple, a third quicker than by their names."""

    pieces: tuple[bytes, ...]
    _values: Callable[[tuple[bytes, ...]], tuple[bytes, ...]] = field(repr=False, compare=False)

    def filled(self, values: tuple[bytes, ...]) -> list[bytes]:
        """The text in pieces, its holes filled by encoded `values`."""
        pieces = list(self.pieces)
        pieces[1::2] = self._values(values)
        return pieces
