"""What a subscriber (or an operator for them) can do: subscribe, confirm, unsubscribe, answer.

Every function takes the store and `now`, may be called twice without harm, and says what it did
by returning the subscriber as kept. Web pages, mail and the command line all come through here.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time

from email_validator import EmailNotValidError, validate_email

from digest import editions
from digest.errors import InvalidInput, NotFound
from digest.merging import arxiv_id, canonical_doi
from digest.model import Cadence, Interest, InterestKind, Quiet, Status, Subscriber, Topic
from digest.ports import Store

KEY_BYTES = 32
ID_BYTES = 10
MOST_INTERESTS = 2_000
LONGEST_INTEREST = 200

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What someone asked for, as typed; None leaves the present value or the default."""

    topics: Sequence[str] = ()
    keywords: Sequence[str] = ()
    authors: Sequence[str] = ()
    likes: Sequence[str] = ()
    mutes: Sequence[str] = ()
    at: str | None = None
    tz: str | None = None
    cadence: str | None = None
    limit: int | None = None
    quiet: str | None = None


def normal_address(email: str) -> str:
    """The address in the one form it is kept and compared in.

    Syntax only (RFC 5321 lengths, IDNA domain), no DNS; the domain is lower-cased, and so is the
    local part, since no mail system people use tells `Ada@` from `ada@`. Raises InvalidInput.
    """
    try:
        checked = validate_email(email.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise InvalidInput(f"That is not an email address we can send to: {error}") from error
    return checked.normalized.lower()


def subscribe(
    store: Store,
    email: str,
    wishes: Wishes,
    *,
    topics: Mapping[str, Topic],
    defaults: Subscriber,
    confirmed: bool,
    now: datetime,
) -> Subscriber:
    """Add a subscriber, or add wishes to a known one.

    New ones, and those who come back, stay `pending` until they confirm, unless `confirmed` (an operator vouches).
    A confirmed call also revives someone who had unsubscribed; nothing revives a suppressed
    address but an operator's confirmation. Raises InvalidInput.
    """
    address = normal_address(email)
    interests = interests_of(wishes, topics=topics, now=now)
    known = store.subscribers.by_email(address)
    base = known or replace(
        defaults,
        id=f"s_{secrets.token_hex(ID_BYTES)}",
        email=address,
        status=Status.PENDING,
        key=secrets.token_hex(KEY_BYTES),
        created_at=now,
        confirmed_at=None,
        due_at=None,
    )
    if base.status is Status.UNSUBSCRIBED and not confirmed:
        base = replace(base, status=Status.PENDING)
    wanted = with_schedule(base, wishes)
    if known is None:
        store.subscribers.add([(wanted, interests)])
    else:
        store.subscribers.save(wanted)
        store.subscribers.add_interests(wanted.id, interests)
    if confirmed and wanted.status is not Status.ACTIVE:
        return activate(store, wanted, now=now)
    if wanted.status is Status.ACTIVE and known is not None and _timing(wanted) != _timing(known):
        wanted = replace(wanted, due_at=editions.next_due(wanted, now))
        store.subscribers.save(wanted)
    return wanted


def activate(store: Store, subscriber: Subscriber, *, now: datetime) -> Subscriber:
    """Confirm a subscription: the next digest is due at the subscriber's next local hour."""
    if subscriber.status is Status.ACTIVE:
        return subscriber
    active = replace(
        subscriber,
        status=Status.ACTIVE,
        confirmed_at=subscriber.confirmed_at or now,
        due_at=editions.next_due(subscriber, now),
    )
    store.subscribers.save(active)
    return active


def unsubscribe(store: Store, subscriber: Subscriber) -> Subscriber:
    """End a subscription at once; interests are kept, in case it was a slip."""
    if subscriber.status in (Status.UNSUBSCRIBED, Status.SUPPRESSED):
        return subscriber
    store.subscribers.set_status(subscriber.id, Status.UNSUBSCRIBED)
    return replace(subscriber, status=Status.UNSUBSCRIBED, due_at=None)


def suppress(store: Store, subscriber: Subscriber) -> Subscriber:
    """Stop sending to an address that a mail server refused for good."""
    store.subscribers.set_status(subscriber.id, Status.SUPPRESSED)
    return replace(subscriber, status=Status.SUPPRESSED, due_at=None)


def revoke(store: Store, subscriber: Subscriber) -> Subscriber:
    """Give a subscriber a new key: every link of theirs, and their feed's address, ends."""
    renewed = replace(subscriber, key=secrets.token_hex(KEY_BYTES))
    store.subscribers.save(renewed)
    return renewed


def answer(
    store: Store, subscriber: Subscriber, paper_id: str, *, more: bool, now: datetime
) -> Interest:
    """Record "more like this" or "less like this" for a paper."""
    interest = Interest(
        kind=InterestKind.LIKE if more else InterestKind.DISLIKE, value=paper_id, added_at=now
    )
    store.subscribers.add_interests(subscriber.id, [interest])
    return interest


def find(store: Store, email: str) -> Subscriber:
    """The subscriber with this address; raises NotFound."""
    subscriber = store.subscribers.by_email(normal_address(email))
    if subscriber is None:
        raise NotFound("Nobody is subscribed with that address; `digest subscribe` adds them.")
    return subscriber


def interests_of(
    wishes: Wishes, *, topics: Mapping[str, Topic], now: datetime
) -> tuple[Interest, ...]:
    """The interests that someone's words ask for; raises InvalidInput or NotFound."""
    found = [
        *(_interest(InterestKind.TOPIC, topic_id(each, topics), now) for each in wishes.topics),
        *(_interest(InterestKind.KEYWORD, each, now) for each in wishes.keywords),
        *(_interest(InterestKind.AUTHOR, each, now) for each in wishes.authors),
        *(_interest(InterestKind.LIKE, paper_key(each), now) for each in wishes.likes),
        *(_interest(InterestKind.MUTE, each, now) for each in wishes.mutes),
    ]
    if len(found) > MOST_INTERESTS:
        raise InvalidInput(f"A profile can hold {MOST_INTERESTS} interests, not {len(found)}.")
    return tuple({(each.kind, each.value): each for each in found}.values())


def topic_id(text: str, topics: Mapping[str, Topic]) -> str:
    """The id of the topic meant, whatever its case; raises NotFound with near misses."""
    wanted = text.strip()
    if wanted in topics:
        return wanted
    by_fold = {each.casefold(): each for each in topics}
    if wanted.casefold() in by_fold:
        return by_fold[wanted.casefold()]
    if re.fullmatch(r"(?:bio|med)rxiv:[a-z0-9-]{2,60}", wanted.casefold()):
        return wanted.casefold()
    near = [
        each.id
        for each in topics.values()
        if wanted
        and (wanted.casefold() in each.name.casefold() or wanted.casefold() in each.id.casefold())
    ][:5]
    hint = f"Did you mean {', '.join(near)}?" if near else "`digest topics` lists them all."
    raise NotFound(f"There is no topic {wanted!r}. {hint}", subject=wanted)


def paper_key(text: str) -> str:
    """The id of a paper that someone named by arXiv id, DOI or address; raises InvalidInput."""
    arxiv = arxiv_id(text)
    if arxiv is not None:
        return f"arxiv:{arxiv[0]}"
    doi = canonical_doi(text)
    if doi:
        return f"doi:{doi}"
    raise InvalidInput(f"{text!r} is neither an arXiv id (2406.01234) nor a DOI (10.1101/…).")


def with_schedule(subscriber: Subscriber, wishes: Wishes) -> Subscriber:
    """The subscriber with the wished hour, zone, days and number; raises InvalidInput.

    `cadence` is daily, weekdays, weekly (on Mondays) or a day's name for weekly on that day.
    """
    at: time = subscriber.at if wishes.at is None else editions.parse_at(wishes.at)
    tz = subscriber.tz if wishes.tz is None else editions.validate_tz(wishes.tz)
    cadence, weekday = subscriber.cadence, subscriber.weekday
    if wishes.cadence is not None:
        cadence, weekday = parse_cadence(wishes.cadence, weekday=weekday)
    limit = subscriber.limit if wishes.limit is None else wishes.limit
    if not 1 <= limit <= 50:  # noqa: PLR2004 - what still fits a readable mail
        raise InvalidInput(f"A digest shows between 1 and 50 papers in full, not {limit}.")
    quiet = subscriber.quiet
    if wishes.quiet is not None:
        if wishes.quiet not in tuple(Quiet):
            raise InvalidInput(
                f"On a quiet day one can get 'line' or 'nothing', not {wishes.quiet!r}."
            )
        quiet = Quiet(wishes.quiet)
    return replace(
        subscriber, at=at, tz=tz, cadence=cadence, weekday=weekday, limit=limit, quiet=quiet
    )


def parse_cadence(text: str, *, weekday: int = 0) -> tuple[Cadence, int]:
    """Cadence and weekday from words such as `daily`, `weekly`, `friday`; raises InvalidInput."""
    word = text.strip().casefold()
    if word in tuple(Cadence):
        return Cadence(word), weekday
    matching = [day for day in WEEKDAYS if len(word) >= 3 and day.startswith(word)]  # noqa: PLR2004
    if len(matching) == 1:
        return Cadence.WEEKLY, WEEKDAYS.index(matching[0])
    raise InvalidInput(f"A digest comes daily, weekdays, weekly or on a named day, not {text!r}.")


def described(interests: Iterable[Interest]) -> dict[str, list[str]]:
    """Interests as lists of values by kind, for exports and JSON."""
    lists: dict[str, list[str]] = {str(kind): [] for kind in InterestKind}
    for each in interests:
        lists[str(each.kind)].append(each.value)
    return lists


def _interest(kind: InterestKind, value: str, now: datetime) -> Interest:
    text = " ".join(value.split())
    if not text or len(text) > LONGEST_INTEREST:
        raise InvalidInput(f"A {kind} must have between 1 and {LONGEST_INTEREST} characters.")
    if ";" in text:
        raise InvalidInput(f"A {kind} cannot have a semicolon; give {text!r} as two.")
    return Interest(kind=kind, value=text, added_at=now)


def _timing(subscriber: Subscriber) -> tuple[object, ...]:
    return (subscriber.at, subscriber.tz, subscriber.cadence, subscriber.weekday)
