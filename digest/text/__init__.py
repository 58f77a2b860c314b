"""Text from outside made safe, readable and comparable; pure functions of strings.

The one door to pylatexenc and nh3. `cleaning` makes text safe, `latex` and `markup` make it
readable, `names` and `words` make it comparable, `escaping` turns it back into LaTeX. Everything
here takes any string whatever and never raises.
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
