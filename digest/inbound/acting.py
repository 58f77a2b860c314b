"""Carry out the commands of a subscriber's mail, and say what came of each.

Every command answers what has changed and which command undoes it; one that cannot be carried out
answers why, and changes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from digest import subscriptions
from digest.errors import InvalidInput
from digest.inbound import answering, commands, grammar
from digest.inbound.commands import Command
from digest.inbound.grammar import Verb
from digest.inbound.headers import domain_of
from digest.inbound.values import Policy
from digest.model import FeedbackKind, InterestKind, Status, Subscriber, Topic, Via
from digest.model.base import Value
from digest.ports import Store
from digest.rendering import wording
from digest.subscriptions import Wishes
from digest.text import clean

LONGEST_EXPORT = 5_000_000
MOST_NAMED = 12
NONE_AT_ALL = frozenset({"none", "nothing", "no", "-", "empty"})
# The lists that commands set or add to; each is a command, and a field of `Wishes`.
FIELDS = ("topics", "keywords", "authors")
# What may stand behind `mute`, and the field of `Wishes` it means.
MUTES = {"author": "mute_authors", "topic": "mute_topics"}
SHOWN = {
    "topics": "Topics",
    "keywords": "Keywords",
    "authors": "Authors",
    "queries": "Searches",
    "mutes": "Muted words",
    "mute_authors": "Muted authors",
    "mute_topics": "Muted topics",
}
ELSEWHERE = (
    "Your subscription is not confirmed yet. To begin, answer the latest letter that asks you to "
    "with “yes”; a “yes” to this one only brings back what you had before."
)
OVERTAKEN = "A later letter asked about other changes: with this “yes” you get what you had before."


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A subscriber's mail being acted on.

    `edition` is that of the digest it answers and `mark` that of the letter, "" for none.
    """

    store: Store
    person: Subscriber
    policy: Policy
    edition: str
    mark: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Value):
    """What came of a command: sentences to answer, commands that undo it, and a letter to send.

    `failed` is true if nothing was done.
    """

    lines: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    letter: str = ""
    context: Mapping[str, object] | None = None
    attachment: tuple[str, str, bytes] | None = None
    failed: bool = False


def act(turn: Turn, asked: Sequence[Command]) -> list[Done]:
    """Carry out the commands in order, each with the person as the ones before left them."""
    done = []
    for command in asked:
        person = subscriptions.by_id(turn.store, turn.person.id)
        if person is None:
            break
        turn = replace(turn, person=person)
        try:
            done.append(_VERBS[command.verb](turn, command))
        except InvalidInput as error:
            done.append(Done(lines=(_for_mail(error.message, turn.policy),), failed=True))
    person = subscriptions.by_id(turn.store, turn.person.id)
    if person is None or person.status in subscriptions.CONFIRMED:
        return done
    if any(each.lines for each in done):
        done.append(Done(lines=standing(turn.store, person, turn.mark), failed=True))
    return done


def settings(turn: Turn) -> tuple[str, ...]:
    """Return a subscriber's schedule and profile, one line each."""
    person = turn.person
    lines = [wording.rhythm(person)]
    if person.status is Status.PAUSED:
        lines += standing(turn.store, person, turn.mark)
    for field, name in SHOWN.items():
        if values := _values(turn, field):
            more = f" and {len(values) - MOST_NAMED} more" if len(values) > MOST_NAMED else ""
            lines.append(f"{name}: {', '.join(values[:MOST_NAMED])}{more}.")
    return tuple(lines)


def standing(store: Store, person: Subscriber, mark: str) -> tuple[str, ...]:
    """Return why no digests come and what to write to get them; () if they come.

    `mark` is that of the letter they answered: a “yes” brings what that letter asks for.
    """
    if person.status is Status.PAUSED:
        return (f"Your digests are paused{_until(person)}; write “resume” to get them again.",)
    if person.status is Status.PENDING and subscriptions.overtaken(store, person, mark):
        return (ELSEWHERE,)
    if person.status is Status.PENDING:
        return ("Your subscription is not confirmed yet; write “yes” to begin.",)
    if person.status is Status.ACTIVE:
        return ()
    return ("You are not subscribed; write “subscribe” to begin again.",)


