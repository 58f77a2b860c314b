"""Makes outside text safe, readable and comparable: pure functions that take any string.

`cleaning` makes text safe; `latex` and `markup` turn LaTeX and HTML into plain text; `names` and
`words` make it comparable; `escaping` turns it into LaTeX. Nothing here raises. No other module
imports pylatexenc or nh3.
"""

from __future__ import annotations

from digest.text.cleaning import clean
from digest.text.escaping import latex_escape
from digest.text.latex import latex_to_text
from digest.text.markup import html_to_text
from digest.text.names import (
    author_key,
    author_keys,
    authors_in_elements,
    authors_semicolon,
    spellings,
    split_authors,
)
from digest.text.words import (
    contains_phrase,
    contains_prefix,
    fold,
    sentences,
    slug,
    spaced,
    truncate,
    without_strokes,
    words,
    wrapped,
)

__all__ = [
    "author_key",
    "author_keys",
    "authors_in_elements",
    "authors_semicolon",
    "clean",
    "contains_phrase",
    "contains_prefix",
    "fold",
    "html_to_text",
    "latex_escape",
    "latex_to_text",
    "sentences",
    "slug",
    "spaced",
    "spellings",
    "split_authors",
    "truncate",
    "without_strokes",
    "words",
    "wrapped",
]
