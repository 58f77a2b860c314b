"""Votes, submissions and curators' picks: what `digest.ports.CommunityStore` asks for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from sqlite3 import Row

from digest.errors import NotFound
from digest.model import Moderation, Submission, SubmissionState, Voice
from digest.store import changes, ingest, loading, renaming, voting
from digest.store.connections import Family
from digest.store.rows.records import MODERATION, SUBMISSIONS
from digest.store.rows.scalars import listed, moment, stamp, stamp_or_none

# `s` submitted the paper, `c` featured it; both may have left, or may not show their name.
VOICES = """
SELECT u.paper_id, u.line, u.at, u.curator_line, u.decided_at,
    iif(s.shows_name, s.name, '') AS submitter, iif(c.shows_name, c.name, '') AS curator
FROM submissions AS u
LEFT JOIN subscribers AS s ON s.id = u.subscriber_id
LEFT JOIN subscribers AS c ON c.id = u.curator_id
WHERE u.state = 'featured' AND u.paper_id IN (SELECT value FROM json_each(?))
ORDER BY u.paper_id, u.at, u.id
"""

# Where a source announced the first version after the pick, as a replacement (see
# `pipeline.ingesting`), the pick is the only news of the paper, and stays.
WITHDRAW = """
DELETE FROM announcements AS a
WHERE a.paper_id = ?1 AND a.source = 'community' AND a.feed = 'picked'
    AND NOT EXISTS (SELECT 1 FROM submissions WHERE paper_id = ?1 AND state = 'featured')
    AND NOT EXISTS (
        SELECT 1 FROM announcements AS o
        WHERE o.paper_id = ?1 AND o.source <> 'community' AND o.type = 'replace'
            AND o.version = 1 AND o.seen_at >= a.seen_at
    )
