"""The run report: what a poll of each place came to, a line each."""

from __future__ import annotations

from datetime import date, datetime
from statistics import mode

from digest import editions
from digest.model import AnnounceType, Harvest, PollState, Request, SourceReport, Verdict
from digest.ports import Ingested, Store

MOSTLY_KNOWN = 0.1
SAMPLE = 50


def not_asked(request: Request, state: PollState, *, now: datetime) -> SourceReport:
    """The line of a request that was not due: why, and when it will be."""
    if state.gone:
        cause = "the address answered 410 Gone; remove the source or give it a new address"
    else:
        cause = f"next poll at {state.due_at:%Y-%m-%d %H:%M} UTC"
        if state.failures:
            times = "failure" if state.failures == 1 else "failures"
            cause += f" after {state.failures} {times}: {state.last_error}"
    verdict = Verdict.GONE if state.gone else Verdict.WAITING
    return line(request, verdict, cause=cause, now=now)


def idle(source: str, *, now: datetime) -> SourceReport:
    """The line of a source that has nothing to ask for."""
    return SourceReport(
        source=source, place="", verdict=Verdict.IDLE, cause="no list to ask for today", at=now
    )


def broken_off(source: str, span: str, *, left: int, now: datetime) -> SourceReport:
    """The last line of an incomplete back-fill; `left` entries are missing, 0 if unknown."""
    count = f"{left:,} more were not fetched" if left else "not all was fetched"
    return SourceReport(
        source=source,
        place=span,
        verdict=Verdict.FAILED,
        cause=f"{count}, and nothing fetches the rest by itself: run this again, or for fewer "
        "days at a time",
        at=now,
    )


def report(
    store: Store, source: str, place: str, harvest: Harvest, stored: Ingested, *, now: datetime
) -> SourceReport:
    """The line of a listing that was read and stored."""
    verdict, cause = _verdict(store, harvest, stored, now=now)
    return SourceReport(
        source=source,
        place=place,
        verdict=verdict,
        read=stored.read,
        papers=stored.papers,
        announced=stored.announced,
        merged=stored.merged,
        problems=harvest.problems,
        cause=cause,
        at=now,
    )


def _verdict(
    store: Store, harvest: Harvest, stored: Ingested, *, now: datetime
) -> tuple[Verdict, str]:
    """What a listing came to, and why if it brought nothing."""
    if harvest.items:
        few = stored.announced < MOSTLY_KNOWN * len(harvest.items)
        cause = _repeated(store, harvest) if few else ""
        if cause:
            return Verdict.STALE, cause
        return (Verdict.NEW if stored.announced or stored.papers else Verdict.UNCHANGED), ""
    if harvest.problems:
        return Verdict.FAILED, harvest.problems[0].cause
    if harvest.has_backlog:
        return Verdict.UNCHANGED, "a feed without entries: not filled yet, or a fault at the source"
    built = harvest.built_at or now
    if editions.is_list_day(editions.list_day(built)):
        return Verdict.HOLIDAY, "an empty list on a weekday: a holiday, a late list or a fault"
    return Verdict.HOLIDAY, "no list is published on this day of the week"


def _repeated(store: Store, harvest: Harvest) -> str:
    """In words, that a list with a new date is an earlier one served again; "" if it is not."""
    # An entry that bears no date has that of its poll, which tells nothing.
    sample = [
        item.announcement
        for item in harvest.items[:SAMPLE]
        if item.paper.published or item.announcement.type is not AnnounceType.NEW
    ]
    known = store.papers.announcements(each.paper_id for each in sample)
    repeated: list[date] = []
    for claimed in sample:
        days = [
            each.day
            for each in known.get(claimed.paper_id, ())
            if (each.source, each.feed) == (claimed.source, claimed.feed)
        ]
        if days and claimed.day not in days:
            repeated.append(max((day for day in days if day < claimed.day), default=max(days)))
    if 2 * len(repeated) <= len(sample):
        return ""
    return f"the list dated {sample[0].day} is that of {mode(repeated)} again"


def line(request: Request, verdict: Verdict, *, now: datetime, cause: str = "") -> SourceReport:
    """A line that counts nothing."""
    return SourceReport(
        source=request.source, place=request.place, verdict=verdict, cause=cause, at=now
    )
