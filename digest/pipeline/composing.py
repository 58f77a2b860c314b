"""Compose: from what was announced to one digest a subscriber, kept and queued in one transaction.

Works in blocks of subscribers. What is due is read from their rows, so a restart loses nothing
and a missed hour is made up; a digest's key is (subscriber, edition), so doing it twice, or in two
processes, adds nothing.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from digest import compose, editions
from digest.errors import Rejected
from digest.model import EVERYONE, Digest, IdRange, Profile, Ranking, Status, Subscriber
from digest.pipeline import clocks, covering
from digest.pipeline.experimenting import Experiment, Rankers
from digest.pipeline.windows import AskedToStop, Window, Windows, kept_candidates_of
from digest.ports import Candidates, Ranker, Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """What a round of composing came to."""

    subscribers: int = 0
    digests: int = 0

    def __add__(self, other: Composed) -> Composed:
        return Composed(
            subscribers=self.subscribers + other.subscribers, digests=self.digests + other.digests
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A digest composed but not kept, the ranking it was cut from, and what the ranker was asked.

    `without` are the papers that it was told never to pick. `kept` is the digest of that edition
    which the reader already has, if there is one.
    """

    digest: Digest
    ranking: Ranking
    profile: Profile
    candidates: Candidates
    without: frozenset[str]
    kept: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """What all blocks of one round share; `now` is the moment of the whole round."""

    store: Store
    rankers: Rankers
    windows: Windows
    now: datetime
    stopping: Callable[[], bool]
    progress: Callable[[int], object]


def _round(
    store: Store,
    ranker: Ranker,
    experiment: Experiment | None,
    *,
    now: datetime,
    stopping: Callable[[], bool] = lambda: False,
    progress: Callable[[int], object] = lambda _: None,
) -> _Round:
    return _Round(
        store=store,
        rankers=Rankers(ranker=ranker, experiment=experiment),
        windows=Windows(store),
        now=now,
        stopping=stopping,
        progress=progress,
    )


def compose_due(
    store: Store,
    ranker: Ranker,
    *,
    now: datetime,
    block: int,
    domain: str,
    experiment: Experiment | None = None,
    among: IdRange = EVERYONE,
    stopping: Callable[[], bool] = lambda: False,
    progress: Callable[[int], object] = lambda _: None,
) -> Composed:
    """Compose for every active subscriber whose hour has come, oldest first, until none is left.

    `among` is the range of ids that is composed for here. `progress` is told the size of each
    block that is done, and 0 after each of papers that is embedded for it; asked to stop, the block
    in hand is the last, or is left if its papers are not embedded yet.
    """
    this = _round(store, ranker, experiment, now=now, stopping=stopping, progress=progress)
    total, last = Composed(), None
    with suppress(AskedToStop):
        while not stopping():
            due = store.subscribers.due(now, limit=block, among=among, after=last)
            if not due:
                break
            if last is None:
                store.ledger.tidy(now)
            last = due[-1]
            try:
                total += _compose_block(this, due, until=now, domain=domain)
            except Rejected:
                total += _one_by_one(this, due, domain=domain)
            progress(len(due))
    return total


def compose_one(
    store: Store,
    ranker: Ranker,
    person: Subscriber,
    *,
    now: datetime,
    domain: str,
    experiment: Experiment | None = None,
) -> Composed:
    """Compose for one person whose hour has come, without waiting for the clock."""
    if person.status is not Status.ACTIVE or not _is_due(person, now):
        return Composed()
    store.ledger.tidy(now)
    this = _round(store, ranker, experiment, now=now)
    return _compose_block(this, [person], until=now, domain=domain)


def _one_by_one(this: _Round, people: Sequence[Subscriber], *, domain: str) -> Composed:
    """Compose for each alone, after one of them failed the block; that one is put off for a day."""
    total = Composed()
    for person in people:
        try:
            total += _compose_block(this, [person], until=this.now, domain=domain)
        except Rejected as error:
            log.error(  # noqa: TRY400 - the message says it all
                "a digest cannot be composed: %s",
                error.message,
                extra={"action": "compose", "subscriber": person.id},
            )
            subscribers = this.store.subscribers
            current = subscribers.get([person.id]).get(person.id)
            if current is not None:
                put_off = replace(current, due_at=this.now + timedelta(days=1))
                subscribers.save(put_off, before=current)
    return total


