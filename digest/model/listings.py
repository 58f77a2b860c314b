"""Listings and what they hold: papers, announcements, signals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from digest.model.base import Value


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
    the listing's own build time, `ttl` (seconds) how long it says it stays fresh. Where
    `has_backlog`, the listing shows the past too, which is dated as it was published. `left` is
    how many entries there are on the pages after it, where it says so. `cut_short` says that the
    listing broke off before its end: it is to be fetched again in full.
    """

    items: tuple[Item, ...] = ()
    problems: tuple[Problem, ...] = ()
    more: tuple[Request, ...] = ()
    cursor: str | None = None
    built_at: datetime | None = None
    ttl: int | None = None
    has_backlog: bool = False
    cut_short: bool = False
    left: int = 0
