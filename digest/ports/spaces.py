"""The store of what ranking learned: the space, and the vectors of papers in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from digest.model import Paper, Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """How the space that is kept was learned: from `papers` of the `archive` papers there were.

    `dimensions` is its number of axes.
    """

    name: str
    papers: int
    archive: int
    dimensions: int
    at: datetime


class SpaceStore(Protocol):
    """The learned space, and the vectors of papers in it or in the space of an embedder.

    A space's name is `lsa:VERSION` or `embedder:NAME`. Spaces and vectors are opaque bytes here;
    `digest.ranking.space` writes and reads them.
    """

    def name(self) -> str:
        """The name of the space that is kept, empty before there is one."""

    def learned(self) -> Learned | None:
        """What the space that is kept was learned from, and when."""

    def size(self) -> int:
        """How many papers the archive holds."""

    def load(self) -> bytes | None:
        """The space that is kept."""

    def keep(
        self,
        name: str,
        content: bytes,
        now: datetime,
        *,
        papers: int = 0,
        dimensions: int = 0,
    ) -> None:
        """Keep this space in place of the last, whose vectors are deleted; an embedder's stay."""

    def changed(self) -> str:
        """A token that changes with the space that is kept, and with its vectors."""

    def vectors(self, name: str, paper_ids: Iterable[str]) -> dict[str, bytes]:
        """The vectors of these papers in a space, as far as there are any."""

    def lying(self, name: str, keys: Iterable[str]) -> dict[str, bytes]:
        """The vectors of the papers that these keys name, by key, as far as there are any."""

    def tastes(self, name: str, subscriber_ids: Iterable[str]) -> dict[str, tuple[bytes, ...]]:
        """What a ranker keeps under this name about these people, as far as it is still valid.

        It is forgotten when their likes or dislikes change, or a paper that they name does.
        """

    def keep_tastes(
        self, name: str, tastes: Mapping[str, tuple[bytes, ...]], profiles: Iterable[Profile]
    ) -> None:
        """Keep what a ranker made of these profiles, unless their opinions have changed since."""

    def forget_tastes(self, names: Iterable[str]) -> int:
        """Forget what is kept under other names than these; returns how many rows."""

    def newest(self, name: str, *, limit: int) -> Iterator[tuple[str, bytes]]:
        """The vectors of the newest papers that have one, newest first, with their ids."""

    def put(self, name: str, vectors: Mapping[str, bytes]) -> None:
        """Keep vectors, in one transaction; those of papers that are gone are ignored."""

    def lacking(self, name: str, *, limit: int, among: int = -1) -> list[Paper]:
        """The newest papers without a vector in this space, among the `among` newest (-1: all).

        A paper loses its vectors when its text changes.
        """

    def waiting(self, name: str, *, among: int) -> tuple[int, int]:
        """How many of the `among` newest papers lack a vector in this space, and how many there are."""

    def archive(self, *, limit: int) -> Iterator[Paper]:
        """The newest papers, newest first, block by block: what a space is learned from."""
