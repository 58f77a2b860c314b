"""0001: papers, sources, subscribers, and the ledger of what was sent."""

from __future__ import annotations

PAPERS = """
CREATE TABLE papers (
    id TEXT PRIMARY KEY NOT NULL,
    title TEXT NOT NULL,
    abstract TEXT NOT NULL DEFAULT '',
    authors TEXT NOT NULL DEFAULT '',
    primary_category TEXT NOT NULL DEFAULT '',
    version INTEGER NOT NULL DEFAULT 1,
    published TEXT,
    updated TEXT,
    url TEXT NOT NULL DEFAULT '',
    doi TEXT NOT NULL DEFAULT '',
    journal_ref TEXT NOT NULL DEFAULT '',
    comment TEXT NOT NULL DEFAULT '',
    licence TEXT NOT NULL DEFAULT '',
    first_seen TEXT NOT NULL,
    first_announced TEXT,
    trending REAL,
    number INTEGER NOT NULL UNIQUE
) STRICT;

CREATE INDEX papers_by_first_announced ON papers (first_announced, id);
CREATE INDEX papers_by_trending ON papers (trending) WHERE trending IS NOT NULL;

CREATE TABLE authors (
    paper_id TEXT NOT NULL REFERENCES papers (id) ON UPDATE CASCADE ON DELETE CASCADE,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (paper_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE categories (
    paper_id TEXT NOT NULL REFERENCES papers (id) ON UPDATE CASCADE ON DELETE CASCADE,
    position INTEGER NOT NULL,
    category TEXT NOT NULL,
    PRIMARY KEY (paper_id, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX categories_by_category ON categories (category, paper_id);

CREATE TABLE links (
    paper_id TEXT NOT NULL REFERENCES papers (id) ON UPDATE CASCADE ON DELETE CASCADE,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    url TEXT NOT NULL,
    PRIMARY KEY (paper_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE identifiers (
    key TEXT PRIMARY KEY NOT NULL,
    paper_id TEXT NOT NULL REFERENCES papers (id) ON UPDATE CASCADE ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX identifiers_by_paper ON identifiers (paper_id);

CREATE TABLE announcements (
    paper_id TEXT NOT NULL REFERENCES papers (id) ON UPDATE CASCADE ON DELETE CASCADE,
    source TEXT NOT NULL,
    feed TEXT NOT NULL,
    day TEXT NOT NULL,
    type TEXT NOT NULL,
    version INTEGER NOT NULL,
    seen_at TEXT NOT NULL,
    PRIMARY KEY (paper_id, source, feed, day)
) STRICT, WITHOUT ROWID;

CREATE INDEX announcements_by_seen_at ON announcements (seen_at);

CREATE TABLE signals (
    paper_id TEXT NOT NULL REFERENCES papers (id) ON UPDATE CASCADE ON DELETE CASCADE,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    value REAL NOT NULL,
    by_whom TEXT NOT NULL DEFAULT '',
    seen_at TEXT NOT NULL,
    PRIMARY KEY (paper_id, source, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX signals_by_seen_at ON signals (seen_at);
"""

# The index refers to papers by `number`, because VACUUM may renumber the rowids of a table
# whose primary key is text.
SEARCH = """
CREATE VIRTUAL TABLE papers_fts USING fts5 (
    title, abstract, authors,
    content = 'papers', content_rowid = 'number',
    tokenize = 'porter unicode61 remove_diacritics 2'
);

CREATE TRIGGER papers_fts_insert AFTER INSERT ON papers BEGIN
    INSERT INTO papers_fts (rowid, title, abstract, authors)
    VALUES (new.number, new.title, new.abstract, new.authors);
END;

CREATE TRIGGER papers_fts_delete AFTER DELETE ON papers BEGIN
    INSERT INTO papers_fts (papers_fts, rowid, title, abstract, authors)
    VALUES ('delete', old.number, old.title, old.abstract, old.authors);
END;

CREATE TRIGGER papers_fts_update AFTER UPDATE OF title, abstract, authors ON papers
WHEN (old.title, old.abstract, old.authors) <> (new.title, new.abstract, new.authors) BEGIN
    INSERT INTO papers_fts (papers_fts, rowid, title, abstract, authors)
    VALUES ('delete', old.number, old.title, old.abstract, old.authors);
    INSERT INTO papers_fts (rowid, title, abstract, authors)
    VALUES (new.number, new.title, new.abstract, new.authors);
END;
"""

SOURCES = """
CREATE TABLE sources (
    name TEXT PRIMARY KEY NOT NULL,
    cursor TEXT
) STRICT;

CREATE TABLE polls (
    source TEXT NOT NULL,
    url TEXT NOT NULL,
    location TEXT NOT NULL,
    etag TEXT NOT NULL,
    last_modified TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    due_at TEXT,
    polled_at TEXT,
    changed_at TEXT,
    failures INTEGER NOT NULL,
    last_error TEXT NOT NULL,
    gone INTEGER NOT NULL,
    PRIMARY KEY (source, url)
) STRICT;

CREATE TABLE runs (
    at TEXT NOT NULL,
    source TEXT NOT NULL,
    place TEXT NOT NULL,
    verdict TEXT NOT NULL,
    read INTEGER NOT NULL,
    papers INTEGER NOT NULL,
    announced INTEGER NOT NULL,
    merged INTEGER NOT NULL,
    cause TEXT NOT NULL,
    problems TEXT NOT NULL CHECK (json_valid(problems))
) STRICT;

CREATE INDEX runs_by_at ON runs (at);

CREATE TABLE leases (
    name TEXT PRIMARY KEY NOT NULL,
    owner TEXT NOT NULL,
    until TEXT NOT NULL
) STRICT;
"""

