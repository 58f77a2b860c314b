"""Compose: from what was announced to one digest a subscriber, kept and queued in one transaction.

Works in blocks of subscribers. What is due is read from their rows, so a restart loses nothing
and a missed hour is made up; a digest's key is (subscriber, edition), so doing it twice, or in two
processes, adds nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from digest import compose, editions
from digest.errors import InvalidInput, Rejected
from digest.model import (
    Cadence,
    Digest,
    InterestKind,
    Paper,
    Profile,
    Ranking,
    SourceReport,
    Status,
    Subscriber,
)
from digest.pipeline import learning
from digest.pipeline.experimenting import Experiment, Rankers
from digest.ports import Candidates, Ranker, Store
from digest.ranking import trending

log = logging.getLogger(__name__)

REPORT_WINDOW = timedelta(hours=36)
FEATURED_FOR = timedelta(days=14)
REFERRED = (InterestKind.LIKE, InterestKind.DISLIKE, InterestKind.KNOWN)


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
class Window:
    """The papers announced in a window, with when each was first seen in it."""

    since: datetime
    until: datetime
    papers: tuple[Paper, ...]
    seen_at: Mapping[str, datetime]
    trending: Mapping[str, float]
    upvotes: Mapping[str, int]
    reports: tuple[SourceReport, ...]


def compose_due(
    store: Store,
    ranker: Ranker,
    *,
    now: datetime,
    block: int,
    domain: str,
    experiment: Experiment | None = None,
) -> Composed:
    """Compose for every active subscriber whose hour has come, oldest first, until none is left."""
    rankers = Rankers(ranker=ranker, experiment=experiment)
    total = Composed()
    while True:
        due = store.subscribers.due(now, limit=block)
        if not due:
            return total
        try:
            total += _compose_block(store, rankers, due, until=now, now=now, domain=domain)
        except Rejected:
            total += _one_by_one(store, rankers, due, now=now, domain=domain)


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
    if person.status is not Status.ACTIVE or person.due_at is None or person.due_at > now:
        return Composed()
    rankers = Rankers(ranker=ranker, experiment=experiment)
    return _compose_block(store, rankers, [person], until=now, now=now, domain=domain)


def _one_by_one(
    store: Store, rankers: Rankers, people: Sequence[Subscriber], *, now: datetime, domain: str
) -> Composed:
    """Compose for each alone, since one of them cannot be; that one is put off for a day."""
    total = Composed()
    for person in people:
        try:
            total += _compose_block(store, rankers, [person], until=now, now=now, domain=domain)
        except Rejected as error:
            log.error(  # noqa: TRY400 - the message says it all
                "a digest cannot be composed: %s",
                error.message,
                extra={"action": "compose", "subscriber": person.id},
            )
            current = store.subscribers.get([person.id]).get(person.id)
            if current is not None:
                put_off = replace(current, due_at=now + timedelta(days=1))
                store.subscribers.save(put_off, before=current)
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
) -> Composed:
    """Compose one edition for every active subscriber who does not have it yet.

    `edition` is a date, whose UTC day is what the digest covers; None is everyone's own today,
    up to now. Made for replays and for "one full cycle now": no one's hour is waited for.
    """
    rankers = Rankers(ranker=ranker, experiment=experiment)
    total, after = Composed(), ""
    while people := store.subscribers.page(after, limit=block):
        after = people[-1].id
        until = _until(edition, now)
        total += _compose_block(
            store, rankers, people, until=until, now=now, domain=domain, edition=edition
        )
    return total


def rank_one(
    store: Store,
    ranker: Ranker,
    subscriber: Subscriber,
    edition: str | None,
    *,
    now: datetime,
    experiment: Experiment | None = None,
) -> tuple[Digest, Ranking]:
    """The digest this subscriber would get for an edition, composed but not kept, and why."""
    rankers = Rankers(ranker=ranker, experiment=experiment)
    until = _until(edition, now)
    named = edition or editions.edition_of(subscriber, now)
    kept = store.ledger.digest(f"{subscriber.id}.{named}")
    if kept is not None:
        digests, rankings = _composed(
            store,
            rankers,
            [subscriber],
            {subscriber.id: kept.since},
            until=kept.until,
            now=now,
            edition=named,
        )
    else:
        digests, rankings = _digests(
            store, rankers, [subscriber], until=until, now=now, edition=edition
        )
    return digests[0], rankings[0]


def _until(edition: str | None, now: datetime) -> datetime:
    """Where a digest's window ends: never later than now, or what comes until then would be lost."""
    if edition is None:
        return now
    since, until = editions.day_window(edition)
    if since > now + timedelta(days=1):
        raise InvalidInput(f"{edition} has not come yet.")
    return min(now, until)


