"""Picks with reasons, and the digests made of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from digest.model.base import Value


class ReasonKind(StrEnum):
    """The kinds of reason a pick can have."""

    TOPIC = "topic"
    KEYWORD = "keyword"
    WORDS = "words"
    AUTHOR = "author"
    LIKE = "like"
    DISLIKE = "dislike"
    TRENDING = "trending"
    QUERY = "query"
    PICKED = "picked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason(Value):
    """One term of a pick's score: `amount` is what it added; the amounts sum to the score.

    `what` is the topic id, keyword, author, liked paper's id, or the count of upvotes. KEYWORD
    is a keyword that stands in the paper, WORDS one with which it only shares words, PICKED a
    curator's choice (`what` is then empty).
    """

    kind: ReasonKind
    what: str
    amount: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick(Value):
    """A paper chosen for a subscriber, with its score and the terms that made it, largest first."""

    paper_id: str
    score: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking(Value):
    """What ranking found for one profile among an edition's candidates, best first.

    `matched` counts the papers in the profile's interests (muted ones left out); `picks` are
    ordered by score and hold every one of them up to the cap the caller gave.
    """

    subscriber_id: str
    picks: tuple[Pick, ...] = ()
    matched: int = 0


class Mood(StrEnum):
    """What kind of day an edition is for a subscriber; quiet days say which kind they are."""

    PICKS = "picks"
    NO_MATCH = "no-match"
    HOLIDAY = "holiday"
    OUTAGE = "outage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest(Value):
    """One subscriber's edition, as ids, scores and reasons; bodies are rendered, never stored.

    `edition` is the subscriber's local date (ISO). The digest covers announcements seen in
    (`since`, `until`]. `picks` are shown in full, `rest` are the other matching papers, shown
    as titles. `announced` counts papers announced in the window, `matched` those in the
    subscriber's interests, `withheld` those left out because they were sent before.
    """

    id: str
    subscriber_id: str
    edition: str
    mood: Mood = Mood.PICKS
    since: datetime
    until: datetime
    picks: tuple[Pick, ...] = ()
    rest: tuple[str, ...] = ()
    announced: int = 0
    matched: int = 0
    withheld: int = 0
    composed_at: datetime
