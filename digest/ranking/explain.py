"""Reasons in plain words, short enough for one line of a mail. No HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from digest.model import Pick, Reason, ReasonKind, Topic
from digest.text import clean, truncate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_SAID = 3
LONGEST_NAME = 80
WORTH_SAYING = 0.1


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
        if reason.kind in (ReasonKind.KEYWORD, ReasonKind.WORDS):
            return f"“{name}”"
        if reason.kind in (ReasonKind.LIKE, ReasonKind.DISLIKE):
            title = self.titles.get(reason.what)
            return f"“{_short(title)}”" if title else ""
        return name


def explainer(*, topics: Mapping[str, Topic], titles: Mapping[str, str]) -> Because:
    """What says why for the picks of a block."""
    return Because(topics=topics, titles=titles)


def clause(kind: ReasonKind, names: Sequence[str]) -> str:
    """Reasons of one kind as a clause that stands after "because"; `names` may be empty texts."""
    named = _listed([each for each in names if each])
    if kind is ReasonKind.TOPIC:
        return f"you follow {named}"
    if kind is ReasonKind.KEYWORD:
        return f"it matches your keyword{'s' if len(names) > 1 else ''} {named}"
    if kind is ReasonKind.WORDS:
        return f"it shares words with your keyword{'s' if len(names) > 1 else ''} {named}"
    if kind is ReasonKind.AUTHOR:
        return f"it is by {named}, whom you follow"
    if kind is ReasonKind.TRENDING:
        return f"it is trending ({_counted(named)})" if named else "it is trending"
    said = "liked" if kind is ReasonKind.LIKE else "disliked"
    return (
        f"it is similar to {named}, which you {said}"
        if named
        else f"it is similar to papers you {said}"
    )


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
