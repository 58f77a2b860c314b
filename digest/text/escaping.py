"""Plain text as LaTeX source, for BibTeX files."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from pylatexenc.latexencode import UnicodeToLatexEncoder

# Braces become commands, because BibTeX counts even escaped braces.
_SPECIAL = {
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    '"': "''",
    **{each: rf"\{each}" for each in "%&#$_"},
}
_NEEDS_MATHS = ("GREEK", "MATHEMATICAL", "DOUBLE-STRUCK", "SCRIPT", "BLACK-LETTER")
_encoder = UnicodeToLatexEncoder(unknown_char_policy="keep", unknown_char_warning=False)


def latex_escape(s: str) -> str:
    """`s` as LaTeX: special characters escaped, symbols and Greek as commands.

    Letters that LaTeX accepts as UTF-8 stay, and so do characters without a command.
    """
    return "".join(map(_escaped, s))


@lru_cache(maxsize=4096)
def _escaped(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character.isascii():
        return character
    is_letter = unicodedata.category(character)[0] in "LM"
    if is_letter and not unicodedata.name(character, "").startswith(_NEEDS_MATHS):
        return character
    return str(_encoder.unicode_to_latex(character))
