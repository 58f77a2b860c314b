"""0005: claims with fence numbers, the pace of mail servers, and digests in few bytes."""

from __future__ import annotations

# A row a claim that is still open. Fences only ever grow, so that no two claims are taken for one
# another. What an older version had claimed may have gone out: it is in doubt.
CLAIMS = """
CREATE TABLE claims (
    fence INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    until TEXT NOT NULL
) STRICT;

ALTER TABLE outbox ADD COLUMN in_doubt TEXT;

UPDATE outbox SET state = 'retry', lease = NULL,
    in_doubt = strftime('%Y-%m-%dT%H:%M:%S.000000Z', lease_until, '-1 hour')
WHERE state = 'sending';

ALTER TABLE outbox DROP COLUMN lease_until;
"""

# How fast mail goes to a mail server (`domain` is empty) and to the domains that it slows down;
# `used` is JSON: what went, by cap and slot of time. Rates are messages a second.
PACE = """
CREATE TABLE paces (
    server TEXT NOT NULL,
    domain TEXT NOT NULL,
    start REAL NOT NULL,
    floor REAL NOT NULL,
    ceiling REAL NOT NULL,
    age REAL NOT NULL,
    taken REAL NOT NULL,
    refused REAL NOT NULL,
    share REAL NOT NULL,
    tolerated REAL NOT NULL,
    tokens REAL NOT NULL,
    at TEXT NOT NULL,
    cut_at TEXT,
    closed_until TEXT,
    line TEXT,
    used TEXT NOT NULL,
    PRIMARY KEY (server, domain)
) STRICT, WITHOUT ROWID;
"""

