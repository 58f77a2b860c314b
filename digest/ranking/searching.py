"""The order of what a search found, and of what is like a paper.

Three orders are fused: that of BM25, which the full-text index gives, that of a TF-IDF similarity
in which pairs of words count too, and, where there is a learned space, that of nearness in it.
Standard library only and no folding of whole abstracts, because a search answers while somebody
types: two hundred hits take milliseconds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf, log, sqrt
from types import MappingProxyType

from digest import matching
from digest.model import Paper
from digest.text import contains_phrase, fold, words

K = 60
MOST_TERMS = 12
SHORTEST_STEM = 4
FEWEST_WORDS_OF_A_TITLE = 4
FEWEST_WORDS_OF_A_QUOTE = 5
LONG_QUERY = 200
MOST_PASTED = 10
MOST_QUOTED = 60
MOST_BY_AUTHOR = 3
START_OF_AN_ABSTRACT = 120
SHORT_TEXT = 600

_BREAKS = "-/("
# "A phrase", prefix*, -word, field:word, AND and NOT.
_DEMANDING = re.compile(rf"[{matching.QUOTES}]|\w\*(?!\S)|(?<!\S)(?:-\w|\w+:\S|(?:AND|NOT)(?!\S))")
_NOWHERE: Mapping[str, float] = MappingProxyType({})

Hits = Sequence[tuple[Paper, float]]


def fuse(
    query: str, hits: Hits, *, near: Mapping[str, float] = _NOWHERE, more: Sequence[Paper] = ()
) -> list[tuple[Paper, float]]:
    """What a search found, in the order to show it in.

    `hits` are those of the full-text index with their BM25 scores, `more` are papers that are
    only near the query in meaning, `near` says how near a paper is, by id, where that is known.
    Reciprocal rank fusion: a paper scores Σ 1/(60 + rank) over the orders it is in (G. V. Cormack,
    C. L. A. Clarke, S. Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual
    rank learning methods", SIGIR 2009).

    The paper whose title was typed, or whose title or abstract stands in a long text that was
    pasted, comes first: it scores 2 more. Next are those whose title stands in a query, as in a
    reference to them, the longest first, which score up to 2 more; and those in which five words
    or more of a query stand just so, which score 1 more.
    """
    found = _fused(terms_of(query), hits, near, more)
    wanted = fold(query)
    # What was pasted is surely among the first; what was typed may be any title of a word or two.
    asked = found[:MOST_PASTED] if len(wanted) > LONG_QUERY else found
    extra = {paper.id: named for paper, _ in asked if (named := _named(paper, wanted))}
    if wanted.count(" ") + 1 >= FEWEST_WORDS_OF_A_QUOTE and len(wanted) <= LONG_QUERY:
        of_words = {paper.id for paper, _ in hits}
        likely = [paper for paper, _ in found if paper.id in of_words][:MOST_QUOTED]
        for paper in likely:
            if paper.id not in extra and contains_phrase(matching.folded(paper), wanted):
                extra[paper.id] = 1
    raised = [(paper, score + extra.get(paper.id, 0)) for paper, score in found]
    return sorted(raised, key=lambda each: -each[1]) if extra else raised


def related(paper: Paper, hits: Hits) -> list[tuple[Paper, float]]:
    """The hits most like a paper first by their words, itself left out; scores as in `fuse`."""
    terms = terms_of(f"{paper.title} \n {paper.title} \n {paper.abstract}")
    return _fused(terms, [each for each in hits if each[0].id != paper.id], _NOWHERE, ())


def demands(query: str) -> bool:
    """Whether a query says what must be in every hit, rather than what it is about.

    By `"a phrase"`, `prefix*`, or what other search engines take for an operator; a text that was
    pasted demands nothing.
    """
    return not matching.is_pasted(query) and _DEMANDING.search(query) is not None


def names_author(query: str, hits: Hits) -> bool:
    """Whether a query is the name of an author, going by the first of its hits."""
    asked = set(words(query))
    authors = (name for paper, _ in hits[:MOST_BY_AUTHOR] for name in paper.authors)
    return bool(asked) and any(asked <= set(words(name)) for name in authors)


def terms_of(text: str) -> dict[str, float]:
    """The words of a text that carry meaning and the pairs of them side by side, with weights.

    Words lose a plural s, and stand for all that begin like them. Of a long text the terms that
    occur most, and of those the longest, are kept: 12 words and as many pairs.
    """
    words = [_stem(each) for each in fold(text).split() if each not in matching.STOP_WORDS]
    kept = _strongest(Counter(each for each in words if len(each) > 1))
    pairs = _strongest(Counter(f"{one} {two}" for one, two in pairwise(words) if one != two))
    return {**kept, **pairs}


def _strongest(counts: Counter[str]) -> dict[str, float]:
    ordered = sorted(counts, key=lambda term: (-counts[term], -len(term), term))
    return {term: 1 + log(counts[term]) for term in ordered[:MOST_TERMS]}


def _stem(word: str) -> str:
    return word[:-1] if len(word) > SHORTEST_STEM and word[-1] == "s" and word[-2] != "s" else word


def _fused(
    terms: Mapping[str, float], hits: Hits, near: Mapping[str, float], more: Sequence[Paper]
) -> list[tuple[Paper, float]]:
    papers = [*(paper for paper, _ in hits), *more]
    by_words = _ranks([*(score for _, score in hits), *(None for _ in more)])
    by_likeness = _ranks(similarities(terms, papers))
    by_meaning = _ranks([near.get(paper.id) for paper in papers])
    scores = [
        sum(1 / (K + rank) for rank in ranks)
        for ranks in zip(by_words, by_likeness, by_meaning, strict=True)
    ]
    order = sorted(range(len(papers)), key=lambda place: (-scores[place], by_words[place]))
    return [(papers[place], scores[place]) for place in order]


def _ranks(values: Sequence[float | None]) -> list[float]:
    """The rank of each value, 1 for the largest; equal ones share theirs, None is infinitely far."""
    first: dict[float, int] = {}
    known = (value for value in values if value is not None)
    for rank, value in enumerate(sorted(known, reverse=True), start=1):
        first.setdefault(value, rank)
    return [inf if value is None else first[value] for value in values]


def similarities(terms: Mapping[str, float], papers: Sequence[Paper]) -> list[float]:
    """How like a text of these terms each paper is, 0 and up: TF-IDF with sublinear counts.

    Frequencies of documents are those among the papers themselves. A paper's length stands for
    the length of its vector, and short texts are not the better for being short.
    """
    texts = [_searchable(paper) for paper in papers]
    found = [0.0] * len(texts)
    for term, weight in terms.items():
        # A short word stands for itself alone, or `art` would be in every article.
        asked = f" {term}" if len(term) >= SHORTEST_STEM else f" {term} "
        counts = [text.count(asked) for text in texts]
        holding = sum(map(bool, counts))
        rarity = log((1 + len(texts)) / (1 + holding)) + 1
        for place, count in enumerate(counts):
            if count:
                found[place] += weight * rarity * rarity * (1 + log(count))
    return [
        score / sqrt(max(len(text), SHORT_TEXT)) for score, text in zip(found, texts, strict=True)
    ]


def _searchable(paper: Paper) -> str:
    """Title, which counts twice, and abstract, with words apart; folded only as far as is cheap."""
    text = f" {paper.title} \n {paper.title} \n {paper.abstract} ".lower()
    for mark in _BREAKS:
        text = text.replace(mark, " ")
    return text


def _named(paper: Paper, wanted: str) -> float:
    """How far a folded query names this paper, 0 to 2: by its title, or as a long text that begins it.

    A title of four words or more may stand within.
    """
    if not wanted:
        return 0
    title = fold(paper.title)
    is_telling = title.count(" ") + 1 >= FEWEST_WORDS_OF_A_TITLE
    is_held = is_telling and contains_phrase(wanted, title)
    if len(wanted) <= LONG_QUERY:
        return 2 if title == wanted else is_held * (1 + len(title) / len(wanted))
    return 2 if is_held or wanted[:START_OF_AN_ABSTRACT] in fold(paper.abstract) else 0
