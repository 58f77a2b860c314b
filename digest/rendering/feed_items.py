"""The entries of a feed, prepared for every format: id, dates, plain text and HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from urllib.parse import quote, urlsplit

from digest.merging import doi_url
from digest.model import AnnounceType, Paper, Pick, Site, Value, Voice
from digest.rendering import links
from digest.rendering.views import LABELS, reckoned
from digest.rendering.wording import count
from digest.text import clean, truncate

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
TAG_YEAR = 2026
MAX_AUTHORS = 30
MAX_TITLE = 500
MAX_ABSTRACT = 10_000
ARXIV_SCHEME = "http://arxiv.org/schemas/atom"

_ANSWERS = {
    "more": "More like this",
    "less": "Less like this",
    "save": "Save",
    "known": "Already knew it",
}
_ANNOUNCED = {
    AnnounceType.CROSS: "cross-listed",
    AnnounceType.REPLACE: "revised",
    AnnounceType.REPLACE_CROSS: "revised",
}
# Legal in XML 1.0, but noncharacters in Unicode and errors in HTML.
_NONCHARACTER = re.compile(
    f"[\ufdd0-\ufdef{''.join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF))}]"
)
_TAG_LIKE = re.compile(r"\s*<(?=[A-Za-z/!?])")
_NOT_A_HOST = re.compile(r"[^a-z0-9.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry(Value):
    """A paper in a feed: when it was first announced (`seen_at`), and when it last changed.

    A personal feed also has the reason (`because`), the `pick`, its `place` in the digest (from
    0), and in `answers` the address below which the reader answers it. `announce` is how the
    listing announced the paper, `voices` are those who submitted or curated it. With `upvotes`
    None, neither upvotes nor voices are in the data for programs.
    """

    paper: Paper
    seen_at: datetime
    updated: datetime
    because: str = ""
    pick: Pick | None = None
    place: int = 0
    announce: AnnounceType = AnnounceType.NEW
    upvotes: int | None = 0
    voices: tuple[Voice, ...] = ()
    answers: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedItem:
    """An entry as every format prints it; only `html` is escaped."""

    id: str
    url: str
    title: str
    authors: tuple[str, ...]
    byline: str
    categories: tuple[tuple[str, str], ...]
    abstract: str
    html: str
    text: str
    published: datetime
    updated: datetime
    extra: dict[str, object]


def items_of(
    entries: Sequence[FeedEntry], site: Site, *, abstract: int = MAX_ABSTRACT
) -> list[FeedItem]:
    """Entries ready to print, in the order given, with abstracts of at most `abstract` characters.

    The dates of an entry depend on that entry alone, because feed readers show an entry again
    when its `updated` changes. So entries announced together have the same dates (RFC 4287 allows
    it). In a digest each place counts as a second, so that sorting by date keeps the order.
    """
    owner = authority(site)
    return [_item(entry, site, owner, abstract) for entry in entries]


def authority(site: Site) -> str:
    """The site's host, for ids; its list id if it has no address."""
    try:
        host = urlsplit(site.url).hostname or ""
    except ValueError:
        host = ""
    names = (_NOT_A_HOST.sub("", name.lower()) for name in (host, site.list_id))
    return next(filter(None, names), "localhost")


def tag(authority: str, path: str) -> str:
    """A permanent tag: URI (RFC 4151), which does not depend on the site's scheme or port."""
    return f"tag:{authority},{TAG_YEAR}:{quote(path, safe='/:;@=-_.!~()')}"


def paper_tag(authority: str, paper_id: str) -> str:
    """A paper's id in all feeds and formats, without a version: `…:paper/arxiv/2501.00001`."""
    return tag(authority, f"paper/{paper_id.replace(':', '/', 1)}")


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def legible(s: str) -> str:
    """One line of text that reads the same as plain text and as HTML.

    A `<` that might begin a tag gets space around it (`x<y` becomes `x < y`), which never begins
    a tag in HTML (WHATWG, tag open state).
    """
    s = clean(s)
    if not s.isascii():
        s = _NONCHARACTER.sub("", s).replace("\ufffd", "?")
    return _TAG_LIKE.sub(" < ", s).strip() if "<" in s else s


