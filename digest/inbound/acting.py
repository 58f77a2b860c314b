"""Carry out the commands of a subscriber's mail, and say what came of each.

Every command answers what has changed and which command undoes it; one that cannot be carried out
answers why, and changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from digest import subscriptions
from digest.errors import InvalidInput
from digest.inbound import answering, commands, profile
from digest.inbound.commands import Command
from digest.inbound.grammar import Verb
from digest.inbound.headers import domain_of
from digest.inbound.values import Done, Policy, Turn
from digest.model import FeedbackKind, Status, Subscriber, Via
from digest.ports import Store
from digest.rendering import wording

LONGEST_EXPORT = 5_000_000
MOST_NAMED = 12
ERASING = "forget"  # the mark of the letter that asks whether to erase
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
    if any(each.lines for each in done) and not any(each.mark for each in done):
        done.append(Done(lines=standing(turn.store, person, turn.mark), failed=True))
    return done


def settings(turn: Turn) -> tuple[str, ...]:
    """Return a subscriber's schedule and profile, one line each."""
    person = turn.person
    lines = [wording.rhythm(person)]
    if person.status is Status.PAUSED:
        lines += standing(turn.store, person, turn.mark)
    for field, name in SHOWN.items():
        if values := profile.values_of(turn, field):
            more = f" and {len(values) - MOST_NAMED} more" if len(values) > MOST_NAMED else ""
            lines.append(f"{name}: {', '.join(values[:MOST_NAMED])}{more}.")
    if liked := len(profile.values_of(turn, "likes")):
        lines.append(f"Papers you liked: {liked:,}.")
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
    named = {field: getattr(wishes, field) for field in profile.FIELDS}
    if not any(named.values()):
        return Done(lines=("You are subscribed already.", *settings(turn)))
    return profile.add(turn, named)


def _confirm(turn: Turn, command: Command) -> Done:
    if turn.mark == ERASING:  # a yes to that question must not begin a subscription
        return _forget(replace(turn, mark=""), command)
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
    before = f"pause{_until(turn.person)}"
    return Done(lines=("Your digests come again, at their usual hour.",), undo=(before,))


def _schedule(turn: Turn, command: Command) -> Done:
    before = turn.person
    profile.change(turn, {commands.SCHEDULE[command.verb]: commands.scheduled(command)})
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
    """Erase once they say so again, here or on the page: a forwarded digest lets anybody reply."""
    if turn.policy.site.url:
        return Done(letter="account")
    if turn.mark != ERASING:
        said = (
            "To have everything we keep about you deleted for good, reply to this with “forget me”."
        )
        return Done(lines=(said,), mark=ERASING)
    subscriptions.erase(turn.store, turn.person, now=turn.now)
    return Done(letter="goodbye", context={"erased": True})


_VERBS: Mapping[Verb, Callable[[Turn, Command], Done]] = {
    Verb.SUBSCRIBE: _subscribe,
    Verb.CONFIRM: _confirm,
    Verb.UNSUBSCRIBE: _unsubscribe,
    Verb.TOPICS: profile.replace_list,
    Verb.KEYWORDS: profile.replace_list,
    Verb.AUTHORS: profile.replace_list,
    Verb.UNFOLLOW: profile.unfollow,
    Verb.MUTE: profile.mute,
    Verb.UNMUTE: profile.unmute,
    Verb.PAUSE: _pause,
    Verb.RESUME: _resume,
    Verb.CADENCE: _schedule,
    Verb.AT: _schedule,
    Verb.ZONE: _schedule,
    Verb.LIMIT: _schedule,
    Verb.FLOOR: _schedule,
    Verb.ANSWER: answering.answer,
    Verb.UNDO: answering.undo,
    Verb.AGAIN: _again,
    Verb.SEEN: _seen,
    Verb.SETTINGS: lambda turn, _: Done(lines=settings(turn)),
    Verb.LINK: _link,
    Verb.EXPORT: _export,
    Verb.FORGET: _forget,
    Verb.HELP: lambda *_: Done(letter="help"),
}


def _until(person: Subscriber) -> str:
    if person.paused_until is None:
        return ""
    day = person.paused_until.astimezone(ZoneInfo(person.tz))
    return f" until {day.day} {day:%B %Y}"


def _for_mail(message: str, policy: Policy) -> str:
    """Return an error's sentence without the hint that only helps on the command line."""
    there = f"All of them are at {policy.site.url}/topics." if policy.site.url else ""
    return message.replace(subscriptions.ALL_TOPICS, there).strip()
