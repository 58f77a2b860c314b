"""Hugging Face Daily Papers: the papers that a community picked, and its votes on them."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from digest.editions import is_list_day
from digest.errors import ListingUnreadable
from digest.model import (
    Announcement,
    AnnounceType,
    Harvest,
    Item,
    Link,
    LinkKind,
    Listing,
    Request,
    Signal,
)
from digest.parsing import safe_url
from digest.sources import _arxiv as arxiv
from digest.sources import _json, _options
from digest.sources._json import Record
from digest.sources._reading import refusal, sort_out
from digest.text import clean, latex_to_text

FEED = "daily"
PAGE = 50
MOST_PAGES = 4
MOST_DAYS = 14
MAX_REPR = 100_000

_PLACE = re.compile(r"(?P<day>\d{4}-\d{2}-\d{2})(, page (?P<page>\d{1,2}))?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class HuggingFace:
    """The daily lists of the last `days` days (UTC), none at weekends.

    Every paper is on arXiv, so its record merges with those of the arXiv sources. Votes,
    comments and stars become signals. API: https://huggingface.co/docs/hub/api (daily_papers).
    """

    name: str = "huggingface"
    url: str = "https://huggingface.co/api/daily_papers"
    days: int = 2

    def __post_init__(self) -> None:
        """Check what config gave; raises ConfigError."""
        _options.number(self.days, source=self.name, key="days", most=MOST_DAYS)

    def requests(self, cursor: str | None, now: datetime) -> Sequence[Request]:  # noqa: ARG002 - the port's signature; lists are asked for by date
        """One poll for each list day, the latest first; votes still change after the day itself."""
        today = now.astimezone(UTC).date()
        wanted = [today - timedelta(days=back) for back in range(self.days)]
        return [self._request(day) for day in wanted if is_list_day(day)]

    def parse(self, listing: Listing) -> Harvest:
        """Read one answer, in any year's schema; raises ListingUnreadable if it holds no list."""
        records = _records(listing)
        day = _day_of(listing)
        items, problems = sort_out(
            (self._item(record, listing, day) for record in records),
            source=self.name,
            called="record",
        )
        return Harvest(
            items=tuple(items),
            problems=tuple(problems),
            more=self._next(listing, len(records)),
            built_at=max((item.announcement.seen_at for item in items), default=None),
        )

    def _request(self, day: date, page: int = 1) -> Request:
        """One page, counted from 1; the API counts from 0."""
        query = {"date": day.isoformat()} | ({"p": str(page - 1)} if page > 1 else {})
        return Request(
            source=self.name,
            url=f"{self.url}?{urlencode(query)}",
            place=f"{day}, page {page}" if page > 1 else day.isoformat(),
            poll=page == 1,
            accept="application/json",
        )

    def _next(self, listing: Listing, count: int) -> tuple[Request, ...]:
        """The request for the page after a full one; a day seldom has more than one page."""
        place = _PLACE.fullmatch(listing.place)
        day = _json.day(place["day"]) if place else None
        page = int(place["page"] or 1) if place else 1
        if day is None or count < PAGE or page >= MOST_PAGES:
            return ()
        return (self._request(day, page + 1),)

    def _item(self, record: object, listing: Listing, list_day: date | None) -> Item | str:
        """The item of one record, or why there is none; `list_day` is that of the list, if known."""
        record = _revived(record)
        if not isinstance(record, Mapping):
            return "not a record"
        paper = record.get("paper")
        if not isinstance(paper, Mapping):
            return "a record without a paper"
        found = arxiv.read_id(_json.text(paper, "id"))
        if found is None:
            return "a paper without an arXiv id"
        base, version = found
        submitted = arxiv.read_moment(_json.text(paper, "submittedOnDailyAt"))
        listed = (
            submitted or arxiv.read_moment(_json.text(record, "publishedAt")) or _start_of(list_day)
        )
        seen_at = listing.fetched_at or listed
        if seen_at is None:
            return f"paper {base} has no date, nor has its list"
        read = arxiv.to_paper(
            arxiv.Record(
                base=base,
                version=version,
                title=_json.text(paper, "title") or _json.text(record, "title"),
                abstract=_json.text(paper, "summary") or _json.text(record, "summary"),
                authors=_authors(paper),
                categories=(),
                published=arxiv.read_moment(_json.text(paper, "publishedAt")),
            ),
            links=_links(base, paper),
        )
        if not read.title:
            return f"paper {base} has no title"
        announcement = Announcement(
            paper_id=read.id,
            source=self.name,
            feed=FEED,
            day=list_day if submitted is None and list_day else (listed or seen_at).date(),
            type=AnnounceType.NEW,
            version=version,
            seen_at=seen_at,
        )
        return Item(
            paper=read,
            announcement=announcement,
            signals=self._signals(read.id, record, paper, seen_at),
        )

    def _signals(
        self, paper_id: str, record: Record, paper: Record, seen_at: datetime
    ) -> tuple[Signal, ...]:
        counts = {
            "upvotes": paper.get("upvotes"),
            "comments": record.get("numComments"),
            "stars": paper.get("githubStars"),
        }
        by = _submitter(paper.get("submittedOnDailyBy")) or _submitter(record.get("submittedBy"))
        return tuple(
            Signal(
                paper_id=paper_id,
                source=self.name,
                kind=kind,
                value=value,
                by=by,
                seen_at=seen_at,
            )
            for kind, given in counts.items()
            if (value := _count(given)) is not None
        )


def _records(listing: Listing) -> Sequence[object]:
    content = _json.content_of(listing)
    if isinstance(content, Mapping):
        if said := clean(_json.text(content, "error")):
            raise refusal("Hugging Face", said, listing)
        content = content.get("data")
    if not isinstance(content, list):
        raise ListingUnreadable("The answer is JSON, but no list of papers.", subject=listing.url)
    return content


def _revived(record: object) -> object:
    """The record; one that was recorded as the `repr` of a Python dict is evaluated."""
    if not isinstance(record, str) or not record.startswith("{") or len(record) > MAX_REPR:
        return record
    try:
        return ast.literal_eval(record)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return record


def _links(base: str, paper: Record) -> tuple[Link, ...]:
    """The submitter's links that are web addresses, and the discussion."""
    given = (
        (LinkKind.CODE, safe_url(_json.text(paper, "githubRepo"))),
        (LinkKind.PROJECT, safe_url(_json.text(paper, "projectPage"))),
        (LinkKind.DISCUSSION, f"https://huggingface.co/papers/{base}"),
    )
    return tuple(Link(kind=kind, url=url) for kind, url in given if url)


def _authors(paper: Record) -> tuple[str, ...]:
    """The names in order, those hidden on the site among them."""
    names = (latex_to_text(_json.text(each, "name")) for each in _json.records(paper, "authors"))
    return tuple(filter(None, names))


def _submitter(given: object) -> str:
    person = _json.mapping(given)
    names = (clean(_json.text(person, key)) for key in ("fullname", "name", "user"))
    return next(filter(None, names), "")


def _count(given: object) -> float | None:
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    try:
        value = float(given)
    except OverflowError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _day_of(listing: Listing) -> date | None:
    """The day of the list, from the URL, or else the place or file name."""
    for text in (listing.url, listing.place):
        if found := _DAY.search(text):
            return _json.day(found[0])
    return None


def _start_of(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)


SOURCE = HuggingFace
