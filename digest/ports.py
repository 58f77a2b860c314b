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
    AddressChange,
    Announcement,
    Answer,
    Digest,
    Envelope,
    Evidence,
    EvidenceKind,
    Feedback,
    FeedbackKind,
    Harvest,
    Interest,
    Item,
    Letter,
    Listing,
    Message,
    Moderation,
    Paper,
    PollState,
    Profile,
    Ranking,
    Receipt,
    Request,
    Signal,
    SourceReport,
    Status,
    Submission,
    SubmissionState,
    Subscriber,
    SuppressionReason,
    Topic,
    Voice,
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

    def post_form(self, url: str, fields: Sequence[tuple[str, str]], now: datetime) -> None:
        """Send a form to a service that others run (a WebSub hub); redirects are not followed.

        Raises FetchFailed or FetchRefused unless the answer is 2xx.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The papers of one edition window, with what ranking may use about them.

    `trending` is the stored hot score by paper id, `upvotes` the raw count behind it, `liked`
    the papers that profiles refer to as liked, disliked or known (they need not be candidates),
    `featured` those that curators picked.
    """

    papers: Sequence[Paper]
    trending: Mapping[str, float] = field(default_factory=dict)
    upvotes: Mapping[str, int] = field(default_factory=dict)
    liked: Mapping[str, Paper] = field(default_factory=dict)
    featured: frozenset[str] = frozenset()


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

    def search(
        self, query: str, *, limit: int, offset: int = 0, within: Within | None = None
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
        """Papers of authors with this folded name (`text.author_key`), newest first."""
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

    def save(self, subscriber: Subscriber, *, before: Subscriber | None = None) -> bool:
        """Replace one subscriber's row (not the interests); False if it is not as `before` any more."""
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

    def by_status(self) -> dict[Status, int]:
        """How many subscribers stand where; a status that nobody has is left out."""
        ...

    def remove_interests(self, subscriber_id: str, interests: Sequence[Interest]) -> None:
        """Take interests away by (kind, value); one that is not there is no error."""
        ...

    def wanted(self, since: datetime, *, limit: int) -> list[str]:
        """Papers liked since then by an id (`arxiv:…`, `doi:…`) that is not stored, newest first."""
        ...

    def resumable(self, now: datetime, *, limit: int) -> list[Subscriber]:
        """Paused subscribers whose `paused_until` has come."""
        ...

    def put_change(self, change: AddressChange) -> None:
        """Keep a wished change of address; the latest wish of a subscriber counts."""
        ...

    def change(self, subscriber_id: str) -> AddressChange | None:
        """The subscriber's open change of address."""
        ...

    def drop_change(self, subscriber_id: str) -> None:
        """Forget an open change of address."""
        ...

    def erase(self, subscriber_id: str) -> None:
        """Delete a subscriber and everything kept about them, mail evidence and letters included.

        Papers they submitted stay, without their name and line, where curators featured them.
        """
        ...


class FeedbackStore(Protocol):
    """What readers said, and what it did to their profiles."""

    def add(self, feedback: Feedback) -> None:
        """Keep it and apply its interests, in one transaction: `added` go in over `replaced`.

        Doing it twice under one id changes nothing.
        """
        ...

    def undo(self, feedback_id: str, now: datetime) -> Feedback | None:
        """Take back what it added and put back what it replaced; None if there is no such, or done."""
        ...

    def get(self, feedback_id: str) -> Feedback | None:
        """One, undone or not."""
        ...

    def of(
        self,
        subscriber_id: str,
        *,
        kinds: Sequence[FeedbackKind] = (),
        paper_id: str = "",
        limit: int = 100,
        standing: bool = True,
    ) -> list[Feedback]:
        """What one reader said, newest first; `standing` leaves out what was undone."""
        ...


class CommunityStore(Protocol):
    """Votes, submissions, featured papers, and the moderation log."""

    def vote(self, subscriber_id: str, paper_id: str, now: datetime) -> int:
        """Add a subscriber's vote, once; the count becomes the signal `community`/`upvotes`."""
        ...

    def unvote(self, subscriber_id: str, paper_id: str, now: datetime) -> int:
        """Take the vote back; returns the votes left."""
        ...

    def votes_of(self, subscriber_id: str, paper_ids: Iterable[str]) -> frozenset[str]:
        """Which of the papers this subscriber voted for."""
        ...

    def submit(self, submission: Submission) -> Submission:
        """Keep a submission; one that stands for the same paper already is returned instead."""
        ...

    def submission(self, submission_id: str) -> Submission | None:
        """One submission."""
        ...

    def submissions(
        self, state: SubmissionState | None = None, *, since: datetime, limit: int
    ) -> list[Submission]:
        """Submissions made since then, newest first; all states, or one."""
        ...

    def arrived(self) -> int:
        """Open the waiting submissions whose paper has been stored meanwhile; how many."""
        ...

    def decide(self, submission: Submission, moderation: Moderation) -> None:
        """Keep a decided submission and the line of the log, in one transaction."""
        ...

    def voices(self, paper_ids: Iterable[str]) -> dict[str, list[Voice]]:
        """Who speaks for the featured ones among these papers: submitter, then curator."""
        ...

    def featured(self, since: datetime) -> frozenset[str]:
        """Papers featured since then."""
        ...

    def log(self, *, limit: int) -> list[Moderation]:
        """The moderation log, newest first."""
        ...


class PostStore(Protocol):
    """Letters on their way, what came back, and whom not to write to."""

    def put(self, letters: Sequence[Letter]) -> int:
        """Queue letters; a known id is left alone. Returns how many were new."""
        ...

    def claim(self, now: datetime, *, limit: int, lease: float) -> list[Letter]:
        """Lease letters that are due, oldest first; what is past its expiry is dropped."""
        ...

    def settle(self, letter_id: str, *, retry_at: datetime | None) -> None:
        """Done with for good (None), or to be tried again then."""
        ...

    def record(self, evidence: Evidence) -> bool:
        """Keep evidence; False if it is known already (the same id)."""
        ...

    def evidence(self, evidence_id: str) -> Evidence | None:
        """One, with the raw mail."""
        ...

    def evidences(
        self,
        *,
        subscriber_id: str = "",
        kind: EvidenceKind | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> list[Evidence]:
        """Newest first, without the raw mails."""
        ...

    def settle_evidence(self, evidence_id: str, now: datetime) -> None:
        """An operator undid it, or dealt with it."""
        ...

    def waiting(self) -> int:
        """Letters not yet sent."""
        ...

    def came(self, key: str) -> bool:
        """Whether this mail (by a hash of ours) is remembered; remembers nothing itself."""
        ...

    def first_time(self, key: str, now: datetime) -> bool:
        """Whether this mail (by a hash of ours) comes for the first time; remembers it."""
        ...

    def suppress(self, hashed: str, reason: SuppressionReason, now: datetime) -> None:
        """Put a salted hash of an address on the list."""
        ...

    def suppression(self, hashed: str) -> SuppressionReason | None:
        """Why it is on the list, None if it is not."""
        ...

    def unsuppress(self, hashed: str) -> None:
        """Take it off the list."""
        ...

    def secret(self, name: str) -> bytes:
        """32 random bytes of this installation, minted when first asked for."""
        ...

    def take(self, bucket: str, *, now: datetime, seconds: float, most: int) -> bool:
        """Count one use of a bucket; False once `most` were counted within the last `seconds`.

        What is refused is not counted. Buckets are hashes or plain words, never addresses.
        """
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

    def requeue(self, message_ids: Mapping[str, str], now: datetime, expires_at: datetime) -> int:
        """Queue kept digests once more, by digest id, under a new Message-ID; how many."""
        ...

    def deliveries(self, *, since: datetime, limit: int) -> list[tuple[Receipt, str]]:
        """Attempts since then, newest first, with the subscriber id, for the operator's page."""
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

    def prune(
        self,
        *,
        papers_before: date,
        logs_before: datetime,
        evidence_before: datetime | None = None,
    ) -> dict[str, int]:
        """Delete what policy no longer keeps; returns deleted rows by table.

        Papers that a digest or a reader names are kept, and so is mail that nobody could read
        until it is settled. Without `evidence_before` all evidence is kept.
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
