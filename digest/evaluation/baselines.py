"""Rankers to compare with: published recipes and simple ones.

Recipes that only know likes use those, and match keywords by TF-IDF for people without likes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable
from zlib import crc32

import numpy as np
import scipy.sparse as sp
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC
from sklearn.utils.extmath import randomized_svd

from digest.evaluation.words import Corpus, Recipe, newest_first, with_authors
from digest.ranking.space import unpack
from digest.ranking.sparse import Matrix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digest.model import Paper, Profile
    from digest.ports import Candidates

    Papers = Sequence[Paper]
    Libraries = Sequence[Sequence[str]]

DIMENSIONS = 256
LONGEST_NAME = 16


class Scorer(Protocol):
    """A ranker that can be compared with others."""

    @property
    def name(self) -> str:
        """Its name in tables."""
        ...

    @property
    def about(self) -> str:
        """One sentence for the legend on what it does."""
        ...

    def learn(self, background: Papers, everything: Papers, libraries: Libraries, /) -> None:
        """Prepare for a set, given past papers, all papers, and the likes (ids) of other people."""
        ...

    def scores(self, block: Sequence[Profile], candidates: Candidates, /) -> np.ndarray:
        """A score for each paper and profile (profiles × papers), in the order given."""
        ...


@runtime_checkable
class Preparing(Protocol):
    """A scorer that keeps what it learns from people's likes from one day to the next."""

    def prepared(self, block: Sequence[Profile], candidates: Candidates, /) -> Candidates:
        """The candidates with what is kept of these profiles; unchanged if it keeps nothing."""
        ...


class Random:
    """A random order."""

    name = "random"
    about = "any order"

    def learn(self, *_papers: object) -> None:
        """There is nothing to learn."""

    def scores(self, block: Sequence[Profile], candidates: Candidates) -> np.ndarray:
        """Random numbers, the same for the same profile and paper every time."""
        papers = np.array([crc32(each.id.encode()) for each in candidates.papers], np.uint64)
        people = np.array([crc32(each.subscriber_id.encode()) for each in block], np.uint64)
        mixed = (papers[None, :] << np.uint64(32)) ^ people[:, None]
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)  # SplitMix64
        return np.asarray((mixed >> np.uint64(40)).astype(np.float32))


class Popularity:
    """The papers with most early votes first, the same for everyone."""

    name = "popularity"
    about = "the most early votes first, the same for everyone (chance, where there are none)"

    def learn(self, *_papers: object) -> None:
        """There is nothing to learn: votes come with the candidates."""

    def scores(self, block: Sequence[Profile], candidates: Candidates) -> np.ndarray:
        """The votes, in every row."""
        votes = [candidates.upvotes.get(each.id, 0) for each in candidates.papers]
        return np.tile(np.array(votes, np.float32), (len(block), 1))


class _OnWords:
    """A baseline on a TF-IDF corpus, which several baselines may share."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus

    def learn(self, background: Papers, everything: Papers, libraries: Libraries) -> None:  # noqa: ARG002 - published recipes know one person
        """Weigh the words of the set's papers."""
        self._corpus.learn(background, everything)

    def _likes(self, block: Sequence[Profile]) -> Matrix:
        """The mean of each profile's likes, as terms."""
        return normalize(self._corpus.holdings(block) @ self._corpus.matrix)


class TfIdf(_OnWords):
    """The keywords as a query; likes where there are no keywords."""

    name = "tfidf"
    about = "TF-IDF match of the keywords; of the likes where there are none"

    def scores(self, block: Sequence[Profile], candidates: Candidates) -> np.ndarray:
        """Cosines of TF-IDF."""
        queries = _either(self._corpus.keywords(block), self._likes(block))
        return _product(queries, self._corpus.papers(candidates.papers))


