r"""LaTeX in titles, names and abstracts, as readable Unicode.

This does not use pylatexenc's converter, which takes `%` for a comment and drops the rest of the
line, drops unknown macros, and takes milliseconds for each abstract.
"""

from __future__ import annotations

import re
import unicodedata

from digest.text import symbols
from digest.text.cleaning import clean
from digest.text.typography import is_math, operand, plain, script

MAX_LENGTH = 100_000
_MAX_DEPTH = 30
_MAX_SPAN = 3_000
_MAX_ADDRESS = 600

_TEXT_STOP = re.compile(r"[\\${}~]")
_MATH_STOP = re.compile(r"[\\${}~^_'&]")
_BRACE = re.compile(r"[{}]")
_NAME = re.compile(r"[A-Za-z]+")
_OPTION = re.compile(r"\s*\[([^\[\]]{0,300})\]")
_CITE = re.compile(r"(?:no|paren|text|auto|foot|full)?[cC]ite[A-Za-z]*")
_CLOSED = re.compile(r"(?<!\\)\$")
_NEXT_WORD = re.compile(r"\s+\w\w")


def latex_to_text(s: str) -> str:
    r"""Readable Unicode from LaTeX source, cleaned; text without LaTeX is only cleaned.

    Accents, symbols, scripts and fractions become characters, styled text stays as plain text,
    citations are dropped, and links become text and address. An unknown macro becomes its
    argument or, without one, its name, so that no word is lost. `$5 and $10`, `50%` and
    snake_case are not taken for LaTeX. Only the first 100,000 characters are converted.
    """
    if not ("\\" in s or "$" in s or "{" in s or "`" in s or "~" in s or "--" in s or "''" in s):
        return clean(s)
    text = _Reader(s[:MAX_LENGTH]).read() + s[MAX_LENGTH:]
    return clean(text.replace("''", "”" if "“" in text else '"'))


