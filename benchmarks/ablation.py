"""What each part of the ranker is worth: a dataset ranked without it.

    python benchmarks/ablation.py DATASET [options of `digest evaluate`]

That is `digest evaluate` with one ranker for each part that is left out, compared with the whole one.
Readers' tastes are kept as an installation keeps them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from digest.cli import main
from digest.evaluation.contestants import Ours
from digest.model import Paper
from digest.ranking import space
from digest.ranking.linear import LinearRanker
from digest.ranking.profiles import Weights
from digest.ranking.shelves import Views
from digest.ranking.space import Space

_latest: tuple[Sequence[Paper], Sequence[Sequence[str]], Space] | None = None


def learned(background: Sequence[Paper], libraries: Sequence[Sequence[str]]) -> Space:
    """The space of a set, learned once for all that rank in it."""
    global _latest  # noqa: PLW0603 - one set at a time, and each takes half a minute
    if _latest is None or _latest[0] is not background or _latest[1] != libraries:
        _latest = background, libraries, space.learn(background, libraries=libraries)
    return _latest[2]


class Without(Ours):
    """Our ranker without a part."""

    name = about = ""
    views = Views()
    trending = 2.0
    social = True

    def __init__(self) -> None:
        own = type(self)
        super().__init__()
        self.name, self.about = own.name, own.about

    def learn(
        self,
        background: Sequence[Paper],
        everything: Sequence[Paper],  # noqa: ARG002 - as `Ours`
        libraries: Sequence[Sequence[str]],
    ) -> None:
        """Learn the space, and rank in it without the part."""
        self._ranker = LinearRanker(
            topics={},
            space=learned(background, libraries if self.social else ()),
            weights=Weights(views=self.views),
            trending=self.trending,
        )


class NoDirection(Without):
    name, about = "no direction", "no low-rank direction"
    views = Views(near=0.0)


class NoWhitening(Without):
    name, about = "not whitened", "no taking away of what is common"
    views = Views(whitening=1e9)


class NoCategories(Without):
    name, about = "no categories", "no categories"
    views = Views(category=0.0)


class NoAuthors(Without):
    name, about = "no authors", "no authors of liked papers"
    views = Views(author=0.0)


class NothingAround(Without):
    name, about = "nothing around", "nothing around likes and keywords"
    views = Views(around_a_like=0.0, companions=0.0, words_typed=2.0, around_words=0.0)


class NoCompanions(Without):
    name, about = "no companions", "no other people's likes"
    views = Views(companions=0.0)
    social = False


class NoVotes(Without):
    name, about = "no votes", "no votes"
    trending = 0.0


PARTS = (NoDirection, NoWhitening, NoCategories, NoAuthors, NothingAround, NoCompanions, NoVotes)

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    rankers = ["digest", *(f"ablation:{each.__name__}" for each in PARTS)]
    chosen = [text for each in rankers for text in ("--ranker", each)]
    sys.exit(main(["evaluate", *sys.argv[1:], *chosen]))
