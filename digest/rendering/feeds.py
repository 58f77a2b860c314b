"""Feeds of papers in RSS 2.0, Atom (RFC 4287) and JSON Feed 1.1, as bytes.

All three have the same entries with the same permanent ids. The same arguments give the same
bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import format_datetime
from xml.sax.saxutils import quoteattr

from digest.errors import InvalidInput
from digest.model import Site, Value
from digest.rendering import links
from digest.rendering.feed_items import (
    EPOCH,
    MAX_ABSTRACT,
    FeedEntry,
    FeedItem,
    authority,
    items_of,
    legible,
    plain,
    stamp,
    tag,
)
from digest.text import truncate

__all__ = ["FORMATS", "FeedEntry", "FeedInfo", "Page", "document"]

FORMATS = {
    "rss": "application/rss+xml",
    "atom": "application/atom+xml",
    "json": "application/feed+json",
}
TTL = 60
MAX_BYTES = 4_900_000
"""The W3C validator reads at most 5 MB of a document."""

SHORTER = (MAX_ABSTRACT, 600, 150, 0)
MAX_SUMMARY = 300
DOCS = "https://www.rssboard.org/rss-specification"
LONGEST_SLUG = 200

_SLUG = re.compile(r"(?:mine/)?[A-Za-z0-9_][A-Za-z0-9._-]*")
_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
_INDEXING = ' xmlns:indexing="urn:atom-extension:indexing" indexing:index="no"'


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedInfo(Value):
    """A feed's title and its address: `feeds/<slug>.<rss|atom|json>`.

    `home_page` is the web page with the same papers (default: the front page). A `private` feed
    asks not to be indexed and has no archive. The feed of a search is at `search.<ending>` with
    its `query` string. Raises InvalidInput for a slug that could not be a file name; `links.slug`
    makes one from a topic id.
    """

    slug: str
    title: str
    description: str = ""
    private: bool = False
    home_page: str = ""
    query: str = ""

    def __post_init__(self) -> None:
        if len(self.slug) > LONGEST_SLUG or not _SLUG.fullmatch(self.slug):
            msg = "A feed's slug is made of letters, digits, dots, dashes and underscores."
            raise InvalidInput(msg, subject="" if self.private else self.slug)

    def path(self, kind: str, day: date | None = None) -> str:
        """The path of a document of this feed: the current one, or the archive of a day."""
        if self.query:  # search.json is the search itself, for programs
            return f"search.{'feed.json' if kind == 'json' else kind}?{self.query}"
        return f"feeds/{self.slug}{f'/{day}' if day else ''}.{kind}"

    def url(self, site: Site, kind: str, day: date | None = None) -> str:
        """The address of the same document; "" if the site has no address."""
        return site.url and f"{site.url}/{self.path(kind, day)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Value):
    """Which document of a feed: the current one or, with `day`, the archive of that day.

    `previous` is the last earlier day that has an archive (RFC 5005 §4). There is no link to the
    next one, so that an archive never changes. `hub` is the address of a WebSub hub.
    """

    day: date | None = None
    previous: date | None = None
    hub: str = ""


CURRENT = Page()


def document(
    kind: str,
    info: FeedInfo,
    entries: Sequence[FeedEntry],
    site: Site,
    *,
    page: Page = CURRENT,
) -> bytes:
    """One document (`kind` is a key of FORMATS), with shorter abstracts if it is over MAX_BYTES."""
    body = b""
    for limit in SHORTER:
        items = items_of(entries, site, abstract=limit)
        body = _SERIALISERS[kind](_Head(info=info, site=site, page=page, kind=kind, items=items))
        if len(body) <= MAX_BYTES:
            break
    return body


def _rss(head: _Head) -> bytes:
    """RSS 2.0, following the RSS Advisory Board's profile."""
    lines = [
        (
            '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"'
            ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
            ' xmlns:fh="http://purl.org/syndication/history/1.0"'
            ' xmlns:sy="http://purl.org/rss/1.0/modules/syndication/">'
        ),
        f"<channel{_INDEXING if head.info.private else ''}>",
        f"<title>{plain(head.title)}</title>",
        f"<link>{plain(head.home)}</link>",
        f"<description>{plain(head.description)}</description>",
        *head.links("atom:link"),
        f"<language>{plain(head.site.language)}</language>",
        f"<lastBuildDate>{_rfc822(head.updated)}</lastBuildDate>",
        f"<docs>{DOCS}</docs>",
        "<generator>Digest</generator>",
    ]
    lines += head.archive
    if not head.page.day:
        lines += [
            f"<ttl>{TTL}</ttl>",
            "<sy:updatePeriod>hourly</sy:updatePeriod>",
            "<sy:updateFrequency>1</sy:updateFrequency>",
        ]
    lines += map(_rss_item, head.items)
    lines.append("</channel>\n</rss>\n")
    return (_DECLARATION + "\n".join(lines)).encode()


