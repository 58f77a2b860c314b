"""Carry out the commands about the lists of a profile: topics, keywords, authors and mutes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from digest import subscriptions
from digest.errors import InvalidInput
from digest.inbound import commands, grammar
from digest.inbound.commands import Command
from digest.inbound.grammar import Verb
from digest.inbound.values import Done, Turn
from digest.model import InterestKind, Topic
from digest.subscriptions import Wishes
from digest.text import clean

NONE_AT_ALL = frozenset({"none", "nothing", "no", "-", "empty"})
# The lists that commands set or add to; each is a command, and a field of `Wishes`.
FIELDS = ("topics", "keywords", "authors")


def add(turn: Turn, named: Mapping[str, Sequence[str]]) -> Done:
    """Add values to the lists of the profile, by field of `Wishes`."""
    split = {field: _split(turn, field, values) for field, values in named.items()}
    added = {field: new for field, (new, _) in split.items() if new}
    change(turn, added)
    lines = {f"Added to your {field}": new for field, new in added.items()}
    lines |= {f"Among your {field} already": held for field, (_, held) in split.items()}
    return Done(
        lines=_told(lines),
        undo=_signed("-", added),
        failed=not added,
    )


def replace_list(turn: Turn, command: Command) -> Done:
    """Topics, keywords or authors replaced by those named; `+x -y` adds and takes away."""
    name = str(command.verb)
    before = values_of(turn, name)
    if command.doubted or not command.text:
        how = f"Write “{name}: …” to replace them, “{name} +…” to add, “{name} -…” to remove."
        return Done(lines=(f"Your {name}: {', '.join(before) or 'none'}.", how), failed=True)
    wanted = _wanted(command, before, turn.policy.topics)
    change(turn, {name: wanted}, replacing=[subscriptions.LISTS[name]])
    after = values_of(turn, name)
    return Done(
        lines=(f"Your {name} are now: {', '.join(after) or 'none'}.",),
        undo=(f"{name}: {', '.join(before) or 'none'}",) if after != before else (),
    )


def unfollow(turn: Turn, command: Command) -> Done:
    """Take values off the lists that have them; raises InvalidInput if none has."""
    named = commands.listed(command.text)
    topics = commands.topics_of(command.text, turn.policy.topics)
    wanted = {each.casefold() for each in (*named, *topics)}
    gone = {
        field: [each for each in values_of(turn, field) if each.casefold() in wanted]
        for field in FIELDS
    }
    if not any(gone.values()):
        raise InvalidInput(f"You do not follow “{', '.join(named)}”; “settings” shows what you do.")
    for field, values in gone.items():
        for each in values:
            subscriptions.drop(turn.store, turn.person, subscriptions.LISTS[field], each)
    return Done(
        lines=_told({f"No longer among your {field}": values for field, values in gone.items()}),
        undo=_signed("+", gone),
    )


def mute(turn: Turn, command: Command) -> Done:
    """Hide papers that contain words, or are by an author or of a topic."""
    field, values = commands.muted(command.text)
    if not values:
        raise InvalidInput("Say what is not to be shown, such as “mute penguins”.")
    new, held = _split(turn, field, values)
    change(turn, {field: new})
    return Done(
        lines=_told({"Papers with these will not be shown": new, "Muted already": held}),
        undo=(f"unmute {_worded(field, new)}",) if new else (),
        failed=not new,
    )


def unmute(turn: Turn, command: Command) -> Done:
    """Show again what was muted."""
    field, named = commands.muted(command.text)
    muted = {each.casefold(): each for each in values_of(turn, field)}
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


def values_of(turn: Turn, field: str) -> list[str]:
    """Return what the person's profile has of a list of `Wishes`."""
    (profile,) = turn.store.subscribers.profiles([turn.person.id])
    return [each.value for each in profile.of(subscriptions.LISTS[field])]


def change(turn: Turn, wishes: Mapping[str, Any], replacing: Sequence[InterestKind] = ()) -> None:
    """Change these fields of `Wishes`."""
    subscriptions.change(
        turn.store,
        turn.person,
        Wishes(**wishes),
        topics=turn.policy.topics,
        now=turn.now,
        replace=replacing,
    )


def _split(turn: Turn, field: str, values: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split values into those new to the profile and those in it, whatever their case."""
    held = {each.casefold() for each in values_of(turn, field)}
    cleaned = list(dict.fromkeys(clean(each) for each in values))
    return (
        [each for each in cleaned if each.casefold() not in held],
        [each for each in cleaned if each.casefold() in held],
    )


def _signed(sign: str, lists: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the commands that add values to lists (`+`) or take them away (`-`)."""
    return tuple(
        f"{name} {', '.join(f'{sign}{each}' for each in values)}"
        for name, values in lists.items()
        if values
    )


def _told(lists: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return a line for each list that is not empty."""
    return tuple(f"{what}: {', '.join(values)}." for what, values in lists.items() if values)


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
    for each in commands.listed(signed):
        sign = each[0] if each[0] in grammar.SIGNS else sign
        value = each.lstrip("+-− ")
        values = commands.topics_of(value, topics) if is_topic else [value]
        if sign == "+":
            added += filter(None, values)
        else:
            gone.update(value.casefold() for value in values)
    return [*(each for each in before if each.casefold() not in gone), *added]


def _worded(field: str, values: Sequence[str]) -> str:
    prefix = next((f"{word} " for word, name in commands.MUTES.items() if name == field), "")
    return f"{prefix}{', '.join(values)}"
