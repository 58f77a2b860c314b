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
    Request,
)
from digest.parsing import Entry, find_links, parse_feed
from digest.sources import _json, _options
from digest.sources._json import Record
from digest.sources._reading import refusal, sort_out
from digest.text import authors_in_elements, authors_semicolon, clean, html_to_text
from digest.text.symbols import symbols

MOST_DAYS = 31

_RANGE = re.compile(r"(?P<first>\d{4}-\d{2}-\d{2})(?:\.\.|/)(?P<last>\d{4}-\d{2}-\d{2})", re.ASCII)
_VERSION = re.compile(r"v(?P<version>\d{1,3})\b", re.ASCII)
_MAX_TEXT = 20_000
# HighWire's export markup, which the servers leave in their texts: figures, small capitals,
# headings, lists and symbols, such as `AO_SCPLOWBSTRACTC_SCPLOW`, `{beta}` and `[&ge;]`.
_MARKUP = tuple(
    (re.compile(pattern, re.DOTALL), text)
    for pattern, text in (
        (r"O_(FIG|TBL).{0,2000}?C_\1", " "),
        (r"\A\s*[AS]O_SCPLOW(?:BSTRACT|UMMARY)C_SCPLOW", ""),
        (r"[OC]_SCP(?:LOW|CAP)", ""),
        (r"O_ST_ABS(.{0,200}?)[\s.:]{0,9}C_ST_ABS", r" \1: "),
        (r"O_LI(?!N)", " • "),
        (r"C_LI(?![A-Z]{2})", " "),
        (r"\{\+/-\}", "±"),
        (r"\{micro\}", "µ"),
        (r"\{degrees\}", "°"),
        (r"\[->\]", "→"),
        (r"\[([^\w\s\[\]])\]", r"\1"),
    )
)
# A Greek letter or sign by its name, `{beta}`; what TeX has in braces is no name.
_NAMED = re.compile(r"(?:\\[A-Za-z]+|[_^])\{[^{}]*\}|\{([A-Za-z]{2,20})\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Biorxiv:
    """The preprints posted in the last `days` days (UTC), and since the last complete run.

    Categories are named after the server: `biorxiv:cell-biology`. The server chooses the size of
    a page; `total` says when to stop. API: https://api.biorxiv.org
    """

    name: str = "biorxiv"
    url: str = "https://api.biorxiv.org/details/"
    days: int = 2
    server: str = "biorxiv"

    def __post_init__(self) -> None:
        """Check what config gave; raises ConfigError."""
        _options.number(self.days, source=self.name, key="days", most=MOST_DAYS)

    def requests(self, cursor: str | None, now: datetime) -> Sequence[Request]:
        """The first page of the wanted days; `cursor` holds the last day that was complete."""
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
        if body.startswith(b"<"):
            return self._feed(listing)
        message, records = _content(listing)
        position = _integer(message.get("cursor"))
        items, problems = sort_out(
            (self._record(record, listing) for record in records),
            source=self.name,
            called="record",
            first=position + 1,
        )
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

    def _feed(self, listing: Listing) -> Harvest:
        """Read an RSS feed of theirs: the thirty newest, mostly without version or category."""
        feed = parse_feed(listing.body, media_type=listing.media_type, url=listing.url)
        items, problems = sort_out(
            (self._record(_as_record(entry, listing), listing) for entry in feed.entries),
            source=self.name,
            called="item",
        )
        return Harvest(
            items=tuple(items),
            problems=tuple(problems),
            built_at=_json.plausible(feed.built_at or feed.published_at),
            ttl=feed.ttl,
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

    def _record(self, record: object, listing: Listing) -> Item | str:
        """The item of one record of the API, or why there is none."""
        if not isinstance(record, Mapping):
            return "not a record"
        doi = canonical_doi(_json.text(record, "doi"))
        title = _plain(_json.text(record, "title"))
        day = _json.day(_json.text(record, "date"))
        if not doi or not title:
            return "a record without a DOI" if not doi else f"{doi} has no title"
        if day is None:
            return f"{doi} has no date"
        paper = self._paper(record, doi=doi, title=title, day=day)
        announcement = Announcement(
            paper_id=paper.id,
            source=self.name,
            feed=self.server,
            day=day,
            type=AnnounceType.NEW if paper.version == 1 else AnnounceType.REPLACE,
            version=paper.version,
            seen_at=listing.fetched_at or _midnight(day),
        )
        return Item(paper=paper, announcement=announcement)

    def _paper(self, record: Record, *, doi: str, title: str, day: date) -> Paper:
        version = max(_integer(record.get("version")), 1)
        abstract = _plain(_json.text(record, "abstract"))
        page = f"https://www.{self.server}.org/content/{doi}v{version}"
        slug = _slug(_json.text(record, "category"))
        journal = canonical_doi(_json.text(record, "published"))
        return Paper(
            id=f"doi:{doi}",
            title=title,
            abstract=abstract,
            authors=authors_semicolon(_json.text(record, "authors")),
            categories=(f"{self.server}:{slug}",) if slug else (),
            version=version,
            published=_midnight(day) if version == 1 else None,
            updated=_midnight(day) if version > 1 else None,
            url=page,
            doi=doi,
            licence=clean(_json.text(record, "license")),
            links=(
                Link(kind=LinkKind.ABSTRACT, url=page),
                Link(kind=LinkKind.PDF, url=f"{page}.full.pdf"),
                *find_links(abstract),
            ),
            identifiers=tuple(dict.fromkeys(f"doi:{each}" for each in (doi, journal) if each)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Medrxiv(Biorxiv):
    """The same of medRxiv."""

    name: str = "medrxiv"
    server: str = "medrxiv"


def _as_record(entry: Entry, listing: Listing) -> Record:
    """An entry of their RSS as the API would give it."""
    moment = _json.plausible(entry.published_at or entry.updated_at) or listing.fetched_at
    version = _VERSION.search(entry.link)
    return {
        "doi": canonical_doi(entry.doi or entry.id) or canonical_doi(entry.link),
        "title": entry.title,
        "abstract": entry.summary,
        "authors": "; ".join(authors_in_elements(entry.authors)),
        "category": entry.categories[0] if entry.categories else "",
        "version": version["version"] if version else 1,
        "date": moment.astimezone(UTC).date().isoformat() if moment else "",
    }


def _plain(written: str) -> str:
    """A title or abstract as plain text."""
    text = html_to_text(written[:_MAX_TEXT])
    for pattern, replacement in _MARKUP:
        text = pattern.sub(replacement, text)
    return clean(_NAMED.sub(_symbol, text))


def _symbol(match: re.Match[str]) -> str:
    """The sign that a name in braces stands for; other braces stay as they are."""
    sign = symbols().get(match[1] or "", "")
    return sign if len(sign) == 1 else match[0]


def _content(listing: Listing) -> tuple[Record, Sequence[object]]:
    """The first message and the records of a page of the API."""
    content = _json.mapping(_json.content_of(listing))
    first = next(iter(_json.sequence(content, "messages")), {})
    message = first if isinstance(first, Mapping) else {"status": first}
    records = content.get("collection")
    if isinstance(records, list):
        return message, records
    if said := _json.text(message, "status"):
        raise refusal("The server", said, listing)
    raise ListingUnreadable("The answer is JSON, but no listing.", subject=listing.url)


def _span(listing: Listing) -> tuple[date, date] | None:
    """The first and last day of a page, from its place or its URL."""
    found = _RANGE.search(listing.place) or _RANGE.search(listing.url)
    if found is None:
        return None
    first, last = _json.day(found["first"]), _json.day(found["last"])
    return (first, last) if first and last else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _slug(category: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", clean(category).lower()).strip("-")


def _integer(given: object) -> int:
    """A count, which the API writes as a number or as text; 0 for anything else."""
    text = str(given) if isinstance(given, int | str) and not isinstance(given, bool) else ""
    return int(text) if re.fullmatch(r"\d{1,9}", text.strip(), re.ASCII) else 0
