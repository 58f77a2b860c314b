"""Formulas and superscripts in HTML and JATS as Unicode, like formulas in LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape, unescape

from digest.text.symbols import SUPERSCRIPTS
from digest.text.typography import operand, script

_FORMULA = re.compile(r"<(/?)(?:mml:|m:)?math(?:\s[^<>]*)?>", re.IGNORECASE)
_TEX = re.compile(
    r"<((?:jats:)?tex-math)(?:\s[^<>]*)?>([^<]{0,3000})</\1>"
    r"(\s*(?:<(?:jats:)?alternatives>\s*)?<(?:mml:|m:)?math\b)?",
    re.IGNORECASE,
)
_PIECE = re.compile(r"<(/?)(?:\w+:)?(\w+)(?:\s[^<>]*?)?(/?)>|([^<]+|<)")
_RAISED = re.compile(r"<((?:jats:)?sup)(?:\s[^<>]*)?>(.{0,80}?)</\1>", re.IGNORECASE | re.DOTALL)
_ANY_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_MAX_DEPTH = 40
_MINUS = str.maketrans("−–", "--")  # a minus sign and a dash, as publishers write them
_OVER = {"¯": "\u0304", "‾": "\u0304", "^": "\u0302", "ˆ": "\u0302", "~": "\u0303", "˜": "\u0303",
         "→": "\u20d7", "˙": "\u0307", ".": "\u0307", "¨": "\u0308"}  # fmt: skip


def tex_once(s: str) -> str:
    """JATS with its TeX formulas between dollar signs, without those that follow as MathML too."""
    return _TEX.sub(_tex, s) if "tex-math" in s else s


def _tex(match: re.Match[str]) -> str:
    _, tex, formula = match.groups()
    return formula or (tex if "$" in tex else f"${tex}$")


def formulas_to_text(s: str) -> str:
    """HTML with every complete `<math>` element as text, escaped."""
    parts: list[str] = []
    end, opening = 0, None
    for tag in _FORMULA.finditer(s):
        if opening is None:
            opening = None if tag[1] else tag
        elif tag[1]:
            formula = _formula(s[opening.end() : tag.start()])
            parts += (s[end : opening.start()], escape(formula, quote=False))
            end, opening = tag.end(), None
    return "".join((*parts, s[end:]))


def raised_to_text(s: str) -> str:
    """HTML with `10<sup>15</sup>` as 10¹⁵; ordinals, marks and references stay as they are."""
    return _RAISED.sub(_raised, s)


def _raised(match: re.Match[str]) -> str:
    content = unescape(_ANY_TAG.sub("", match[2])).strip().translate(_MINUS)
    is_word = content.isalpha() and len(content) > 1
    is_mark = content not in SUPERSCRIPTS and not any(map(str.isalnum, content))
    is_reference = bool(set(content) & set(",;[<&"))
    return match[0] if is_word or is_mark or is_reference else script("^", content)


def _formula(source: str) -> str:
    """The text of one formula; unknown elements are replaced by their content."""
    stack: list[tuple[str, list[str]]] = [("math", [])]
    for closing, tag, alone, text in _PIECE.findall(source):
        name = tag.lower()
        if text:
            piece = unescape(text)
            if piece := piece if stack[-1][0] == "mtext" else piece.strip():
                stack[-1][1].append(piece)
        elif alone:
            stack[-1][1].append(_ALONE.get(name, ""))
        elif not closing:
            if len(stack) > _MAX_DEPTH:  # composing takes quadratic time
                return unescape(_ANY_TAG.sub("", source))
            stack.append((name, []))
        elif any(name == each for each, _ in stack[1:]):
            while _close(stack) != name:
                pass
    while len(stack) > 1:
        _close(stack)
    return "".join(stack[0][1])


def _close(stack: list[tuple[str, list[str]]]) -> str:
    """Compose the innermost element and add it to the element around it; returns its name."""
    name, parts = stack.pop()
    compose, number = _ELEMENTS.get(name, (None, 0))
    is_whole = compose is not None and parts and number in {0, len(parts)}
    stack[-1][1].append(compose(*parts) if compose and is_whole else "".join(parts))
    return name


def _up(base: str, above: str) -> str:
    return base + script("^", above.translate(_MINUS))


def _down(base: str, below: str) -> str:
    return base + script("_", below.translate(_MINUS))


def _over(base: str, above: str) -> str:
    if len(base) == 1 and above in _OVER:
        return base + _OVER[above]
    return base if above in _OVER else _up(base, above)


def _under_over(base: str, below: str, above: str) -> str:
    return _up(_down(base, below), above)


def _around(base: str, *scripts: str) -> str:
    """A base and its scripts in pairs (below, above); after `_BEFORE` come those before the base."""
    at = scripts.index(_BEFORE) if _BEFORE in scripts else len(scripts)
    return _pairs(scripts[at + 1 :]) + base + _pairs(scripts[:at])


def _pairs(scripts: tuple[str, ...]) -> str:
    pairs = zip(scripts[::2], scripts[1::2], strict=False)
    return "".join(_under_over("", below, above) for below, above in pairs)


def _fraction(above: str, below: str) -> str:
    return f"{operand(above)}/{operand(below)}"


def _root(*parts: str) -> str:
    return "√" + operand("".join(parts))


def _indexed_root(under: str, index: str) -> str:
    return script("^", index) + _root(under)


def _nothing(*_parts: str) -> str:
    return ""


_BEFORE = "\0"
_ALONE = {"mspace": " ", "mprescripts": _BEFORE}
# What composes an element's parts, and how many there must be (0: any number).
_ELEMENTS: dict[str, tuple[Callable[..., str], int]] = {
    "msup": (_up, 2),
    "msub": (_down, 2),
    "msubsup": (_under_over, 3),
    "mover": (_over, 2),
    "munder": (_down, 2),
    "munderover": (_under_over, 3),
    "mmultiscripts": (_around, 0),
    "mfrac": (_fraction, 2),
    "msqrt": (_root, 0),
    "mroot": (_indexed_root, 2),
    "annotation": (_nothing, 0),
    "mphantom": (_nothing, 0),
}