"""

BY_ID = "SELECT * FROM submissions WHERE id = ?"
STANDING = f"""
SELECT * FROM submissions WHERE paper_id = ? AND state <> 'rejected'
ORDER BY {renaming.STANDS_FIRST} LIMIT 1
"""  # noqa: S608 - a constant


class Community(Family):
    """What readers do for each other, in SQLite."""

    def vote(self, subscriber_id: str, paper_id: str, now: datetime) -> None:
        """Add a subscriber's vote, once, and count it in the signal `community`/`upvotes`."""
        with self._connections.write() as connection, changes.marked(connection):
            paper = loading.owner(connection, paper_id)
            connection.execute(
                """
                INSERT INTO votes (paper_id, subscriber_id, at) VALUES (?, ?, ?)
                ON CONFLICT (paper_id, subscriber_id) DO NOTHING
                """,
                (paper, subscriber_id, stamp(now)),
            )
            voting.count(connection, [paper])

    def unvote(self, subscriber_id: str, paper_id: str) -> None:
        """Take the vote back."""
        with self._connections.write() as connection, changes.marked(connection):
            paper = loading.owner(connection, paper_id)
            connection.execute(
                "DELETE FROM votes WHERE paper_id = ? AND subscriber_id = ?", (paper, subscriber_id)
            )
            voting.count(connection, [paper])

    def votes_of(self, subscriber_id: str, paper_ids: Iterable[str]) -> frozenset[str]:
        """Which of the papers this subscriber voted for."""
        rows = self._connections.rows(
            """
            SELECT paper_id FROM votes
            WHERE subscriber_id = ? AND paper_id IN (SELECT value FROM json_each(?))
            """,
            (subscriber_id, listed(paper_ids)),
        )
        return frozenset(row["paper_id"] for row in rows)

    def changed(self) -> str:
        """A token that changes whenever votes do."""
        with self._connections.plain() as connection:
            return changes.token(connection, changes.VOTES)

    def submit(self, submission: Submission) -> Submission:
        """Keep a submission, or return the one that already stands for the paper."""
        with self._connections.write() as connection, changes.marked(connection):
            paper = loading.owner(connection, submission.paper_id)
            row = connection.execute(BY_ID, (submission.id,)).fetchone()
            row = row or connection.execute(STANDING, (paper,)).fetchone()
            if row is not None:
                return SUBMISSIONS.read(row)
            kept = replace(submission, paper_id=paper)
            connection.execute(SUBMISSIONS.insert, SUBMISSIONS.columns(kept))
            return kept

    def standing(self, paper_id: str) -> Submission | None:
        """The submission that stands for a paper: one that is featured, else the oldest undecided."""
        with self._connections.read() as connection:
            paper = loading.owner(connection, paper_id)
            row = connection.execute(STANDING, (paper,)).fetchone()
        return None if row is None else SUBMISSIONS.read(row)

    def submission(self, submission_id: str) -> Submission | None:
        """One submission."""
        row = self._connections.row(BY_ID, (submission_id,))
        return None if row is None else SUBMISSIONS.read(row)

    def submissions(
        self,
        state: SubmissionState | None = None,
        *,
        since: datetime,
        limit: int,
        subscriber_id: str = "",
    ) -> list[Submission]:
        """Submissions made at or after `since`, newest first; in one state, of one subscriber."""
        rows = self._connections.rows(
            """
            SELECT * FROM submissions
            WHERE at >= ?1 AND (?2 IS NULL OR state = ?2) AND (?3 = '' OR subscriber_id = ?3)
            ORDER BY at DESC, rowid DESC LIMIT ?4
            """,
            (stamp(since), state, subscriber_id, limit),
        )
        return [SUBMISSIONS.read(row) for row in rows]

    def decided(self, *, since: datetime, limit: int) -> list[Submission]:
        """Submissions decided at or after `since`, the latest decision first."""
        rows = self._connections.rows(
            """
            SELECT * FROM submissions
            WHERE state IN ('featured', 'rejected') AND decided_at >= ?
            ORDER BY decided_at DESC, rowid DESC LIMIT ?
            """,
            (stamp(since), limit),
        )
        return [SUBMISSIONS.read(row) for row in rows]

    def arrived(self) -> int:
        """Open the waiting submissions whose paper has been stored meanwhile; how many."""
        with self._connections.write() as connection, changes.marked(connection):
            opened = connection.execute(
                """
                UPDATE submissions SET state = 'open', paper_id = i.paper_id
                FROM identifiers AS i
                WHERE submissions.state = 'waiting' AND i.key = submissions.paper_id
                RETURNING paper_id
                """
            ).fetchall()
            renaming.join_submissions(connection, [row["paper_id"] for row in opened])
            return len(opened)

    def decide(self, submission: Submission, moderation: Moderation) -> None:
        """Keep the decision about a submission and its line of the log, in one transaction."""
        decision = (
            submission.state.value,
            submission.curator_id,
            submission.curator_line,
            stamp_or_none(submission.decided_at),
        )
        with self._connections.write() as connection:
            row = connection.execute(BY_ID, (submission.id,)).fetchone()
            if row is None:
                raise NotFound("There is no such submission.", subject=submission.id)
            if decision == tuple(
                row[each] for each in ("state", "curator_id", "curator_line", "decided_at")
            ):
                return
            is_over = submission.state is SubmissionState.REJECTED and row["state"] == "featured"
            written = connection.execute(
                """
                UPDATE submissions
                SET state = ?, curator_id = ?, curator_line = ?, decided_at = ?
                WHERE id = ? OR (? AND state = 'featured' AND paper_id = ?) RETURNING id
                """,
                (*decision, submission.id, is_over, row["paper_id"]),
            ).fetchall()
            line = replace(moderation, paper_id=row["paper_id"])
            connection.executemany(
                MODERATION.insert,
                [MODERATION.columns(replace(line, submission_id=each["id"])) for each in written],
            )
            if submission.state is SubmissionState.REJECTED:
                connection.execute(WITHDRAW, (row["paper_id"],))
                ingest.date_papers(connection, [row["paper_id"]])
            changes.mark(connection)

    def voices(self, paper_ids: Iterable[str]) -> dict[str, list[Voice]]:
        """Who speaks for the featured ones among these papers: submitters, then curators."""
        submitters: defaultdict[str, list[Voice]] = defaultdict(list)
        curators: defaultdict[str, list[Voice]] = defaultdict(list)
        for row in self._connections.rows(VOICES, (listed(paper_ids),)):
            submitters[row["paper_id"]].extend(_submitter(row))
            curators[row["paper_id"]].append(_curator(row))
        return {each: submitters[each] + _once(found) for each, found in curators.items()}

    def featured(self, since: datetime) -> frozenset[str]:
        """Papers featured at or after `since`."""
        rows = self._connections.rows(
            "SELECT paper_id FROM submissions WHERE state = 'featured' AND decided_at >= ?",
            (stamp(since),),
        )
        return frozenset(row["paper_id"] for row in rows)

    def log(self, *, limit: int) -> list[Moderation]:
        """The moderation log, newest first."""
        rows = self._connections.rows(
            "SELECT * FROM moderation ORDER BY at DESC, rowid DESC LIMIT ?", (limit,)
        )
        return [MODERATION.read(row) for row in rows]

    def last_decisions(self, submission_ids: Iterable[str]) -> dict[str, Moderation]:
        """The newest line of the moderation log about each of these submissions that has one."""
        rows = self._connections.rows(
            """
            SELECT m.* FROM submissions AS s
            JOIN moderation AS m ON m.paper_id = s.paper_id AND m.submission_id = s.id
            WHERE s.id IN (SELECT value FROM json_each(?)) ORDER BY m.at, m.rowid
            """,
            (listed(submission_ids),),
        )
        return {row["submission_id"]: MODERATION.read(row) for row in rows}


def _submitter(row: Row) -> list[Voice]:
    """The submitter's voice, if there is a name or a line to show."""
    name = row["submitter"] or ""
    if not (name or row["line"]):
        return []
    return [Voice(paper_id=row["paper_id"], name=name, line=row["line"], at=moment(row["at"]))]


def _curator(row: Row) -> Voice:
    return Voice(
        paper_id=row["paper_id"],
        name=row["curator"] or "",
        line=row["curator_line"],
        curator=True,
        at=moment(row["decided_at"] or row["at"]),
    )


def _once(voices: Iterable[Voice]) -> list[Voice]:
    """Each name and line once, as papers that were merged may have been picked in the same words."""
    heard: dict[tuple[str, str], Voice] = {}
    for each in voices:
        heard.setdefault((each.name, each.line), each)
    return list(heard.values())
