"""The store of people: who they are, what they said, what they do for each other."""

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
    """Someone new: like another in all but these; a bare tuple, since a million are made at once.

    `like` gives the schedule, status and times; its own id, address, key and name do not count.
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
        """Add new subscribers in transactions of bounded size; a known address is left alone.

        Returns how many were added. Takes a million rows in constant memory.
        """
        ...

    def add_alike(self, people: Sequence[Newcomer]) -> int:
        """Add many new subscribers in one transaction; a known address or id is left alone.

        Returns how many were added. Fast where they share their `like` and their interests.
        """
        ...

    def save(self, subscriber: Subscriber, *, before: Subscriber | None = None) -> bool:
        """Replace one subscriber's row (not the interests); False if it is not as `before` any more."""
        ...

    def set_status(self, subscriber_id: str, status: Status) -> None:
        """Change the status alone, whatever else has changed meanwhile; only `active` stays due."""
        ...

    def end(self, emails: Iterable[str], status: Status) -> int:
        """Give this status to those with these addresses who are pending, active or paused.

        Returns how many that were. `unsubscribed` also takes the place of `suppressed`; nobody else
        changes.
        """
        ...

    def by_email(self, email: str) -> Subscriber | None:
        """The subscriber with this address, compared as `subscriptions` normalises it."""
        ...

    def by_emails(self, emails: Iterable[str], status: Status) -> dict[str, Subscriber]:
        """Those with this status who have one of these addresses, by it; one query for them all."""
        ...

    def get(self, ids: Iterable[str]) -> dict[str, Subscriber]:
        """Subscribers by id."""
        ...

    def all(self, status: Status | None = None) -> Iterator[tuple[Subscriber, list[Interest]]]:
        """Every subscriber with interests, by id, in constant memory."""
        ...

    def profiles(self, ids: Sequence[str]) -> list[Profile]:
        """The profiles of a block, in the order asked."""
        ...

    def set_interests(self, subscriber_id: str, interests: Sequence[Interest]) -> None:
        """Replace all interests."""
        ...

    def add_interests(self, subscriber_id: str, interests: Sequence[Interest]) -> None:
        """Add or re-weigh interests; (kind, value) is the key; a like replaces a dislike and back."""
        ...

    def due(
        self,
        now: datetime,
        *,
        limit: int,
        among: IdRange = EVERYONE,
        after: Subscriber | None = None,
    ) -> list[Subscriber]:
        """Active subscribers whose `due_at` has come, longest overdue first.

        `after` is the last one of the block before: what stood before it is not looked at again.
        """
        ...

    def page(self, after: str, *, limit: int, last: str = EVERYONE.last) -> list[Subscriber]:
        """Active subscribers with an id greater than `after`, up to `last`, by id: keyset paging."""
        ...

    def shares(self, *, most: int, least: int, due: datetime | None = None) -> list[IdRange]:
        """Everyone's ids in ranges with about as many active subscribers each.

        There are at most `most`, of at least `least` subscribers (but always one range). With
        `due`, those whose `due_at` has not come by then do not count.
        """
        ...

    def topics_in_use(self) -> dict[str, int]:
        """Topic ids that active subscribers follow, with how many follow each."""
        ...

    def by_status(self) -> dict[Status, int]:
        """How many subscribers stand where; a status that nobody has is left out."""
        ...

    def remove_interests(self, subscriber_id: str, interests: Sequence[Interest]) -> None:
        """Take interests away by (kind, value); one that is not there is no error."""
        ...

    def wanted(self, since: datetime, *, limit: int) -> list[str]:
        """Papers liked since then by an id (`arxiv:…`, `doi:…`) that is not stored, newest first."""
        ...

    def resumable(self, now: datetime, *, limit: int) -> list[Subscriber]:
        """Paused subscribers whose `paused_until` has come."""
        ...

    def put_change(self, change: AddressChange) -> None:
        """Keep a wished change of address; the latest wish of a subscriber counts."""
        ...

    def change(self, subscriber_id: str) -> AddressChange | None:
        """The subscriber's open change of address."""
        ...

    def drop_change(self, subscriber_id: str) -> None:
        """Forget an open change of address."""
        ...

    def drop_changes(self, before: datetime) -> None:
        """Forget changes of address that were asked for before then."""
        ...

    def put_comeback(self, comeback: Comeback) -> bool:
        """Keep what was asked for in the name of someone who had left; the latest counts.

        False, and nothing is kept, for whoever does not wait to confirm.
        """
        ...

    def renew_comeback(self, comeback: Comeback, now: datetime) -> None:
        """Have what was asked for count as of now, unless something else was asked for since."""
        ...

    def comeback(self, subscriber_id: str) -> Comeback | None:
        """What was last asked for in the subscriber's name, if they have yet to agree."""
        ...

    def drop_comeback(self, subscriber_id: str) -> None:
        """Forget what was asked for in the subscriber's name."""
        ...

    def drop_comebacks(self, before: datetime) -> None:
        """Forget what was asked for before then in the name of those who had left."""
        ...

    def erase(self, subscriber_id: str, *, only: Collection[Status] | None = None) -> bool:
        """Delete a subscriber and everything kept about them, mail evidence and letters included.

        Papers they submitted stay, without their name and line, where curators featured them.
        Whose status is none of `only` stays as they are, and the answer is False.
        """
        ...

    def erase_unchanged(
        self, people: Iterable[Subscriber], now: datetime, *, suppressing: Mapping[str, str]
    ) -> int:
        """Delete those of these whose row is as given, as `erase` does; how many.

        Together, which takes little longer than one. `suppressing` are hashes of their addresses by
        their ids, for the suppression list.
        """
        ...


