"""0012: for how long a source's last answer stays fresh, and whether it broke off."""

from __future__ import annotations

POLLS = """
ALTER TABLE polls ADD COLUMN fresh_for REAL NOT NULL DEFAULT 0;
ALTER TABLE polls ADD COLUMN cut_short INTEGER NOT NULL DEFAULT 0;
"""

SCRIPTS: tuple[str, ...] = (POLLS,)
"""In the order in which they are applied."""
