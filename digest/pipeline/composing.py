"""Compose: make one digest for each subscriber whose hour has come, and queue it.

Works in blocks of subscribers; each block is kept in one transaction. What is due stands in the
subscribers' rows, so a restart loses nothing and a missed hour is made up. A digest's key is
(subscriber, edition), so composing twice, or in two processes, adds nothing.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial

from digest import compose, editions
from digest.errors import DigestError, Rejected
from digest.model import EVERYONE, Digest, IdRange, Profile, Ranking, Status, Subscriber
from digest.pipeline import clocks, covering
from digest.pipeline.experimenting import Experiment, Rankers
from digest.pipeline.windows import AskedToStop, Window, Windows, kept_candidates_of
from digest.ports import Candidates, Ranker, Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """What a round of composing did."""

    subscribers: int = 0
    digests: int = 0

    def __add__(self, other: Composed) -> Composed:
        return Composed(
            subscribers=self.subscribers + other.subscribers, digests=self.digests + other.digests
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A digest that was composed but not kept, its ranking, and what the ranker was given.

    `without` are the papers that must not be picked. `kept` is the digest of that edition that the
    reader already has, if any.
    """

    digest: Digest
    ranking: Ranking
    profile: Profile
    candidates: Candidates
    without: frozenset[str]
    kept: Digest | None = None


@dataclass(slots=True, kw_only=True)
class Round:
    """What composing needs, the same for all blocks of one round.

    `now` is the moment of the whole round, `block` how many subscribers are ranked together,
    `among` the range of their ids. `domain` is for Message-IDs. `progress` is told the size of each
    block that is done, and 0 after each group of papers that is embedded for one. When `stopping`
    says so, the block in hand is the last; it is given up if its papers are not embedded yet.
    """

    store: Store
    ranker: Ranker
    now: datetime
    domain: str = ""
    block: int = 500
    experiment: Experiment | None = None
    among: IdRange = EVERYONE
    stopping: Callable[[], bool] = lambda: False
    progress: Callable[[int], object] = lambda _: None
    rankers: Rankers = field(init=False)
    windows: Windows = field(init=False)

    def __post_init__(self) -> None:
        """Begin without any window loaded."""
        self.rankers = Rankers(ranker=self.ranker, experiment=self.experiment)
        self.windows = Windows(self.store)


def compose_due(this: Round) -> Composed:
    """Compose for every active subscriber whose hour has come, oldest first, until none is left."""
    total, last = Composed(), None
    with suppress(AskedToStop):
        while not this.stopping():
            due = this.store.subscribers.due(
                this.now, limit=this.block, among=this.among, after=last
            )
            if not due:
                break
            if last is None:
                this.store.ledger.tidy(this.now)
            last = due[-1]
            total += _together_or_alone(this, due, partial(_compose_block, this, until=this.now))
            this.progress(len(due))
    return total


def compose_one(this: Round, person: Subscriber) -> Composed:
    """Compose for one person if their hour has come, without waiting for the clock."""
    if person.status is not Status.ACTIVE or not _is_due(person, this.now):
        return Composed()
    this.store.ledger.tidy(this.now)
    return _compose_block(this, [person], until=this.now)


def _together_or_alone(
    this: Round, people: Sequence[Subscriber], made: Callable[[Sequence[Subscriber]], Composed]
) -> Composed:
    """Compose for all together, or for each alone if that fails; whoever fails alone waits a day.

    When asked to stop, whoever was not tried yet stays due. Raises what is nobody's own: errors of
    the store or the disk, and one that everybody meets.
    """
    together = _tried(made, people)
    if isinstance(together, Composed):
        return together
    total, failed = Composed(), []
    for person in people:
        if this.stopping():
            return total
        alone = _tried(made, [person])
        if isinstance(alone, Composed):
            total += alone
        else:
            failed.append(person)
    if len(failed) == len(people) and not isinstance(together, Rejected):
        raise together
    for person in failed:
        again = _tried(made, [person])  # what passed while others were composed was not their own
        if isinstance(again, Composed):
            total += again
        else:
            _put_off(this, person, again)
    return total


def _tried(
    made: Callable[[Sequence[Subscriber]], Composed], people: Sequence[Subscriber]
) -> Composed | Exception:
    """What was composed, or an error that may be somebody's own; any other is raised."""
    try:
        return made(people)
    except Exception as error:
        if not _may_be_ones_own(error):
            raise
        return error


