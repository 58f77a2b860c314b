"""What the core needs from outside, as protocols: sources, fetcher, ranker, transport, store.

Adapters satisfy them by shape; `digest.testing` holds the fakes and the contract checks that a
plug-in must pass. Every method takes and returns values of `digest.model`, in batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

from digest.errors import FetchFailed, FetchRefused
from digest.model import (
    Announcement,
    Answer,
    Digest,
    Envelope,
    Harvest,
    Interest,
    Item,
    Listing,
    Message,
    Paper,
    PollState,
    Profile,
    Ranking,
    Receipt,
    Request,
    Signal,
    SourceReport,
    Status,
    Subscriber,
    Topic,
)


class Source(Protocol):
    """A place that publishes listings. Sans-I/O: it says what to request, and reads bytes."""

    @property
    def name(self) -> str:
        """The name under which config, reports and announcements know it."""
        ...

    def requests(self, cursor: str | None, now: datetime) -> Sequence[Request]:
        """What to fetch now, given the cursor kept from the last complete run (None: the first)."""
        ...

    def parse(self, listing: Listing) -> Harvest:
        """Read one listing; bad entries become problems.

        Raises ListingUnreadable when nothing at all can be made of it.
        """
        ...


class Fetcher(Protocol):
    """Polite, safe HTTP for batches of requests."""

    def fetch(
        self, batch: Sequence[tuple[Request, PollState]], now: datetime
    ) -> list[Answer | FetchFailed | FetchRefused]:
        """Carry out the batch, hosts side by side, each host spaced; one outcome a request, in order.

        Outcomes are returned rather than raised, so that one bad source never hides another.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The papers of one edition window, with what ranking may use about them.

    `trending` is the stored hot score by paper id, `upvotes` the raw count behind it, `liked`
    the papers that profiles refer to as liked or disliked (they need not be candidates).
    """

    papers: Sequence[Paper]
    trending: Mapping[str, float] = field(default_factory=dict)
    upvotes: Mapping[str, int] = field(default_factory=dict)
    liked: Mapping[str, Paper] = field(default_factory=dict)


class Ranker(Protocol):
    """Scores a block of profiles against the papers of an edition."""

    def rank(
        self,
        block: Sequence[Profile],
        candidates: Candidates,
        *,
        without: Mapping[str, frozenset[str]],
        now: datetime,
    ) -> list[Ranking]:
        """One ranking a profile, in order.

        `without` maps a subscriber id to paper ids never to be picked (already sent).
        """
        ...


class Transport(Protocol):
    """Hands finished messages over."""

    def send(self, messages: Sequence[Message], now: datetime) -> Iterator[Receipt]:
        """One receipt a message, in order, each yielded as soon as it is known."""
        ...

    def close(self) -> None:
        """Say goodbye; safe to call twice."""
        ...


# --- the store, by table family ---------------------------------------------------------------


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

    def announcements(self, paper_ids: Iterable[str]) -> dict[str, list[Announcement]]:
        """Every announcement of each paper, oldest first."""
        ...

    def signals(self, paper_ids: Iterable[str]) -> dict[str, list[Signal]]:
        """Community signals by paper."""
        ...

    def signalled(self, since: datetime) -> list[Signal]:
        """Signals seen since then, for the hot score."""
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

    def daily_counts(
        self, categories: Sequence[str], *, since: datetime, before: date
    ) -> dict[str, dict[date, int]]:
        """Papers first announced by category and list day, for lists seen since then."""
        ...

    def search(self, query: str, *, limit: int) -> list[tuple[Paper, float]]:
        """Full-text search over title, abstract and authors by BM25, best first; scores positive."""
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

    def reports(self, *, since: datetime, source: str | None = None) -> list[SourceReport]:
        """Run-log lines since then, oldest first."""
        ...


class SubscriberStore(Protocol):
    """Subscribers and their interests."""

    def add(self, rows: Iterable[tuple[Subscriber, Sequence[Interest]]]) -> int:
        """Add new subscribers in transactions of bounded size; a known address is left alone.

        Returns how many were added. Takes a million rows in constant memory.
        """
        ...

    def save(self, subscriber: Subscriber) -> None:
        """Replace one subscriber's row (not the interests)."""
        ...

    def set_status(self, subscriber_id: str, status: Status) -> None:
        """Change the status alone, whatever else has changed meanwhile; only `active` stays due."""
        ...

    def by_email(self, email: str) -> Subscriber | None:
        """The subscriber with this address, compared as `subscriptions` normalises it."""
        ...

    def get(self, ids: Iterable[str]) -> dict[str, Subscriber]:
        """Subscribers by id."""
        ...

    def all(self, status: Status | None = None) -> Iterator[tuple[Subscriber, list[Interest]]]:
        """Every subscriber with interests, by id, in constant memory."""
        ...

    def profiles(self, ids: Sequence[str]) -> list[Profile]:
        """The profiles of a block, in the order asked."""
        ...

    def set_interests(self, subscriber_id: str, interests: Sequence[Interest]) -> None:
        """Replace all interests."""
        ...

    def add_interests(self, subscriber_id: str, interests: Sequence[Interest]) -> None:
        """Add or re-weigh interests; (kind, value) is the key; a like replaces a dislike and back."""
        ...

    def due(self, now: datetime, *, limit: int) -> list[Subscriber]:
        """Active subscribers whose `due_at` has come, longest overdue first."""
        ...

    def page(self, after: str, *, limit: int) -> list[Subscriber]:
        """Active subscribers with an id greater than `after`, by id: keyset paging."""
        ...

    def topics_in_use(self) -> dict[str, int]:
        """Topic ids that active subscribers follow, with how many follow each."""
        ...


