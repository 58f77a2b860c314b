"""The integer keys of digests, made of the day of an edition and the number of the reader.

The public id of a digest, `subscriber.edition`, takes 33 bytes in every row and index. The database
has one integer instead: the edition's day (since 1970) above 26 bits for the reader's number.
Readers are numbered when they get their first digest, so that each morning's digests are written
roughly in the order of their keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import lru_cache
from sqlite3 import Connection

from digest.store.rows.scalars import listed

BITS = 26
MASK = (1 << BITS) - 1
EPOCH = date(1970, 1, 1)


# A block of digests has one or a few editions.
@lru_cache(maxsize=64)
def day_of(edition: str) -> int:
    """The day number of an edition (an ISO date); raises ValueError for anything else."""
    return (date.fromisoformat(edition) - EPOCH).days


def edition_of(key: int) -> str:
    """The edition that a digest's key names."""
    return _edition(key >> BITS)


@lru_cache(maxsize=64)
def _edition(day: int) -> str:
    return (EPOCH + timedelta(days=day)).isoformat()


def key_of(day: int, number: int) -> int:
    """The key of a reader's digest of a day."""
    return day << BITS | number


def numbers(connection: Connection, subscriber_ids: Iterable[str]) -> dict[str, int]:
    """The numbers of readers; those who never had a digest are left out."""
    return dict(
        connection.execute(
            """
            SELECT subscriber_id, number FROM readers
            WHERE subscriber_id IN (SELECT value FROM json_each(?))
            """,
            (listed(subscriber_ids),),
        ).fetchall()
    )


def enrol(connection: Connection, subscriber_ids: Iterable[str]) -> dict[str, int]:
    """The numbers of readers, new ones where needed; raises IntegrityError for unknown readers."""
    wanted = list(dict.fromkeys(subscriber_ids))
    known = numbers(connection, wanted)
    new = [(each,) for each in wanted if each not in known]
    if not new:
        return known
    connection.executemany("INSERT INTO readers (subscriber_id) VALUES (?)", new)
    return numbers(connection, wanted)


def known(connection: Connection, ids: Iterable[str]) -> dict[str, int]:
    """Keys by public id, whether or not the digest exists; malformed ids are left out."""
    parts = {each: each.rpartition(".") for each in ids}
    found = numbers(connection, (person for person, _, _ in parts.values()))
    keys: dict[str, int] = {}
    for each, (person, _, edition) in parts.items():
        if person in found:
            try:
                keys[each] = key_of(day_of(edition), found[person])
            except ValueError:
                continue
    return keys


def people(connection: Connection, keys: Iterable[int]) -> dict[int, str]:
    """The subscribers of digests, by key."""
    wanted = list(keys)
    found: Mapping[int, str] = dict(
        connection.execute(
            """
            SELECT number, subscriber_id FROM readers
            WHERE number IN (SELECT value FROM json_each(?))
            """,
            (listed(each & MASK for each in wanted),),
        ).fetchall()
    )
    return {each: found[each & MASK] for each in wanted if each & MASK in found}


def named(connection: Connection, keys: Iterable[int]) -> dict[int, str]:
    """Public ids by key."""
    return {
        each: f"{person}.{edition_of(each)}" for each, person in people(connection, keys).items()
    }