def _may_be_ones_own(error: Exception) -> bool:
    """Whether an error may come from one reader's row or profile, which a ranker may trip over."""
    known = (DigestError, AskedToStop, OSError, MemoryError)
    return isinstance(error, Rejected) or not isinstance(error, known)


def _put_off(this: Round, person: Subscriber, error: Exception) -> None:
    log.error(
        "the digest of %s cannot be composed: %s",
        person.id,
        error.message if isinstance(error, DigestError) else type(error).__name__,
        exc_info=None if isinstance(error, DigestError) else error,
        extra={"action": "compose", "subscriber": person.id},
    )
    subscribers = this.store.subscribers
    current = subscribers.get([person.id]).get(person.id)
    if current is not None and _is_due(current, this.now):
        put_off = replace(current, due_at=this.now + timedelta(days=1))
        subscribers.save(put_off, before=current)


def compose_edition(this: Round, edition: str | None) -> Composed:
    """Compose one edition for every active subscriber who does not have it yet.

    `edition` is a date, whose UTC day the digest covers; None is everyone's own today, up to now.
    For replays and for "one full cycle now": nobody's hour is waited for. A digest of another day
    does not count as today's, which stays due.
    """
    store, now = this.store, this.now
    until = covering.until(edition, now)
    store.ledger.tidy(now)
    total, after = Composed(), this.among.after
    with suppress(AskedToStop):
        while people := store.subscribers.page(after, limit=this.block, last=this.among.last):
            if this.stopping():
                break
            after = people[-1].id
            made = partial(_edition_for, this, edition=edition, until=until)
            total += _together_or_alone(this, people, made)
            this.progress(len(people))
    return total


def _edition_for(
    this: Round, people: Sequence[Subscriber], *, edition: str | None, until: datetime
) -> Composed:
    """Compose an edition for those who lack it; the others are due again when they would be."""
    store, now = this.store, this.now
    there = _who_has_one(store, people, edition, until)
    waiting = [each for each in people if each.id not in there]
    total = Composed(subscribers=len(there))
    if there:  # first: should a row be bad, nothing must have been composed that is not counted
        due = [each for each in people if each.id in there and _is_due(each, now)]
        next_due = _next_due(due, edition, now)
        store.ledger.compose([], next_due=next_due, send_from={}, message_ids={})
    if waiting:
        total += _compose_block(this, waiting, until=until, edition=edition)
    return total


def _is_due(person: Subscriber, now: datetime) -> bool:
    return person.due_at is not None and person.due_at <= now


def _next_due(
    people: Iterable[Subscriber], edition: str | None, now: datetime
) -> dict[str, datetime]:
    """When each one's next digest is due; an edition of another day does not replace today's."""
    return {
        each.id: editions.next_due(each, now)
        for each in people
        if edition is None or edition == editions.edition_of(each, covering.last_due(each, now))
    }


def _who_has_one(
    store: Store, people: Sequence[Subscriber], edition: str | None, until: datetime
) -> frozenset[str]:
    """Who of them has a digest of the edition already, and so need not be ranked."""
    by_edition: defaultdict[str, list[str]] = defaultdict(list)
    for each in people:
        by_edition[edition or editions.edition_of(each, covering.last_due(each, until))].append(
            each.id
        )
    return frozenset().union(*(store.ledger.composed(ids, day) for day, ids in by_edition.items()))


def rank_one(
    store: Store,
    ranker: Ranker,
    subscriber: Subscriber,
    edition: str | None,
    *,
    now: datetime,
    experiment: Experiment | None = None,
) -> Ranked:
    """The digest that this subscriber would get for an edition, and its ranking; nothing is kept.

    An edition that they already have is ranked again over the same time, with their profile of
    today.
    """
    this = Round(store=store, ranker=ranker, experiment=experiment, now=now)
    named = edition or editions.edition_of(subscriber, now)
    kept = store.ledger.digest(f"{subscriber.id}.{named}")
    if kept is not None:
        spans = {subscriber.id: kept.since}
        again = _composed(this, [subscriber], spans, until=kept.until, edition=named)[0]
        return replace(again, kept=kept)
    until = covering.until(edition, now)
    return _digests(this, [subscriber], until=until, edition=edition)[0]