class Ledger(Protocol):
    """Digests and their way out: at least once, with a key."""

    def compose(
        self,
        digests: Sequence[tuple[Digest, datetime | None]],
        *,
        next_due: Mapping[str, datetime],
        send_from: Mapping[str, datetime],
        message_ids: Mapping[str, str],
    ) -> int:
        """Keep digests and queue them, and move their subscribers' `due_at`, in one transaction.

        Each digest comes with its expiry; None keeps it without sending. A digest whose key
        exists is left alone. Returns how many were new.
        """
        ...

    def covered(self, subscriber_ids: Sequence[str]) -> dict[str, datetime]:
        """Up to when each subscriber's digests cover what was announced; who has none is left out.

        A digest that expired or was refused covers nothing: its days come in the next.
        """
        ...

    def digest(self, digest_id: str) -> Digest | None:
        """One digest, whole."""
        ...

    def recent(self, subscriber_id: str, *, limit: int) -> list[Digest]:
        """A subscriber's latest digests with their picks, newest first."""
        ...

    def sent(
        self, subscriber_ids: Sequence[str], paper_ids: Iterable[str], *, but_edition: str = ""
    ) -> dict[str, frozenset[str]]:
        """Which of the papers stand in an earlier digest of each subscriber.

        `but_edition` leaves that edition out, so that re-ranking a composed day is repeatable.
        """
        ...

    def claim(self, now: datetime, *, owner: str, limit: int, lease: float) -> list[Envelope]:
        """Expire what is past its window, then lease a block that is due, oldest first.

        `lease` is in seconds. Rows whose lease ran out count as due again.
        """
        ...

    def settle(self, receipts: Sequence[Receipt], *, lease: str) -> int:
        """Record a group of receipts in one transaction; rows no longer under `lease` are left alone.

        Returns how many rows were settled.
        """
        ...

    def release(self, lease: str) -> int:
        """Give back what a claim has not settled, as it was."""
        ...

    def counts(self) -> dict[str, int]:
        """Outbox rows by state."""
        ...

    def refusals(self, subscriber_id: str, since: datetime) -> int:
        """How many digests in a row a mail server refused for good since then."""
        ...


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

    def migrate(self) -> list[str]:
        """Bring the schema up to date; returns the names of the migrations applied."""
        ...

    def counts(self) -> dict[str, int]:
        """Rows of the main tables: papers, announcements, subscribers, digests and so on."""
        ...

    def lease(self, name: str, *, owner: str, now: datetime, seconds: float) -> bool:
        """Take or renew a named lease; False while another owner holds it."""
        ...

    def unlease(self, name: str, *, owner: str) -> None:
        """Give a named lease back, if it is ours."""
        ...

    def prune(self, *, papers_before: date, logs_before: datetime) -> dict[str, int]:
        """Delete what policy no longer keeps; returns deleted rows by table.

        Papers that a digest, a like or a dislike names are kept.
        """
        ...

    def backup(self, to: Path) -> None:
        """Copy the live database to a new file, consistently."""
        ...

    def close(self) -> None:
        """Close the file; safe to call twice."""
        ...


class Progress(Protocol):
    """Shows how far long work has come; the CLI draws bars, tests pass a no-op."""

    def track(self, what: str, total: int | None) -> AbstractContextManager[Step]:
        """Start a line of progress."""
        ...


class Step(Protocol):
    """Called with the number of units just done."""

    def __call__(self, done: int = 1) -> None:
        """Advance."""
        ...


Topics = Mapping[str, Topic]
