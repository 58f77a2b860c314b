"""Feeds that are not well-formed, read entry by entry; the only module that uses feedparser.

The document is cut at its entries, and each is parsed strictly by itself. Only a damaged entry
goes to feedparser. That opens files and addresses named by its input, and takes quadratic time for
some inputs (100,000 attributes: 25 seconds), so it gets bytes, in few and small pieces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from io import BytesIO

import feedparser
from lxml import etree

from digest.errors import ListingUnreadable
from digest.parsing.dates import parse_date
from digest.parsing.feed import MAX_ENTRIES, MAX_TITLE, Entry, Feed
from digest.parsing.links import safe_url
from digest.parsing.strict import parsed
from digest.parsing.tree import read_tree
from digest.text import html_to_text, truncate

# Characters of damaged entries that go to feedparser, of each and of all together, where an entry
# counts as `_LEAST` at least; with more than `_MAX_SIGNS` tags and attributes none does.
MAX_DAMAGED = 20_000
MAX_DAMAGED_TOTAL = 200_000
_LEAST = 1_000
_MAX_SIGNS = 600
_MAX_HEAD = 100_000
_MAX_QUOTED = 2_000
_ROOT = re.compile(
    r"<((?:[A-Za-z][\w.-]*:)?(?:rss|RDF|feed|channel))(?:\s[^<>]{0,10000})?>", re.IGNORECASE
)
# The namespaces that `tree` knows, for feeds that use a prefix without declaring it. Any other
# undeclared prefix gets a made-up namespace.
_MEANINGS = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "prism": "http://prismstandard.org/namespaces/basic/2.0/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}
_MAX_PREFIXES = 100
_PREFIX = re.compile(
    r"</?([A-Za-z_][A-Za-z0-9_.-]{0,40}):|\s([A-Za-z_][A-Za-z0-9_.-]{0,40}):[\w.-]+\s*="
)
_ATTRIBUTE = re.compile(r"\s([A-Za-z_][\w:.-]*)\s*=\s*(\"[^\"<]*\"|'[^'<]*')")
_ENTRY = re.compile(r"<((?:[A-Za-z][\w.-]{0,20}:)?(?:item|entry))(?:\s[^<>]{0,2000})?>")


def salvage(text: str, *, cause: str, url: str = "") -> Feed:
    """Every entry of a damaged feed that can be read.

    `text` comes from `strict.mended`, `cause` is why strict parsing failed. Damaged entries are
    kept as far as feedparser reads them, and reported as problems. Raises ListingUnreadable when
    there is no feed or no entry in it: a broken answer must not pass for an empty listing.
    """
    root = _ROOT.search(text, 0, _MAX_HEAD)
    if not root:
        raise ListingUnreadable(f"no feed{quoted(text) or f': {cause}'}", subject=url)
    attributes = dict(_ATTRIBUTE.findall(root[0]))
    missing = _undeclared(text, root.start(), attributes)
    attributes |= missing
    opening = f"<{root[1]}{''.join(f' {key}={value}' for key, value in attributes.items())}>"
    damage = ("feed", f"damaged XML: {cause}")
    if missing and (whole := _whole(f"{opening}{text[root.end() :]}", url)):
        return replace(whole, problems=(damage, *whole.problems))
    feed = _head(text, root, opening, url)
    entries, problems = _read_chunks(text, root, opening, url or feed.link)
    if not entries:
        raise ListingUnreadable(f"damaged XML with no readable entry: {cause}", subject=url)
    return replace(feed, entries=tuple(entries), problems=(damage, *problems))


def quoted(text: str) -> str:
    """The first words of what is no feed, to follow a message; "" if there are none."""
    said = truncate(html_to_text(text[:_MAX_QUOTED]), 80)
    return f': "{said}"' if said else ""


def _undeclared(text: str, start: int, attributes: Mapping[str, str]) -> dict[str, str]:
    """Declarations, as attributes, of the prefixes from `start` on that the root does not declare."""
    missing: dict[str, str] = {}
    for match in _PREFIX.finditer(text, start):
        prefix = match[1] or match[2]
        name = f"xmlns:{prefix}"
        if name in missing or name in attributes or prefix in {"xml", "xmlns"}:
            continue
        missing[name] = f'"{_MEANINGS.get(prefix, f"urn:undeclared:{prefix}")}"'
        if len(missing) == _MAX_PREFIXES:
            break
    return missing


def _whole(text: str, url: str) -> Feed | None:
    """The feed, if with the added declarations it is well-formed."""
    with suppress(etree.XMLSyntaxError):
        return read_tree(parsed(text), url=url)
    return None


def _read_chunks(
    text: str, root: re.Match[str], opening: str, base: str
) -> tuple[list[Entry], list[tuple[str, str]]]:
    entries: list[Entry] = []
    problems: list[tuple[str, str]] = []
    room = MAX_DAMAGED_TOTAL
    for number, (chunk, is_whole) in enumerate(_chunks(text, root.end()), 1):
        if number > MAX_ENTRIES:
            problems.append(("feed", f"only the first {MAX_ENTRIES} entries were read"))
            break
        entry = _strict_entry(opening, root[1], chunk, base) if is_whole else None
        if entry is None:
            room -= max(len(chunk), _LEAST)
            entry = _damaged_entry(opening, chunk, base) if room >= 0 else None
            if entry and entry.summary and not is_whole:
                # so that `merging.join` prefers a longer abstract of the same paper
                entry = entry._replace(summary=f"{entry.summary}…")
            problems.append(
                (f"entry {number}", "damaged XML: read in part" if entry else "damaged XML")
            )
        if entry:
            entries.append(entry)
    return entries, problems


def _chunks(text: str, start: int) -> Iterator[tuple[str, bool]]:
    """The source of each entry, and whether it is closed before the next one begins."""
    opening = _ENTRY.search(text, start)
    while opening:
        following = _ENTRY.search(text, opening.end())
        limit = following.start() if following else len(text)
        closing = f"</{opening[1]}>"
        end = text.find(closing, opening.end(), limit)
        yield text[opening.start() : end + len(closing) if end >= 0 else limit], end >= 0
        opening = following


def _head(text: str, root: re.Match[str], opening: str, url: str) -> Feed:
    """The feed without entries, as far as its head is well-formed."""
    entry = _ENTRY.search(text, root.end(), root.end() + _MAX_HEAD)
    head = text[root.end() : entry.start()] if entry else ""
    for source in (f"{head}</channel>", head, ""):
        with suppress(etree.XMLSyntaxError):
            if feed := read_tree(parsed(f"{opening}{source}</{root[1]}>"), url=url):
                return feed
    return Feed(version="")


def _strict_entry(root: str, name: str, chunk: str, base: str) -> Entry | None:
    try:
        feed = read_tree(parsed(f"{root}{chunk}</{name}>"), url=base)
    except etree.XMLSyntaxError:
        return None
    return feed.entries[0] if feed and feed.entries else None


def _damaged_entry(root: str, chunk: str, url: str) -> Entry | None:
    """The entry as feedparser reads it."""
    if len(chunk) > MAX_DAMAGED or chunk.count("<") + chunk.count("=") > _MAX_SIGNS:
        return None
    try:
        result = feedparser.parse(  # noqa: TID251 - the one place; it gets bytes, never a name
            BytesIO(f"{root}{chunk}".encode()),
            response_headers={"content-type": "application/xml; charset=utf-8"},
            sanitize_html=False,
            resolve_relative_uris=False,
        )
        found = dict(result.entries[0])
    except Exception:  # noqa: BLE001 - what it raises on hostile input is not documented
        return None

    def text(key: str) -> str:
        value = found.get(key)
        return value if isinstance(value, str) else ""

    title = html_to_text(text("title")[:MAX_TITLE])
    link = safe_url(text("link"), base=url)
    if not title and not link:
        return None
    tags = (each.get("term") for each in found.get("tags", ()))
    extra = {
        key.partition("_")[2]: value
        for key, value in found.items()
        if "_" in key and isinstance(value, str)
    }
    published, updated = parse_date(text("published")), parse_date(text("updated"))
    return Entry(
        id=text("id"),
        title=title,
        link=link,
        summary=text("summary"),
        authors=tuple(name for each in found.get("authors", ()) if (name := each.get("name"))),
        categories=tuple(term for term in tags if term),
        published_at=published,
        updated_at=updated,
        unread_date="" if published or updated else text("published") or text("updated"),
        doi=extra.get("doi", ""),
        identifiers=(extra["identifier"],) if "identifier" in extra else (),
        extra=extra,
    )
