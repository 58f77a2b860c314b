"""Learn a space from the archive, and place each paper in it.

What is learned stays in the store until it is replaced, so that a restart learns nothing anew. No
transaction is open during computation, and everything may be done twice.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from digest.model import Paper
from digest.pipeline import leases
from digest.ports import Learned, Ranker, Store

if TYPE_CHECKING:
    from digest.ranking.space import Space

log = logging.getLogger(__name__)

LEASE = "learn"
MOST_LEARNED = 50_000
MOST_PLACED = 100_000
PLACING = "place"
PATIENCE = timedelta(minutes=1)
"""How long placing papers, and learning readers ahead, may each embed in one tick."""
BLOCK = 1_000
EMBEDDED_AT_ONCE = 64
"""A sentence embedder takes some seconds for so many, and stops only between them."""
MOST_VOTED = 5_000
GROWN = 1.2
STALE = timedelta(days=7)


class Learning(StrEnum):
    """The result of an attempt to learn."""

    LEARNED = "learned"
    TOO_FEW = "too few"
    BUSY = "busy"


class Embedder(Protocol):
    """Makes vectors of papers beside the space: `digest.ranking.embedding`, if it is set up."""

    name: str

    def papers(self, papers: Sequence[Paper]) -> Any:
        """One row a paper, all of one length, as `digest.ranking.space.pack` takes them."""
        ...


def is_due(learned: Learned | None, *, size: int, now: datetime) -> bool:
    """Whether to learn from an archive of `size` papers, given what is kept.

    First as soon as there are enough papers. Then when the archive has grown by a fifth (up to the
    size that is learned from at all), and a week later if it has changed.
    """
    if learned is None:
        from digest.ranking.space import FEWEST_PAPERS  # noqa: PLC0415 - numpy, only if needed

        return size >= FEWEST_PAPERS
    if min(size, MOST_LEARNED) >= GROWN * learned.papers:
        return True
    return size != learned.archive and now - learned.at >= STALE


def said(learned: Learned, now: datetime) -> str:
    """What is kept, as one line for the operator."""
    days = (now - learned.at).days
    age = "today" if days < 1 else "yesterday" if days == 1 else f"{days} days ago"
    return f"{learned.name}, learned {age} from {learned.papers} papers: {learned.dimensions} dimensions"


def too_few(size: int) -> str:
    """Why nothing can be learned from so few papers."""
    from digest.ranking.space import FEWEST_PAPERS  # noqa: PLC0415 - numpy, only if needed

    return (
        f"{size} papers are too few to learn from ({FEWEST_PAPERS} needed): ranking goes by words "
        "and categories until then"
    )


def learn(
    store: Store,
    *,
    clock: Callable[[], datetime],
    owner: str,
    most: int = MOST_LEARNED,
    begun: Callable[[], object] = lambda: None,
) -> Learning:
    """Learn a space from the newest papers, and keep it.

    The papers' vectors are stored before the space is, so that it is never empty. One process
    learns at a time, by a lease in the store; `begun` is called once the lease is ours.
    """
    from digest.ranking import space as spaces  # noqa: PLC0415 - numpy, only where it is needed

    if store.spaces.size() < spaces.FEWEST_PAPERS:
        return Learning.TOO_FEW
    now = clock()
    with leases.held(store, LEASE, owner=owner, clock=clock) as ours:
        if not ours:
            return Learning.BUSY
        begun()
        space = spaces.learn(
            list(store.spaces.archive(limit=most)),
            voted=store.papers.trending(limit=MOST_VOTED).keys(),
        )
        place(store, space)
        store.spaces.keep(
            space.name,
            spaces.dumps(space),
            now,
            papers=space.papers,
            dimensions=space.dimensions,
        )
    log.info(
        "learned from %d papers: %d dimensions",
        space.papers,
        space.dimensions,
        extra={"action": "learn"},
    )
    return Learning.LEARNED


def place(
    store: Store,
    space: Space | None,
    embedder: Embedder | None = None,
    *,
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Make and keep vectors for the newest 100,000 papers that lack one; returns how many.

    In the space, if it has dimensions, and by the embedder; newest papers first, block by block.
    """
    placed = 0
    if space is not None and space.dimensions:
        placed += _place(store, space.name, _rows_in(space), BLOCK, stopping)
    if embedder is not None:
        placed += _place(store, embedder.name, embedder.papers, EMBEDDED_AT_ONCE, stopping)
    return placed


def embed(
    store: Store,
    rankers: Iterable[Ranker],
    papers: Iterable[Paper],
    *,
    whose: str = "",
    stopping: Callable[[], bool] = lambda: False,
    progress: Callable[[int], object] = lambda _: None,
) -> bool:
    """Keep vectors of those of these papers that lack one, by the rankers' embedder, if any.

    A ranker keeps nothing that it embeds itself. `whose` sets the order, which should differ
    between processes that may embed the same papers now, so that they share the work. `progress` is
    told 0 after each block, since no reader is done. False if we were asked to stop before the
    last.
    """
    embedder: Embedder | None = next(
        filter(None, (getattr(each, "embedder", None) for each in rankers)), None
    )
    if embedder is None:
        return True
    missing = list({each.id: each for each in papers}.values())
    random.Random(whose).shuffle(missing)  # noqa: S311 - it shares work, and guards nothing
    while missing := _lacking(store, embedder.name, missing):
        if stopping():
            return False
        _put(store, embedder.name, embedder.papers, missing[:EMBEDDED_AT_ONCE])
        del missing[:EMBEDDED_AT_ONCE]
        progress(0)
    return True


def _lacking(store: Store, name: str, papers: Sequence[Paper]) -> list[Paper]:
    kept = store.spaces.vectors(name, (each.id for each in papers))
    return [each for each in papers if each.id not in kept]


def vectors_for(
    store: Store, rankers: Iterable[Ranker], papers: Iterable[Paper]
) -> Mapping[str, bytes]:
    """The kept vectors of these papers that rankers use, by the name in their `embeds`.

    The rankers of one process share an embedder.
    """
    name: str = next(filter(None, (getattr(each, "embeds", "") for each in rankers)), "")
    return store.spaces.vectors(name, (each.id for each in papers)) if name else {}


def _rows_in(space: Space) -> Callable[[Sequence[Paper]], Any]:
    from digest.ranking.space import terms_of  # noqa: PLC0415 - numpy, only where it is needed

    return lambda papers: space.dense(space.tfidf(terms_of(each) for each in papers))


def _place(
    store: Store,
    name: str,
    rows_of: Callable[[Sequence[Paper]], Any],
    block: int,
    stopping: Callable[[], bool],
) -> int:
    placed = 0
    while not stopping():
        papers = store.spaces.lacking(name, limit=block, among=MOST_PLACED)
        if not papers:
            break
        _put(store, name, rows_of, papers)
        placed += len(papers)
    return placed


def _put(
    store: Store, name: str, rows_of: Callable[[Sequence[Paper]], Any], papers: Sequence[Paper]
) -> None:
    from digest.ranking.space import pack  # noqa: PLC0415 - numpy, only where it is needed

    rows = pack(rows_of(papers))
    store.spaces.put(name, dict(zip((each.id for each in papers), rows, strict=True)))
