"""Forgetting people, one or many: a look at kept mail first, then a transaction of the caller's."""

from __future__ import annotations

import re
from binascii import a2b_base64, a2b_qp
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from sqlite3 import Connection, Row

from digest.store import changes, digests, voting
from digest.store.connections import Connections
from digest.store.rows import listed

ID = b"s_"  # how every id of a subscriber begins
MOST_NESTED = 2
BLOCK = 100

_BASE64 = re.compile(rb"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{12,}(?:\r?\n[A-Za-z0-9+/]+)*")
_HAS_QUOTED, _HAS_BASE64 = (b"quoted-printable", b"?q?"), (b"base64", b"?b?")
_FOLD = re.compile(rb"\n[ \t]+")
_AT = (b"%40", b"&#64;", b"&#x40;")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Whether evidence, by id and time, has an id or an address of these people in it.

    What is kept never changes, but that it is emptied or settled; so this holds until it goes.
    """

    ids: set[str]
    addresses: set[str]
    found: dict[tuple[str, str], bool] = field(default_factory=dict)

    def holding(self, ids: set[str], addresses: set[str]) -> Mapping[tuple[str, str], bool]:
        """What of it holds for others: for some of these, where nobody was found."""
        if (ids, addresses) == (self.ids, self.addresses):
            return self.found
        if ids <= self.ids and addresses <= self.addresses:
            return {key: False for key, is_about in self.found.items() if not is_about}
        return {}


def look(connections: Connections, subscriber_ids: Collection[str]) -> Look:
    """Go through the evidence for these people, who are to be erased, while others may write.

    To decode all mail that came in takes seconds, for which a transaction would hold them up.
    """
    with connections.read() as connection:
        emails, addresses = _known(connection, subscriber_ids)
    looked = Look(ids=set(emails), addresses=addresses)
    is_about = _teller(emails, addresses)
    for row in _evidence(connections) if emails else ():
        looked.found[row["id"], row["at"]] = is_about(row)
    return looked


def erase(connection: Connection, subscriber_ids: Collection[str], looked: Look) -> None:
    """Delete subscribers, and what other tables hold of their words, addresses and mail.

    Interests, feedback, votes, digests and what became of them go with the row of a subscriber.
    Letters are gone through once for all of them, and so is evidence that has come since it was
    `looked` at; all of it, where they have got another address since.
    """
    emails, addresses = _known(connection, subscriber_ids)
    if not emails:
        return
    for subscriber_id, email in emails.items():
        _erase_one(connection, subscriber_id, email)
    _erase_letters(connection, emails, addresses)
    _erase_evidence(connection, emails, addresses, looked.holding(set(emails), addresses))


def _known(
    connection: Connection, subscriber_ids: Collection[str]
) -> tuple[dict[str, str], set[str]]:
    """Those of them who are there, with their addresses; and these and wished ones in small letters."""
    emails = dict(
        connection.execute(
            "SELECT id, email FROM subscribers WHERE id IN (SELECT value FROM json_each(?))",
            (listed(subscriber_ids),),
        ).fetchall()
    )
    wished = connection.execute(
        "SELECT email FROM address_changes WHERE subscriber_id IN (SELECT value FROM json_each(?))",
        (listed(emails),),
    ).fetchall()
    return emails, {each.lower() for each in (*emails.values(), *(row["email"] for row in wished))}


def _erase_one(connection: Connection, subscriber_id: str, email: str) -> None:
    voted = voting.papers_of(connection, subscriber_id)
    digests.erase_words(connection, subscriber_id)
    _erase_from_space(connection, subscriber_id)
    connection.execute("DELETE FROM subscribers WHERE id = ?", (subscriber_id,))
    connection.execute("DELETE FROM address_changes WHERE email = ?", (email,))
    voting.count(connection, voted)
    _erase_community(connection, subscriber_id)
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


def _erase_letters(
    connection: Connection, ids: Collection[str], addresses: Collection[str]
) -> None:
    """Letters to them, and letters about them: those hold links that are signed with their id."""
    is_named = _finder(ids)
    theirs = [
        row["id"]
        for row in connection.execute("SELECT id, recipient, content FROM letters")
        if row["recipient"].lower() in addresses
        or is_named(row["id"].encode())
        or is_named(row["content"])
    ]
    connection.executemany("DELETE FROM letters WHERE id = ?", ((each,) for each in theirs))


def _erase_evidence(
    connection: Connection,
    ids: Collection[str],
    addresses: Collection[str],
    known: Mapping[tuple[str, str], bool],
) -> None:
    """Mail from them or about them; in mail about somebody else, only the mail itself goes."""
    is_named, is_about = _finder(ids), _teller(ids, addresses)
    own: list[str] = []
    others: list[str] = []
    left = [
        row["id"]
        for row in connection.execute("SELECT id, at FROM evidence")
        if known.get((row["id"], row["at"]), True)
    ]
    for row in connection.execute(
        """
        SELECT id, at, subscriber_id, digest_id, detail, raw FROM evidence
        WHERE id IN (SELECT value FROM json_each(?))
        """,
        (listed(left),),
    ):
        if known.get((row["id"], row["at"])) or is_about(row):
            is_own = row["subscriber_id"] in {"", *ids} or is_named(row["digest_id"].encode())
            (own if is_own else others).append(row["id"])
    connection.executemany("DELETE FROM evidence WHERE id = ?", ((each,) for each in own))
    connection.executemany(
        "UPDATE evidence SET raw = x'', detail = '' WHERE id = ?", ((each,) for each in others)
    )


def _evidence(connections: Connections) -> Iterator[Row]:
    """All evidence, with a view of the database for a block of it at a time."""
    last, is_more = 0, True
    while is_more:
        is_more = False
        with connections.read() as connection:
            for row in connection.execute(
                """
                SELECT rowid AS place, id, at, subscriber_id, digest_id, detail, raw FROM evidence
                WHERE rowid > ? ORDER BY rowid LIMIT ?
                """,
                (last, BLOCK),
            ):
                last, is_more = row["place"], True
                yield row


def _teller(ids: Collection[str], addresses: Collection[str]) -> Callable[[Row], bool]:
    """What tells whether a row of evidence is from or about any of these, or has them in its mail."""
    is_named, is_found = _finder(ids), _finder(ids, addresses)

    def is_about(row: Row) -> bool:
        return (
            row["subscriber_id"] in ids
            or is_named(row["digest_id"].encode())
            or is_found(row["detail"].lower().encode())
            or any(map(is_found, _readings(row["raw"])))
        )

    return is_about


def _finder(ids: Iterable[str], addresses: Iterable[str] = ()) -> Callable[[bytes], bool]:
    """What tells whether a text has any of these in it, in little more time for many than for one.

    So it looks only at what stands where an id begins, and around an `@`. Addresses, and the text
    where there are any, are in small letters.
    """
    tails = {each.encode().removeprefix(ID) for each in ids}
    tail_lengths = {len(each) for each in tails}
    domains: defaultdict[bytes, tuple[bytes, ...]] = defaultdict(tuple)
    for address in addresses:
        local, _, domain = address.encode().rpartition(b"@")
        domains[local] += (domain,)
    local_lengths = {len(each) for each in domains}

    def is_found(text: bytes) -> bool:
        if any(each[:length] in tails for each in text.split(ID)[1:] for length in tail_lengths):
            return True
        before, *rest = text.split(b"@")
        for each in rest if domains else ():
            if any(each.startswith(domains.get(before[-one:], ())) for one in local_lengths):
                return True
            before = each
        return False

    return is_found


def _readings(raw: bytes, nested: int = MOST_NESTED) -> Iterator[bytes]:
    """A mail as it came, and what it may encode, in small letters: to find addresses, not to read.

    What it encodes is decoded wherever it stands, since all mail that came in is gone through: to
    take each apart would take long.
    """
    small = raw.lower()
    yield small
    plain = small
    if any(each in small for each in _HAS_QUOTED):
        plain += b"\n" + a2b_qp(raw).lower()
    plain = _FOLD.sub(b"", plain.replace(b"\r\n", b"\n"))
    for each in _AT:
        plain = plain.replace(each, b"@")
    yield plain
    yield plain.replace(b"=", b"@")  # lists write from theirs-ada=example.org@
    if nested and any(each in small for each in _HAS_BASE64):
        for found in _BASE64.findall(raw):
            digits = b"".join(found.split())
            digits = digits[: len(digits) - (len(digits) % 4 == 1)]
            octets = a2b_base64(digits + b"=" * (-len(digits) % 4))
            yield from _readings(octets.replace(b"\0", b""), nested - 1)  # UTF-16 is full of those


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