class _Reader:
    """One pass over one string; every search ahead is bounded, so that it takes linear time."""

    __slots__ = ("at", "depth", "s")

    def __init__(self, s: str, depth: int = 0) -> None:
        self.s = s
        self.at = 0
        self.depth = depth

    def read(self, *, math: bool = False, closer: str = "") -> str:
        """The text up to the matching `closer`, or to the end."""
        stop = _MATH_STOP if math else _TEXT_STOP
        out: list[str] = []
        while match := stop.search(self.s, self.at):
            if match.start() > self.at:
                out.append(plain(self.s[self.at : match.start()], math=math))
            char = match[0]
            self.at = match.end()
            if char == "}" and closer:
                return "".join(out)
            piece = self._special(char, math=math)
            if (
                not piece
                and not math
                and out
                and self.s[self.at : self.at + 1] in {".", ",", ";", ":", ")"}
            ):
                out[-1] = out[-1].rstrip(" ")  # the space before a dropped citation
            out.append(piece)
        out.append(plain(self.s[self.at :], math=math))
        self.at = len(self.s)
        return "".join(out)

    def _special(self, char: str, *, math: bool) -> str:
        if char == "\\":
            return self._macro(math=math)
        if char == "{":
            return self._group(math=math)
        if char == "~":
            return self._tilde()
        if char == "$":
            return "" if math else self._dollar()
        if math and char in "^_":
            return script(char, self._argument(math=True))
        return {"'": "′", "&": " "}.get(char, char)

    # --- pieces of source ---------------------------------------------------------------------

    def _group(self, *, math: bool) -> str:
        """The content of a group; its opening brace has been read."""
        if self.depth >= _MAX_DEPTH:
            return ""
        self.depth += 1
        content = self.read(math=math, closer="}")
        self.depth -= 1
        return content

    def _argument(self, *, math: bool) -> str:
        """A macro's next argument: a group, a macro, or one character."""
        self.at = self._after_blank()
        char = self.s[self.at : self.at + 1]
        if not char or char == "}" or self.depth >= _MAX_DEPTH:
            return ""
        self.at += 1
        if char not in "{\\":
            return "" if char == "$" else char
        self.depth += 1
        content = self.read(math=math, closer="}") if char == "{" else self._macro(math=math)
        self.depth -= 1
        return content

    def _raw(self) -> str:
        """The next group unconverted (an address or a key), "" if there is none."""
        start = self._after_blank()
        if self.s[start : start + 1] != "{":
            return ""
        level = 0
        for match in _BRACE.finditer(self.s, start, start + _MAX_ADDRESS):
            level += 1 if match[0] == "{" else -1
            if not level:
                self.at = match.end()
                return self.s[start + 1 : match.start()]
        return ""

    def _option(self) -> str:
        match = _OPTION.match(self.s, self.at)
        if not match:
            return ""
        self.at = match.end()
        return match[1]

    def _after_blank(self) -> int:
        at = self.at
        while self.s[at : at + 1].isspace():
            at += 1
        return at

    def _math(self, content: str) -> str:
        return _Reader(content, self.depth + 1).read(math=True)

    # --- signs ----------------------------------------------------------------------------------

    def _tilde(self) -> str:
        """A space, or the sign itself in `~5` (about five) and `/~user`."""
        before = self.s[self.at - 2 : self.at - 1] if self.at > 1 else ""
        after = self.s[self.at : self.at + 1]
        if before == "/" or ((not before or before in " (\n") and after.strip()):
            return "~"
        return " "

    def _dollar(self) -> str:
        """Math, if the text up to the next `$` looks like math; else the sign, as in prices."""
        fence = "$$" if self.s.startswith("$", self.at) else "$"
        start = self.at + len(fence) - 1
        end = self._closing(fence, start)
        content = self.s[start:end] if end >= 0 else ""
        if not content.strip() or not is_math(content, self.s[end + 1 : end + 2]):
            return "$"
        self.at = end + len(fence)
        return self._math(content)

    def _closing(self, fence: str, start: int) -> int:
        if fence == "$$":
            return self.s.find(fence, start, start + _MAX_SPAN)
        match = _CLOSED.search(self.s, start, start + _MAX_SPAN)
        return match.start() if match else -1

    # --- macros ---------------------------------------------------------------------------------

    def _macro(self, *, math: bool) -> str:
        """A control word or control character; its backslash has been read."""
        match = _NAME.match(self.s, self.at)
        if not match:
            return self._control_character(math=math)
        name, start = match[0], match.start() - 1
        self.at = match.end()
        if len(name) == 1 and name in symbols.ACCENTS and not math:
            return self._accent(name)
        content = self._styled(name, math=math)
        if content is None:
            content = self._structured(name, math=math)
        if content is None:
            content = self._silent(name)
        if content is not None:
            return content
        if name in symbols.LETTERS and not math:
            return symbols.LETTERS[name] + self._swallow()
        if (symbol := symbols.symbols().get(name)) is not None:
            self._empty_group()
            return self._apart(symbol, start, "})") if math and len(symbol) > 1 else symbol
        return self._apart(self._unknown(name, math=math), start)

    def _control_character(self, *, math: bool) -> str:
        char = self.s[self.at : self.at + 1]
        self.at += 1
        if char in {"(", "["}:
            partner = "\\)" if char == "(" else "\\]"
            end = self.s.find(partner, self.at, self.at + _MAX_SPAN)
            if end < 0:
                return char
            content = self.s[self.at : end]
            self.at = end + 2
            return self._math(content)
        if char in symbols.ACCENTS and not math:
            return self._accent(char)
        return symbols.CHARACTERS.get(char, f"\\{char}")

    def _accent(self, sign: str) -> str:
        if sign in "\"'`" and _NEXT_WORD.match(self.s, self.at):
            before = self.s[max(0, self.at - _MAX_SPAN) : self.at - 2]
            if re.search(rf"\\{sign}(?<!\w..)", before):
                return sign  # an escaped quotation mark closes a quotation: no accent
        start = self.at
        base = self._argument(math=False).replace("ı", "i").replace("ȷ", "j")
        if not base:
            return sign if sign in "^~" else ""
        if not base[0].isalpha():
            self.at = start
            return sign if not sign.isalpha() else f"\\{sign}"
        joined = unicodedata.normalize("NFC", base[0] + symbols.ACCENTS[sign])
        if len(joined) > 1 and sign in "\"'`":
            return sign + base  # an escaped quotation mark, not an accent
        return joined + base[1:]

    def _styled(self, name: str, *, math: bool) -> str | None:
        """Macros that change how their argument looks; None for others."""
        if name in symbols.TEXT_STYLES and (name not in symbols.SILENT or self._at_group()):
            self._star()
            return self._argument(math=False)
        if name in symbols.MATH_STYLES and (name not in symbols.SILENT or self._at_group()):
            self._star()
            return self._argument(math=math or name == "ensuremath")
        if name == "mathbb":
            content = self._argument(math=True)
            return symbols.DOUBLE_STRUCK.get(content, content)
        if name in symbols.MATH_ACCENTS:
            content = self._argument(math=True)
            if name == "not" and len(content) != 1:
                return f" not {content}"
            return content + symbols.MATH_ACCENTS[name] if len(content) == 1 else content
        return None

    def _structured(self, name: str, *, math: bool) -> str | None:
        """Macros that combine their arguments; None for others."""
        if name.endswith("frac"):
            return f"{self._operand()}/{self._operand()}"
        if name in {"textcolor", "colorbox", "raisebox"}:
            self._option()
            self._raw()
            return self._argument(math=math)
        return _STRUCTURED[name](self) if name in _STRUCTURED else None

    # --- macros by name, for the table below ---------------------------------------------------

    def root(self) -> str:
        """A root, with its index before the sign."""
        index = self._option()
        return script("^", index) + "√" + self._operand()

    def binomial(self) -> str:
        """Two arguments, one above the other."""
        return f"({self._argument(math=True)} choose {self._argument(math=True)})"

    def over(self) -> str:
        """The first argument above the second."""
        above = self._argument(math=True)
        return self._argument(math=True) + script("^", above)

    def under(self) -> str:
        """The first argument below the second."""
        below = self._argument(math=True)
        return self._argument(math=True) + script("_", below)

    def modulo(self) -> str:
        """The modulus in parentheses."""
        return f" (mod {self._argument(math=True)})"

    def address(self) -> str:
        """A link without text: its address."""
        return self._raw() or self._swallow()

    def link(self) -> str:
        """A link's text, and its address unless that is in the text."""
        address = self._raw()
        shown = self._argument(math=False)
        return shown if not address or address in shown else f"{shown} ({address})"

    def code(self) -> str:
        """A character by its number, as MathJax reads it: `x2013`, `8211`."""
        number = self._raw()
        try:
            return chr(int(number[1:], 16) if number.startswith("x") else int(number))
        except (ValueError, OverflowError):
            return ""

    def raised(self) -> str:
        """Raised text; only digits stay raised, and not `1st`."""
        content = self._argument(math=False)
        return script("^", content) if content.isdigit() else content

    def footnote(self) -> str:
        """A note, in parentheses."""
        return f" ({self._argument(math=False)})"

    def _silent(self, name: str) -> str | None:
        """Macros that become nothing or a space; None for others."""
        if name in symbols.SPACES:
            return " "
        if name in symbols.SILENT:
            if name in {"left", "right"} and self.s.startswith(".", self.at):
                self.at += 1
            return self._swallow()
        if name == "begin":
            return self._environment()
        if name in symbols.KEYED or _CITE.fullmatch(name):
            self._star()
            self._option()
            self._option()
            self._raw()
            return ""
        return None

    def _environment(self) -> str:
        name = self._raw()
        end = self.s.find(f"\\end{{{name}}}", self.at, self.at + _MAX_SPAN)
        if name.rstrip("*") not in symbols.MATH_ENVIRONMENTS or end < 0:
            return " "
        content = self.s[self.at : end]
        self.at = end
        return f" {self._math(content)} "

    def verbatim(self) -> str:
        """What is between two equal characters, unconverted."""
        fence = self.s[self.at : self.at + 1]
        end = self.s.find(fence, self.at + 1, self.at + _MAX_SPAN) if fence else -1
        if end < 0:
            return "verb"
        content = self.s[self.at + 1 : end]
        self.at = end + 1
        return content

    def _unknown(self, name: str, *, math: bool) -> str:
        """An author's own macro: its argument if it has one, else its name."""
        if self._at_group():
            content = self._argument(math=math)
            return content or name
        return name

    def _apart(self, word: str, start: int, also: str = "") -> str:
        r"""The word, with a space if its macro follows a word or one of `also`, as in `\log\log n`."""
        before = self.s[start - 1 : start]
        is_joined = bool(before) and (before.isalnum() or before in also)
        return f" {word}" if is_joined and word.isalnum() else word

    def _operand(self) -> str:
        return operand(self._argument(math=True).strip())

    def _at_group(self) -> bool:
        return self.s.startswith("{", self.at)

    def _empty_group(self) -> str:
        if self.s.startswith("{}", self.at):
            self.at += 2
        return ""

    def _star(self) -> None:
        if self.s.startswith("*", self.at):
            self.at += 1

    def _swallow(self) -> str:
        """Skip the space, or the `{}`, that ends a control word."""
        if not self.s.startswith("{}", self.at):
            self.at = self._after_blank()
        return self._empty_group()


_STRUCTURED = {
    "sqrt": _Reader.root,
    "root": _Reader.root,
    "binom": _Reader.binomial,
    "tbinom": _Reader.binomial,
    "overset": _Reader.over,
    "stackrel": _Reader.over,
    "underset": _Reader.under,
    "pmod": _Reader.modulo,
    "url": _Reader.address,
    "path": _Reader.address,
    "nolinkurl": _Reader.address,
    "href": _Reader.link,
    "hyperlink": _Reader.link,
    "unicode": _Reader.code,
    "footnote": _Reader.footnote,
    "textsuperscript": _Reader.raised,
    "verb": _Reader.verbatim,
}
