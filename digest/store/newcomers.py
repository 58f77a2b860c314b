"""Adding or ending subscribers by the hundred thousand, within a transaction that the caller holds.

What many subscribers share is bound once, and SQLite joins it to the people in two statements. They
do not hold Python's GIL, so that another thread can read on meanwhile. Rows are inserted in the
order of their ids, which touches each page of the indexes once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from sqlite3 import Connection

from digest.model import Status
from digest.ports import Newcomer
from digest.store.rows.people import SUBSCRIBER_COLUMNS, interest_columns, subscriber_columns
from digest.store.rows.scalars import listed

# The columns that each person has for themselves; people of one kind share the others.
OWN = ("id", "email", "key", "name")

TABLES = {
    "newcomers": "id TEXT, email TEXT, key TEXT, name TEXT, kind INTEGER",
    "kinds": ", ".join(SUBSCRIBER_COLUMNS),
    "wishes": "kind, value, weight, added_at",
    "wished": "newcomer INTEGER, wish INTEGER",
}
ADD_PEOPLE = f"""
INSERT INTO subscribers ({", ".join(SUBSCRIBER_COLUMNS)})
SELECT {", ".join(f"{'n' if each in OWN else 'k'}.{each}" for each in SUBSCRIBER_COLUMNS)}
FROM temp.newcomers AS n CROSS JOIN temp.kinds AS k ON k.rowid = n.kind
WHERE true ORDER BY n.rowid ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants
FORGET_KNOWN = """
DELETE FROM temp.newcomers AS n WHERE NOT EXISTS (
    SELECT 1 FROM subscribers AS s WHERE s.id = n.id AND s.email = n.email
)
"""
ADD_WISHES = """
INSERT INTO interests (subscriber_id, kind, value, weight, added_at)
SELECT n.id, w.kind, w.value, w.weight, w.added_at
FROM temp.wished AS p CROSS JOIN temp.newcomers AS n ON n.rowid = p.newcomer
CROSS JOIN temp.wishes AS w ON w.rowid = p.wish
WHERE true ORDER BY p.rowid ON CONFLICT DO NOTHING
"""
END = """
UPDATE subscribers SET status = ?2, due_at = NULL
WHERE email IN (SELECT value FROM json_each(?1)) AND +status IN (SELECT value FROM json_each(?3))
"""
UNDER_WAY = (Status.PENDING, Status.ACTIVE, Status.PAUSED)


def add(connection: Connection, people: Sequence[Newcomer]) -> int:
    """Add those whose id and address are new; returns how many that were."""
    for name, columns in TABLES.items():
        connection.execute(f"CREATE TEMP TABLE {name} ({columns})")
    # When an address comes twice, the first one counts.
    first = {each.email: each for each in reversed(people)}
    _bind(connection, sorted(first.values(), key=itemgetter(0)))
    added = connection.execute(ADD_PEOPLE).rowcount
    if added < len(people):
        connection.execute(FORGET_KNOWN)
    connection.execute(ADD_WISHES)
    for name in TABLES:
        connection.execute(f"DROP TABLE temp.{name}")
    return added


def end(connection: Connection, emails: Iterable[str], status: Status) -> int:
    """Give this status to pending, active and paused subscribers of these addresses; how many.

    `unsubscribed` also replaces `suppressed`, which is not counted.
    """
    addresses = listed(emails)
    ended = connection.execute(END, (addresses, status.value, listed(UNDER_WAY))).rowcount
    if status is Status.UNSUBSCRIBED:
        connection.execute(END, (addresses, status.value, listed([Status.SUPPRESSED])))
    return ended


def _bind(connection: Connection, people: Sequence[Newcomer]) -> None:
    """Fill the temporary tables; shared values are compared by identity, which is faster."""
    likes = {id(each.like): each.like for each in people}
    kinds = {key: number for number, key in enumerate(likes, 1)}
    interests = {id(each): each for person in people for each in person.interests}
    wishes = {key: number for number, key in enumerate(interests, 1)}
    connection.executemany(
        "INSERT INTO newcomers VALUES (?, ?, ?, ?, ?)",
        [(each.id, each.email, each.key, each.name, kinds[id(each.like)]) for each in people],
    )
    connection.executemany(
        f"INSERT INTO kinds VALUES ({', '.join('?' * len(SUBSCRIBER_COLUMNS))})",  # noqa: S608 - a constant
        [subscriber_columns(each) for each in likes.values()],
    )
    connection.executemany(
        "INSERT INTO wishes VALUES (?, ?, ?, ?)",
        [interest_columns("", each)[1:] for each in interests.values()],
    )
    connection.executemany(
        "INSERT INTO wished VALUES (?, ?)",
        [
            (number, wishes[id(each)])
            for number, person in enumerate(people, 1)
            for each in person.interests
        ],
    )
