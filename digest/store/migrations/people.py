"""0002: what readers say, send and ask for; the community; letters and evidence."""

from __future__ import annotations

ANSWERS = """
ALTER TABLE subscribers ADD COLUMN paused_until TEXT;
ALTER TABLE subscribers ADD COLUMN seen_until TEXT;
ALTER TABLE subscribers ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE subscribers ADD COLUMN shows_name INTEGER NOT NULL DEFAULT 0;

CREATE INDEX subscribers_resuming ON subscribers (paused_until, id) WHERE status = 'paused';

CREATE TABLE address_changes (
    subscriber_id TEXT PRIMARY KEY NOT NULL REFERENCES subscribers (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    asked_at TEXT NOT NULL,
    old_confirmed INTEGER NOT NULL,
    new_confirmed INTEGER NOT NULL
) STRICT;

CREATE TABLE feedback (
    id TEXT PRIMARY KEY NOT NULL,
    subscriber_id TEXT NOT NULL REFERENCES subscribers (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    paper_id TEXT NOT NULL,
    value TEXT NOT NULL,
    via TEXT NOT NULL,
    at TEXT NOT NULL,
    edition TEXT NOT NULL,
    rank INTEGER NOT NULL,
    reason TEXT NOT NULL,
    added TEXT NOT NULL CHECK (json_valid(added)),
    replaced TEXT NOT NULL CHECK (json_valid(replaced)),
    undone_at TEXT
) STRICT;

CREATE INDEX feedback_by_subscriber ON feedback (subscriber_id, at);
CREATE INDEX feedback_by_paper ON feedback (paper_id) WHERE paper_id <> '';

DROP INDEX interests_in_papers;
CREATE INDEX interests_in_papers ON interests (value) WHERE kind IN ('like', 'dislike', 'known');
CREATE INDEX interests_liked ON interests (added_at) WHERE kind = 'like';
"""

# A digest that is queued once more starts its attempts anew: `earlier` is how many it had before,
# and `was_sent` keeps that it once arrived, whatever becomes of the new attempts.
AGAIN = """
ALTER TABLE outbox ADD COLUMN earlier INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN was_sent INTEGER NOT NULL DEFAULT 0;

CREATE INDEX deliveries_by_at ON deliveries (at);

DROP VIEW undelivered;
CREATE VIEW undelivered AS
SELECT o.digest_id, o.state, o.attempts, o.due_at, d.at, d.code, d.reply
FROM outbox AS o
LEFT JOIN deliveries AS d ON d.digest_id = o.digest_id AND d.attempt = o.earlier + o.attempts
WHERE o.state <> 'sent' ORDER BY o.due_at DESC;
"""

# For searches, which see thousands of numbers and must not look at as many rows.
NARROWING = """
CREATE INDEX papers_by_day ON papers (first_announced, number);
CREATE INDEX papers_by_number ON papers (number, id, first_announced);
CREATE INDEX announcements_by_source ON announcements (source, paper_id);
"""

# The token of `what` becomes another one with every change of it.
CHANGES = """
CREATE TABLE changes (
    what TEXT PRIMARY KEY NOT NULL,
    token TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO changes VALUES ('public', lower(hex(randomblob(8))));
"""

COMMUNITY = """
CREATE TABLE votes (
    paper_id TEXT NOT NULL REFERENCES papers (id) ON UPDATE CASCADE ON DELETE CASCADE,
    subscriber_id TEXT NOT NULL REFERENCES subscribers (id) ON DELETE CASCADE,
    at TEXT NOT NULL,
    PRIMARY KEY (paper_id, subscriber_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX votes_by_subscriber ON votes (subscriber_id);
CREATE INDEX votes_by_at ON votes (at, paper_id);

CREATE TABLE submissions (
    id TEXT PRIMARY KEY NOT NULL,
    paper_id TEXT NOT NULL,
    subscriber_id TEXT NOT NULL,
    line TEXT NOT NULL,
    at TEXT NOT NULL,
    state TEXT NOT NULL,
    curator_id TEXT NOT NULL,
    curator_line TEXT NOT NULL,
    decided_at TEXT
) STRICT;

CREATE INDEX submissions_by_at ON submissions (at);
CREATE INDEX submissions_by_state ON submissions (state, decided_at);
CREATE INDEX submissions_by_paper ON submissions (paper_id);

CREATE TABLE moderation (
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    submission_id TEXT NOT NULL,
    paper_id TEXT NOT NULL,
    note TEXT NOT NULL
) STRICT;

CREATE INDEX moderation_by_at ON moderation (at);
CREATE INDEX moderation_by_paper ON moderation (paper_id);
"""

# A letter that is done keeps its id until it would have expired, so that it is never put twice;
# `due_at` is then NULL, and nothing of whom it went to is left. Large columns come last, or every
# look at the columns behind them would read the large ones too.
POST = """
CREATE TABLE letters (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    at TEXT NOT NULL,
    due_at TEXT,
    expires_at TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    content BLOB NOT NULL
) STRICT;

CREATE INDEX letters_due ON letters (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX letters_expiring ON letters (expires_at);

CREATE TABLE evidence (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    subscriber_id TEXT NOT NULL,
    digest_id TEXT NOT NULL,
    status TEXT NOT NULL,
    detail TEXT NOT NULL,
    at TEXT NOT NULL,
    settled_at TEXT,
    raw BLOB NOT NULL
) STRICT;

CREATE INDEX evidence_by_at ON evidence (at);
CREATE INDEX evidence_by_subscriber ON evidence (subscriber_id, at) WHERE subscriber_id <> '';

CREATE TABLE received (
    key TEXT PRIMARY KEY NOT NULL,
    at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX received_by_at ON received (at);

CREATE TABLE suppressions (
    hashed TEXT PRIMARY KEY NOT NULL,
    reason TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
    name TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE uses (
    bucket TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;

CREATE INDEX uses_by_bucket ON uses (bucket, at);
CREATE INDEX uses_by_at ON uses (at);
"""

SCRIPTS = (ANSWERS, AGAIN, NARROWING, CHANGES, COMMUNITY, POST)
