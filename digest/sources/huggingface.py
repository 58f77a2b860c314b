"""Hugging Face Daily Papers: which papers a community picked, and how it votes on them."""

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
    Problem,
    Request,
    Signal,
)
from digest.parsing import safe_url
from digest.sources import _arxiv as arxiv
from digest.sources import _json, _options
from digest.text import clean, latex_to_text, truncate

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

    Every paper is one of arXiv's, so its record merges with what the arXiv sources say. Votes,
    comments and stars become signals. API: https://huggingface.co/docs/hub/api (daily_papers).
    """

    name: str = "huggingface"
    url: str = "https://huggingface.co/api/daily_papers"
    days: int = 2

    def __post_init__(self) -> None:
        """Check what config gave; raises ConfigError."""
        _options.number(self.days, source=self.name, key="days", most=MOST_DAYS)

    def requests(self, cursor: str | None, now: datetime) -> Sequence[Request]:  # noqa: ARG002 - the port's signature; lists are asked for by date
        """One poll a list day, the latest first: votes go on changing after the day itself."""
        today = now.astimezone(UTC).date()
        wanted = [today - timedelta(days=back) for back in range(self.days)]
        return [self._request(day) for day in wanted if is_list_day(day)]

    def parse(self, listing: Listing) -> Harvest:
        """Read one answer, of whatever year's schema; raises ListingUnreadable if it holds no list."""
        records = _records(listing)
        reader = _Reader(source=self.name, listing=listing, day=_day_of(listing))
        items: list[Item] = []
        problems: list[Problem] = []
        for number, record in enumerate(records, start=1):
            read = reader.item(record)
            if isinstance(read, Item):
                items.append(read)
            else:
                place = f"record {number}"
                problems.append(Problem(source=self.name, place=place, cause=read))
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
        """The page after a full one; a day seldom has more than one."""
        place = _PLACE.fullmatch(listing.place)
        day = _json.day(place["day"]) if place else None
        page = int(place["page"] or 1) if place else 1
        if day is None or count < PAGE or page >= MOST_PAGES:
            return ()
        return (self._request(day, page + 1),)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """Reads the records of one listing; `day` is the list that was asked for, where known."""

    source: str
    listing: Listing
    day: date | None

    def item(self, record: object) -> Item | str:
        """The item, or why there is none."""
        record = _revived(record)
        if not isinstance(record, Mapping):
            return "not a record"
        paper = record.get("paper")
        if not isinstance(paper, Mapping):
            return "a record without a paper"
        found = arxiv.read_id(_json.text(paper, "id"))
        if found is None:
            return "a paper without an arXiv id"
        submitted = arxiv.read_moment(_json.text(paper, "submittedOnDailyAt"))
        listed = (
            submitted or arxiv.read_moment(_json.text(record, "publishedAt")) or _start_of(self.day)
        )
        seen_at = self.listing.fetched_at or listed
        if seen_at is None:
            return f"paper {found[0]} has no date, nor has its list"
        day = self.day if submitted is None and self.day else (listed or seen_at).date()
        item = self._item(record, paper, found, day, seen_at)
        return item if item.paper.title else f"paper {found[0]} has no title"

    def _item(
        self,
        record: Mapping[str, object],
        paper: Mapping[str, object],
        found: tuple[str, int],
        day: date,
        seen_at: datetime,
    ) -> Item:
        base, version = found
        read = arxiv.to_paper(
            arxiv.Record(
                base=base,
                version=version,
                title=_json.text(paper, "title") or _json.text(record, "title"),
                abstract=_json.text(paper, "summary") or _json.text(record, "summary"),
                authors=_authors(paper.get("authors")),
                categories=(),
                published=arxiv.read_moment(_json.text(paper, "publishedAt")),
            ),
            links=_links(base, paper),
        )
        announcement = Announcement(
            paper_id=read.id,
            source=self.source,
            feed=FEED,
            day=day,
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
        self,
        paper_id: str,
        record: Mapping[str, object],
        paper: Mapping[str, object],
        seen_at: datetime,
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
                source=self.source,
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
        if said := truncate(clean(_json.text(content, "error")), 200):
            raise ListingUnreadable(f"Hugging Face says: {said}", subject=listing.url)
        content = content.get("data")
    if not isinstance(content, list):
        raise ListingUnreadable("The answer is JSON, but no list of papers.", subject=listing.url)
    return content


def _revived(record: object) -> object:
    """The record itself; one that a recorder kept as the `repr` of a Python dict is read back."""
    if not isinstance(record, str) or not record.startswith("{") or len(record) > MAX_REPR:
        return record
    try:
        return ast.literal_eval(record)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return record


def _links(base: str, paper: Mapping[str, object]) -> tuple[Link, ...]:
    """What the submitter linked to, if it is a web address, and the discussion."""
    given = {LinkKind.CODE: "githubRepo", LinkKind.PROJECT: "projectPage"}
    found = [
        Link(kind=kind, url=url)
        for kind, key in given.items()
        if (url := safe_url(_json.text(paper, key)))
    ]
    return (*found, Link(kind=LinkKind.DISCUSSION, url=f"https://huggingface.co/papers/{base}"))


def _authors(given: object) -> tuple[str, ...]:
    """Names in order; one that is hidden on the site is an author all the same."""
    if not isinstance(given, list):
        return ()
    names = (latex_to_text(_json.text(each, "name")) for each in given if isinstance(each, Mapping))
    return tuple(filter(None, names))


def _submitter(given: object) -> str:
    if not isinstance(given, Mapping):
        return ""
    return next(
        (name for key in ("fullname", "name", "user") if (name := clean(_json.text(given, key)))),
        "",
    )


def _count(given: object) -> float | None:
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    try:
        value = float(given)
    except OverflowError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _day_of(listing: Listing) -> date | None:
    """The day whose list was asked for, by the query, the place or the file's name."""
    for text in (listing.url, listing.place):
        if found := _DAY.search(text):
            return _json.day(found[0])
    return None


def _start_of(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)


SOURCE = HuggingFace