def _compose_block(
    this: Round,
    people: Sequence[Subscriber],
    *,
    until: datetime,
    edition: str | None = None,
) -> Composed:
    now = this.now
    digests = [each.digest for each in _digests(this, people, until=until, edition=edition)]
    by_id = {each.id: each for each in people}
    kept: list[tuple[Digest, datetime | None]] = []
    for digest in digests:
        person = by_id[digest.subscriber_id]
        wanted = compose.wants_mail(digest, person)
        kept.append((digest, now + editions.VALIDITY[person.cadence] if wanted else None))
    # Read again, since some may have chosen another hour or paused while they were ranked. An hour
    # chosen in the milliseconds until the write takes effect one edition later.
    current = this.store.subscribers.get(by_id).values()
    going_on = [each for each in current if each.status is Status.ACTIVE]
    new = this.store.ledger.compose(
        kept,
        next_due=_next_due(going_on, edition, now),
        send_from={digest.id: now for digest in digests},
        message_ids={digest.id: f"<{digest.id}@{this.domain}>" for digest in digests},
    )
    return Composed(subscribers=len(people), digests=new)


def _digests(
    this: Round, people: Sequence[Subscriber], *, until: datetime, edition: str | None
) -> list[Ranked]:
    """One digest a person, in order.

    If the first digest of someone who has just confirmed would be empty, perhaps over a holiday, it
    looks back as far as one after a pause does.
    """
    store = this.store
    covered = clocks.covered(store, store.ledger.covered([each.id for each in people]))
    spans = covering.spans(people, covered, until=until, edition=edition)
    found = _composed(this, people, spans, until=until, edition=edition)
    newcomers = [
        person
        for person, ranked in zip(people, found, strict=True)
        if edition is None
        and not ranked.ranking.listed
        and person.id not in covered
        and covering.has_just_confirmed(person)
    ]
    if not newcomers:
        return found
    further = {
        each.id: covering.unseen(each, until - editions.FURTHEST_BACK[each.cadence], until)
        for each in newcomers
    }
    again = _composed(this, newcomers, further, until=until, edition=None)
    second = {person.id: ranked for person, ranked in zip(newcomers, again, strict=True)}
    return [second.get(person.id, ranked) for person, ranked in zip(people, found, strict=True)]


def _composed(
    this: Round,
    people: Sequence[Subscriber],
    spans: Mapping[str, datetime],
    *,
    until: datetime,
    edition: str | None,
) -> list[Ranked]:
    """Rank together those whose windows begin on the same day, then cut each one's list.

    `spans` says since when each of them looks.
    """
    by_day: defaultdict[date, list[Subscriber]] = defaultdict(list)
    for person in people:
        by_day[spans[person.id].date()].append(person)
    found: dict[str, Ranked] = {}
    for together in by_day.values():
        window = this.windows.of(min(spans[each.id] for each in together), until)
        ranked = _in_window(this, window, together, spans, edition=edition)
        found.update(zip((each.id for each in together), ranked, strict=True))
    return [found[each.id] for each in people]


def _in_window(
    this: Round,
    window: Window,
    people: Sequence[Subscriber],
    spans: Mapping[str, datetime],
    *,
    edition: str | None,
) -> list[Ranked]:
    """Rank the whole block at once, then cut each one's list."""
    store, rankers, now = this.store, this.rankers, this.now
    until, keys = window.until, [each.id for each in people]
    profiles = store.subscribers.profiles(keys)
    ids = frozenset(window.seen_at)
    sent = store.ledger.sent(keys, ids, but_edition=edition or "")
    too_old = {since: window.too_old(since) for since in {spans[each] for each in keys}}
    old = {each: too_old[spans[each]] for each in keys}
    without = {each.id: sent.get(each.id, frozenset()) | old[each.id] for each in people}
    candidates = kept_candidates_of(
        store, window, profiles, *rankers.both, stopping=this.stopping, progress=this.progress
    )
    named = {
        each.id: edition or editions.edition_of(each, covering.last_due(each, until))
        for each in people
    }
    choosy = {each.id for each in people if each.floor > 0}
    rankings = rankers.rank(
        profiles, candidates, without=without, editions=named, choosy=choosy, now=now
    )
    return [
        Ranked(
            digest=compose.compose(
                ranking,
                subscriber=person,
                edition=named[person.id],
                since=spans[person.id],
                until=until,
                announced=len(ids) - len(old[person.id]),
                withheld=len(sent.get(person.id, frozenset()) - old[person.id]),
                reports=window.reports,
                now=now,
            ),
            ranking=ranking,
            profile=profile,
            candidates=candidates,
            without=without[person.id],
        )
        for person, profile, ranking in zip(people, profiles, rankings, strict=True)
    ]