def _subscribe(turn: Turn, command: Command) -> Done:
    wishes = commands.wishes_of([command], turn.policy.topics)
    named = {field: getattr(wishes, field) for field in FIELDS}
    if not any(named.values()):
        return Done(lines=("You are subscribed already.", *settings(turn)))
    split = {field: _split(turn, field, values) for field, values in named.items()}
    added = {field: new for field, (new, _) in split.items() if new}
    _change(turn, added)
    lines = {
        "Added to your profile": [each for new, _ in split.values() for each in new],
        "In your profile already": [each for _, held in split.values() for each in held],
    }
    return Done(
        lines=_told(lines),
        undo=tuple(
            f"{name} {', '.join(f'-{each}' for each in values)}" for name, values in added.items()
        ),
        failed=not added,
    )


def _confirm(turn: Turn, _command: Command) -> Done:
    if turn.person.status is not Status.PENDING:
        return Done(lines=settings(turn))
    overtaken = subscriptions.overtaken(turn.store, turn.person, turn.mark)
    person = subscriptions.confirm(turn.store, turn.person, now=turn.now, mark=turn.mark)
    soon = wording.beginning(turn.person)
    said = f"Your first digest comes {soon}." if soon else "You are subscribed again."
    more = (OVERTAKEN,) if overtaken else ()
    return Done(
        lines=(said, *more, *settings(replace(turn, person=person))),
        undo=("unsubscribe",),
    )


def _unsubscribe(turn: Turn, _command: Command) -> Done:
    subscriptions.unsubscribe(turn.store, turn.person, now=turn.now)
    return Done(letter="goodbye")


def _listed(turn: Turn, command: Command) -> Done:
    """Topics, keywords or authors replaced by those named; `+x -y` adds and takes away."""
    name = str(command.verb)
    before = _values(turn, name)
    if command.doubted or not command.text:
        change = f"Write “{name}: …” to replace them, “{name} +…” to add, “{name} -…” to remove."
        return Done(lines=(f"Your {name}: {', '.join(before) or 'none'}.", change), failed=True)
    wanted = _wanted(command, before, turn.policy.topics)
    _change(turn, {name: wanted}, replacing=[subscriptions.LISTS[name]])
    after = _values(turn, name)
    return Done(
        lines=(f"Your {name} are now: {', '.join(after) or 'none'}.",),
        undo=(f"{name}: {', '.join(before) or 'none'}",) if after != before else (),
    )


def _mute(turn: Turn, command: Command) -> Done:
    field, values = _muted(command.text)
    if not values:
        raise InvalidInput("Say what is not to be shown, such as “mute penguins”.")
    new, held = _split(turn, field, values)
    _change(turn, {field: new})
    return Done(
        lines=_told({"Papers with these will not be shown": new, "Muted already": held}),
        undo=(f"unmute {_worded(field, new)}",) if new else (),
        failed=not new,
    )


def _unmute(turn: Turn, command: Command) -> Done:
    field, named = _muted(command.text)
    muted = {each.casefold(): each for each in _values(turn, field)}
    values = [muted[each.casefold()] for each in named if each.casefold() in muted]
    if not values:
        there = f"You mute: {', '.join(muted.values())}." if muted else "You mute nothing like it."
        raise InvalidInput(f"“{', '.join(named)}” is not muted. {there}")
    for each in values:
        subscriptions.drop(turn.store, turn.person, subscriptions.LISTS[field], each)
    return Done(
        lines=(f"Papers with these can be shown again: {', '.join(values)}.",),
        undo=(f"mute {_worded(field, values)}",),
    )


