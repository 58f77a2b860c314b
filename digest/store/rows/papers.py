"""Papers as rows."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Row

from digest.model import Link, Paper
from digest.store.rows.scalars import Columns, moment_or_none, stamp_or_none

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
