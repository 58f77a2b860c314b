"""What each part of the ranker is worth: a dataset ranked without it.

    python benchmarks/ablation.py DATASET [options of `digest evaluate`]

That is `digest evaluate` with one ranker for each part that is left out, compared with the whole one.
Readers' tastes are kept as an installation keeps them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from digest.cli import main
from digest.evaluation.contestants import Ours
from digest.model import Paper
from digest.ranking import space
from digest.ranking.linear import LinearRanker
from digest.ranking.point_cache import Views
from digest.ranking.profiles import Weights
from digest.ranking.space import Space

_latest: tuple[Sequence[Paper], Space] | None = None


def learned(background: Sequence[Paper]) -> Space:
    """The space of a set, learned once for all that rank in it."""
    global _latest  # noqa: PLW0603 - one set at a time, and each takes half a minute
    if _latest is None or _latest[0] is not background:
        _latest = background, space.learn(background)
    return _latest[1]


@dataclass(frozen=True)
class LeftOut:
    """A part that is not there, and all that ranks without it."""

    about: str
    views: Views = field(default_factory=Views)
    trending: float = 2.0


AROUND = Views(around_a_like=0.0, words_typed=2.0, around_words=0.0)
PARTS = {
    "direction": LeftOut("no low-rank direction", Views(near=0.0)),
    "whitening": LeftOut("no taking away of what is common", Views(whitening=1e9)),
    "categories": LeftOut("no categories", Views(category=0.0)),
    "authors": LeftOut("no authors of liked papers", Views(author=0.0)),
    "around": LeftOut("nothing around likes and keywords", AROUND),
    "votes": LeftOut("no votes", trending=0.0),
}


class Without(Ours):
    """Our ranker without a part."""

    part: LeftOut

    def __init__(self) -> None:
        name = f"no {type(self).__name__}"
        super().__init__()
        self.name, self.about = name, self.part.about

    def learn(
        self,
        background: Sequence[Paper],
        everything: Sequence[Paper],  # noqa: ARG002 - as `Ours`
        libraries: Sequence[Sequence[str]],  # noqa: ARG002 - the same
    ) -> None:
        """Learn the space, and rank in it without the part."""
        self._ranker = LinearRanker(
            topics={},
            space=learned(background),
            weights=Weights(views=self.part.views),
            trending=self.part.trending,
        )


def __getattr__(name: str) -> type[Without]:  # `digest evaluate` makes each by its name
    if name not in PARTS:
        raise AttributeError(name)
    return type(name, (Without,), {"part": PARTS[name]})


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    rankers = ["digest", *(f"ablation:{part}" for part in PARTS)]
    chosen = [text for each in rankers for text in ("--ranker", each)]
    sys.exit(main(["evaluate", *sys.argv[1:], *chosen]))
