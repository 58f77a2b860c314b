"""Write subscribers as CSV or JSON Lines, in the form that `read` takes."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from typing import IO

from digest import subscriptions
from digest.model import Interest, Subscriber
from digest.roster.columns import COLUMNS, LISTS, NAMES


def write(
    target: IO[str],
    people: Iterable[tuple[Subscriber, Sequence[Interest]]],
    *,
    json_lines: bool,
) -> int:
    """Write everyone in the form that `read` takes, and return how many."""
    count = 0
    table = csv.DictWriter(target, COLUMNS)
    if not json_lines:
        table.writeheader()
    for count, (person, interests) in enumerate(people, 1):  # noqa: B007 - counted
        row = _row(person, interests)
        if json_lines:
            target.write(json.dumps(row, ensure_ascii=False) + "\n")
        else:
            table.writerow({key: _cell(each) for key, each in row.items()})
    return count


def _row(person: Subscriber, interests: Sequence[Interest]) -> dict[str, object]:
    cadence = str(person.cadence)
    if cadence == "weekly":
        cadence = subscriptions.WEEKDAYS[person.weekday]
    return {
        "email": person.email,
        "name": person.name,
        "shows_name": "yes" if person.shows_name else "",
        "status": str(person.status),
        "paused_until": person.paused_until.isoformat() if person.paused_until else "",
        "at": f"{person.at:%H:%M}",
        "tz": person.tz,
        "cadence": cadence,
        "limit": person.limit,
        "quiet": str(person.quiet),
        "floor": subscriptions.floor_name(person.floor),
        **{
            name: [each.value for each in interests if each.kind is kind]
            for name, kind in LISTS.items()
        },
        "weights": [
            f"{NAMES[each.kind]}:{each.value}={each.weight:.15g}"
            for each in interests
            if each.weight != 1
        ],
    }


def _cell(value: object) -> object:
    return "; ".join(value) if isinstance(value, list) else value
