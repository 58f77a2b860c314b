"""0006: how often nobody knew whether a digest or a letter arrived."""

from __future__ import annotations

# `doubts` counts attempts after which a mail server may have had the message and never said so.
DOUBTS = """
ALTER TABLE outbox ADD COLUMN doubts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE letters ADD COLUMN doubts INTEGER NOT NULL DEFAULT 0;
"""

SCRIPTS: tuple[str, ...] = (DOUBTS,)
"""In the order in which they are applied."""
