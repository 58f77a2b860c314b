"""Compare two rankers: some readers get digests that mix the picks of both.

Their answers then say which of the two they prefer (`digest.evaluation.comparing`).
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from digest.model import Profile, Ranking
from digest.ports import Candidates, Ranker
from digest.ranking.interleaving import team_draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A ranker to compare with the configured one, and the share of readers who take part."""

    challenger: Ranker
    share: float = 1.0

    def has(self, subscriber_id: str) -> bool:
        """Whether someone takes part; the same people do for as long as the share is the same."""
        mark = blake2b(f"experiment.{subscriber_id}".encode(), digest_size=8).digest()
        return int.from_bytes(mark) < self.share * 2**64


@dataclass(frozen=True, slots=True, kw_only=True)
class Rankers:
    """The ranker for everybody, and the one that it is compared with for those who take part."""

    ranker: Ranker
    experiment: Experiment | None = None

    @property
    def both(self) -> tuple[Ranker, ...]:
        """One ranker or two."""
        other = (self.experiment.challenger,) if self.experiment else ()
        return (self.ranker, *other)

    def rank(
        self,
        block: Sequence[Profile],
        candidates: Candidates,
        *,
        without: Mapping[str, frozenset[str]],
        editions: Mapping[str, str],
        choosy: Collection[str] = (),
        now: datetime,
    ) -> list[Ranking]:
        """One ranking a profile, in order; both rankers' picks in one list for those who take part.

        `editions` are by subscriber id. Whose turn it is at each place depends on reader and
        edition alone, so that an edition ranked again gives the same list. The `choosy`, who have a
        floor, take no part: the floor would drop the picks of whichever ranker gives lower chances.
        """
        rankings = self.ranker.rank(block, candidates, without=without, now=now)
        if self.experiment is None:
            return rankings
        parted = [
            each
            for each in block
            if self.experiment.has(each.subscriber_id) and each.subscriber_id not in choosy
        ]
        if not parted:
            return rankings
        others = self.experiment.challenger.rank(parted, candidates, without=without, now=now)
        against = {each.subscriber_id: each for each in others}
        return [
            team_draft(each, against[each.subscriber_id], _coin(each, editions))
            if each.subscriber_id in against
            else each
            for each in rankings
        ]


def _coin(ranking: Ranking, editions: Mapping[str, str]) -> random.Random:
    who = ranking.subscriber_id
    return random.Random(f"{who}.{editions[who]}")  # noqa: S311 - fair, and guards nothing
