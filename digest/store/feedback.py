"""What readers said, and what it did to their profiles: what `digest.ports.FeedbackStore` asks for.

Feedback can be undone in any order. Each piece of feedback wrote its interests over earlier ones
and keeps what it replaced. Undoing it leaves what later feedback wrote in the same slots, and hands
what it had replaced on to the next later feedback for each slot.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from sqlite3 import Connection

from digest.model import Feedback, FeedbackKind, Interest
from digest.ports import Settled
from digest.store import interests, loading
from digest.store.connections import Family
from digest.store.interests import Slot, slots
from digest.store.rows.people import interests_text
from digest.store.rows.records import FEEDBACK
from digest.store.rows.scalars import listed, stamp

BLOCK = 1_000

# `last` is the kind of what the reader said last about the paper, in any edition.
ANSWERS = """
SELECT rowid AS number, *, (
    SELECT kind FROM feedback AS later
    WHERE later.subscriber_id = said.subscriber_id AND later.at >= said.at
        AND later.paper_id = said.paper_id AND later.undone_at IS NULL
        AND later.kind IN (SELECT value FROM json_each(?4))
    ORDER BY later.at DESC, later.rowid DESC LIMIT 1
) AS last
FROM feedback AS said
WHERE edition <> '' AND (edition, subscriber_id, rowid) > (?1, ?2, ?3)
    AND kind IN (SELECT value FROM json_each(?4)) AND undone_at IS NULL
ORDER BY edition, subscriber_id, rowid LIMIT ?5
"""


class FeedbackLog(Family):
    """What readers said, in SQLite."""

    def add(self, feedback: Feedback) -> None:
        """Keep it and apply its interests, in one transaction."""
        with self._connections.write() as connection:
            if _one(connection, feedback.id) is not None:
                return
            person = feedback.subscriber_id
            paper_id = loading.owner(connection, feedback.paper_id)
            touched = slots((*feedback.replaced, *feedback.added))
            before = interests.standing(connection, person, touched)
            kept = replace(feedback, paper_id=paper_id, replaced=tuple(before.values()))
            connection.execute(FEEDBACK.insert, FEEDBACK.columns(kept))
            interests.clear(connection, person, before)
            interests.put(connection, person, feedback.added)

    def undo(
        self, feedback_id: str, now: datetime, *, settled: Settled | None = None
    ) -> Feedback | None:
        """Take back what it added and put back what it replaced; None if there is nothing to undo."""
        with self._connections.write() as connection:
            said = _one(connection, feedback_id)
            if said is None or said.undone_at is not None:
                return None
            connection.execute(
                "UPDATE feedback SET undone_at = ? WHERE id = ?", (stamp(now), feedback_id)
            )
            free = _hand_on(connection, said)
            _restore(connection, said, free)
            if settled is not None:
                _settle(connection, said, settled)
            return _one(connection, feedback_id)

    def get(self, feedback_id: str) -> Feedback | None:
        """One, undone or not."""
        with self._connections.read() as connection:
            return _one(connection, feedback_id)

    def of(
        self,
        subscriber_id: str,
        *,
        kinds: Sequence[FeedbackKind] = (),
        paper_ids: Collection[str] | None = None,
        limit: int = 100,
        standing: bool = True,
    ) -> list[Feedback]:
        """What one reader said, newest first."""
        papers = None
        with self._connections.read() as connection:
            if paper_ids is not None:
                owners = loading.owners(connection, listed(paper_ids))
                papers = listed(owners.get(each, each) for each in paper_ids)
            rows = connection.execute(
                """
                SELECT * FROM feedback
                WHERE subscriber_id = ?1
                    AND (?2 = '[]' OR kind IN (SELECT value FROM json_each(?2)))
                    AND (?3 IS NULL OR paper_id IN (SELECT value FROM json_each(?3)))
                    AND NOT (?4 AND undone_at IS NOT NULL)
                ORDER BY at DESC, rowid DESC LIMIT ?5
                """,
                (subscriber_id, listed(kinds), papers, standing, limit),
            )
            return [FEEDBACK.read(row) for row in rows]

    def answers(self, first: str, *, kinds: Sequence[FeedbackKind]) -> Iterator[Feedback]:
        """What readers said about editions from `first` (ISO) on and did not undo, by edition.

        Reads block by block without a transaction in between, so that writers are not held up.
        """
        wanted = listed(kinds)
        after = (first, "", 0)
        while block := self._connections.rows(ANSWERS, (*after, wanted, BLOCK)):
            for row in block:
                yield replace(FEEDBACK.read(row), kind=FeedbackKind(row["last"]))
            after = (block[-1]["edition"], block[-1]["subscriber_id"], block[-1]["number"])


def _one(connection: Connection, feedback_id: str) -> Feedback | None:
    row = connection.execute("SELECT * FROM feedback WHERE id = ?", (feedback_id,)).fetchone()
    return None if row is None else FEEDBACK.read(row)


def _hand_on(connection: Connection, said: Feedback) -> set[Slot]:
    """Give what was replaced to the next feedback for each slot; returns the slots without one."""
    free = set(slots((*said.replaced, *said.added)))
    had = slots(said.replaced)
    for row in connection.execute(
        """
        SELECT * FROM feedback
        WHERE subscriber_id = ? AND undone_at IS NULL
            AND rowid > (SELECT rowid FROM feedback WHERE id = ?) ORDER BY rowid
        """,
        (said.subscriber_id, said.id),
    ).fetchall():
        later = FEEDBACK.read(row)
        shared = free & set(slots((*later.replaced, *later.added)))
        if shared:
            _rewrite(connection, later, {place: had.get(place) for place in shared})
            free -= shared
    return free


def _rewrite(connection: Connection, later: Feedback, had: Mapping[Slot, Interest | None]) -> None:
    """Note in later feedback that it replaced what stood in these slots before the undone one."""
    replaced = {**slots(later.replaced), **had}
    connection.execute(
        "UPDATE feedback SET replaced = ? WHERE id = ?",
        (interests_text([each for each in replaced.values() if each is not None]), later.id),
    )


def _restore(connection: Connection, said: Feedback, free: set[Slot]) -> None:
    """Put slots back as they were, unless something else stands there by now."""
    added, had = slots(said.added), slots(said.replaced)
    now = interests.standing(connection, said.subscriber_id, free)
    ours = {
        place
        for place in free
        if place not in now or (place in added and now[place].kind is added[place].kind)
    }
    interests.clear(connection, said.subscriber_id, ours)
    back = [had[place] for place in had if place in ours]
    interests.put(connection, said.subscriber_id, back)


def _settle(connection: Connection, said: Feedback, settled: Settled) -> None:
    """Write what `settled` makes of the interests now in the slots of the undone feedback."""
    stands = interests.standing(
        connection, said.subscriber_id, slots((*said.replaced, *said.added))
    )
    rows = connection.execute(
        """
        SELECT * FROM feedback
        WHERE subscriber_id = ? AND paper_id = ? AND undone_at IS NULL ORDER BY rowid DESC
        """,
        (said.subscriber_id, said.paper_id),
    ).fetchall()
    chain = [(each, slots((*each.replaced, *each.added))) for each in map(FEEDBACK.read, rows)]
    for place, interest in stands.items():
        after = settled(interest, [each for each, places in chain if place in places])
        if after != interest:
            interests.put(connection, said.subscriber_id, [after])
