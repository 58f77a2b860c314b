"""The values that move along the line, frozen, slotted and keyword-only.

Ids are text that we derive or mint, never row numbers: a paper is `arxiv:2406.01234` or
`doi:10.1101/…`, a subscriber `s_…`, a digest `<subscriber>.<edition>`. Every `datetime` is
aware and in UTC: the constructors refuse anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time
from enum import StrEnum
from functools import cache


class Value:
    """Base of the value types: refuses naive times, so that no local time slips into the core."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for name in _times_of(type(self)):  # type: ignore[arg-type]  # classes are hashable
            value = getattr(self, name)
            if not isinstance(value, datetime) or value.tzinfo is UTC:
                continue
            if value.utcoffset() is None:
                msg = f"{type(self).__name__}.{name} must be an aware datetime"
                raise ValueError(msg)
            object.__setattr__(self, name, value.astimezone(UTC))


@cache
def _times_of(kind: type) -> tuple[str, ...]:
    """The fields of a value type that hold times; found once, since values are made by millions."""
    return tuple(each.name for each in fields(kind) if "datetime" in str(each.type))


# --- listings -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Value):
    """What a source wants fetched: one GET.

    `poll` is true where the answer changes over time and validators and spacing apply (a feed),
    false where it is a page of something larger (back-fill, resumption). `place` names the part
    of the source in reports (`cs.AI+cs.LG`, `2026-06-10`, page 3).
    """

    source: str
    url: str
    place: str = ""
    poll: bool = True
    accept: str = "*/*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Value):
    """Bytes as a source published them, and where and when they came from.

    `fetched_at` is when we got them; for a recorded file it is None, and the source then takes
    the time the listing itself claims to have been built.
    """

    source: str
    url: str
    body: bytes
    media_type: str = ""
    place: str = ""
    fetched_at: datetime | None = None


class AnnounceType(StrEnum):
    """How a listing announces a paper; it belongs to (paper, feed, day), not to the paper."""

    NEW = "new"
    CROSS = "cross"
    REPLACE = "replace"
    REPLACE_CROSS = "replace-cross"

    @property
    def is_first(self) -> bool:
        """Whether this announces a paper to the feed's readers for the first time."""
        return self in (AnnounceType.NEW, AnnounceType.CROSS)


class LinkKind(StrEnum):
    """What a link of a paper leads to."""

    ABSTRACT = "abstract"
    PDF = "pdf"
    CODE = "code"
    PROJECT = "project"
    DISCUSSION = "discussion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link(Value):
    """An outgoing http(s) link of a paper."""

    kind: LinkKind
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper(Value):
    """One paper, whatever sources brought it; text is readable Unicode, not LaTeX or HTML.

    `id` is the version-less identity. `categories` begins with the primary one. `identifiers`
    are all keys by which a source may name the same paper (`arxiv:…`, `doi:…` lower-cased,
    `url:…`, and the title key that `merging.title_key` makes). `version` is the latest seen;
    `published` the first version's day where known.
    """

    id: str
    title: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    version: int = 1
    published: datetime | None = None
    updated: datetime | None = None
    url: str = ""
    doi: str = ""
    journal_ref: str = ""
    comment: str = ""
    licence: str = ""
    links: tuple[Link, ...] = ()
    identifiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement(Value):
    """One line of one listing: this paper, in this feed, on this day, announced so.

    `day` is the list's own date (for arXiv in US Eastern), `seen_at` when it could first be
    read: the fetch, or for a recorded file the time the listing says it was built. Editions are
    cut by `seen_at`, because list dates are wrong at midnight and on Saturdays.
    """

    paper_id: str
    source: str
    feed: str
    day: date
    type: AnnounceType
    version: int = 1
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal(Value):
    """What a community says of a paper: `kind` is `upvotes`, `comments`, `stars` or the like.

    A later signal of the same (paper, source, kind) replaces the earlier one. `by` names who
    put the paper on the list, where a source tells.
    """

    paper_id: str
    source: str
    kind: str
    value: float
    by: str = ""
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(Value):
    """One readable entry of a listing: the paper, and what the listing said of it that day."""

    paper: Paper
    announcement: Announcement
    signals: tuple[Signal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem(Value):
    """Something in a listing that could not be read: where, and why."""

    source: str
    place: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest(Value):
    """All that a source could read in one listing.

    `items` are the good entries, `problems` the rest. `more` asks for the following pages;
    `cursor` (JSON text), when not None, is to be kept once all pages are in. `built_at` is
    the listing's own build time, `ttl` (seconds) how long it says it stays fresh.
    """

    items: tuple[Item, ...] = ()
    problems: tuple[Problem, ...] = ()
    more: tuple[Request, ...] = ()
    cursor: str | None = None
    built_at: datetime | None = None
    ttl: int | None = None


# --- polling --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PollState(Value):
    """What is kept between polls of one URL: validators byte for byte, and when to come back.

    `url` is the address the source asks for, `location` where it has permanently moved to.
    `due_at` None means now. `failures` counts in a row. `gone` stops polling for good (410).
    """

    source: str
    url: str
    location: str = ""
    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    due_at: datetime | None = None
    polled_at: datetime | None = None
    changed_at: datetime | None = None
    failures: int = 0
    last_error: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Value):
    """The end of one polite exchange: a body (200) or `body` None (304).

    `moved_to` is set when every hop was permanent (301, 308). Header names are lower-case.
    """

    request: Request
    status: int
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    moved_to: str = ""
    at: datetime


