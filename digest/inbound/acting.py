"""Commands done for the subscriber they are proven to come from, each told in plain words.

Every command says what changed and what to write to have it back; what cannot be done says why,
and changes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
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
ELSEWHERE = (
    "Your subscription is not confirmed yet. Answer the latest letter that asks you to with “yes” to "
    "begin; a “yes” to this one brings what you had before, and no more."
)
OVERTAKEN = (
    "Another letter has asked for something else: by this “yes” you get what you had before."
)
UNDER_WAY = frozenset({Status.ACTIVE, Status.PAUSED})

FIELDS = {
    Verb.TOPICS: ("topics", InterestKind.TOPIC),
    Verb.KEYWORDS: ("keywords", InterestKind.KEYWORD),
    Verb.AUTHORS: ("authors", InterestKind.AUTHOR),
}
MUTES = {
    "mutes": InterestKind.MUTE,
    "mute_authors": InterestKind.MUTE_AUTHOR,
    "mute_topics": InterestKind.MUTE_TOPIC,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One person's mail being acted on: who, on what digest or letter, and by what rules."""

    store: Store
    person: Subscriber
    policy: Policy
    edition: str
    mark: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Value):
    """What one command came to: what to tell, what commands undo it, and a letter to send.

    `failed` is true where nothing was done.
    """

    lines: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    letter: str = ""
    context: Mapping[str, object] | None = None
    attachment: tuple[str, str, bytes] | None = None
    failed: bool = False


def act(turn: Turn, asked: Sequence[Command]) -> list[Done]:
    """Do the commands in order, each with the person as the ones before have left them."""
    done = []
    for command in asked:
        current = turn.store.subscribers.get([turn.person.id]).get(turn.person.id)
        if current is None:
            break
        turn = replace(turn, person=current)
        try:
            done.append(_VERBS[command.verb](turn, command))
        except InvalidInput as error:
            done.append(Done(lines=(_for_mail(error.message, turn.policy),), failed=True))
    person = turn.store.subscribers.get([turn.person.id]).get(turn.person.id)
    if person is not None and person.status not in UNDER_WAY and any(each.lines for each in done):
        lines = standing(turn.store, person, turn.mark)
        done.append(Done(lines=lines, failed=True))
    return done


def settings(turn: Turn) -> tuple[str, ...]:
    """What someone gets, and what for, one line each."""
    person = turn.person
    (profile,) = turn.store.subscribers.profiles([person.id])
    lines = [wording.rhythm(person)]
    if person.status is Status.PAUSED:
        lines += standing(turn.store, person, turn.mark)
    for name, kind in (
        ("Topics", InterestKind.TOPIC),
        ("Keywords", InterestKind.KEYWORD),
        ("Authors", InterestKind.AUTHOR),
        ("Searches", InterestKind.QUERY),
        ("Muted words", InterestKind.MUTE),
        ("Muted authors", InterestKind.MUTE_AUTHOR),
        ("Muted topics", InterestKind.MUTE_TOPIC),
    ):
        values = [each.value for each in profile.of(kind)]
        if values:
            more = f" and {len(values) - MOST_NAMED} more" if len(values) > MOST_NAMED else ""
            lines.append(f"{name}: {', '.join(values[:MOST_NAMED])}{more}.")
    return tuple(lines)


def standing(store: Store, person: Subscriber, mark: str) -> tuple[str, ...]:
    """Why no digests come, if so, and what to write to have them.

    `mark` is that of the letter they answered: by it a “yes” brings what that letter asks for.
    """
    if person.status is Status.PAUSED:
        return (f"Your digests are paused{_until(person)}; write “resume” to have them again.",)
    if person.status is Status.PENDING and subscriptions.overtaken(store, person, mark):
        return (ELSEWHERE,)
    if person.status is Status.PENDING:
        return ("Your subscription is not confirmed yet; write “yes” to begin.",)
    if person.status in UNDER_WAY:
        return ()
    return ("You are not subscribed; write “subscribe” to begin again.",)