# A digest is one row, under one integer: the edition's day (since 1970) above 26 bits of the
# reader's number. What it shows is a BLOB (`digest.store.rows.contents`) that names papers,
# strings and words by number; `used` is the last day of an edition that names them. `joined` is
# what became of the numbers of papers that turned out to be another one. Digests of before are
# kept as JSON. Times beside them are whole seconds since 1970, because a row that grows while it
# is being sent would split its page. An outcome is 0 accepted, 1 deferred, 2 refused; `going_out` is
# when a row's group was put on the wire, `in_doubt` since when a mail server may have the message
# although nobody knows.
DIGESTS = """
CREATE TABLE readers (
    number INTEGER PRIMARY KEY,
    subscriber_id TEXT NOT NULL UNIQUE
        REFERENCES subscribers (id) ON UPDATE CASCADE ON DELETE CASCADE
) STRICT;

CREATE TABLE strings (
    number INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE,
    used INTEGER NOT NULL
) STRICT;

CREATE TABLE words (
    paper INTEGER PRIMARY KEY,
    used INTEGER NOT NULL,
    listed TEXT NOT NULL
) STRICT;

CREATE TABLE joined (
    number INTEGER PRIMARY KEY,
    paper INTEGER NOT NULL REFERENCES papers (number) ON DELETE CASCADE
) STRICT;

CREATE INDEX joined_by_paper ON joined (paper);

INSERT INTO readers (subscriber_id) SELECT DISTINCT subscriber_id FROM digests ORDER BY 1;

ALTER TABLE editions ADD COLUMN since TEXT NOT NULL DEFAULT '';
ALTER TABLE editions ADD COLUMN until TEXT NOT NULL DEFAULT '';
UPDATE editions SET since = d.since, until = d.until
FROM (
    SELECT edition, min(since) AS since, max(until) AS until FROM digests GROUP BY edition
) AS d WHERE d.edition = editions.edition;

CREATE TABLE keyed (
    id TEXT PRIMARY KEY NOT NULL,
    key INTEGER NOT NULL,
    what TEXT NOT NULL
) STRICT;
INSERT INTO keyed
SELECT d.id, CAST(strftime('%s', d.edition) AS INTEGER) / 86400 << 26 | r.number,
    d.mood || ' ' || d.since || ' ' || d.until || ' ' || d.composed_at || ' ' || d.announced
FROM digests AS d JOIN readers AS r ON r.subscriber_id = d.subscriber_id;

INSERT INTO strings (text, used) SELECT what, max(key >> 26) FROM keyed GROUP BY what;

CREATE TABLE kept_digests (
    key INTEGER PRIMARY KEY,
    content BLOB NOT NULL
) STRICT;
INSERT INTO kept_digests
SELECT k.key, CAST(json_array(
    (SELECT number FROM strings WHERE text = k.what), d.matched, d.withheld,
    json((
        SELECT json_group_array(json(pick)) FROM (
            SELECT json_array(p.number, c.score, json(c.reasons), c.team) AS pick
            FROM picks AS c JOIN papers AS p ON p.id = c.paper_id
            WHERE c.digest_id = d.id ORDER BY c.rank
        )
    )),
    json((
        SELECT json_group_array(number) FROM (
            SELECT coalesce(
                (SELECT number FROM papers WHERE id = e.value),
                (
                    SELECT p.number FROM identifiers AS i JOIN papers AS p ON p.id = i.paper_id
                    WHERE i.key = e.value
                )
            ) AS number
            FROM json_each(d.rest) AS e ORDER BY e.key
        ) WHERE number IS NOT NULL
    ))
) AS BLOB)
FROM keyed AS k JOIN digests AS d ON d.id = k.id ORDER BY k.key;

CREATE TABLE kept_outbox (
    digest INTEGER PRIMARY KEY REFERENCES kept_digests (key) ON DELETE CASCADE,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    lease INTEGER,
    going_out INTEGER,
    in_doubt INTEGER,
    earlier INTEGER NOT NULL DEFAULT 0,
    was_sent INTEGER NOT NULL DEFAULT 0,
    message_id TEXT NOT NULL
) STRICT;
INSERT INTO kept_outbox
SELECT k.key, o.state, o.attempts, CAST(strftime('%s', o.due_at) AS INTEGER),
    CAST(strftime('%s', o.expires_at) AS INTEGER), NULL, NULL,
    CAST(strftime('%s', o.in_doubt) AS INTEGER), o.earlier, o.was_sent, o.message_id
FROM keyed AS k JOIN outbox AS o ON o.digest_id = k.id ORDER BY k.key;

CREATE TABLE kept_deliveries (
    digest INTEGER NOT NULL REFERENCES kept_digests (key) ON DELETE CASCADE,
    attempt INTEGER NOT NULL,
    at INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    code INTEGER NOT NULL,
    reply TEXT NOT NULL,
    PRIMARY KEY (digest, attempt)
) STRICT, WITHOUT ROWID;
INSERT INTO kept_deliveries
SELECT k.key, v.attempt, CAST(strftime('%s', v.at) AS INTEGER),
    CASE v.outcome WHEN 'accepted' THEN 0 WHEN 'deferred' THEN 1 ELSE 2 END, v.code, v.reply
FROM keyed AS k JOIN deliveries AS v ON v.digest_id = k.id ORDER BY k.key, v.attempt;

DROP VIEW undelivered;
DROP TABLE deliveries;
DROP TABLE outbox;
DROP TABLE picks;
DROP TABLE digests;
DROP TABLE keyed;
ALTER TABLE kept_digests RENAME TO digests;
ALTER TABLE kept_outbox RENAME TO outbox;
ALTER TABLE kept_deliveries RENAME TO deliveries;

CREATE INDEX outbox_due ON outbox (due_at) WHERE state IN ('queued', 'retry');
CREATE INDEX outbox_expiring ON outbox (expires_at) WHERE state IN ('queued', 'retry');
CREATE INDEX outbox_leased ON outbox (lease) WHERE state = 'sending';
CREATE INDEX deliveries_by_at ON deliveries (at);

CREATE TRIGGER digests_of_a_reader AFTER DELETE ON readers BEGIN
    DELETE FROM digests WHERE key IN (
        SELECT CAST(strftime('%s', edition) AS INTEGER) / 86400 << 26 | old.number FROM editions
    );
END;

CREATE VIEW posted AS
SELECT r.subscriber_id || '.' || date((d.key >> 26) * 86400, 'unixepoch') AS digest_id,
    r.subscriber_id, date((d.key >> 26) * 86400, 'unixepoch') AS edition, d.key AS digest
FROM digests AS d JOIN readers AS r ON r.number = d.key & 67108863;

CREATE VIEW undelivered AS
SELECT p.digest_id, o.state, o.attempts, datetime(o.due_at, 'unixepoch') AS due_at,
    datetime(d.at, 'unixepoch') AS at, d.code, d.reply
FROM outbox AS o JOIN posted AS p ON p.digest = o.digest
LEFT JOIN deliveries AS d ON d.digest = o.digest AND d.attempt = o.earlier + o.attempts
WHERE o.state <> 'sent' ORDER BY o.due_at DESC;
"""

SCRIPTS: tuple[str, ...] = (
    PACE,
    CLAIMS,
    DIGESTS,
)
