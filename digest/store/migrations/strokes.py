"""0009: a word with a stroke, or æ, œ or ß, is found as people type it without."""

from __future__ import annotations

# The tokenizer takes `é` for `e`, but these for letters of their own, since Unicode does not take them
# apart. SQLite's parser goes no deeper than some 25 of them.
PLAIN = {
    "ł": "l", "Ł": "l", "ø": "o", "Ø": "o", "đ": "d", "Đ": "d", "ħ": "h", "Ħ": "h", "ı": "i",
    "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "þ": "th", "Þ": "th", "ð": "d", "Ð": "d", "ß": "ss",
    "ẞ": "ss",
}  # fmt: skip


def _plain(column: str) -> str:
    """An expression for the text in a column as it is indexed; most are ASCII, and stay as they are."""
    plain = column
    for letter, typed in PLAIN.items():
        plain = f"replace({plain}, '{letter}', '{typed}')"
    is_ascii = f"length({column}) = length(CAST({column} AS BLOB))"
    return f"CASE WHEN {is_ascii} THEN {column} ELSE {plain} END"


def _values(row: str) -> str:
    columns = ", ".join(_plain(f"{row}.{column}") for column in ("title", "abstract", "authors"))
    return f"VALUES ({{}}{row}.number, {columns})"


_TAKE_OUT = f"""
    INSERT INTO papers_fts (papers_fts, rowid, title, abstract, authors)
    {_values("old").format("'delete', ")};
"""
_PUT_IN = f"""
    INSERT INTO papers_fts (rowid, title, abstract, authors)
    {_values("new").format("")};
"""

# The index compares itself with the view, which must therefore say what the triggers do.
SEARCH = f"""
DROP TRIGGER papers_fts_insert;
DROP TRIGGER papers_fts_delete;
DROP TRIGGER papers_fts_update;
DROP TABLE papers_fts;

CREATE VIEW papers_searched AS
SELECT number, {_plain("title")} AS title, {_plain("abstract")} AS abstract,
    {_plain("authors")} AS authors
FROM papers;

CREATE VIRTUAL TABLE papers_fts USING fts5 (
    title, abstract, authors,
    content = 'papers_searched', content_rowid = 'number',
    tokenize = 'porter unicode61 remove_diacritics 2'
);

CREATE TRIGGER papers_fts_insert AFTER INSERT ON papers BEGIN {_PUT_IN} END;
CREATE TRIGGER papers_fts_delete AFTER DELETE ON papers BEGIN {_TAKE_OUT} END;
CREATE TRIGGER papers_fts_update AFTER UPDATE OF title, abstract, authors ON papers
WHEN (old.title, old.abstract, old.authors) <> (new.title, new.abstract, new.authors) BEGIN
    {_TAKE_OUT} {_PUT_IN}
END;

INSERT INTO papers_fts (papers_fts) VALUES ('rebuild');
"""  # noqa: S608 - constants of this module

SCRIPTS: tuple[str, ...] = (SEARCH,)
"""In the order in which they are applied."""
