"""Giving a stored paper another id, or merging two papers, within the caller's transaction.

Foreign keys carry a new id to most tables; the others are updated here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from sqlite3 import Connection

from digest.model import Interest, InterestKind
from digest.store import voting
from digest.store.rows.people import interests_text
from digest.store.rows.records import FEEDBACK
from digest.store.rows.scalars import listed

ABOUT_PAPERS = (InterestKind.LIKE, InterestKind.DISLIKE, InterestKind.KNOWN)

STANDS_FIRST = "state <> 'featured', at, id"
"""The order of the submissions of one paper that are not rejected: the first one stands."""

JOIN_SUBMISSIONS = f"""
DELETE FROM submissions WHERE id IN (
    SELECT id FROM (
        SELECT id, state, row_number() OVER (
            PARTITION BY paper_id ORDER BY {STANDS_FIRST}
        ) AS place
        FROM submissions
        WHERE state <> 'rejected' AND paper_id IN (SELECT value FROM json_each(?))
    ) WHERE place > 1 AND state <> 'featured'
)
"""  # noqa: S608 - a constant


def rename(connection: Connection, old: str, new: str) -> None:
    """Give a stored paper another id, everywhere."""
    connection.execute("UPDATE papers SET id = ? WHERE id = ?", (new, old))
    follow(connection, old, new)


def join(connection: Connection, *, keep: str, other: str) -> None:
    """Let all that names paper `other` name `keep`, before the caller deletes `other`.

    Two votes of one reader become one, and at most one undecided submission stays. Digests name
    papers by number: the number of `other` stands for `keep` from now on, and is never reused.
    """
    connection.execute(
        """
        UPDATE joined SET paper = (SELECT number FROM papers WHERE id = ?1)
        WHERE paper = (SELECT number FROM papers WHERE id = ?2)
        """,
        (keep, other),
    )
    connection.execute(
        """
        INSERT INTO joined (number, paper)
        SELECT o.number, k.number FROM papers AS o JOIN papers AS k ON k.id = ?1 WHERE o.id = ?2
        """,
        (keep, other),
    )
    connection.execute("UPDATE OR IGNORE votes SET paper_id = ? WHERE paper_id = ?", (keep, other))
    connection.execute("DELETE FROM votes WHERE paper_id = ?", (other,))
    voting.count(connection, [keep])
    follow(connection, other, keep)
    join_submissions(connection, [keep])


def join_submissions(connection: Connection, paper_ids: Iterable[str]) -> None:
    """Delete undecided submissions, except the one that stands for its paper."""
    connection.execute(JOIN_SUBMISSIONS, (listed(paper_ids),))


def follow(connection: Connection, old: str, new: str) -> None:
    """Let interests, feedback, submissions and the moderation log name the new id."""
    _rename_opinions(connection, old, new)
    # `kind IN (…)` is the condition of the partial index `interests_in_papers`.
    connection.execute(
        """
        UPDATE OR REPLACE interests SET value = ?2
        WHERE kind IN ('like', 'dislike', 'known') AND kind = 'known' AND value = ?1
        """,
        (old, new),
    )
    _rename_feedback(connection, old, new)
    connection.execute("UPDATE submissions SET paper_id = ? WHERE paper_id = ?", (new, old))
    connection.execute("UPDATE moderation SET paper_id = ? WHERE paper_id = ?", (new, old))


def _rename_opinions(connection: Connection, old: str, new: str) -> None:
    """Let likes and dislikes name the new id; of two by one reader, the later one stays."""
    for row in connection.execute(
        """
        SELECT subscriber_id, kind, weight, added_at FROM interests
        WHERE kind IN ('like', 'dislike', 'known') AND kind <> 'known' AND value IN (?, ?)
        ORDER BY added_at
        """,
        (old, new),
    ).fetchall():
        connection.execute(
            """
            DELETE FROM interests
            WHERE subscriber_id = ? AND kind IN ('like', 'dislike') AND value IN (?, ?)
            """,
            (row["subscriber_id"], old, new),
        )
        connection.execute(
            "INSERT INTO interests VALUES (?, ?, ?, ?, ?)",
            (row["subscriber_id"], row["kind"], new, row["weight"], row["added_at"]),
        )


def _rename_feedback(connection: Connection, old: str, new: str) -> None:
    """Rename the paper in feedback, and in the interests that undoing it would bring back."""
    for row in connection.execute(
        "SELECT * FROM feedback WHERE paper_id = ? AND paper_id <> ''", (old,)
    ).fetchall():
        said = FEEDBACK.read(row)
        connection.execute(
            "UPDATE feedback SET paper_id = ?, added = ?, replaced = ? WHERE id = ?",
            (
                new,
                interests_text(_renamed(said.added, old, new)),
                interests_text(_renamed(said.replaced, old, new)),
                said.id,
            ),
        )


def _renamed(interests: Iterable[Interest], old: str, new: str) -> list[Interest]:
    return [
        replace(each, value=new) if each.kind in ABOUT_PAPERS and each.value == old else each
        for each in interests
    ]
