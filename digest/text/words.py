"""Folded words and phrases, to compare texts; and text cut into sentences, lines and slugs."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import filterfalse

_ASCII_FOLD = "".join(chr(c).lower() if chr(c).isalnum() else " " for c in range(128))
_SYMBOLIC = re.compile(r"\b([A-Za-z])(\+\+|#)(?![\w+#])")
_SPOKEN = {"++": "plusplus", "#": "sharp"}
_NOT_WORD = re.compile(r"[\W_]+")
# Runs that are not ASCII, which can be normalised by themselves.
_BEYOND_ASCII = re.compile(r"([^\x00-\x7f]+(?:[ ,.-]+[^\x00-\x7f]+)*)")
# Letters that Unicode does not decompose, but that people also type like this.
_STROKES = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}
)
_ALL_STROKES = str.maketrans(
    {chr(letter): plain for letter, plain in _STROKES.items()}
    | {chr(letter).upper(): plain for letter, plain in _STROKES.items() if chr(letter) != "ı"}
    | {"ß": "ss", "ẞ": "ss"}
)
# Letters of Han, Kana and Hangul after `fold`, which splits a Hangul syllable into one letter
# that begins it and one or two that follow.
_BEGINS = (
    r"\u1100-\u115f\u3005\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\ua960-\ua97f\U00020000-\U0003ffff"
)
_GOES_ON = r"\u1160-\u11ff\ud7b0-\ud7ff"
_WITHOUT_SPACES = re.compile(f"[{_BEGINS}]")
_BORDER = re.compile(rf"(?<=\S)(?=[{_BEGINS}])|(?<=[{_BEGINS}{_GOES_ON}])(?=[^\s{_GOES_ON}])")
# One character of Chinese or Japanese, or a word of another script, with the punctuation that may not
# stand at the end or the beginning of a line, and the space after it.
_OPENING, _CLOSING = "（［「『【《〈“‘", "、。，．！？；：）］」』】》〉”’…ーっッゃゅょャュョ々"
_UNIT = re.compile(
    rf"[{_OPENING}]*(?:[{_BEGINS}]|[^ {_BEGINS}{_OPENING}]+)[{_CLOSING}]* ?|[{_OPENING}]+ ?| "
)
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]]*\s+(?=[\"'“‘(\[]*[^\Wa-z_])")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[])(?:[A-Za-z]|[ei]\.[eg]|al|approx|cf|dr|eqs?|etc|figs?|mr|mrs|ms|no|prof|refs?"
    r"|resp|sec|st|tab|vs|w\.r\.t)\.$",
    re.IGNORECASE,
)
_ELLIPSIS = "…"
_NOT_IN_A_SLUG = re.compile(r"[^A-Za-z0-9._-]+")


def fold(s: str) -> str:
    """`s` for matching: case folded, accents stripped, punctuation turned to single spaces.

    `C++` and `C#` become words of their own, or they would match every lone `c`.
    """
    if "+" in s or "#" in s:
        s = _SYMBOLIC.sub(lambda found: f"{found[1]}{_SPOKEN[found[2]]}", s)
    if s.isascii():
        return " ".join(s.translate(_ASCII_FOLD).split())
    # Most texts have only a dash or an accent: 5 times as fast as normalising all of it.
    parts = _BEYOND_ASCII.split(s)
    parts[::2] = [each.translate(_ASCII_FOLD) for each in parts[::2]]
    parts[1::2] = map(_plain, parts[1::2])
    return " ".join("".join(parts).split())


def _plain(s: str) -> str:
    plain = unicodedata.normalize("NFKD", s).casefold().translate(_STROKES)
    plain = unicodedata.normalize("NFKD", plain)
    return _NOT_WORD.sub(" ", "".join(filterfalse(unicodedata.combining, plain)))


def without_strokes(s: str) -> str:
    """`s` with letters that Unicode does not decompose replaced: `ł` by `l`, `æ` by `ae`.

    For the full-text index, which removes accents itself; `store.migrations.strokes` does the same.
    """
    return s if s.isascii() else s.translate(_ALL_STROKES)


def words(s: str) -> list[str]:
    """The folded words of `s`, in order."""
    return fold(s).split()


def spaced(folded: str) -> str:
    """A folded text with each Chinese, Japanese and Korean character as a word.

    Chinese and Japanese have no spaces between words, and Korean attaches particles to words, so a
    phrase may begin and end anywhere there, but never inside a syllable. Other text stays.
    """
    return folded if folded.isascii() else _spaced(folded)


# One text is searched for many phrases in turn.
@lru_cache(maxsize=256)
def _spaced(folded: str) -> str:
    return _BORDER.sub(" ", folded) if _WITHOUT_SPACES.search(folded) else folded


def contains_phrase(folded_text: str, folded_phrase: str) -> bool:
    """Whether the phrase is in the text as whole words; both must be folded.

    Folded words are separated by single spaces, so with a space around both, a substring search
    finds only whole words. For scripts without spaces see `spaced`.
    """
    # Skips the work below for a Latin phrase that is not there at all, the usual case.
    if not folded_text.isascii() and (not folded_phrase.isascii() or folded_phrase in folded_text):
        folded_text, folded_phrase = spaced(folded_text), spaced(folded_phrase)
    return bool(folded_phrase) and f" {folded_phrase} " in f" {folded_text} "


def contains_prefix(folded_text: str, folded_prefix: str) -> bool:
    """Whether a word of the text begins with the prefix; both must be folded.

    A word is what is between spaces, in any script, as in the full-text index. A Hangul syllable
    is not the beginning of another one.
    """
    text, start = f" {folded_text}", f" {folded_prefix}"
    if folded_prefix.isascii() or start not in text:
        return start in text
    return re.search(f"{re.escape(start)}(?![{_GOES_ON}])", text) is not None


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
    """Words separated by single spaces, in lines of at most `room` characters (the first: `first`).

    A longer word, such as a URL, stays whole. The same as `textwrap`, but 20 times as fast. Chinese and
    Japanese break at any character, and each takes the room of two, as terminals show them.
    """
    if not text.isascii() and _WITHOUT_SPACES.search(text):
        return _wrapped_by_width(text, room, room if first is None else first)
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


def _wrapped_by_width(text: str, room: int, first: int) -> list[str]:
    lines, left = [""], first
    for unit in _UNIT.findall(text):
        wide = sum(unicodedata.east_asian_width(each) in "FW" for each in unit)
        if lines[-1] and wide + len(unit.rstrip(" ")) > left:
            lines.append("")
            left = room
        lines[-1] += unit
        left -= wide + len(unit)
    return [each.rstrip(" ") for each in lines]


def truncate(s: str, limit: int) -> str:
    """`s` in at most `limit` characters, ending with … if it was cut.

    It is cut after a sentence if that keeps at least 60 % of `limit`, else after a word, else (one
    very long word) inside it.
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


def slug(s: str) -> str:
    """A name for addresses and file names: `biorxiv:x y` gives `biorxiv-x-y`."""
    return _NOT_IN_A_SLUG.sub("-", s).strip("-.") or "topic"
