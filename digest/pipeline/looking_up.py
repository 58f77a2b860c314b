"""Look up: fetch papers that readers name and that no source has brought."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from digest import subscriptions
from digest.editions import FIRST_DAY
from digest.errors import FetchFailed, FetchRefused, Rejected
from digest.model import (
    Answer,
    Moderation,
    PollState,
    Request,
    SourceReport,
    Submission,
    SubmissionState,
    Verdict,
)
from digest.pipeline import leases, reporting
from digest.pipeline.ingesting import POLL_LEASE, bounded, listing_of
from digest.ports import Fetcher, Store
from digest.sources import lookup
from digest.sources.lookup import Lookup

LOOKUP = Lookup()
UNKNOWN = frozenset({400, 404, 410})
CURSOR = "lookup"
GIVE_UP_AFTER = timedelta(days=7)
AGAIN_UNKNOWN = timedelta(days=1)
AGAIN_FAILED = timedelta(hours=1)
PICKED_WITHIN = timedelta(days=7)
MOST_WAITING = 1_000
MOST_AT_ONCE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedUp:
    """What a round of lookups came to.

    `again` says when to ask again for each paper that is still missing.
    """

    asked: int = 0
    stored: int = 0
    opened: int = 0
    announced: int = 0
    again: Mapping[str, datetime] = field(default_factory=dict)


def look_up_waiting(
    store: Store,
    fetcher: Fetcher,
    *,
    clock: Callable[[], datetime],
    owner: str,
) -> LookedUp:
    """Fetch papers that readers submitted or liked by id, and announce what was featured.

    A liked paper shapes a profile only once it is stored. A paper that neither arXiv nor Crossref
    has is asked for once a day and given up after seven days; a submission of it is then rejected,
    with a line in the moderation log. Only one process polls at a time, as with `ingest`; without
    the lease only what needs no network is done.
    """
    now = clock()
    opened = store.community.arrived()
    announced = announce_featured(store, now=now)
    waiting = store.community.submissions(
        SubmissionState.WAITING, since=FIRST_DAY, limit=MOST_WAITING
    )
    overdue = [each for each in waiting if now - each.at >= GIVE_UP_AFTER]
    _give_up(store, overdue, now=now)
    schedule = _schedule(store)
    wanted = [each.paper_id for each in waiting if each not in overdue]
    wanted += store.subscribers.wanted(now - GIVE_UP_AFTER, limit=MOST_WAITING)
    wanted = list(dict.fromkeys(wanted))
    due = [each for each in wanted if schedule.get(each, now) <= now][:MOST_AT_ONCE]
    if not due:
        return LookedUp(opened=opened, announced=announced)
    with leases.held(store, POLL_LEASE, owner=owner, clock=clock) as ours:
        found = look_up(store, fetcher, due, now=now) if ours else LookedUp()
    if ours:
        merged = {**schedule, **found.again}
        _keep(store, {each: merged[each] for each in wanted if each in merged})
        opened += store.community.arrived()
    return replace(found, opened=opened, announced=announced)


def look_up(
    store: Store,
    fetcher: Fetcher,
    keys: Iterable[str],
    *,
    now: datetime,
) -> LookedUp:
    """Fetch and store the papers with these keys (`arxiv:…`, `doi:…`) that are not stored yet.

    Uses the same polite fetcher as every poll. The caller holds the lease.
    """
    asked = list(dict.fromkeys(keys))
    known = store.papers.get(asked)
    missing = [each for each in asked if each not in known]
    requests = LOOKUP.requests(missing)
    batch = [
        (request, PollState(source=request.source, url=request.url)) for request, _ in requests
    ]
    again = dict.fromkeys(missing, now + AGAIN_UNKNOWN)
    stored = 0
    reports: list[SourceReport] = []
    outcomes = fetcher.fetch(batch, now) if batch else []
    for (request, group), outcome in zip(requests, outcomes, strict=True):
        report, retry_at = _take(store, request, outcome, now=now)
        reports.append(report)
        stored += report.papers
        if retry_at is not None:
            again.update(dict.fromkeys(group, retry_at))
    store.sources.add_reports(reports)
    arrived = store.papers.get(missing)
    return LookedUp(
        asked=len(missing),
        stored=stored,
        again={key: at for key, at in again.items() if key not in arrived},
    )


def announce_featured(store: Store, *, now: datetime) -> int:
    """Announce papers that curators featured lately and that were not announced so; how many."""
    papers = store.papers.get(store.community.featured(now - PICKED_WITHIN))
    announced = store.papers.announcements(paper.id for paper in papers.values())
    new = [
        lookup.picked(paper, now)
        for paper in papers.values()
        if not any(
            (each.source, each.feed) == (lookup.COMMUNITY, lookup.PICKED)
            for each in announced.get(paper.id, ())
        )
    ]
    return store.papers.ingest(new).announced if new else 0


def _take(
    store: Store,
    request: Request,
    outcome: Answer | FetchFailed | FetchRefused,
    *,
    now: datetime,
) -> tuple[SourceReport, datetime | None]:
    """Store what one answer brings; also returns when to ask again if there was no answer."""
    report = reporting.line(request, Verdict.FAILED, now=now)
    if isinstance(outcome, FetchFailed):
        wait = max(AGAIN_FAILED, timedelta(seconds=outcome.retry_after or 0))
        retry_at = None if outcome.status in UNKNOWN else now + wait
        return replace(report, cause=outcome.message), retry_at
    if isinstance(outcome, FetchRefused) or outcome.body is None:
        cause = outcome.message if isinstance(outcome, FetchRefused) else "nothing was sent"
        return replace(report, cause=cause), None
    try:
        # By the address that was asked: a redirect does not change who answers.
        listing = replace(listing_of(request, outcome, outcome.body), url=request.url)
        harvest = LOOKUP.parse(listing)
        found = store.papers.ingest([bounded(each) for each in harvest.items])
    except Rejected as error:
        return replace(report, cause=error.message), None
    return (
        replace(
            report,
            verdict=Verdict.NEW if found.papers else Verdict.UNCHANGED,
            read=found.read,
            papers=found.papers,
            merged=found.merged,
            problems=harvest.problems,
        ),
        None,
    )


def _give_up(store: Store, overdue: Sequence[Submission], *, now: datetime) -> None:
    for each in overdue:
        store.community.decide(
            replace(each, state=SubmissionState.REJECTED, decided_at=now),
            Moderation(
                at=now,
                actor=subscriptions.LOOKUP,
                action="reject",
                submission_id=each.id,
                paper_id=each.paper_id,
                note=f"Neither arXiv nor Crossref had it within {GIVE_UP_AFTER.days} days.",
            ),
        )


def _schedule(store: Store) -> dict[str, datetime]:
    """When each missing paper is to be asked for again."""
    try:
        kept = json.loads(store.sources.cursor(CURSOR) or "{}")
        return {key: datetime.fromisoformat(at).astimezone(UTC) for key, at in kept.items()}
    except (ValueError, AttributeError, TypeError):
        return {}


def _keep(store: Store, schedule: Mapping[str, datetime]) -> None:
    kept = {key: at.isoformat() for key, at in sorted(schedule.items())}
    store.sources.set_cursor(CURSOR, json.dumps(kept))
