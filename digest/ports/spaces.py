"""The store of what ranking learned: the space, and the archive's papers as vectors in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from digest.model import Paper, Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What the space that is kept was learned from: `papers` of the `archive` papers there were.

    `dimensions` is how many axes it has.
    """

    name: str
    papers: int
    archive: int
    dimensions: int
    at: datetime


class SpaceStore(Protocol):
    """The learned space, as one opaque value, and vectors of papers by the name of their space.

    A space's name is `lsa:VERSION`, or that of an embedder (`embedder:NAME`). A vector is opaque
    bytes to the store; `digest.ranking.space` writes and reads both.
    """

    def name(self) -> str:
        """The name of the space that is kept, empty before there is one."""
        ...

    def learned(self) -> Learned | None:
        """What the space that is kept was learned from, and when."""
        ...

    def size(self) -> int:
        """How many papers the archive holds."""
        ...

    def load(self) -> bytes | None:
        """The space that is kept."""
        ...

    def erased(self) -> str:
        """A token that becomes another one when somebody who likes papers is erased."""
        ...

    def keep(
        self,
        name: str,
        content: bytes,
        now: datetime,
        *,
        papers: int = 0,
        dimensions: int = 0,
        erased: str | None = None,
    ) -> None:
        """Keep this space in place of the last, whose vectors are dropped; an embedder's stay.

        It is to be learned anew (`learned` has an archive of -1) if `erased`, from before its readers
        were asked for, is another token by now.
        """
        ...

    def changed(self) -> str:
        """A token that becomes another one with the space that is kept, and with its vectors."""
        ...

    def vectors(self, name: str, paper_ids: Iterable[str]) -> dict[str, bytes]:
        """The vectors of these papers in a space, as far as there are any."""
        ...

    def lying(self, name: str, keys: Iterable[str]) -> dict[str, bytes]:
        """The vectors of the papers that these keys name, by key, as far as there are any."""
        ...

    def tastes(self, name: str, subscriber_ids: Iterable[str]) -> dict[str, tuple[bytes, ...]]:
        """What a ranker keeps under this name of these people, as far as it is still true.

        It is forgotten when they like or dislike another paper, or one of theirs changes.
        """
        ...

    def keep_tastes(
        self, name: str, tastes: Mapping[str, tuple[bytes, ...]], profiles: Iterable[Profile]
    ) -> None:
        """Keep what a ranker made of these profiles, unless they have said something since."""
        ...

    def forget_tastes(self, names: Iterable[str]) -> int:
        """Forget what is kept under other names than these; returns how many rows."""
        ...

    def newest(self, name: str, *, limit: int) -> Iterator[tuple[str, bytes]]:
        """The vectors of the newest papers that have one, newest first, with their ids."""
        ...

    def put(self, name: str, vectors: Mapping[str, bytes]) -> None:
        """Keep vectors, in one transaction; those of papers that are gone are passed over."""
        ...

    def lacking(self, name: str, *, limit: int, among: int = -1) -> list[Paper]:
        """The newest papers without a vector in this space; one whose text changed lacks it again.

        Only the `among` newest are looked at; -1 stands for all.
        """
        ...

    def waiting(self, name: str, *, among: int) -> tuple[int, int]:
        """Of so many of the newest papers, how many lack a vector in this space, and of how many."""
        ...

    def archive(self, *, limit: int) -> Iterator[Paper]:
        """The newest papers, newest first, in constant memory: what a space is learned from."""
        ...

    def libraries(self, *, least: int) -> Iterator[list[str]]:
        """What each active subscriber likes, at least so many papers; no one is named."""
        ...
