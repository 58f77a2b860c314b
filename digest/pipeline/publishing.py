"""Publish: every feed as static files, written only where bytes changed.

A feed for each named topic, each category in use, trending, and, under an address nobody can
guess, each subscriber; archives by day; an OPML of the public ones. A reader that asks with an
ETag is thus told 304 until there is something new.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from digest import matching
from digest.model import Announcement, Digest, Paper, Pick, Site, Topic
from digest.pipeline import delivering
from digest.ports import Store
from digest.ranking import trending
from digest.rendering import archives, links, opml
from digest.rendering.feeds import FeedEntry, FeedInfo

FIRST_DAY = datetime(1991, 8, 14, tzinfo=UTC)
MOST_PAPERS = 50_000
DIGESTS_IN_A_FEED = 14
PRIVATE = "feeds/mine"
TRENDING = FeedInfo(
    slug="trending", title="Trending papers", description="What the community picks up."
)

Because = Callable[[delivering.Material], Callable[[Pick], str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What publishing came to: feeds, files in all, and files whose bytes changed."""

    feeds: int = 0
    files: int = 0
    changed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shelf:
    """The papers of the last weeks, newest first, with what feeds say of them."""

    announced: Sequence[tuple[Paper, Announcement]]
    updated: Mapping[str, datetime]
    upvotes: Mapping[str, int]

    def entry(self, paper: Paper, announcement: Announcement) -> FeedEntry:
        return FeedEntry(
            paper=paper,
            seen_at=announcement.seen_at,
            updated=max(self.updated.get(paper.id, announcement.seen_at), announcement.seen_at),
            announce=announcement.type,
            upvotes=self.upvotes.get(paper.id, 0),
        )


def publish(
    store: Store,
    folder: Path,
    *,
    topics: Mapping[str, Topic],
    site: Site,
    now: datetime,
    days: int,
    limit: int,
    hub: str,
    because: Because,
) -> Published:
    """Write all feeds below `folder`; private ones that are not due any more are removed."""
    today = _today(store, now)
    since = datetime.combine(today - timedelta(days=days), time(), tzinfo=UTC)
    shelf = _shelf(store, since)
    public = _distinct(
        [
            (TRENDING, _trending(store, shelf)),
            *_topic_feeds(store, shelf, topics, since=since, site=site),
        ]
    )
    total = Published()
    for info, entries in public:
        archived = _archived(folder, info)
        documents = archives.documents(
            info,
            entries,
            site,
            today=today,
            earlier=max((day for day in archived if day < since.date()), default=None),
            written=archived,
            limit=limit,
            days=days,
            hub=hub,
            archive=info is not TRENDING,
        )
        total = _written(folder, documents, total)
    kept: set[str] = set()
    for info, entries in _private(store, site, because):
        documents = archives.documents(info, entries, site, today=today, limit=limit, days=days)
        kept.update(documents)
        total = _written(folder, documents, total)
    _forget(folder, kept)
    outlines = opml.opml([info for info, _ in public], site)
    changed = write(folder / opml.PATH, outlines)
    return Published(feeds=total.feeds, files=total.files + 1, changed=total.changed + changed)


def _distinct(
    feeds: Iterable[tuple[FeedInfo, Sequence[FeedEntry]]],
) -> list[tuple[FeedInfo, Sequence[FeedEntry]]]:
    """The feeds without those whose address another has already, whatever a category is called."""
    taken = {"mine"}
    kept = []
    for info, entries in feeds:
        if info.slug.casefold() not in taken:
            taken.add(info.slug.casefold())
            kept.append((info, entries))
    return kept


def _today(store: Store, now: datetime) -> date:
    """The day that feeds are counted back from: today, or the day after the last announcement.

    A feed that was not fed for a month keeps showing its last papers rather than nothing.
    """
    newest = store.papers.in_categories((), since=FIRST_DAY, limit=1)
    if not newest:
        return now.date()
    return min(now, newest[0][1].seen_at + timedelta(days=1)).date()


def write(path: Path, content: bytes) -> bool:
    """Put the content in place in one step; False, and nothing touched, if it is there already."""
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return True


