"""arXiv's daily listings: RSS 2.0, Atom, and the RSS 1.0 that it published before February 2024."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from digest.editions import list_day
from digest.model import Announcement, AnnounceType, Harvest, Item, Listing, Problem, Request
from digest.parsing import Entry, Feed, parse_feed
from digest.sources import _arxiv as arxiv
from digest.sources import _options
from digest.sources._json import plausible
from digest.sources._reading import is_cut_short, refusal
from digest.sources.arxiv_api import ArxivApi
from digest.sources.arxiv_oai import ArxivOai
from digest.text import clean, html_to_text, split_authors, truncate

MOST_CATEGORIES = 30
# arXiv's limit. New papers come first in a listing, so that a very busy day loses replacements.
MOST_ITEMS = 2_000

_ERROR_TITLE = "feed error for query"
_TITLE_END = " updates on arxiv.org"
_DESCRIPTION = re.compile(
    r"\s*arXiv:(?P<id>\S+)\s+Announce Type:\s*(?P<type>[\w-]+)\s*(?:Abstract:\s*)?", re.IGNORECASE
)
_OLD_TITLE = re.compile(
    r"\s*\(arXiv:(?P<id>[^\s()]+) \[(?P<category>[\w.-]+)\](?P<flag> [A-Z ]+)?\)\s*$"
)
_OLD_TYPES = {" UPDATED": AnnounceType.REPLACE, " CROSS LISTED": AnnounceType.CROSS}
_ELSEWHERE = {
    AnnounceType.NEW: AnnounceType.CROSS,
    AnnounceType.CROSS: AnnounceType.CROSS,
    AnnounceType.REPLACE: AnnounceType.REPLACE_CROSS,
}
_HEAD = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Arxiv:
    """The daily listing of some categories, with all categories or `per_request` in one request.

    Recorded answers of arXiv's API and OAI-PMH interface are read too. Specification:
    https://info.arxiv.org/help/rss_specifications.html
    """

    name: str = "arxiv"
    categories: tuple[str, ...] = ()
    url: str = "https://rss.arxiv.org/rss/"
    per_request: int = MOST_CATEGORIES

    def __post_init__(self) -> None:
        """Check what config gave; raises ConfigError."""
        categories = arxiv.checked_categories(self.categories, source=self.name)
        object.__setattr__(self, "categories", categories)
        _options.number(self.per_request, source=self.name, key="per_request", most=MOST_CATEGORIES)

    def requests(self, cursor: str | None, now: datetime) -> Sequence[Request]:  # noqa: ARG002 - the port's signature; a listing needs neither
        """One poll for every block of categories."""
        blocks = [
            "+".join(self.categories[at : at + self.per_request])
            for at in range(0, len(self.categories), self.per_request)
        ]
        return [
            Request(
                source=self.name,
                url=f"{self.url.rstrip('/')}/{block}",
                place=block,
                accept="application/rss+xml, application/atom+xml;q=0.9, application/xml;q=0.8",
            )
            for block in blocks
        ]

    def parse(self, listing: Listing) -> Harvest:
        """Read one listing; raises ListingUnreadable, with arXiv's words for an error feed."""
        head = listing.body[:_HEAD]
        if b"opensearch" in head or b"arXiv Query" in head:
            return _without_pages(ArxivApi(name=self.name).parse(listing))
        if b"<OAI-PMH" in head or b"<record>" in head:
            return _without_pages(ArxivOai(name=self.name).parse(listing))
        feed = parse_feed(listing.body, media_type=listing.media_type, url=listing.url)
        if _ERROR_TITLE in feed.title.lower():
            raise refusal("arXiv", feed.title, listing)
        return _Reader(source=self.name, feed=feed, listing=listing).harvest()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """Reads the entries of one listing."""

    source: str
    feed: Feed
    listing: Listing

    def harvest(self) -> Harvest:
        name = self._feed_name()
        items: list[Item] = []
        problems = [
            Problem(source=self.source, place=place, cause=cause)
            for place, cause in self.feed.problems
        ]
        for number, entry in enumerate(self.feed.entries, start=1):
            read, trouble = self._item(entry, name)
            if read is not None:
                items.append(read)
            if trouble:
                problems.append(Problem(source=self.source, place=f"item {number}", cause=trouble))
        if len(self.feed.entries) >= MOST_ITEMS:
            cause = f"cut off by arXiv at {MOST_ITEMS} items: set a smaller per_request"
            problems.append(Problem(source=self.source, place=name, cause=cause))
        return Harvest(
            items=tuple(items),
            problems=tuple(problems),
            built_at=plausible(self.feed.built_at or self.feed.published_at),
            ttl=self.feed.ttl,
            cut_short=is_cut_short(self.feed, self.listing),
        )

    def _feed_name(self) -> str:
        """`cs.AI+cs.LG` of a channel titled `cs.AI, cs.LG updates on arXiv.org`."""
        title = clean(self.feed.title)
        end = len(title) - len(_TITLE_END)
        names = title[:end].split(",") if title.lower().endswith(_TITLE_END) else ()
        return "+".join(filter(None, map(str.strip, names))) or self.listing.place or self.source

    def _item(self, entry: Entry, feed_name: str) -> tuple[Item | None, str]:
        """The item of an entry, if there is one, and what is wrong with the entry, if anything."""
        line = _old_line(entry, feed_name) if self.feed.version == "rss10" else _line(entry)
        found = arxiv.read_id(line.id)
        if found is None:
            return None, "an item without an arXiv id"
        day, seen_at = self._day(entry), self._seen_at(entry)
        if day is None or seen_at is None:
            return None, f"{found[0]} has no date, nor has its list"
        base, version = found
        announced, trouble = _announce_type(line.type)
        is_first = announced is AnnounceType.NEW and version == 1
        paper = arxiv.to_paper(
            arxiv.Record(
                base=base,
                version=version,
                title=line.title,
                abstract=line.abstract,
                authors=line.authors,
                categories=line.categories,
                published=arxiv.midnight(day) if is_first else None,
                dois=entry.doi,
                journal_ref=entry.extra.get("journal_reference", ""),
                licence=entry.extra.get("rights", ""),
            )
        )
        if not paper.title:
            return None, f"{base} has no title"
        announcement = Announcement(
            paper_id=paper.id,
            source=self.source,
            feed=feed_name,
            day=day,
            type=announced,
            version=version,
            seen_at=seen_at,
        )
        return Item(paper=paper, announcement=announcement), trouble

    def _day(self, entry: Entry) -> date | None:
        """The list's date, US Eastern: that of the item, else of the channel, else of its build.

        RSS 1.0 gave 20:30 on the evening of the announcement; its list is the next day's.
        """
        stated = plausible(entry.published_at) or plausible(self.feed.published_at)
        if self.feed.version == "rss10" and stated:
            return list_day(stated + timedelta(hours=4))
        moment = stated or plausible(self.feed.built_at) or self.listing.fetched_at
        return list_day(moment) if moment else None

    def _seen_at(self, entry: Entry) -> datetime | None:
        return (
            self.listing.fetched_at
            or plausible(self.feed.built_at)
            or plausible(self.feed.published_at)
            or plausible(entry.published_at)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """The fields that every form of arXiv's feeds has, raw."""

    id: str
    type: str
    title: str
    abstract: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]


