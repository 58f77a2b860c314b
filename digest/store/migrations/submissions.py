"""0011: of what was put forward of papers that became one, one at most waits for a curator."""

from __future__ import annotations

# By the rule of today's `renaming.join_submissions`; what was decided stays.
JOIN = """
DELETE FROM submissions WHERE id IN (
    SELECT id FROM (
        SELECT id, state, row_number() OVER (
            PARTITION BY paper_id ORDER BY state <> 'featured', at, id
        ) AS place
        FROM submissions WHERE state <> 'rejected'
    ) WHERE place > 1 AND state <> 'featured'
);
"""

SCRIPTS = (JOIN,)