class Rocchio(_OnWords):
    """J. Rocchio's relevance feedback (1971) with positive examples alone."""

    name = "rocchio"
    about = (
        "cosine with the mean TF-IDF of the likes (60,000 terms of one or two words, title twice)"
    )

    def scores(self, block: Sequence[Profile], candidates: Candidates) -> np.ndarray:
        """Cosines of TF-IDF."""
        queries = _either(self._likes(block), self._corpus.keywords(block))
        return _product(queries, self._corpus.papers(candidates.papers))


class NearestNeighbour(_OnWords):
    """Each paper scores its similarity to the nearest liked paper."""

    name = "knn"
    about = "cosine with the nearest like, TF-IDF"

    def scores(self, block: Sequence[Profile], candidates: Candidates) -> np.ndarray:
        """The largest cosine with any like; with the keywords if there are no likes."""
        papers = self._corpus.papers(candidates.papers)
        found = _product(self._corpus.keywords(block), papers)
        held = [self._corpus.rows(each.value for each in newest_first(who)) for who in block]
        rows = sorted({row for each in held for row in each})
        similar = _product(self._corpus.matrix[rows], papers)
        for person, own in enumerate(held):
            if own:
                found[person] = similar[np.searchsorted(rows, own)].max(axis=0)
        return found


class LatentSemantic(_OnWords):
    """Cosines in the low-rank space of the background (S. Deerwester and others, JASIS 1990)."""

    name = "lsa"
    about = f"cosine with the likes' centroid in {DIMENSIONS} dimensions of LSA; keywords likewise"

    def __init__(self, corpus: Corpus) -> None:
        super().__init__(corpus)
        self._axes = np.empty((0, 0), np.float32)
        self._dense = self._axes

    def learn(self, background: Papers, everything: Papers, libraries: Libraries) -> None:
        """Weigh the words, and learn which of them occur together in the background papers."""
        super().learn(background, everything, libraries)
        learned = self._corpus.background
        dimensions = min(DIMENSIONS, *learned.shape)
        _, _, axes = randomized_svd(learned, dimensions, n_iter=4, random_state=0)
        self._axes = np.asarray(axes.T, np.float32)
        self._dense = normalize(self._corpus.matrix @ self._axes)

    def scores(self, block: Sequence[Profile], candidates: Candidates) -> np.ndarray:
        """Cosines in the space."""
        holdings = self._corpus.holdings(block)
        asked = self._corpus.keywords(block) @ self._axes
        liking = np.diff(holdings.indptr) > 0
        queries = np.where(liking[:, None], holdings @ self._dense, asked)
        rows = self._corpus.rows(each.id for each in candidates.papers)
        papers = self._dense[rows]
        if len(rows) < len(candidates.papers):
            papers = normalize(self._corpus.papers(candidates.papers) @ self._axes)
        return np.asarray(normalize(queries) @ papers.T)


