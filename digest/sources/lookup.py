"""Papers by name: arXiv's query API for arXiv ids, Crossref for DOIs. Sans-I/O, like a source.

What is looked up was named by a reader, and is no news: it is announced as a replacement, which
stores the paper for its page, the search and the community list, and brings it into nobody's
digest or feed. Being announced by a source, or featured by curators (`picked`), does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from digest.editions import FIRST_DAY
from digest.errors import ListingUnreadable
from digest.merging import arxiv_id, canonical_doi, doi_url
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
from digest.parsing import find_links, safe_url
from digest.sources import _arxiv as arxiv
from digest.sources import _json
from digest.sources.arxiv_api import ArxivApi
from digest.text import clean, html_to_text, latex_to_text

COMMUNITY = "community"
SUBMITTED = "submitted"
PICKED = "picked"
IDS_A_REQUEST = 50
MOST_AUTHORS = 5_000
FEWEST_LETTERS = 3

_YEARS = range(1600, 2200)
_HEADING = re.compile(r"\s*<jats:title>\s*(?:abstract|summary)[.:]?\s*</jats:title>", re.IGNORECASE)

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Asks for papers by their keys, `arxiv:…` and `doi:…`; other keys are passed over.

    Up to 50 arXiv ids go into one request (https://info.arxiv.org/help/api/user-manual.html,
    id_list), DOIs one each (https://api.crossref.org, /works/{doi}).
    """

    name: str = COMMUNITY
    arxiv: str = "https://export.arxiv.org/api/query"
    crossref: str = "https://api.crossref.org/works/"

    def requests(self, keys: Iterable[str]) -> list[tuple[Request, tuple[str, ...]]]:
        """The requests that look these papers up, each with the keys it asks for."""
        distinct = tuple(dict.fromkeys(keys))
        ids = [each for each in distinct if each.startswith("arxiv:")]
        dois = [each for each in distinct if each.startswith("doi:")]
        groups = (
            tuple(ids[start : start + IDS_A_REQUEST]) for start in range(0, len(ids), IDS_A_REQUEST)
        )
        return [
            *((self._of_arxiv(group), group) for group in groups),
            *((self._of_crossref(doi), (doi,)) for doi in dois),
        ]

    def parse(self, listing: Listing) -> Harvest:
        """The papers in an answer; raises ListingUnreadable when nothing can be made of it."""
        if listing.url.startswith(self.crossref):
            return self._read_crossref(listing)
        found = ArxivApi(name=self.name).parse(replace(listing, place=""))
        return replace(found, items=tuple(self._item(each.paper, listing) for each in found.items))

    def _of_arxiv(self, keys: Sequence[str]) -> Request:
        ids = ",".join(each.removeprefix("arxiv:") for each in keys)
        query = urlencode({"id_list": ids, "max_results": IDS_A_REQUEST}, safe=",/")
        return Request(
            source=self.name,
            url=f"{self.arxiv}?{query}",
            place=f"{len(keys)} from arXiv",
            poll=False,
            accept="application/atom+xml",
        )

    def _of_crossref(self, key: str) -> Request:
        return Request(
            source=self.name,
            url=f"{self.crossref}{quote(key.removeprefix('doi:'), safe='')}",
            place=key,
            poll=False,
            accept="application/json",
        )

    def _read_crossref(self, listing: Listing) -> Harvest:
        content = _json.content_of(listing)
        record = content.get("message") if isinstance(content, Mapping) else None
        if not isinstance(record, Mapping):
            raise ListingUnreadable("The answer is no record of a work.", subject=listing.url)
        read = read_work(record)
        if isinstance(read, Paper):
            return Harvest(items=(self._item(read, listing),))
        return Harvest(
            problems=(Problem(source=self.name, place=listing.place or listing.url, cause=read),)
        )

    def _item(self, paper: Paper, listing: Listing) -> Item:
        at = listing.fetched_at or paper.updated or paper.published or FIRST_DAY
        return Item(
            paper=paper,
            announcement=Announcement(
                paper_id=paper.id,
                source=self.name,
                feed=SUBMITTED,
                day=at.date(),
                type=AnnounceType.REPLACE,
                version=paper.version,
                seen_at=at,
            ),
        )


def picked(paper: Paper, now: datetime) -> Item:
    """A paper that curators featured, as news of today: from here on digests and feeds have it."""
    return Item(
        paper=paper,
        announcement=Announcement(
            paper_id=paper.id,
            source=COMMUNITY,
            feed=PICKED,
            day=now.date(),
            type=AnnounceType.NEW,
            version=paper.version,
            seen_at=now,
        ),
    )


