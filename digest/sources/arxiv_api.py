"""arXiv's query API: papers by the day they were submitted, to fill in days that were missed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from digest.editions import list_day
from digest.errors import InvalidInput, ListingUnreadable
from digest.model import Announcement, AnnounceType, Harvest, Item, Listing, Problem, Request
from digest.parsing import Element, xml_root
from digest.sources import _arxiv as arxiv
from digest.sources import _json, _options
from digest.sources._reading import refusal, sort_out
from digest.text import latex_to_text

FIRST_DAY = date(_json.YEARS[0], 1, 1)
LAST_DAY = date(_json.YEARS[-1], 12, 31)
MOST_RESULTS = 30_000
MOST_A_PAGE = 2_000

# Archives that are divided into `archive.XX`; the others (hep-th, …) are categories themselves.
_DIVIDED = frozenset(
    (
        "astro-ph", "cond-mat", "cs", "econ", "eess", "math", "nlin",
        "physics", "q-bio", "q-fin", "stat",
    )
)  # fmt: skip
_PLACE = re.compile(
    r"(?P<first>\d{4}-\d{2}-\d{2})\.\.(?P<last>\d{4}-\d{2}-\d{2}) from \d+(?P<again>, again)?",
    re.ASCII,
)
_AGAIN = ", again"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArxivApi:
    """Papers of some categories by the date of submission.

    `query`, in the API's own syntax, narrows them down. A paper is announced as new on the day
    when it was first listed (see `listed_at`), whatever version it has now, so that old papers
    never pass for today's. The API gives 2,000 results a page and 30,000 in all at most.
    Manual: https://info.arxiv.org/help/api/user-manual.html
    """

    name: str = "arxiv-api"
    categories: tuple[str, ...] = ()
    url: str = "https://export.arxiv.org/api/query"
    page_size: int = 200
    query: str = ""

    def __post_init__(self) -> None:
        """Check what config gave; raises ConfigError."""
        categories = arxiv.checked_categories(self.categories, source=self.name)
        object.__setattr__(self, "categories", categories)
        _options.number(self.page_size, source=self.name, key="page_size", most=MOST_A_PAGE)

    def requests(self, cursor: str | None, now: datetime) -> Sequence[Request]:
        """Yesterday (UTC), or the days from `from` to `to` of the JSON object in the cursor."""
        if not self.categories and not self.query:
            return ()
        yesterday = now.astimezone(UTC).date() - timedelta(days=1)
        kept = _json.kept(cursor)
        span = _days(_json.text(kept, "from"), _json.text(kept, "to"))
        return (self.backfill(*(span or (yesterday, yesterday))),)

    def backfill(self, start: date, end: date) -> Request:
        """The first page of what was submitted from one day to another, both included, in UTC.

        Raises InvalidInput when `end` is before `start`.
        """
        start, end = max(start, FIRST_DAY), min(end, LAST_DAY)
        if end < start:
            raise InvalidInput(f"{end} is before {start}.", subject=self.name)
        return self._request(start, end, 0)

    def parse(self, listing: Listing) -> Harvest:
        """Read one page; raises ListingUnreadable with arXiv's own words for an error."""
        root = xml_root(listing.body, media_type=listing.media_type, subject=listing.url)
        if arxiv.local_name(root) != "feed":
            raise ListingUnreadable("The answer is XML, but no Atom feed.", subject=listing.url)
        entries = arxiv.children(root, "entry")
        _refuse_error(entries, listing)
        items, problems = sort_out(
            (self._item(entry, listing) for entry in entries), source=self.name, called="entry"
        )
        start = _integer(arxiv.child_text(root, "startIndex"))
        total = _integer(arxiv.child_text(root, "totalResults"))
        more, trouble = self._next(listing, start=start, count=len(entries), total=total)
        if trouble:
            problems.append(Problem(source=self.name, place=listing.place, cause=trouble))
        return Harvest(
            items=tuple(items),
            problems=tuple(problems),
            more=more,
            left=max(total - start - len(entries), 0),
            built_at=arxiv.read_moment(arxiv.child_text(root, "updated")),
        )

    def _request(self, first: date, last: date, start: int, *, again: bool = False) -> Request:
        wanted = " OR ".join(f"cat:{_pattern(each)}" for each in self.categories)
        terms = [f"({each})" for each in (wanted, self.query) if each]
        terms.append(f"submittedDate:[{first:%Y%m%d}0000 TO {last:%Y%m%d}2359]")
        query = {
            "search_query": " AND ".join(terms),
            "start": start,
            "max_results": self.page_size,
            "sortBy": "submittedDate",
            "sortOrder": "ascending",
        }
        return Request(
            source=self.name,
            url=f"{self.url}?{urlencode(query)}",
            place=f"{first}..{last} from {start}{_AGAIN if again else ''}",
            poll=False,
            accept="application/atom+xml",
        )

    def _next(
        self, listing: Listing, *, start: int, count: int, total: int
    ) -> tuple[tuple[Request, ...], str]:
        """The request for the next page, and what is wrong with this page, if anything.

        The API sometimes gives a short or an empty page: the next page begins after what came,
        and an empty page is asked for once more.
        """
        place = _PLACE.fullmatch(listing.place)
        span = _days(place["first"], place["last"]) if place else None
        reachable = min(total, MOST_RESULTS)
        trouble = ""
        if start == 0 and total > MOST_RESULTS and span:
            trouble = f"{total} results, of which arXiv gives {MOST_RESULTS}: ask for fewer days"
        if span is None or place is None or start + count >= reachable:
            return (), trouble
        if count:
            return (self._request(*span, start + count),), trouble
        empty = f"an empty page at {start} of {total}"
        if place["again"]:
            return (), f"{empty}, twice; the rest is missing"
        return (self._request(*span, start, again=True),), f"{empty}; asked once more"

    def _item(self, entry: Element, listing: Listing) -> Item | str:
        """The item of one entry, or why there is none."""
        fields = arxiv.fields(entry)
        found = arxiv.read_id(fields.get("id", ""))
        if found is None:
            return "an entry without an arXiv id"
        base, version = found
        published = arxiv.read_moment(fields.get("published", ""))
        if published is None:
            return f"{base} has no date of submission"
        paper = arxiv.to_paper(
            arxiv.Record(
                base=base,
                version=version,
                title=fields.get("title", ""),
                abstract=fields.get("summary", ""),
                authors=_authors(entry),
                categories=_categories(entry),
                published=published,
                updated=arxiv.read_moment(fields.get("updated", "")),
                dois=fields.get("doi", ""),
                journal_ref=fields.get("journal_ref", ""),
                comment=fields.get("comment", ""),
            )
        )
        if not paper.title:
            return f"{base} has no title"
        listed = arxiv.listed_at(published)
        announcement = Announcement(
            paper_id=paper.id,
            source=self.name,
            feed=paper.categories[0] if paper.categories else self.name,
            day=list_day(listed),
            type=AnnounceType.NEW,
            seen_at=min(listed, listing.fetched_at or listed),
        )
        return Item(paper=paper, announcement=announcement)


