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
    """The database: one attribute a table family, and what concerns the whole file."""

    @property
    def papers(self) -> PaperStore:
        """Papers, announcements, signals."""
        ...

    @property
    def sources(self) -> SourceStore:
        """Cursors, polls, reports."""
        ...

    @property
    def subscribers(self) -> SubscriberStore:
        """People and interests."""
        ...

    @property
    def ledger(self) -> Ledger:
        """Digests, outbox, deliveries."""
        ...

    @property
    def feedback(self) -> FeedbackStore:
        """What readers said."""
        ...

    @property
    def community(self) -> CommunityStore:
        """Votes, submissions, curators' picks."""
        ...

    @property
    def post(self) -> PostStore:
        """Letters, evidence, suppressions, limits."""
        ...

    @property
    def pace(self) -> PaceStore:
        """How fast mail may go."""
        ...

    @property
    def spaces(self) -> SpaceStore:
        """What ranking learned from the archive."""
        ...

    def migrate(self) -> list[str]:
        """Bring the schema up to date; returns the names of the migrations applied."""
        ...

    def counts(self) -> dict[str, int]:
        """Rows of the main tables: papers, announcements, subscribers, digests and so on."""
        ...

    def try_to_write(self) -> None:
        """Raise ConfigError unless the database can be written; StoreBusy while another process does."""
        ...

    def lease(self, name: str, *, owner: str, now: datetime, seconds: float) -> bool:
        """Take or renew a named lease; False while another owner holds it."""
        ...

    def leased(self, name: str, *, now: datetime, seconds: float) -> bool:
        """Whether anybody holds a named lease, of those that last for so many seconds."""
        ...

    def unlease(self, name: str, *, owner: str) -> None:
        """Give a named lease back, if it is ours."""
        ...

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

        Papers that a digest or a reader names are kept, and so is mail that nobody could read
        until it is settled. Without `evidence_before` all evidence is kept, without
        `digests_before` all digests with what became of them. Soft bounces are kept from
        `soft_before` on, if that is earlier than `evidence_before`.
        """
        ...

    def backup(self, to: Path) -> None:
        """Copy the live database to a new file, consistently."""
        ...

    def close(self) -> None:
        """Close the file; safe to call twice."""
        ...
