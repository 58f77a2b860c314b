"""Digests, picks and receipts as rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from sqlite3 import Row

from digest.model import Digest, Mood, Outcome, Pick, Reason, ReasonKind, Receipt
from digest.store.rows.scalars import Columns, moment, stamp


def digest_columns(digest: Digest) -> Columns:
    """The columns of `digests`."""
    return (
        digest.id,
        digest.subscriber_id,
        digest.edition,
        digest.mood.value,
        stamp(digest.since),
        stamp(digest.until),
        json.dumps(digest.rest),
        digest.announced,
        digest.matched,
        digest.withheld,
        stamp(digest.composed_at),
    )


def to_digest(row: Row, picks: Sequence[Pick] = (), *, whole: bool = True) -> Digest:
    """A row of `digests`; without `whole`, the rest is left out as well as the picks."""
    return Digest(
        id=row["id"],
        subscriber_id=row["subscriber_id"],
        edition=row["edition"],
        mood=Mood(row["mood"]),
        since=moment(row["since"]),
        until=moment(row["until"]),
        picks=tuple(picks),
        rest=tuple(json.loads(row["rest"])) if whole else (),
        announced=row["announced"],
        matched=row["matched"],
        withheld=row["withheld"],
        composed_at=moment(row["composed_at"]),
    )


# A look-up here is a tenth of a call of the enum, and a block of digests has 10,000 reasons.
REASON_KINDS = {each.value: each for each in ReasonKind}


def pick_columns(digest_id: str, rank: int, pick: Pick) -> Columns:
    """The columns of `picks`; `rank` counts from 1.

    A reason is [kind, what, amount], or [kind, what, amount, [word, …]] where it has words.
    """
    reasons = [
        (each.kind, each.what, each.amount, each.words)
        if each.words
        else (each.kind, each.what, each.amount)
        for each in pick.reasons
    ]
    return (digest_id, rank, pick.paper_id, pick.score, json.dumps(reasons), pick.team)


def to_pick(row: Row) -> Pick:
    """A row of `picks`."""
    return Pick(
        paper_id=row["paper_id"],
        score=row["score"],
        reasons=tuple(
            [
                Reason(
                    kind=REASON_KINDS[kind],
                    what=what,
                    amount=amount,
                    words=tuple(words[0]) if words else (),
                )
                for kind, what, amount, *words in json.loads(row["reasons"])
            ]
        ),
        team=row["team"],
    )


def to_receipt(row: Row) -> Receipt:
    """A row of `deliveries`; when it was to be tried again is not kept."""
    return Receipt(
        digest_id=row["digest_id"],
        outcome=Outcome(row["outcome"]),
        code=row["code"],
        reply=row["reply"],
        at=moment(row["at"]),
    )
