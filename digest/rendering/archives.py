"""All the documents of one feed: the current one, and an archive for every complete day (RFC 5005).

An archive is written once: the set of its entries never changes, and it links backwards only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby

from digest.model import Site
from digest.rendering.feed_items import MAX_ABSTRACT, FeedEntry
from digest.rendering.feeds import FeedInfo, Page, atom, json_feed, rss

MAX_ENTRIES = 100
MAX_DAYS = 14
MAX_BYTES = 4_900_000
SHORTER = (MAX_ABSTRACT, 600, 150, 0)

_SERIALISERS = {"rss": rss, "atom": atom, "json": json_feed}


def documents(
    info: FeedInfo,
    entries: Sequence[FeedEntry],
    site: Site,
    *,
    today: date,
    earlier: date | None = None,
    written: Collection[date] = frozenset(),
    limit: int = MAX_ENTRIES,
    days: int = MAX_DAYS,
    hub: str = "",
    archive: bool = True,
) -> dict[str, bytes]:
    """Every document of a feed by its path: three formats of the current one and of each archive.

    `entries` come newest first, best first within one announcement. The current documents hold
    the first `limit` seen in the `days` days up to `today` (UTC); every day before `today`
    with an entry has an archive, except those in `written`, which are not made again. `earlier`
    is the newest day before all entries that has one. A private feed
    has no archive and no hub; without `archive` another has none either (trending is no record).
    No document is larger than MAX_BYTES (the W3C validator's limit): abstracts give way first.
    """
    ordered = sorted(entries, key=lambda entry: entry.seen_at, reverse=True)
    oldest = today - timedelta(days=days)
    recent = [entry for entry in ordered if entry.seen_at.date() > oldest][:limit]
    parts: list[tuple[Page, Sequence[FeedEntry]]] = [(Page(), recent)]
    if archive and not info.private:
        parts = list(_archived(ordered, recent, today, earlier, hub))
    found: dict[str, bytes] = {}
    for kind in _SERIALISERS:
        for page, chosen in parts:
            if page.day in written:
                continue
            found[info.path(kind, page.day)] = document(kind, info, chosen, site, page=page)
    return found


def document(
    kind: str, info: FeedInfo, entries: Sequence[FeedEntry], site: Site, *, page: Page
) -> bytes:
    """One document (`kind` is `rss`, `atom` or `json`) of at most MAX_BYTES."""
    body = b""
    for limit in SHORTER:
        body = _SERIALISERS[kind](info, entries, site, page=page, abstract=limit)
        if len(body) <= MAX_BYTES:
            break
    return body


def _archived(
    ordered: Sequence[FeedEntry],
    recent: Sequence[FeedEntry],
    today: date,
    earlier: date | None,
    hub: str,
) -> Iterator[tuple[Page, Sequence[FeedEntry]]]:
    """The current document and the archives, newest first, each knowing the one before it."""
    complete = [
        (day, list(group))
        for day, group in groupby(ordered, key=lambda entry: entry.seen_at.date())
        if day < today
    ]
    older = [*(day for day, _ in complete), earlier]
    yield Page(previous=older[0], hub=hub), recent
    for (day, group), previous in zip(complete, older[1:], strict=True):
        yield Page(day=day, previous=previous), group
