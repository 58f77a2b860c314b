"""The sentences of a digest: its subject, what happened, and what an empty day means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import cache, lru_cache

from digest.compose import exploring
from digest.model import FLOORS, Cadence, Digest, Mood, Quiet, ReasonKind, Site, Subscriber
from digest.text import clean, truncate

SUBJECT_TITLE = 80
PREHEADER = 100
TITLES_NAMED = 4

BY_MAIL = "Answer by mail: reply with “more 2 5”, “less 3”, “pause 2 weeks” or “help”."

# After an outage nobody knows what was announced.
_NOTHING_CAME = {Mood.HOLIDAY: "nothing was announced", Mood.OUTAGE: "no new papers were read"}
# A reader may follow keywords or authors alone, and so has no topics.
_MATCHED = "matched your interests"
_OF_EVERYBODY = {ReasonKind.TRENDING, ReasonKind.PICKED}
_FRIDAY = 4
_WEEK = 7
_MOST_OF_A_WEEK = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a digest says if there are no papers, or some may be missing."""

    title: str
    sentence: str


def count(n: int, noun: str) -> str:
    """`1 paper`, `1,702 papers`, `2 searches`."""
    ending = "" if n == 1 else "es" if noun.endswith("ch") else "s"
    return f"{n:,} {noun}{ending}"


def subject(digest: Digest, titles: Sequence[str], picked: int) -> str:
    """The first title, the number of other picks, and the day."""
    day = _short_day(digest.edition)
    if not titles:
        return f"{notice_of(digest).title.rstrip('.')} ({day})"
    others = f" and {picked - 1:,} more" if picked > 1 else ""
    return f"{truncate(titles[0], SUBJECT_TITLE)}{others} ({day})"


def preheader(titles: Sequence[str], summary: str) -> str:
    """What inboxes show after the subject: the other titles, or the summary if there are none."""
    text = f"Also: {'; '.join(titles[1:])}" if len(titles) > 1 else summary
    return truncate(text, PREHEADER)


@cache
def long_day(edition: str) -> str:
    """`Wednesday 10 June 2026`."""
    day = date.fromisoformat(edition)
    return f"{day:%A} {day.day} {day:%B %Y}"


def summary(digest: Digest, *, cadence: Cadence) -> str:
    """One line: how many papers were announced, matched and picked."""
    if digest.mood in _NOTHING_CAME and not digest.announced:
        return f"{_since(digest, cadence)}: {_NOTHING_CAME[digest.mood]}."
    chosen = _chosen(digest)
    return _happened(
        _since(digest, cadence),
        digest.announced,
        digest.matched,
        _which(digest),
        filled(digest),
        chosen,
        len(digest.picks) - chosen,
        digest.withheld,
    )


# Thousands of readers get the same line.
@lru_cache(maxsize=4096)
def _happened(
    since: str,
    announced: int,
    matched: int,
    which: str,
    filled: bool,
    chosen: int,
    explored: int,
    withheld: int,
) -> str:
    parts = [f"{count(announced, 'paper')} announced"]
    parts.append(f"{matched:,} {which}" if matched else f"none {_MATCHED}")
    if chosen:
        these = {0: "", 1: "this one and "}.get(matched, "these and ")
        source = f" from {these}what is trending" if filled else ""
        parts.append(f"{chosen:,} picked for you{source}")
    if explored:
        parts.append("one to explore" if explored == 1 else f"{explored:,} to explore")
    text = f"{since}: {', '.join(parts)}."
    if withheld:
        were, them = ("was", "it") if withheld == 1 else ("were", "them")
        text += f" {withheld:,} more {were} left out, since you already had {them}."
    return text


def _which(digest: Digest) -> str:
    """What to call the papers that matched; who follows nothing gets trending and curated ones."""
    first = digest.picks[0].reasons if digest.picks else ()
    if not first or first[0].kind not in _OF_EVERYBODY:
        return _MATCHED
    said = {each.kind for pick in digest.picks for each in pick.reasons}
    if said == {ReasonKind.PICKED} and len(digest.picks) == digest.matched:
        return "picked by curators"
    return "trending" if said <= _OF_EVERYBODY else _MATCHED


def filled(digest: Digest) -> bool:
    """Whether what is trending fills places of the list that no match took."""
    return _chosen(digest) > digest.matched


def _chosen(digest: Digest) -> int:
    """How many picks matched: all but those to explore."""
    return len(digest.picks) - exploring(digest.picks)


