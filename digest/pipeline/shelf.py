"""Load what the mails of a round show only once: a morning's digests share the same papers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from digest.model import Digest, Paper, Voice
from digest.pipeline.line import Material
from digest.pipeline.making import Render
from digest.ports import Store
from digest.ranking import trending

MOST_KEPT = 10_000


class Shelf:
    """Papers, and what is shown with them, of the blocks of one round so far.

    `render` returns the same rendering for every block until the shelf is full, so that fragments
    made of a paper serve later blocks too. Later changes in the store, such as upvotes, show in the
    next round.
    """

    def __init__(self, store: Store, renderer: Callable[[Material], Render]) -> None:
        self._store = store
        self._renderer = renderer
        self._clear()

    def render(self, digests: Iterable[Digest]) -> Render:
        """What renders the digests of a block, once everything that they show is loaded."""
        shown, named = named_in(digests)
        if len(self._shown) + len(shown) > MOST_KEPT or len(self._named) > MOST_KEPT:
            self._clear()
        shown -= self._shown
        named -= self._named
        if shown or named:
            found = load(self._store, shown, named)
            self._papers.update(found.papers)
            self._upvotes.update(found.upvotes)
            self._titles.update(found.titles)
            self._voices.update(found.voices)
            self._shown |= shown
            self._named |= named
        return self._render

    def _clear(self) -> None:
        self._shown: set[str] = set()
        self._named: set[str] = set()
        self._papers: dict[str, Paper] = {}
        self._upvotes: dict[str, int] = {}
        self._titles: dict[str, str] = {}
        self._voices: dict[str, Sequence[Voice]] = {}
        # The rendering reads these same mappings, and so finds what is added later.
        self._render = self._renderer(
            Material(
                papers=self._papers,
                upvotes=self._upvotes,
                titles=self._titles,
                voices=self._voices,
            )
        )


def named_in(digests: Iterable[Digest]) -> tuple[set[str], set[str]]:
    """The papers that digests show, and those that their reasons may name."""
    shown: set[str] = set()
    named: set[str] = set()
    for digest in digests:
        shown.update(digest.rest)
        for pick in digest.picks:
            shown.add(pick.paper_id)
            named.update([each.what for each in pick.reasons if ":" in each.what])
    return shown, named


def load(store: Store, shown: Collection[str], named: Collection[str]) -> Material:
    """The papers shown, with upvotes and voices, and the titles of papers that are named."""
    papers = store.papers.get(shown)
    others = store.papers.get(each for each in named if each not in papers)
    signals = [s for found in store.papers.signals(papers).values() for s in found]
    return Material(
        papers=papers,
        upvotes=trending.upvotes(signals),
        titles={key: paper.title for key, paper in (*papers.items(), *others.items())},
        voices=store.community.voices(papers),
    )