def _refuse_error(entries: Sequence[Element], listing: Listing) -> None:
    """Raise arXiv's error, which comes as a feed of one entry and sometimes with status 200."""
    for entry in entries[:1]:
        title = arxiv.child_text(entry, "title")
        if title == "Error" or "/api/errors" in arxiv.child_text(entry, "id"):
            raise refusal("arXiv", arxiv.child_text(entry, "summary"), listing)


def _authors(entry: Element) -> tuple[str, ...]:
    """The names; an affiliation is in an element of its own beside the name."""
    names = (arxiv.child_text(author, "name") for author in arxiv.children(entry, "author"))
    return tuple(filter(None, map(latex_to_text, names)))


def _categories(entry: Element) -> tuple[str, ...]:
    """The primary category, then all of them; MSC and ACM classes stand among them."""
    elements = arxiv.children(entry, "primary_category") + arxiv.children(entry, "category")
    return tuple(term for each in elements if arxiv.is_category(term := each.get("term") or ""))


def _pattern(category: str) -> str:
    return f"{category}.*" if category in _DIVIDED else category


def _days(first: str, last: str) -> tuple[date, date] | None:
    days = _json.day(first), _json.day(last)
    return (days[0], days[1]) if days[0] and days[1] and days[0] <= days[1] else None


def _integer(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0  # noqa: PLR2004 - nine digits: far beyond any count


SOURCE = ArxivApi
