"""bioRxiv and medRxiv: the details API, and their RSS 1.0 feeds where one is given as a file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from digest.errors import ListingUnreadable
from digest.merging import canonical_doi
from digest.model import (
    Announcement,
    AnnounceType,
    Harvest,
    Item,
    Link,
    LinkKind,
    Listing,
    Paper,
    Problem,
    Request,
)
from digest.parsing import Entry, find_links, parse_feed
from digest.sources import _json, _options
from digest.text import authors_in_elements, authors_semicolon, clean, html_to_text, truncate

MOST_DAYS = 31

_RANGE = re.compile(r"(?P<first>\d{4}-\d{2}-\d{2})(?:\.\.|/)(?P<last>\d{4}-\d{2}-\d{2})", re.ASCII)
_VERSION = re.compile(r"v(?P<version>\d{1,3})\b", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Biorxiv:
    """What bioRxiv posted in the last `days` days (UTC), and all since the last complete run.

    Categories are named after the server: `biorxiv:cell-biology`. API: https://api.biorxiv.org;
    pages hold whatever the server likes, `total` says when to stop.
    """

    name: str = "biorxiv"
    url: str = "https://api.biorxiv.org/details/"
    days: int = 2
    server: str = "biorxiv"

    def __post_init__(self) -> None:
        """Check what config gave; raises ConfigError."""
        _options.number(self.days, source=self.name, key="days", most=MOST_DAYS)

    def requests(self, cursor: str | None, now: datetime) -> Sequence[Request]:
        """The first page of the days wanted; `cursor` holds the last day that was complete."""
        today = now.astimezone(UTC).date()
        first = today - timedelta(days=self.days - 1)
        kept = _json.day(_json.text(_json.kept(cursor), "to"))
        if kept is not None:
            first = max(min(first, kept), today - timedelta(days=MOST_DAYS))
        return (self._request(first, today, 0),)

    def parse(self, listing: Listing) -> Harvest:
        """Read one page; raises ListingUnreadable for an empty answer or one that is no listing."""
        body = listing.body.strip()
        if not body:
            raise ListingUnreadable(
                "The answer is empty; the server does that when it is busy.", subject=listing.url
            )
        return self._feed(listing) if body.startswith(b"<") else self._page(listing)

    def _page(self, listing: Listing) -> Harvest:
        message, records = _content(listing)
        items: list[Item] = []
        problems: list[Problem] = []
        position = _integer(message.get("cursor"))
        for number, record in enumerate(records, start=position + 1):
            read = self._record(record, listing) if isinstance(record, Mapping) else "not a record"
            if isinstance(read, Item):
                items.append(read)
            else:
                place = f"record {number}"
                problems.append(Problem(source=self.name, place=place, cause=read))
        span = _span(listing)
        total = _integer(message.get("total"))
        seen = position + len(records)
        more = (self._request(*span, seen),) if span and records and seen < total else ()
        if not records and position < total:
            raise ListingUnreadable(f"An empty page at {position} of {total}.", subject=listing.url)
        return Harvest(
            items=tuple(items),
            problems=tuple(problems),
            more=more,
            cursor=json.dumps({"to": span[1].isoformat()}) if span else None,
        )

    def _request(self, first: date, last: date, position: int) -> Request:
        base = self.url.rstrip("/")
        place = f"{first}..{last}" + (f" from {position}" if position else "")
        return Request(
            source=self.name,
            url=f"{base}/{self.server}/{first}/{last}/{position}/json",
            place=place,
            poll=False,
            accept="application/json",
        )

    def _record(self, record: Mapping[str, object], listing: Listing) -> Item | str:
        """The item of one record of the API, or why there is none."""
        doi = canonical_doi(_json.text(record, "doi"))
        title = html_to_text(_json.text(record, "title"))
        day = _json.day(_json.text(record, "date"))
        if not doi or not title:
            return "a record without a DOI" if not doi else f"{doi} has no title"
        if day is None:
            return f"{doi} has no date"
        journal = canonical_doi(_json.text(record, "published"))
        return self._item(
            listing,
            doi=doi,
            title=title,
            abstract=html_to_text(_json.text(record, "abstract")),
            authors=authors_semicolon(_json.text(record, "authors")),
            category=_json.text(record, "category"),
            version=max(_integer(record.get("version")), 1),
            day=day,
            journal=journal if journal and journal != doi else "",
            licence=clean(_json.text(record, "license")),
        )

    def _feed(self, listing: Listing) -> Harvest:
        """Their RSS: the thirty newest, without version or category."""
        feed = parse_feed(listing.body, media_type=listing.media_type, url=listing.url)
        items: list[Item] = []
        problems: list[Problem] = []
        for number, entry in enumerate(feed.entries, start=1):
            read = self._entry(entry, listing)
            if isinstance(read, Item):
                items.append(read)
            else:
                problems.append(Problem(source=self.name, place=f"item {number}", cause=read))
        return Harvest(
            items=tuple(items),
            problems=tuple(problems),
            built_at=_plausible(feed.built_at or feed.published_at),
            ttl=feed.ttl,
        )

    def _entry(self, entry: Entry, listing: Listing) -> Item | str:
        doi = canonical_doi(entry.doi or entry.id) or canonical_doi(entry.link)
        title = html_to_text(entry.title)
        moment = _plausible(entry.published_at or entry.updated_at) or listing.fetched_at
        if not doi or not title:
            return "an item without a DOI" if not doi else f"{doi} has no title"
        if moment is None:
            return f"{doi} has no date"
        version = _VERSION.search(entry.link)
        return self._item(
            listing,
            doi=doi,
            title=title,
            abstract=html_to_text(entry.summary),
            authors=authors_in_elements(entry.authors),
            category=entry.categories[0] if entry.categories else "",
            version=int(version["version"]) if version else 1,
            day=moment.astimezone(UTC).date(),
        )

    def _item(
        self,
        listing: Listing,
        *,
        doi: str,
        title: str,
        abstract: str,
        authors: tuple[str, ...],
        category: str,
        version: int,
        day: date,
        journal: str = "",
        licence: str = "",
    ) -> Item:
        posted = datetime.combine(day, time(), UTC)
        page = f"https://www.{self.server}.org/content/{doi}v{version}"
        slug = _slug(category)
        paper = Paper(
            id=f"doi:{doi}",
            title=title,
            abstract=abstract,
            authors=authors,
            categories=(f"{self.server}:{slug}",) if slug else (),
            version=version,
            published=posted if version == 1 else None,
            updated=posted if version > 1 else None,
            url=page,
            doi=doi,
            licence=licence,
            links=(
                Link(kind=LinkKind.ABSTRACT, url=page),
                Link(kind=LinkKind.PDF, url=f"{page}.full.pdf"),
                *find_links(abstract),
            ),
            identifiers=(f"doi:{doi}", *((f"doi:{journal}",) if journal else ())),
        )
        announcement = Announcement(
            paper_id=paper.id,
            source=self.name,
            feed=self.server,
            day=day,
            type=AnnounceType.NEW if version == 1 else AnnounceType.REPLACE,
            version=version,
            seen_at=listing.fetched_at or posted,
        )
        return Item(paper=paper, announcement=announcement)


@dataclass(frozen=True, slots=True, kw_only=True)
class Medrxiv(Biorxiv):
    """What medRxiv posted; the same API and the same form."""

    name: str = "medrxiv"
    server: str = "medrxiv"


def _content(listing: Listing) -> tuple[Mapping[str, object], Sequence[object]]:
    """The first message and the records of a page of the API."""
    content = _json.content_of(listing)
    records = content.get("collection") if isinstance(content, Mapping) else None
    messages = content.get("messages") if isinstance(content, Mapping) else None
    message = messages[0] if isinstance(messages, list) and messages else {}
    if not isinstance(message, Mapping):
        message = {"status": message}
    if not isinstance(records, list):
        said = truncate(clean(_json.text(message, "status")), 200)
        cause = f"The server says: {said}" if said else "The answer is JSON, but no listing."
        raise ListingUnreadable(cause, subject=listing.url)
    return message, records


def _span(listing: Listing) -> tuple[date, date] | None:
    """The first and last day that a page was asked for, by its place or its address."""
    found = _RANGE.search(listing.place) or _RANGE.search(listing.url)
    if found is None:
        return None
    first, last = _json.day(found["first"]), _json.day(found["last"])
    return (first, last) if first and last else None


def _plausible(moment: datetime | None) -> datetime | None:
    return moment if moment is not None and moment.year in _json.YEARS else None


def _slug(category: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", clean(category).lower()).strip("-")


def _integer(given: object) -> int:
    """A count as the API writes it, number or text; 0 for anything else."""
    text = str(given) if isinstance(given, int | str) and not isinstance(given, bool) else ""
    return int(text) if re.fullmatch(r"\d{1,9}", text.strip(), re.ASCII) else 0
