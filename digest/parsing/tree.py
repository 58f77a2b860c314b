"""RSS 0.9x to 2.0, RSS 1.0 and Atom 0.3 and 1.0, read from a strictly parsed tree in one pass."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from html import escape

from lxml import etree

from digest.parsing.dates import parse_date
from digest.parsing.feed import MAX_ENTRIES, MAX_TEXT, MAX_TITLE, Entry, Feed, Reference
from digest.parsing.links import safe_url
from digest.text import clean, html_to_text

Element = etree._Element  # noqa: SLF001 - lxml has no public name for it
Fields = dict[str, list[Element]]

_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_PREFIXES = {
    "http://www.w3.org/2005/Atom": "atom:",
    "http://purl.org/atom/ns#": "atom:",
    "http://purl.org/dc/elements/1.1/": "dc:",
    "http://purl.org/dc/terms/": "dc:",
    "http://purl.org/rss/1.0/modules/content/": "content:",
    "http://purl.org/rss/1.0/": "",
    "http://my.netscape.com/rdf/simple/0.9/": "",
    "http://channel.netscape.com/rdf/simple/0.9/": "",
    "http://backend.userland.com/rss2": "",
    "http://purl.org/net/rss1.1#": "",
}
_PRISM = "http://prismstandard.org/namespaces/"
_MINUTES = re.compile(r"0*[1-9][0-9]{0,5}")
_TITLE = ("title", "atom:title", "dc:title")
_SUMMARY = ("description", "atom:summary", "summary", "dc:description")
_CONTENT = ("content:encoded", "atom:content", "content")
_ID = ("guid", "atom:id", "id", "dc:identifier", "prism:doi")
_PUBLISHED = (
    "pubdate", "atom:published", "published", "atom:issued", "dc:date", "atom:created",
    "dc:created", "prism:publicationdate",
)  # fmt: skip
_UPDATED = ("atom:updated", "updated", "atom:modified", "dc:modified")
_BUILT = ("lastbuilddate", "atom:updated", "updated", "atom:modified", "dc:date")
_DOI = ("prism:doi", "x:doi", "doi")
_IDENTIFIERS = ("dc:identifier",)
_LINKS = ("atom:link", "link")
_PEOPLE = ("dc:creator", "atom:author", "author")
_CATEGORIES = ("category", "atom:category", "dc:subject")
_KNOWN = frozenset({
    *_TITLE, *_SUMMARY, *_CONTENT, *_PUBLISHED, *_UPDATED, *_LINKS, *_PEOPLE, *_CATEGORIES,
    *_IDENTIFIERS, "guid", "atom:id", "id", "atom:contributor", "enclosure", "source", "atom:source",
})  # fmt: skip


def read_tree(root: Element, *, url: str = "") -> Feed | None:
    """The feed in this tree, None if it is none; entries are independent of one another.

    `url` is the feed's own address, to which relative links are taken.
    """
    kind = field_of(root.tag).removeprefix("atom:").removeprefix("x:")
    if kind not in {"rss", "rdf", "feed", "channel"}:
        return None
    found = fields(root)
    channel = found.get("channel", [root])[0]
    head = fields(channel) if channel is not root else found
    items = _items(head)
    if channel is not root:
        items += found.get("item", ())
    if kind == "rdf" and not items and "channel" not in found:
        return None
    base = _base(root, url) if channel is root else _base(channel, _base(root, url))
    links = _references(head, base=base)
    link = _text_link(head, base) or _link_of(links)
    base = base or link
    too_many = f"{len(items)} entries: only the first {MAX_ENTRIES} were read"
    return Feed(
        version=_version(root, kind),
        title=_title(head),
        link=link,
        hub=_link_of(links, "hub"),
        language=first(head, "language", "dc:language") or root.get(_LANG, ""),
        built_at=_date(head, _BUILT),
        published_at=_date(head, ("pubdate", "atom:published", "dc:date")),
        ttl=minutes(first(head, "ttl")),
        entries=tuple(_entry(item, base) for item in items[:MAX_ENTRIES]),
        problems=(("feed", too_many),) if len(items) > MAX_ENTRIES else (),
    )


def _items(head: Fields) -> list[Element]:
    items = [each for name in ("item", "atom:entry", "entry") for each in head.get(name, ())]
    for container in head.get("items", ()):  # RSS 1.1; in RSS 1.0 it holds only addresses
        items += fields(container).get("item", ())
    return items


@lru_cache(maxsize=2048)
def field_of(tag: str) -> str:
    """A tag's name as used here: lower case, with a prefix of ours for namespaces we know.

    RSS's own names bear none, those of unknown namespaces `x:`, so that `media:title` is never
    taken for the title.
    """
    namespace, _, local = tag.rpartition("}")
    namespace = namespace[1:]
    if not namespace:
        return local.lower()
    prefix = "prism:" if namespace.startswith(_PRISM) else _PREFIXES.get(namespace, "x:")
    return prefix + local.lower()


def fields(element: Element) -> Fields:
    """An element's children by field name, in order."""
    found: Fields = {}
    for child in element[:]:  # type: ignore[index]  # a slice takes a third less than iterating
        name = field_of(child.tag)
        if name in found:
            found[name].append(child)
        else:
            found[name] = [child]
    return found