SUBSCRIBERS = """
CREATE TABLE subscribers (
    id TEXT PRIMARY KEY NOT NULL,
    email TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    tz TEXT NOT NULL,
    at TEXT NOT NULL,
    cadence TEXT NOT NULL,
    weekday INTEGER NOT NULL,
    max_picks INTEGER NOT NULL,
    quiet TEXT NOT NULL,
    key TEXT NOT NULL,
    created_at TEXT NOT NULL,
    confirmed_at TEXT,
    due_at TEXT
) STRICT;

CREATE INDEX subscribers_due ON subscribers (due_at, id) WHERE status = 'active';

CREATE TABLE interests (
    subscriber_id TEXT NOT NULL REFERENCES subscribers (id) ON UPDATE CASCADE ON DELETE CASCADE,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    weight REAL NOT NULL,
    added_at TEXT NOT NULL,
    PRIMARY KEY (subscriber_id, kind, value)
) STRICT;

CREATE INDEX interests_in_papers ON interests (value) WHERE kind IN ('like', 'dislike');
"""

LEDGER = """
CREATE TABLE editions (
    edition TEXT PRIMARY KEY NOT NULL,
    first_composed TEXT NOT NULL,
    digests INTEGER NOT NULL,
    queued INTEGER NOT NULL,
    announced INTEGER NOT NULL
) STRICT;

CREATE TABLE digests (
    id TEXT PRIMARY KEY NOT NULL,
    subscriber_id TEXT NOT NULL REFERENCES subscribers (id) ON DELETE CASCADE,
    edition TEXT NOT NULL REFERENCES editions (edition),
    mood TEXT NOT NULL,
    since TEXT NOT NULL,
    until TEXT NOT NULL,
    rest TEXT NOT NULL CHECK (json_valid(rest)),
    announced INTEGER NOT NULL,
    matched INTEGER NOT NULL,
    withheld INTEGER NOT NULL,
    composed_at TEXT NOT NULL
) STRICT;

CREATE INDEX digests_by_subscriber ON digests (subscriber_id, edition, until);

CREATE TABLE picks (
    digest_id TEXT NOT NULL REFERENCES digests (id) ON DELETE CASCADE,
    rank INTEGER NOT NULL,
    paper_id TEXT NOT NULL REFERENCES papers (id) ON UPDATE CASCADE,
    score REAL NOT NULL,
    reasons TEXT NOT NULL CHECK (json_valid(reasons)),
    PRIMARY KEY (digest_id, rank)
) STRICT, WITHOUT ROWID;

CREATE INDEX picks_by_paper ON picks (paper_id);

CREATE TABLE outbox (
    digest_id TEXT PRIMARY KEY NOT NULL REFERENCES digests (id) ON DELETE CASCADE,
    subscriber_id TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    lease TEXT,
    lease_until TEXT,
    message_id TEXT NOT NULL
) STRICT;

CREATE INDEX outbox_due ON outbox (due_at, digest_id) WHERE state IN ('queued', 'retry');
CREATE INDEX outbox_expiring ON outbox (expires_at) WHERE state IN ('queued', 'retry');
CREATE INDEX outbox_leased ON outbox (lease) WHERE state = 'sending';

CREATE TABLE deliveries (
    digest_id TEXT NOT NULL REFERENCES digests (id) ON DELETE CASCADE,
    attempt INTEGER NOT NULL,
    at TEXT NOT NULL,
    outcome TEXT NOT NULL,
    code INTEGER NOT NULL,
    reply TEXT NOT NULL,
    PRIMARY KEY (digest_id, attempt)
) STRICT;
"""

VIEWS = """
CREATE VIEW latest_papers AS
SELECT id, title, authors, primary_category, first_announced, trending, url
FROM papers WHERE first_announced IS NOT NULL ORDER BY first_announced DESC;

CREATE VIEW daily_papers AS
SELECT a.day, c.category, count(DISTINCT a.paper_id) AS papers
FROM announcements AS a JOIN categories AS c USING (paper_id)
WHERE a.type IN ('new', 'cross') GROUP BY a.day, c.category;

CREATE VIEW undelivered AS
SELECT o.digest_id, o.state, o.attempts, o.due_at, d.at, d.code, d.reply
FROM outbox AS o LEFT JOIN deliveries AS d ON d.digest_id = o.digest_id AND d.attempt = o.attempts
WHERE o.state <> 'sent' ORDER BY o.due_at DESC;
"""

SCRIPTS = (PAPERS, SEARCH, SOURCES, SUBSCRIBERS, LEDGER, VIEWS)