def read_work(record: Record) -> Paper | str:
    """The paper in one of Crossref's records, or why there is none.

    https://github.com/CrossRef/rest-api-doc/blob/master/api_format.md; abstracts come as JATS.
    """
    doi = canonical_doi(_json.text(record, "DOI"))
    if not doi:
        return "a record without a DOI"
    title = _title(record)
    # Some publishers register the DOI as the title.
    if sum(map(str.isalpha, title)) < FEWEST_LETTERS or doi in title.casefold():
        return f"{doi} has no title"
    abstract = _abstract(record)
    page = doi_url(doi)
    return Paper(
        id=f"doi:{doi}",
        title=title,
        abstract=abstract,
        authors=_authors(record.get("author")),
        published=_moment(record, "published", "posted", "issued", "created"),
        url=page,
        doi=doi,
        journal_ref=_journal(record),
        licence=next(
            (
                safe_url(url)
                for each in _records(record, "license")
                if (url := _json.text(each, "URL"))
            ),
            "",
        ),
        links=arxiv.distinct(
            (Link(kind=LinkKind.ABSTRACT, url=page), *find_links(abstract)),
        ),
        identifiers=tuple(dict.fromkeys((f"doi:{doi}", *_other_names(record)))),
    )


def _title(record: Record) -> str:
    title = _first(record, "title")
    subtitle = _first(record, "subtitle")
    whole = f"{title}: {subtitle}" if subtitle and subtitle not in title else title
    return latex_to_text(html_to_text(whole))


def _abstract(record: Record) -> str:
    """The abstract without the heading that JATS puts into it."""
    return latex_to_text(html_to_text(_HEADING.sub("", _json.text(record, "abstract"), count=1)))


def _authors(given: object) -> tuple[str, ...]:
    """Names, given name first; a group has one `name`."""
    people = given if isinstance(given, list) else []
    names = (
        _json.text(each, "name") or f"{_json.text(each, 'given')} {_json.text(each, 'family')}"
        for each in people[:MOST_AUTHORS]
        if isinstance(each, Mapping)
    )
    return tuple(name for each in names if (name := clean(html_to_text(each))))


def _journal(record: Record) -> str:
    """`Journal 12(3), 45 (2026)`, as far as it is known."""
    journal = clean(html_to_text(_first(record, "container-title")))
    if not journal:
        return ""
    volume, issue = _json.text(record, "volume"), _json.text(record, "issue")
    page = _json.text(record, "page") or _json.text(record, "article-number")
    at = _moment(record, "issued", "published")
    numbers = f"{volume}({issue})" if volume and issue else volume
    place = ", ".join(filter(None, (f"{journal} {numbers}".strip(), page)))
    return clean(f"{place} ({at.year})" if at else place)


def _moment(record: Record, *names: str) -> datetime | None:
    """The first date that is given, to the day; a missing month or day is the first."""
    for name in names:
        parts = next(iter(_list(_record(record, name), "date-parts")), None)
        numbers = (
            [each for each in parts if isinstance(each, int)] if isinstance(parts, list) else []
        )
        if not numbers:
            continue
        year, month, day = (*numbers, 1, 1)[:3]
        try:
            return datetime(year, month, day, tzinfo=UTC) if year in _YEARS else None
        except (ValueError, OverflowError):
            continue
    return None


def _other_names(record: Record) -> Iterable[str]:
    """Keys of the same work as a preprint or as published, where the record names them."""
    related = _record(record, "relation")
    for name in ("has-preprint", "is-preprint-of"):
        for each in _records(related, name):
            found = _json.text(each, "id")
            if known := arxiv_id(found):
                yield f"arxiv:{known[0]}"
            elif doi := canonical_doi(found):
                yield f"doi:{doi}"


def _first(record: Record, name: str) -> str:
    return next((each for each in _list(record, name) if isinstance(each, str)), "")


def _list(record: Record, name: str) -> Sequence[object]:
    value = record.get(name)
    return value if isinstance(value, list) else ()


def _record(record: Record, name: str) -> Record:
    value = record.get(name)
    return value if isinstance(value, Mapping) else {}


def _records(record: Record, name: str) -> list[Record]:
    return [each for each in _list(record, name) if isinstance(each, Mapping)]