def window_of(store: Store, since: datetime, until: datetime) -> Window:
    """Load what was announced in (since, until], and the source reports around its end."""
    announced = store.papers.announced(since, until)
    ids = [paper.id for paper, _ in announced]
    signals = [each for found in store.papers.signals(ids).values() for each in found]
    return Window(
        since=since,
        until=until,
        papers=tuple(paper for paper, _ in announced),
        seen_at={paper.id: announcement.seen_at for paper, announcement in announced},
        trending=store.papers.trending(ids),
        upvotes=trending.upvotes(signals),
        reports=tuple(
            each for each in store.sources.reports(since=until - REPORT_WINDOW) if each.at <= until
        ),
    )


def _compose_block(
    store: Store,
    rankers: Rankers,
    people: Sequence[Subscriber],
    *,
    until: datetime,
    now: datetime,
    domain: str,
    edition: str | None = None,
) -> Composed:
    digests, _ = _digests(store, rankers, people, until=until, now=now, edition=edition)
    by_id = {each.id: each for each in people}
    kept: list[tuple[Digest, datetime | None]] = []
    for digest in digests:
        person = by_id[digest.subscriber_id]
        wanted = compose.wants_mail(digest, person)
        kept.append((digest, now + editions.validity(person.cadence) if wanted else None))
    new = store.ledger.compose(
        kept,
        next_due={each.id: editions.next_due(each, now) for each in people},
        send_from={digest.id: now for digest in digests},
        message_ids={digest.id: f"<{digest.id}@{domain}>" for digest in digests},
    )
    return Composed(subscribers=len(people), digests=new)


def _digests(
    store: Store,
    rankers: Rankers,
    people: Sequence[Subscriber],
    *,
    until: datetime,
    now: datetime,
    edition: str | None,
) -> tuple[list[Digest], list[Ranking]]:
    """One digest a person, in order.

    The first digest of someone who has just confirmed looks back as far as one after a pause if
    there is nothing in it otherwise: an empty mail, over a holiday perhaps, is no welcome.
    """
    covered = store.ledger.covered([each.id for each in people])
    spans = _spans(people, covered, until=until, edition=edition)
    found = _composed(store, rankers, people, spans, until=until, now=now, edition=edition)
    newcomers = [
        person
        for person, ranking in zip(people, found[1], strict=True)
        if edition is None
        and not ranking.picks
        and person.id not in covered
        and _has_just_confirmed(person)
    ]
    if not newcomers:
        return found
    further = {
        each.id: _unseen(each, until - editions.FURTHEST_BACK[each.cadence], until)
        for each in newcomers
    }
    again = _composed(store, rankers, newcomers, further, until=until, now=now, edition=None)
    by_id = {each.subscriber_id: (each, ranking) for each, ranking in zip(*again, strict=True)}
    pairs = [
        by_id.get(each.subscriber_id, (each, ranking)) for each, ranking in zip(*found, strict=True)
    ]
    return [each for each, _ in pairs], [ranking for _, ranking in pairs]


