"""Which papers were announced on which day, and their topics, in a form small enough to keep."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from digest import matching
from digest.editions import FIRST_DAY
from digest.model import Announcement, Paper, Topic
from digest.ports import PaperStore

MOST_DAYS = 32


def counted_from(papers: PaperStore, now: datetime) -> date:
    """The day from which feeds count back: today, or the day after the last announcement.

    So an archive that got nothing for a month keeps showing its last papers.
    """
    newest = papers.in_categories((), since=FIRST_DAY, limit=1)
    return min(now, newest[0][1].seen_at + timedelta(days=1)).date() if newest else now.date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A paper of a day, without its text; `named` are the topics with phrases that it is in.

    `text` is a hash of the text that was matched: `named` holds as long as it is the same.
    """

    paper_id: str
    categories: tuple[str, ...]
    announcement: Announcement
    text: int
    named: frozenset[str]

    def in_topic(self, topic: Topic) -> bool:
        """Whether it belongs to the topic."""
        if topic.phrases:
            return topic.id in self.named
        return matching.in_topic("", self.categories, topic)


class Days:
    """Looks each day up once, and again when its mark has changed; safe to use from any thread.

    Papers are matched against all topics with phrases at once, since folding a text costs more than
    the matching, and matched again only if their text has changed.
    """

    def __init__(self, topics: Mapping[str, Topic]) -> None:
        self._with_phrases = tuple(topic for topic in topics.values() if topic.phrases)
        self._days: OrderedDict[date, tuple[Hashable, Sequence[Known]]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, papers: PaperStore, day: date, mark: Hashable) -> Sequence[Known]:
        """The papers that could first be read on this UTC day."""
        with self._lock:
            kept = self._days.get(day)
            if kept is None or kept[0] != mark:
                before = {each.paper_id: each for each in kept[1]} if kept else {}
                found = papers.announced_on(day)
                kept = mark, [self._known(*each, before.get(each[0].id)) for each in found]
                self._days[day] = kept
            self._days.move_to_end(day)
            while len(self._days) > MOST_DAYS:
                self._days.popitem(last=False)
            return kept[1]

    def _known(self, paper: Paper, announcement: Announcement, before: Known | None) -> Known:
        text = hash((paper.title, paper.abstract, paper.categories))
        named = before.named if before and before.text == text else self._named(paper)
        return Known(
            paper_id=paper.id,
            categories=paper.categories,
            announcement=announcement,
            text=text,
            named=named,
        )

    def _named(self, paper: Paper) -> frozenset[str]:
        text = matching.folded(paper) if self._with_phrases else ""
        return frozenset(
            topic.id
            for topic in self._with_phrases
            if matching.in_topic(text, paper.categories, topic)
        )
