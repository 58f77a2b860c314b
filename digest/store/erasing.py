"""Forgetting one person, within a transaction that the caller holds."""

from __future__ import annotations

from sqlite3 import Connection

from digest.store import changes, digests, voting


def erase(connection: Connection, subscriber_id: str) -> None:
    """Delete a subscriber, and what other tables hold of their words, address and mail.

    Interests, feedback, votes, digests and what became of them go with the row of the subscriber.
    """
    row = connection.execute(
        "SELECT email FROM subscribers WHERE id = ?", (subscriber_id,)
    ).fetchone()
    if row is None:
        return
    email = row["email"]
    change = connection.execute(
        "SELECT email FROM address_changes WHERE subscriber_id = ?", (subscriber_id,)
    ).fetchone()
    addresses = [email] if change is None else [email, change["email"]]
    voted = voting.papers_of(connection, subscriber_id)
    digests.erase_words(connection, subscriber_id)
    _erase_from_space(connection, subscriber_id)
    connection.execute("DELETE FROM subscribers WHERE id = ?", (subscriber_id,))
    connection.execute("DELETE FROM address_changes WHERE email = ?", (email,))
    voting.count(connection, voted)
    _erase_community(connection, subscriber_id)
    _erase_letters(connection, subscriber_id, addresses)
    _erase_evidence(connection, subscriber_id, addresses)
    _erase_cursors(connection, subscriber_id)


def _erase_from_space(connection: Connection, subscriber_id: str) -> None:
    """What was learned with their likes is learned anew at night (see `pipeline.learning.is_due`)."""
    liked = "SELECT 1 FROM interests WHERE subscriber_id = ? AND kind = 'like'"
    if connection.execute(liked, (subscriber_id,)).fetchone():
        connection.execute("UPDATE spaces SET archive = -1")
        changes.mark(connection, changes.ERASED)  # for what is being learned just now


def _erase_community(connection: Connection, subscriber_id: str) -> None:
    """What was featured stays, without who put it forward; the log stays, without who acted."""
    connection.execute(
        "DELETE FROM submissions WHERE subscriber_id = ? AND state <> 'featured'", (subscriber_id,)
    )
    connection.execute(
        "UPDATE submissions SET subscriber_id = '', line = '' WHERE subscriber_id = ?",
        (subscriber_id,),
    )
    connection.execute(
        "UPDATE submissions SET curator_id = '', curator_line = '' WHERE curator_id = ?",
        (subscriber_id,),
    )
    connection.execute(
        "UPDATE moderation SET actor = '', note = '' WHERE actor = ?", (subscriber_id,)
    )


def _erase_letters(connection: Connection, subscriber_id: str, addresses: list[str]) -> None:
    """Letters to them, and letters about them: those hold links that are signed with their id."""
    connection.executemany(
        "DELETE FROM letters WHERE lower(recipient) = ?", ((each.lower(),) for each in addresses)
    )
    connection.execute(
        "DELETE FROM letters WHERE instr(id, ?1) OR instr(content, CAST(?1 AS BLOB))",
        (subscriber_id,),
    )


def _erase_evidence(connection: Connection, subscriber_id: str, addresses: list[str]) -> None:
    """Mail from them or about them; in mail about somebody else, only the mail itself goes."""
    connection.execute(
        "DELETE FROM evidence WHERE subscriber_id = ?1 OR instr(digest_id, ?1)", (subscriber_id,)
    )
    needles = [each.lower().encode() for each in (*addresses, subscriber_id)]
    theirs = [
        row["id"]
        for row in connection.execute("SELECT id, detail, raw FROM evidence")
        if any(
            each in row["raw"].lower() or each in row["detail"].lower().encode() for each in needles
        )
    ]
    connection.executemany(
        "DELETE FROM evidence WHERE id = ? AND subscriber_id = ''", ((each,) for each in theirs)
    )
    connection.executemany(
        "UPDATE evidence SET raw = x'', detail = '' WHERE id = ?", ((each,) for each in theirs)
    )


def _erase_cursors(connection: Connection, subscriber_id: str) -> None:
    """Who goes through everyone, and had come to them, goes on from the one before."""
    connection.execute(
        """
        UPDATE sources SET cursor = substr(cursor, 1, length(cursor) - length(?1))
            || coalesce((SELECT max(id) FROM subscribers WHERE id < ?1), '')
        WHERE substr(cursor, -length(?1)) = ?1
        """,
        (subscriber_id,),
    )
