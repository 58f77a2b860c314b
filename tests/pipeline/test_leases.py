"""A lease is held while its process lives, however long the work takes, and little longer."""

import threading
from datetime import timedelta

import pytest

from digest.errors import StoreBusy
from digest.pipeline import leases


def held(store, owner, clock, **more):
    return leases.held(store, "poll", owner=owner, clock=clock, **more)


def test_one_holds_it_at_a_time_and_gives_it_back(store, now):
    with held(store, "one", lambda: now) as ours, held(store, "two", lambda: now) as theirs:
        assert (ours, theirs) == (True, False)

    with held(store, "two", lambda: now) as theirs:
        assert theirs


def test_whoever_is_interrupted_gives_it_back(store, now):
    with pytest.raises(KeyboardInterrupt), held(store, "one", lambda: now):
        raise KeyboardInterrupt

    with held(store, "two", lambda: now) as theirs:
        assert theirs


def test_one_that_was_killed_leaves_it_for_a_minute(store, now):
    store.lease("poll", owner="killed", now=now, seconds=leases.LEASE_SECONDS)

    with held(store, "two", lambda: now + timedelta(seconds=61)) as theirs:
        assert theirs


def test_it_is_renewed_while_its_holder_waits_for_something(store, now):
    looked, moment = threading.Event(), [now]

    def clock():
        if moment[0] > now:
            moment[0] += timedelta(seconds=1)
            if moment[0] > now + timedelta(minutes=5, seconds=1):
                looked.set()
        return moment[0]

    with held(store, "one", clock, every=0.01) as ours:
        moment[0] = now + timedelta(minutes=5)
        assert ours
        # The second look comes after the lease was renewed at the first.
        assert looked.wait(30)
        assert not store.lease("poll", owner="two", now=now + timedelta(minutes=5), seconds=60)


def wait_for_the_end_of_renewing():
    for each in threading.enumerate():
        if each.name == "lease-poll":
            each.join(5)
            assert not each.is_alive()


class Renewed:
    """A store that does as it is told when its lease is renewed the first time."""

    def __init__(self, store, first):
        self._store, self._first = store, first
        self.tried, self.again = 0, threading.Event()

    def lease(self, name, **asked):
        self.tried += 1
        if self.tried == 2:
            self._first()
        lasts = self._store.lease(name, **asked)
        if self.tried > 2:
            self.again.set()
        return lasts

    def unlease(self, name, **asked):
        self._store.unlease(name, **asked)


@pytest.mark.parametrize("error", [StoreBusy("In use."), ValueError("a clock out of range")])
def test_what_goes_wrong_while_it_is_renewed_is_tried_again_and_told(store, now, caplog, error):
    def fail():
        raise error

    renewed = Renewed(store, fail)

    with held(renewed, "one", lambda: now, every=0.01):
        assert renewed.again.wait(30)

    (told,) = caplog.records
    assert (told.getMessage(), told.action) == ("the lease was not renewed", "lease")
    assert told.why == type(error).__name__


def test_one_that_was_lost_is_told_once_and_left_to_whoever_has_it(store, now, caplog):
    later = now + timedelta(seconds=70)
    moment, taken = [now], threading.Event()

    def suspend():
        moment[0] = later
        assert store.lease("poll", owner="two", now=later, seconds=60)
        taken.set()

    with held(Renewed(store, suspend), "one", lambda: moment[0], every=0.01):
        assert taken.wait(30)
        wait_for_the_end_of_renewing()

    assert [each.getMessage() for each in caplog.records] == ["the lease was lost"]
    assert not store.lease("poll", owner="three", now=later, seconds=60)


def test_one_that_is_being_renewed_when_the_work_ends_is_given_back_after_that(store, now):
    renewing, given_back = threading.Event(), threading.Event()

    def dawdle():
        renewing.set()
        given_back.wait(0.1)

    with held(Renewed(store, dawdle), "one", lambda: now, every=0.01):
        assert renewing.wait(30)
    given_back.set()
    wait_for_the_end_of_renewing()

    assert store.lease("poll", owner="two", now=now, seconds=60)