def _archived(folder: Path, info: FeedInfo) -> frozenset[date]:
    """Days whose archive stands already: it was promised never to change."""
    found = set()
    for path in (folder / "feeds" / info.slug).glob("????-??-??.atom"):
        with suppress(ValueError):
            found.add(date.fromisoformat(path.stem))
    return frozenset(found)


def _written(folder: Path, documents: Mapping[str, bytes], total: Published) -> Published:
    changed = sum(write(folder / path, content) for path, content in documents.items())
    return Published(
        feeds=total.feeds + 1,
        files=total.files + len(documents),
        changed=total.changed + changed,
    )


def _forget(folder: Path, kept: set[str]) -> None:
    """Remove private feeds of people who left or whose address was revoked."""
    for path in (folder / PRIVATE).glob("*"):
        if f"{PRIVATE}/{path.name}" not in kept:
            path.unlink(missing_ok=True)


def _shelf(store: Store, since: datetime) -> _Shelf:
    announced = store.papers.in_categories((), since=since, limit=MOST_PAPERS)
    ids = [paper.id for paper, _ in announced]
    signals = [each for found in store.papers.signals(ids).values() for each in found]
    return _Shelf(
        announced=announced,
        updated={
            paper: max(each.seen_at for each in found)
            for paper, found in store.papers.announcements(ids).items()
        },
        upvotes=trending.upvotes(signals),
    )


def _topic_feeds(
    store: Store,
    shelf: _Shelf,
    topics: Mapping[str, Topic],
    *,
    since: datetime,
    site: Site,
) -> Iterator[tuple[FeedInfo, Sequence[FeedEntry]]]:
    """The named topics and followed ones, then every category in use."""
    followed = store.subscribers.topics_in_use()
    in_use = store.papers.categories(since)
    wanted = [
        topic
        for topic in topics.values()
        if topic.phrases or topic.categories != (topic.id,) or topic.id in followed
    ]
    wanted += [
        topics.get(category) or Topic(id=category, name=category, categories=(category,))
        for category in in_use
        if category not in {topic.id for topic in wanted}
    ]
    texts = [matching.folded(paper) for paper, _ in shelf.announced]
    for topic in wanted:
        entries = [
            shelf.entry(paper, announcement)
            for text, (paper, announcement) in zip(texts, shelf.announced, strict=True)
            if matching.in_topic(text, paper.categories, topic)
        ]
        yield _info(topic, site), entries


def _info(topic: Topic, site: Site) -> FeedInfo:
    title = topic.name if topic.name == topic.id else f"{topic.name} ({topic.id})"
    return FeedInfo(
        slug=links.slug(topic.id),
        title=f"{title} · {site.name}",
        description=topic.description or f"New papers in {topic.name}.",
    )


def _trending(store: Store, shelf: _Shelf) -> list[FeedEntry]:
    hot = store.papers.trending(limit=200)
    found = {paper.id: (paper, announcement) for paper, announcement in shelf.announced}
    ordered = sorted((each for each in hot if each in found), key=lambda each: -hot[each])
    return [shelf.entry(*found[each]) for each in ordered[:100]]


def _private(
    store: Store, site: Site, because: Because
) -> Iterator[tuple[FeedInfo, Sequence[FeedEntry]]]:
    after = ""
    while people := store.subscribers.page(after, limit=500):
        after = people[-1].id
        for person in people:
            digests = store.ledger.recent(person.id, limit=DIGESTS_IN_A_FEED)
            yield (
                FeedInfo(
                    slug=f"mine/{links.feed_token(person)}",
                    title=f"Your papers · {site.name}",
                    description="What your digests picked for you.",
                    private=True,
                ),
                list(_picked(store, digests, because)),
            )


def _picked(store: Store, digests: Iterable[Digest], because: Because) -> Iterator[FeedEntry]:
    digests = list(digests)
    material = delivering.material_for(store, digests)
    sentence = because(material)
    for digest in digests:
        for pick in digest.picks:
            paper = material.papers.get(pick.paper_id)
            if paper is not None:
                yield FeedEntry(
                    paper=paper,
                    seen_at=digest.composed_at,
                    updated=digest.composed_at,
                    because=sentence(pick),
                    upvotes=material.upvotes.get(pick.paper_id, 0),
                )
