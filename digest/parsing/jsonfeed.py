"""JSON Feed 1 and 1.1 (jsonfeed.org/version/1.1)."""

from __future__ import annotations

import json
from html import escape

from digest.errors import ListingUnreadable
from digest.parsing.dates import parse_date
from digest.parsing.feed import MAX_ENTRIES, MAX_TEXT, MAX_TITLE, Entry, Feed, Reference
from digest.parsing.links import safe_url
from digest.text import clean


def read_json(body: bytes, *, url: str = "") -> Feed:
    """The feed in a JSON document.

    Raises ListingUnreadable when it is not JSON, or not a JSON Feed.
    """
    try:
        data = json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as error:
        raise ListingUnreadable(f"not well-formed JSON: {error}", subject=url) from None
    if not isinstance(data, dict) or not isinstance(data.get("items"), list):
        raise ListingUnreadable("JSON, but not a JSON Feed: it has no list of items", subject=url)
    items = data["items"]
    base = url or _text(data, "feed_url")
    problems: list[tuple[str, str]] = []
    entries: list[Entry] = []
    for at, item in enumerate(items[:MAX_ENTRIES], 1):
        if isinstance(item, dict):
            entries.append(_entry(item, base))
        else:
            problems.append((f"entry {at}", f"not an object but {type(item).__name__}"))
    if len(items) > MAX_ENTRIES:
        problems.append(("feed", f"{len(items)} entries: only the first {MAX_ENTRIES} were read"))
    hubs = [each for each in _list(data, "hubs") if isinstance(each, dict)]
    return Feed(
        version="json11" if _text(data, "version").endswith("1.1") else "json1",
        title=clean(_text(data, "title")),
        link=safe_url(_text(data, "home_page_url"), base=url),
        hub=safe_url(_text(hubs[0], "url")) if hubs else "",
        language=_text(data, "language"),
        entries=tuple(entries),
        problems=tuple(problems),
    )


def _entry(item: dict[str, object], base: str) -> Entry:
    # Plain text is escaped, so that `content` can be read as HTML like that of other feeds.
    content = _text(item, "content_html") or escape(_text(item, "content_text"), quote=False)
    link = safe_url(_text(item, "url"), base=base)
    external = safe_url(_text(item, "external_url"), base=base)
    published = parse_date(_text(item, "date_published"))
    updated = parse_date(_text(item, "date_modified"))
    written = _text(item, "date_published") or _text(item, "date_modified")
    return Entry(
        id=_text(item, "id"),
        title=clean(_text(item, "title")[:MAX_TITLE]),
        link=link or external,
        summary=escape(_text(item, "summary"), quote=False),
        content=content,
        authors=_authors(item),
        categories=tuple(clean(each) for each in _list(item, "tags") if isinstance(each, str)),
        published_at=published,
        updated_at=updated,
        unread_date="" if published or updated else written,
        doi=_text(item, "doi"),
        links=(Reference(rel="related", href=external),) if external else (),
        extra={
            key: value for key, value in item.items() if key[:1] == "_" and isinstance(value, str)
        },
    )


def _authors(item: dict[str, object]) -> tuple[str, ...]:
    people = [*_list(item, "authors"), item.get("author")]
    names = (_text(each, "name") for each in people if isinstance(each, dict))
    return tuple(dict.fromkeys(name for name in names if name))


def _text(data: dict[str, object], key: str) -> str:
    """The text of a key; a number counts as text, since some ids are numbers."""
    value = data.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return ""
    # JSON can contain half a surrogate pair, which cannot be encoded.
    return value.strip()[:MAX_TEXT].encode("utf-8", "replace").decode()


def _list(data: dict[str, object], key: str) -> list[object]:
    value = data.get(key)
    return value if isinstance(value, list) else []
