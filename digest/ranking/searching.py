"""The order of what a search found, and of what is like a paper.

Two orders are fused: that of BM25, which the full-text index gives, and that of a TF-IDF
similarity in which pairs of words count too. Standard library only and no folding of whole
abstracts, because a search answers while somebody types: two hundred hits take milliseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import log, sqrt

from digest import matching
from digest.model import Paper
from digest.text import contains_phrase, fold

K = 60
MOST_TERMS = 12
SHORTEST_STEM = 4
FEWEST_WORDS_OF_A_TITLE = 4
LONG_QUERY = 200
MOST_PASTED = 10
START_OF_AN_ABSTRACT = 120
SHORT_TEXT = 600

_BREAKS = "-/("

Hits = Sequence[tuple[Paper, float]]


def fuse(query: str, hits: Hits) -> list[tuple[Paper, float]]:
    """The hits of a full-text search with their BM25 scores, in the order to show them in.

    Reciprocal rank fusion: a paper scores Σ 1/(60 + rank) over both orders (G. V. Cormack,
    C. L. A. Clarke, S. Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual
    rank learning methods", SIGIR 2009). The paper whose title was typed, or whose title or
    abstract stands in a long text that was pasted, comes first: it scores 1 more.
    """
    found = _fused(terms_of(query), hits)
    wanted = fold(query)
    # What was pasted is surely among the first; what was typed may be any title of a word or two.
    asked = found[:MOST_PASTED] if len(wanted) > LONG_QUERY else found
    named = {paper.id for paper, _ in asked if _is_named(paper, wanted)}
    first = [(paper, score + 1) for paper, score in found if paper.id in named]
    return first + [each for each in found if each[0].id not in named]


def related(paper: Paper, hits: Hits) -> list[tuple[Paper, float]]:
    """The hits most like a paper first, the paper itself left out; scores as in `fuse`."""
    others = [each for each in hits if each[0].id != paper.id]
    return _fused(terms_of(f"{paper.title} \n {paper.title} \n {paper.abstract}"), others)


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


def _fused(terms: Mapping[str, float], hits: Hits) -> list[tuple[Paper, float]]:
    papers = [paper for paper, _ in hits]
    by_words = _ranks([score for _, score in hits])
    by_likeness = _ranks(similarities(terms, papers))
    scores = [
        1 / (K + one) + 1 / (K + other) for one, other in zip(by_words, by_likeness, strict=True)
    ]
    order = sorted(range(len(hits)), key=lambda place: (-scores[place], by_words[place]))
    return [(papers[place], scores[place]) for place in order]


def _ranks(values: Sequence[float]) -> list[int]:
    """The rank of each value, 1 for the largest; equal ones share theirs."""
    first: dict[float, int] = {}
    for rank, value in enumerate(sorted(values, reverse=True), start=1):
        first.setdefault(value, rank)
    return [first[value] for value in values]


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


def _is_named(paper: Paper, wanted: str) -> bool:
    """Whether a folded query is this paper's title, or a long text that holds or begins it."""
    if not wanted:
        return False
    if len(wanted) <= LONG_QUERY:
        # Folding is what costs, and a title of ASCII is never longer for it.
        may_be = len(paper.title) >= len(wanted) or not paper.title.isascii()
        return may_be and fold(paper.title) == wanted
    title = fold(paper.title)
    is_telling = title.count(" ") + 1 >= FEWEST_WORDS_OF_A_TITLE
    start = wanted[:START_OF_AN_ABSTRACT]
    return (is_telling and contains_phrase(wanted, title)) or start in fold(paper.abstract)
