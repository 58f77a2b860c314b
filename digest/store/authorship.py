"""Finding papers by author, within a transaction that the caller holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import product
from sqlite3 import Connection, Row

from digest.store.rows.papers import AUTHORS_APART
from digest.text import author_key, author_keys, spellings, without_strokes

MOST_EXAMINED = 4_000

# In descending order of number, which is the order of the full-text index: newest first.
NAMESAKES = """
SELECT p.number, p.id, p.authors
FROM papers_fts AS f CROSS JOIN papers AS p ON p.number = f.rowid
WHERE papers_fts MATCH ? {condition} ORDER BY f.rowid DESC LIMIT ?
"""
# Without this, a search for `Xue` would examine the newest 4,000 papers by `Xu`.
WITH_UMLAUTS = "AND p.authors GLOB '*[äöüøåÄÖÜØÅ]*'"
TWO_LETTERS = re.compile(r"(ae|oe|ue|aa)", re.IGNORECASE)
MOST_IN_TWO_LETTERS = 3


def by_author(connection: Connection, name: str, *, limit: int) -> list[str]:
    """Ids of papers with an author of this name, compared by `text.author_keys`, newest first.

    Examines the newest 4,000 papers with an author of this family name, and as many where the name
    may have an umlaut in place of two letters (`Schütze` for `Schuetze`).
    """
    keys = author_keys(name)
    if not keys or limit <= 0:
        return []
    found: dict[str, None] = {}
    for row in _namesakes(connection, name):
        written = (one for each in row["authors"].split(AUTHORS_APART) for one in spellings(each))
        if not keys.isdisjoint(map(author_key, written)):
            found.setdefault(row["id"])
            if len(found) == limit:
                break
    return list(found)


def _namesakes(connection: Connection, name: str) -> Iterator[Row]:
    """Papers that may be by somebody of this name, newest first; a paper may come twice."""
    families = dict.fromkeys(each for one in spellings(name) for each in _families(one))
    shorter = dict.fromkeys(each for family in families for each in _with_umlauts(family))
    asked = [("", families), (WITH_UMLAUTS, shorter)]
    rows = (
        connection.execute(
            NAMESAKES.format(condition=condition), (_expression(among), MOST_EXAMINED)
        )
        for condition, among in asked
        if among
    )
    return merge(*rows, key=lambda row: -row["number"])


def _expression(families: Iterable[str]) -> str:
    return " OR ".join(f'authors : "{each}"' for each in families)


def _families(name: str) -> list[str]:
    """The family name as typed and as folded, since the index has `O'Brien` as two words."""
    family, *_ = author_key(name).split() or [""]
    clean = re.sub(r'["\0\ud800-\udfff]', " ", without_strokes(name))
    typed = [each for each in re.split(r"[\s,]+", clean) if author_key(each) == family]
    return [each for each in (*typed, family) if each]


def _with_umlauts(family: str) -> Iterator[str]:
    """How the index may have a name whose umlauts are written out: `Schutze` for `Schuetze`."""
    parts = TWO_LETTERS.split(family)
    most = 2 * MOST_IN_TWO_LETTERS
    choices = [(each, each[0]) if n % 2 and n < most else (each,) for n, each in enumerate(parts)]
    written = map("".join, product(*choices))
    return (each for each in written if each != family)
