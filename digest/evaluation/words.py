"""TF-IDF of papers, as most published recipes use it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, strip_accents_unicode
from sklearn.preprocessing import normalize

from digest.model import InterestKind
from digest.ranking.sparse import Matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from digest.model import Interest, Paper, Profile

WORD = re.compile(r"\b[^\W\d]\w+\b")
BUCKETS = 2**22
ENOUGH_TO_PRUNE = 500


def title_twice(paper: Paper) -> list[str]:
    """Title twice, and abstract."""
    return [paper.title, paper.title, paper.abstract]


def with_authors(paper: Paper) -> list[str]:
    """Title, abstract and authors."""
    return [paper.title, paper.abstract, " ".join(paper.authors)]


def terms(text: str) -> list[str]:
    """Lower-case words without accents and English stop words, and adjacent pairs of them."""
    words = WORD.findall(strip_accents_unicode(text.lower()))
    kept = [each for each in words if each not in ENGLISH_STOP_WORDS]
    return [*kept, *(f"{one} {other}" for one, other in pairwise(kept))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Which terms count: the `most` frequent ones, within limits on how many papers have them.

    At least `rarest` papers and at most a share of `commonest` must have a term; below 500 papers there
    are no limits. `texts` gives the texts of a paper to take terms from.
    """

    texts: Callable[[Paper], list[str]] = title_twice
    most: int = 60_000
    rarest: int = 2
    commonest: float = 1.0


class Corpus:
    """A collection's papers as rows of sublinear TF-IDF (float32, length 1), shared by baselines.

    Document frequencies are those of the background papers. Terms are hashed to 4 million buckets, to
    avoid a vocabulary of all pairs of words.
    """

    def __init__(self, recipe: Recipe = Recipe()) -> None:
        self._recipe = recipe
        self._hasher = FeatureHasher(
            BUCKETS, input_type="string", alternate_sign=False, dtype=np.float32
        )
        self._learned: Sequence[Paper] = ()
        self._row: dict[str, int] = {}
        self._columns = np.empty(0, np.int64)
        self._idf = np.empty(0, np.float32)
        self.matrix: Matrix = sp.csr_array((0, 0), dtype=np.float32)
        self.background: Matrix = self.matrix

    def learn(self, background: Sequence[Paper], everything: Sequence[Paper]) -> None:
        """Weigh the words of all papers; done only once for the same papers."""
        if self._learned is everything:
            return
        counts = self._counts(self._recipe.texts(each) for each in everything)
        self._row = {each.id: row for row, each in enumerate(everything)}
        rows = [self._row[each.id] for each in background] or list(range(len(everything)))
        self._choose(counts[rows])
        self.matrix = self._weighed(counts)
        self.background = self.matrix[rows]
        self._learned = everything

    def rows(self, ids: Iterable[str]) -> list[int]:
        """The rows of those papers that the corpus has."""
        return [self._row[each] for each in ids if each in self._row]

    def papers(self, papers: Sequence[Paper]) -> Matrix:
        """Papers as rows, in their order, whether or not the corpus has them."""
        if all(each.id in self._row for each in papers):
            return self.matrix[[self._row[each.id] for each in papers]]
        return self._weighed(self._counts(self._recipe.texts(each) for each in papers))

    def holdings(
        self, block: Sequence[Profile], weights: Callable[[int], np.ndarray] = np.ones
    ) -> Matrix:
        """The share of each liked paper in each profile (profiles × papers), rows summing to 1.

        `weights` gives the weights of so many likes, newest first.
        """
        triples = [np.empty((3, 0))]
        for person, profile in enumerate(block):
            rows = self.rows(each.value for each in newest_first(profile))
            dear = weights(len(rows))
            triples.append(np.array([dear / dear.sum(), np.full(len(rows), person), rows]))
        data, people, papers = np.concatenate(triples, axis=1)
        return sp.csr_array(
            (data.astype(np.float32), (people.astype(int), papers.astype(int))),
            shape=(len(block), self.matrix.shape[0]),
        )

    def keywords(self, block: Sequence[Profile]) -> Matrix:
        """Each profile's keywords as one text (profiles × terms)."""
        return self._weighed(
            self._counts(
                [each.value for each in profile.of(InterestKind.KEYWORD)] for profile in block
            )
        )

    def _counts(self, texts: Iterable[list[str]]) -> Matrix:
        found = ([term for part in parts for term in terms(part)] for parts in texts)
        return sp.csr_array(self._hasher.transform(found))

    def _choose(self, counts: Matrix) -> None:
        papers = counts.shape[0]
        held = np.bincount(counts.indices, minlength=BUCKETS)
        fit = held > 0
        if papers >= ENOUGH_TO_PRUNE:
            fit = (held >= self._recipe.rarest) & (held <= self._recipe.commonest * papers)
        often = np.asarray(counts.sum(axis=0)).ravel()
        best = np.argsort(np.where(fit, -often, np.inf), kind="stable")[: self._recipe.most]
        chosen = np.sort(best[fit[best]])
        self._columns = chosen if len(chosen) else np.zeros(1, np.int64)  # any column will do
        self._idf = (np.log((1 + papers) / (1 + held[self._columns])) + 1).astype(np.float32)

    def _weighed(self, counts: Matrix) -> Matrix:
        chosen = counts[:, self._columns]
        chosen.data = 1 + np.log(chosen.data)
        weighed = sp.csr_array(chosen @ sp.diags_array(self._idf))
        return sp.csr_array(normalize(weighed, copy=False))


def newest_first(profile: Profile) -> list[Interest]:
    """A profile's likes, newest first."""
    likes = profile.of(InterestKind.LIKE)
    return sorted(likes, key=lambda each: each.added_at, reverse=True)
