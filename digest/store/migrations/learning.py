"""0003: what ranking learned; a floor for subscribers; which ranker brought a pick."""

from __future__ import annotations

# One row at most: the space that is kept. `archive` is how many papers there were when it was
# learned, `papers` how many of them it was learned from.
SPACES = """
CREATE TABLE spaces (
    name TEXT PRIMARY KEY NOT NULL,
    papers INTEGER NOT NULL,
    archive INTEGER NOT NULL,
    dimensions INTEGER NOT NULL,
    learned_at TEXT NOT NULL,
    content BLOB NOT NULL
) STRICT;
"""

# By the paper's number, which never changes, so that a new id has nothing to carry here. With
# rowids: a vector of 512 bytes in the b-tree of its own key takes twice the room (measured for
# 100,000: 148 MB, against 76), because such a tree holds rows in its inner pages too.
VECTORS = """
CREATE TABLE vectors (
    number INTEGER NOT NULL REFERENCES papers (number) ON DELETE CASCADE,
    space TEXT NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY (number, space)
) STRICT;

CREATE TRIGGER vectors_of_another_text AFTER UPDATE OF title, abstract ON papers
WHEN (old.title, old.abstract) <> (new.title, new.abstract) BEGIN
    DELETE FROM vectors WHERE number = new.number;
END;
"""

COLUMNS = """
ALTER TABLE subscribers ADD COLUMN floor REAL NOT NULL DEFAULT 0;
ALTER TABLE picks ADD COLUMN team TEXT NOT NULL DEFAULT '';
"""

# For reading what was said of each edition's picks, edition by edition.
ANSWERS = """
CREATE INDEX feedback_by_edition ON feedback (edition, subscriber_id) WHERE edition <> '';
"""

SCRIPTS = (SPACES, VECTORS, COLUMNS, ANSWERS)
