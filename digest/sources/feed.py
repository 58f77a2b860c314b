"""Any RSS, Atom or JSON feed whose entries are papers: a journal's, a lab's, a blog's."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from digest.errors import ConfigError
from digest.merging import (
    ARCHIVES,
    arxiv_id,
    canonical_doi,
    title_key,
    url_key,
)
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
from digest.parsing import Entry, Feed, find_links, parse_feed, safe_url
from digest.sources import _options
from digest.sources._reading import abstract_in, is_cut_short
from digest.text import (
    authors_in_elements,
    clean,
    fold,
    latex_to_text,
    truncate,
)

MAX_ABSTRACT = 20_000
_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9,"
    " application/json;q=0.8, */*;q=0.1"
)
_CATEGORY = re.compile(r"([a-z-]+)\.[A-Za-z]{2}(?:-[a-z]{2,4})?|([a-z]+-[a-z]+)")
# The shortest summary taken in place of a content that frames it, and the longest such frame.
_MIN_SUMMARY = 40
_MAX_FRAME = 400
# Publishers' pages with the DOI in their path: /doi/full/…, /content/…v2, /articles/…
_DOI_IN_PATH = re.compile(
    r"(?:/(?:doi|content|articles?)/(?:(?:abs|e?pdf|full|epub)/)?|//link\.springer\.com/(?:\w+/)?)"
    r"(10\.\d{4,9}/[^?#]+)"
)
# What may follow the DOI there: a version, a part of the page, a number of Oxford's own.
_DOI_TAIL = re.compile(
    r"v\d+(?:\.[a-z.-]+)?$|/(?:full|fulltext(?:\.html)?|abstract|meta|pdf|html|comments)$"
    r"|/(?:figures|tables)/\d+$|^(10\.1093/[^/]+/[^/]+)/\d{6,}$"
)
# What Nature, ScienceDirect (which has no author elements) and APS put before or in place of the
# abstract.
# Names begin with an upper-case letter, perhaps after `van der`.
_BREAK = r"(?:</p>|<br ?/?>)\s*(?:<p>)?"
_TEXT = r"(?:[^<]|</?(?:i|em|b|sub|sup)>)"
_PREAMBLE = re.compile(
    r"\A\s*(?:<p>[^<]{0,200}, Published online: [^<]{0,40}<a [^<>]{0,300}>doi:[^<]{0,200}</a></p>)?"
    rf"(?:<p>)?(?:Publication date:{_TEXT}{{0,300}}{_BREAK}"
    rf"(?:<b>Source:</b>{_TEXT}{{0,300}}{_BREAK}|(?=Author\(s\):)))?\s*"
    rf"(?:Author\(s\):\s*(?P<authors>(?:[a-z]+['’ ]){{0,3}}&?[^\W\d_a-z]{_TEXT}*)?{_BREAK})?"
)
# The journal's citation before an abstract or alone: of Science, PNAS, ACM, Wiley, Sage, Taylor &
# Francis (all by Atypon); of MDPI; of ACS. Then PLOS's line of authors.
_CITED = re.compile(
    r"\A\s*(?:"
    r"(?:[^<]{1,200}, )?(?:Volume \d+, Issue [\w–-]{1,12}, [^<]{1,100}|Ahead of Print|EarlyView)\.?\s*"
    r"(?:<br ?/?>[\s.]*(?:<br ?/?>)?|\Z)"
    rf"|<p><b>{_TEXT}{{1,100}}, Vol\. \d+, Pages? {_TEXT}{{1,800}}</b></p>\s*"
    r"<p>[^<]{0,100}<a [^<>]{0,300}>doi:[^<]{0,200}</a></p>\s*(?:<p>\s*Authors:[^<]*</p>)?"
    r"|(?:<p><img [^<>]{0,500}></p>)?\s*<div><cite>[^<]{1,200}</cite></div>\s*<div>DOI:[^<]{1,200}</div>"
    r"|<p>by [^\W\d_a-z][^<]*</p>"
    r")"
)
# What ACS, HAL and MDPI put before a title.
_TITLE_MARK = re.compile(
    r"\A(?:\[(?:ASAP|[a-z]+-\d{6,9})\]\s+|[^:,]{1,100}, Vol\. \d+, Pages? [\w–-]{1,20}: )"
)
# What APS puts after it.
_CITATION = re.compile(r"\[[^\[\]<>]{3,100}\] Published \w{3} \w{3} \d\d?, \d{4}(?:</p>)?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSource:
    """The entries of one feed, announced as new on the day of their publication.

    Every paper gets `categories`, and those of its own terms that are arXiv categories. `title`
    is the feed's name in announcements (by default the source's name).
    """

    name: str = "feed"
    url: str
    categories: tuple[str, ...] = ()
    title: str = ""

    def __post_init__(self) -> None:
        """Check what config gave; raises ConfigError."""
        url: object = self.url
        if not isinstance(url, str) or not safe_url(url):
            raise ConfigError(
                f"sources.{self.name}: url = {url!r} is not an http or https address.",
                subject=self.name,
            )
        categories = _options.names(
            self.categories, source=self.name, key="categories", like="cs.LG", valid=bool
        )
        object.__setattr__(self, "categories", categories)

    def requests(self, cursor: str | None, now: datetime) -> Sequence[Request]:  # noqa: ARG002 - the port's signature; a feed needs neither
        """One poll of the feed."""
        return [Request(source=self.name, url=self.url, place=self.title, accept=_ACCEPT)]

    def parse(self, listing: Listing) -> Harvest:
        """Read the feed; an entry without title or without any date becomes a problem.

        So does an entry that names the same paper as an earlier one but differs from it. An
        unreadable date is a problem, too, but its entry is read as if it had none.
        Raises ListingUnreadable when it is not a feed, or nothing of it can be read.
        """
        feed = parse_feed(listing.body, media_type=listing.media_type, url=listing.url or self.url)
        problems = [
            Problem(source=self.name, place=place, cause=cause) for place, cause in feed.problems
        ]
        items: dict[str, tuple[int, Item]] = {}
        otherwise = feed.built_at or feed.published_at or _newest(feed)
        shared = self._shared(feed.entries)
        for number, entry in enumerate(feed.entries, 1):
            item = self._item(entry, shared, listing.fetched_at, otherwise)
            causes = [_unread(entry.unread_date)] if entry.unread_date else []
            if isinstance(item, Item):
                first, known = items.setdefault(item.paper.id, (number, item))
                causes += [] if item == known else [f"names the same paper as entry {first}"]
            else:
                causes.append(item)
            place = f"entry {number}"
            problems += [Problem(source=self.name, place=place, cause=cause) for cause in causes]
        return Harvest(
            items=tuple(item for _, item in items.values()),
            problems=tuple(problems),
            built_at=feed.built_at or feed.published_at,
            ttl=feed.ttl,
            has_backlog=True,
            cut_short=is_cut_short(feed, listing),
        )

    def _item(
        self,
        entry: Entry,
        shared: frozenset[str],
        fetched_at: datetime | None,
        otherwise: datetime | None,
    ) -> Item | str:
        """The item of an entry, or what is wrong with it."""
        if not entry.title:
            return "no title"
        if not entry.link and not entry.id:
            return "neither link nor id"
        published = entry.published_at or entry.updated_at
        seen_at = fetched_at or otherwise or published
        if seen_at is None:
            return "no date anywhere; say with --at when the file was fetched"
        paper = self._paper(entry, shared)
        announcement = Announcement(
            paper_id=paper.id,
            source=self.name,
            feed=self.title or self.name,
            day=(published or otherwise or seen_at).date(),
            type=AnnounceType.NEW,
            seen_at=seen_at,
        )
        return Item(paper=paper, announcement=announcement)

    def _paper(self, entry: Entry, shared: frozenset[str]) -> Paper:
        keys = self._keys(entry, shared)
        title = latex_to_text(_TITLE_MARK.sub("", entry.title, count=1))
        abstract = truncate(_abstract(entry), MAX_ABSTRACT)
        authors = _authors(entry)
        page = (Link(kind=LinkKind.ABSTRACT, url=entry.link),) if entry.link else ()
        own = tuple(term for term in entry.categories if _is_category(term))
        doi = next((key.partition(":")[2] for key in keys if key.startswith("doi:")), "")
        return Paper(
            id=keys[0],
            title=title,
            abstract=abstract,
            authors=authors,
            categories=tuple(dict.fromkeys((*self.categories, *own))),
            published=entry.published_at or entry.updated_at,
            updated=entry.updated_at or entry.published_at,
            url=entry.link,
            doi=doi,
            licence=safe_url(entry.extra.get("license", "") or entry.extra.get("rights", "")),
            links=page + find_links(abstract),
            identifiers=tuple(filter(None, (*keys, title_key(title, authors)))),
        )

    def _keys(self, entry: Entry, shared: frozenset[str]) -> tuple[str, ...]:
        """The keys of the paper, strongest first: arXiv id, DOI, page, guid."""
        named = (entry.doi, *entry.identifiers, entry.id, entry.link)
        arxiv = next((found[0] for each in named if (found := arxiv_id(each))), "")
        doi = next(filter(None, map(canonical_doi, named)), "") or _doi_of_page(entry.link)
        page, guid = _page_key(entry), self._guid_key(entry)
        keys = [f"arxiv:{arxiv}"] if arxiv else []
        if doi:
            keys.append(f"doi:{doi}")
        keys += [key for key in (page, guid) if key and key not in shared]
        return tuple(keys) or (guid or page,)

    def _shared(self, entries: Sequence[Entry]) -> frozenset[str]:
        """Keys of pages and guids that several entries have, and that so identify none.

        Examples are a table of contents, a list with anchors, a guid that all entries share.
        """
        beside: defaultdict[str, set[str]] = defaultdict(set)
        for entry in entries:
            page, guid = _page_key(entry), self._guid_key(entry)
            if page and guid:
                beside[page].add(guid)
                beside[guid].add(page)
        return frozenset(key for key, others in beside.items() if len(others) > 1)

    def _guid_key(self, entry: Entry) -> str:
        """The key of the entry's guid (which is unique within this feed only) or of its anchor.

        A guid that is not an address may only number the places on a page, which other papers
        take the next time; the key is then made of page and title.
        """
        guid = entry.id or entry.link.partition("#")[2]
        if not guid:
            return ""
        if entry.link and (":" not in guid or "#" in guid):
            guid = f"{_page_key(entry)}\n{fold(entry.title)}"
        digest = hashlib.sha256(f"{self.url}\n{guid}".encode("utf-8", "replace")).hexdigest()
        return f"url:{digest[:20]}"


def _page_key(entry: Entry) -> str:
    return url_key(entry.link) if entry.link else ""


def _doi_of_page(link: str) -> str:
    match = _DOI_IN_PATH.search(link)
    return canonical_doi(_DOI_TAIL.sub(r"\1", unquote(match[1]))) if match else ""


def _unread(date: str) -> str:
    return f"a date that cannot be read: {truncate(clean(date), 60)}"


def _abstract(entry: Entry) -> str:
    """The longer of summary and content, since a summary is often the content's first lines.

    The summary, if the content only frames it, as PubMed's does with citation and ids.
    """
    summary, content = (
        abstract_in(_CITATION.sub("", _PREAMBLE.sub("", _CITED.sub("", each.rstrip()))))
        for each in (entry.summary, entry.content)
    )
    is_framed = content.find(summary) > 0 and len(content) - len(summary) <= _MAX_FRAME
    if is_framed and len(summary) >= _MIN_SUMMARY:
        return summary
    return max(summary, content, key=len)


def _authors(entry: Entry) -> tuple[str, ...]:
    """The names in the author elements; if there are none, those in the summary."""
    preamble = None if entry.authors else _PREAMBLE.match(entry.summary)
    said = ((preamble["authors"] or ""),) if preamble else ()
    return authors_in_elements(entry.authors or said)


def _is_category(term: str) -> bool:
    match = _CATEGORY.fullmatch(term)
    return match is not None and (match[1] or match[2]) in ARCHIVES


def _newest(feed: Feed) -> datetime | None:
    dates = [
        each for entry in feed.entries for each in (entry.published_at, entry.updated_at) if each
    ]
    return max(dates, default=None)


SOURCE = FeedSource
