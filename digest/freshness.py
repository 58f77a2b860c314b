"""Whether a source that gives few papers or none is stale, judged by its siblings and its past.

arXiv sometimes serves a category's old list with a new build date, or a list without most of its
papers, and nothing in the feed shows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from statistics import median

from digest.model import Harvest

USUAL_AT_LEAST = 8
SILENT_BELOW = 0.1
DAYS_OF_HISTORY = 10


def behind(harvests: Mapping[str, Harvest]) -> dict[str, str]:
    """Places whose list is older than the newest list of the source, with the cause in words.

    `harvests` are those of one source in one run, by place; empty ones are ignored.
    """
    days = {
        place: max(item.announcement.day for item in harvest.items)
        for place, harvest in harvests.items()
        if harvest.items
    }
    if not days:
        return {}
    newest = max(days.values())
    return {
        place: f"still shows the list of {day}, while others have that of {newest}"
        for place, day in days.items()
        if day < newest
    }


def silent(
    today: Mapping[str, int], history: Mapping[str, Mapping[date, int]], *, of: Sequence[str]
) -> dict[str, str]:
    """Categories with far fewer papers than usual on a day when others have theirs.

    `today` counts announced papers by category, `history` the same for past list days. A category
    is stale with less than a tenth of its median, if that is at least eight: a small category may
    have no paper.
    """
    if not any(today.get(each, 0) for each in of):
        return {}
    found: dict[str, str] = {}
    for category in of:
        past = sorted(history.get(category, {}).items(), reverse=True)[:DAYS_OF_HISTORY]
        usual = median(count for _, count in past) if len(past) > 1 else 0
        if usual >= USUAL_AT_LEAST and today.get(category, 0) < SILENT_BELOW * usual:
            found[category] = (
                f"{today.get(category, 0)} papers today, usually about {usual:.0f}, "
                "while other categories have theirs"
            )
    return found