def _pause(turn: Turn, command: Command) -> Done:
    until = None
    if command.text:
        until = subscriptions.parse_span(command.text, turn.now, tz=turn.person.tz)
    person = subscriptions.pause(turn.store, turn.person, until=until, now=turn.now)
    lasting = _until(person) or " until you write “resume”"
    return Done(lines=(f"You get no digests{lasting}.",), undo=("resume",))


def _resume(turn: Turn, _command: Command) -> Done:
    if turn.person.status is Status.ACTIVE:
        return Done(lines=("Your digests are not paused.",), failed=True)
    subscriptions.resume(turn.store, turn.person, now=turn.now)
    return Done(lines=("Your digests come again, at their usual hour.",), undo=("pause",))


def _schedule(turn: Turn, command: Command) -> Done:
    before = turn.person
    _change(turn, {commands.SCHEDULE[command.verb]: commands.scheduled(command)})
    after = subscriptions.by_id(turn.store, before.id) or before
    undo = {
        Verb.AT: f"at {before.at:%H:%M}",
        Verb.ZONE: f"zone {before.tz}",
        Verb.LIMIT: f"limit {before.limit}",
        Verb.FLOOR: f"floor {subscriptions.floor_name(before.floor)}",
        Verb.CADENCE: subscriptions.WEEKDAYS[before.weekday]
        if before.cadence == "weekly"
        else str(before.cadence),
    }
    is_number = command.verb is Verb.LIMIT
    told = f"It has {after.limit} papers at most." if is_number else wording.rhythm(after)
    return Done(lines=(told,), undo=(undo[command.verb],) if after != before else ())


def _answer(turn: Turn, command: Command) -> Done:
    told = answering.answer(
        turn.store,
        turn.person,
        command.answers,
        edition=turn.edition,
        topics=turn.policy.topics,
        now=turn.now,
    )
    undo = ("undo",) if told.changed else ()
    return Done(lines=told.lines, undo=undo, failed=not told.changed)


def _undo(turn: Turn, _command: Command) -> Done:
    lines = answering.undo(turn.store, turn.person, now=turn.now)
    if not lines:
        return Done(lines=("There is no answer of yours to take back.",), failed=True)
    return Done(lines=lines)


def _seen(turn: Turn, _command: Command) -> Done:
    subscriptions.give(turn.store, turn.person, FeedbackKind.SEEN_ALL, via=Via.MAIL, now=turn.now)
    return Done(lines=("Everything up to now counts as seen.",), undo=("undo",))


def _again(turn: Turn, _command: Command) -> Done:
    domain = domain_of(turn.policy.site.mail_from)
    number = subscriptions.again(turn.store, turn.person, domain=domain, now=turn.now)
    if not number:
        return Done(lines=("There were no digests in the last seven days.",))
    what = "digest comes" if number == 1 else f"{number} digests come"
    return Done(lines=(f"Last week’s {what} once more.",))


def _link(turn: Turn, _command: Command) -> Done:
    if not turn.policy.site.url:
        return Done(
            lines=("There is no web page here, but everything works by mail.", *settings(turn))
        )
    return Done(letter="link")


def _export(turn: Turn, _command: Command) -> Done:
    data = subscriptions.export(turn.store, turn.person)
    content = json.dumps(data, ensure_ascii=False, indent=1).encode()
    if len(content) > LONGEST_EXPORT and turn.policy.site.url:
        return Done(letter="account")
    return Done(letter="export", attachment=("digest-data.json", "application/json", content))


def _forget(turn: Turn, _command: Command) -> Done:
    """Erase, or send a link to the page that does: it cannot be undone, so one more click is due."""
    if turn.policy.site.url:
        return Done(letter="account")
    subscriptions.erase(turn.store, turn.person, now=turn.now)
    return Done(letter="goodbye", context={"erased": True})


