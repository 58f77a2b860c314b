"""The store of papers, and of the polling of their sources."""

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
    """The filters of a search: any of these categories, one source, days of first announcement."""

    categories: tuple[str, ...] = ()
    source: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """A paper as it was when it was first announced, or when it later got further categories.

    `paper` has the categories of that time. `before` are those that it had until then, None for
    a first announcement. The announcement has that time too.
    """

    paper: Paper
    announcement: Announcement
    before: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """The counts of a batch of stored items: `papers` are new, `merged` were known already."""

    read: int = 0
    papers: int = 0
    merged: int = 0
    announced: int = 0


class PaperStore(Protocol):
    """Papers, their identities, announcements and signals."""

    def ingest(self, items: Sequence[Item]) -> Ingested:
        """Store items in transactions of bounded size, merging each with its stored paper.

        Two items are the same paper if they share one of `merging.keys_of`; `merging.join` merges
        them. Ids in announcements and signals become the paper's own. Storing twice changes nothing.
        """

    def get(self, ids: Iterable[str]) -> dict[str, Paper]:
        """The papers with these ids or other identifiers (`arxiv:…`, `doi:…`), by the key asked for."""

    def announced(self, since: datetime, until: datetime) -> list[tuple[Paper, Announcement]]:
        """Papers with a new or cross announcement seen in (since, until], one row per paper.

        The announcement is that of the earliest list day in the window, `new` before `cross`; rows
        are in the order in which the announcements were seen.
        """

    def news(self, since: datetime, until: datetime) -> int:
        """How many announcements were seen in (since, until]."""

    def has_feed(self, source: str, feed: str) -> bool:
        """Whether any announcement of this feed of a source is stored."""

    def announcements(self, paper_ids: Iterable[str]) -> dict[str, list[Announcement]]:
        """Every announcement of each paper, oldest first."""

    def signals(self, paper_ids: Iterable[str]) -> dict[str, list[Signal]]:
        """Community signals by paper."""

    def signalled(self, since: datetime) -> list[Signal]:
        """Signals seen at or after `since`, oldest first."""

    def primaries(self, ids: Iterable[str]) -> dict[str, str]:
        """The first category of each of these papers; those without any are left out."""

    def set_trending(self, scores: Mapping[str, float]) -> None:
        """Keep hot scores; papers not named keep none."""

    def trending(self, ids: Iterable[str] | None = None, *, limit: int = 100) -> dict[str, float]:
        """Stored hot scores, highest first: of these papers, or the highest `limit` of all."""

    def in_categories(
        self,
        categories: Sequence[str],
        *,
        since: datetime,
        limit: int,
        until: datetime | None = None,
    ) -> list[tuple[Paper, Announcement]]:
        """Papers with any of the categories, announced in [since, until), newest first.

        No categories stand for all papers, an archive for all of its categories: `cs` for `cs.*`.
        A paper is dated by its earliest new or cross announcement, or by when it got the first
        of these categories, if that was later; ties go by id.
        """

    def entered(
        self, since: datetime, *, until: datetime | None = None, limit: int | None = None
    ) -> list[Entered]:
        """Papers that were first announced or got further categories in [since, until), newest first.

        Ties go by id; a paper may be there more than once.
        """

    def categories(self, since: datetime) -> dict[str, int]:
        """Categories of papers first announced at or after `since`, with the number of papers."""

    def known_categories(self) -> list[str]:
        """Every category that a stored paper has, however long ago it was announced."""

    def daily_counts(
        self, categories: Sequence[str], *, since: datetime, before: date
    ) -> dict[str, dict[date, int]]:
        """Papers with a new or cross announcement by category and list day, for days `before`.

        Announcements seen before `since` do not count.
        """

    def search(
        self, query: str, *, limit: int, within: Within | None = None
    ) -> list[tuple[Paper, float]]:
        """Full-text search over title, abstract and authors by BM25, best first; scores positive.

        Any text is a valid query. All terms must occur; when no paper has them all, any of them
        will do, except that every result has each `"a phrase"` and `prefix*`. `within` filters the
        results; an empty query then finds all that pass, newest first, with a score of 0. When
        many papers match, only the 600 stored last are ranked and found.
        """

    def announced_on(self, day: date) -> list[tuple[Paper, Announcement]]:
        """Papers first announced (new or cross) on this UTC day, in the order of that time.

        Of several announcements seen at the same time, that of the earliest list day counts, `new`
        before `cross`.
        """

    def days(self, first: date, last: date) -> dict[date, int]:
        """How many papers were first announced on each UTC day of a span; empty days left out."""

    def by_author(self, name: str, *, limit: int) -> list[Paper]:
        """Papers of authors with this name, compared by `text.author_keys`, newest first."""

    def voted(self, since: datetime, *, limit: int) -> dict[str, int]:
        """Ids of papers with votes given at or after `since`, and how many votes, most first."""

    def changed(self) -> str:
        """A short token that changes whenever public pages and feeds may show something else.

        That is with papers, announcements, signals, hot scores, featured papers and shown names.
        """


class SourceStore(Protocol):
    """Cursors, poll states and run reports."""

    def cursor(self, source: str) -> str | None:
        """The source's cursor, None before the first complete run."""

    def set_cursor(self, source: str, cursor: str) -> None:
        """Keep the cursor of a complete run."""

    def poll_states(self, source: str | None = None) -> list[PollState]:
        """Poll states of one source, or of all."""

    def save_polls(self, states: Sequence[PollState]) -> None:
        """Keep what was learned from a batch of polls, in one transaction."""

    def add_reports(self, reports: Sequence[SourceReport]) -> None:
        """Append lines to the run log."""

    def reports(self, *, since: datetime) -> list[SourceReport]:
        """Lines of the run log at or after `since`, oldest first."""
