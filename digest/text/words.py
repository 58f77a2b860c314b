"""Text made comparable: folded words, phrases; and cut at the borders people expect."""

from __future__ import annotations

import re
import unicodedata

_ASCII_FOLD = "".join(chr(c).lower() if chr(c).isalnum() else " " for c in range(128))
_SYMBOLIC = re.compile(r"\b([A-Za-z])(\+\+|#)(?![\w+#])")
_SPOKEN = {"++": "plusplus", "#": "sharp"}
_NOT_WORD = re.compile(r"[\W_]+")
# Letters that Unicode does not decompose, though people type them without the stroke.
_STROKES = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}
)
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]]*\s+(?=[\"'“‘(\[]*[^\Wa-z_])")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[])(?:[A-Za-z]|[ei]\.[eg]|al|approx|cf|dr|eqs?|etc|figs?|mr|mrs|ms|no|prof|refs?"
    r"|resp|sec|st|tab|vs|w\.r\.t)\.$",
    re.IGNORECASE,
)
_ELLIPSIS = "…"


def fold(s: str) -> str:
    """`s` for matching: case folded, accents stripped, punctuation turned to single spaces.

    `C++` and `C#` become words of their own, or they would match every lone `c`.
    """
    if "+" in s or "#" in s:
        s = _SYMBOLIC.sub(lambda found: f"{found[1]}{_SPOKEN[found[2]]}", s)
    if s.isascii():
        return " ".join(s.translate(_ASCII_FOLD).split())
    plain = unicodedata.normalize("NFKD", s).casefold().translate(_STROKES)
    plain = unicodedata.normalize("NFKD", plain)
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return _NOT_WORD.sub(" ", plain).strip()


def words(s: str) -> list[str]:
    """The folded words of `s`, in order."""
    return fold(s).split()


def contains_phrase(folded_text: str, folded_phrase: str) -> bool:
    """Whether the phrase stands in the text as whole words; both must be folded already.

    Folded words are parted by single spaces, so padding both with a space makes a plain
    substring search respect word borders: no regular expression, and no escaping.
    """
    return bool(folded_phrase) and f" {folded_phrase} " in f" {folded_text} "


def sentences(s: str) -> list[str]:
    """The sentences of a plain text; `e.g.`, `et al.`, initials and decimals do not end one."""
    found: list[str] = []
    start = 0
    for match in _SENTENCE_END.finditer(s):
        end = match.start() + 1
        if s[end - 1] == "." and _ABBREVIATION.search(s, max(start, end - 12), end):
            continue
        found.append(s[start : match.end()].strip())
        start = match.end()
    if s[start:].strip():
        found.append(s[start:].strip())
    return found


def wrapped(text: str, room: int, *, first: int | None = None) -> list[str]:
    """Words with single spaces between, in lines of at most `room` letters, the first of `first`.

    A word that finds no room, such as a long URL, stays whole. Like `textwrap` for such text, at a
    twentieth of its cost.
    """
    lines: list[str] = []
    left, start = room if first is None else first, 0
    while len(text) - start > left:
        end = text.rfind(" ", start, start + left + 1)
        if end < 0:
            end = text.find(" ", start + left)
        if end < 0:
            break
        lines.append(text[start:end])
        left, start = room, end + 1
    return [*lines, text[start:]]


def truncate(s: str, limit: int) -> str:
    """`s` in at most `limit` characters, ending with … when cut.

    The cut is at a sentence's end if that keeps at least 60 % of the room, else at a word's,
    else (one endless word) where the room ends.
    """
    if len(s) <= limit:
        return s
    if limit <= 1:
        return _ELLIPSIS[: max(limit, 0)]
    kept = ""
    for sentence in sentences(s[: limit + 1])[:-1]:
        longer = f"{kept} {sentence}".strip()
        if len(longer) > limit - 2:
            break
        kept = longer
    if len(kept) >= 0.6 * limit:
        return f"{kept} {_ELLIPSIS}"
    room = s[:limit]
    border = room.rfind(" ")
    cut = room[:border] if border >= limit // 2 else room[: limit - 1]
    while cut and unicodedata.combining(s[len(cut)]):
        cut = cut[:-1]
    return cut.rstrip(" ,;:.-–—(") + _ELLIPSIS
