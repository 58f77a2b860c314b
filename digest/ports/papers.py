"""The store of papers, and of what polling them came to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from digest.model import (
    Announcement,
    Item,
    Paper,
    PollState,
    Signal,
    SourceReport,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """What a search is narrowed to: any of these categories, one source, and days of first news."""

    categories: tuple[str, ...] = ()
    source: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What storing a batch of items came to."""

    read: int = 0
    papers: int = 0
    merged: int = 0
    announced: int = 0


class PaperStore(Protocol):
    """Papers, their identities, announcements and signals."""

    def ingest(self, items: Sequence[Item]) -> Ingested:
        """Store a batch in one transaction, joining each item to the paper it already is.

        Identity goes by `merging.keys_of`; records are joined by `merging.join`. Ids inside
        announcements and signals are rewritten to the paper's own. Storing twice changes nothing.
        """
        ...

    def get(self, ids: Iterable[str]) -> dict[str, Paper]:
        """The papers with these ids; other identifiers (`arxiv:…`, `doi:…`) are understood too."""
        ...

    def announced(self, since: datetime, until: datetime) -> list[tuple[Paper, Announcement]]:
        """Papers with a new or cross announcement seen in (since, until], one row a paper.

        The announcement is the earliest in the window, `new` before `cross`.
        """
        ...

    def news(self, since: datetime, until: datetime) -> int:
        """How many announcements there are that were seen in (since, until]."""
        ...

    def has_feed(self, source: str, feed: str) -> bool:
        """Whether any announcement of this feed of a source is stored."""
        ...

    def announcements(self, paper_ids: Iterable[str]) -> dict[str, list[Announcement]]:
        """Every announcement of each paper, oldest first."""
        ...

    def signals(self, paper_ids: Iterable[str]) -> dict[str, list[Signal]]:
        """Community signals by paper."""
        ...

    def signalled(self, since: datetime) -> list[Signal]:
        """Signals seen since then, for the hot score."""
        ...

    def primaries(self, ids: Iterable[str]) -> dict[str, str]:
        """The first category of each of these papers; those without any are left out."""
        ...

    def set_trending(self, scores: Mapping[str, float]) -> None:
        """Keep hot scores; papers not named keep none."""
        ...

    def trending(self, ids: Iterable[str] | None = None, *, limit: int = 100) -> dict[str, float]:
        """Stored hot scores: of these papers, or the highest `limit` of all."""
        ...

    def in_categories(
        self, categories: Sequence[str], *, since: datetime, limit: int
    ) -> list[tuple[Paper, Announcement]]:
        """Papers with any of the categories (none given: all), announced since then, newest first."""
        ...

    def categories(self, since: datetime) -> dict[str, int]:
        """Categories of papers announced since then, with the number of papers."""
        ...

    def known_categories(self) -> list[str]:
        """Every category that a stored paper has, however long ago it was announced."""
        ...

    def daily_counts(
        self, categories: Sequence[str], *, since: datetime, before: date
    ) -> dict[str, dict[date, int]]:
        """Papers first announced by category and list day, for lists seen since then."""
        ...

    def search(
        self, query: str, *, limit: int, within: Within | None = None
    ) -> list[tuple[Paper, float]]:
        """Full-text search over title, abstract and authors by BM25, best first; scores positive.

        `within` narrows it; an empty query then finds everything within, newest first.
        """
        ...

    def announced_on(self, day: date) -> list[tuple[Paper, Announcement]]:
        """Papers first announced (new or cross) that could first be read on this UTC day."""
        ...

    def days(self, first: date, last: date) -> dict[date, int]:
        """How many papers were first announced on each UTC day between two; empty days left out."""
        ...

    def by_author(self, name: str, *, limit: int) -> list[Paper]:
        """Papers of authors with this folded name (`text.author_keys`), newest first."""
        ...

    def voted(self, since: datetime, *, limit: int) -> list[tuple[Paper, int]]:
        """Papers with votes seen since then and how many, most first, for trending by period."""
        ...

    def changed(self) -> str:
        """A short token, another one whenever public pages and feeds may show something else.

        It follows papers, announcements, signals, hot scores, featured papers and shown names.
        """
        ...


class SourceStore(Protocol):
    """Cursors, poll states and run reports."""

    def cursor(self, source: str) -> str | None:
        """The source's cursor, None before the first complete run."""
        ...

    def set_cursor(self, source: str, cursor: str) -> None:
        """Keep the cursor of a complete run."""
        ...

    def poll_states(self, source: str | None = None) -> list[PollState]:
        """Poll states of one source, or of all."""
        ...

    def save_polls(self, states: Sequence[PollState]) -> None:
        """Keep what was learned from a batch of polls, in one transaction."""
        ...

    def add_reports(self, reports: Sequence[SourceReport]) -> None:
        """Append lines to the run log."""
        ...

    def reports(self, *, since: datetime) -> list[SourceReport]:
        """Run-log lines since then, oldest first."""
        ...
