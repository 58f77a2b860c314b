"""Finding papers by who wrote them, within a transaction that the caller holds."""

from __future__ import annotations

import re
from sqlite3 import Connection

from digest.store.rows.papers import AUTHORS_APART
from digest.text import author_key, without_strokes

MOST_EXAMINED = 4_000

# By number, which the full-text index gives newest first.
NAMESAKES = """
SELECT p.id, p.authors FROM papers_fts AS f CROSS JOIN papers AS p ON p.number = f.rowid
WHERE papers_fts MATCH ? ORDER BY f.rowid DESC LIMIT ?
"""


def by_author(connection: Connection, name: str, *, limit: int) -> list[str]:
    """Ids of papers with an author of this name, compared by `text.author_key`, newest first.

    Among the newest 4,000 papers with an author of the same family name.
    """
    key = author_key(name)
    if not key or limit <= 0:
        return []
    found: list[str] = []
    for row in connection.execute(NAMESAKES, (_expression(name, key), MOST_EXAMINED)):
        if any(author_key(each) == key for each in row["authors"].split(AUTHORS_APART)):
            found.append(row["id"])
            if len(found) == limit:
                break
    return found


def _expression(name: str, key: str) -> str:
    """A full-text expression for the family name, as it was typed and as it is folded.

    The index knows `O'Brien` by two words, the key as `obrien`.
    """
    family, *_ = key.split()
    clean = re.sub(r'["\0\ud800-\udfff]', " ", without_strokes(name))
    typed = [each for each in re.split(r"[\s,]+", clean) if author_key(each) == family]
    return " OR ".join(f'authors : "{each}"' for each in dict.fromkeys([*typed, family]))
