"""0008: what an operator has yet to look at."""

from __future__ import annotations

# Every look at the overview asks for unread mail, which would otherwise be sought among all bounces.
EVIDENCE = """
CREATE INDEX evidence_unsettled ON evidence (kind, at) WHERE settled_at IS NULL;
"""

SCRIPTS: tuple[str, ...] = (EVIDENCE,)
"""In the order in which they are applied."""
