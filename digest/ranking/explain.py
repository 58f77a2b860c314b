"""Reasons in plain words, short enough for one line of a mail. No HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from digest.model import Pick, Reason, ReasonKind, Topic
from digest.text import clean, truncate

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_SAID = 3
LONGEST_NAME = 80
WORTH_SAYING = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """Says why, given what topics are called and the titles that reasons may name."""

    topics: Mapping[str, Topic]
    titles: Mapping[str, str]

    def __call__(self, pick: Pick) -> str:
        """One line: `because you follow …, your keyword …, and …`; empty if nothing is known."""
        said = self.sentences(pick)
        if len(said) > 1:
            said[-1] = f"and {said[-1]}"
        return f"because {(', ' if len(said) > 2 else ' ').join(said)}" if said else ""  # noqa: PLR2004 - the serial comma

    def sentences(self, pick: Pick) -> list[str]:
        """The up to three reasons that made the most of the score, largest first."""
        for_it = [each for each in pick.reasons if each.amount > 0]
        least = WORTH_SAYING * max((each.amount for each in for_it), default=0)
        worth = [each for each in for_it if each.amount >= least][:MOST_SAID]
        return [sentence(each, topics=self.topics, titles=self.titles) for each in worth]


def explainer(*, topics: Mapping[str, Topic], titles: Mapping[str, str]) -> Because:
    """What says why for the picks of a block."""
    return Because(topics=topics, titles=titles)


def sentence(reason: Reason, *, topics: Mapping[str, Topic], titles: Mapping[str, str]) -> str:
    """One reason in words that stand after "because"; at most about 120 characters."""
    name = _short(reason.what)
    if reason.kind is ReasonKind.TOPIC:
        topic = topics.get(reason.what)
        known = topic is not None and topic.name != topic.id
        return (
            f"you follow {_short(topic.name)} ({name})" if topic and known else f"you follow {name}"
        )
    if reason.kind is ReasonKind.KEYWORD:
        return f"your keyword “{name}”"
    if reason.kind is ReasonKind.AUTHOR:
        return f"by {name}, whom you follow"
    if reason.kind is ReasonKind.TRENDING:
        return f"trending: {_counted(name)}" if name else "trending"
    title = titles.get(reason.what)
    paper = f"“{_short(title)}”" if title else "papers"
    return f"similar to {paper} that you {reason.kind}d"


def _counted(votes: str) -> str:
    return "1 upvote" if votes == "1" else f"{votes} upvotes"


def _short(text: str) -> str:
    return truncate(clean(text), LONGEST_NAME)