def _line(entry: Entry) -> _Line:
    """An entry of RSS 2.0 or Atom: its description begins with the id and the announce type."""
    intro = _DESCRIPTION.match(entry.summary)
    return _Line(
        id=entry.id if arxiv.read_id(entry.id) else (intro["id"] if intro else entry.link),
        type=entry.extra.get("announce_type") or (intro["type"] if intro else ""),
        title=entry.title,
        abstract=entry.summary[intro.end() :] if intro else entry.summary,
        authors=split_authors(", ".join(entry.authors)),
        categories=entry.categories,
    )


def _old_line(entry: Entry, feed_name: str) -> _Line:
    """An entry of RSS 1.0: version, primary category and type are in the title, authors are HTML."""
    note = _OLD_TITLE.search(entry.title)
    flag = (note["flag"] or "") if note else ""
    category = note["category"] if note else ""
    announced = _OLD_TYPES.get(flag, AnnounceType.NEW)
    if category and category != feed_name:
        announced = _ELSEWHERE[announced]
    return _Line(
        id=note["id"] if note else entry.link,
        type=announced.value,
        title=entry.title[: note.start()] if note else entry.title,
        abstract=html_to_text(entry.summary),
        authors=split_authors(html_to_text(", ".join(entry.authors))),
        categories=tuple(filter(None, (category, feed_name if category != feed_name else ""))),
    )


def _announce_type(given: str) -> tuple[AnnounceType, str]:
    """The announce type of an item and what is wrong with it; an unknown type counts as new."""
    word = given.strip().lower()
    try:
        return AnnounceType(word), ""
    except ValueError:
        cause = (
            f"unknown announce type {truncate(clean(given), 40)!r}" if word else "no announce type"
        )
        return AnnounceType.REPLACE if word.startswith("replace") else AnnounceType.NEW, cause


def _without_pages(harvest: Harvest) -> Harvest:
    """The harvest of a recorded answer, from which no further page is asked for."""
    return replace(harvest, more=(), cursor=None)


SOURCE = Arxiv