Settled = Callable[[Interest, Sequence[Feedback]], Interest]
"""What an interest is by the statements that stand on its place in the profile, newest first."""


class FeedbackStore(Protocol):
    """What readers said, and what it did to their profiles."""

    def add(self, feedback: Feedback) -> None:
        """Keep it and apply its interests, in one transaction: `added` go in over `replaced`.

        Doing it twice under one id changes nothing.
        """
        ...

    def undo(
        self, feedback_id: str, now: datetime, *, settled: Settled | None = None
    ) -> Feedback | None:
        """Take back what it added and put back what it replaced; None if there is no such, or done.

        What stands in those places then is what `settled` makes of it, in the same transaction.
        """
        ...

    def get(self, feedback_id: str) -> Feedback | None:
        """One, undone or not."""
        ...

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

        No `kinds` are all of them; of papers None are all, and an empty collection is none.
        """
        ...

    def answers(self, first: str, *, kinds: Sequence[FeedbackKind]) -> Iterator[Feedback]:
        """What stands of what was said of editions from `first` (ISO) on, in constant memory.

        By edition, then reader, then when it was said; each with the kind of what its reader said
        last of that paper, of these kinds, wherever that was.
        """
        ...


class CommunityStore(Protocol):
    """Votes, submissions, featured papers, and the moderation log."""

    def vote(self, subscriber_id: str, paper_id: str, now: datetime) -> None:
        """Add a subscriber's vote, once; the count becomes the signal `community`/`upvotes`."""
        ...

    def unvote(self, subscriber_id: str, paper_id: str) -> None:
        """Take the vote back."""
        ...

    def votes_of(self, subscriber_id: str, paper_ids: Iterable[str]) -> frozenset[str]:
        """Which of the papers this subscriber voted for."""
        ...

    def changed(self) -> str:
        """A token that becomes another one whenever votes do."""
        ...

    def submit(self, submission: Submission) -> Submission:
        """Keep a submission; one that stands for the same paper already is returned instead."""
        ...

    def standing(self, paper_id: str) -> Submission | None:
        """The submission that stands for a paper: one that is featured, else the oldest undecided."""
        ...

    def submission(self, submission_id: str) -> Submission | None:
        """One submission."""
        ...

    def submissions(
        self,
        state: SubmissionState | None = None,
        *,
        since: datetime,
        limit: int,
        subscriber_id: str = "",
    ) -> list[Submission]:
        """Submissions made since then, newest first; in one state, of one subscriber."""
        ...

    def decided(self, *, since: datetime, limit: int) -> list[Submission]:
        """Submissions decided since then, the latest decision first."""
        ...

    def arrived(self) -> int:
        """Open the waiting submissions whose paper has been stored meanwhile; how many."""
        ...

    def decide(self, submission: Submission, moderation: Moderation) -> None:
        """Keep a decided submission and the line of the log, in one transaction.

        Rejecting what is featured rejects all that is featured of its paper, and takes back what
        news featuring made of it.
        """
        ...

    def voices(self, paper_ids: Iterable[str]) -> dict[str, list[Voice]]:
        """Who speaks for the featured ones among these papers: submitter, then curator."""
        ...

    def featured(self, since: datetime) -> frozenset[str]:
        """Papers featured since then."""
        ...

    def log(self, *, limit: int) -> list[Moderation]:
        """The moderation log, newest first."""
        ...

    def last_decisions(self, submission_ids: Iterable[str]) -> dict[str, Moderation]:
        """The newest line of the moderation log about each of these submissions that has one."""
        ...
