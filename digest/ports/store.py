"""The whole database."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Protocol

from digest.ports.mail import Ledger, PaceStore, PostStore
from digest.ports.papers import PaperStore, SourceStore
from digest.ports.people import CommunityStore, FeedbackStore, SubscriberStore
from digest.ports.spaces import SpaceStore


class Store(Protocol):
    """The database: one attribute for each family of tables, and what concerns the whole file."""

    @property
    def papers(self) -> PaperStore:
        """Papers, announcements, signals."""

    @property
    def sources(self) -> SourceStore:
        """Cursors, polls, reports."""

    @property
    def subscribers(self) -> SubscriberStore:
        """People and interests."""

    @property
    def ledger(self) -> Ledger:
        """Digests, outbox, deliveries."""

    @property
    def feedback(self) -> FeedbackStore:
        """What readers said."""

    @property
    def community(self) -> CommunityStore:
        """Votes, submissions, curators' picks."""

    @property
    def post(self) -> PostStore:
        """Letters, evidence, suppressions, limits."""

    @property
    def pace(self) -> PaceStore:
        """How fast mail may go."""

    @property
    def spaces(self) -> SpaceStore:
        """What ranking learned from the archive."""

    def migrate(self) -> list[str]:
        """Bring the schema up to date; returns the names of the migrations applied."""

    def counts(self) -> dict[str, int]:
        """Rows of the main tables: papers, announcements, subscribers, digests and so on."""

    def try_to_write(self) -> None:
        """Raise ConfigError unless the database can be written; nothing is written.

        Raises StoreBusy at once while another process writes.
        """

    def lease(self, name: str, *, owner: str, now: datetime, seconds: float) -> bool:
        """Take or renew a named lease; False while another owner holds it."""

    def leased(self, name: str, *, now: datetime, seconds: float) -> bool:
        """Whether anybody holds a named lease, which lasts for at most so many seconds."""

    def unlease(self, name: str, *, owner: str) -> None:
        """Give a named lease back, if this owner holds it."""

    def prune(
        self,
        *,
        papers_before: date,
        logs_before: datetime,
        evidence_before: datetime | None = None,
        soft_before: datetime | None = None,
        digests_before: date | None = None,
    ) -> dict[str, int]:
        """Delete what policy no longer keeps; returns deleted rows by table.

        Digests of editions before `digests_before` go, with their deliveries; None keeps all.
        Papers go that were not announced since `papers_before`, unless a digest or a reader names
        them. Log lines, uses, poll states and finished letters from before `logs_before` go.
        Evidence from before `evidence_before` goes (None keeps all), except that mail that nobody
        could read is kept until it is settled, and soft bounces are kept from `soft_before` on, if
        that is earlier.
        """

    def backup(self, to: Path) -> None:
        """Copy the live database to a new file, consistently."""

    def close(self) -> None:
        """Close the file; safe to call twice."""
