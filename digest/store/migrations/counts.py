"""0014: how many digests are kept is known without reading them all."""

from __future__ import annotations

# `digests` also counted those of people who were erased, and those that were pruned.
KEPT = """
UPDATE editions SET digests = (
    SELECT count(*) FROM digests
    WHERE key >= CAST(strftime('%s', edition) AS INTEGER) / 86400 << 26
        AND key < CAST(strftime('%s', edition, '+1 day') AS INTEGER) / 86400 << 26
);
CREATE TRIGGER count_of_an_edition AFTER DELETE ON digests BEGIN
    UPDATE editions SET digests = digests - 1
    WHERE edition = date((old.key >> 26) * 86400, 'unixepoch');
END;
"""

SCRIPTS = (KEPT,)
