"""Values to rows and back: the one place that knows how a value looks in the database.

A time is text like `2026-06-10T04:00:00.000000Z`, always that wide, so that it sorts and compares
as text. Lists of ids go into statements as one JSON parameter, read with `json_each`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from functools import lru_cache
from sqlite3 import Row

from digest.model import (
    Announcement,
    AnnounceType,
    Cadence,
    Digest,
    Interest,
    InterestKind,
    Link,
    LinkKind,
    Mood,
    Paper,
    Pick,
    PollState,
    Problem,
    Quiet,
    Reason,
    ReasonKind,
    Signal,
    SourceReport,
    Status,
    Subscriber,
    Verdict,
)

Columns = tuple[str | int | float | None, ...]

# --- scalars --------------------------------------------------------------------------------


# Most rows of a batch carry the same few times, and writing one out costs ten look-ups.
@lru_cache(maxsize=4096)
def stamp(when: datetime) -> str:
    """A time as text of fixed width, in UTC."""
    return when.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def stamp_or_none(when: datetime | None) -> str | None:
    """The same, keeping None."""
    return None if when is None else stamp(when)


def moment(text: str) -> datetime:
    """The time that `stamp` wrote."""
    return datetime.fromisoformat(text)


def moment_or_none(text: str | None) -> datetime | None:
    """The same, keeping None."""
    return None if text is None else datetime.fromisoformat(text)


def listed(values: Iterable[str]) -> str:
    """Strings as one JSON parameter, each once, in order."""
    return json.dumps(list(dict.fromkeys(values)))


# --- papers ---------------------------------------------------------------------------------

AUTHORS_APART = "; "


def paper_columns(paper: Paper) -> Columns:
    """The columns of `papers` from `title` to `licence`."""
    return (
        paper.title,
        paper.abstract,
        AUTHORS_APART.join(paper.authors),
        paper.categories[0] if paper.categories else "",
        paper.version,
        stamp_or_none(paper.published),
        stamp_or_none(paper.updated),
        paper.url,
        paper.doi,
        paper.journal_ref,
        paper.comment,
        paper.licence,
    )


def to_paper(
    row: Row,
    *,
    authors: Sequence[str],
    categories: Sequence[str],
    links: Sequence[Link],
    identifiers: Sequence[str],
) -> Paper:
    """A paper from its row and those of its four child tables."""
    return Paper(
        id=row["id"],
        title=row["title"],
        abstract=row["abstract"],
        authors=tuple(authors),
        categories=tuple(categories),
        version=row["version"],
        published=moment_or_none(row["published"]),
        updated=moment_or_none(row["updated"]),
        url=row["url"],
        doi=row["doi"],
        journal_ref=row["journal_ref"],
        comment=row["comment"],
        licence=row["licence"],
        links=tuple(links),
        identifiers=tuple(identifiers),
    )


def to_link(row: Row) -> Link:
    """A row of `links`."""
    return Link(kind=LinkKind(row["kind"]), url=row["url"])


def announcement_columns(announcement: Announcement) -> Columns:
    """The columns of `announcements`."""
    return (
        announcement.paper_id,
        announcement.source,
        announcement.feed,
        announcement.day.isoformat(),
        announcement.type.value,
        announcement.version,
        stamp(announcement.seen_at),
    )


def to_announcement(row: Row) -> Announcement:
    """A row of `announcements`."""
    return Announcement(
        paper_id=row["paper_id"],
        source=row["source"],
        feed=row["feed"],
        day=date.fromisoformat(row["day"]),
        type=AnnounceType(row["type"]),
        version=row["version"],
        seen_at=moment(row["seen_at"]),
    )


def signal_columns(signal: Signal) -> Columns:
    """The columns of `signals`."""
    return (
        signal.paper_id,
        signal.source,
        signal.kind,
        signal.value,
        signal.by,
        stamp(signal.seen_at),
    )


def to_signal(row: Row) -> Signal:
    """A row of `signals`."""
    return Signal(
        paper_id=row["paper_id"],
        source=row["source"],
        kind=row["kind"],
        value=row["value"],
        by=row["by_whom"],
        seen_at=moment(row["seen_at"]),
    )


# --- sources --------------------------------------------------------------------------------


def poll_columns(state: PollState) -> Columns:
    """The columns of `polls`."""
    return (
        state.source,
        state.url,
        state.location,
        state.etag,
        state.last_modified,
        state.body_hash,
        stamp_or_none(state.due_at),
        stamp_or_none(state.polled_at),
        stamp_or_none(state.changed_at),
        state.failures,
        state.last_error,
        int(state.gone),
    )


def to_poll(row: Row) -> PollState:
    """A row of `polls`."""
    return PollState(
        source=row["source"],
        url=row["url"],
        location=row["location"],
        etag=row["etag"],
        last_modified=row["last_modified"],
        body_hash=row["body_hash"],
        due_at=moment_or_none(row["due_at"]),
        polled_at=moment_or_none(row["polled_at"]),
        changed_at=moment_or_none(row["changed_at"]),
        failures=row["failures"],
        last_error=row["last_error"],
        gone=bool(row["gone"]),
    )


def report_columns(report: SourceReport) -> Columns:
    """The columns of `runs`."""
    problems = [{"place": each.place, "cause": each.cause} for each in report.problems]
    return (
        stamp(report.at),
        report.source,
        report.place,
        report.verdict.value,
        report.read,
        report.papers,
        report.announced,
        report.merged,
        report.cause,
        json.dumps(problems),
    )


def to_report(row: Row) -> SourceReport:
    """A row of `runs`."""
    return SourceReport(
        source=row["source"],
        place=row["place"],
        verdict=Verdict(row["verdict"]),
        read=row["read"],
        papers=row["papers"],
        announced=row["announced"],
        merged=row["merged"],
        problems=tuple(
            Problem(source=row["source"], place=each["place"], cause=each["cause"])
            for each in json.loads(row["problems"])
        ),
        cause=row["cause"],
        at=moment(row["at"]),
    )


# --- people ---------------------------------------------------------------------------------


def subscriber_columns(subscriber: Subscriber) -> Columns:
    """The columns of `subscribers`."""
    return (
        subscriber.id,
        subscriber.email,
        subscriber.status.value,
        subscriber.tz,
        subscriber.at.isoformat(),
        subscriber.cadence.value,
        subscriber.weekday,
        subscriber.limit,
        subscriber.quiet.value,
        subscriber.key,
        stamp(subscriber.created_at),
        stamp_or_none(subscriber.confirmed_at),
        stamp_or_none(subscriber.due_at),
        stamp_or_none(subscriber.paused_until),
        stamp_or_none(subscriber.seen_until),
        subscriber.name,
        int(subscriber.shows_name),
    )


def to_subscriber(row: Row) -> Subscriber:
    """A row of `subscribers`."""
    return Subscriber(
        id=row["id"],
        email=row["email"],
        status=Status(row["status"]),
        tz=row["tz"],
        at=time.fromisoformat(row["at"]),
        cadence=Cadence(row["cadence"]),
        weekday=row["weekday"],
        limit=row["max_picks"],
        quiet=Quiet(row["quiet"]),
        key=row["key"],
        created_at=moment(row["created_at"]),
        confirmed_at=moment_or_none(row["confirmed_at"]),
        due_at=moment_or_none(row["due_at"]),
        paused_until=moment_or_none(row["paused_until"]),
        seen_until=moment_or_none(row["seen_until"]),
        name=row["name"],
        shows_name=bool(row["shows_name"]),
    )


def interest_columns(subscriber_id: str, interest: Interest) -> Columns:
    """The columns of `interests`."""
    return (
        subscriber_id,
        interest.kind.value,
        interest.value,
        interest.weight,
        stamp(interest.added_at),
    )


def to_interest(row: Row) -> Interest:
    """A row of `interests`."""
    return Interest(
        kind=InterestKind(row["kind"]),
        value=row["value"],
        weight=row["weight"],
        added_at=moment(row["added_at"]),
    )


# --- the ledger -----------------------------------------------------------------------------


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
    """The columns of `picks`; `rank` counts from 1, a reason is [kind, what, amount]."""
    reasons = [(each.kind, each.what, each.amount) for each in pick.reasons]
    return (digest_id, rank, pick.paper_id, pick.score, json.dumps(reasons))


def to_pick(row: Row) -> Pick:
    """A row of `picks`."""
    return Pick(
        paper_id=row["paper_id"],
        score=row["score"],
        reasons=tuple(
            [
                Reason(kind=REASON_KINDS[kind], what=what, amount=amount)
                for kind, what, amount in json.loads(row["reasons"])
            ]
        ),
    )
