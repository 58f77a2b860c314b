"""An edition's papers as vectors and an index, made once and shared by every profile."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass
from itertools import pairwise
from math import log, sqrt
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer

from digest.ranking.index import Index
from digest.text import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from digest.model import Paper

MOST_TERMS = 60_000
MOST_KEPT = 20_000
STRONGEST = 256
STRONGEST_OF_ONE = 32
_NEVER_A_WORD = "\n"

Matrix: TypeAlias = sp.csr_array


def terms(text: str) -> list[str]:
    """The words of a text that carry meaning, and the pairs of them that stand side by side."""
    kept = [word for word in words(text) if len(word) > 1 and word not in ENGLISH_STOP_WORDS]
    return [*kept, *(f"{one} {two}" for one, two in pairwise(kept))]


def terms_of(paper: Paper) -> list[str]:
    """The terms of a paper; those of the title count twice."""
    return 2 * terms(paper.title) + terms(paper.abstract)


class Features:
    """What ranking knows of an edition's papers.

    `papers` are in the order in which ties are broken: newer first, then by id. `tfidf` is
    papers × terms (float32, rows of length 1): sublinear TF-IDF over one and two words, fitted
    on these papers and the `background`, so that it does not depend on who is being ranked.
    """

    def __init__(self, papers: Iterable[Paper], background: Iterable[Paper] = ()) -> None:
        self.papers = sorted(papers, key=_newer_first)
        self.position = {paper.id: row for row, paper in enumerate(self.papers)}
        self.index = Index(self.papers)
        self._vectoriser = TfidfVectorizer(
            analyzer=list, max_features=MOST_TERMS, sublinear_tf=True, dtype=np.float32
        )
        documents = [terms_of(paper) for paper in (*self.papers, *background)]
        # One document more, so that there is a vocabulary even where no paper has a word.
        fitted = self._vectoriser.fit_transform([*documents, [_NEVER_A_WORD]])
        self.tfidf: Matrix = sp.csr_array(fitted)[: len(self.papers)]
        self.by_term: Matrix = self.tfidf.T.tocsr()
        self._rarest = log(len(documents) + 2) + 1  # smooth IDF of a term that no document has
        self._kept: OrderedDict[str, Vector] = OrderedDict()

    def vectors(self, papers: Sequence[Paper]) -> Matrix:
        """Other papers in the space of these, one row each (float32), of length 1 or less.

        Liked papers recur from block to block, so the latest 20,000 vectors are kept.
        """
        for each in papers:
            if each.id not in self._kept:
                self._kept[each.id] = self._vector(terms_of(each))
        rows = [self._kept[each.id] for each in papers]
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return stack(rows, self.tfidf.shape[1])

    def queries(self, phrases: Sequence[str]) -> Matrix:
        """Phrases in the space of these papers, one row each (float32), of length 1 or less."""
        return stack([self._vector(terms(each)) for each in phrases], self.tfidf.shape[1])

    def _vector(self, found: list[str]) -> Vector:
        """TF-IDF of terms, divided by the length it would have if all of them were known here.

        Where few papers give few words, any two texts would be alike by what little they share;
        what no paper here has counts as the rarest of terms, and keeps them apart.
        """
        vocabulary, idf = self._vectoriser.vocabulary_, self._vectoriser.idf_
        known: dict[int, float] = {}
        unknown = 0.0
        for term, count in Counter(found).items():
            frequency = 1 + log(count)
            if term in vocabulary:
                known[vocabulary[term]] = frequency
            else:
                unknown += (frequency * self._rarest) ** 2
        columns = np.array(sorted(known), np.int32)
        values = np.array([known[each] for each in columns]) * idf[columns]
        length = sqrt(float(values @ values) + unknown) or 1.0
        return Vector(columns, (values / length).astype(np.float32))


@dataclass(frozen=True, slots=True)
class Vector:
    """One sparse row: columns, and the values in them."""

    columns: np.ndarray
    values: np.ndarray


def stack(rows: Sequence[Vector], width: int) -> Matrix:
    """Sparse rows as one matrix."""
    ends = np.cumsum([0, *(len(row.columns) for row in rows)])
    columns = np.concatenate([np.empty(0, np.int32), *(row.columns for row in rows)])
    values = np.concatenate([np.empty(0, np.float32), *(row.values for row in rows)])
    return sp.csr_array((values, columns, ends), shape=(len(rows), width))


def strongest(matrix: Matrix, most: int) -> Matrix:
    """Each row's `most` largest entries.

    Two hundred terms of a profile rank as well as thousands, within 1 to 2 %, and make the cost
    of a profile independent of how much its owner has liked.
    """
    kept = matrix.copy()
    for start, end in pairwise(kept.indptr):
        if end - start > most:
            row = kept.data[start:end]
            row[np.argpartition(row, -most)[:-most]] = 0
    kept.eliminate_zeros()
    return kept


def lengths(matrix: Matrix) -> np.ndarray:
    """The Euclidean length of each row."""
    return np.asarray(np.sqrt(matrix.power(2).sum(axis=1)), float)


def scaled(matrix: Matrix, by: np.ndarray) -> Matrix:
    """Each row times its factor (float32)."""
    return sp.csr_array(sp.diags_array(by.astype(np.float32)) @ matrix)


def _newer_first(paper: Paper) -> tuple[float, str]:
    return (-paper.published.timestamp() if paper.published else 0.0, paper.id)
