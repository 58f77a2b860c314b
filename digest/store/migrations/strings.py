"""0007: in whose digests alone a string stands."""

from __future__ import annotations

# `reader` is the number of the one reader whose digests name a string, NULL after a second one has:
# what somebody typed and nobody else did can go with them, without a look at others' digests. Of
# strings of before nobody knows.
STRINGS = """
ALTER TABLE strings ADD COLUMN reader INTEGER;

CREATE INDEX strings_of_one ON strings (reader) WHERE reader IS NOT NULL;
"""

SCRIPTS: tuple[str, ...] = (STRINGS,)
"""In the order in which they are applied."""
