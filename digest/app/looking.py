"""What one subscriber would get, and why: composed, and not kept."""

from __future__ import annotations

from dataclasses import dataclass, replace

from digest import subscriptions
from digest.app.learner import Learner
from digest.model import Digest, Pick, Subscriber
from digest.pipeline import composing, delivering, explaining


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One subscriber's edition, composed but not kept.

    The digest, and what it was cut from: papers with reasons, and the ids of all the others that
    matched.
    """

    subscriber: Subscriber
    digest: Digest
    picks: tuple[Pick, ...]
    rest: tuple[str, ...]
    material: delivering.Material


class Looking(Learner):
    """The verbs that look and change nothing."""

    def look(self, email: str, edition: str | None) -> Look:
        """What a subscriber would get for an edition."""
        person = subscriptions.find(self.store, email)
        ranked = composing.rank_one(
            self.store,
            self.ranker,
            person,
            edition,
            now=self.clock(),
            experiment=self.experiment,
        )
        digest, ranking = ranked.digest, ranked.ranking
        whole = replace(digest, picks=ranking.picks, rest=ranking.rest)
        return Look(
            subscriber=person,
            digest=digest,
            picks=ranking.picks,
            rest=ranking.rest,
            material=delivering.material_for(self.store, [whole, digest]),
        )

    def why(self, email: str, edition: str | None, named: str) -> explaining.Why:
        """What made a paper's score for a subscriber and an edition, picked or not."""
        return explaining.explain_one(
            self.store,
            self.ranker,
            subscriptions.find(self.store, email),
            edition,
            named,
            now=self.clock(),
            experiment=self.experiment,
        )
