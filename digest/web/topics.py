"""The list of all topics, and a page with the latest papers of each."""

from __future__ import annotations

from itertools import groupby
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.routing import BaseRoute

from digest import matching
from digest.model import Topic
from digest.rendering import links, pages
from digest.web import choosing
from digest.web.documents import TopicDocument, TopicsDocument, topic_record
from digest.web.negotiating import Shown
from digest.web.showing import Showing, typed

PAPERS_A_PAGE = 30
BESIDE = 5


class Topics(Showing):
    """The directory of topics, and a page for each."""

    def routes(self) -> list[BaseRoute]:
        """The routes of this part."""
        return [
            *self.both("/topics", self.directory, parameters=("q",)),
            *self.both("/topics/{slug}", self.show, parameters=("page",)),
        ]

    def directory(self, request: Request) -> Shown:
        """All topics in groups, or those that match the words of `?q=`."""
        recent = self.recent()
        counts = {topic: len(papers) for topic, papers in recent.by_topic.items()}
        strangers = [each for each in counts if each not in self.shelf.topics]
        topics = {
            **self.shelf.topics,
            **{each: matching.topic_of(each, self.shelf.topics) for each in sorted(strangers)},
        }
        words = typed(request, "q")
        groups = [
            (group.name, [box.topic for box in group.boxes if box.found], group.open)
            for group in choosing.groups(topics, words=words, followed=counts)
            if group.found
        ]
        return Shown(
            template="topics",
            context={
                "groups": groups,
                "counts": counts,
                "found": sum(len(listed) for _, listed, _ in groups),
                "words": words,
                "days": self.app.settings.feeds.days,
                "here": "topics",
                "canonical": "/topics",
            },
            document=lambda: TopicsDocument(
                days=self.app.settings.feeds.days,
                topics=[
                    topic_record(each, counts.get(each.id, 0), site=self.site)
                    for _, listed, _ in groups
                    for each in listed
                ],
            ),
        )

    def show(self, request: Request) -> Shown:
        """The papers of the last weeks in one topic, by day."""
        topic = self.topic(request.path_params["slug"])
        slug = links.slug(topic.id)
        entered = self.recent().of(topic)
        ids = list(entered)
        part = self.part(request, ids, PAPERS_A_PAGE, path=f"/topics/{slug}")
        found = self.by_id(part.items)
        hot = self.trending("week", topic)[:BESIDE] if part.number == 1 else []
        days = groupby(found.items(), key=lambda each: entered[each[0]])
        return Shown(
            template="topic",
            context={
                "topic": topic,
                "slug": slug,
                "subscribe": urlencode({"topics": topic.id}),
                "related": self._related(topic),
                "days": [(day, [each for _, each in listed]) for day, listed in days],
                "window": self.app.settings.feeds.days,
                "trending": hot,
                "part": part,
                "here": "topics",
                "canonical": f"/topics/{slug}",
                "feeds": pages.feed_links(slug, topic.name),
            },
            document=lambda: TopicDocument(
                topic=topic_record(topic, len(ids), site=self.site),
                days=self.app.settings.feeds.days,
                trending=[each.record for each in hot],
                total=part.total,
                page=part.number,
                pages=part.of,
                papers=[each.record for each in found.values()],
            ),
        )

    def _related(self, topic: Topic) -> list[Topic]:
        """The categories that a named topic includes, or the other categories of an archive."""
        known = self.app.settings.topics
        archive = topic.id.partition(".")[0]
        own = [known[each] for each in topic.categories if each in known and each != topic.id]
        if own or topic.id not in known:
            return own
        return [
            each
            for each in known.values()
            if each.group == topic.group
            and each.id != topic.id
            and each.group
            and each.id.partition(".")[0] == archive
        ]