class Verdict(StrEnum):
    """What one poll of a source came to; the word stands in the run report."""

    NEW = "new"
    UNCHANGED = "unchanged"
    STALE = "stale"
    HOLIDAY = "holiday"
    FAILED = "failed"
    GONE = "gone"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport(Value):
    """One line of a run report: what one source's place gave, and why if nothing.

    `read` counts entries, `papers` those stored for the first time, `merged` those that were
    another record of a paper we had; `failed` carries its `cause`.
    """

    source: str
    place: str
    verdict: Verdict
    read: int = 0
    papers: int = 0
    announced: int = 0
    merged: int = 0
    problems: tuple[Problem, ...] = ()
    cause: str = ""
    at: datetime


# --- people ---------------------------------------------------------------------------------


class Status(StrEnum):
    """Where a subscriber stands; only `active` ones are sent anything."""

    PENDING = "pending"
    ACTIVE = "active"
    PAUSED = "paused"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"


class Cadence(StrEnum):
    """How often a digest comes. `weekly` comes on the subscriber's `weekday`."""

    DAILY = "daily"
    WEEKDAYS = "weekdays"
    WEEKLY = "weekly"


class Quiet(StrEnum):
    """What a subscriber wants on a day with nothing to say: no mail, or one honest line."""

    NOTHING = "nothing"
    LINE = "line"