def first(found: Fields, *names: str) -> str:
    """The first of these fields that has text."""
    for name in names:
        for element in found.get(name, ()):
            if text := inner(element).strip():
                return text
    return ""


def inner(element: Element) -> str:
    """What an element holds: its text, or its XHTML as a string of markup."""
    text: str = element.text or ""
    if len(element):
        parts = [escape(text, quote=False)]
        parts += (etree.tostring(child, encoding="unicode") for child in element)
        text = "".join(parts)
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT]


def minutes(s: str) -> int | None:
    """RSS's ttl (minutes) in seconds; None where it is no positive number."""
    return int(s) * 60 if _MINUTES.fullmatch(s) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """Which of an entry's fields say what; made once, as most entries of a feed have the same."""

    title: tuple[str, ...]
    summary: tuple[str, ...]
    content: tuple[str, ...]
    identity: tuple[str, ...]
    published: tuple[str, ...]
    updated: tuple[str, ...]
    doi: tuple[str, ...]
    identifiers: tuple[str, ...]
    links: tuple[str, ...]
    people: tuple[str, ...]
    categories: tuple[str, ...]
    extra: tuple[tuple[str, str], ...]


@lru_cache(maxsize=512)
def _plan(names: tuple[str, ...]) -> _Plan:
    def among(purpose: tuple[str, ...]) -> tuple[str, ...]:
        return tuple([name for name in purpose if name in names])

    return _Plan(
        title=among(_TITLE),
        summary=among(_SUMMARY),
        content=among(_CONTENT),
        identity=among(_ID),
        published=among(_PUBLISHED),
        updated=among(_UPDATED),
        doi=among(_DOI),
        identifiers=among(_IDENTIFIERS),
        links=among(_LINKS),
        people=among(_PEOPLE),
        categories=among(_CATEGORIES),
        extra=tuple([(name, name.rpartition(":")[2]) for name in names if name not in _KNOWN]),
    )


def _entry(item: Element, base: str) -> Entry:
    found = fields(item)
    plan = _plan((*found,))
    base = _base(item, base)
    links = _references(found, plan.links, base=base)
    link = _text_link(found, base) or _link_of(links) or _permalink(found)
    published = _date(found, plan.published)
    updated = _date(found, plan.updated) if plan.updated else None
    return Entry(
        id=first(found, *plan.identity),
        title=_title(found, plan.title),
        link=link or safe_url(item.get("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about", "")),
        summary=first(found, *plan.summary),
        content=first(found, *plan.content) if plan.content else "",
        authors=_authors(found, plan.people),
        categories=_categories(found, plan.categories),
        published_at=published,
        updated_at=updated,
        unread_date="" if published or updated else first(found, *plan.published, *plan.updated),
        doi=first(found, *plan.doi) if plan.doi else "",
        identifiers=_texts(found, plan.identifiers) if plan.identifiers else (),
        links=links,
        extra=_extra(found, plan.extra),
    )


