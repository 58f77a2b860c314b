"""Finds the papers of an edition that contain a phrase, are in a category, or are by an author.

The rules are those of `digest.matching`, as an inverted index: a lookup costs time in proportion to
what it finds, rather than to the number of papers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from digest import matching
from digest.text import author_key, contains_prefix, fold, spaced, spellings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from digest.model import Paper, Topic


class PhraseIndex:
    """Folded texts by their words; its methods return the rows of the texts that match."""

    __slots__ = ("_folded", "_rows", "_texts")

    def __init__(self, texts: Sequence[str]) -> None:
        self._folded = texts
        self._texts = list(map(spaced, texts))
        self._rows: dict[str, list[int]] = {}
        for row, text in enumerate(self._texts):
            for word in set(text.split()):
                self._rows.setdefault(word, []).append(row)

    def find(self, phrase: str) -> set[int]:
        """Rows that contain the folded phrase as whole words, singular or plural."""
        return {row for each in matching.variants(phrase) for row in self._find(spaced(each))}

    def find_prefix(self, start: str) -> set[int]:
        """Rows that contain the beginning of a phrase, whose last word may be incomplete."""
        first = spaced(start).partition(" ")[0]
        rows = {row for word in self._rows if word.startswith(first) for row in self._rows[word]}
        return {row for row in rows if contains_prefix(self._folded[row], start)}

    def _find(self, phrase: str) -> Iterable[int]:
        words = phrase.split()
        found = sorted((self._rows.get(word, []) for word in words), key=len)
        if len(words) == 1:
            return found[0]
        both = set(found[0]).intersection(*found[1:])
        return (row for row in both if f" {phrase} " in f" {self._texts[row]} ")


class Index:
    """The papers of an edition, by phrase, category and author; rows are their positions."""

    __slots__ = ("_authors", "_families", "any_category", "names", "primary", "texts", "titles")

    def __init__(self, papers: Sequence[Paper]) -> None:
        self.titles = PhraseIndex([fold(paper.title) for paper in papers])
        self.texts = PhraseIndex([matching.folded(paper) for paper in papers])
        self.names = PhraseIndex([" \n ".join(map(fold, paper.authors)) for paper in papers])
        self.any_category: dict[str, list[int]] = {}
        self.primary: dict[str, list[int]] = {}
        self._authors: dict[str, list[tuple[str, int]]] = {}
        self._families: dict[str, set[int]] = {}
        for row, paper in enumerate(papers):
            for key in matching.category_keys(paper.categories):
                self.any_category.setdefault(key, []).append(row)
            for key in matching.category_keys(paper.categories[:1]):
                self.primary.setdefault(key, []).append(row)
            for name in (each for author in paper.authors for each in spellings(author)):
                key = author_key(name)
                self._authors.setdefault(key, []).append((matching.given_name(name), row))
                self._families.setdefault(key.partition(" ")[0], set()).add(row)

    def by_author(self, name: str) -> set[int]:
        """Rows of papers by this author; a family name alone finds everyone with that name."""
        return set().union(*map(self._by_spelling, spellings(name)))

    def _by_spelling(self, name: str) -> set[int]:
        key, given = author_key(name), matching.given_name(name)
        if not key:
            return set()
        if " " not in key:
            return set(self._families.get(key, ()))
        known = self._authors.get(key, ())
        return {row for other, row in known if matching.agree(given, other)}

    def in_query(self, query: str) -> tuple[set[int], set[int]]:
        """Rows of the papers that `matching.in_query` accepts, and of those it accepts by title alone."""
        parts = matching.query_parts(query)
        if not parts:
            return set(), set()
        titles = [_find_part(self.titles, each) for each in parts]
        anywhere = [
            found | _find_part(self.texts, each) | _find_part(self.names, each)
            for found, each in zip(titles, parts, strict=True)
        ]
        return set.intersection(*anywhere), set.intersection(*titles)

    def in_topic(self, topic: Topic) -> set[int]:
        """Rows of the papers that `matching.in_topic` accepts."""
        categories, phrases = matching.demands(topic)
        found = {row for key in categories for row in self.any_category.get(key, ())}
        return found.union(*(self.texts.find(phrase) for phrase in phrases))


def _find_part(texts: PhraseIndex, part: str) -> set[int]:
    start = part.removesuffix(matching.PREFIX)
    return texts.find(part) if start == part else texts.find_prefix(start)
