"""0016: when a paper got a category, if that was after it was first announced."""

from __future__ import annotations

# A cross-list of a later day, or arXiv's list of a paper that another source had first. The table
# has only those, so that an old database need not be read.
LATE = """
CREATE TABLE late_categories (
    paper_id TEXT NOT NULL REFERENCES papers (id) ON UPDATE CASCADE ON DELETE CASCADE,
    category TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (paper_id, category)
) STRICT, WITHOUT ROWID;

CREATE INDEX late_categories_by_time ON late_categories (at);
"""

SCRIPTS = (LATE,)