def _subscribe(turn: Turn, command: Command) -> Done:
    wishes = commands.wishes_of([command], turn.policy.topics)
    if not any((wishes.topics, wishes.keywords, wishes.authors)):
        return Done(lines=("You are subscribed already.", *settings(turn)))
    named = {"topics": wishes.topics, "keywords": wishes.keywords, "authors": wishes.authors}
    parted = {name: _parted(turn, kind, named[name]) for name, kind in FIELDS.values()}
    added = {name: new for name, (new, _) in parted.items() if new}
    if added:
        _change(turn, Wishes(**added))  # type: ignore[arg-type]  # three of its lists
    lines = {
        "Added to your profile": [each for new, _ in parted.values() for each in new],
        "In your profile already": [each for _, held in parted.values() for each in held],
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
    name, kind = FIELDS[command.verb]
    (profile,) = turn.store.subscribers.profiles([turn.person.id])
    before = [each.value for each in profile.of(kind)]
    if command.doubted or not command.text:
        change = f"Write “{name}: …” to replace them, “{name} +…” to add, “{name} -…” to take away."
        return Done(lines=(f"Your {name}: {', '.join(before) or 'none'}.", change), failed=True)
    wanted = _wanted(command.text, before, kind, turn.policy.topics)
    _change(turn, _wishing(name, wanted), replacing=[kind])
    (profile,) = turn.store.subscribers.profiles([turn.person.id])
    after = [each.value for each in profile.of(kind)]
    return Done(
        lines=(f"Your {name} are now: {', '.join(after) or 'none'}.",),
        undo=(f"{name}: {', '.join(before) or 'none'}",) if after != before else (),
    )


def _mute(turn: Turn, command: Command) -> Done:
    field, values = _muted(command.text)
    if not values:
        raise InvalidInput("Say what is not to be shown, such as “mute penguins”.")
    new, held = _parted(turn, MUTES[field], values)
    if new:
        _change(turn, _wishing(field, new))
    return Done(
        lines=_told({"Papers with these will not be shown": new, "Muted already": held}),
        undo=(f"unmute {_worded(field, new)}",) if new else (),
        failed=not new,
    )


def _unmute(turn: Turn, command: Command) -> Done:
    field, named = _muted(command.text)
    (profile,) = turn.store.subscribers.profiles([turn.person.id])
    muted = {each.value.casefold(): each.value for each in profile.of(MUTES[field])}
    values = [muted[each.casefold()] for each in named if each.casefold() in muted]
    if not values:
        there = f"Muted are: {', '.join(muted.values())}." if muted else "Nothing like it is."
        raise InvalidInput(f"“{', '.join(named)}” is not muted. {there}")
    for each in values:
        subscriptions.drop(turn.store, turn.person, MUTES[field], each)
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
    return Done(lines=(f"No digests will come{lasting}.",), undo=("resume",))


def _resume(turn: Turn, _command: Command) -> Done:
    if turn.person.status is Status.ACTIVE:
        return Done(lines=("Your digests are not paused; they come at your hour.",), failed=True)
    subscriptions.resume(turn.store, turn.person, now=turn.now)
    return Done(lines=("Your digests come again, at your hour.",), undo=("pause",))


def _schedule(turn: Turn, command: Command) -> Done:
    before = turn.person
    field = commands.SCHEDULE[command.verb]
    _change(turn, Wishes(**{field: commands.scheduled(command)}))  # type: ignore[arg-type]  # one of its fields
    after = turn.store.subscribers.get([before.id])[before.id]
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


def _settings(turn: Turn, _command: Command) -> Done:
    return Done(lines=settings(turn))


def _link(turn: Turn, _command: Command) -> Done:
    if not turn.policy.site.url:
        return Done(
            lines=("There are no pages here, but all of it works by mail.", *settings(turn))
        )
    return Done(letter="link")


def _export(turn: Turn, _command: Command) -> Done:
    data = subscriptions.export(turn.store, turn.person)
    content = json.dumps(data, ensure_ascii=False, indent=1).encode()
    if len(content) > LONGEST_EXPORT and turn.policy.site.url:
        return Done(letter="account")
    return Done(letter="export", attachment=("digest-data.json", "application/json", content))


def _forget(turn: Turn, _command: Command) -> Done:
    """Erasure cannot be undone, so one more click is asked for, where there are pages to click."""
    if turn.policy.site.url:
        return Done(letter="account")
    subscriptions.erase(turn.store, turn.person, now=turn.now)
    return Done(letter="goodbye", context={"erased": True})


def _help(_turn: Turn, _command: Command) -> Done:
    return Done(letter="help")


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
    Verb.SETTINGS: _settings,
    Verb.LINK: _link,
    Verb.EXPORT: _export,
    Verb.FORGET: _forget,
    Verb.HELP: _help,
}


def _parted(turn: Turn, kind: InterestKind, values: Sequence[str]) -> tuple[list[str], list[str]]:
    """Those of the values that are new to the profile, and those it has, whatever their case."""
    (profile,) = turn.store.subscribers.profiles([turn.person.id])
    held = {each.value.casefold() for each in profile.of(kind)}
    cleaned = list(dict.fromkeys(clean(each) for each in values))
    return (
        [each for each in cleaned if each.casefold() not in held],
        [each for each in cleaned if each.casefold() in held],
    )


def _told(lists: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """A line for each list that has something in it."""
    return tuple(f"{what}: {', '.join(values)}." for what, values in lists.items() if values)


def _wishing(name: str, values: Sequence[str]) -> Wishes:
    return Wishes(**{name: tuple(values)})  # type: ignore[arg-type]  # one of its lists


def _change(turn: Turn, wishes: Wishes, replacing: Sequence[InterestKind] = ()) -> None:
    subscriptions.change(
        turn.store,
        turn.person,
        wishes,
        topics=turn.policy.topics,
        now=turn.now,
        replace=replacing,
    )


def _wanted(
    text: str, before: Sequence[str], kind: InterestKind, topics: Mapping[str, Topic]
) -> list[str]:
    """The values that someone wants to have, given those they have.

    One without a sign has that of the one before it.
    """
    if text.casefold().strip(" .") in NONE_AT_ALL:
        return []
    is_topic = kind is InterestKind.TOPIC
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
    """What is muted: words, or what stands after `author` or `topic`."""
    first, _, rest = text.partition(" ")
    for word, field in (("author", "mute_authors"), ("topic", "mute_topics")):
        if rest and first.casefold().rstrip("s:") == word:
            return field, commands.listed(rest.lstrip(": "))
    return "mutes", commands.listed(text)


def _worded(field: str, values: Sequence[str]) -> str:
    prefix = {"mute_authors": "author ", "mute_topics": "topic "}.get(field, "")
    return f"{prefix}{', '.join(values)}"


def _until(person: Subscriber) -> str:
    if person.paused_until is None:
        return ""
    day = person.paused_until.astimezone(ZoneInfo(person.tz))
    return f" until {day.day} {day:%B %Y}"


def _for_mail(message: str, policy: Policy) -> str:
    """An error's sentence without what only helps at a command line."""
    there = f"All of them are at {policy.site.url}/topics." if policy.site.url else ""
    return message.replace(subscriptions.ALL_TOPICS, there).strip()
