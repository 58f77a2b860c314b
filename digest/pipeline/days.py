"""Which papers entered which topics on which day, in a form small enough to keep."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from digest import matching
from digest.editions import FIRST_DAY
from digest.model import Announcement, Topic
from digest.ports import Entered, PaperStore

MOST_DAYS = 32


def counted_from(papers: PaperStore, now: datetime) -> date:
    """The day from which feeds count back: today, or the day after the last announcement.

    So an archive that got nothing for a month keeps showing its last papers.
    """
    newest = papers.in_categories((), since=FIRST_DAY, limit=1)
    return min(now, newest[0][1].seen_at + timedelta(days=1)).date() if newest else now.date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A paper that entered some topics on a day, without its text.

    It enters those of its `categories`, unless it was in them `before`, and the topics with phrases
    that are `named`. `text` is a hash of what was matched: `named` holds as long as it is the same.
    """

    paper_id: str
    categories: tuple[str, ...]
    before: tuple[str, ...]
    announcement: Announcement
    text: int
    named: frozenset[str]

    @property
    def key(self) -> Hashable:
        """What tells it apart: a paper may enter topics twice in a day."""
        return self.paper_id, self.announcement.seen_at

    def in_topic(self, topic: Topic) -> bool:
        """Whether it entered the topic."""
        if topic.phrases:
            return topic.id in self.named
        return matching.in_topic("", self.categories, topic) and not matching.in_topic(
            "", self.before, topic
        )


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
        """The papers that entered any topic on this UTC day."""
        with self._lock:
            kept = self._days.get(day)
            if kept is None or kept[0] != mark:
                before = {each.key: each for each in kept[1]} if kept else {}
                start = datetime.combine(day, time(), tzinfo=UTC)
                found = papers.entered(start, until=start + timedelta(days=1))
                kept = mark, [self._known(each, before) for each in found]
                self._days[day] = kept
            self._days.move_to_end(day)
            while len(self._days) > MOST_DAYS:
                self._days.popitem(last=False)
            return kept[1]

    def _known(self, entered: Entered, kept: Mapping[Hashable, Known]) -> Known:
        paper = entered.paper
        text = hash((paper.title, paper.abstract, paper.categories))
        same = kept.get((paper.id, entered.announcement.seen_at))
        named = same.named if same and same.text == text else self._named(entered)
        return Known(
            paper_id=paper.id,
            categories=paper.categories,
            before=entered.before or (),
            announcement=entered.announcement,
            text=text,
            named=named,
        )

    def _named(self, entered: Entered) -> frozenset[str]:
        text = matching.folded(entered.paper) if self._with_phrases else ""
        named = self._among(text, entered.paper.categories)
        return named if entered.before is None else named - self._among(text, entered.before)

    def _among(self, text: str, categories: tuple[str, ...]) -> frozenset[str]:
        return frozenset(
            topic.id for topic in self._with_phrases if matching.in_topic(text, categories, topic)
        )