_VERBS: Mapping[Verb, Callable[[Turn, Command], Done]] = {
    Verb.SUBSCRIBE: _subscribe,
    Verb.CONFIRM: _confirm,
    Verb.UNSUBSCRIBE: _unsubscribe,
    Verb.TOPICS: _listed,
    Verb.KEYWORDS: _listed,
    Verb.AUTHORS: _listed,
    Verb.MUTE: _mute,
    Verb.UNMUTE: _unmute,
    Verb.PAUSE: _pause,
    Verb.RESUME: _resume,
    Verb.CADENCE: _schedule,
    Verb.AT: _schedule,
    Verb.ZONE: _schedule,
    Verb.LIMIT: _schedule,
    Verb.FLOOR: _schedule,
    Verb.ANSWER: _answer,
    Verb.UNDO: _undo,
    Verb.AGAIN: _again,
    Verb.SEEN: _seen,
    Verb.SETTINGS: lambda turn, _: Done(lines=settings(turn)),
    Verb.LINK: _link,
    Verb.EXPORT: _export,
    Verb.FORGET: _forget,
    Verb.HELP: lambda *_: Done(letter="help"),
}


def _values(turn: Turn, field: str) -> list[str]:
    """Return what the person's profile has of a list of `Wishes`."""
    (profile,) = turn.store.subscribers.profiles([turn.person.id])
    return [each.value for each in profile.of(subscriptions.LISTS[field])]


def _split(turn: Turn, field: str, values: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split values into those new to the profile and those in it, whatever their case."""
    held = {each.casefold() for each in _values(turn, field)}
    cleaned = list(dict.fromkeys(clean(each) for each in values))
    return (
        [each for each in cleaned if each.casefold() not in held],
        [each for each in cleaned if each.casefold() in held],
    )


def _told(lists: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return a line for each list that is not empty."""
    return tuple(f"{what}: {', '.join(values)}." for what, values in lists.items() if values)


def _change(turn: Turn, wishes: Mapping[str, Any], replacing: Sequence[InterestKind] = ()) -> None:
    """Change these fields of `Wishes`."""
    subscriptions.change(
        turn.store,
        turn.person,
        Wishes(**wishes),
        topics=turn.policy.topics,
        now=turn.now,
        replace=replacing,
    )


def _wanted(command: Command, before: Sequence[str], topics: Mapping[str, Topic]) -> list[str]:
    """Return the values that someone wants to have, given those they have.

    A value without `+` or `-` has the sign of the one before it.
    """
    text, is_topic = command.text, command.verb is Verb.TOPICS
    if text.casefold().strip(" .") in NONE_AT_ALL:
        return []
    if text[0] not in grammar.SIGNS:
        return commands.topics_of(text, topics) if is_topic else commands.listed(text)
    signed = re.sub(r"\s+(?=[+\-−])", ", ", text)
    gone: set[str] = set()
    added: list[str] = []
    sign = ""
    values = commands.listed(signed)
    for each in " ".join(values).split() if is_topic else values:
        sign = each[0] if each[0] in grammar.SIGNS else sign
        value = each.lstrip("+-− ")
        if value and sign == "+":
            added.append(value)
        else:
            gone.add(value.casefold())
    return [*(each for each in before if each.casefold() not in gone), *added]


def _muted(text: str) -> tuple[str, list[str]]:
    """Return the field of `Wishes` that a text after `mute` means, and its values."""
    first, _, rest = text.partition(" ")
    field = MUTES.get(first.casefold().rstrip("s:"))
    if rest and field:
        return field, commands.listed(rest.lstrip(": "))
    return "mutes", commands.listed(text)


def _worded(field: str, values: Sequence[str]) -> str:
    prefix = next((f"{word} " for word, name in MUTES.items() if name == field), "")
    return f"{prefix}{', '.join(values)}"


def _until(person: Subscriber) -> str:
    if person.paused_until is None:
        return ""
    day = person.paused_until.astimezone(ZoneInfo(person.tz))
    return f" until {day.day} {day:%B %Y}"


def _for_mail(message: str, policy: Policy) -> str:
    """Return an error's sentence without the hint that only helps on the command line."""
    there = f"All of them are at {policy.site.url}/topics." if policy.site.url else ""
    return message.replace(subscriptions.ALL_TOPICS, there).strip()
