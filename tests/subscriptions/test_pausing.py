"""A rest, and its end."""

from datetime import UTC, datetime, timedelta

import pytest

from digest import subscriptions
from digest.errors import InvalidInput
from digest.model import Status


def test_a_paused_subscriber_is_not_due(store, subscribe, now):
    until = now + timedelta(days=14)
    paused = subscriptions.pause(store, subscribe(), until=until, now=now)
    assert (paused.status, paused.paused_until, paused.due_at) == (Status.PAUSED, until, None)
    assert store.subscribers.due(datetime(2030, 1, 1, tzinfo=UTC), limit=10) == []


def test_resuming_makes_the_next_local_hour_due(store, subscribe, now):
    person = subscriptions.pause(store, subscribe(at="9:00"), until=None, now=now)
    resumed = subscriptions.resume(store, person, now=now)
    assert (resumed.status, resumed.paused_until) == (Status.ACTIVE, None)
    assert resumed.due_at == datetime(2026, 6, 10, 9, tzinfo=UTC)
    assert subscriptions.resume(store, person, now=now) == resumed


def test_a_pause_can_be_made_longer_and_shorter(store, subscribe, now):
    person = subscribe()
    for days in (14, 28, 3):
        person = subscriptions.pause(store, person, until=now + timedelta(days=days), now=now)
        assert person.paused_until == now + timedelta(days=days)


def test_pauses_that_have_ended_are_resumed_and_the_others_not(store, subscribe, now):
    for name, days in (("a", 1), ("b", 2), ("c", 9)):
        person = subscribe(f"{name}@example.org")
        subscriptions.pause(store, person, until=now + timedelta(days=days), now=now)
    forever = subscriptions.pause(store, subscribe("d@example.org"), until=None, now=now)

    later = now + timedelta(days=2)
    assert subscriptions.resume_due(store, now=later) == 2
    assert subscriptions.resume_due(store, now=later) == 0

    active = {person.email for person, _ in store.subscribers.all(Status.ACTIVE)}
    assert active == {"a@example.org", "b@example.org"}
    assert store.subscribers.by_email(forever.email).status is Status.PAUSED


def test_an_hour_that_came_since_a_pause_ended_is_made_up(store, subscribe, now):
    person = subscribe(at="9:00")
    subscriptions.pause(store, person, until=now + timedelta(days=1), now=now)
    subscriptions.resume_due(store, now=now + timedelta(days=1, hours=8))
    assert store.subscribers.by_email(person.email).due_at == datetime(2026, 6, 11, 9, tzinfo=UTC)


@pytest.mark.parametrize("cadence", ["daily", "wednesday"])
def test_the_digest_of_the_day_on_which_a_pause_of_a_week_ends_comes(store, subscribe, cadence):
    person = subscribe(at="7:30", tz="Europe/Berlin", cadence=cadence)
    now = datetime(2026, 6, 10, 14, tzinfo=UTC)  # a Wednesday, after the digest
    until = subscriptions.parse_span("1 week", now, tz=person.tz)
    subscriptions.pause(store, person, until=until, now=now)
    subscriptions.resume_due(store, now=until)
    due = store.subscribers.by_email(person.email).due_at
    assert due == datetime(2026, 6, 17, 5, 30, tzinfo=UTC)


def test_a_pause_of_a_day_after_todays_digest_skips_that_of_tomorrow(store, subscribe):
    person = subscribe(at="7:00")
    now = datetime(2026, 6, 10, 14, tzinfo=UTC)
    until = subscriptions.parse_span("1 day", now, tz=person.tz)
    subscriptions.pause(store, person, until=until, now=now)
    assert subscriptions.resume_due(store, now=datetime(2026, 6, 11, 23, 59, tzinfo=UTC)) == 0
    subscriptions.resume_due(store, now=until)
    due = store.subscribers.by_email(person.email).due_at
    assert due == datetime(2026, 6, 12, 7, tzinfo=UTC)


def test_pausing_undoes_nothing_that_changed_meanwhile(store, subscribe, now):
    stale = subscribe()
    subscribe(at="9:00")
    paused = subscriptions.pause(store, stale, until=None, now=now)
    assert f"{paused.at:%H:%M}" == "09:00"


@pytest.mark.parametrize("days", [-1, 0, 367])
def test_a_pause_ends_within_a_year_from_now(store, subscribe, now, days):
    with pytest.raises(InvalidInput, match="a year from now"):
        subscriptions.pause(store, subscribe(), until=now + timedelta(days=days), now=now)


def test_what_has_ended_is_neither_paused_nor_resumed(store, subscribe, now, end):
    person = end(subscribe())
    with pytest.raises(InvalidInput, match="Only an active or paused"):
        subscriptions.pause(store, person, until=None, now=now)
    with pytest.raises(InvalidInput, match="not paused"):
        subscriptions.resume(store, person, now=now)
    assert store.subscribers.by_email(person.email) == person
