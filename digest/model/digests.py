"""Picks with reasons, and the digests made of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import exp, inf, log
from typing import NamedTuple

from digest.model.base import Value

OFFSET = 6.5
"""What a paper of which nothing is known has against it, in log-odds: one in 660 is wanted."""

FURTHEST = 500.0


def chance_of(score: float) -> float:
    """The chance, 0 to 1, that a score in log-odds stands for (the logistic function)."""
    return 1 / (1 + exp(min(OFFSET - score, FURTHEST)))


def score_of(chance: float) -> float:
    """The score in log-odds that stands for a chance: what `chance_of` was given; infinite at 0 and 1."""
    if not 0 < chance < 1:
        return inf if chance > 0 else -inf
    return OFFSET + log(chance / (1 - chance))


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
    EXPLORE = "explore"


class Reason(NamedTuple):
    """One term of a pick's score: `amount` is what it added; the amounts sum to the score.

    A bare tuple, as a mail has twenty and a dataclass takes thrice as long to make.

    `what` is the topic id, keyword, author, liked paper's id, or the count of upvotes. KEYWORD
    is a keyword that stands in the paper, WORDS one with which it only shares words or meaning,
    PICKED a curator's choice, EXPLORE a place kept for what lies beside one's interests (`what`
    of these two is empty, and exploring adds nothing). `words` are the up to three words of the
    paper that made the most of a LIKE or WORDS amount, largest first.
    """

    kind: ReasonKind
    what: str
    amount: float
    words: tuple[str, ...] = ()


class Pick(NamedTuple):
    """A paper chosen for a subscriber, with its score and the terms that made it, largest first.

    The score is in log-odds: each unit makes it e times as likely that the subscriber wants the
    paper, whoever they are and whatever the day. `team` names the ranker that brought the pick
    while two are being compared (`a` or `b`), and is empty otherwise.
    """

    paper_id: str
    score: float
    reasons: tuple[Reason, ...] = ()
    team: str = ""

    @property
    def chance(self) -> float:
        """How likely the subscriber is to want this paper, 0 to 1, judged by its score."""
        return chance_of(self.score)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking(Value):
    """What ranking found for one profile among an edition's candidates, in the order of the list.

    `matched` counts the papers in the profile's interests (muted ones left out); None says that
    these are all that are listed, but for those to explore. `picks` are those that can be shown in
    full (at least the profile's limit), `rest` the ids of the others up to the cap the caller gave.
    The best comes first; after it a list may do better than by scores alone: near-duplicates step
    back, interests share the places, and what is there to explore (see `ReasonKind`) need not match.
    """

    subscriber_id: str
    picks: tuple[Pick, ...] = ()
    rest: tuple[str, ...] = ()
    matched: int | None = None

    @property
    def listed(self) -> tuple[str, ...]:
        """The ids of all of them, best first."""
        return (*(each.paper_id for each in self.picks), *self.rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation(Value):
    """The whole sum for one paper and one profile, whether or not the paper was picked.

    `terms` sum to `score`, largest first, none folded into another. `words`, one entry a term,
    divide a term's amount among the words of the paper that made it: (word, part) pairs, largest
    first, what the smaller ones add as "…", and nothing for a term that no words made. `barred`
    says why the paper cannot be picked and is empty where it can; `rank` is its place among the
    picks, from 1, and 0 if it is not one of them.
    """

    paper_id: str
    score: float
    terms: tuple[Reason, ...] = ()
    words: tuple[tuple[tuple[str, float], ...], ...] = ()
    barred: str = ""
    rank: int = 0

    @property
    def parted(self) -> tuple[tuple[Reason, tuple[tuple[str, float], ...]], ...]:
        """Each term with the words that made it."""
        words = (*self.words, *((),) * len(self.terms))
        return tuple(zip(self.terms, words, strict=False))

    @property
    def chance(self) -> float:
        """How likely the subscriber is to want this paper, 0 to 1, judged by its score."""
        return chance_of(self.score)


class Mood(StrEnum):
    """What kind of day an edition is for a subscriber; quiet days say which kind they are.

    BELOW is a day with papers that match, none of which reaches the subscriber's floor.
    """

    PICKS = "picks"
    NO_MATCH = "no-match"
    BELOW = "below"
    HOLIDAY = "holiday"
    OUTAGE = "outage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest(Value):
    """One subscriber's edition, as ids, scores and reasons; bodies are rendered, never stored.

    `edition` is the subscriber's local date (ISO). The digest covers announcements seen in
    (`since`, `until`]. `picks` are shown in full, `rest` are the other matching papers, those
    below the subscriber's floor among them, shown as titles. `announced` counts papers announced
    in the window, `matched` those in the subscriber's interests, `withheld` those left out because
    they were sent before.
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
