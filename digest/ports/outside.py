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
    """A place that publishes listings. Does no I/O: it says what to request, and parses bytes."""

    @property
    def name(self) -> str:
        """The name it has in config, reports and announcements."""

    def requests(self, cursor: str | None, now: datetime) -> Sequence[Request]:
        """What to fetch now, given the cursor of the last complete run (None before the first)."""

    def parse(self, listing: Listing) -> Harvest:
        """Parse one listing; bad entries become problems.

        Raises ListingUnreadable when none of it can be parsed.
        """


class Fetcher(Protocol):
    """Polite, safe HTTP for batches of requests."""

    def fetch(
        self, batch: Sequence[tuple[Request, PollState]], now: datetime
    ) -> list[Answer | FetchFailed | FetchRefused]:
        """Fetch a batch, hosts in parallel, with pauses for each host; one outcome per request, in order.

        Outcomes are returned rather than raised, so that one bad source never hides another.
        """

    def post_form(self, url: str, fields: Sequence[tuple[str, str]], now: datetime) -> None:
        """Send a form to a service that others run (a WebSub hub); redirects are not followed.

        Raises FetchFailed or FetchRefused unless the answer is 2xx.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The papers of one edition window, with what ranking may use about them.

    `trending`: by paper id, its votes compared with what is usual in its field (ten times as many
    count 1: see `digest.ranking.trending`).
    `upvotes`: the number of those votes, by paper id.
    `liked`: papers that profiles like, dislike or know, by id; they need not be candidates.
    `featured`: the ids of papers that curators picked.
    `vectors`: an embedder's vectors of papers, by id (see `SpaceStore`); missing ones are computed.
    `tastes`: what rankers keep about subscribers (see `Keeper`), by the name kept under, then by
    subscriber.
    `lying`: vectors, in the rankers' space, of papers that profiles name, by the id used there.

    For a subscriber with an entry in `tastes`, `liked` needs only the papers missing from `lying`.
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

    A ranker that uses an embedder's vectors names it in an attribute `embeds`. Candidates then have
    the vectors that are stored, and those of the whole edition if the ranker has an `embedder`.
    """

    def rank(
        self,
        block: Sequence[Profile],
        candidates: Candidates,
        *,
        without: Mapping[str, frozenset[str]],
        now: datetime,
    ) -> list[Ranking]:
        """One ranking per profile, in order.

        `without` maps a subscriber id to the paper ids never to pick (already sent). `now` is for
        rankers that score by age; the one we ship ignores it.
        """


class Keeper(Ranker, Protocol):
    """A ranker that computes something from a subscriber's likes and dislikes that is worth storing.

    `keeps` is the name to store it under, `lies` the name of the space whose vectors of liked papers
    it uses; both are empty while there is nothing to store.
    """

    keeps: str
    lies: str

    def learned(
        self, block: Sequence[Profile], liked: Mapping[str, Paper], vectors: Mapping[str, bytes]
    ) -> dict[str, tuple[bytes, ...]]:
        """What to store about these, by subscriber; valid until their likes or dislikes change."""


class Transport(Protocol):
    """Hands finished messages over."""

    def send(
        self,
        messages: Iterable[Message],
        now: datetime,
        *,
        held: Callable[[], bool] = lambda: True,
    ) -> Iterator[Receipt]:
        """One receipt per message, each yielded as soon as it is known.

        `messages` can be iterated over once, and may render each message only when it is taken: take
        the next one while waiting for the network to save time. `held` says whether the messages
        are still ours to send. A transport that might send a message twice calls it, from any
        thread, at the last moment at which it can still withhold the message.
        """

    def close(self) -> None:
        """Close connections; safe to call twice."""


class Acceptances(Protocol):
    """What the operator's own mail server knows about the messages that it accepted."""

    def taken(self, message_ids: Collection[str], since: datetime) -> Mapping[str, bool | None]:
        """Whether the server accepted each message at `since` or later, by Message-ID.

        None if that is unknown, as when its log cannot be read.
        """
