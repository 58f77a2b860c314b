"""A clock that leaps ahead is not believed at once; one that goes back takes back what it did."""

from datetime import timedelta

import pytest

from digest import worker
from digest.config import bounds
from digest.pipeline import clocks
from digest.testing import RecordedFetcher

DAY = timedelta(days=1)


@pytest.fixture
def person(application, subscribe):
    """Somebody who is due tomorrow at eight."""
    return subscribe(at="8:00")


def due_at(application, person):
    return application.store.subscribers.get([person.id])[person.id].due_at


def compose_ahead(application, ahead):
    """Compose by a clock that is ahead, and put it right."""
    now = application.moment[0]
    application.moment[0] = now + ahead
    application.compose_due()
    application.moment[0] = now
    return now


def test_whoever_had_a_digest_ahead_of_time_is_due_when_they_always_were(application, person):
    before = due_at(application, person)
    now = compose_ahead(application, 30 * DAY)
    assert due_at(application, person) > now + 29 * DAY

    for _ in range(2):
        clocks.turn_back(application.store, now + 30 * DAY, now)

    assert due_at(application, person) == before


@pytest.mark.parametrize("told", [None, -DAY, timedelta(0), timedelta(minutes=5)])
def test_a_clock_that_goes_on_or_differs_by_minutes_is_no_reason_for_anything(
    application, person, told
):
    now = compose_ahead(application, 30 * DAY)
    before = due_at(application, person)

    clocks.turn_back(application.store, told if told is None else now + told, now)

    assert due_at(application, person) == before
    assert clocks.covered(application.store, {"a": now + DAY}) == {"a": now + DAY}


def test_nothing_counts_as_covered_that_was_taken_back(application, person):
    now = application.moment[0]
    clocks.turn_back(application.store, now + DAY, now)

    found = clocks.covered(
        application.store, {"before": now - 2 * DAY, "then": now + DAY / 2, "after": now + 3 * DAY}
    )

    assert found == {"before": now - 2 * DAY, "then": now - DAY, "after": now + 3 * DAY}


@pytest.mark.parametrize("told", [None, timedelta(0), DAY, -DAY])
def test_a_clock_that_goes_on_from_the_last_tick_is_believed(store, now, told):
    assert clocks.is_believed(store, told if told is None else now - told, now)


def test_the_longest_tick_there_may_be_is_no_leap_though_it_comes_late(store, now):
    tick = timedelta(seconds=bounds.RANGES["worker.tick"][1])

    assert clocks.is_believed(store, now - tick - timedelta(hours=12), now)


def test_a_leap_of_days_is_believed_once_it_has_lasted_half_a_minute(store, now):
    told = now - 3 * DAY

    moments = [now + timedelta(seconds=each) for each in (0, 10, 29, 30)]

    believed = [clocks.is_believed(store, told, each) for each in moments]
    assert believed == [False, False, False, True]


def test_a_leap_soon_after_one_that_was_believed_waits_as_well(store, now):
    for moment in (now, now + timedelta(minutes=1)):
        believed = clocks.is_believed(store, now - 3 * DAY, moment)
    assert believed

    assert not clocks.is_believed(store, now + timedelta(minutes=1), now + 1.5 * DAY)


def test_a_leap_that_was_put_right_leaves_nothing_behind(store, now):
    assert not clocks.is_believed(store, now, now + 40 * DAY)

    assert clocks.is_believed(store, now, now + timedelta(minutes=1))
    for again in (40 * DAY + timedelta(hours=1), 30 * DAY, 60 * DAY):
        assert not clocks.is_believed(store, now, now + again), "another one waits for itself"


def test_a_leap_further_than_the_truth_does_not_make_the_truth_wait_until_then(store, now):
    assert not clocks.is_believed(store, now, now + 40 * DAY)

    back = now + 3 * DAY
    assert not clocks.is_believed(store, now, back)
    assert clocks.is_believed(store, now, back + timedelta(minutes=1))


def test_a_worker_makes_up_for_days_without_one_with_its_second_tick(application, person):
    application.__dict__["fetcher"] = RecordedFetcher({})
    worker.tick(application)
    missed = due_at(application, person)
    application.moment[0] += 3 * DAY

    worker.tick(application)
    assert due_at(application, person) == missed < application.clock()

    application.moment[0] += timedelta(minutes=1)
    worker.tick(application)
    assert due_at(application, person) > application.clock() == application.last_tick
