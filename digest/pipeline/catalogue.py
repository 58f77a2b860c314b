"""The public feeds: which there are, and what each holds, in one state of the store.

Both feeds written to a folder and feeds served live are made here, one document at a time, so that
nobody who asks for one feed waits for the others.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

from digest import matching
from digest.model import Paper, Site, Topic, Value
from digest.pipeline import entries
from digest.pipeline.days import Days, Known, counted_from
from digest.pipeline.entries import Found, newest_first
from digest.pipeline.trending import trending_papers
from digest.ports import Store, Within
from digest.ranking.trending import PERIODS
from digest.rendering import links
from digest.rendering.feeds import FeedEntry, FeedInfo, Page, document

MOST_TRENDING = 100
LOOK_BACK = 14
"""Days without a paper of a topic after which the chain of its archives ends."""

WHOLE = timedelta(days=1)
"""Papers this close to the newest are all shown, so that who asks once a day misses none."""

MOST_NEW = 2_000
"""The most entries shown for that: only a store that is first filled gets more at once."""

SEARCHED_DAYS = (3, 14, 90)
MOST_HITS = 600
"""As many as a store ranks."""

PICKED_DAYS = 90
KEPT_ENTRIES = 6

TRENDING = "trending"
PICKS = "picks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms(Value):
    """The settings of feeds: `days` and `limit` bound a feed, `hub` is told of changes.

    The papers that came last are shown even beyond `limit`.
    """

    topics: Mapping[str, Topic]
    site: Site
    days: int
    limit: int
    hub: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed(Value):
    """A public feed; trending and picks have no `topic`, and no archives by day."""

    info: FeedInfo
    topic: Topic | None = None


class Catalogue:
    """The public feeds in one state of the store; safe to use from any thread.

    Look-ups are cached, so make a new one when the store has changed; `days` may be handed on to
    it.
    """

    def __init__(
        self, store: Store, terms: Terms, now: datetime, *, days: Days | None = None
    ) -> None:
        self._store = store
        self._terms = terms
        self._now = now
        self._known = days or Days(terms.topics)
        self._entries: OrderedDict[tuple[str, date | None], list[FeedEntry]] = OrderedDict()
        self._lock = threading.RLock()

    @cached_property
    def today(self) -> date:
        """The day from which feeds count back."""
        return counted_from(self._store.papers, self._now)

    @cached_property
    def since(self) -> datetime:
        """The beginning of the first day that feeds hold."""
        return datetime.combine(
            self.today - timedelta(days=self._terms.days - 1), time(), tzinfo=UTC
        )

    # --- which there are ------------------------------------------------------------------

    @cached_property
    def feeds(self) -> Sequence[Feed]:
        """The feeds worth listing: trending, picks, named and followed topics, categories in use.

        If two would have the same address, the first one has it.
        """
        followed = self._store.subscribers.topics_in_use()
        topics = self._terms.topics
        listed = [
            topic for topic in topics.values() if matching.is_named(topic) or topic.id in followed
        ]
        named = {topic.id for topic in listed}
        listed += [
            matching.topic_of(category, topics)
            for category in self._store.papers.categories(self.since)
            if category not in named
        ]
        made = [*self._community(), *(self.of(topic) for topic in listed)]
        first = {each.info.slug.casefold(): each for each in reversed(made)}
        return [each for each in made if first[each.info.slug.casefold()] is each]

    def find(self, slug: str) -> Feed | None:
        """The feed of this address: a listed one, or that of any known topic or category."""
        return self._by_slug.get(slug)

    def hub(self, feed: Feed) -> str:
        """The hub that is told of changes of this feed, if it is listed; "" for none."""
        hub = self._terms.hub
        return hub if hub and feed in self.feeds else ""

    def spelled(self, slug: str) -> str:
        """The address of the feed that differs from this one in case alone; "" for none."""
        wanted = slug.casefold()
        return next((each for each in self._by_slug if each.casefold() == wanted), "")

    def of(self, topic: Topic) -> Feed:
        """The feed of a topic."""
        site = self._terms.site
        title = topic.name if topic.name == topic.id else f"{topic.name} ({topic.id})"
        slug = links.slug(topic.id)
        return Feed(
            info=FeedInfo(
                slug=slug,
                title=f"{title} · {site.name}",
                description=topic.description or f"New papers in {topic.name}.",
                home_page=site.url and f"{site.url}/topics/{slug}",
            ),
            topic=topic,
        )

    @cached_property
    def _by_slug(self) -> Mapping[str, Feed]:
        """All feeds that there may be, by address; the listed ones first, which keep theirs."""
        topics = self._terms.topics
        found = {each.info.slug: each for each in self.feeds}
        for topic in topics.values():
            found.setdefault(links.slug(topic.id), self.of(topic))
        for category in self._store.papers.known_categories():
            found.setdefault(links.slug(category), self.of(matching.topic_of(category, topics)))
        return found

    def _community(self) -> Iterator[Feed]:
        """Feeds made by readers and curators: trending, now and by period, and picks."""
        site = self._terms.site
        told = "What the community picks up"
        named = [(TRENDING, "Trending papers", f"{told}.", "trending")]
        for period in PERIODS:
            slug, within = f"{TRENDING}-{period}", f"in a {period}"
            title = f"Trending {within}"
            named.append((slug, title, f"{told} {within}.", f"trending/{period}"))
        named.append((PICKS, "Picked papers", "What curators picked for everyone.", "picks"))
        for slug, title, description, path in named:
            yield Feed(
                info=FeedInfo(
                    slug=slug,
                    title=f"{title} · {site.name}",
                    description=description,
                    home_page=site.url and f"{site.url}/{path}",
                )
            )

    # --- their documents ------------------------------------------------------------------

    def document(
        self,
        feed: Feed,
        kind: str,
        day: date | None = None,
        *,
        among: Collection[date] | None = None,
    ) -> bytes | None:
        """One document of a feed: the current one, or the archive of a past day.

        None for an archive without entries. The chain of archives leads from day to day `among`
        these days, which may reach further back than the store; without them, as far as the store
        reaches.
        """
        held = self.entries(feed, day)
        if day is not None and not held:
            return None
        before = day or self.today
        if feed.topic is None:
            previous = None
        elif among is None:
            previous = self._day_before(feed, before)
        else:
            previous = max((each for each in among if each < before), default=None)
        page = Page(day=day, previous=previous, hub="" if day else self.hub(feed))
        return document(kind, feed.info, held, self._terms.site, page=page)

    def entries(self, feed: Feed, day: date | None = None) -> list[FeedEntry]:
        """What a document of a feed holds, newest first; its three formats share one look-up."""
        if day is not None and (feed.topic is None or day >= self.today):
            return []
        key = (feed.info.slug, day)
        with self._lock:
            if key not in self._entries:
                self._entries[key] = self._select(feed, day)
                while len(self._entries) > KEPT_ENTRIES:
                    self._entries.popitem(last=False)
            return self._entries[key]

    def days(self, feed: Feed) -> list[date]:
        """The past days of a feed that have an archive, newest first."""
        topic = feed.topic
        if topic is None:
            return []
        days = self._days_back(self.today, self._terms.days - 1)
        return [day for day in days if self._in_topic(topic, day)]

    def search(
        self, query: str, topic: Topic | None, info: FeedInfo, kind: str, *, source: str = ""
    ) -> bytes:
        """A search followed as a feed: the newest papers that hold all of the query.

        The store returns the best papers first, not the newest, and only so many. So the last few
        days are searched first, and longer spans only if there are too few; otherwise better old
        papers could keep a new one out.
        """
        categories = topic.categories if topic and not topic.phrases else ()
        papers: dict[str, Paper] = {}
        for days in SEARCHED_DAYS:
            since = self.today - timedelta(days=days)
            within = Within(categories=categories, source=source, since=since)
            hits = self._store.papers.search(query, limit=MOST_HITS, within=within)
            papers |= {paper.id: paper for paper, _ in hits if _holds(paper, query, topic)}
            if len(papers) >= self._terms.limit:
                break
        made = self._made(entries.announced(self._store, papers.values()))
        shown = _shown([each.seen_at for each in made], self._terms.limit)
        return document(kind, info, made[:shown], self._terms.site)

    def _select(self, feed: Feed, day: date | None) -> list[FeedEntry]:
        topic = feed.topic
        if topic is None:
            slug = feed.info.slug
            if slug == PICKS:
                since = self._now - timedelta(days=PICKED_DAYS)
                return entries.picked(self._store, since)[: self._terms.limit]
            return self._made(entries.announced(self._store, self._hot(slug)))
        if day is not None:
            return self._made(self._found(self._in_topic(topic, day)), lasting=True)
        if topic.phrases:
            return self._made(self._found(self._recent(topic)))
        return self._made(self._newest(topic.categories))

    def _newest(self, categories: Sequence[str]) -> Found:
        """The newest papers of categories."""
        in_categories, limit = self._store.papers.in_categories, self._terms.limit
        found = in_categories(categories, since=self.since, limit=limit)
        since = found[0][1].seen_at - WHOLE if found else self.since
        if len(found) < limit or found[-1][1].seen_at <= since:
            return found
        found = in_categories(categories, since=max(since, self.since), limit=max(limit, MOST_NEW))
        return found[: _shown([first.seen_at for _, first in found], limit)]

    def _recent(self, topic: Topic) -> list[Known]:
        """The newest papers of a topic, day by day back until there are enough."""
        recent: list[Known] = []
        times: list[datetime] = []
        tomorrow = self.today + timedelta(days=1)
        for day in self._days_back(tomorrow, self._terms.days):
            found = self._in_topic(topic, day)
            recent += sorted(
                found, key=lambda each: newest_first(each.announcement.seen_at, each.paper_id)
            )
            times = [each.announcement.seen_at for each in recent]
            if len(recent) >= self._terms.limit and day <= (times[0] - WHOLE).date():
                break
        return recent[: _shown(times, self._terms.limit)]

    def _in_topic(self, topic: Topic, day: date) -> list[Known]:
        """The papers that entered a topic on a UTC day.

        A day is looked up again if its number of papers has changed, and every hour, since papers
        may have been revised.
        """
        mark = self._counts.get(day), f"{self._now:%Y-%m-%dT%H}"
        return [
            each for each in self._known.of(self._store.papers, day, mark) if each.in_topic(topic)
        ]

    def _days_back(self, before: date, count: int) -> list[date]:
        """Those of the `count` days before one that have any papers, newest first."""
        days = (before - timedelta(days=n) for n in range(1, count + 1))
        return [day for day in days if day in self._counts or day < self._earliest]

    @cached_property
    def _counts(self) -> Mapping[date, int]:
        """Papers by day, as far back as a feed looks for the day before its first entry."""
        return self._store.papers.days(self._earliest, self.today)

    @property
    def _earliest(self) -> date:
        return self.since.date() - timedelta(days=LOOK_BACK)

    def _found(self, known: Sequence[Known]) -> Found:
        papers = self._store.papers.get(each.paper_id for each in known)
        return [
            (papers[each.paper_id], each.announcement) for each in known if each.paper_id in papers
        ]

    def _day_before(self, feed: Feed, day: date) -> date | None:
        """The newest day before, within LOOK_BACK, on which the feed has an entry."""
        recent, topic = self.entries(feed), feed.topic
        if recent and recent[-1].seen_at.date() < day:
            return max(each.seen_at.date() for each in recent if each.seen_at.date() < day)
        if topic is None:
            return None
        if topic.phrases:
            days = self._days_back(day, LOOK_BACK)
            return next((each for each in days if self._in_topic(topic, each)), None)
        until = datetime.combine(day, time(), tzinfo=UTC)
        last = self._store.papers.in_categories(
            topic.categories, since=until - timedelta(days=LOOK_BACK), until=until, limit=1
        )
        return last[0][1].seen_at.date() if last else None

    def _made(self, found: Found, *, lasting: bool = False) -> list[FeedEntry]:
        return entries.entries_of(self._store, found, lasting=lasting)

    def _hot(self, slug: str) -> list[Paper]:
        papers = self._store.papers
        if slug == TRENDING:
            found = papers.get(papers.trending(limit=MOST_TRENDING))
            return list(found.values())
        period = slug.removeprefix(f"{TRENDING}-")
        hot = trending_papers(self._store, period, now=self._now, limit=MOST_TRENDING)
        return [paper for paper, _, _ in hot]


def _shown(times: Sequence[datetime], limit: int) -> int:
    """How many entries with these times, newest first, a feed shows."""
    whole = sum(each > times[0] - WHOLE for each in times[:MOST_NEW])
    return max(whole, limit)


def _holds(paper: Paper, query: str, topic: Topic | None) -> bool:
    """Whether it has every word of a query (all do if there is none) and the phrases of a topic.

    If no paper has every word, the store returns papers that have any of them.
    """
    if query and not matching.in_query(matching.searched(paper), query):
        return False
    if topic is None or not topic.phrases:
        return True
    return matching.in_topic(matching.folded(paper), paper.categories, topic)
