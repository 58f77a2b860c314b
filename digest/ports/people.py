"""The store of people: subscribers, their feedback, and what they share with each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from digest.model import (
    EVERYONE,
    AddressChange,
    Comeback,
    Feedback,
    FeedbackKind,
    IdRange,
    Interest,
    Moderation,
    Profile,
    Status,
    Submission,
    SubmissionState,
    Subscriber,
    Voice,
)


class Newcomer(NamedTuple):
    """A new subscriber; a plain tuple, since a million are made at once.

    `like` gives the schedule, status and times; its id, address, key and name do not count.
    """

    id: str
    email: str
    key: str
    name: str
    like: Subscriber
    interests: Sequence[Interest]


class SubscriberStore(Protocol):
    """Subscribers and their interests."""

    def add(self, rows: Iterable[tuple[Subscriber, Sequence[Interest]]]) -> int:
        """Add new subscribers in transactions of bounded size; a known address or id is left alone.

        Returns how many were added. Reads `rows` as it goes, in constant memory.
        """

    def add_alike(self, people: Sequence[Newcomer]) -> int:
        """Add many new subscribers in one transaction; a known address or id is left alone.

        Returns how many were added. Fast if they share the same `like` and interest objects.
        """

    def save(self, subscriber: Subscriber, *, before: Subscriber | None = None) -> bool:
        """Replace one subscriber's row (not the interests).

        Returns False and changes nothing if the row is no longer as `before`. Raises NotFound for
        an unknown id, InvalidInput when another subscriber has the address.
        """

    def set_status(self, subscriber_id: str, status: Status) -> None:
        """Change the status alone, whatever else has changed meanwhile; only `active` stays due.

        Raises NotFound for an unknown id.
        """

    def end(self, emails: Iterable[str], status: Status) -> int:
        """Give this status to pending, active and paused subscribers of these addresses.

        Returns how many that were. `unsubscribed` also replaces `suppressed`, which is not counted.
        """

    def by_email(self, email: str) -> Subscriber | None:
        """The subscriber with exactly this address; callers normalise it as on the way in."""

    def by_emails(self, emails: Iterable[str], status: Status) -> dict[str, Subscriber]:
        """Those with this status who have one of these addresses, by address, in one query."""

    def get(self, ids: Iterable[str]) -> dict[str, Subscriber]:
        """Subscribers by id."""

    def all(self, status: Status | None = None) -> Iterator[tuple[Subscriber, list[Interest]]]:
        """Every subscriber with interests, by id, in constant memory."""

    def profiles(self, ids: Sequence[str]) -> list[Profile]:
        """The profiles of a block, in the order asked."""

    def set_interests(self, subscriber_id: str, interests: Sequence[Interest]) -> None:
        """Replace all interests; raises NotFound for an unknown subscriber."""

    def add_interests(self, subscriber_id: str, interests: Sequence[Interest]) -> None:
        """Add or re-weigh interests by (kind, value); a like replaces a dislike and vice versa.

        Raises NotFound for an unknown subscriber.
        """

    def due(
        self,
        now: datetime,
        *,
        limit: int,
        among: IdRange = EVERYONE,
        after: Subscriber | None = None,
    ) -> list[Subscriber]:
        """Active subscribers whose `due_at` has come, longest overdue first.

        `after` is the last subscriber of the previous block, from which this one goes on.
        """

    def page(self, after: str, *, limit: int, last: str = EVERYONE.last) -> list[Subscriber]:
        """Active subscribers with an id greater than `after`, up to `last`, by id: keyset paging."""

    def shares(self, *, most: int, least: int, due: datetime | None = None) -> list[IdRange]:
        """All ids in ranges with about equally many active subscribers.

        At most `most` ranges with at least `least` subscribers each, but always one range. With
        `due`, only subscribers who are due by then count.
        """

    def topics_in_use(self) -> dict[str, int]:
        """Topic ids that active subscribers follow, with how many follow each."""

    def by_status(self) -> dict[Status, int]:
        """How many subscribers have each status, without those that nobody has."""

    def remove_interests(self, subscriber_id: str, interests: Sequence[Interest]) -> None:
        """Remove interests by (kind, value); a missing one is no error."""

    def wanted(self, since: datetime, *, limit: int) -> list[str]:
        """Papers liked since then by an id (`arxiv:…`, `doi:…`) that is not stored, newest first.

        Only the likes of confirmed subscribers count, and a bounded number of each.
        """

    def resumable(self, now: datetime, *, limit: int) -> list[Subscriber]:
        """Paused subscribers whose `paused_until` has come, longest overdue first."""

    def put_change(self, change: AddressChange) -> None:
        """Keep a requested change of address in place of any earlier one.

        Raises NotFound for an unknown subscriber.
        """

    def change(self, subscriber_id: str) -> AddressChange | None:
        """The subscriber's open change of address."""

    def drop_change(self, subscriber_id: str) -> None:
        """Forget an open change of address."""

    def drop_changes(self, before: datetime) -> None:
        """Forget changes of address that were requested before then."""

    def put_comeback(self, comeback: Comeback) -> bool:
        """Keep a request to return in place of any earlier one.

        Returns False and keeps nothing if the subscriber is not pending.
        """

    def renew_comeback(self, comeback: Comeback, now: datetime) -> None:
        """Date a request to return as of now, unless another one has replaced it."""

    def comeback(self, subscriber_id: str) -> Comeback | None:
        """The subscriber's open request to return."""

    def drop_comeback(self, subscriber_id: str) -> None:
        """Forget an open request to return."""

    def drop_comebacks(self, before: datetime) -> None:
        """Forget requests to return that were made before then."""

    def erase(self, subscriber_id: str, *, only: Collection[Status] | None = None) -> bool:
        """Delete a subscriber and everything kept about them, mail evidence and letters included.

        Submissions that curators featured stay, without the subscriber's name and line. Returns
        False and deletes nothing if the status is not in `only`; an unknown id is no error.
        """

    def erase_unchanged(
        self, people: Iterable[Subscriber], now: datetime, *, suppressing: Mapping[str, str]
    ) -> int:
        """Delete those of these whose row is as given, as `erase` does; returns how many.

        In one transaction, which takes little longer than for one. `suppressing` gives the hashes of
        addresses for the suppression list by id; a hash on the list keeps the reason it is there for.
        """


