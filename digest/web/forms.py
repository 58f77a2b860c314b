"""Reads the subscription forms field by field into wishes.

A value that cannot be used becomes a message beside its field, and the form shows everything that
was typed again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from starlette.datastructures import FormData, QueryParams, UploadFile
from starlette.requests import Request

from digest import references, subscriptions
from digest.errors import InvalidInput
from digest.model import Interest, InterestKind, Subscriber, Topic
from digest.subscriptions import Wishes
from digest.web import words

LARGEST_FILE = 1_000_000
MOST_VALUES = subscriptions.MOST_INTERESTS

# The list fields of a profile, and the kind of interest that each of their lines becomes.
LISTS: Mapping[str, InterestKind] = {
    "topics": InterestKind.TOPIC,
    "keywords": InterestKind.KEYWORD,
    "authors": InterestKind.AUTHOR,
    "queries": InterestKind.QUERY,
    "mutes": InterestKind.MUTE,
    "mute_authors": InterestKind.MUTE_AUTHOR,
    "mute_topics": InterestKind.MUTE_TOPIC,
}
SCHEDULE = ("at", "tz", "cadence", "limit", "quiet", "floor")

_LINES = re.compile(r"[\r\n;；]+")
# Commas of Chinese and Japanese keyboards, which also separate names.
_WIDE_COMMAS = re.compile(r"[，、]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The fields of a form by name, and at most one file; missing ones are empty."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    posted: bool = False
    file: bytes = b""
    file_name: str = ""

    def one(self, name: str, default: str = "") -> str:
        """The first value of a field, stripped."""
        return self.fields[name][0].strip() if name in self.fields else default

    def text(self, name: str) -> str:
        """All values of a field, one per line."""
        return "\n".join(self.fields.get(name, ()))

    def many(self, name: str) -> tuple[str, ...]:
        """The values of a group of checkboxes."""
        return tuple(each.strip() for each in self.fields.get(name, ()) if each.strip())


def posted(request: Request) -> Form:
    """The form that `limits.with_form` read; a file is cut just above LARGEST_FILE bytes."""
    return _form(request.state.form, posted=True)


def asked(request: Request) -> Form:
    """The query string, read like a form."""
    return _form(request.query_params, posted=False)


def _form(sent: FormData | QueryParams, *, posted: bool) -> Form:
    fields: dict[str, tuple[str, ...]] = {}
    file, file_name = b"", ""
    for name, value in sent.multi_items():
        if isinstance(value, UploadFile):
            file, file_name = value.file.read(LARGEST_FILE + 1), value.filename or ""
        else:
            fields[name] = (*fields.get(name, ()), value)
    return Form(fields=fields, posted=posted, file=file, file_name=file_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A form that was read: the values to show again, the wishes in it, and its errors.

    `notes` say what was left out of a library; they are no errors.
    """

    values: Mapping[str, str]
    topics: tuple[str, ...]
    wishes: Wishes
    errors: Mapping[str, str]
    notes: tuple[str, ...] = ()


def filled(
    form: Form,
    *,
    topics: Mapping[str, Topic],
    to: Subscriber,
    now: datetime,
    standing: Iterable[Interest] = (),
    strict: bool = True,
) -> Filled:
    """Read wishes from a form; `to` is whose schedule they change, `standing` their interests so far.

    Unless `strict`, as for links with a query string, what cannot be used is left out silently.
    """
    errors: dict[str, str] = {}
    found: dict[str, Any] = {}  # fields of Wishes by name
    for name, kept in interest_values(standing).items():
        lines = frozenset(kept.split("\n"))
        given = form.many(name) if name == "topics" else split(form.text(name), name, kept=lines)
        found[name] = _usable(name, given, topics=topics, now=now, errors=errors)
    likes, text, notes = _likes(form, errors)
    likes, left_out = _with_room(likes, beside=found, errors=errors)
    found["likes"] = _usable("likes", likes, topics=topics, now=now, errors=errors)
    values = {name: form.text(name) for name in LISTS} | {"likes": text, "shown": form.one("shown")}
    schedule = {name: form.one(name) for name in SCHEDULE if form.one(name)}
    timing = _schedule(schedule, to=to, errors=errors)
    person = subscriptions.with_schedule(to, timing)
    # By their ids, whatever the case that an address writes them in.
    ticked = subscriptions.interests_of(Wishes(topics=found["topics"]), topics=topics, now=now)
    return Filled(
        values=values | (schedule_values(person) | schedule if strict else schedule_values(person)),
        topics=tuple(each.value for each in ticked),
        wishes=replace(timing, **found),
        errors=errors if strict else {},
        notes=(*notes, *left_out) if strict else (),
    )


def schedule_values(person: Subscriber) -> dict[str, str]:
    """A schedule as the form fields show it."""
    weekly = subscriptions.WEEKDAYS[person.weekday % 7]
    return {
        "at": f"{person.at:%H:%M}",
        "tz": person.tz,
        "cadence": weekly if person.cadence == "weekly" else str(person.cadence),
        "limit": str(person.limit),
        "quiet": str(person.quiet),
        "floor": subscriptions.floor_name(person.floor),
    }


def interest_values(interests: Iterable[Interest]) -> dict[str, str]:
    """Interests as the form fields show them, one per line."""
    lists: dict[str, list[str]] = {name: [] for name in LISTS}
    names = {kind: name for name, kind in LISTS.items()}
    for each in interests:
        if each.kind in names:
            lists[names[each.kind]].append(each.value)
    return {name: "\n".join(values) for name, values in lists.items()}


