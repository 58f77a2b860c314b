"""Reasons in plain words, short enough for one line of a mail. No HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digest.model import Pick, Reason, ReasonKind, Topic
from digest.text import clean, truncate

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_SAID = 3
LONGEST_NAME = 80
WORTH_SAYING = 0.1

# `{s}` and `{es}` are for several names.
_CLAUSES: Mapping[ReasonKind, str] = {
    ReasonKind.TOPIC: "you follow {}",
    ReasonKind.KEYWORD: "it matches your keyword{s} {}",
    ReasonKind.WORDS: "it shares words with your keyword{s} {}",
    ReasonKind.QUERY: "it matches your saved search{es} {}",
    ReasonKind.AUTHOR: "it is by {}, whom you follow",
    ReasonKind.LIKE: "it is similar to {}, which you liked",
    ReasonKind.DISLIKE: "it is similar to {}, which you disliked",
    ReasonKind.PICKED: "curators picked it",
}
_UNNAMED: Mapping[ReasonKind, str] = {
    ReasonKind.LIKE: "it is similar to papers you liked",
    ReasonKind.DISLIKE: "it is similar to papers you disliked",
    ReasonKind.TRENDING: "it is trending",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """Says why, given what topics are called and the titles that reasons may name."""

    topics: Mapping[str, Topic]
    titles: Mapping[str, str]

    def __call__(self, pick: Pick) -> str:
        """One line: `Because you follow …, it matches your keyword …, and …`; empty without any."""
        kinds: dict[ReasonKind, list[str]] = {}
        for each in _weighty(pick):
            kinds.setdefault(each.kind, []).append(self._name(each))
        clauses = [clause(kind, names) for kind, names in kinds.items()]
        return f"Because {_listed(clauses)}" if clauses else ""

    def sentences(self, pick: Pick) -> list[str]:
        """The up to three reasons that made the most of the score, largest first."""
        return [clause(each.kind, [self._name(each)]) for each in _weighty(pick)]

    def _name(self, reason: Reason) -> str:
        """What a reason speaks of, as its reader calls it; empty for a paper we have no title of."""
        name = _short(reason.what)
        if reason.kind is ReasonKind.TOPIC:
            topic = self.topics.get(reason.what)
            known = topic is not None and topic.name != topic.id
            return f"{_short(topic.name)} ({name})" if topic and known else name
        if reason.kind in (ReasonKind.KEYWORD, ReasonKind.WORDS, ReasonKind.QUERY):
            plain = name.replace('"', "'")
            return f"“{plain}”"
        if reason.kind in (ReasonKind.LIKE, ReasonKind.DISLIKE):
            title = self.titles.get(reason.what)
            return f"“{_short(title)}”" if title else ""
        return name


def explainer(*, topics: Mapping[str, Topic], titles: Mapping[str, str]) -> Because:
    """What says why for the picks of a block."""
    return Because(topics=topics, titles=titles)


def clause(kind: ReasonKind, names: Sequence[str]) -> str:
    """Reasons of one kind as a clause that stands after "because"; `names` may be empty texts."""
    named = [each for each in names if each]
    if not named and kind in _UNNAMED:
        return _UNNAMED[kind]
    if kind is ReasonKind.TRENDING:
        return f"it is trending ({_counted(_listed(named))})"
    several = len(names) > 1
    return _CLAUSES[kind].format(_listed(named), s="s" * several, es="es" * several)


def _weighty(pick: Pick) -> list[Reason]:
    there = {each.what for each in pick.reasons if each.kind is ReasonKind.KEYWORD}
    in_favour = [
        each
        for each in pick.reasons
        if each.amount > 0 and not (each.kind is ReasonKind.WORDS and each.what in there)
    ]
    least = WORTH_SAYING * max((each.amount for each in in_favour), default=0)
    return [each for each in in_favour if each.amount >= least][:MOST_SAID]


def _listed(parts: Sequence[str]) -> str:
    """Parts as a person lists them: `a`, `a and b`, `a, b, and c`."""
    if len(parts) < 3:  # noqa: PLR2004 - the serial comma begins with three
        return " and ".join(parts)
    return f"{', '.join(parts[:-1])}, and {parts[-1]}"


def _counted(votes: str) -> str:
    return "1 upvote" if votes == "1" else f"{votes} upvotes"


def _short(text: str) -> str:
    return truncate(clean(text), LONGEST_NAME)
