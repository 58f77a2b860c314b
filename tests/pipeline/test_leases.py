"""A lease is held while its process lives, however long the work takes, and little longer."""

import threading
from datetime import timedelta

import pytest

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
