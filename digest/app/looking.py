"""What one subscriber would get, and why, and what it looks like; composed but not kept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from digest import subscriptions
from digest.app.learner import Learner
from digest.errors import blamed
from digest.model import Digest, Envelope, Message, Pick, Subscriber
from digest.pipeline import composing, delivering, explaining
from digest.ranking import explain
from digest.rendering import mail


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One subscriber's edition: the digest, and what it was cut from.

    That is the picks with reasons, and the ids of all other papers that matched. `kept` is the
    digest of that edition that the reader already has, if any.
    """

    subscriber: Subscriber
    digest: Digest
    picks: tuple[Pick, ...]
    rest: tuple[str, ...]
    material: delivering.Material
    kept: Digest | None = None


class Looking(Learner):
    """The verbs that look and change nothing."""

    def look(self, email: str, edition: str | None) -> Look:
        """What a subscriber would get for an edition, ranked as of now."""
        person = subscriptions.find(self.store, email)
        ranker, experiment = self.ranker, self.experiment
        with self._blamed():
            ranked = composing.rank_one(
                self.store, ranker, person, edition, now=self.clock(), experiment=experiment
            )
        digest, ranking = ranked.digest, ranked.ranking
        whole = replace(digest, picks=ranking.picks, rest=ranking.rest)
        return Look(
            subscriber=person,
            digest=digest,
            picks=ranking.picks,
            rest=ranking.rest,
            material=delivering.material_for(self.store, [whole, digest]),
            kept=ranked.kept,
        )

    def look_back(self, email: str, edition: str) -> Look:
        """An edition of a subscriber as it was composed; if it was not, as it would be now."""
        person = subscriptions.find(self.store, email)
        kept = self.store.ledger.digest(f"{person.id}.{edition}")
        if kept is None:
            return self.look(email, edition)
        return Look(
            subscriber=person,
            digest=kept,
            picks=kept.picks,
            rest=kept.rest,
            material=delivering.material_for(self.store, [kept]),
            kept=kept,
        )

    def why(self, email: str, edition: str | None, named: str) -> explaining.Why:
        """What made a paper's score for a subscriber and an edition, whether picked or not."""
        person = subscriptions.find(self.store, email)
        ranker, experiment = self.ranker, self.experiment
        with self._blamed():
            return explaining.explain_one(
                self.store, ranker, person, edition, named, now=self.clock(), experiment=experiment
            )

    def _blamed(self) -> AbstractContextManager[None]:
        """An own ranker is named if it fails; the message is the operator's, not a reader's."""
        return blamed(self.settings.ranking.use, self.settings.experiments.against)

    def preview(self, look: Look, *, form: str) -> bytes:
        """The mail as `.html`, `.txt` or `.eml`."""
        if form == ".eml":
            envelope = Envelope(
                digest=look.digest,
                subscriber=look.subscriber,
                message_id=f"<{look.digest.id}@{self.mail_domain}>",
                expires_at=self.clock(),
                lease="",
            )
            return self.sign(self.renderer(look.material)(envelope).content, self.clock())
        parts = mail.parts(self.edition(look.material), look.digest, look.subscriber)
        return (parts.html if form == ".html" else parts.text).encode()

    def because(self, material: delivering.Material) -> explain.Because:
        """How picks are explained, given the titles that reasons may name."""
        return explain.Because(topics=self.settings.topics, titles=material.titles)

    def edition(self, material: delivering.Material) -> mail.Edition:
        """Fragments of a block's papers, made once."""
        return mail.Edition(
            self.templates,
            material.papers,
            upvotes=material.upvotes,
            because=self.because(material),
            voices=material.voices,
        )

    def renderer(self, material: delivering.Material) -> Callable[[Envelope], Message]:
        """What renders a claimed envelope into a message, not yet signed."""
        fragments = self.edition(material)

        def render(envelope: Envelope) -> Message:
            return mail.message(
                fragments,
                envelope.digest,
                envelope.subscriber,
                message_id=envelope.message_id,
                at=envelope.digest.composed_at,
            )

        return render