Settled = Callable[[Interest, Sequence[Feedback]], Interest]
"""Makes the interest of a slot from what stands there and the feedback about it, newest first."""


class FeedbackStore(Protocol):
    """What readers said, and how it changed their profiles."""

    def add(self, feedback: Feedback) -> None:
        """Keep it and apply its interests in one transaction: `added` go in over `replaced`.

        The interests that really stood there are kept as `replaced`. Doing it twice under one id
        changes nothing. Raises NotFound for an unknown subscriber.
        """

    def undo(
        self, feedback_id: str, now: datetime, *, settled: Settled | None = None
    ) -> Feedback | None:
        """Take back what it added and put back what it replaced, in any order with other feedback.

        An interest that was put there later stays. Then `settled` may change the interests that
        stand in those slots, in the same transaction. Returns None if the id is unknown or undone.
        """

    def get(self, feedback_id: str) -> Feedback | None:
        """One piece of feedback, undone or not."""

    def of(
        self,
        subscriber_id: str,
        *,
        kinds: Sequence[FeedbackKind] = (),
        paper_ids: Collection[str] | None = None,
        limit: int = 100,
        standing: bool = True,
    ) -> list[Feedback]:
        """What one reader said, newest first; `standing` leaves out what was undone.

        No `kinds` stand for all of them. None stands for all papers, an empty collection for none.
        """

    def answers(self, first: str, *, kinds: Sequence[FeedbackKind]) -> Iterator[Feedback]:
        """What readers said about editions from `first` (ISO) on and did not undo, in constant memory.

        By edition, then reader, then time. `kind` is that of the last thing of these `kinds` that
        the reader said about the paper, in any edition.
        """


class CommunityStore(Protocol):
    """Votes, submissions, featured papers, and the moderation log."""

    def vote(self, subscriber_id: str, paper_id: str, now: datetime) -> None:
        """Add a subscriber's vote, once; the count becomes the signal `community`/`upvotes`.

        Raises NotFound for an unknown subscriber or paper.
        """

    def unvote(self, subscriber_id: str, paper_id: str) -> None:
        """Take the vote back."""

    def votes_of(self, subscriber_id: str, paper_ids: Iterable[str]) -> frozenset[str]:
        """Which of the papers this subscriber voted for."""

    def changed(self) -> str:
        """A token that changes whenever votes do."""

    def submit(self, submission: Submission) -> Submission:
        """Keep a submission, or return the one that already stands for the paper.

        A rejected submission does not stand.
        """

    def standing(self, paper_id: str) -> Submission | None:
        """The submission that stands for a paper: one that is featured, else the oldest undecided."""

    def submission(self, submission_id: str) -> Submission | None:
        """One submission."""

    def submissions(
        self,
        state: SubmissionState | None = None,
        *,
        since: datetime,
        limit: int,
        subscriber_id: str = "",
    ) -> list[Submission]:
        """Submissions made at or after `since`, newest first; in one state, of one subscriber."""

    def decided(self, *, since: datetime, limit: int) -> list[Submission]:
        """Submissions decided at or after `since`, the latest decision first."""

    def arrived(self) -> int:
        """Open the waiting submissions whose paper has been stored meanwhile; returns how many."""

    def decide(self, submission: Submission, moderation: Moderation) -> None:
        """Keep the decision about a submission and its line of the log, in one transaction.

        Rejecting a featured submission rejects every featured submission of the paper, with a line
        for each, and withdraws the announcement that featuring made. Deciding the same again
        changes nothing. Raises NotFound for an unknown submission.
        """

    def voices(self, paper_ids: Iterable[str]) -> dict[str, list[Voice]]:
        """Who speaks for the featured ones among these papers: submitters, then curators.

        Each name and line comes once. A submitter who shows neither is left out, a curator never.
        """

    def featured(self, since: datetime) -> frozenset[str]:
        """Papers featured at or after `since`."""

    def log(self, *, limit: int) -> list[Moderation]:
        """The moderation log, newest first."""

    def last_decisions(self, submission_ids: Iterable[str]) -> dict[str, Moderation]:
        """The newest line of the moderation log about each of these submissions that has one."""