class InterestKind(StrEnum):
    """The kinds of interest a profile is made of."""

    TOPIC = "topic"
    KEYWORD = "keyword"
    AUTHOR = "author"
    LIKE = "like"
    DISLIKE = "dislike"
    MUTE = "mute"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest(Value):
    """One thing a subscriber cares about (or, for dislikes and mutes, not).

    `value` is a topic id, a word or phrase, an author's name, or a paper id.
    """

    kind: InterestKind
    value: str
    weight: float = 1.0
    added_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber(Value):
    """A person who asked for digests: where, when and how many; interests are kept apart.

    `tz` is an IANA name; `at` the local time of day; `weekday` 0 is Monday and counts only for
    weekly. `key` is this subscriber's secret (hex): links and feed addresses derive from it,
    and a new one revokes them all. `due_at` is when the next digest is due.
    """

    id: str
    email: str
    status: Status = Status.PENDING
    tz: str = "UTC"
    at: time = time(7)
    cadence: Cadence = Cadence.DAILY
    weekday: int = 0
    limit: int = 10
    quiet: Quiet = Quiet.LINE
    key: str
    created_at: datetime
    confirmed_at: datetime | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile(Value):
    """What ranking knows of a subscriber: interests, never an address."""

    subscriber_id: str
    interests: tuple[Interest, ...] = ()

    def of(self, kind: InterestKind) -> tuple[Interest, ...]:
        """The interests of one kind, in the order they were added."""
        return tuple(each for each in self.interests if each.kind is kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic(Value):
    """Something to follow: an arXiv category, or a name config gives to categories and words.

    A paper is in the topic when it has one of `categories` or contains one of `phrases`
    (case-insensitive, whole words). `keywords` do not admit papers; they raise the score.
    `id` is what people type (`cs.LG`, `retrieval`); `group` is a heading in lists.
    """

    id: str
    name: str
    categories: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    group: str = ""
    description: str = ""


# --- ranking and composing ------------------------------------------------------------------


class ReasonKind(StrEnum):
    """The kinds of reason a pick can have."""

    TOPIC = "topic"
    KEYWORD = "keyword"
    WORDS = "words"
    AUTHOR = "author"
    LIKE = "like"
    DISLIKE = "dislike"
    TRENDING = "trending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason(Value):
    """One term of a pick's score: `amount` is what it added; the amounts sum to the score.

    `what` is the topic id, keyword, author, liked paper's id, or the count of upvotes. KEYWORD
    is a keyword that stands in the paper, WORDS one with which it only shares words.
    """

    kind: ReasonKind
    what: str
    amount: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick(Value):
    """A paper chosen for a subscriber, with its score and the terms that made it, largest first."""

    paper_id: str
    score: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking(Value):
    """What ranking found for one profile among an edition's candidates, best first.

    `matched` counts the papers in the profile's interests (muted ones left out); `picks` are
    ordered by score and hold every one of them up to the cap the caller gave.
    """

    subscriber_id: str
    picks: tuple[Pick, ...] = ()
    matched: int = 0


class Mood(StrEnum):
    """What kind of day an edition is for a subscriber; quiet days say which kind they are."""

    PICKS = "picks"
    NO_MATCH = "no-match"
    HOLIDAY = "holiday"
    OUTAGE = "outage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest(Value):
    """One subscriber's edition, as ids, scores and reasons; bodies are rendered, never stored.

    `edition` is the subscriber's local date (ISO). The digest covers announcements seen in
    (`since`, `until`]. `picks` are shown in full, `rest` are the other matching papers, shown
    as titles. `announced` counts papers announced in the window, `matched` those in the
    subscriber's interests, `withheld` those left out because they were sent before.
    """

    id: str
    subscriber_id: str
    edition: str
    mood: Mood = Mood.PICKS
    since: datetime
    until: datetime
    picks: tuple[Pick, ...] = ()
    rest: tuple[str, ...] = ()
    announced: int = 0
    matched: int = 0
    withheld: int = 0
    composed_at: datetime


# --- delivery -------------------------------------------------------------------------------


class OutboxState(StrEnum):
    """Where a digest stands on its way out."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    RETRY = "retry"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope(Value):
    """A claimed outbox row: what to send, to whom, until when, and under whose lease.

    `attempts` counts this one.
    """

    digest: Digest
    subscriber: Subscriber
    message_id: str
    attempts: int = 1
    expires_at: datetime
    lease: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Value):
    """A finished RFC 5322 message in wire form (CRLF, no line over 998) and its SMTP envelope."""

    digest_id: str
    sender: str
    recipient: str
    content: bytes


class Outcome(StrEnum):
    """What came of handing one message over."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Value):
    """The end of one attempt: the server's code and words, as they stand in the ledger.

    `code` 0 means that no reply came. `retry_at` is set by the delivery policy for a deferred one.
    """

    digest_id: str
    outcome: Outcome
    code: int = 0
    reply: str = ""
    at: datetime
    retry_at: datetime | None = None


# --- the publisher ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Site(Value):
    """Who publishes: the names and addresses that stand in mails, feeds and pages.

    `url` has no trailing slash and is empty when nothing is served on the web: links that need
    the service are then left out. `mail_from` is the bare From address, `list_id` a domain-like
    name (RFC 2919), `unsubscribe_to` the mailbox for mailto: unsubscribing (empty: none),
    `bounce_to` the envelope sender (empty: `mail_from`), `imprint` a line for the footer.
    """

    name: str = "Digest"
    url: str = ""
    mail_from: str = "digest@localhost"
    list_id: str = "digest.localhost"
    unsubscribe_to: str = ""
    bounce_to: str = ""
    imprint: str = ""
    contact: str = ""
    language: str = "en"
