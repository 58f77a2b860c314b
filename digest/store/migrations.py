"""The schema, as steps that are applied once and never changed after a release.

Imports nothing of ours, so that a step means the same in every version. Times are text in
ISO-8601 UTC of fixed width, which sorts as it reads; ids are text; JSON columns say so.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

migrations = Migrations("digest")

FIRST = "0001_first_schema"
PEOPLE = "0002_people"
NAMES = (FIRST, PEOPLE)

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


@migrations(name=FIRST)
def first_schema(db: Database) -> None:
    """All tables of the first release."""
    for script in (PAPERS, SEARCH, SOURCES, SUBSCRIBERS, LEDGER, VIEWS):
        db.executescript(script)


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
CREATE INDEX feedback_by_paper ON feedback (paper_id, at) WHERE paper_id <> '';
"""

COMMUNITY = """
CREATE TABLE votes (
    paper_id TEXT NOT NULL REFERENCES papers (id) ON UPDATE CASCADE ON DELETE CASCADE,
    subscriber_id TEXT NOT NULL REFERENCES subscribers (id) ON DELETE CASCADE,
    at TEXT NOT NULL,
    PRIMARY KEY (paper_id, subscriber_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX votes_by_subscriber ON votes (subscriber_id);

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

CREATE INDEX submissions_by_state ON submissions (state, at);
CREATE INDEX submissions_by_paper ON submissions (paper_id);
CREATE INDEX submissions_by_subscriber ON submissions (subscriber_id);

CREATE TABLE moderation (
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    submission_id TEXT NOT NULL,
    paper_id TEXT NOT NULL,
    note TEXT NOT NULL
) STRICT;

CREATE INDEX moderation_by_at ON moderation (at);
"""

POST = """
CREATE TABLE letters (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    content BLOB NOT NULL,
    at TEXT NOT NULL,
    due_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    lease_until TEXT,
    attempts INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX letters_due ON letters (due_at);

CREATE TABLE evidence (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    subscriber_id TEXT NOT NULL,
    digest_id TEXT NOT NULL,
    status TEXT NOT NULL,
    detail TEXT NOT NULL,
    raw BLOB NOT NULL,
    at TEXT NOT NULL,
    settled_at TEXT
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


@migrations(name=PEOPLE)
def people(db: Database) -> None:
    """What readers say, send and ask for; the community; letters and evidence."""
    for script in (ANSWERS, COMMUNITY, POST):
        db.executescript(script)
