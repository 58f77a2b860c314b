"""LaTeX's dashes, quotation marks, scripts and fractions in plain Unicode; and what is math."""

from __future__ import annotations

import re

from digest.text.symbols import RAISED, SUBSCRIPTS, SUPERSCRIPTS

_TEX_SIGN = re.compile(r"[\\^_{=<>]")
_LONG_WORD = re.compile(r"[^\W\d_]{3,}")
_QUOTED = re.compile(r"(?<![\w`])`([^`'\n]{1,200})'(?![\w'])")
# Not `--option`. The lookbehind comes after the dashes, so that the search is for a literal: faster.
_EN_DASH = re.compile(r"--(?<!---)(?!-)(?:(?![a-z])|(?<=[^\s-]--))")
_SHORT_SCRIPT = 3
_MAX_SCRIPT = 8
_MAX_WORDS = 4


def plain(chunk: str, *, math: bool) -> str:
    """A run without macros: in text, LaTeX's dashes and quotation marks become Unicode's."""
    if math:
        return chunk
    if "--" in chunk:
        chunk = _EN_DASH.sub("–", chunk.replace("---", "—"))
    return _QUOTED.sub("‘\\1’", chunk.replace("``", "“")) if "`" in chunk else chunk


def script(sign: str, content: str) -> str:
    """A super- or subscript in Unicode if all its characters have one, else after its sign."""
    content = content.strip()
    if sign == "^" and (content in RAISED or content.strip("′") == ""):
        return RAISED.get(content, content)
    table = SUPERSCRIPTS if sign == "^" else SUBSCRIPTS
    is_word = content.isalpha() and len(content) > _SHORT_SCRIPT
    if not is_word and len(content) <= _MAX_SCRIPT and all(c in table for c in content):
        return "".join(table[c] for c in content)
    is_atom = len(content) == 1 or content.replace(".", "").isalnum()
    return f"{sign}{content}" if is_atom else f"{sign}({content})"


def operand(s: str) -> str:
    """A part of a fraction or root, in parentheses if it needs them."""
    return s if len(s) == 1 or s.isalnum() else f"({s})"


def is_math(content: str, after: str) -> bool:
    """Whether the text between two dollar signs is math, and not prose between two prices."""
    if _TEX_SIGN.search(content):
        return True
    long_words = len(_LONG_WORD.findall(content))
    if content != content.strip():
        return not long_words
    if content[0].isdigit():
        return not after.isdigit() and long_words <= 1
    return long_words <= _MAX_WORDS
