"""Erasing people: first a search of the evidence for them, then a transaction of the caller's."""

from __future__ import annotations

import re
from binascii import a2b_base64, a2b_qp
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from sqlite3 import Connection, Row

from digest.store import digests, voting
from digest.store.connections import Connections
from digest.store.rows.scalars import listed

ID = b"s_"  # how every id of a subscriber begins
MOST_NESTED = 2
BLOCK = 100

_BASE64 = re.compile(rb"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{12,}(?:\r?\n[A-Za-z0-9+/]+)*")
# Encoded words (RFC 2047 §2), with the space between two of them, which does not count (§6.2).
_WORD = re.compile(
    rb"=\?[^?\s]{1,40}\?(?:b\?([A-Za-z0-9+/]*)=*|q\?([^?\r\n]*))\?=(?:\s+(?==\?))?", re.IGNORECASE
)
_FOLD = re.compile(rb"\n[ \t]+")
_AT = (b"%40", b"&#64;", b"&#x40;")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentions:
    """Which evidence, by id and time, mentions an id or address of these people.

    Stored mail never changes, except that it is emptied or settled, so that this stays valid.
    """

    ids: set[str]
    addresses: set[str]
    found: dict[tuple[str, str], bool] = field(default_factory=dict)

    def known_for(self, ids: set[str], addresses: set[str]) -> Mapping[tuple[str, str], bool]:
        """What this says about others: for a part of these people, where none of them was found."""
        if (ids, addresses) == (self.ids, self.addresses):
            return self.found
        if ids <= self.ids and addresses <= self.addresses:
            return {key: False for key, is_about in self.found.items() if not is_about}
        return {}


def find_mentions(connections: Connections, subscriber_ids: Collection[str]) -> Mentions:
    """Search the evidence for these people, who are to be erased, while others may write.

    Decoding all incoming mail takes seconds, for which a transaction would block other writers.
    """
    with connections.read() as connection:
        emails, addresses = _known(connection, subscriber_ids)
    mentions = Mentions(ids=set(emails), addresses=addresses)
    is_about = _evidence_test(emails, addresses)
    for row in _evidence(connections) if emails else ():
        mentions.found[row["id"], row["at"]] = is_about(row)
    return mentions


def erase(connection: Connection, subscriber_ids: Collection[str], mentions: Mentions) -> None:
    """Delete subscribers, and what other tables hold of their words, addresses and mail.

    Foreign keys delete interests, feedback, votes, digests and deliveries. Letters are searched once
    for all subscribers, and so is evidence that came after `find_mentions`, or all of it if one of
    them has got another address since.
    """
    emails, addresses = _known(connection, subscriber_ids)
    if not emails:
        return
    for subscriber_id, email in emails.items():
        _erase_one(connection, subscriber_id, email)
    _erase_letters(connection, emails, addresses)
    _erase_evidence(connection, emails, addresses, mentions.known_for(set(emails), addresses))


def _known(
    connection: Connection, subscriber_ids: Collection[str]
) -> tuple[dict[str, str], set[str]]:
    """The addresses of those who exist; and these and requested new ones in lower case."""
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
    connection.execute("DELETE FROM subscribers WHERE id = ?", (subscriber_id,))
    connection.execute("DELETE FROM address_changes WHERE email = ?", (email,))
    voting.count(connection, voted)
    _erase_community(connection, subscriber_id)
    _erase_cursors(connection, subscriber_id)


def _erase_community(connection: Connection, subscriber_id: str) -> None:
    """Keep featured submissions without the submitter, and the moderation log without the actor."""
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
    """Delete letters to them, and letters with their ids, which are in signed links."""
    is_named = _text_test(ids)
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
    """Delete evidence of mail from or about them; evidence about others loses only the mail itself."""
    is_named, is_about = _text_test(ids), _evidence_test(ids, addresses)
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
    """All evidence, read block by block without a transaction in between."""
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


def _evidence_test(ids: Collection[str], addresses: Collection[str]) -> Callable[[Row], bool]:
    """A function that tells whether a row of evidence mentions any of these people."""
    is_named, is_found = _text_test(ids), _text_test(ids, addresses)

    def is_about(row: Row) -> bool:
        return (
            row["subscriber_id"] in ids
            or is_named(row["digest_id"].encode())
            or is_found(row["detail"].lower().encode())
            or any(map(is_found, _readings(row["raw"])))
        )

    return is_about


def _text_test(ids: Iterable[str], addresses: Iterable[str] = ()) -> Callable[[bytes], bool]:
    """A function that tells whether a text contains any of these ids or addresses.

    It takes little longer for many than for one, as it looks only where an id begins and around each
    `@`. Addresses, and a text that is searched for them, must be in lower case.
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
    """A mail in lower case as it came and decoded in several ways, to find addresses in it.

    Encoded text is decoded wherever it stands, as parsing every mail would take too long. Encoded
    words are also decoded like a body, since many are written carelessly or cut off.
    """
    small = raw.lower()
    yield small
    plain = small
    if b"=?" in small:
        plain += b"\n" + _WORD.sub(_decoded_word, raw).lower()
    if b"quoted-printable" in small or b"?q?" in small:
        plain += b"\n" + a2b_qp(raw).lower()
    plain = _FOLD.sub(b"", plain.replace(b"\r\n", b"\n"))
    for each in _AT:
        plain = plain.replace(each, b"@")
    yield plain
    yield plain.replace(b"=", b"@")  # lists write from theirs-ada=example.org@
    if nested and (b"base64" in small or b"?b?" in small):
        for found in _BASE64.findall(raw):
            yield from _readings(_decoded(b"".join(found.split())), nested - 1)


def _decoded_word(word: re.Match[bytes]) -> bytes:
    return a2b_qp(word[2], header=True) if word[1] is None else _decoded(word[1])


def _decoded(digits: bytes) -> bytes:
    """Base64 digits as bytes without zeros, of which UTF-16 is full."""
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    return a2b_base64(digits + b"=" * (-len(digits) % 4)).replace(b"\0", b"")


def _erase_cursors(connection: Connection, subscriber_id: str) -> None:
    """Move cursors over all subscribers that stand on this one to the one before."""
    connection.execute(
        """
        UPDATE sources SET cursor = substr(cursor, 1, length(cursor) - length(?1))
            || coalesce((SELECT max(id) FROM subscribers WHERE id < ?1), '')
        WHERE substr(cursor, -length(?1)) = ?1
        """,
        (subscriber_id,),
    )
