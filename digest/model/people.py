"""Subscribers and what they care about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from functools import cached_property

from digest.model.base import Value


class Status(StrEnum):
    """Where a subscriber stands; only `active` ones are sent anything."""

    PENDING = "pending"
    ACTIVE = "active"
    PAUSED = "paused"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"


class Cadence(StrEnum):
    """How often a digest comes. `weekly` comes on the subscriber's `weekday`."""

    DAILY = "daily"
    WEEKDAYS = "weekdays"
    WEEKLY = "weekly"


class Quiet(StrEnum):
    """What a subscriber wants on a day with nothing to say: no mail, or one honest line."""

    NOTHING = "nothing"
    LINE = "line"


FLOORS: Mapping[str, float] = {"any": 0.0, "likely": 0.1, "sure": 0.3}
"""Floors by the names people choose them by: the best of whatever matches, only papers that are
likely worth their time, only the surest."""


class InterestKind(StrEnum):
    """The kinds of interest a profile is made of.

    MUTE is a word or phrase never to be seen, MUTE_AUTHOR and MUTE_TOPIC a hidden author or
    topic. KNOWN is a paper already known: not to be picked, and no opinion on it. QUERY is a
    saved search: a paper is in it when it holds every word and quoted phrase of the query.
    """

    TOPIC = "topic"
    KEYWORD = "keyword"
    AUTHOR = "author"
    LIKE = "like"
    DISLIKE = "dislike"
    MUTE = "mute"
    MUTE_AUTHOR = "mute-author"
    MUTE_TOPIC = "mute-topic"
    KNOWN = "known"
    QUERY = "query"


POSITIVE = (
    InterestKind.TOPIC,
    InterestKind.KEYWORD,
    InterestKind.AUTHOR,
    InterestKind.LIKE,
    InterestKind.QUERY,
)
"""What papers are picked for; the others keep some out, or say what is known."""

OPINION = "opinion"
OPINIONS = (InterestKind.LIKE, InterestKind.DISLIKE)
"""Of a paper one likes it or dislikes it, not both: the one said last counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest(Value):
    """One thing a subscriber cares about (or, for dislikes and mutes, not).

    `value` is a topic id, a word or phrase, an author's name, a paper id, or a query.
    """

    kind: InterestKind
    value: str
    weight: float = 1.0
    added_at: datetime

    @property
    def slot(self) -> tuple[str, str]:
        """What holds one interest at a time: a (kind, value), or the opinion on a paper."""
        return OPINION if self.kind in OPINIONS else self.kind.value, self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber(Value):
    """A person who asked for digests: where, when and how many; interests are kept apart.

    `tz` is an IANA name; `at` the local time of day; `weekday` 0 is Monday and counts only for
    weekly. `key` is this subscriber's secret (hex): links and feed addresses derive from it,
    and a new one revokes them all. `due_at` is when the next digest is due. `floor` is the least
    chance of being wanted (0 to 1, see `Pick.chance`) that a paper shown in full must have; with
    0 the best of whatever matches are shown.

    `paused_until` counts while paused: None is until resumed. `seen_until` is up to when
    everything was marked as seen. `name` is shown beside what they submit only if `shows_name`.
    """

    id: str
    email: str
    status: Status = Status.PENDING
    tz: str = "UTC"
    at: time = time(7)
    cadence: Cadence = Cadence.DAILY
    weekday: int = 0
    limit: int = 10
    quiet: Quiet = Quiet.LINE
    key: str
    created_at: datetime
    confirmed_at: datetime | None = None
    due_at: datetime | None = None
    paused_until: datetime | None = None
    seen_until: datetime | None = None
    name: str = ""
    shows_name: bool = False
    floor: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Profile(Value):
    """What ranking knows of a subscriber: interests, how many papers they read, never an address.

    `floor` is theirs (see `Subscriber`).
    """

    subscriber_id: str
    interests: tuple[Interest, ...] = ()
    limit: int = 10
    floor: float = 0.0

    def of(self, kind: InterestKind) -> tuple[Interest, ...]:
        """The interests of one kind, in the order they were added."""
        return self._by_kind.get(kind, ())

    @cached_property
    def _by_kind(self) -> Mapping[InterestKind, tuple[Interest, ...]]:
        # Ranking asks for every kind of everyone, some of whom like hundreds of papers.
        found: dict[InterestKind, list[Interest]] = {}
        for each in self.interests:
            found.setdefault(each.kind, []).append(each)
        return {kind: tuple(those) for kind, those in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class IdRange:
    """Subscribers whose ids come after `after`, up to and with `last`, compared as text."""

    after: str = ""
    last: str = "\U0010ffff"


EVERYONE = IdRange()


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic(Value):
    """Something to follow: an arXiv category, or a name config gives to categories and words.

    A paper is in the topic when it has one of `categories` or contains one of `phrases`
    (case-insensitive, whole words). `keywords` do not admit papers; they raise the score.
    `id` is what people type (`cs.LG`, `retrieval`); `group` is a heading in lists.
    """

    id: str
    name: str
    categories: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    group: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressChange(Value):
    """A wish to get digests elsewhere; it is done once both addresses have confirmed it."""

    subscriber_id: str
    email: str
    asked_at: datetime
    old_confirmed: bool = False
    new_confirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Comeback(Value):
    """What was asked for in the name of someone who had left; it counts once they agree to it.

    Of the schedule None is what was not asked for, and stays as it was.
    """

    subscriber_id: str
    asked_at: datetime
    interests: tuple[Interest, ...] = ()
    at: time | None = None
    tz: str | None = None
    cadence: Cadence | None = None
    weekday: int | None = None
    limit: int | None = None
    quiet: Quiet | None = None
    floor: float | None = None


class FeedbackKind(StrEnum):
    """What a reader said: of a paper, of its author or topic, or of everything so far."""

    MORE = "more"
    LESS = "less"
    SAVE = "save"
    KNOWN = "known"
    UPVOTE = "upvote"
    HIDE_AUTHOR = "hide-author"
    HIDE_TOPIC = "hide-topic"
    SEEN_ALL = "seen-all"


class Via(StrEnum):
    """By which way something reached us."""

    WEB = "web"
    MAIL = "mail"
    FEED = "feed"
    COMMAND = "command"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback(Value):
    """One thing a reader said, kept with when, where and why, so that it can be shown and undone.

    `value` is the hidden author or topic. `edition` and `rank` (from 1) say where the paper
    stood when they said so, `reason` why it stood there (the sentence that was shown).
    `added` are the interests it put into the profile, `replaced` those that stood there before.
    """

    id: str
    subscriber_id: str
    kind: FeedbackKind
    paper_id: str = ""
    value: str = ""
    via: Via
    at: datetime
    edition: str = ""
    rank: int = 0
    reason: str = ""
    added: tuple[Interest, ...] = ()
    replaced: tuple[Interest, ...] = ()
    undone_at: datetime | None = None
