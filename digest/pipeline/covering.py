"""The window of a reader's digest, and the day that names it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from digest import editions
from digest.errors import InvalidInput
from digest.model import Cadence, Subscriber


def until(edition: str | None, now: datetime) -> datetime:
    """Where a digest's window ends: never after `now`, or later announcements would be lost.

    Raises InvalidInput for a day that has not begun.
    """
    if edition is None:
        return now
    since, until = editions.day_window(edition)
    if since > now + timedelta(days=1):
        raise InvalidInput(f"{edition} has not begun yet.")
    return min(now, until)


def last_due(person: Subscriber, until: datetime) -> datetime:
    """The moment whose date names the digest: when it was last due, else `until`.

    A digest that was due before midnight and is composed after it is still yesterday's, and must
    not take the place of today's.
    """
    due = person.due_at
    if due is None or due > until:
        return until
    while (following := editions.next_due(person, due)) <= until:
        due = following
    return due


def spans(
    people: Sequence[Subscriber],
    covered: Mapping[str, datetime],
    *,
    until: datetime,
    edition: str | None,
) -> dict[str, datetime]:
    """Since when each person's digest looks: the end of their last one, within bounds.

    Papers from before the moment up to which they marked everything as seen are left out.
    """
    found: dict[str, datetime] = {}
    for person in people:
        last_until = covered.get(person.id)
        if last_until is not None and last_until >= until:
            last_until = None
        if edition is not None and last_until is None and person.cadence is not Cadence.WEEKLY:
            found[person.id] = editions.day_window(edition)[0]
        elif last_until is None and edition is None:
            due = min(person.due_at or until, until)
            first = editions.window(person.cadence, None, due)[0]
            found[person.id] = editions.window(person.cadence, first, until)[0]
        else:
            found[person.id] = editions.window(person.cadence, last_until, until)[0]
        found[person.id] = unseen(person, found[person.id], until)
    return found


def has_just_confirmed(person: Subscriber) -> bool:
    """Whether the digest that is due is the one that `subscriptions.confirm` made due at once."""
    if person.confirmed_at is None or person.due_at is None:
        return False
    return person.due_at <= person.confirmed_at


def unseen(person: Subscriber, since: datetime, until: datetime) -> datetime:
    """Where a digest begins, given the moment up to which its reader marked everything as seen."""
    return since if person.seen_until is None else min(max(since, person.seen_until), until)
