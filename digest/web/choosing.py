"""The choice of topics and time zones in forms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from zoneinfo import available_timezones

from digest.model import Topic

NAMED = "Themes"
OTHERS = "Further subjects"

_ELSEWHERE = ("Etc", "SystemV", "posix", "right")


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A topic's checkbox; `found` if it matches the search, and `words` is the text searched."""

    topic: Topic
    ticked: bool
    found: bool
    words: str

    @property
    def shown(self) -> bool:
        """Whether it is visible; ticked topics always are."""
        return self.found or self.ticked


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Topics under one heading, unfolded if `open`."""

    name: str
    boxes: tuple[Box, ...]
    open: bool

    @property
    def ticked(self) -> tuple[str, ...]:
        """The names of the ticked topics."""
        return tuple(box.topic.name for box in self.boxes if box.ticked)

    @property
    def found(self) -> int:
        """How many topics match the search."""
        return sum(box.found for box in self.boxes)

    @property
    def shown(self) -> bool:
        """Whether any topic is visible."""
        return any(box.shown for box in self.boxes)


def groups(
    topics: Mapping[str, Topic],
    *,
    chosen: Collection[str] = (),
    words: str = "",
    followed: Mapping[str, int] | None = None,
) -> list[Group]:
    """All topics in groups: named ones first, then the most followed groups.

    Only topics that have all `words`, and the chosen ones, are visible. Groups of one, and chosen
    topics that the settings do not name (`biorxiv:neuroscience`), share a group.
    """
    wanted = words.casefold().split()
    popular = followed or {}
    sizes = Counter(topic.group for topic in topics.values())
    found: dict[str, list[Box]] = {}
    for topic in (*topics.values(), *_strangers(topics, chosen)):
        text = _text(topic)
        box = Box(
            topic=topic,
            ticked=topic.id in chosen,
            found=all(word in text for word in wanted),
            words=text,
        )
        found.setdefault(_heading(topic, sizes), []).append(box)

    def rank(name: str) -> tuple[bool, int]:
        return name != NAMED, -sum(popular.get(box.topic.id, 0) for box in found[name])

    return [
        Group(name=name, boxes=tuple(found[name]), open=name == NAMED or bool(wanted))
        for name in sorted(found, key=rank)
    ]


def known(topics: Mapping[str, Topic], chosen: Collection[str]) -> Mapping[str, Topic]:
    """The topics, with the chosen ones that the settings do not name (`acm:H.3`)."""
    return {each.id: each for each in _strangers(topics, chosen)} | dict(topics)


@cache
def zones() -> dict[str, tuple[str, ...]]:
    """IANA time zones by region, `UTC` first."""
    parts: dict[str, list[str]] = {"": ["UTC"]}
    for name in sorted(available_timezones()):
        part, _, city = name.partition("/")
        if city and part not in _ELSEWHERE:
            parts.setdefault(part, []).append(name)
    return {part: tuple(names) for part, names in parts.items()}


def _heading(topic: Topic, sizes: Mapping[str, int]) -> str:
    if topic.categories != (topic.id,):
        return topic.group or NAMED
    return topic.group if topic.group and sizes[topic.group] > 1 else OTHERS


def _strangers(topics: Mapping[str, Topic], chosen: Collection[str]) -> list[Topic]:
    return [Topic(id=each, name=each, categories=(each,)) for each in chosen if each not in topics]


def _text(topic: Topic) -> str:
    return f"{topic.id} {topic.name} {topic.description} {topic.group}".casefold()
