"""A store with people in it, and words for what a test looks at."""

from datetime import date

import pytest

from digest import subscriptions
from digest.config import arxiv_topics
from digest.model import Announcement, AnnounceType, Item, Paper, Status, Subscriber, Topic
from digest.subscriptions import Bounds, Wishes
from digest.testing import NOW


@pytest.fixture(scope="session")
def topics():
    return {
        **arxiv_topics(),
        "retrieval": Topic(id="retrieval", name="Retrieval and search", categories=("cs.IR",)),
    }


@pytest.fixture
def defaults(now):
    return Subscriber(id="", email="", key="", created_at=now)


@pytest.fixture
def subscribe(store, topics, defaults, now):
    """Adds someone as an operator does."""

    def add(email="ada@example.org", *, confirmed=True, **wishes):
        return subscriptions.subscribe(
            store,
            email,
            Wishes(**wishes),
            topics=topics,
            defaults=defaults,
            confirmed=confirmed,
            now=now,
        )

    return add


@pytest.fixture
def sign_up(store, topics, defaults, now):
    """Asks for a subscription as a stranger does."""

    def ask(email="ada@example.org", *, network="192.0.2.7", at=now, bounds=None, **wishes):
        return subscriptions.sign_up(
            store,
            email,
            Wishes(**wishes),
            topics=topics,
            defaults=defaults,
            network=network,
            bounds=bounds or Bounds(signups=100, letters=100),
            now=at,
        )

    return ask


@pytest.fixture
def interests(store):
    """What is in someone's profile, as (kind, value) pairs."""

    def look(person):
        (profile,) = store.subscribers.profiles([person.id])
        return {(str(each.kind), each.value) for each in profile.interests}

    return look


@pytest.fixture
def profile(store):
    """Someone's whole profile, as a set of interests."""

    def look(person):
        (found,) = store.subscribers.profiles([person.id])
        return set(found.interests)

    return look


@pytest.fixture(params=[Status.UNSUBSCRIBED, Status.SUPPRESSED])
def end(store, request):
    """Ends a subscription, in either way."""

    def run(person):
        store.subscribers.set_status(person.id, request.param)
        return store.subscribers.by_email(person.email)

    return run


@pytest.fixture
def paper(store):
    """Stores a paper, of which other ids may be named too, and gives it back."""

    def add(number=1, *also):
        made = Paper(
            id=f"arxiv:2606.{number:05}",
            title=f"On the retrieval of things of kind {number}",
            authors=("Ada Example", "Bo Sample"),
            categories=("cs.IR",),
            identifiers=(f"arxiv:2606.{number:05}", *also),
        )
        announcement = Announcement(
            paper_id=made.id,
            source="arxiv",
            feed="cs.IR",
            day=date(2026, 6, 10),
            type=AnnounceType.NEW,
            seen_at=NOW,
        )
        store.papers.ingest([Item(paper=made, announcement=announcement)])
        return made

    return add