def compose_edition(
    store: Store,
    ranker: Ranker,
    edition: str | None,
    *,
    now: datetime,
    block: int,
    domain: str,
    experiment: Experiment | None = None,
    among: IdRange = EVERYONE,
    stopping: Callable[[], bool] = lambda: False,
    progress: Callable[[int], object] = lambda _: None,
) -> Composed:
    """Compose one edition for every active subscriber who does not have it yet.

    `edition` is a date, whose UTC day is what the digest covers; None is everyone's own today,
    up to now. Made for replays and for "one full cycle now": no one's hour is waited for. A digest
    of another day does not count as today's, which stays due.
    `among`, `stopping` and `progress` are as in `compose_due`.
    """
    this = _round(store, ranker, experiment, now=now, stopping=stopping, progress=progress)
    until = covering.until(edition, now)
    store.ledger.tidy(now)
    total, after = Composed(), among.after
    with suppress(AskedToStop):
        while people := store.subscribers.page(after, limit=block, last=among.last):
            if stopping():
                break
            after = people[-1].id
            there = _who_has_one(store, people, edition, until)
            waiting = [each for each in people if each.id not in there]
            if waiting:
                total += _compose_block(this, waiting, until=until, domain=domain, edition=edition)
            if there:
                due = [each for each in people if each.id in there and _is_due(each, now)]
                next_due = _next_due(due, edition, now)
                store.ledger.compose([], next_due=next_due, send_from={}, message_ids={})
                total += Composed(subscribers=len(there))
            progress(len(people))
    return total


def _is_due(person: Subscriber, now: datetime) -> bool:
    return person.due_at is not None and person.due_at <= now


def _next_due(
    people: Iterable[Subscriber], edition: str | None, now: datetime
) -> dict[str, datetime]:
    """When the next digest of each is due; an edition of some other day does not stand for today's."""
    return {
        each.id: editions.next_due(each, now)
        for each in people
        if edition is None or edition == editions.edition_of(each, covering.last_due(each, now))
    }


def _who_has_one(
    store: Store, people: Sequence[Subscriber], edition: str | None, until: datetime
) -> frozenset[str]:
    """Who of them has a digest of the edition, so that nothing is ranked to be thrown away."""
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
    """The digest this subscriber would get for an edition, composed but not kept; and its ranking.

    An edition that they have is ranked again over the same time, with what is known of them now.
    """
    this = _round(store, ranker, experiment, now=now)
    named = edition or editions.edition_of(subscriber, now)
    kept = store.ledger.digest(f"{subscriber.id}.{named}")
    if kept is not None:
        spans = {subscriber.id: kept.since}
        again = _composed(this, [subscriber], spans, until=kept.until, edition=named)[0]
        return replace(again, kept=kept)
    until = covering.until(edition, now)
    return _digests(this, [subscriber], until=until, edition=edition)[0]


def _compose_block(
    this: _Round,
    people: Sequence[Subscriber],
    *,
    until: datetime,
    domain: str,
    edition: str | None = None,
) -> Composed:
    now = this.now
    digests = [each.digest for each in _digests(this, people, until=until, edition=edition)]
    by_id = {each.id: each for each in people}
    kept: list[tuple[Digest, datetime | None]] = []
    for digest in digests:
        person = by_id[digest.subscriber_id]
        wanted = compose.wants_mail(digest, person)
        kept.append((digest, now + editions.validity(person.cadence) if wanted else None))
    # Read again: whoever chose another hour or paused while they were ranked keeps to that. An hour
    # chosen in the milliseconds from here to the write waits one edition.
    current = this.store.subscribers.get(by_id).values()
    going_on = [each for each in current if each.status is Status.ACTIVE]
    new = this.store.ledger.compose(
        kept,
        next_due=_next_due(going_on, edition, now),
        send_from={digest.id: now for digest in digests},
        message_ids={digest.id: f"<{digest.id}@{domain}>" for digest in digests},
    )
    return Composed(subscribers=len(people), digests=new)


def _digests(
    this: _Round, people: Sequence[Subscriber], *, until: datetime, edition: str | None
) -> list[Ranked]:
    """One digest a person, in order.

    The first digest of someone who has just confirmed looks back as far as one after a pause if
    there is nothing in it otherwise: an empty mail, over a holiday perhaps, is no welcome.
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
    this: _Round,
    people: Sequence[Subscriber],
    spans: Mapping[str, datetime],
    *,
    until: datetime,
    edition: str | None,
) -> list[Ranked]:
    """Rank those together whose windows begin on one day, then cut each one's list.

    `spans` is since when each looks.
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
    this: _Round,
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
