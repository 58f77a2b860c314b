"""Topics as a choice: groups of boxes to tick, narrowed by a few words."""

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
    """A topic to tick; one that is not `shown` was narrowed away. `words` is what is searched."""

    topic: Topic
    ticked: bool
    found: bool
    words: str

    @property
    def shown(self) -> bool:
        """Whether it is in sight: what is chosen always is."""
        return self.found or self.ticked


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Topics under one heading; `open` ones are shown unfolded."""

    name: str
    boxes: tuple[Box, ...]
    open: bool

    @property
    def ticked(self) -> tuple[str, ...]:
        """The names of those that are chosen."""
        return tuple(box.topic.name for box in self.boxes if box.ticked)

    @property
    def found(self) -> int:
        """How many have the words that were looked for."""
        return sum(box.found for box in self.boxes)

    @property
    def shown(self) -> bool:
        """Whether any is in sight."""
        return any(box.shown for box in self.boxes)


def groups(
    topics: Mapping[str, Topic],
    *,
    chosen: Collection[str] = (),
    words: str = "",
    followed: Mapping[str, int] | None = None,
) -> list[Group]:
    """All topics in groups: named ones first, then the groups that most people follow.

    `words` leave in sight only the topics that have all of them, and those already chosen. Groups
    of one, and chosen topics that are not known by name (`biorxiv:neuroscience`), stand together.
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
        Group(
            name=name,
            boxes=tuple(found[name]),
            open=name == NAMED or bool(wanted),
        )
        for name in sorted(found, key=rank)
    ]


def known(topics: Mapping[str, Topic], chosen: Collection[str]) -> Mapping[str, Topic]:
    """The topics with those that were chosen and are not known by name (`acm:H.3`)."""
    return {each.id: each for each in _strangers(topics, chosen)} | dict(topics)


@cache
def zones() -> dict[str, tuple[str, ...]]:
    """Time zones by the part of the world, `UTC` first; names as the IANA database has them."""
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
