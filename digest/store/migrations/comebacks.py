"""0013: what was asked for in the name of those who had left, until they agree."""

from __future__ import annotations

# What is NULL was not asked for. The large column comes last.
COMEBACKS = """
CREATE TABLE comebacks (
    subscriber_id TEXT PRIMARY KEY NOT NULL REFERENCES subscribers (id) ON DELETE CASCADE,
    asked_at TEXT NOT NULL,
    at TEXT,
    tz TEXT,
    cadence TEXT,
    weekday INTEGER,
    max_picks INTEGER,
    quiet TEXT,
    floor REAL,
    interests TEXT NOT NULL CHECK (json_valid(interests))
) STRICT;

CREATE INDEX comebacks_by_asked_at ON comebacks (asked_at);
"""

SCRIPTS: tuple[str, ...] = (COMEBACKS,)
"""In the order in which they are applied."""
