"""Ingest: poll every source that is due, parse and store what it gives, and report on each.

No failure stops the rest: a source that fails, a damaged or hostile listing, a page that never
comes each become a line of the report, and the next poll is scheduled as usual.
"""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from digest import fetching, freshness
from digest.errors import (
    DigestError,
    FetchFailed,
    FetchRefused,
    InvalidInput,
    ListingUnreadable,
    Rejected,
)
from digest.model import (
    AnnounceType,
    Answer,
    Harvest,
    Item,
    Listing,
    PollState,
    Problem,
    Request,
    SourceReport,
    Verdict,
)
from digest.pipeline import backlog, leases, reporting, trending
from digest.ports import Fetcher, Ingested, Source, Store

log = logging.getLogger(__name__)

POLL_LEASE = "poll"
UNASKED = (Verdict.WAITING, Verdict.IDLE)
MOST_PAGES = 400
MOST_CATEGORIES = 30
CATEGORY = re.compile(r"[\w][\w.:-]{0,59}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Poller:
    """How to poll: by which fetcher, how often, by which clock.

    `owner` holds the lease; `rng` spreads the polls.
    """

    fetcher: Fetcher
    policy: fetching.Policy
    clock: Callable[[], datetime]
    rng: random.Random
    owner: str


@dataclass(kw_only=True)
class _Run:
    """What is known of one source while it is being asked."""

    source: Source
    reconciling: bool = False
    pages: int = 0
    left: int = 0
    failed: bool = False
    cursor: str | None = None
    paged: set[tuple[str, str]] = field(default_factory=set)
    harvests: dict[str, Harvest] = field(default_factory=dict)
    reports: list[SourceReport] = field(default_factory=list)


def ingest(
    store: Store,
    sources: Sequence[Source],
    poller: Poller,
    *,
    force: bool = False,
    reconciling: bool = False,
    stopping: Callable[[], bool] = lambda: False,
) -> list[SourceReport]:
    """Poll what is due, with `force` also what did not ask us to wait; returns the report.

    `reconciling` is for sources that are asked for records rather than lists: see `_missed`. Only
    one process polls at a time, by a lease in the store, since sites ask for politeness per
    operator, not per process. Without the lease nothing is done and the list is empty.
    """
    now = poller.clock()
    with leases.held(store, POLL_LEASE, owner=poller.owner, clock=poller.clock) as ours:
        if not ours:
            return []
        runs = {each.name: _Run(source=each, reconciling=reconciling) for each in sources}
        states = {(s.source, s.url): s for s in store.sources.poll_states()}
        first = _first_requests(store, runs.values(), states, now=now, force=force)
        _ask(store, runs, states, first, poller, stopping=stopping)
        return _finish_all(store, runs.values(), now=now)


def backfill(
    store: Store, source: Source, poller: Poller, first: date, last: date
) -> list[SourceReport]:
    """Fetch what a source published between two days, page by page; raises InvalidInput.

    The source must offer `backfill(first, last) -> Request`, as the arXiv API's does. If it breaks
    off, the report ends with a failure, which is not kept: nothing fetches the rest by itself.
    """
    ask = getattr(source, "backfill", None)
    if ask is None:
        raise InvalidInput(
            f"{source.name} cannot be asked for past days; `arxiv-api` can.", subject=source.name
        )
    now = poller.clock()
    with leases.held(store, POLL_LEASE, owner=poller.owner, clock=poller.clock) as ours:
        if not ours:
            return []
        run = _Run(source=source)
        _ask(store, {source.name: run}, {}, [ask(first, last)], poller, stopping=lambda: False)
        reports = _finish_all(store, [run], now=now)
    if run.left or run.failed:
        span = f"{first}..{last}"
        reports.append(reporting.broken_off(source.name, span, left=run.left, now=now))
    return reports


def ingest_listing(
    store: Store, source: Source, listing: Listing, *, now: datetime
) -> SourceReport:
    """Ingest one recorded listing; one that cannot be read at all is reported as failed."""
    try:
        harvest, stored = _read(store, source, listing)
        report = reporting.report(store, source.name, listing.place, harvest, stored, now=now)
    except Rejected as error:
        report = SourceReport(
            source=source.name,
            place=listing.place,
            verdict=Verdict.FAILED,
            cause=error.message,
            at=now,
        )
    store.sources.add_reports([report])
    return report


def _read(
    store: Store, source: Source, listing: Listing, *, missed_at: datetime | None = None
) -> tuple[Harvest, Ingested]:
    """Parse and store a listing; raises Rejected if nothing can be made of it.

    Any fault in the source's code is reported in that way, and does not affect other sources.
    """
    try:
        harvest = source.parse(listing)
        items = [bounded(each) for each in harvest.items]
        if missed_at is not None:
            items = _missed(store, items, now=missed_at)
        elif harvest.has_backlog:
            items = backlog.dated_back(store, items)
        return harvest, store.papers.ingest(items)
    except DigestError:
        raise
    except Exception as error:
        log.error(  # noqa: TRY400 - the traceback is for --debug
            "a source failed",
            extra={"action": "parse", "source": source.name},
            exc_info=log.isEnabledFor(logging.DEBUG),
        )
        raise ListingUnreadable(
            f"the source {source.name} failed on it ({type(error).__name__}; --debug shows where)",
            subject=source.name,
        ) from error


def bounded(item: Item) -> Item:
    """The item with a limited number of well-formed categories, since each of them makes a feed."""
    categories = item.paper.categories
    if len(categories) <= MOST_CATEGORIES and all(map(CATEGORY.fullmatch, categories)):
        return item
    kept = [each for each in categories if CATEGORY.fullmatch(each)][:MOST_CATEGORIES]
    return replace(item, paper=replace(item.paper, categories=tuple(kept)))


def _ask(
    store: Store,
    runs: Mapping[str, _Run],
    states: dict[tuple[str, str], PollState],
    waiting: Sequence[Request],
    poller: Poller,
    *,
    stopping: Callable[[], bool],
) -> None:
    """Fetch, store, and go on with the pages that listings ask for, until none is left."""
    # The pages of a run share one state; a page that came must not undo the back-off of another.
    faulty: set[tuple[str, str]] = set()
    while waiting:
        if stopping():
            for request in waiting:
                runs[request.source].failed = True
            break
        now = poller.clock()
        batch = [(request, _state_of(request, states)) for request in waiting]
        outcomes = poller.fetcher.fetch(batch, now)
        following: list[Request] = []
        for (request, state), outcome in zip(batch, outcomes, strict=True):
            more, read, failed = _take(
                store, runs[request.source], request, outcome, state, now=now
            )
            result = failed or outcome
            following.extend(more)
            shared = not request.poll and (state.source, state.url) in faulty
            if shared and isinstance(result, Answer):
                continue
            decided = fetching.decide(
                state,
                result,
                poller.clock(),
                poller.rng,
                ttl=read.ttl,
                cut_short=read.cut_short,
                policy=poller.policy,
            )
            states[decided.source, decided.url] = decided
            if request.poll and more:
                runs[request.source].paged.add((decided.source, decided.url))
            if not isinstance(result, Answer):
                faulty.add((decided.source, decided.url))
            store.sources.save_polls([decided])
        waiting = following
    # If further pages of a list are missing, its first page has to lead to them once more.
    broken_off = {key for run in runs.values() if run.failed for key in run.paged}
    store.sources.save_polls([fetching.forgotten(states[key]) for key in sorted(broken_off)])


def _finish_all(store: Store, runs: Iterable[_Run], *, now: datetime) -> list[SourceReport]:
    reports = [report for run in runs for report in _finish(store, run, now=now)]
    asked = [report for report in reports if report.verdict not in UNASKED]
    store.sources.add_reports(asked)
    if any(report.verdict is Verdict.NEW or report.announced for report in asked):
        trending.refresh(store, now=now)
    return reports


def _first_requests(
    store: Store,
    runs: Iterable[_Run],
    states: dict[tuple[str, str], PollState],
    *,
    now: datetime,
    force: bool,
) -> list[Request]:
    """The requests that are due; a paged source has one state for its whole run."""
    due: list[Request] = []
    for run in runs:
        name = run.source.name
        requests = run.source.requests(store.sources.cursor(name), now)
        if not requests:
            run.reports.append(reporting.idle(name, now=now))
        for request in requests:
            state = _state_of(request, states)
            is_unwelcome = state.gone or (state.wait_until is not None and state.wait_until > now)
            # A night's reconciling does not wait for the interval, but does after a failure.
            is_wanted = force or (run.reconciling and not state.failures)
            if fetching.is_due(state, now) or (is_wanted and not is_unwelcome):
                due.append(request)
            else:
                run.reports.append(reporting.not_asked(request, state, now=now))
    return due


def _state_of(request: Request, states: dict[tuple[str, str], PollState]) -> PollState:
    """The state kept for a request; the pages of a paged source share the one of their run."""
    url = request.url if request.poll else f"run:{request.source}"
    return states.get((request.source, url)) or PollState(source=request.source, url=url)


def _take(
    store: Store,
    run: _Run,
    request: Request,
    outcome: Answer | FetchFailed | FetchRefused,
    state: PollState,
    *,
    now: datetime,
) -> tuple[Sequence[Request], Harvest, FetchFailed | None]:
    """Store what one outcome brings; returns the pages to ask for, what was read, what failed.

    A body that cannot be read counts as a failed fetch: if its validators were kept, the next poll
    would be told that nothing has changed, and the list would be lost. So does a body that broke
    off, although the part that came is read: the rest is then asked for as soon as after a failure.
    """
    run.pages += 1
    if not isinstance(outcome, Answer):
        run.failed = True
        gone = isinstance(outcome, FetchRefused) and outcome.gone
        verdict = Verdict.GONE if gone else Verdict.FAILED
        run.reports.append(reporting.line(request, verdict, cause=outcome.message, now=now))
        return (), Harvest(), None
    if outcome.body is None or (request.poll and not fetching.body_changed(state, outcome.body)):
        run.reports.append(reporting.line(request, Verdict.UNCHANGED, now=now))
        return (), Harvest(), None
    try:
        listing = listing_of(request, outcome, outcome.body)
        missed_at = now if run.reconciling else None
        harvest, stored = _read(store, run.source, listing, missed_at=missed_at)
    except Rejected as error:
        run.failed, cause = True, outcome.broke_off or error.message
        run.reports.append(reporting.line(request, Verdict.FAILED, cause=cause, now=now))
        return (), Harvest(), FetchFailed(cause, subject=request.url)
    report = reporting.report(store, request.source, request.place, harvest, stored, now=now)
    if outcome.broke_off:
        run.failed, cause = True, outcome.broke_off
        run.reports.append(replace(report, verdict=Verdict.FAILED, cause=cause))
        return (), Harvest(), FetchFailed(cause, subject=request.url)
    if request.poll:
        run.harvests[request.place] = harvest
    run.cursor, run.left = run.cursor or harvest.cursor, harvest.left
    more = harvest.more
    if more and run.pages >= MOST_PAGES:
        cause = f"stopped after {MOST_PAGES} pages"
        cause += "; the rest comes with the next run" if request.poll else ""
        problem = Problem(source=request.source, place=request.place, cause=cause)
        report = replace(report, problems=(*report.problems, problem))
        run.failed, more = True, ()
    run.reports.append(report)
    return more, harvest, None


def listing_of(request: Request, answer: Answer, body: bytes) -> Listing:
    """What was answered to a request, as a listing for its source."""
    return Listing(
        source=request.source,
        url=answer.url,
        body=body,
        media_type=answer.headers.get("content-type", ""),
        place=request.place,
        fetched_at=answer.at,
    )


def _missed(store: Store, items: Sequence[Item], *, now: datetime) -> list[Item]:
    """Items of records, dated so that only papers that no list announced are news.

    Those are announced now; dated back, they would fall before the editions that should have had
    them. All other records only replace, or each change of a record would be news again.
    """
    known = store.papers.announcements(each.paper.id for each in items)
    found: list[Item] = []
    for item in items:
        announced = any(each.type.is_first for each in known.get(item.paper.id, ()))
        announcement = item.announcement
        if announcement.type.is_first:
            # The same record may be in another set, or come again, so it is never dated back.
            kind = AnnounceType.REPLACE if announced else announcement.type
            announcement = replace(announcement, type=kind, seen_at=now)
        found.append(replace(item, announcement=announcement))
    return found


def _finish(store: Store, run: _Run, *, now: datetime) -> list[SourceReport]:
    """Keep the cursor of a complete run, and report what only the whole run can show."""
    if run.cursor is not None and not run.failed:
        store.sources.set_cursor(run.source.name, run.cursor)
    categories: Sequence[str] = getattr(run.source, "categories", ())
    stale = freshness.behind(run.harvests) if categories else {}
    stale.update(_silent(store, run, categories, now=now))
    return [
        *run.reports,
        *(
            SourceReport(
                source=run.source.name, place=place, verdict=Verdict.STALE, cause=cause, at=now
            )
            for place, cause in stale.items()
        ),
    ]


def _silent(store: Store, run: _Run, categories: Sequence[str], *, now: datetime) -> dict[str, str]:
    """Categories that are silent on the newest list day, counting all runs of that day."""
    days = [
        item.announcement.day
        for harvest in run.harvests.values()
        for item in harvest.items
        if item.announcement.type.is_first
    ]
    if not days or len(categories) < 2:  # noqa: PLR2004 - staleness shows against siblings
        return {}
    newest = max(days)
    counts = store.papers.daily_counts(
        categories, since=now - timedelta(days=21), before=newest + timedelta(days=1)
    )
    today = {category: by_day.pop(newest, 0) for category, by_day in counts.items()}
    return freshness.silent(today, counts, of=categories)