def notice_of(digest: Digest) -> Notice:
    """Why there are no papers, or fewer than there should be."""
    if digest.mood is Mood.HOLIDAY:
        return Notice(
            title="No new listings.",
            sentence="The sources we read had nothing new, as on weekends and holidays. "
            "What they publish later comes in your next digest.",
        )
    if digest.mood is Mood.OUTAGE:
        return Notice(
            title="Some listings could not be read.",
            sentence="At least one source could not be read, or was not asked, so papers may be "
            "missing here. What we missed comes in a later digest.",
        )
    if digest.mood is Mood.BELOW:
        none, follow = "none of them was", "Their titles follow"
        if digest.matched == 1:
            none, follow = "it was not", "Its title follows"
        return Notice(
            title="Nothing reached your bar.",
            sentence=f"{count(digest.matched, 'paper')} matched, but {none} likely enough to be worth "
            f"your time, by the bar you set. {follow}; you can lower the bar, or tell us more: "
            "what you follow adds up, and keywords, authors and papers you liked say more than topics.",
        )
    if digest.mood is Mood.PICKS:
        return Notice(
            title="These papers are not kept any more.",
            sentence="This digest is older than the papers we keep.",
        )
    if digest.withheld and digest.matched <= digest.withheld:
        return Notice(
            title="Nothing new for you.",
            sentence="You had already been sent what matched your interests, and we do not send a "
            "paper twice.",
        )
    return Notice(
        title="Nothing new for you.",
        sentence="Papers were announced, but none of them was about what you follow.",
    )


def next_digest(digest: Digest, subscriber: Subscriber) -> str:
    """When the next digest comes."""
    day = date.fromisoformat(digest.edition) + timedelta(days=1)
    if subscriber.cadence is Cadence.WEEKLY:
        day += timedelta(days=(subscriber.weekday - day.weekday()) % 7)
    elif subscriber.cadence is Cadence.WEEKDAYS:
        while day.weekday() > _FRIDAY:
            day += timedelta(days=1)
    return f"The next digest comes on {day:%A} {day.day} {day:%B}, {_around(subscriber.at, subscriber.tz)}."


def rhythm(subscriber: Subscriber) -> str:
    """When digests come and how many papers they have, as the reader set it."""
    return _rhythm(
        subscriber.cadence,
        subscriber.weekday,
        subscriber.limit,
        subscriber.at,
        subscriber.tz,
        subscriber.floor,
        subscriber.quiet,
    )


# Thousands of readers ask for the same.
@lru_cache(maxsize=4096)
def _rhythm(
    cadence: Cadence, weekday: int, limit: int, at: time, tz: str, floor: float, quiet: Quiet
) -> str:
    if cadence is Cadence.DAILY:
        when = "every day"
    elif cadence is Cadence.WEEKDAYS:
        when = "on weekdays"
    else:
        when = f"every {_WEEKDAYS[weekday % 7]}"
    if quiet is Quiet.NOTHING:
        when += " if there is something for you"
    return (
        f"It comes {when}, {_around(at, tz)}, with {count(limit, 'paper')} at most{_floor(floor)}."
    )


def beginning(subscriber: Subscriber) -> str:
    """When the first digest comes after confirming; "" for a subscriber who comes back."""
    if subscriber.confirmed_at is not None:
        return ""
    waits = subscriber.quiet is Quiet.NOTHING
    return "as soon as there is something for you" if waits else "at once"


def because_you(site: Site, subscriber: Subscriber) -> str:
    """Why the reader gets this mail."""
    return f"You get this because you subscribed to {clean(site.name)}. {rhythm(subscriber)}"


def rest_title(digest: Digest, number: int, *, after_picks: bool) -> str:
    """The heading of the titles below the picks.

    If more papers matched than a digest keeps (`[ranking] cap`), it gives that number too.
    """
    more = " more" if after_picks else ""
    if filled(digest):
        return f"{number:,}{more}"
    which = _which(digest)
    which = f"that {which}" if which == _MATCHED else which
    if digest.matched > _chosen(digest) + len(digest.rest):
        return f"{number:,}{more} of the {digest.matched:,} {which}"
    return f"{number:,}{more} {which}"


def hidden(n: int, *, linked: bool) -> str:
    """How many titles were left out."""
    if not n:
        return ""
    return f"And {n:,} more, all in the browser" if linked else f"And {n:,} more."


def signature(site: Site) -> str:
    """The site's name, address, imprint and contact, for the end of the text part."""
    return " · ".join(
        each
        for each in (clean(site.name), site.url, clean(site.imprint), clean(site.contact))
        if each
    )


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _around(at: time, tz: str) -> str:
    return f"around {at:%H:%M} ({clean(tz)})"


def _floor(floor: float) -> str:
    """The floor in words, "" if there is none."""
    if not floor:
        return ""
    if floor == FLOORS["likely"]:
        return ", only ones that are likely worth your time"
    if floor == FLOORS["sure"]:
        return ", only the surest"
    return f", only ones with a chance of {floor:.0%} that you want them"


@cache
def _short_day(edition: str) -> str:
    day = date.fromisoformat(edition)
    return f"{day:%a} {day.day} {day:%b}"


def _since(digest: Digest, cadence: Cadence) -> str:
    days = round((digest.until - digest.since).total_seconds() / 86_400)
    if cadence is Cadence.WEEKLY and _MOST_OF_A_WEEK <= days <= _WEEK:
        return "This week"
    return f"In the last {days} days" if days > 1 else "Today"
