"""What was learned for ranking, and the rankers that use it."""

from __future__ import annotations

import importlib
import inspect
import logging
import random
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from digest.app.adapters import utcnow
from digest.app.correspondent import Correspondent
from digest.config import Settings
from digest.errors import ConfigError, DigestError, told
from digest.pipeline import learning, leases, tastes
from digest.pipeline.experimenting import Experiment
from digest.ports import Ranker

if TYPE_CHECKING:
    from digest.ranking.embedding import SentenceEmbedder
    from digest.ranking.nearness import Nearness
    from digest.ranking.space import Space

log = logging.getLogger(__name__)

AGAIN = timedelta(minutes=10)


class Learner(Correspondent):
    """The adapters that change while a process runs, since any night may bring another space."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = utcnow,
        rng: random.Random | None = None,
    ) -> None:
        super().__init__(settings, clock=clock, rng=rng)
        self._loading = threading.RLock()
        self._loaded: tuple[str, Space | None] = ("", None)
        self._gathering = threading.Lock()
        self._gathered: tuple[str, Nearness] | None = None
        self._rankers: dict[str, tuple[Space | None, SentenceEmbedder | None, Ranker]] = {}
        self._trying = threading.Lock()
        self._tried: datetime | None = None
        self.unloaded = ""

    @property
    def space(self) -> Space | None:
        """The current space, loaded again when it is replaced; None while there is none."""
        name = self._kept
        with self._loading:
            if self._loaded[0] != name:
                self._loaded = (name, self._load() if name else None)
            return self._loaded[1]

    @property
    def nearness(self) -> Nearness | None:
        """Where the newest papers lie in the current space; None while there is none.

        All vectors are read again, in less than a second, once there is another space or another
        vector. One thread reads; the others use the old ones meanwhile, or wait if there are none.
        """
        # Read the token first, so that a later change is noticed the next time.
        token, space = self.store.spaces.changed(), self.space
        if space is None or not space.dimensions:
            return None
        known = self._gathered
        if known is not None and (known[0] == token or self._gathering.locked()):
            return known[1]
        with self._gathering:
            if self._gathered is None or self._gathered[0] != token:
                self._gathered = (token, self._gather(space))
            return self._gathered[1]

    @property
    def ranker(self) -> Ranker:
        """The configured ranker, with the current space."""
        return self.ranker_of(self.settings.ranking.use)

    @property
    def challenger(self) -> Ranker | None:
        """The ranker that the configured one is compared with, if any."""
        given = self.settings.experiments
        if not given.against:
            return None
        return self.ranker_of(given.against, options=given.options, where="[experiments] against")

    @property
    def experiment(self) -> Experiment | None:
        """The comparison that is running, if any."""
        challenger = self.challenger
        if challenger is None:
            return None
        return Experiment(challenger=challenger, share=self.settings.experiments.share)

    def ranker_of(
        self,
        use: str,
        *,
        options: Mapping[str, object] = MappingProxyType({}),
        where: str = "[ranking] use",
        space: Space | None = None,
    ) -> Ranker:
        """The ranker of a class, named as in `[ranking] use`; made anew for another space.

        It does without the embedder while that cannot be loaded. `space` replaces the current one.
        `options` override the arguments that all rankers are offered. Raises ConfigError, which
        says `where` the name stands.
        """
        space = self.space if space is None else space
        meaning, key = self.meaning, f"{use} {sorted(options.items())}"
        with self._loading:
            made = self._rankers.get(key)
            if made is None or made[0] is not space or made[1] is not meaning:
                learned = {
                    "space": space,
                    "embedder": meaning,
                    "explore": self.settings.ranking.explore,
                }
                ranker = self._build(use, learned, options, where)
                made = self._rankers[key] = (space, meaning, ranker)
            return made[2]

    @cached_property
    def embedder(self) -> SentenceEmbedder | None:
        """What makes sentence embeddings, if a model is set."""
        model = self.settings.ranking.embedder
        if not model:
            return None
        from digest.ranking.embedding import SentenceEmbedder  # noqa: PLC0415 - an extra

        return SentenceEmbedder(model)

    @property
    def meaning(self) -> SentenceEmbedder | None:
        """The embedder; None while its model is not available, and then `unloaded` says why.

        The model is looked for every ten minutes, since a cache or a network may come back. It is
        loaded only when there is something to embed.
        """
        embedder, now = self.embedder, self.clock()
        if embedder is None:
            return None
        # While one thread looks for the model, the others go on without it.
        if self.unloaded and self._trying.locked():
            return None
        with self._trying:
            if self._tried is None or abs(now - self._tried) >= AGAIN:
                self._tried = now
                try:
                    embedder.find()
                except ConfigError as error:
                    self._go_without(error)
                else:
                    if self.unloaded:
                        again = "papers are ranked with their meaning again"
                        log.info(again, extra={"action": "embedder"})
                    self.unloaded = ""
            return None if self.unloaded else embedder

    def unplaced(self) -> tuple[int, int] | None:
        """How many papers wait for the embedder, and of how many; None if none is set.

        Raises ConfigError if there can be no such embedder.
        """
        if self.embedder is None:
            return None
        return self.store.spaces.waiting(self.embedder.name, among=learning.MOST_PLACED)

    # --- verbs ----------------------------------------------------------------------------

    def learn(
        self, *, force: bool = False, begun: Callable[[], object] = lambda: None
    ) -> learning.Learning | None:
        """Learn a space if that is due, with `force` in any case; None if it was not due.

        `begun` is called before anything is learned, unless another process is learning.
        """
        store, now = self.store, self.clock()
        due = force or learning.is_due(store.spaces.learned(), size=store.spaces.size(), now=now)
        if not due and self.space is None and self._kept:
            due = True  # it cannot be read, after an upgrade perhaps
        if not due:
            return None
        return learning.learn(store, clock=self.clock, owner=self.owner, begun=begun)

    def place(
        self,
        *,
        patience: timedelta | None = None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Keep vectors of papers that lack one; the embedder works for about as long as `patience`.

        False while another process does that, by a lease in the store. Raises ConfigError if the
        embedder's model cannot be loaded.
        """
        learning.place(self.store, self.space, stopping=stopping)
        embedder = self.meaning
        if self.unloaded:
            raise ConfigError(self.unloaded, subject="ranking.embedder")
        if embedder is None:
            return True
        over = self._over(patience, stopping)
        with leases.held(self.store, learning.PLACING, owner=self.owner, clock=self.clock) as ours:
            if ours:
                try:
                    learning.place(self.store, None, embedder, stopping=over)
                except ConfigError as error:
                    with self._trying:
                        self._go_without(error)
                    raise
            return ours

    def keep_ahead(self, *, stopping: Callable[[], bool] = lambda: False) -> int:
        """Learn readers' tastes for the current space, a bounded number per call.

        Returns how many readers were looked at.
        """
        rankers = [each for each in (self.ranker, self.challenger) if each is not None]
        over = self._over(learning.PATIENCE if self.embedder else None, stopping)
        return tastes.keep_ahead(self.store, rankers, stopping=over)

    def _go_without(self, error: ConfigError) -> None:
        """Rank papers without their meaning until the model is looked for again."""
        if not self.unloaded:
            why = "papers are ranked without their meaning: %s"
            log.error(why, error.message, extra={"action": "embedder"})
        self.unloaded = error.message

    # --- making ---------------------------------------------------------------------------

    def _over(self, patience: timedelta | None, stopping: Callable[[], bool]) -> Callable[[], bool]:
        """Whether we were asked to stop, or so long a time is over."""
        if patience is None:
            return stopping
        until = self.clock() + patience
        return lambda: stopping() or self.clock() >= until

    @property
    def _kept(self) -> str:
        """The name of the current space; "" also if there is no database yet."""
        if not self._may_create and not Path(self.settings.db).is_file():
            return ""
        return self.store.spaces.name()

    def _load(self) -> Space | None:
        from digest.ranking import space  # noqa: PLC0415 - numpy, only where it is needed

        content = self.store.spaces.load()
        try:
            return None if content is None else space.loads(content)
        except ValueError:
            log.warning(
                "the space cannot be read, and will be learned anew", extra={"action": "learn"}
            )
            return None

    def _gather(self, space: Space) -> Nearness:
        from digest.ranking import nearness  # noqa: PLC0415 - numpy, only where it is needed

        vectors = self.store.spaces.newest(space.name, limit=nearness.MOST_PAPERS)
        return nearness.gather(space, vectors)

    def _build(
        self,
        use: str,
        learned: Mapping[str, Any],
        options: Mapping[str, object],
        where: str,
    ) -> Ranker:
        ranking = self.settings.ranking
        module, _, name = use.partition(":")
        try:
            factory = getattr(importlib.import_module(module, "digest.ranking"), name, None)
        except Exception as error:
            raise ConfigError(
                f"{where}: {use!r} cannot be imported ({told(error)}).", subject=use
            ) from error
        if factory is None:
            raise ConfigError(f"{where} names no class: {use!r}.", subject=use)
        offered = {
            "topics": self.settings.topics,
            "trending": ranking.trending,
            "cap": ranking.cap,
            **learned,
        }
        try:
            ranker: Ranker = factory(**{**_understood(factory, offered), **options})
        except DigestError:
            raise
        except Exception as error:
            raise ConfigError(
                f"{where} names no ranker: {use!r} ({told(error)}).", subject=use
            ) from error
        if not callable(getattr(ranker, "rank", None)):
            raise ConfigError(f"{where} names no ranker: {use!r} has no method rank.", subject=use)
        return ranker


def _understood(factory: Callable[..., object], offered: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the offered arguments that a ranker takes."""
    parameters = inspect.signature(factory).parameters
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values()):
        return dict(offered)
    return {name: each for name, each in offered.items() if name in parameters}
