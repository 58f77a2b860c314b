"""Composing, in as many processes as are set and worth starting."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from digest.app import processes
from digest.app.looking import Looking
from digest.model import EVERYONE, IdRange
from digest.pipeline import composing, leases, trending
from digest.pipeline.composing import Composed, Round
from digest.ranking import cores

# Starting a process takes two or three seconds, as long as ranking so many blocks.
WORTH_A_PROCESS = 4

COMPOSING_NOW = "composing"
"""The lease that says that digests are being made, dated before they are stored.

It keeps nobody else from composing.
"""


class Composer(Looking):
    """The verbs that compose.

    `progress` is told the number of subscribers in each block that is done, and 0 while papers are
    embedded. When asked to stop, the block in hand is the last, and whoever is left is due the next
    time. `now` is the clock's time unless given.
    """

    def compose_due(
        self,
        *,
        now: datetime | None = None,
        stopping: Callable[[], bool] = lambda: False,
        progress: Callable[[int], object] = lambda _: None,
    ) -> Composed:
        """Compose for whoever's hour has come."""
        now = now or self.clock()
        verb = partial(_compose_here, how=composing.compose_due, now=now)
        return self._compose(verb, due=now, stopping=stopping, progress=progress)

    def compose_edition(
        self,
        edition: str | None,
        *,
        now: datetime | None = None,
        stopping: Callable[[], bool] = lambda: False,
        progress: Callable[[int], object] = lambda _: None,
    ) -> Composed:
        """Compose one edition for everyone."""
        how = partial(composing.compose_edition, edition=edition)
        verb = partial(_compose_here, how=how, now=now or self.clock())
        return self._compose(verb, due=None, stopping=stopping, progress=progress)

    def _compose(
        self,
        verb: Callable[..., Composed],
        *,
        due: datetime | None,
        stopping: Callable[[], bool],
        progress: Callable[[int], object],
    ) -> Composed:
        with leases.held(self.store, COMPOSING_NOW, owner=self.owner, clock=self.clock):
            trending.refresh_if_voted(self.store, now=due or self.clock())
            shares = self._shares(due)
            done: list[Composed | None] = [None]
            if len(shares) > 1:
                done = processes.run(
                    self.settings,
                    [partial(verb, among=each) for each in shares],
                    name="digest-composer",
                    stopping=stopping,
                    progress=progress,
                )
            total = Composed()
            for among, made in zip(shares, done, strict=True):
                # The share of a process that died is done here; what it had composed is kept.
                if made is None:
                    total += verb(self, among=among, stopping=stopping, progress=progress)
                else:
                    total += made
            return total

    def _shares(self, due: datetime | None) -> list[IdRange]:
        ranking = self.settings.ranking
        if ranking.processes == 1:
            return [EVERYONE]
        least = WORTH_A_PROCESS * ranking.block
        return self.store.subscribers.shares(most=ranking.processes, least=least, due=due)


def _compose_here(app: Composer, how: Callable[[Round], Composed], **given: Any) -> Composed:
    ranker = app.ranker  # first, since a limit holds for libraries that are loaded
    with cores.one_core():
        this = Round(
            store=app.store,
            ranker=ranker,
            experiment=app.experiment,
            domain=app.mail_domain,
            block=app.settings.ranking.block,
            **given,
        )
        return how(this)
