"""Who takes part: our own ranker, the baselines, somebody's class, and rankings made elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from digest.errors import InvalidInput
from digest.evaluation import baselines
from digest.evaluation.baselines import Preparing
from digest.evaluation.words import Corpus
from digest.ranking import space
from digest.ranking.linear import LinearRanker

if TYPE_CHECKING:
    import numpy as np

    from digest.evaluation.baselines import Scorer
    from digest.model import Paper, Profile
    from digest.ports import Candidates
    from digest.ranking.embedding import SentenceEmbedder

OURS = "digest"
Maker: TypeAlias = Callable[[Corpus], "Scorer"]


class Ours:
    """The ranker that every installation runs, in the space it learns from the background."""

    def __init__(self, embedder: SentenceEmbedder | None = None) -> None:
        self._embedder = embedder
        self._ranker: LinearRanker | None = None
        self.name = f"{OURS}+" if embedder else OURS
        self.about = "this ranker"
        if embedder:
            self.about += f" with {embedder.name.removeprefix('embedder:')}"

    def learn(
        self,
        background: Sequence[Paper],
        everything: Sequence[Paper],
        libraries: Sequence[Sequence[str]],
    ) -> None:
        """Learn the space; where there is too little of a past, from all papers, as the others do."""
        enough = len(background) >= space.FEWEST_PAPERS
        learned = space.learn(background if enough else everything, libraries=libraries)
        self._ranker = LinearRanker(topics={}, space=learned, embedder=self._embedder)

    def prepared(self, block: Sequence[Profile], candidates: Candidates) -> Candidates:
        """The candidates with these people's tastes, as an installation keeps them."""
        ranker = self._learned()
        if not ranker.keeps:
            return candidates
        tastes = ranker.learned(block, candidates.liked, candidates.vectors)
        return replace(candidates, tastes={ranker.keeps: tastes})

    def scores(self, block: Sequence[Profile], candidates: Candidates) -> np.ndarray:
        """The sums of terms that the picks of an edition are ordered by."""
        return self._learned().scores(block, candidates)

    def _learned(self) -> LinearRanker:
        if self._ranker is None:
            raise RuntimeError("learn comes before all else")
        return self._ranker


def built_in(embedder: SentenceEmbedder | None = None) -> dict[str, Maker]:
    """What makes each of the built-in ones, by name, ours first; they share a corpus of words."""
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
    """What makes the rankers of these names, all that are built in if none is named.

    A name is a built-in one, or `module:Class`, a class without arguments that has the methods of
    `Scorer`. Raises InvalidInput for anything else.
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
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise InvalidInput(f"The ranker {name} cannot be loaded: {error}.", subject=name) from error
    if not callable(kind) or not all(callable(getattr(kind, each, None)) for each in METHODS):
        raise InvalidInput(f"The ranker {name} has no methods learn and scores.", subject=name)

    def made(_corpus: Corpus) -> Scorer:
        return _Named(name, kind())

    return made


METHODS = ("learn", "scores")


class _Named:
    """Somebody's scorer under the name it was called by."""

    def __init__(self, name: str, scorer: Scorer) -> None:
        self.name = str(getattr(scorer, "name", "")) or name.rpartition(":")[2]
        self.about = str(getattr(scorer, "about", "")) or name
        self.learn = scorer.learn
        self.scores = scorer.scores
        if isinstance(scorer, Preparing):
            self.prepared = scorer.prepared
