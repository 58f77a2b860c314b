"""Orders search results, and papers similar to a paper.

Up to three orders are fused: BM25 from the full-text index, a TF-IDF similarity that also counts
pairs of words, and nearness in the learned space if there is one. It uses only the standard library
and does not fold whole abstracts: two hundred hits take milliseconds, since people search as they
type.
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
    """Order search results, best first, with their scores.

    `hits` are papers of the full-text index with BM25 scores, `more` are papers that are only near
    the query in meaning, and `near` holds known cosines by paper id. The orders are fused by
    reciprocal rank: a paper scores Σ 1/(60 + rank) (G. V. Cormack, C. L. A. Clarke, S. Büttcher,
    "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods", SIGIR 2009).

    A paper scores 2 more if its title is the query, or if a long pasted query contains its title or
    the beginning of its abstract; 1 to 2 more if a shorter query contains its title, as a reference
    does; and 1 more if it contains the query word by word, from five words on.
    """
    found = _fused(terms_of(query), hits, near, more)
    wanted = fold(query)
    # A pasted paper is surely among the first hits; a short title that was typed may be anywhere.
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
    """The hits in order of similarity to a paper's words, itself left out; scores as in `fuse`."""
    terms = terms_of(f"{paper.title} \n {paper.title} \n {paper.abstract}")
    return _fused(terms, [each for each in hits if each[0].id != paper.id], _NOWHERE, ())


def demands(query: str) -> bool:
    """Whether a query demands something of every hit, rather than naming a subject.

    It does by `"a phrase"`, `prefix*`, or an operator of other search engines, unless it was pasted.
    """
    return not matching.is_pasted(query) and _DEMANDING.search(query) is not None


def names_author(query: str, hits: Hits) -> bool:
    """Whether a query is the name of an author of one of its first hits."""
    asked = set(words(query))
    authors = (name for paper, _ in hits[:MOST_BY_AUTHOR] for name in paper.authors)
    return bool(asked) and any(asked <= set(words(name)) for name in authors)


def terms_of(text: str) -> dict[str, float]:
    """The content words of a text and adjacent pairs of them, with weights.

    Words lose a plural s, and match all words that begin with them. Only the 12 most frequent words
    and 12 most frequent pairs are kept; of equally frequent ones the longest.
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
    """The rank of each value, 1 for the largest; equal values share a rank, None has infinity."""
    first: dict[float, int] = {}
    known = (value for value in values if value is not None)
    for rank, value in enumerate(sorted(known, reverse=True), start=1):
        first.setdefault(value, rank)
    return [inf if value is None else first[value] for value in values]


def similarities(terms: Mapping[str, float], papers: Sequence[Paper]) -> list[float]:
    """How similar each paper is to these terms, 0 and up: TF-IDF with sublinear counts.

    Document frequencies are those among these papers. A paper's length stands in for the norm of its
    vector, with a minimum, so that very short texts gain nothing.
    """
    texts = [_searchable(paper) for paper in papers]
    found = [0.0] * len(texts)
    for term, weight in terms.items():
        # A short word must match as a whole, or `art` would be in every article.
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
    """Title twice and abstract, with words separated; folded only as far as is cheap."""
    text = f" {paper.title} \n {paper.title} \n {paper.abstract} ".lower()
    for mark in _BREAKS:
        text = text.replace(mark, " ")
    return text


def _named(paper: Paper, wanted: str) -> float:
    """How clearly a folded query names this paper, 0 to 2 (see `fuse`).

    Only a title of four words or more may be part of the query.
    """
    if not wanted:
        return 0
    title = fold(paper.title)
    is_telling = title.count(" ") + 1 >= FEWEST_WORDS_OF_A_TITLE
    is_held = is_telling and contains_phrase(wanted, title)
    if len(wanted) <= LONG_QUERY:
        return 2 if title == wanted else is_held * (1 + len(title) / len(wanted))
    return 2 if is_held or wanted[:START_OF_AN_ABSTRACT] in fold(paper.abstract) else 0