def _title(found: Fields, names: tuple[str, ...] = _TITLE) -> str:
    for name in names:
        for element in found.get(name, ()):
            text = inner(element)[:MAX_TITLE]
            # Atom says when a title is literal (RFC 4287, 3.1.1); RSS leaves it to be guessed.
            is_literal = (
                name == "atom:title" and not len(element) and "html" not in element.get("type", "")
            )
            if title := clean(text) if is_literal else html_to_text(text):
                return title
    return ""


def _base(element: Element, outer: str) -> str:
    """To what relative links within are taken; an `xml:base` is relative to the one around it."""
    own = element.get(_BASE)
    return (safe_url(own, base=outer) or outer) if own else outer


def _references(
    found: Fields, names: tuple[str, ...] = _LINKS, *, base: str
) -> tuple[Reference, ...]:
    references = []
    for name in names:
        for element in found.get(name, ()):
            href = element.get("href")
            if href and (safe := safe_url(href, base=_base(element, base))):
                references.append(
                    Reference(
                        rel=element.get("rel", "alternate").lower(),
                        href=safe,
                        media_type=element.get("type", ""),
                        title=element.get("title", ""),
                    )
                )
    return tuple(references)


def _link_of(links: tuple[Reference, ...], rel: str = "alternate") -> str:
    return next((each.href for each in links if each.rel == rel), "")


def _text_link(found: Fields, base: str) -> str:
    for element in found.get("link", ()):
        if (text := element.text) and (link := safe_url(text.strip(), base=base)):
            return link
    return ""


def _permalink(found: Fields) -> str:
    for guid in found.get("guid", ()):
        if guid.get("isPermaLink", "true").lower() != "false":
            return safe_url(inner(guid).strip())
    return ""


def _authors(found: Fields, kinds: tuple[str, ...]) -> tuple[str, ...]:
    names: list[str] = []
    for kind in kinds:
        said = inner if kind == "dc:creator" else _person
        for each in found[kind]:
            if name := said(each).strip():
                names.append(name)  # noqa: PERF401 - a comprehension takes longer for one name
    return tuple(names)


def _person(element: Element) -> str:
    if len(element):
        return first(fields(element), "atom:name", "name")
    return mailbox_name(inner(element))


def mailbox_name(s: str) -> str:
    """The name in RSS's `a@example.org (A. Author)`; an address alone is nobody's name."""
    if "@" not in s:
        return s
    if "(" in s:
        return s.partition("(")[2].rpartition(")")[0]
    return s.partition("<")[0] if "<" in s else ""


def _categories(found: Fields, names: tuple[str, ...]) -> tuple[str, ...]:
    """Terms: the text of RSS's elements, an attribute of Atom's."""
    written = [each.text or each.get("term") or "" for name in names for each in found[name]]
    return _terms(tuple(written))


@lru_cache(maxsize=2048)
def _terms(written: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(clean, written))))


def _date(found: Fields, names: tuple[str, ...]) -> datetime | None:
    for name in names:
        for element in found.get(name, ()):
            if element.text and (date := parse_date(element.text)):
                return date
    return None


def _texts(found: Fields, names: tuple[str, ...]) -> tuple[str, ...]:
    texts = (inner(each).strip() for name in names for each in found[name])
    return tuple(filter(None, texts))


def _extra(found: Fields, names: tuple[tuple[str, str], ...]) -> dict[str, str]:
    extra: dict[str, str] = {}
    for name, local in names:
        element = found[name][0]
        text = element.text
        if text and not len(element):
            extra.setdefault(local, text[:MAX_TEXT].strip())
    return extra


def _version(root: Element, kind: str) -> str:
    if kind == "rss":
        return "rss" + "".join(c for c in root.get("version", "") if c.isdigit())[:4]
    if kind == "feed":
        return "atom03" if root.tag.startswith("{http://purl.org/atom/") else "atom10"
    is_old = len(root) > 0 and "rdf/simple/0.9" in str(root[0].tag)
    return "rss090" if is_old else "rss10"
