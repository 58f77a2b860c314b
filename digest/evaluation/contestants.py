"""Finds the rankers to compare: our own, the baselines, and classes named by import path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from digest.errors import InvalidInput, blamed, told
from digest.evaluation import baselines
from digest.evaluation.baselines import Preparing
from digest.evaluation.words import Corpus
from digest.ranking import space
from digest.ranking.linear import LinearRanker

if TYPE_CHECKING:
    from digest.evaluation.baselines import Libraries, Papers, Scorer
    from digest.model import Profile
    from digest.ports import Candidates
    from digest.ranking.embedding import SentenceEmbedder

OURS = "digest"
METHODS = ("learn", "scores")
Maker: TypeAlias = Callable[[Corpus], "Scorer"]


class Ours:
    """The ranker that an installation runs, with a space learned from the background papers."""

    def __init__(self, embedder: SentenceEmbedder | None = None) -> None:
        self._embedder = embedder
        self._ranker: LinearRanker | None = None
        self.name = f"{OURS}+" if embedder else OURS
        self.about = "this ranker"
        if embedder:
            self.about += f" with {embedder.name.removeprefix('embedder:')}"

    def learn(self, background: Papers, everything: Papers, libraries: Libraries) -> None:  # noqa: ARG002 - ours learns from papers alone
        """Learn the space from the background, or from all papers if that has too few."""
        enough = len(background) >= space.FEWEST_PAPERS
        learned = space.learn(background if enough else everything)
        self._ranker = LinearRanker(topics={}, space=learned, embedder=self._embedder)

    def prepared(self, block: Sequence[Profile], candidates: Candidates) -> Candidates:
        """The candidates with these profiles' tastes, as an installation keeps them."""
        ranker = self._learned()
        if not ranker.keeps:
            return candidates
        tastes = ranker.learned(block, candidates.liked, candidates.vectors)
        return replace(candidates, tastes={ranker.keeps: tastes})

    def scores(self, block: Sequence[Profile], candidates: Candidates) -> np.ndarray:
        """The scores that picks are ordered by."""
        return self._learned().scores(block, candidates)

    def _learned(self) -> LinearRanker:
        if self._ranker is None:
            raise RuntimeError("call learn first")
        return self._ranker


def built_in(embedder: SentenceEmbedder | None = None) -> dict[str, Maker]:
    """The makers of the built-in rankers by name, ours first; they share a TF-IDF corpus."""
    model = embedder.name.removeprefix("embedder:") if embedder else ""
    ours: dict[str, Maker] = {OURS: lambda _corpus: Ours()}
    if embedder:
        ours = {f"{OURS}+": lambda _corpus: Ours(embedder), **ours}
    return {
        **ours,
        "svm": baselines.SupportVectors,
        "rocchio": baselines.Rocchio,
        "zotero": lambda corpus: baselines.WeightedMean(corpus, model),
        "lsa": baselines.LatentSemantic,
        "knn": baselines.NearestNeighbour,
        "tfidf": baselines.TfIdf,
        "popularity": lambda _corpus: baselines.Popularity(),
        "random": lambda _corpus: baselines.Random(),
    }


def entered(names: Sequence[str], embedder: SentenceEmbedder | None = None) -> dict[str, Maker]:
    """The makers of the rankers with these names; without names, of all built-in ones.

    A name is built in, or `module:Class` for a class with the methods of `Scorer` that is made without
    arguments. Raises InvalidInput for anything else.
    """
    known = built_in(embedder)
    if not names:
        return known
    return {name: known.get(name) or _elsewhere(name, list(known)) for name in names}


def _elsewhere(name: str, known: Sequence[str]) -> Maker:
    module, colon, attribute = name.partition(":")
    if not colon:
        raise InvalidInput(
            f"There is no ranker {name!r}: name one of {', '.join(known)}, or module:Class.",
            subject=name,
        )
    try:
        kind = getattr(import_module(module), attribute)
    except Exception as error:
        raise InvalidInput(
            f"The ranker {name} cannot be loaded ({told(error)}).", subject=name
        ) from error
    if not callable(kind) or not all(callable(getattr(kind, each, None)) for each in METHODS):
        raise InvalidInput(
            f"The ranker {name} has no methods learn and scores, which ranking a dataset needs; "
            "`digest evaluate --own` replays one that has the method rank.",
            subject=name,
        )
    return lambda _corpus: _Named(name, kind)


class _Named:
    """A scorer from elsewhere, which may lack `name` and `about`, and whose errors are its own."""

    def __init__(self, name: str, kind: Callable[[], Scorer]) -> None:
        with blamed(name):
            scorer = kind()
            self.name = str(getattr(scorer, "name", "")) or name.rpartition(":")[2]
            self.about = str(getattr(scorer, "about", "")) or name
            self.learn = blamed(name)(scorer.learn)
            self.scores = blamed(name)(lambda *asked: np.asarray(scorer.scores(*asked)))
            if isinstance(scorer, Preparing):
                self.prepared = blamed(name)(scorer.prepared)
