"""Read the subject of a mail and the lines that were typed as commands.

    subscribe cs.IR, dense retrieval     topics cs.IR cs.CL     pause 2 weeks     more 2 5
    keywords: protein folding            mute benchmark         weekly            less 3

Case, polite words and punctuation do not matter; several commands go on several lines. Quotes were
removed before, and lines that are no commands are passed over.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from digest import subscriptions
from digest.errors import NotFound
from digest.inbound import grammar
from digest.inbound.grammar import Verb
from digest.model import FeedbackKind, Topic
from digest.model.base import Value
from digest.subscriptions import Wishes

MOST_COMMANDS = 20
MOST_LINES = 40
MOST_BROKEN = 200
MOST_BEFORE = 5
MOST_WISHES = 50
LONGEST_KEYWORD = 6
# Each word may be looked up among all topics; nobody writes as much by hand.
LONGEST_SORTED = 8_000

# A line that a mail program wrapped is no longer than the first, and with the next word it would be
# longer than the second.
WIDEST, NARROWEST = 80, 66
LONGEST_FIXED = 500

LISTS = frozenset({Verb.TOPICS, Verb.KEYWORDS, Verb.AUTHORS})
LAST = frozenset({Verb.UNSUBSCRIBE, Verb.FORGET})
# The commands that count in the subject of a reply; its other words are those of our own subject.
OF_SUBJECTS = frozenset({Verb.UNSUBSCRIBE, Verb.HELP, Verb.UNDO, Verb.EXPORT, Verb.ANSWER})
SCHEDULE = {
    Verb.AT: "at",
    Verb.ZONE: "tz",
    Verb.CADENCE: "cadence",
    Verb.LIMIT: "limit",
    Verb.FLOOR: "floor",
}
CADENCES = {
    **dict.fromkeys(("every day", "each day"), "daily"),
    **dict.fromkeys(("every week", "once a week"), "weekly"),
    **dict.fromkeys(("weekdays", "workdays"), "weekdays"),
}
# What may stand behind `mute`, and the field of `Wishes` it means.
MUTES = {"author": "mute_authors", "topic": "mute_topics"}
ADDRESSED = {"subscribe": Verb.SUBSCRIBE, "unsubscribe": Verb.UNSUBSCRIBE}

_PREFIX = re.compile(
    r"\s*(?:(?:re|fwd?|aw|wg|antw|sv|vs|rv|tr|res|enc|odp|ynt|ref|r|i|回复|转发|答复)\s*(?:\[\d+\])?"
    r"\s*[:：]\s*)+",
    re.IGNORECASE,
)
_TAGGED = re.compile(r"\s*\[[^\[\]]{1,40}\]\s*")
_BETWEEN = re.compile(r"[;,]|\band\b|(?=\bat \d)", re.IGNORECASE)
_AND = re.compile(r"\s[-–]\s|\s(?:and|or|und|oder)\s", re.IGNORECASE)
# Not of topic models, nor of news recommendation: these are subjects.
_ABOUT = re.compile(
    r"(?:(?:me|us|to|for|the|a|an|in|on|about|of|topics?(?! model)|keywords?|papers?|digests?"
    r"|news(?=:|$| (?:about|for|from|in|of|on)\b)|daily|new"
    r"|category|categories|subject|subscribe|subscription|newsletter|interested|i am|i['’]m|i['’]d"
    r"|i|would|like|want|get|receive|please|anything|everything)(?:[\s:]+|$))+",
    re.IGNORECASE,
)
_AUTHOR = re.compile(r"authors?\b\s*:?\s*(.+)", re.IGNORECASE)
_LIST = re.compile(r"[;,\n•；，、]")
# SAT and zone plates are keywords; "on sat" and "zone Europe/Rome" are of the schedule.
_NO_SCHEDULE = re.compile(
    r"(?<!\bon )\b(?:mon|tue|wed|thu|fri|sat|sun)s?\b(?! at\b)|(?:zone|tz)\b(?!.*(?:/|\butc\b))",
    re.IGNORECASE,
)
_LINK = re.compile(r"\S@[^\s@]+\.[^\W\d]|://|www\.\S", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Value):
    """A command: `text` is its argument, `answers` what is said of which papers.

    `doubted` marks a list whose text reads like a remark; it must not replace the list.
    """

    verb: Verb
    text: str = ""
    doubted: bool = False
    answers: tuple[tuple[FeedbackKind, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Value):
    """The commands of a mail, and the lines before and between them that are none."""

    commands: tuple[Command, ...] = ()
    unread: tuple[str, ...] = ()


def parse(
    subject: str, lines: Sequence[str], *, mailbox: str = "", names: Collection[str] = ()
) -> Asked:
    """Read a mail's commands; `mailbox` is the local part of our address.

    `names` are our name and the writer's addresses: in a line that says to unsubscribe they say
    nothing more (`unsubscribe Lab Digest ada@example.org`).

    The subject of a reply ("Re: …") is our own, so it only counts if nothing was typed, and never
    as a yes. A mail to subscribe@ or unsubscribe@ needs no command.
    """
    words, is_answer = bare_subject(subject)
    named = re.compile("|".join(map(re.escape, filter(None, names))) or "(?!)", re.IGNORECASE)
    words, *lines = (_unnamed(each, named) for each in (words, *lines))
    is_ours = is_answer and any(lines)
    head = [] if is_ours or (_is_unsure(words) and _read([], lines).unread) else [words]
    asked = _read(head, lines)
    if is_answer and not any(lines):
        asked = replace(asked, commands=tuple(e for e in asked.commands if e.verb in OF_SUBJECTS))
    implied = ADDRESSED.get(mailbox)
    verbs = {each.verb for each in asked.commands}
    if asked.commands[:1] == (Command(verb=Verb.SUBSCRIBE),) and asked.unread:
        wishes = Command(verb=Verb.SUBSCRIBE, text="\n".join(asked.unread))
        return Asked(commands=(wishes, *asked.commands[1:]))
    if implied is None or implied in verbs or Verb.HELP in verbs:
        return asked
    if implied is Verb.UNSUBSCRIBE:
        return Asked(commands=(Command(verb=implied),))
    text = "\n".join(asked.unread)
    return Asked(commands=(Command(verb=implied, text=text), *asked.commands))


def _unnamed(line: str, named: re.Pattern[str]) -> str:
    """Return `Unsubscribe me from Lab Digest` with "digest" for a name; other lines unchanged."""
    plainly = named.sub("digest", line)
    return plainly if grammar.is_leaving(plainly) else line


def bare_subject(subject: str) -> tuple[str, bool]:
    """Return a subject without `Re:` and the like before it, and whether it had any."""
    found = _PREFIX.match(subject)
    words = subject[found.end() :] if found else subject
    return _TAGGED.sub(" ", words).strip(), found is not None


def read_line(line: str) -> tuple[Command, ...]:
    """Return the commands of a line; none if it says anything else."""
    if line.startswith(">") or line.endswith(":"):
        return ()  # a quote, or a heading like those in our mails
    fixed = _all_fixed(line) if len(line) <= LONGEST_FIXED else ()
    if fixed:
        return fixed
    opened = grammar.opened(line)
    if opened is None or line.rstrip(' .”"').endswith("…"):
        return ()  # a list that was cut would replace the whole one
    verb, text = opened
    doubted = verb in LISTS and not grammar.is_sure(line) and grammar.is_remark(verb, text)
    return (Command(verb=verb, text=text, doubted=doubted),)


def wishes_of(
    commands: Sequence[Command],
    topics: Mapping[str, Topic],
    plus: str = "",
    *,
    signing_up: bool = False,
) -> Wishes:
    """Return the wishes that commands name; `plus` is the topics named in the address.

    A phrase that is the id or name of a topic is a topic; every other phrase is a keyword. Of those
    who are `signing_up`, what they subscribe to may also name the schedule.
    """
    named: defaultdict[str, list[str]] = defaultdict(list)
    named["topics"] += filter(None, (topic_of(each, topics) for each in plus.split("+")))
    schedule: dict[str, str | int] = {}
    left = LONGEST_SORTED
    for command in commands:
        text = command.text
        if command.verb in (Verb.SUBSCRIBE, Verb.TOPICS):
            text, left = text[:left], max(left - len(text), 0)
            if signing_up and command.verb is Verb.SUBSCRIBE:
                text, timed = _timed(text)
                schedule |= timed
            _sort(text, topics, named)
        elif command.verb in (Verb.KEYWORDS, Verb.AUTHORS):
            named[str(command.verb)] += listed(text)
        elif command.verb is Verb.MUTE:
            field, values = muted(text)
            for each in values[:MOST_WISHES]:
                topic = topic_of(each, topics) if field == "mute_topics" else each
                named[field if topic else "mutes"].append(topic or each)
        elif command.verb in SCHEDULE:
            schedule[SCHEDULE[command.verb]] = scheduled(command)
    unique = {name: tuple(dict.fromkeys(each))[:MOST_WISHES] for name, each in named.items()}
    return Wishes(**unique, **schedule)  # type: ignore[arg-type]  # the fields of SCHEDULE


def scheduled(command: Command) -> str | int:
    """Return the argument of a command about the schedule as `Wishes` has it."""
    if command.verb is Verb.LIMIT:
        return int(command.text)
    if command.verb is not Verb.CADENCE:
        return command.text
    words = command.text.casefold()
    return CADENCES.get(words) or words.removesuffix("s")


def listed(text: str) -> list[str]:
    """Split values at commas, semicolons or line breaks."""
    values = (each.strip(" .\"'“”") for each in _LIST.split(text))
    return list(islice(filter(None, values), subscriptions.MOST_INTERESTS))


def muted(text: str) -> tuple[str, list[str]]:
    """Return the field of `Wishes` that a text after `mute` means, and its values."""
    first, _, rest = text.partition(" ")
    field = MUTES.get(first.casefold().rstrip("s:"))
    if rest and field:
        return field, listed(rest.lstrip(": "))
    return "mutes", listed(text)


def topics_of(text: str, topics: Mapping[str, Topic]) -> list[str]:
    """Split topics at commas or spaces and return their ids; unknown ones stay as typed.

    `medrxiv:infectious diseases` stays whole, since the servers' names for categories have spaces.
    """
    names: list[str] = []
    for given in listed(text[:LONGEST_SORTED]):
        words: list[str] = []
        for word in [given] if topic_of(given, topics) else given.split():
            goes_on = words and ":" in words[-1] and ":" not in word
            if goes_on and not topic_of(word, topics):
                words[-1] += f" {word}"
            else:
                words.append(word)
        names += words
    return [topic_of(each, topics) or each for each in names]


def topic_of(text: str, topics: Mapping[str, Topic]) -> str:
    """Return the topic that words name by its id or name; "" if none."""
    words = " ".join(text.split()).strip(" .")
    if not words:
        return ""
    for each in topics.values():
        if words.casefold() == each.name.casefold():
            return each.id
    try:
        return subscriptions.topic_id(words, topics)
    except NotFound:
        return ""


def _all_fixed(line: str) -> tuple[Command, ...]:
    """Return the commands of a line whose every part is one of the fixed ones."""
    if grammar.is_leaving(line):
        return (Command(verb=Verb.UNSUBSCRIBE),)
    whole = Command(verb=Verb.CONFIRM) if grammar.is_agreeing(line) else _fixed(line)
    if whole is not None:
        return (whole,)
    several = [_fixed(each) for each in _BETWEEN.split(grammar.plain(line)) if each.strip()]
    return tuple(each for each in several if each is not None) if all(several) else ()


def _timed(text: str) -> tuple[str, dict[str, str | int]]:
    """Part what one subscribes to from the schedule beside it: `cs.IR, weekly, at 8`."""
    schedule: dict[str, str | int] = {}
    wishes: list[str] = []
    for phrase in _LIST.split(text):
        is_short = len(phrase) <= LONGEST_FIXED and not _NO_SCHEDULE.search(phrase)
        found = _all_fixed(phrase) if is_short else ()
        if found and all(each.verb in SCHEDULE for each in found):
            schedule |= {SCHEDULE[each.verb]: scheduled(each) for each in found}
        else:
            wishes.append(phrase)
    return ", ".join(wishes), schedule


def _is_unsure(line: str) -> bool:
    """Tell whether a line begins with the name of a list, but may be no command."""
    opened = grammar.opened(line)
    return opened is not None and opened[0] in LISTS and not grammar.is_sure(line)


def _unwrapped(lines: Sequence[str]) -> list[str]:
    """Return the first 200 lines, joining a list that a mail program wrapped into one.

    A list that goes on below them ends in " …".
    """
    whole: list[str] = []
    verb: Verb | None = None
    for number, (last, line) in enumerate(zip(("", *lines), lines, strict=False)):
        goes_on = verb is not None and _is_broken(verb, last, line)
        if number >= MOST_BROKEN:
            whole[-1] += " …" if goes_on else ""
            break
        if goes_on:
            whole[-1] += f" {line}"
        else:
            whole.append(line)
            opened = grammar.opened(line)
            verb = opened[0] if opened else None
    return whole


def _is_broken(verb: Verb, last: str, line: str) -> bool:
    """Tell whether a line continues the list in the last one; mutes only continue after a comma."""
    if not line or grammar.is_closing(line):
        return False
    if last.endswith((",", ";", "，", "、", "；")):
        return not read_line(line) or _is_unsure(line)
    is_full = len(last) <= WIDEST and len(f"{last} {line.split(maxsplit=1)[0]}") > NARROWEST
    return is_full and verb not in (Verb.MUTE, Verb.UNMUTE) and not read_line(line)


def _read(head: Sequence[str], lines: Sequence[str]) -> Asked:
    commands: list[Command] = []
    unread: list[str] = []
    unclear = False
    for line in (*head, "", *_unwrapped(lines)[:MOST_LINES]):
        if grammar.is_closing(line) and not grammar.is_agreeing(line):
            break
        if not line.strip() or grammar.is_greeting(line):
            continue
        found = read_line(line)
        if unclear and found == (Command(verb=Verb.CONFIRM),):
            found = ()  # a yes to something else than our question, or a name such as Si
        if len(unread) >= MOST_BEFORE and any(each.verb in LAST for each in found):
            break  # so far down, it is rather part of an unmarked quote
        commands += found
        if not found:
            if commands and line not in head and commands != [Command(verb=Verb.SUBSCRIBE)]:
                break  # after the commands: a name, a motto, a disclaimer
            unread.append(line)
            unclear = line not in head
    unique = tuple(dict.fromkeys(commands))[:MOST_COMMANDS]
    return Asked(commands=unique, unread=tuple(unread[:MOST_COMMANDS]))


def _fixed(line: str) -> Command | None:
    said = grammar.answers(line)
    if said:
        return Command(verb=Verb.ANSWER, answers=said)
    found = grammar.fixed(line)
    return Command(verb=found[0], text=found[1]) if found else None


def _sort(text: str, topics: Mapping[str, Topic], named: dict[str, list[str]]) -> None:
    """Sort plain words into topics, authors and keywords."""
    for phrase in _LIST.split(text):
        whole = topic_of(phrase, topics)  # a topic's name can have an "and" in it
        for chunk in [whole] if whole else _AND.split(phrase):
            author = _AUTHOR.fullmatch(chunk.strip())
            if author:
                named["authors"].append(author[1].strip())
                continue
            found, rest = _topics_in(chunk.strip(" .!?"), topics)
            named["topics"] += found
            is_phrase = 0 < len(rest.split()) <= LONGEST_KEYWORD and len(rest) > 1
            if is_phrase and not _LINK.search(rest):  # that is of a signature
                named["keywords"].append(rest)


def _topics_in(words: str, topics: Mapping[str, Topic]) -> tuple[list[str], str]:
    """Return the topics that words name, and the rest of the words."""
    whole = topic_of(words, topics)
    if whole:
        return [whole], ""
    lead = _ABOUT.match(words)
    found, rest = [], []
    for word in words[lead.end() if lead else 0 :].split():
        topic = topic_of(word, topics) if "." in word or "-" in word else ""
        if topic:
            found.append(topic)
        else:
            rest.append(word)
    left = " ".join(rest).strip(" .!?\"'“”").lstrip("*-–· ").removesuffix(" please")
    topic = topic_of(left, topics)
    if left.endswith(" papers"):
        topic = topic or topic_of(left.removesuffix(" papers"), topics)
    return ([*found, topic], "") if topic else (found, left)
