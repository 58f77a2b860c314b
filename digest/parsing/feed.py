"""What a feed says, whatever form it comes in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

MAX_ENTRIES = 5_000
MAX_TEXT = 200_000
MAX_TITLE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A link of a feed or entry: `rel` (`alternate`, `self`, `related`, …), absolute safe `href`."""

    rel: str
    href: str
    media_type: str = ""
    title: str = ""


class Entry(NamedTuple):
    """One entry of a feed; a bare tuple, as a list has thousands and a dataclass takes thrice as long.

    `title` is plain text: markup stripped, entities decoded, TeX left as it is. `summary` and
    `content` stand as in the feed: HTML where the publisher wrote HTML (decode with
    `text.html_to_text`, which leaves plain text alone), cut at 200,000 characters. `authors` has
    one raw string for each author element, whatever it holds: arXiv puts all names into one.
    `link` is safe (http or https) or empty, `id` the guid as it stands. `categories` are terms.
    `identifiers` are Dublin Core's, such as `doi:10.1000/1` and `pmid:1`. `unread_date` is a date
    as written that could not be read, where the entry has no other.
    `extra` has the text of every other single-text child by its lower-case local name, such as
    `announce_type`, `rights`, `journal_reference`; the first of a name counts.
    """

    id: str = ""
    title: str = ""
    link: str = ""
    summary: str = ""
    content: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    published_at: datetime | None = None
    updated_at: datetime | None = None
    unread_date: str = ""
    doi: str = ""
    identifiers: tuple[str, ...] = ()
    links: tuple[Reference, ...] = ()
    extra: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed: what it says of itself, its entries in order, and what could not be read.

    `version` is `rss20`, `rss10`, `atom10`, `json11`, …; `ttl` is in seconds. `hub` is a
    WebSub hub. `problems`
    pairs a place (`entry 7`) with a cause.
    """

    version: str
    title: str = ""
    link: str = ""
    hub: str = ""
    language: str = ""
    built_at: datetime | None = None
    published_at: datetime | None = None
    ttl: int | None = None
    entries: tuple[Entry, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
