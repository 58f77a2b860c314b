"""Single papers by identifier: arXiv's query API for arXiv ids, Crossref for DOIs. Without I/O.

A paper that a reader names need not be new. It is announced as a replacement, so that it is
stored for its page, the search and the community list but enters no digest or feed. That takes
an announcement by a source, or by curators who feature it (`picked`).
"""

from __future__ import annotations

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
from digest.sources._json import Record
from digest.sources._reading import abstract_in
from digest.sources.arxiv_api import ArxivApi
from digest.text import clean, html_to_text, latex_to_text

COMMUNITY = "community"
SUBMITTED = "submitted"
PICKED = "picked"
IDS_A_REQUEST = 50
MOST_AUTHORS = 5_000
FEWEST_LETTERS = 3

_YEARS = range(1600, 2200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Looks up papers by their keys, `arxiv:…` and `doi:…`; other keys are ignored.

    One request has up to 50 arXiv ids (https://info.arxiv.org/help/api/user-manual.html,
    id_list) or one DOI (https://api.crossref.org, /works/{doi}).
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
        """The papers in an answer; raises ListingUnreadable when it cannot be read."""
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
        place = listing.place or listing.url
        return Harvest(problems=(Problem(source=self.name, place=place, cause=read),))

    def _item(self, paper: Paper, listing: Listing) -> Item:
        at = listing.fetched_at or paper.updated or paper.published or FIRST_DAY
        return _announced(paper, self.name, SUBMITTED, AnnounceType.REPLACE, at)


def picked(paper: Paper, now: datetime) -> Item:
    """A paper that curators featured, announced as new today for digests and feeds to take up."""
    return _announced(paper, COMMUNITY, PICKED, AnnounceType.NEW, now)


def _announced(
    paper: Paper, source: str, feed: str, announce_type: AnnounceType, at: datetime
) -> Item:
    return Item(
        paper=paper,
        announcement=Announcement(
            paper_id=paper.id,
            source=source,
            feed=feed,
            day=at.date(),
            type=announce_type,
            version=paper.version,
            seen_at=at,
        ),
    )


def read_work(record: Record) -> Paper | str:
    """The paper in a record of Crossref's, or why there is none; abstracts are JATS XML.

    https://github.com/CrossRef/rest-api-doc/blob/master/api_format.md
    """
    doi = canonical_doi(_json.text(record, "DOI"))
    if not doi:
        return "a record without a DOI"
    title = _title(record)
    # Some publishers register the DOI as the title.
    if sum(map(str.isalpha, title)) < FEWEST_LETTERS or doi in title.casefold():
        return f"{doi} has no title"
    abstract = abstract_in(_json.text(record, "abstract"))
    page = doi_url(doi)
    licences = (safe_url(_json.text(each, "URL")) for each in _json.records(record, "license"))
    return Paper(
        id=f"doi:{doi}",
        title=title,
        abstract=abstract,
        authors=_authors(record),
        published=_moment(record, "published", "posted", "issued", "created"),
        url=page,
        doi=doi,
        journal_ref=_journal(record),
        licence=next(filter(None, licences), ""),
        links=arxiv.distinct((Link(kind=LinkKind.ABSTRACT, url=page), *find_links(abstract))),
        identifiers=tuple(dict.fromkeys((f"doi:{doi}", *_other_names(record)))),
    )


def _title(record: Record) -> str:
    title = _first(record, "title")
    subtitle = _first(record, "subtitle")
    whole = f"{title}: {subtitle}" if subtitle and subtitle not in title else title
    return latex_to_text(html_to_text(whole))


def _authors(record: Record) -> tuple[str, ...]:
    """Names, given name first; a group has one `name`."""
    names = (
        _json.text(each, "name") or f"{_json.text(each, 'given')} {_json.text(each, 'family')}"
        for each in _json.records(record, "author")[:MOST_AUTHORS]
    )
    return tuple(name for each in names if (name := clean(html_to_text(each))))


def _journal(record: Record) -> str:
    """`Journal 12(3), 45 (2026)`, or as much of it as is known."""
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
    """The first of these dates that is given; a missing month or day is the first."""
    for name in names:
        parts = next(iter(_json.sequence(_json.mapping(record.get(name)), "date-parts")), None)
        numbers = [n for n in parts if isinstance(n, int)] if isinstance(parts, list) else []
        if not numbers:
            continue
        year, month, day = (*numbers, 1, 1)[:3]
        try:
            return datetime(year, month, day, tzinfo=UTC) if year in _YEARS else None
        except (ValueError, OverflowError):
            continue
    return None


def _other_names(record: Record) -> Iterable[str]:
    """Keys of the same work as a preprint or as published, where the record has them."""
    related = _json.mapping(record.get("relation"))
    for name in ("has-preprint", "is-preprint-of"):
        for each in _json.records(related, name):
            found = _json.text(each, "id")
            if known := arxiv_id(found):
                yield f"arxiv:{known[0]}"
            elif doi := canonical_doi(found):
                yield f"doi:{doi}"


def _first(record: Record, name: str) -> str:
    return next((each for each in _json.sequence(record, name) if isinstance(each, str)), "")