def plain(s: str) -> str:
    """Text as XML character data.

    `&` and `<` become hexadecimal references, as the RSS Advisory Board's profile asks for plain
    text.
    """
    return s.replace("&", "&#x26;").replace("<", "&#x3C;").replace(">", "&gt;")


def _item(entry: FeedEntry, site: Site, owner: str, limit: int) -> FeedItem:
    paper = entry.paper
    back = timedelta(seconds=entry.place)
    authors = tuple(name for name in map(legible, paper.authors[:MAX_AUTHORS]) if name)
    more = len(paper.authors) - MAX_AUTHORS
    byline = ", ".join(authors) + (f" and {more} more" if more > 0 else "")
    categories = tuple(_categories(paper, owner))
    abstract = truncate(legible(paper.abstract), limit)
    because = legible(entry.because)
    facts = (
        *(term for term, _ in categories),
        _ANNOUNCED.get(entry.announce, ""),
        f"version {paper.version}" if paper.version > 1 else "",
        count(entry.upvotes, "upvote") if entry.upvotes else "",
    )
    page = links.paper(site, paper.id)
    addresses = _links(paper, page) | _answers(entry.answers)
    picked = [legible(spoken(voice)) for voice in entry.voices]
    notes = legible(". ".join(note for note in (paper.journal_ref, paper.comment) if note))
    title = truncate(legible(paper.title), MAX_TITLE) or legible(paper.id)
    told = (byline, " · ".join(filter(None, facts)), because, *picked, abstract, notes)
    said = [*filter(None, told)] or [title]
    anchors = " · ".join(f'<a href="{escape(url)}">{label}</a>' for url, label in addresses.items())
    return FeedItem(
        id=paper_tag(owner, paper.id),
        url=_uri(paper.url) or page,
        title=title,
        authors=authors,
        byline=byline,
        categories=categories,
        abstract=abstract,
        html="\n".join(f"<p>{each}</p>" for each in (*map(escape, said), anchors) if each),
        text="\n\n".join(said),
        published=entry.seen_at.replace(microsecond=0) - back,
        updated=entry.updated.replace(microsecond=0) - back,
        extra=_extra(entry, categories, because),
    )


def spoken(voice: Voice) -> str:
    """Who submitted or curated a paper, and their line: `Picked by Ada: worth your time`."""
    who = voice.name or ("a curator" if voice.curator else "a reader")
    said = f"{'Picked' if voice.curator else 'Submitted'} by {who}"
    return f"{said}: {voice.line}" if voice.line else said


def _extra(
    entry: FeedEntry, categories: Iterable[tuple[str, str]], because: str
) -> dict[str, object]:
    told: dict[str, object] = {
        "id": entry.paper.id,
        "version": entry.paper.version,
        "doi": legible(entry.paper.doi),
        "announce": entry.announce.value,
        "categories": [term for term, _ in categories],
        "because": because,
        **(reckoned(entry.pick) if entry.pick else {}),
    }
    if entry.upvotes is not None:
        told["upvotes"] = entry.upvotes
        told["picked_by"] = [legible(spoken(voice)) for voice in entry.voices]
    return told


def _categories(paper: Paper, owner: str) -> Iterable[tuple[str, str]]:
    """Each category and its scheme."""
    for category in dict.fromkeys(map(legible, paper.categories)):
        source, colon, _ = category.partition(":")
        if category:
            yield category, tag(owner, f"category/{source}") if colon else ARXIV_SCHEME


def _links(paper: Paper, page: str) -> dict[str, str]:
    """The paper's links: labels by address."""
    doi = doi_url(legible(paper.doi)) if paper.doi else ""
    listed = [("Abstract", paper.url), *((LABELS[link.kind], link.url) for link in paper.links)]
    found: dict[str, str] = {}
    for label, url in (*listed, ("DOI", doi)):
        if address := _uri(url):
            found.setdefault(address, label)
    if page:
        found[page] = "Similar papers"
    return found


def _answers(address: str) -> dict[str, str]:
    """The links to answer an entry of a personal feed: labels by address."""
    if not address:
        return {}
    return {f"{address}/{word}?via=feed": label for word, label in _ANSWERS.items()}


def _uri(url: str) -> str:
    """An outside link as a URI, or "" if it is not http(s)."""
    # RFC 3986 allows brackets only around IPv6 hosts, which no paper has.
    return links.safe(url).replace("[", "%5B").replace("]", "%5D") if url else ""
