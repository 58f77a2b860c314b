"""What people ask for in their own words, and the interests and schedules that follow from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from digest import editions, matching
from digest.errors import InvalidInput, NotFound
from digest.merging import SICI, arxiv_id, canonical_doi
from digest.model import FLOORS, Interest, InterestKind, Quiet, Subscriber, Topic
from digest.text import clean

MOST_INTERESTS = 2_000
LONGEST_INTEREST = 200
LONGEST_NAME = 60
MOST_PICKS = 50
ALL_TOPICS = "`digest topics` lists them all."
LIGHTEST, HEAVIEST = 0.1, 5.0
TELLING = (InterestKind.KEYWORD, InterestKind.MUTE)

_PREPRINT_SERVER = re.compile(r"(?:bio|med)rxiv:[a-z0-9-]{2,60}")
_WORD = re.compile(r"[a-z0-9]+")
_ARXIV_IN_PATH = re.compile(r"(?<![\d.])\d{4}\.\d{4,5}(?:v\d{1,3})?(?![\d])")
_DOI_IN_PATH = re.compile(rf"10\.\d{{4,9}}/[^\s?#&\"<>]+(?:{SICI})?", re.IGNORECASE)
# bioRxiv, medRxiv and many publishers put the form after the DOI: `…/10.1101/2024.01.02.573v1.full`.
_AFTER_A_DOI = re.compile(
    r"(?:v\d+)?(?:[./](?:full|abstract|pdf|epub|html)(?:[.-]text|\.pdf)?)?/?$", re.IGNORECASE
)
_CHANCE = re.compile(r"(\d{1,3}(?:\.\d{1,6})?|\.\d{1,6})\s*(%)?", re.ASCII)
FLOOR_DECIMALS = 6
_A_LINK = re.compile(r"https?:|www\.|[@<>]", re.IGNORECASE)


LISTS: Mapping[str, InterestKind] = {
    "topics": InterestKind.TOPIC,
    "keywords": InterestKind.KEYWORD,
    "authors": InterestKind.AUTHOR,
    "likes": InterestKind.LIKE,
    "queries": InterestKind.QUERY,
    "mutes": InterestKind.MUTE,
    "mute_authors": InterestKind.MUTE_AUTHOR,
    "mute_topics": InterestKind.MUTE_TOPIC,
}
"""The lists of `Wishes`, with the kind of interest each names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What someone asked for, as typed; None keeps the current value or the default.

    `weight` applies to every interest named here. `likes` are papers by arXiv id, DOI or address.
    """

    topics: Sequence[str] = ()
    keywords: Sequence[str] = ()
    authors: Sequence[str] = ()
    likes: Sequence[str] = ()
    queries: Sequence[str] = ()
    mutes: Sequence[str] = ()
    mute_authors: Sequence[str] = ()
    mute_topics: Sequence[str] = ()
    weight: float | None = None
    at: str | None = None
    tz: str | None = None
    cadence: str | None = None
    limit: int | None = None
    quiet: str | None = None
    floor: str | None = None
    name: str | None = None
    shows_name: bool | None = None


def interests_of(
    wishes: Wishes, *, topics: Mapping[str, Topic], now: datetime
) -> tuple[Interest, ...]:
    """Return the interests that the wishes name, each once.

    Raises InvalidInput for what cannot be an interest and NotFound for an unknown topic.
    """
    weight = 1.0 if wishes.weight is None else checked_weight(wishes.weight)
    found: dict[tuple[InterestKind, str], Interest] = {}
    for name, kind in LISTS.items():
        for text in getattr(wishes, name):
            value = text
            if kind in (InterestKind.TOPIC, InterestKind.MUTE_TOPIC):
                value = topic_id(text, topics)
            elif kind is InterestKind.LIKE:
                value = paper_key(text)
            made = interest(kind, value, weight=weight, now=now)
            found[kind, made.value] = made
    check_number(len(found))
    return tuple(found.values())


def interest(kind: InterestKind, value: str, *, weight: float = 1.0, now: datetime) -> Interest:
    """Return an interest, its text cleaned; raises InvalidInput."""
    text = clean(value)
    if not text or len(text) > LONGEST_INTEREST:
        raise InvalidInput(f"A {kind} must have between 1 and {LONGEST_INTEREST} characters.")
    if ";" in text and kind is not InterestKind.LIKE:  # DOIs may have one
        raise InvalidInput(f"A {kind} cannot have a semicolon; give {text!r} as two.")
    if kind in TELLING and not matching.telling(text):
        raise InvalidInput(
            f"The {kind} {text!r} does not tell papers apart; give a word or phrase that says more."
        )
    return Interest(kind=kind, value=text, weight=weight, added_at=now)


def check_number(interests: int) -> None:
    """Raise InvalidInput for more interests than a profile can hold."""
    if interests > MOST_INTERESTS:
        raise InvalidInput(f"A profile can hold {MOST_INTERESTS} interests, not {interests}.")


def checked_weight(weight: float) -> float:
    """Return a weight within bounds; raises InvalidInput (also for NaN)."""
    if not LIGHTEST <= weight <= HEAVIEST:
        raise InvalidInput(f"A weight is a number from {LIGHTEST} to {HEAVIEST:g}, not {weight:g}.")
    return weight


def topic_id(text: str, topics: Mapping[str, Topic]) -> str:
    """Return the id of a topic, whatever its case; raises NotFound that names similar ones."""
    wanted = text.strip()
    if wanted in topics:
        return wanted
    folded = wanted.casefold()
    by_fold = {each.casefold(): each for each in topics}
    if folded in by_fold:
        return by_fold[folded]
    if _PREPRINT_SERVER.fullmatch(folded):
        return folded
    near = [
        each.id
        for each in topics.values()
        if folded and (folded in each.name.casefold() or folded in each.id.casefold())
    ][:5]
    server, colon, category = folded.partition(":")
    hyphened = f"{server}:{'-'.join(_WORD.findall(category))}" if colon else ""
    if _PREPRINT_SERVER.fullmatch(hyphened):
        near = [hyphened]
    hint = f"Did you mean {', '.join(near)}?" if near else ALL_TOPICS
    raise NotFound(f"There is no topic {wanted!r}. {hint}", subject=wanted)


def paper_key(text: str) -> str:
    """Return the id of a paper named by arXiv id, DOI, or a URL with either; raises InvalidInput."""
    words = clean(text)
    arxiv = arxiv_id(words)
    if arxiv is not None:
        return f"arxiv:{arxiv[0]}"
    doi = canonical_doi(words)
    found = f"doi:{doi}" if doi else _key_in_address(words)
    if found and len(found) <= LONGEST_INTEREST:
        return found
    raise InvalidInput(
        f"{words[:LONGEST_INTEREST]!r} is neither an arXiv id (2406.01234) nor a DOI (10.1101/…), "
        "nor a link that contains one."
    )


def _key_in_address(text: str) -> str:
    """Return the id of the paper that a URL names, such as a publisher's; "" if it names none."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    if parts.scheme.lower() not in ("http", "https"):
        return ""
    path = unquote(f"{parts.path}?{parts.query}" if parts.query else parts.path)
    if doi := _DOI_IN_PATH.search(path):
        named = canonical_doi(_AFTER_A_DOI.sub("", doi[0], count=1))
        return f"doi:{named}" if named else ""
    if number := _ARXIV_IN_PATH.search(path):
        arxiv = arxiv_id(number[0])
        return f"arxiv:{arxiv[0]}" if arxiv else ""
    return ""