def _composed(
    store: Store,
    rankers: Rankers,
    people: Sequence[Subscriber],
    spans: Mapping[str, datetime],
    *,
    until: datetime,
    now: datetime,
    edition: str | None,
) -> tuple[list[Digest], list[Ranking]]:
    """Rank the whole block at once, then cut each one's list; `spans` is since when each looks."""
    window = window_of(store, min(spans.values()), until)
    profiles = store.subscribers.profiles([each.id for each in people])
    ids = frozenset(window.seen_at)
    sent = store.ledger.sent([each.id for each in people], ids, but_edition=edition or "")
    old = {each.id: _too_old(window, spans[each.id]) for each in people}
    without = {each.id: sent.get(each.id, frozenset()) | old[each.id] for each in people}
    candidates = candidates_of(store, window, profiles, *rankers.both)
    named = {each.id: edition or editions.edition_of(each, _due(each, until)) for each in people}
    rankings = rankers.rank(profiles, candidates, without=without, editions=named, now=now)
    digests = [
        compose.compose(
            ranking,
            subscriber=person,
            edition=named[person.id],
            since=spans[person.id],
            until=until,
            announced=len(ids - old[person.id]),
            withheld=len(sent.get(person.id, frozenset()) - old[person.id]),
            reports=window.reports,
            now=now,
        )
        for person, ranking in zip(people, rankings, strict=True)
    ]
    return digests, rankings


def candidates_of(
    store: Store, window: Window, profiles: Sequence[Profile], *rankers: Ranker
) -> Candidates:
    """What rankers may use: the window, the papers that profiles name, the curators' picks."""
    liked = store.papers.get(
        {each.value for profile in profiles for each in profile.interests if each.kind in REFERRED}
    )
    return Candidates(
        papers=window.papers,
        trending=window.trending,
        upvotes=window.upvotes,
        liked=liked,
        featured=store.community.featured(window.until - FEATURED_FOR),
        vectors=learning.vectors_for(store, rankers, [*window.papers, *liked.values()]),
    )


def _due(person: Subscriber, until: datetime) -> datetime:
    """The moment whose date names the digest: when it was last due, else now.

    One that was due before midnight and is composed after it is still yesterday's; it must not
    take the place of today's.
    """
    due = person.due_at
    if due is None or due > until:
        return until
    while (following := editions.next_due(person, due)) <= until:
        due = following
    return due


def _spans(
    people: Sequence[Subscriber],
    covered: Mapping[str, datetime],
    *,
    until: datetime,
    edition: str | None,
) -> dict[str, datetime]:
    """Since when each person's digest looks: the end of their last one, within bounds.

    What they have marked as seen since then is left out.
    """
    spans: dict[str, datetime] = {}
    for person in people:
        last_until = covered.get(person.id)
        if last_until is not None and last_until >= until:
            last_until = None
        if edition is not None and last_until is None and person.cadence is not Cadence.WEEKLY:
            spans[person.id] = editions.day_window(edition)[0]
        elif last_until is None and edition is None:
            due = min(person.due_at or until, until)
            first = editions.window(person.cadence, None, due)[0]
            spans[person.id] = editions.window(person.cadence, first, until)[0]
        else:
            spans[person.id] = editions.window(person.cadence, last_until, until)[0]
        spans[person.id] = _unseen(person, spans[person.id], until)
    return spans


def _has_just_confirmed(person: Subscriber) -> bool:
    """Whether the digest that is due is the one that `subscriptions.confirm` made due at once."""
    if person.confirmed_at is None or person.due_at is None:
        return False
    return person.due_at <= person.confirmed_at


def _unseen(person: Subscriber, since: datetime, until: datetime) -> datetime:
    """Where a digest begins for someone who has marked everything up to some moment as seen."""
    return since if person.seen_until is None else min(max(since, person.seen_until), until)


def _too_old(window: Window, since: datetime) -> frozenset[str]:
    if since <= window.since:
        return frozenset()
    return frozenset(paper for paper, seen in window.seen_at.items() if seen <= since)
