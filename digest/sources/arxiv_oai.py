"""arXiv's OAI-PMH interface: all records changed since a day, to find what the RSS missed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

from digest.errors import ListingUnreadable
from digest.model import Announcement, AnnounceType, Harvest, Item, Listing, Problem, Request
from digest.parsing import Element, xml_root
from digest.sources import _arxiv as arxiv
from digest.sources import _json, _options
from digest.sources._reading import refusal, sort_out
from digest.text import latex_to_text

NEW_WITHIN = timedelta(days=7)
MOST_PAGES = 500

_SET = re.compile(r"[A-Za-z-]+(:[A-Za-z-]+)*", re.ASCII)
_PLACE = re.compile(
    r"(?P<set>\S+) from (?P<since>\d{4}-\d{2}-\d{2})(, page (?P<page>\d{1,4}))?(?P<again>, again)?",
    re.ASCII,
)
_AGAIN = ", again"
_NAME_PARTS = ("forenames", "keyname", "suffix")
_GROUPS = frozenset(("cs", "econ", "eess", "math", "q-bio", "q-fin", "stat"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ArxivOai:
    """All records of some sets that changed since the last complete run.

    `sets` are OAI sets (`cs`, `physics:hep-th`), by default those that hold `categories`. Sets
    are broad: where `categories` are given, only papers in one of them are kept. A record's
    datestamp is the day of its last change; that of a new paper is the UTC day of its first
    list. Guide: https://info.arxiv.org/help/oa/index.html
    """

    name: str = "arxiv-oai"
    sets: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    url: str = "https://oaipmh.arxiv.org/oai"

    def __post_init__(self) -> None:
        """Check what config gave; raises ConfigError."""
        categories = arxiv.checked_categories(self.categories, source=self.name)
        object.__setattr__(self, "categories", categories)
        sets = _options.names(
            self.sets,
            source=self.name,
            key="sets",
            like="cs or physics:hep-th",
            valid=_SET.fullmatch,
        )
        object.__setattr__(self, "sets", sets or _sets(categories))

    def requests(self, cursor: str | None, now: datetime) -> Sequence[Request]:
        """The first page of every set, from the day of the last answer, or from yesterday.

        `until` is never given: arXiv asks harvesters to use `from` alone.
        """
        yesterday = now.astimezone(UTC).date() - timedelta(days=1)
        since = _json.day(_json.text(_json.kept(cursor), "from")) or yesterday
        return [self._first(each, since) for each in self.sets]

    def parse(self, listing: Listing) -> Harvest:
        """Read one page; raises ListingUnreadable with the server's own words for an error."""
        root = xml_root(listing.body, media_type=listing.media_type, subject=listing.url)
        if arxiv.local_name(root) not in ("OAI-PMH", "record"):
            raise ListingUnreadable("The answer is XML, but not OAI-PMH.", subject=listing.url)
        answered = arxiv.read_moment(arxiv.child_text(root, "responseDate"))
        error = arxiv.child(root, "error")
        if error is not None:
            return self._on_error(error, listing, answered)
        records, token = _records(root)
        items, problems = sort_out(
            (self._item(record, listing) for record in records), source=self.name, called="record"
        )
        more, trouble = self._next(listing, token)
        if trouble:
            problems.append(Problem(source=self.name, place=listing.place, cause=trouble))
        return Harvest(
            items=tuple(items),
            problems=tuple(problems),
            more=more,
            cursor=_cursor(listing, answered),
            built_at=answered,
        )

    def _first(self, name: str, since: date, *, again: bool = False) -> Request:
        query = {"verb": "ListRecords", "metadataPrefix": "arXiv", "set": name, "from": str(since)}
        return self._request(query, f"{name} from {since}{_AGAIN if again else ''}")

    def _request(self, query: Mapping[str, str], place: str) -> Request:
        return Request(
            source=self.name,
            url=f"{self.url}?{urlencode(query)}",
            place=place,
            poll=False,
            accept="text/xml",
        )

    def _on_error(self, error: Element, listing: Listing, answered: datetime | None) -> Harvest:
        """What follows from an error (OAI-PMH 2.0 §3.6); two of its codes are no failure."""
        code = error.get("code") or ""
        if code == "noRecordsMatch":
            return Harvest(cursor=_cursor(listing, answered), built_at=answered)
        place = _PLACE.fullmatch(listing.place)
        since = _json.day(place["since"]) if place else None
        if code == "badResumptionToken" and place and since and not place["again"]:
            cause = "the resumption token was refused; the set is read again from its start"
            return Harvest(
                problems=(Problem(source=self.name, place=listing.place, cause=cause),),
                more=(self._first(place["set"], since, again=True),),
                built_at=answered,
            )
        raise refusal("arXiv", f"{code} {arxiv.text_of(error)}", listing)

    def _next(self, listing: Listing, token: str) -> tuple[tuple[Request, ...], str]:
        """The request that a resumption token leads to, and what is wrong with the token."""
        place = _PLACE.fullmatch(listing.place)
        if not token or place is None:
            return (), ""
        page = int(place["page"] or 1) + 1
        if token == _asked_token(listing) or page > MOST_PAGES:
            return (), "the resumption token leads in a circle; the rest is missing"
        label = f"{place['set']} from {place['since']}, page {page}{place['again'] or ''}"
        return (self._request({"verb": "ListRecords", "resumptionToken": token}, label),), ""

    def _item(self, record: Element, listing: Listing) -> Item | str | None:
        """The item of one record, why there is none, or None for a paper that nobody asked for."""
        header = arxiv.child(record, "header")
        found = arxiv.read_id(arxiv.child_text(header, "identifier"))
        metadata = arxiv.child(arxiv.child(record, "metadata"), "arXiv")
        if found is None:
            return "a record without an arXiv id"
        if metadata is None:
            deleted = header is not None and header.get("status") == "deleted"
            return f"{found[0]} " + ("was withdrawn" if deleted else "has no metadata we can read")
        fields = arxiv.fields(metadata)
        categories = tuple(filter(arxiv.is_category, fields.get("categories", "").split()))
        if not arxiv.in_categories(categories, self.categories):
            return None
        stamped = arxiv.read_moment(arxiv.child_text(header, "datestamp"))
        if stamped is None:
            return f"{found[0]} has no datestamp"
        item = self._read(metadata, fields, found[0], categories, stamped.date(), listing)
        return item if item.paper.title else f"{found[0]} has no title"

    def _read(
        self,
        metadata: Element,
        fields: Mapping[str, str],
        base: str,
        categories: tuple[str, ...],
        stamped: date,
        listing: Listing,
    ) -> Item:
        created = arxiv.read_moment(fields.get("created", ""))
        updated = arxiv.read_moment(fields.get("updated", ""))
        # This format has no version number; an updated paper is at version 2 or later.
        version = 2 if updated else 1
        paper = arxiv.to_paper(
            arxiv.Record(
                base=base,
                version=version,
                title=fields.get("title", ""),
                abstract=fields.get("abstract", ""),
                authors=_authors(arxiv.child(metadata, "authors")),
                categories=categories,
                published=created,
                updated=updated,
                dois=fields.get("doi", ""),
                journal_ref=fields.get("journal-ref", ""),
                comment=fields.get("comments", ""),
                licence=fields.get("license", ""),
            )
        )
        is_new = created is not None and stamped - created.date() <= NEW_WITHIN
        listed = arxiv.midnight(stamped)
        announcement = Announcement(
            paper_id=paper.id,
            source=self.name,
            feed=categories[0] if categories else self.name,
            day=stamped,
            type=AnnounceType.NEW if is_new else AnnounceType.REPLACE,
            version=version,
            seen_at=min(listed, listing.fetched_at or listed),
        )
        return Item(paper=paper, announcement=announcement)


