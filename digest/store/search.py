"""What people type into a search box, as an FTS5 expression that cannot be wrong."""

from __future__ import annotations

import re

MOST_CHARACTERS = 500
MOST_TERMS = 32

# A phrase in double quotes (the closing one may be missing), or a word.
TERM = re.compile(r'"([^"]*)"?|([^\s"]+)')


def expressions(query: str) -> list[str]:
    """The MATCH expressions to try in turn: all of the terms, then any of them; [] finds nothing.

    Every term is quoted, so that operators, column names and punctuation of FTS5's query language
    (sqlite.org/fts5.html, section 3) are plain text; what stays is `"a phrase"` and `prefix*`.
    """
    terms = _terms(query)
    if not terms:
        return []
    if len(terms) == 1:
        return terms
    return [" AND ".join(terms), " OR ".join(terms)]


def _terms(query: str) -> list[str]:
    # A NUL would end the expression for SQLite, a lone surrogate cannot be stored as UTF-8.
    clean = query[:MOST_CHARACTERS].replace("\0", " ").encode("utf-8", "ignore").decode()
    found: list[str] = []
    for match in TERM.finditer(clean):
        phrase, word = match.group(1), match.group(2)
        text = word if phrase is None else phrase
        if any(character.isalnum() for character in text):
            prefix = " *" if word and word.endswith("*") else ""
            found.append(f'"{text}"{prefix}')
    return list(dict.fromkeys(found))[:MOST_TERMS]
