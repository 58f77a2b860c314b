"""Puts the reasons of a pick into words, short enough for one line of a mail. Plain text, no HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from digest.model import Pick, Reason, ReasonKind, Topic
from digest.text import clean, contains_phrase, fold, truncate

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

MOST_SAID = 3
MOST_WORDS = 3
LONGEST_NAME = 80
LONGEST_TITLE = 60
LONGEST_WORD = 30
LONGEST_CLAUSE = 130
LONGEST_LINE = 220
WORTH_SAYING = 0.1
FEWEST_TRENDING = 3
OF_EVERYBODY = (ReasonKind.TRENDING, ReasonKind.PICKED)
MOST_LINES = 32_768

_EXPLORE, _WORDS = ReasonKind.EXPLORE, ReasonKind.WORDS
_LIKE, _DISLIKE = ReasonKind.LIKE, ReasonKind.DISLIKE
# `{s}` and `{es}` are for several names.
_CLAUSES: Mapping[ReasonKind, str] = {
    ReasonKind.TOPIC: "you follow {}",
    ReasonKind.KEYWORD: "it matches your keyword{s} {}",
    ReasonKind.WORDS: "it is close in meaning to your keyword{s} {}",
    ReasonKind.QUERY: "it matches your saved search{es} {}",
    ReasonKind.AUTHOR: "it is by {}, whom you follow",
    ReasonKind.LIKE: "it is similar to {}, which you liked",
    ReasonKind.DISLIKE: "it is similar to {}, which you disliked",
    ReasonKind.PICKED: "curators picked it",
    ReasonKind.EXPLORE: "it is outside your usual interests",
}
_UNNAMED: Mapping[ReasonKind, str] = {
    ReasonKind.LIKE: "it goes with papers you liked",
    ReasonKind.DISLIKE: "it is similar to papers you disliked",
    ReasonKind.TRENDING: "readers upvoted it",
}
# For amounts that go against the kind: a paper may be less similar than usual.
_UNLIKE: Mapping[ReasonKind, str] = {
    ReasonKind.LIKE: "it is unlike papers you liked",
    ReasonKind.DISLIKE: "it is unlike papers you disliked",
    ReasonKind.WORDS: "it is far in meaning from your keyword {}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """Words the reasons of picks, given the names of topics and the titles of liked papers by id."""

    topics: Mapping[str, Topic]
    titles: Mapping[str, str]
    _lines: dict[tuple[object, ...], str] = field(default_factory=dict, repr=False, compare=False)
    _clauses: dict[tuple[object, ...], tuple[str, str]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def __call__(self, pick: Pick) -> str:
        """One line: `Because you follow …, it matches your keyword …, and …`; empty without reasons.

        For a paper to explore it begins with `To explore:`, and names the like or keyword it is similar
        to, if there is one. If the line would be too long, the words in brackets are left out first, then
        the lesser reasons.
        """
        reasons = _weighty(pick)
        # Thousands of readers are told the same line: only the amounts differ, which it leaves out.
        # A flat key takes half the time of a tuple of tuples.
        told: list[object] = []
        for kind, what, _, words in reasons:
            told += (kind, what, words)
        key = (*told,)
        line = self._lines.get(key)
        if line is None:
            line = _kept(self._lines, key, self._said(reasons))
        return line

    def _said(self, reasons: Sequence[Reason]) -> str:
        kinds: dict[ReasonKind, list[Reason]] = {}
        for each in reasons:
            kinds.setdefault(each.kind, []).append(each)
        start = "To explore: " if _EXPLORE in kinds else "Because "
        if kinds.keys() - {_EXPLORE, *OF_EVERYBODY}:
            kinds.pop(_EXPLORE, None)  # what it is similar to says more, and would contradict it
        # Personal reasons come before votes and curators, however much each adds to the score.
        clauses = [
            self._single(each[0]) if len(each) == 1 else self._clause(each)
            for _, each in sorted(kinds.items(), key=lambda kind: kind[0] in OF_EVERYBODY)
        ]
        if not clauses:
            return ""
        return start + _line(clauses)

    def sentences(self, pick: Pick) -> list[str]:
        """Up to three reasons that add most to the score, largest first."""
        return ["".join(self._clause([each])) for each in _weighty(pick)]

    def term(self, reason: Reason) -> str:
        """One term of a score as a clause, whether it raises or lowers the score."""
        name = self._name(reason)
        if reason.kind in _UNLIKE and (reason.amount > 0) is (reason.kind is _DISLIKE):
            return _UNLIKE[reason.kind].format(name)
        return clause(reason.kind, [name])

    def _single(self, reason: Reason) -> tuple[str, str]:
        """The clause and words of one reason; cached, since many lines share it."""
        key = (reason.kind, reason.what, reason.words)
        found = self._clauses.get(key)
        return found or _kept(self._clauses, key, self._clause([reason]))

    def _clause(self, reasons: Sequence[Reason]) -> tuple[str, str]:
        """Reasons of one kind as a clause, and the words behind them in brackets if there is room."""
        said = clause(reasons[0].kind, [self._name(each) for each in reasons])
        if not any(each.words for each in reasons):
            return said, ""
        known = {_folded(each.what) for each in reasons}
        new: list[str] = []
        named = ""
        for word in (word for each in reasons for word in each.words):
            folded = _folded(word)
            if len(new) < MOST_WORDS and folded not in known and not contains_phrase(named, folded):
                new.append(_short(word, LONGEST_WORD))
                named = f"{named} {folded}"
        # Part of "sign language" is worth repeating, since it says which part; all of it is not.
        told = set(named.split())
        again = set().union(*(each.split() for each in known if told.issuperset(each.split())))
        new = [each for each in new if not again.issuperset(_folded(each).split())]
        for many in range(len(new), 0, -1):
            words = f" ({', '.join(new[:many])})"
            if len(said) + len(words) <= LONGEST_CLAUSE:
                return said, words
        return said, ""

    def _name(self, reason: Reason) -> str:
        """What a reason is about, as its reader knows it; empty for a paper without a known title."""
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
            return f"“{_short(title, LONGEST_TITLE)}”" if title else ""
        return name


def clause(kind: ReasonKind, names: Sequence[str]) -> str:
    """Reasons of one kind as a clause to follow "because"; names that are empty are left out."""
    named = [each for each in names if each]
    if not named and kind in _UNNAMED:
        return _UNNAMED[kind]
    if kind is ReasonKind.TRENDING:
        return _voted(named[0])
    several = len(names) > 1
    return _CLAUSES[kind].format(_listed(named), s="s" * several, es="es" * several)


def _kept(kept: dict[tuple[object, ...], T], key: tuple[object, ...], found: T) -> T:
    if len(kept) >= MOST_LINES:
        kept.clear()
    kept[key] = found
    return found


def _weighty(pick: Pick) -> list[Reason]:
    """The up to three reasons of a pick that are worth saying: exploring first, then the largest.

    Similarity that no words can be named for (see `Sheet.telling`) is left out, unless nothing adds
    more to the score. Similarity to a keyword that occurs in the paper is told as the keyword. Being
    unlike a disliked paper is no reason to show one.
    """
    found: list[Reason] = []
    least = 0.0
    for each in pick.reasons:
        kind, _, amount, words = each
        if amount > 0 and amount >= least and kind is not _DISLIKE:
            if kind is _WORDS and (there := _keyword_of(each, pick)):
                each = there  # noqa: PLW2901 - the same reason, as its reader knows it
            elif found and not words and (kind is _LIKE or kind is _WORDS):
                continue
            if each not in found:
                least = least or WORTH_SAYING * amount
                found.append(each)
        elif kind is _EXPLORE:
            found.insert(0, each)
    return found[:MOST_SAID]


def _keyword_of(words: Reason, pick: Pick) -> Reason | None:
    """The reason that the same keyword occurs in the paper itself, if it does."""
    for each in pick.reasons:
        if each.kind is ReasonKind.KEYWORD and each.what == words.what:
            return each
    return None


def _line(clauses: Sequence[tuple[str, str]]) -> str:
    """As many clauses, and words after them, as fit on one line; at least one clause."""
    line = ""
    for many in range(len(clauses), 0, -1):
        for worded in dict.fromkeys((many, 1, 0)):
            parts = [
                said + words * (at < worded) for at, (said, words) in enumerate(clauses[:many])
            ]
            line = ", ".join([*parts[:-1], f"and {parts[-1]}"]) if many > 1 else parts[0]
            if len(line) <= LONGEST_LINE:
                return line
    return line


def _listed(parts: Sequence[str]) -> str:
    """A list in English: `a`, `a and b`, `a, b, and c`."""
    if len(parts) < 3:  # noqa: PLR2004 - the serial comma begins with three
        return " and ".join(parts)
    return f"{', '.join(parts[:-1])}, and {parts[-1]}"


_folded = lru_cache(maxsize=16_384)(fold)


def _voted(votes: str) -> str:
    """The clause for a count of votes: below three, a paper is not called trending."""
    number = int(votes) if votes.isdecimal() else 0
    if 0 < number < FEWEST_TRENDING:
        return "it has one upvote" if number == 1 else f"it has {number} upvotes"
    return f"it is trending ({votes} upvotes)"


# Thousands of mails name the same topics, keywords and titles.
@lru_cache(maxsize=16_384)
def _short(text: str, longest: int = LONGEST_NAME) -> str:
    return truncate(clean(text), longest)