def _atom(head: _Head) -> bytes:
    """Atom (RFC 4287)."""
    lines = [
        (
            '<feed xmlns="http://www.w3.org/2005/Atom"'
            ' xmlns:fh="http://purl.org/syndication/history/1.0"'
            f" xml:lang={quoteattr(head.site.language)}{_INDEXING if head.info.private else ''}>"
        ),
        f"<id>{tag(authority(head.site), f'feed/{head.info.slug}')}</id>",
        f"<title>{plain(head.title)}</title>",
        f"<subtitle>{plain(head.description)}</subtitle>",
        _link("link", "alternate", head.home, "text/html"),
        *head.links("link"),
        f"<updated>{stamp(head.updated)}</updated>",
        f"<author><name>{plain(legible(head.site.name))}</name></author>",
        "<generator>Digest</generator>",
    ]
    lines += head.archive
    lines += map(_atom_entry, head.items)
    lines.append("</feed>\n")
    return (_DECLARATION + "\n".join(lines)).encode()


def _json_feed(head: _Head) -> bytes:
    """JSON Feed 1.1; `next_url` is the previous archive."""
    before = head.page.previous
    document: dict[str, object] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": head.title,
        "home_page_url": head.home,
        "feed_url": head.info.url(head.site, "json", head.page.day),
        "description": head.description,
        "next_url": head.info.url(head.site, "json", before) if before else "",
        "language": head.site.language,
        "hubs": [{"type": "WebSub", "url": head.page.hub}] if head.page.hub else [],
    }
    document = {key: value for key, value in document.items() if value}
    document["items"] = [_json_item(item) for item in head.items]
    return (json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


_SERIALISERS = {"rss": _rss, "atom": _atom, "json": _json_feed}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """What all formats print before the entries, and the entries."""

    info: FeedInfo
    site: Site
    page: Page
    kind: str
    items: Sequence[FeedItem]

    @property
    def name(self) -> str:
        return legible(self.info.title) or self.info.slug

    @property
    def title(self) -> str:
        return f"{self.name}, {self.page.day}" if self.page.day else self.name

    @property
    def description(self) -> str:
        return legible(self.info.description) or self.name

    @property
    def home(self) -> str:
        site = self.site
        return links.safe(self.info.home_page) or links.home(site) or f"http://{site.list_id}/"

    @property
    def updated(self) -> datetime:
        return max((item.updated for item in self.items), default=EPOCH)

    @property
    def archive(self) -> list[str]:
        # Not in the first archive: the W3C validator wants every archive to link to another.
        return ["<fh:archive/>"] if self.page.day and self.page.previous else []

    def links(self, element: str) -> Iterator[str]:
        info, page, kind = self.info, self.page, FORMATS[self.kind]
        if self.site.url:
            yield _link(element, "self", info.url(self.site, self.kind, page.day), kind)
            if page.day:
                yield _link(element, "current", info.url(self.site, self.kind), kind)
            if page.previous:
                address = info.url(self.site, self.kind, page.previous)
                yield _link(element, "prev-archive", address, kind)
        if page.hub:
            yield _link(element, "hub", page.hub, "")


def _link(element: str, rel: str, url: str, kind: str) -> str:
    media = f' type="{kind}"' if kind else ""
    return f'<{element} rel="{rel}"{media} href={quoteattr(url)}/>'


def _rss_item(item: FeedItem) -> str:
    parts = [
        f"<item>\n<title>{plain(item.title)}</title>",
        f"<link>{plain(item.url)}</link>" if item.url else "",
        f"<description><![CDATA[{item.html}]]></description>",
        f"<dc:creator>{plain(item.byline)}</dc:creator>" if item.byline else "",
        *(
            f"<category domain={quoteattr(scheme)}>{plain(term)}</category>"
            for term, scheme in item.categories
        ),
        f'<guid isPermaLink="false">{item.id}</guid>',
        f"<pubDate>{_rfc822(item.published)}</pubDate>",
        f"<atom:updated>{stamp(item.updated)}</atom:updated>\n</item>",
    ]
    return "\n".join(part for part in parts if part)


def _atom_entry(item: FeedItem) -> str:
    parts = [
        f"<entry>\n<id>{item.id}</id>",
        f"<title>{plain(item.title)}</title>",
        _link("link", "alternate", item.url, "text/html") if item.url else "",
        f"<published>{stamp(item.published)}</published>",
        f"<updated>{stamp(item.updated)}</updated>",
        *(
            f"<author><name>{plain(name.replace('@', ' at '))}</name></author>"
            for name in item.authors
        ),
        *(
            f"<category term={quoteattr(term)} scheme={quoteattr(scheme)}/>"
            for term, scheme in item.categories
        ),
        f"<summary>{plain(truncate(item.abstract, MAX_SUMMARY))}</summary>"
        if item.abstract
        else "",
        f'<content type="html"><![CDATA[{item.html}]]></content>\n</entry>',
    ]
    return "\n".join(part for part in parts if part)


def _json_item(item: FeedItem) -> dict[str, object]:
    entry: dict[str, object] = {
        "id": item.id,
        "url": item.url,
        "title": item.title,
        "content_html": item.html,
        "content_text": item.text,
        "date_published": stamp(item.published),
        "date_modified": stamp(item.updated),
        "authors": [{"name": name} for name in item.authors],
        "tags": [term for term, _ in item.categories],
        "_digest": item.extra,
    }
    return {key: value for key, value in entry.items() if value}


def _rfc822(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)