def carried(interests: Iterable[Interest]) -> str:
    """The interests that a form shows, as JSON for a hidden field of it; see `shown`."""
    kinds = LISTS.values()
    return json.dumps([(each.kind, each.value) for each in interests if each.kind in kinds])


def shown(form: Form) -> frozenset[tuple[InterestKind, str]] | None:
    """The interests that a form showed, by kind and value; None if it does not say."""
    try:
        return frozenset(
            (InterestKind(kind), str(value)) for kind, value in json.loads(form.one("shown"))
        )
    except (ValueError, TypeError, RecursionError):
        return None


def split(text: str, name: str, *, kept: Collection[str] = ()) -> tuple[str, ...]:
    """The values of a list field, separated by lines, semicolons or commas.

    A comma does not split a search, a name written `Lovelace, Ada`, or a line that is in `kept`.
    """
    found: list[str] = []
    for line in _LINES.split(text):
        if name == "queries" or line.strip() in kept:
            found.append(line.strip())
            continue
        for each in _WIDE_COMMAS.split(line):
            parts = [part.strip() for part in each.split(",")]
            surname_first = "author" in name and any(" " not in part for part in parts if part)
            found.extend([each.strip()] if surname_first else parts)
    return tuple(dict.fromkeys(each for each in found if each))


def _usable(
    name: str,
    given: Sequence[str],
    *,
    topics: Mapping[str, Topic],
    now: datetime,
    errors: dict[str, str],
) -> tuple[str, ...]:
    """The values that can be used; the first that cannot becomes the error of its field."""
    if len(given) > MOST_VALUES:
        errors[name] = f"That is {len(given):,}; at most {MOST_VALUES:,} can be kept."
        return ()
    good: list[str] = []
    for each in given:
        try:
            subscriptions.interests_of(Wishes(**{name: (each,)}), topics=topics, now=now)  # type: ignore[arg-type]  # every list is a field of Wishes
        except InvalidInput as error:
            errors.setdefault(name, words.for_page(error.message))
        else:
            good.append(each)
    return tuple(good)


def _with_room(
    likes: tuple[str, ...], *, beside: Mapping[str, Sequence[str]], errors: dict[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """As many example papers as the profile has room for beside the other lists, and a note.

    A library is cut to fit; if the lists that people type are too long, that is an error.
    """
    others = sum(map(len, beside.values()))
    if others > MOST_VALUES:
        longest = max(beside, key=lambda name: len(beside[name]))
        text = f"That is {others:,} with everything else you typed; a profile can hold {MOST_VALUES:,}."
        errors.setdefault(longest, text)
        return (), ()
    room = MOST_VALUES - others
    if len(likes) <= room:
        return likes, ()
    taken = f"{room:,} of {len(likes):,} example papers were taken"
    return likes[:room], (f"{taken}: a profile can hold {MOST_VALUES:,} interests.",)


def _likes(form: Form, errors: dict[str, str]) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """The example papers that were pasted or uploaded, the text that names them all, and notes.

    The ids of a file are added to the text, since a page cannot show an uploaded file again.
    """
    pasted, text = form.text("likes"), form.text("likes").strip()
    found, note = _references(pasted.encode(), "pasted.txt", errors) if text else ((), "")
    notes = [f"Of what you pasted, {note}"] if note else []
    if form.file:
        sent, note = _references(form.file, form.file_name, errors)
        notes += [f"Of your file, {note}"] if note else []
        new = [each for each in sent if each not in found]
        found, text = (*found, *new), "\n".join([text, *new]).strip()
    return found, text, tuple(notes)


def _references(data: bytes, name: str, errors: dict[str, str]) -> tuple[tuple[str, ...], str]:
    """The ids in a text, and a note on the entries that were not taken."""
    try:
        read = references.read(data, name)
    except InvalidInput as error:
        errors.setdefault("likes", error.message)
        return (), ""
    if not read.ids:
        errors.setdefault(
            "likes",
            "No arXiv id or DOI was found in it. Write one per line, such as 2406.01234 or "
            "10.1101/2024.01.01.573838, or send a file that contains them.",
        )
        return (), ""
    return read.ids, _left_out(read)


def _left_out(read: references.References) -> str:
    """How many entries were taken and why the others were not; "" if all were."""
    unnamed = read.entries - read.named - read.damaged
    why = [f"{unnamed:,} {'has' if unnamed == 1 else 'have'} no arXiv id or DOI"] if unnamed else []
    why += [f"{read.damaged:,} could not be read"] if read.damaged else []
    if not why and not read.bounds:
        return ""
    of = f" of {read.entries:,}" if why else ""
    taken = f"{read.named:,}{of} {'was' if read.named == 1 else 'were'} taken"
    return " ".join((f"{'; '.join((taken, *why))}.", *read.bounds))


def _schedule(given: Mapping[str, str], *, to: Subscriber, errors: dict[str, str]) -> Wishes:
    good = Wishes()
    for name, text in given.items():
        try:
            value = _number(text) if name == "limit" else text
            tried = replace(good, **{name: value})  # type: ignore[arg-type]  # fields of Wishes
            subscriptions.with_schedule(to, tried)
        except InvalidInput as error:
            errors[name] = error.message
        else:
            good = tried
    return good


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text):
        raise InvalidInput("Write how many as a number between 1 and 50.")
    return int(text)
