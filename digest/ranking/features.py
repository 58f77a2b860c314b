"""An edition's papers as vectors and an index, made once and shared by every profile."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from itertools import pairwise
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
        self._kept: OrderedDict[str, Vector] = OrderedDict()

    def vectors(self, papers: Sequence[Paper]) -> Matrix:
        """Other papers in the space of these, one row each (float32, length 1).

        Liked papers recur from block to block, so the latest 20,000 vectors are kept.
        """
        missing = {each.id: each for each in papers if each.id not in self._kept}
        if missing:
            found = sp.csr_array(self._vectoriser.transform(map(terms_of, missing.values())))
            for row, key in enumerate(missing):
                part = slice(found.indptr[row], found.indptr[row + 1])
                self._kept[key] = Vector(found.indices[part].copy(), found.data[part].copy())
        rows = [self._kept[each.id] for each in papers]
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return stack(rows, self.tfidf.shape[1])

    def queries(self, phrases: Sequence[str]) -> Matrix:
        """Phrases as vectors, one row each; words that no paper here has still lengthen them."""
        vocabulary, idf = self._vectoriser.vocabulary_, self._vectoriser.idf_
        rows = []
        for phrase in phrases:
            columns = [vocabulary.get(term, -1) for term in set(terms(phrase))]
            known = np.array(sorted(each for each in columns if each >= 0), dtype=np.int32)
            unknown = len(columns) - len(known)
            length = np.sqrt((idf[known] ** 2).sum() + unknown * idf.max() ** 2)
            rows.append(Vector(known, (idf[known] / (length or 1)).astype(np.float32)))
        return stack(rows, self.tfidf.shape[1])


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


def unit_rows(matrix: Matrix) -> Matrix:
    """Rows scaled to length 1; empty rows stay empty."""
    lengths = sp.linalg.norm(matrix, axis=1)
    scale = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return sp.csr_array(sp.diags_array(scale.astype(np.float32)) @ matrix)


def _newer_first(paper: Paper) -> tuple[float, str]:
    return (-paper.published.timestamp() if paper.published else 0.0, paper.id)
