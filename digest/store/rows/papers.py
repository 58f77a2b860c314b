"""Papers, links, announcements and signals as rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from sqlite3 import Row

from digest.model import Announcement, AnnounceType, Link, LinkKind, Paper, Signal
from digest.store.rows.scalars import Columns, moment, moment_or_none, stamp, stamp_or_none

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