def asked_for(subscriber: Subscriber, wishes: Wishes) -> Subscriber:
    """Return the subscriber with the wished schedule and name; raises InvalidInput."""
    person = with_schedule(subscriber, wishes)
    name = person.name if wishes.name is None else checked_name(wishes.name)
    shows_name = person.shows_name if wishes.shows_name is None else wishes.shows_name
    return replace(person, name=name, shows_name=shows_name)


def checked_name(text: str) -> str:
    """Return a name as it is shown beside a submission; raises InvalidInput."""
    name = clean(text)
    if len(name) > LONGEST_NAME or _A_LINK.search(name):
        raise InvalidInput(
            f"A name has at most {LONGEST_NAME} characters, and no address or link in it."
        )
    return name


def with_schedule(subscriber: Subscriber, wishes: Wishes) -> Subscriber:
    """Return the subscriber with the wished schedule; raises InvalidInput.

    `cadence` is daily, weekdays, weekly (on Mondays) or a day's name for weekly on that day.
    """
    changes: dict[str, Any] = {
        name: parse(value)
        for name, parse in SCHEDULE.items()
        if (value := getattr(wishes, name)) is not None
    }
    if wishes.cadence is not None:
        changes["cadence"], changes["weekday"] = editions.parse_cadence(
            wishes.cadence, weekday=subscriber.weekday
        )
    return replace(subscriber, **changes)


def _checked_limit(limit: int) -> int:
    if not 1 <= limit <= MOST_PICKS:
        raise InvalidInput(
            f"A digest shows between 1 and {MOST_PICKS} papers in full, not {limit}."
        )
    return limit


def _parse_quiet(text: str) -> Quiet:
    if text not in tuple(Quiet):
        raise InvalidInput(f"On a quiet day you can get 'line' or 'nothing', not {text!r}.")
    return Quiet(text)


def parse_floor(text: str) -> float:
    """Parse a floor: `any`, `likely`, `sure`, `0.2` or `20 %`; raises InvalidInput."""
    word = text.strip().casefold()
    if word in FLOORS:
        return FLOORS[word]
    found = _CHANCE.fullmatch(word)
    chance = float(found[1]) / (100 if found[2] else 1) if found else -1
    if not 0 <= chance <= 1:
        raise InvalidInput(
            f"A floor is {', '.join(FLOORS)}, or a chance from 0 to 1, not {text!r}."
        )
    return round(chance, FLOOR_DECIMALS)


def floor_name(floor: float) -> str:
    """Return a floor as `parse_floor` reads it: its name, or its number if it has none."""
    names = [name for name, value in FLOORS.items() if value == floor]
    return names[0] if names else f"{floor:.{FLOOR_DECIMALS}f}".rstrip("0").rstrip(".")


# How each field of the schedule is read; `cadence` gives two.
SCHEDULE: Mapping[str, Callable[[Any], object]] = {
    "at": editions.parse_at,
    "tz": editions.validate_tz,
    "limit": _checked_limit,
    "quiet": _parse_quiet,
    "floor": parse_floor,
}