def _records(root: Element) -> tuple[list[Element], str]:
    """The records of an answer to ListRecords or GetRecord, and the resumption token."""
    if arxiv.local_name(root) == "record":
        return [root], ""
    bodies = [*arxiv.children(root, "ListRecords"), *arxiv.children(root, "GetRecord")]
    records = [record for body in bodies for record in arxiv.children(body, "record")]
    tokens = [arxiv.child_text(body, "resumptionToken") for body in bodies]
    return records, next(filter(None, tokens), "")


def _authors(authors: Element | None) -> tuple[str, ...]:
    names = (
        " ".join(arxiv.child_text(each, part) for part in _NAME_PARTS)
        for each in arxiv.children(authors, "author")
    )
    return tuple(filter(None, map(latex_to_text, names)))


def _cursor(listing: Listing, answered: datetime | None) -> str | None:
    """The next run's start, from a set's first page: changes made while we read come next time."""
    if answered is None or ", page " in listing.place:
        return None
    return json.dumps({"from": answered.date().isoformat()})


def _asked_token(listing: Listing) -> str:
    return parse_qs(urlsplit(listing.url).query).get("resumptionToken", [""])[0]


def _sets(categories: Sequence[str]) -> tuple[str, ...]:
    """The smallest sets that hold the categories: their groups, and in physics their archives."""
    archives = [each.partition(".")[0] for each in categories]
    return tuple(
        dict.fromkeys(
            archive if archive in _GROUPS else f"physics:{archive}" for archive in archives
        )
    )


SOURCE = ArxivOai
