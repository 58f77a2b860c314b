"""What reads, ranks and sends: sources, fetcher, ranker, transport."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from digest.errors import FetchFailed, FetchRefused
from digest.model import (
    Answer,
    Harvest,
    Listing,
    Message,
    Paper,
    PollState,
    Profile,
    Ranking,
    Receipt,
    Request,
)


class Source(Protocol):
    """A place that publishes listings. Sans-I/O: it says what to request, and reads bytes."""

    @property
    def name(self) -> str:
        """The name under which config, reports and announcements know it."""
        ...

    def requests(self, cursor: str | None, now: datetime) -> Sequence[Request]:
        """What to fetch now, given the cursor kept from the last complete run (None: the first)."""
        ...

    def parse(self, listing: Listing) -> Harvest:
        """Read one listing; bad entries become problems.

        Raises ListingUnreadable when nothing at all can be made of it.
        """
        ...


class Fetcher(Protocol):
    """Polite, safe HTTP for batches of requests."""

    def fetch(
        self, batch: Sequence[tuple[Request, PollState]], now: datetime
    ) -> list[Answer | FetchFailed | FetchRefused]:
        """Carry out the batch, hosts side by side, each host spaced; one outcome a request, in order.

        Outcomes are returned rather than raised, so that one bad source never hides another.
        """
        ...

    def post_form(self, url: str, fields: Sequence[tuple[str, str]], now: datetime) -> None:
        """Send a form to a service that others run (a WebSub hub); redirects are not followed.

        Raises FetchFailed or FetchRefused unless the answer is 2xx.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The papers of one edition window, with what ranking may use about them.

    `trending`: what its votes are worth beside what is usual in its field, by paper id (a tenfold
    of votes is 1: see `digest.ranking.trending`).
    `upvotes`: the count of those votes, by paper id.
    `liked`: papers that profiles like, dislike or know, by id; they need not be candidates.
    `featured`: the ids of papers that curators picked.
    `vectors`: what an embedder made of papers, by id (see `SpaceStore`); missing ones are made.
    `tastes`: what rankers keep of subscribers (see `Keeper`), by name kept under, then subscriber.
    `lying`: where papers that profiles name lie in the rankers' space, by the id they are named by.

    Of a subscriber whose taste is here, `liked` need only hold the papers that are not in `lying`.
    """

    papers: Sequence[Paper]
    trending: Mapping[str, float] = field(default_factory=dict)
    upvotes: Mapping[str, int] = field(default_factory=dict)
    liked: Mapping[str, Paper] = field(default_factory=dict)
    featured: frozenset[str] = frozenset()
    vectors: Mapping[str, bytes] = field(default_factory=dict)
    tastes: Mapping[str, Mapping[str, tuple[bytes, ...]]] = field(default_factory=dict)
    lying: Mapping[str, bytes] = field(default_factory=dict)


class Ranker(Protocol):
    """Scores a block of profiles against the papers of an edition.

    One that works with an embedder's vectors names it in an attribute `embeds`; candidates then
    bring those that are kept, and all of the edition if it has the embedder as `embedder`.
    """

    def rank(
        self,
        block: Sequence[Profile],
        candidates: Candidates,
        *,
        without: Mapping[str, frozenset[str]],
        now: datetime,
    ) -> list[Ranking]:
        """One ranking a profile, in order.

        `without` maps a subscriber id to paper ids never to be picked (already sent). `now` is
        for rankers of one's own that score by age: the one we ship does not look at it.
        """
        ...


class Keeper(Ranker, Protocol):
    """A ranker that makes something of a subscriber's likes and dislikes that is worth keeping.

    `keeps` is the name to keep it under, `lies` that of the space in which liked papers lie; both
    are empty while it has nothing to keep.
    """

    keeps: str
    lies: str

    def learned(
        self, block: Sequence[Profile], liked: Mapping[str, Paper], vectors: Mapping[str, bytes]
    ) -> dict[str, tuple[bytes, ...]]:
        """What to keep of these, by subscriber; true until one likes or dislikes another paper."""
        ...


class Transport(Protocol):
    """Hands finished messages over."""

    def send(
        self,
        messages: Iterable[Message],
        now: datetime,
        *,
        held: Callable[[], bool] = lambda: True,
    ) -> Iterator[Receipt]:
        """One receipt a message, each yielded as soon as it is known.

        A message may be made only when it is taken from `messages`, which can be gone through once:
        take one more while you wait for something else, and time is saved.
        `held` says whether the messages are still ours to send. A transport that may send twice
        asks it, from any thread, as late as it can take a message back.
        """
        ...

    def close(self) -> None:
        """Say goodbye; safe to call twice."""
        ...


class Acceptances(Protocol):
    """What a mail server of one's own remembers of the messages that it took."""

    def taken(self, message_ids: Collection[str], since: datetime) -> Mapping[str, bool | None]:
        """Whether the server took each message, by Message-ID, at `since` or later.

        None where nobody can tell, as when its log cannot be read.
        """
        ...
