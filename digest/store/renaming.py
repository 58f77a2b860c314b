"""A stored paper under another id, or made one with another, within the caller's transaction.

Foreign keys carry a new id to most tables; here is what they cannot reach.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from sqlite3 import Connection

from digest.model import Interest, InterestKind
from digest.store import voting
from digest.store.rows import interests_text, listed, to_feedback

ABOUT_PAPERS = (InterestKind.LIKE, InterestKind.DISLIKE, InterestKind.KNOWN)

STANDS_FIRST = "state <> 'featured', at, id"
"""The order of what was put forward of a paper and is not rejected: the first stands."""

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
    """Let what readers and digests say of `other` be said of `keep`, before `other` goes.

    Who voted for both has one vote, and of what was put forward of both and waits for a curator
    one is left at most. Digests name papers by number: the one of `other` stands for `keep` from
    now on, and is never given again.
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
    """Delete what is undecided and does not stand for its paper; what was decided stays."""
    connection.execute(JOIN_SUBMISSIONS, (listed(paper_ids),))


def follow(connection: Connection, old: str, new: str) -> None:
    """Let interests, feedback, submissions and the moderation log name the new id."""
    _rename_opinions(connection, old, new)
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
    """Let likes and dislikes name the new id; who has said both keeps what was said last."""
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
    """Feedback names the paper, and so do the interests that it would take back or put back."""
    for row in connection.execute(
        "SELECT * FROM feedback WHERE paper_id = ? AND paper_id <> ''", (old,)
    ).fetchall():
        said = to_feedback(row)
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
