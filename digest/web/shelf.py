"""The papers of the last weeks by topic, computed once for all readers."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from digest import matching
from digest.editions import FIRST_DAY
from digest.model import Paper, Topic
from digest.pipeline.days import counted_from
from digest.ports import Entered, PaperStore
from digest.rendering import links

MOST_PAPERS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """The papers of the last weeks by topic id, newest first, with the UTC day when each entered."""

    since: date
    by_topic: Mapping[str, Mapping[str, date]] = field(default_factory=dict)

    def of(self, topic: Topic) -> Mapping[str, date]:
        """The ids of a topic's papers, newest first, with their days."""
        return self.by_topic.get(topic.id, {})


class Shelf:
    """Keeps `Recent` up to date with the store; thread-safe.

    A paper is matched against the named topics once, and again only if its text changes.
    """

    def __init__(self, topics: Mapping[str, Topic], *, days: int) -> None:
        self.topics = topics
        self._days = days
        self._named = tuple(each for each in topics.values() if matching.is_named(each))
        # Category keys are case-folded; topics are looked up by them.
        self._plain = {
            each.id.casefold(): each.id for each in topics.values() if not matching.is_named(each)
        }
        self._slugs = {links.slug(each.id).casefold(): each for each in topics.values()}
        self._matched: dict[str, tuple[int, frozenset[str]]] = {}
        self._recent = Recent(since=FIRST_DAY.date())
        self._version: Hashable = None
        self._state: Hashable = None
        self._lock = threading.Lock()

    def recent(self, papers: PaperStore, now: datetime, version: Hashable) -> Recent:
        """The papers of the last weeks, checked for changes when `version` changes.

        Votes change the version too, so papers are loaded again only when their counts by day have
        changed, and every hour, since they may have been revised.
        """
        with self._lock:
            if self._version != version:
                since = counted_from(papers, now) - timedelta(days=self._days - 1)
                state = f"{now:%Y-%m-%dT%H}", tuple(papers.days(since, now.date()).items())
                if self._state != state:
                    start = datetime.combine(since, time(), tzinfo=UTC)
                    found = papers.entered(start, limit=MOST_PAPERS)
                    self._recent = self._sorted(found, since)
                self._version, self._state = version, state
            return self._recent

    def topic(self, slug: str, recent: Recent) -> Topic | None:
        """The topic of a slug: one of the settings, or a category of recent papers."""
        known = self._slugs.get(slug.casefold())
        if known is not None:
            return known
        found = (each for each in recent.by_topic if links.slug(each).casefold() == slug.casefold())
        topic_id = next(found, "")
        return matching.topic_of(topic_id, self.topics) if topic_id else None

    def count(self, papers: Iterable[Paper]) -> Counter[str]:
        """The number of papers in each topic, by topic id."""
        return Counter(topic for paper in papers for topic in self.topics_of(paper))

    def topics_of(self, paper: Paper) -> set[str]:
        """The ids of all topics a paper is in; a category that no topic names is one by itself."""
        keys = matching.category_keys(paper.categories)
        own = {self._plain[key] for key in keys if key in self._plain}
        unknown = {each for each in paper.categories if each.casefold() not in self._plain}
        return own | unknown | self._named_topics(paper)

    def _named_topics(self, paper: Paper) -> frozenset[str]:
        if not self._named:
            return frozenset()
        mark = hash((paper.title, paper.abstract, paper.categories))
        known = self._matched.get(paper.id)
        if known is not None and known[0] == mark:
            return known[1]
        text = matching.folded(paper)
        found = frozenset(
            each.id for each in self._named if matching.in_topic(text, paper.categories, each)
        )
        if len(self._matched) > 2 * MOST_PAPERS:
            self._matched.clear()
        self._matched[paper.id] = (mark, found)
        return found

    def _sorted(self, found: Iterable[Entered], since: date) -> Recent:
        by_topic: defaultdict[str, dict[str, date]] = defaultdict(dict)
        for each in found:
            topics = self.topics_of(each.paper)
            if each.before is not None:
                topics -= self.topics_of(replace(each.paper, categories=each.before))
            for topic in topics:
                by_topic[topic][each.paper.id] = each.announcement.seen_at.date()
        return Recent(since=since, by_topic=dict(by_topic))