class SupportVectors:
    """arxiv-sanity-lite's recommendations (github.com/karpathy/arxiv-sanity-lite)."""

    name = "svm"
    about = (
        "arxiv-sanity-lite's recipe: a linear SVM a person (C=0.01, balanced), likes against every"
        " other paper, TF-IDF of 20,000 terms; keywords alone as in tfidf"
    )

    def __init__(self, corpus: Corpus) -> None:
        self._own = Corpus(Recipe(texts=with_authors, most=20_000, rarest=5, commonest=0.1))
        self._without_likes = TfIdf(corpus)
        self._features: Matrix = sp.csr_array((0, 0))
        self._asked = np.empty(0, int)
        self._judged: dict[str, np.ndarray] = {}

    def learn(self, background: Papers, everything: Papers, libraries: Libraries) -> None:
        """Weigh the words of all papers, as arxiv-sanity-lite counts over its whole database."""
        self._without_likes.learn(background, everything, libraries)
        self._own.learn(everything, everything)
        # As float64, or liblinear would convert it for each person.
        self._features = self._own.matrix.astype(np.float64)
        past = {each.id for each in background}
        held_out = self._own.rows(each.id for each in everything if each.id not in past)
        self._asked = np.array(held_out, int)
        self._judged = {}

    def scores(self, block: Sequence[Profile], candidates: Candidates) -> np.ndarray:
        """Distances from each person's hyperplane."""
        found = self._without_likes.scores(block, candidates)
        rows = self._own.rows(each.id for each in candidates.papers)
        known = np.array([bool(self._own.rows([each.id])) for each in candidates.papers])
        self._ask(rows)
        places = np.searchsorted(self._asked, rows)
        for person, profile in enumerate(block):
            likes = self._own.rows(each.value for each in newest_first(profile))
            if likes:
                found[person, known] = self._judge(profile.subscriber_id, likes)[places]
                found[person, ~known] = -np.inf
        return found

    def _ask(self, rows: Sequence[int]) -> None:
        """Have these papers judged as well: an edition may consist of background papers."""
        asked = np.union1d(self._asked, np.array(rows, int))
        if len(asked) > len(self._asked):
            self._asked, self._judged = asked, {}

    def _judge(self, person: str, likes: Sequence[int]) -> np.ndarray:
        """One person's judgement of all papers asked about, kept until further ones are."""
        if person not in self._judged:
            liked = np.zeros(self._features.shape[0], int)
            liked[likes] = 1
            judged = np.zeros(len(self._asked))
            if not liked.all():  # a plane needs papers on both sides
                machine = LinearSVC(C=0.01, class_weight="balanced", max_iter=10_000, dual=True)
                machine.fit(self._features, liked)
                judged = machine.decision_function(self._features[self._asked])
            self._judged[person] = judged.astype(np.float32)
        return self._judged[person]


class WeightedMean(_OnWords):
    """zotero-arxiv-daily's ranking (github.com/TideDra/zotero-arxiv-daily).

    Over the sentence embeddings of `model`, which candidates must bring; without one, over TF-IDF.
    """

    def __init__(self, corpus: Corpus, model: str = "") -> None:
        super().__init__(corpus)
        self._embedded = bool(model)
        self.name = f"zotero, {model.rpartition('/')[2][:LONGEST_NAME] or 'TF-IDF'}"
        self.about = (
            "zotero-arxiv-daily's recipe: mean cosine with the likes, weighed 1/(1 + log10 rank)"
            f" from the newest, over {model or 'TF-IDF'}; keywords alone as in tfidf"
        )

    def scores(self, block: Sequence[Profile], candidates: Candidates) -> np.ndarray:
        """Weighted means of cosines."""
        papers = self._corpus.papers(candidates.papers)
        holdings = self._corpus.holdings(block, _recency)
        asked = _product(self._corpus.keywords(block), papers)
        if self._embedded:
            liked = _embedded(block, candidates)
        else:
            liked = _product(holdings @ self._corpus.matrix, papers)
        return np.where(np.diff(holdings.indptr)[:, None] > 0, liked, asked)


def _embedded(block: Sequence[Profile], candidates: Candidates) -> np.ndarray:
    vectors = candidates.vectors
    papers = unpack([vectors[each.id] for each in candidates.papers])
    found = np.zeros((len(block), len(papers)), np.float32)
    for person, profile in enumerate(block):
        likes = [vectors[each.value] for each in newest_first(profile) if each.value in vectors]
        if likes:
            dear = _recency(len(likes))
            found[person] = papers @ ((dear / dear.sum()) @ unpack(likes))
    return found


def _recency(likes: int) -> np.ndarray:
    return np.asarray(1 / (1 + np.log10(np.arange(likes) + 1)))


def _either(first: Matrix, second: Matrix) -> Matrix:
    """The rows of the first, or of the second where those are empty."""
    empty = (np.diff(first.indptr) == 0).astype(np.float32)
    return sp.csr_array(first + sp.diags_array(empty) @ second)


def _product(queries: Matrix, papers: Matrix) -> np.ndarray:
    return np.asarray((queries @ papers.T).toarray(), np.float32)
