"""Writing and reading digests in blocks, within a transaction that the caller holds.

What digests share is written and read once per block; `rows.contents` says how a digest refers to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from sqlite3 import Connection

from digest.errors import NotFound
from digest.model import Digest, Mood, Pick
from digest.store import keys
from digest.store.rows import contents
from digest.store.rows.scalars import listed, moment, stamp

# An edition is named by the day it was due: up to a week before for weekly readers, and a day more
# for time zones.
DAYS_BEHIND = 9
# Every block of a morning uses the word lists of the same papers, which rarely change.
MOST_LISTS = 2_000
BREAK = "\n"

PUT_EDITION = """
INSERT INTO editions (edition, first_composed, digests, queued, announced, since, until)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (edition) DO UPDATE SET
    first_composed = min(first_composed, excluded.first_composed),
    digests = digests + excluded.digests,
    queued = queued + excluded.queued,
    announced = max(announced, excluded.announced),
    since = iif(since = '', excluded.since, min(since, excluded.since)),
    until = max(until, excluded.until)
"""


def fresh(connection: Connection, digests: Sequence[Digest]) -> dict[int, Digest]:
    """The digests that are not stored yet, each once, by key; NotFound for unknown subscribers."""
    numbers = keys.enrol(connection, (each.subscriber_id for each in digests))
    found: dict[int, Digest] = {}
    for each in digests:
        key = keys.key_of(keys.day_of(each.edition), numbers[each.subscriber_id])
        found.setdefault(key, each)
    old = existing(connection, found)
    return {key: each for key, each in found.items() if key not in old}


def existing(connection: Connection, wanted: Iterable[int]) -> set[int]:
    """Those of these keys that are keys of digests."""
    rows = connection.execute(
        "SELECT key FROM digests WHERE key IN (SELECT value FROM json_each(?))",
        (listed(wanted),),
    )
    return {key for (key,) in rows}


def add(connection: Connection, digests: Mapping[int, Digest], queued: Collection[int]) -> None:
    """Keep new digests; `queued` are the keys of those to send. NotFound for a pick not stored."""
    if not digests:
        return
    block = digests.values()
    day = max(digests) >> keys.BITS
    _count(connection, digests, queued)
    numbers = _numbers(connection, block)
    windows = {key: _window_text(each) for key, each in digests.items()}
    # By text, the number of the only reader it concerns; None for several or a shared window.
    texts: dict[str, int | None] = dict.fromkeys(windows.values())
    wanted: defaultdict[int, dict[str, None]] = defaultdict(dict)
    for key, each in digests.items():
        reader = key & keys.MASK
        for pick in each.picks:
            for reason in pick.reasons:
                if texts.setdefault(reason.what, reader) != reader:
                    texts[reason.what] = None
                if reason.words:
                    wanted[numbers[pick.paper_id]].update(dict.fromkeys(reason.words))
    shared = contents.Shared(
        papers=numbers,
        strings=interned(connection, texts, day),
        words=_placed(connection, wanted, day),
    )
    connection.executemany(
        "INSERT INTO digests (key, content) VALUES (?, ?)",
        (
            (key, contents.encode(each, shared.strings[windows[key]], shared))
            for key, each in digests.items()
        ),
    )


def load(connection: Connection, wanted: Iterable[int]) -> dict[int, Digest]:
    """Digests by key; papers have their present ids, and those that are gone are left out."""
    found = {
        key: contents.decode(content)
        for key, content in connection.execute(
            "SELECT key, content FROM digests WHERE key IN (SELECT value FROM json_each(?))",
            (listed(wanted),),
        )
    }
    worded = {number for each in found.values() for number in each.papers[: each.shown]}
    named = {number for each in found.values() for number in each.papers}
    papers, joined = _names(connection, named)
    names = contents.Names(
        papers=papers,
        joined=joined,
        strings=texts_of(
            connection,
            {each.window for each in found.values()}
            | {what for each in found.values() for _, what in each.terms},
        ),
        words={
            paper: _split(text)
            for paper, text in connection.execute(
                "SELECT paper, listed FROM words WHERE paper IN (SELECT value FROM json_each(?))",
                (listed(worded),),
            )
        },
    )
    people = keys.people(connection, found)
    return {key: _digest(key, people[key], each, names) for key, each in found.items()}


def made_since(connection: Connection, since: datetime) -> set[int]:
    """The keys of digests composed at or after then, of editions up to DAYS_BEHIND days before.

    Reads only the head of each digest: 0.25 s for 100,000 digests in those editions.
    """
    first = keys.day_of(since.date().isoformat()) - DAYS_BEHIND
    windows = {
        number: text.split(" ")[2]
        for number, text in connection.execute(
            "SELECT number, text FROM strings WHERE used >= ? AND text GLOB '* ????-* ????-* ????-* *'",
            (first,),
        )
        if text.split(" ")[3] >= stamp(since)
    }
    if not windows:
        return set()
    # Editions whose windows end before all of these are skipped.
    editions = connection.execute(
        "SELECT edition FROM editions WHERE edition >= ? AND until >= ?",
        (
            keys.edition_of(keys.key_of(first, 0)),
            min(windows.values()),
        ),
    ).fetchall()
    found = set[int]()
    for (edition,) in editions:
        day = keys.day_of(edition)
        heads = connection.execute(
            """
            SELECT key, iif(substr(content, 1, 1) = ?, substr(content, 1, ?), content)
            FROM digests WHERE key >= ? AND key < ?
            """,
            (contents.COMPACT, contents.HEAD, keys.key_of(day, 0), keys.key_of(day + 1, 0)),
        )
        found |= {key for key, head in heads if contents.window_in(head) in windows}
    return found


def texts_of(connection: Connection, numbers: Iterable[int]) -> dict[int, str]:
    """Strings by number."""
    return dict(
        connection.execute(
            "SELECT number, text FROM strings WHERE number IN (SELECT value FROM json_each(?))",
            (listed(numbers),),
        ).fetchall()
    )


def span_of(window: str) -> tuple[str, str, str]:
    """The start, end and time of composing (stamps) in the text of a window."""
    _, since, until, composed_at, _ = window.split(" ")
    return since, until, composed_at


def _digest(key: int, person: str, found: contents.Decoded, names: contents.Names) -> Digest:
    mood, since, until, composed_at, announced = _window(names.strings[found.window])
    edition = keys.edition_of(key)
    picks, rest = contents.picks_of(found, names), contents.rest_of(found, names)
    if names.joined:
        # Of two papers that were merged since, the better place counts.
        once: dict[str, Pick] = {}
        for each in picks:
            once.setdefault(each.paper_id, each)
        picks = tuple(once.values())
        rest = tuple(each for each in dict.fromkeys(rest) if each not in once)
    return Digest(
        id=f"{person}.{edition}",
        subscriber_id=person,
        edition=edition,
        mood=mood,
        since=since,
        until=until,
        picks=picks,
        rest=rest,
        announced=announced,
        matched=found.matched,
        withheld=found.withheld,
        composed_at=composed_at,
    )


def _window_text(digest: Digest) -> str:
    """The mood, window and counts of a digest as text, which most digests of a morning share."""
    times = (stamp(digest.since), stamp(digest.until), stamp(digest.composed_at))
    return " ".join((digest.mood.value, *times, str(digest.announced)))


@lru_cache(maxsize=256)
def _window(text: str) -> tuple[Mood, datetime, datetime, datetime, int]:
    mood, since, until, composed_at, announced = text.split(" ")
    return Mood(mood), moment(since), moment(until), moment(composed_at), int(announced)


def _count(connection: Connection, digests: Mapping[int, Digest], queued: Collection[int]) -> None:
    by_edition: defaultdict[str, list[int]] = defaultdict(list)
    for key, each in digests.items():
        by_edition[each.edition].append(key)
    connection.executemany(
        PUT_EDITION,
        (
            (
                edition,
                stamp(min(digests[key].composed_at for key in found)),
                len(found),
                sum(key in queued for key in found),
                max(digests[key].announced for key in found),
                stamp(min(digests[key].since for key in found)),
                stamp(max(digests[key].until for key in found)),
            )
            for edition, found in by_edition.items()
        ),
    )


def _numbers(connection: Connection, digests: Iterable[Digest]) -> dict[str, int]:
    """The numbers of the papers in digests; raises NotFound for a pick that is not stored."""
    picked = {pick.paper_id for each in digests for pick in each.picks}
    wanted = picked.union(*(each.rest for each in digests))
    found = dict(
        connection.execute(
            "SELECT id, number FROM papers WHERE id IN (SELECT value FROM json_each(?))",
            (listed(wanted),),
        ).fetchall()
    )
    if len(found) < len(wanted):
        # A paper may have got another id since it was ranked.
        found |= dict(
            connection.execute(
                """
                SELECT i.key, p.number FROM identifiers AS i JOIN papers AS p ON p.id = i.paper_id
                WHERE i.key IN (SELECT value FROM json_each(?))
                """,
                (listed(wanted - found.keys()),),
            ).fetchall()
        )
    if lost := picked - found.keys():
        raise NotFound("A picked paper is not stored.", subject=min(lost))
    return found


def _names(connection: Connection, numbers: Collection[int]) -> tuple[dict[int, str], bool]:
    """The present ids of papers by number, and whether any of them was merged into another."""
    wanted = listed(numbers)
    found = dict(
        connection.execute(
            "SELECT number, id FROM papers WHERE number IN (SELECT value FROM json_each(?))",
            (wanted,),
        ).fetchall()
    )
    joined: dict[int, str] = {}
    if len(found) < len(numbers):
        joined = dict(
            connection.execute(
                """
                SELECT j.number, p.id FROM joined AS j JOIN papers AS p ON p.number = j.paper
                WHERE j.number IN (SELECT value FROM json_each(?))
                """,
                (wanted,),
            ).fetchall()
        )
    return found | joined, bool(joined)


def interned(connection: Connection, texts: Mapping[str, int | None], day: int) -> dict[str, int]:
    """The numbers of strings; adds new ones, and marks all as used on that day.

    `texts` gives the number of the only reader in whose digests a string is, None for several.
    """
    select = """
        SELECT text, number, used, reader FROM strings
        WHERE text IN (SELECT value FROM json_each(?))
    """
    rows = connection.execute(select, (listed(texts),)).fetchall()
    found = {text: number for text, number, _, _ in rows}
    connection.executemany(
        "UPDATE strings SET used = max(used, ?), reader = ? WHERE number = ?",
        (
            (day, reader if texts[text] == reader else None, number)
            for text, number, used, reader in rows
            if used < day or reader not in {None, texts[text]}
        ),
    )
    new = [each for each in texts if each not in found]
    if new:
        connection.executemany(
            "INSERT INTO strings (text, used, reader) VALUES (?, ?, ?)",
            ((each, day, texts[each]) for each in new),
        )
        rows = connection.execute(select, (listed(new),)).fetchall()
        found |= {text: number for text, number, _, _ in rows}
    return found


def erase_words(connection: Connection, subscriber_id: str) -> None:
    """Delete the strings that only this reader's digests refer to.

    The words of reasons stay: they come from the papers, and others see them too.
    """
    connection.executemany(
        "DELETE FROM strings WHERE reader = ?",
        ((number,) for number in keys.numbers(connection, [subscriber_id]).values()),
    )


def _placed(
    connection: Connection, wanted: Mapping[int, Mapping[str, None]], day: int
) -> dict[int, Mapping[str, int]]:
    """The places of words in the lists of their papers; new words are appended."""
    stored = {
        paper: (text, used)
        for paper, text, used in connection.execute(
            "SELECT paper, listed, used FROM words WHERE paper IN (SELECT value FROM json_each(?))",
            (listed(wanted),),
        )
    }
    found: dict[int, Mapping[str, int]] = {}
    changed: list[tuple[int, int, str]] = []
    for paper, words in wanted.items():
        text, used = stored.get(paper, ("", -1))
        places = _places(text)
        new = [each for each in words if each not in places and each and BREAK not in each]
        if new:
            text = BREAK.join([text, *new] if text else new)
            places = _places(text)
        if new or used < day:
            changed.append((paper, max(day, used), text))
        found[paper] = places
    connection.executemany(
        """
        INSERT INTO words (paper, used, listed) VALUES (?, ?, ?)
        ON CONFLICT (paper) DO UPDATE SET used = excluded.used, listed = excluded.listed
        """,
        changed,
    )
    return found


@lru_cache(maxsize=MOST_LISTS)
def _places(text: str) -> Mapping[str, int]:
    return {each: place for place, each in enumerate(text.split(BREAK))} if text else {}


@lru_cache(maxsize=MOST_LISTS)
def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split(BREAK))
