"""What a letter is about, and what it says: the arguments and the result of `letter_wording`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from digest.errors import ConfigError
from digest.model import Interest, InterestKind, Site, Status, Subscriber, Topic
from digest.rendering import links
from digest.rendering.wording import count
from digest.text import clean, truncate

MOST_TOPICS = 12
MOST_LINES = 60
LONGEST_LINE = 600
LONGEST_UNDO = 7_500

_SUBSCRIBED = (Status.ACTIVE, Status.PAUSED)
_NOUNS = {
    InterestKind.KEYWORD: "keyword",
    InterestKind.QUERY: "saved search",
    InterestKind.AUTHOR: "author",
    InterestKind.LIKE: "example paper",
    InterestKind.MUTE: "muted word",
    InterestKind.MUTE_AUTHOR: "hidden author",
    InterestKind.MUTE_TOPIC: "hidden topic",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What a letter is about: its kind, the subscriber, the time, and what this kind needs.

    `to` is the subscriber it is about, or None for a stranger. `owner` is the same if the letter
    goes to their own address: only then may it have links and addresses that act for them.
    """

    kind: str
    site: Site
    topics: Mapping[str, Topic]
    to: Subscriber | None
    owner: Subscriber | None
    at: datetime
    context: Mapping[str, object]

    @property
    def name(self) -> str:
        """The name of the service."""
        return clean(self.site.name)

    @property
    def person(self) -> Subscriber:
        """The subscriber it is about; raises ConfigError if there is none."""
        if self.to is None:
            raise ConfigError("A letter of this kind needs a subscriber.")
        return self.to

    @property
    def subscribed(self) -> Subscriber | None:
        """The owner, if they have a subscription to change or end."""
        person = self.owner
        if self.kind == "goodbye" or person is None or person.status not in _SUBSCRIBED:
            return None
        return person

    def word(self, name: str) -> str:
        """A text from the context, "" if there is none."""
        return truncate(clean(str(self.context.get(name) or "")), LONGEST_LINE)

    def undo(self) -> str:
        """The command that undoes a change; "" if it is too long, as half of it would do harm."""
        text = clean(str(self.context.get("undo") or ""))
        return text if len(text) <= LONGEST_UNDO else ""

    def lines(self) -> list[str]:
        """The lines from the context; a single text is one line."""
        given = self.context.get("lines") or ()
        lines = [given] if isinstance(given, str) else _things(given)
        cleaned = (truncate(clean(str(each)), LONGEST_LINE) for each in lines)
        return [each for each in cleaned if each][:MOST_LINES]

    def preferences(self) -> str:
        """The link to the preferences, "" if there is no subscription."""
        person, day = self.subscribed, self.at.date().isoformat()
        return links.preferences(self.site, person, day) if person else ""

    def asked_for(self) -> list[str]:
        """What somebody asked for: names of topics, and numbers of the rest, which they typed."""
        given = _things(self.context.get("interests") or ())
        wishes = [each for each in given if isinstance(each, Interest)]
        ids = [each.value for each in wishes if each.kind is InterestKind.TOPIC]
        names = [_topic(self.topics[each]) for each in ids if each in self.topics]
        lines = []
        if names:
            more = f" and {len(names) - MOST_TOPICS} more" if len(names) > MOST_TOPICS else ""
            lines.append(f"Topics: {', '.join(names[:MOST_TOPICS])}{more}")
        counted = [
            count(number, noun)
            for kind, noun in _NOUNS.items()
            if (number := sum(each.kind is kind for each in wishes))
        ]
        if counted:
            lines.append(f"{'Also' if names else 'With'} {', '.join(counted)}")
        return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The sentences of a letter; `notes` are in small print at the end.

    The subject is the title, without its full stop, unless there is another one.
    """

    title: str
    subject: str = ""
    paragraphs: Sequence[str] = ()
    lines: Sequence[str] = ()
    button: str = ""
    url: str = ""
    notes: Sequence[str] = ()


def _topic(topic: Topic) -> str:
    name, code = clean(topic.name), clean(topic.id)
    return f"{name} ({code})" if topic.categories == (topic.id,) and name != code else name


def _things(given: object) -> Iterable[object]:
    return given if isinstance(given, Iterable) and not isinstance(given, str | bytes) else ()
