"""The value types of a parsed feed, whatever its format."""

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
    """One entry of a feed; a named tuple, which takes a third of a dataclass's time to make.

    `title` is plain text: markup stripped, entities decoded, TeX as it is. `summary` and `content`
    are as in the feed, HTML or plain text (`text.html_to_text` takes both), cut at 200,000
    characters. `authors` has one raw string for each author element: arXiv puts all names into
    one. `link` is safe (http or https) or empty, `id` the raw guid. `identifiers` are Dublin
    Core's, such as `doi:10.1000/1` and `pmid:1`. `unread_date` is an unreadable date as written,
    if the entry has no other. `extra` has the text of every other child by its lower-case local
    name, such as `announce_type`, `rights`, `journal_reference`; of several the first.
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
    """A feed: its metadata, its entries in order, and what could not be read.

    `version` is `rss20`, `rss10`, `atom10`, `json11`, …; `ttl` is in seconds; `hub` is a WebSub
    hub. `problems` are pairs of a place (`entry 7`) and a cause.
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
