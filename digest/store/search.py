"""What people type into a search box, as an FTS5 expression that cannot be wrong."""

from __future__ import annotations

import re

from digest.matching import STOP_WORDS

MOST_CHARACTERS = 500
MOST_TERMS = 16
SHORTEST_PREFIX = 3

# A phrase in double quotes (the closing one may be missing), or a word.
TERM = re.compile(r'"([^"]*)"?|([^\s"]+)')


def expressions(query: str) -> list[str]:
    """The MATCH expressions to try in turn: all of the terms, then any of them; [] finds nothing.

    Every term is quoted, so that operators, column names and punctuation of FTS5's query language
    (sqlite.org/fts5.html, section 3) are plain text; what stays is `"a phrase"` and `prefix*`, of
    three letters at least. Stop words outside of phrases count only when there is nothing else.
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
    plain: list[str] = []
    for match in TERM.finditer(clean):
        phrase, word = match.group(1), match.group(2)
        text = word if phrase is None else phrase
        if any(character.isalnum() for character in text):
            letters = sum(character.isalnum() for character in text)
            prefix = " *" if word and word.endswith("*") and letters >= SHORTEST_PREFIX else ""
            told = found if phrase is not None or text.lower() not in STOP_WORDS else plain
            told.append(f'"{text}"{prefix}')
    return list(dict.fromkeys(found or plain))[:MOST_TERMS]
