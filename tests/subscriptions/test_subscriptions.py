"""What a person can ask for, and what becomes of the rows."""

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest

from digest import subscriptions
from digest.config import arxiv_topics
from digest.errors import InvalidInput, NotFound
from digest.model import Cadence, InterestKind, Quiet, Status, Subscriber, Topic
from digest.subscriptions import Wishes

TOPICS = {
    **arxiv_topics(),
    "retrieval": Topic(id="retrieval", name="Retrieval and search", categories=("cs.IR",)),
}


@pytest.fixture
def defaults(now):
    return Subscriber(id="", email="", key="", created_at=now)


@pytest.fixture
def subscribe(store, defaults, now):
    def add(email="ada@example.org", *, confirmed=True, **wishes):
        return subscriptions.subscribe(
            store,
            email,
            Wishes(**wishes),
            topics=TOPICS,
            defaults=defaults,
            confirmed=confirmed,
            now=now,
        )

    return add


def interests(store, person):
    (profile,) = store.subscribers.profiles([person.id])
    return {(each.kind, each.value) for each in profile.interests}


def test_a_newcomer_waits_for_their_own_confirmation(store, subscribe, now):
    person = subscribe(confirmed=False, topics=["cs.LG"])
    assert person.status is Status.PENDING
    assert store.subscribers.due(datetime(2030, 1, 1, tzinfo=UTC), limit=10) == []

    active = subscriptions.activate(store, person, now=now)
    assert active.status is Status.ACTIVE
    assert active.due_at == datetime(2026, 6, 11, 7, tzinfo=UTC)


def test_a_confirmed_subscriber_is_due_at_their_next_local_hour(subscribe):
    person = subscribe(at="8:30", tz="Europe/Berlin")
    assert person.due_at == datetime(2026, 6, 11, 6, 30, tzinfo=UTC)


def test_subscribing_again_adds_interests_and_keeps_the_person(store, subscribe):
    first = subscribe(topics=["cs.LG"])
    again = subscribe("Ada@Example.ORG", keywords=["dual encoder"], at="6:00")
    assert again.id == first.id
    assert again.key == first.key
    assert again.due_at == datetime(2026, 6, 11, 6, tzinfo=UTC)
    assert interests(store, again) == {
        (InterestKind.TOPIC, "cs.LG"),
        (InterestKind.KEYWORD, "dual encoder"),
    }


def test_every_kind_of_wish_becomes_an_interest(store, subscribe):
    person = subscribe(
        topics=["CS.ir", "retrieval"],
        keywords=["  late   interaction "],
        authors=["Ada Lovelace"],
        likes=["https://arxiv.org/abs/2406.01234v2", "10.1101/2024.01.02.573"],
        mutes=["survey"],
    )
    assert interests(store, person) == {
        (InterestKind.TOPIC, "cs.IR"),
        (InterestKind.TOPIC, "retrieval"),
        (InterestKind.KEYWORD, "late interaction"),
        (InterestKind.AUTHOR, "Ada Lovelace"),
        (InterestKind.LIKE, "arxiv:2406.01234"),
        (InterestKind.LIKE, "doi:10.1101/2024.01.02.573"),
        (InterestKind.MUTE, "survey"),
    }


def test_more_and_less_replace_each_other(store, subscribe, now):
    person = subscribe()
    subscriptions.answer(store, person, "arxiv:2406.01234", more=True, now=now)
    subscriptions.answer(store, person, "arxiv:2406.01234", more=False, now=now)
    assert interests(store, person) == {(InterestKind.DISLIKE, "arxiv:2406.01234")}


def test_unsubscribing_ends_it_and_may_be_repeated(store, subscribe):
    person = subscribe()
    ended = subscriptions.unsubscribe(store, person)
    assert (ended.status, ended.due_at) == (Status.UNSUBSCRIBED, None)
    assert subscriptions.unsubscribe(store, ended) == ended
    assert subscribe().status is Status.ACTIVE


def test_someone_who_left_can_come_back_by_confirming(store, subscribe, now):
    subscriptions.unsubscribe(store, subscribe())
    back = subscribe(confirmed=False)
    assert back.status is Status.PENDING
    assert subscriptions.activate(store, back, now=now).status is Status.ACTIVE


def test_ending_a_subscription_undoes_nothing_that_changed_meanwhile(store, subscribe):
    stale = subscribe()
    subscribe(at="9:00")
    subscriptions.unsubscribe(store, stale)
    assert store.subscribers.by_email(stale.email).at == time(9)


def test_a_suppressed_address_is_not_sent_to_again(store, subscribe):
    person = subscriptions.suppress(store, subscribe())
    assert person.status is Status.SUPPRESSED
    assert store.subscribers.due(datetime(2030, 1, 1, tzinfo=UTC), limit=10) == []
    assert subscriptions.unsubscribe(store, person).status is Status.SUPPRESSED


@pytest.mark.parametrize("address", ["ada@example.org", "Ada@EXAMPLE.org ", "ada@b.example"])
def test_addresses_are_kept_in_one_form(address):
    assert subscriptions.normal_address(address) in ("ada@example.org", "ada@b.example")


@pytest.mark.parametrize("address", ["", "ada", "ada@", "a da@example.org", "ada@example.org\nx"])
def test_what_is_not_an_address_is_refused(address):
    with pytest.raises(InvalidInput, match="not an email address"):
        subscriptions.normal_address(address)


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"topics": ["cs.XX"]}, "There is no topic 'cs.XX'"),
        ({"topics": ["retriev"]}, "Did you mean"),
        ({"likes": ["a nice paper"]}, "neither an arXiv id"),
        ({"keywords": [" "]}, "between 1 and 200"),
        ({"keywords": ["x" * 201]}, "between 1 and 200"),
        ({"limit": 0}, "between 1 and 50"),
        ({"cadence": "hourly"}, "daily, weekdays, weekly"),
        ({"quiet": "loud"}, "'line' or 'nothing'"),
        ({"tz": "Mars/Olympus"}, "Mars/Olympus"),
        ({"at": "25:00"}, "25:00"),
    ],
)
def test_a_wish_that_cannot_be_met_says_what_would_do(store, subscribe, wishes, words):
    with pytest.raises((InvalidInput, NotFound), match=words):
        subscribe(**wishes)
    assert store.subscribers.by_email("ada@example.org") is None


def test_a_day_by_name_means_weekly_on_that_day(defaults):
    person = subscriptions.with_schedule(
        defaults, Wishes(cadence="Fri", quiet="nothing", limit=3, at="18:00")
    )
    assert (person.cadence, person.weekday) == (Cadence.WEEKLY, 4)
    assert (person.quiet, person.limit, person.at) == (Quiet.NOTHING, 3, time(18))
    assert subscriptions.with_schedule(person, Wishes()) == replace(person)


def test_finding_nobody_says_so_without_repeating_the_address(store):
    with pytest.raises(NotFound) as caught:
        subscriptions.find(store, "nobody@example.org")
    assert "nobody@" not in str(caught.value)
