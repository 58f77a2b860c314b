"""0015: until when a server asked us to stay away, apart from how long we wait after any failure."""

from __future__ import annotations

POLLS = """
ALTER TABLE polls ADD COLUMN wait_until TEXT;
"""

SCRIPTS = (POLLS,)
