"""Last week's digests, once more."""

from datetime import timedelta
from functools import partial

import pytest

from digest import subscriptions
from digest.errors import InvalidInput
from digest.model import Digest, Mood, Outcome, Receipt


@pytest.fixture
def kept(store, now):
    """Keeps a digest of so many days ago, as sent."""

    def keep(person, days, mood=Mood.PICKS):
        at = now - timedelta(days=days)
        digest = Digest(
            id=f"{person.id}.{at:%Y-%m-%d}",
            subscriber_id=person.id,
            edition=f"{at:%Y-%m-%d}",
            mood=mood,
            since=at - timedelta(days=1),
            until=at,
            composed_at=at,
        )
        store.ledger.compose([(digest, None)], next_due={}, send_from={}, message_ids={})

    return keep


@pytest.fixture
def arrive(store, now):
    """Has all that is queued arrive."""

    def run():
        for each in store.ledger.claim(now, owner="w", limit=10, lease=60):
            receipt = Receipt(digest_id=each.digest.id, outcome=Outcome.ACCEPTED, at=now)
            store.ledger.settle([receipt], lease=each.lease)

    return run


@pytest.fixture
def again(store, now):
    return partial(subscriptions.again, store, domain="digest.example", now=now)


def test_the_last_weeks_digests_are_queued_under_new_names(store, subscribe, kept, again, now):
    person = subscribe()
    for days in (1, 3, 9):
        kept(person, days)
    kept(person, 2, Mood.HOLIDAY)

    assert again(person) == 2

    envelopes = store.ledger.claim(now, owner="w", limit=10, lease=60)
    assert [each.digest.edition for each in envelopes] == ["2026-06-07", "2026-06-09"]
    ids = {each.message_id for each in envelopes}
    assert ids == {f"<{person.id}.2026-06-0{day}.20260610070000@digest.example>" for day in (7, 9)}


def test_where_there_is_nothing_nothing_is_sent(subscribe, again):
    assert again(subscribe()) == 0


def test_what_is_on_its_way_is_said_to_be_and_counts_as_no_time(subscribe, kept, again, arrive):
    person = subscribe()
    kept(person, 1)
    for _ in range(2):
        assert again(person) == 1
        for _ in range(3):
            with pytest.raises(InvalidInput, match="on their way already"):
                again(person)
        arrive()


def test_beside_what_is_on_its_way_the_others_are_sent(subscribe, kept, again):
    person = subscribe()
    kept(person, 1)
    again(person)
    kept(person, 3)
    assert again(person) == 1


def test_asking_over_and_over_does_not_fill_a_mailbox(subscribe, kept, again, arrive):
    person = subscribe()
    kept(person, 1)
    for _ in range(2):
        again(person)
        arrive()
    with pytest.raises(InvalidInput, match="try tomorrow"):
        again(person)


def test_who_gets_nothing_gets_nothing_again(store, subscribe, kept, again, now):
    person = subscribe()
    kept(person, 1)
    subscriptions.pause(store, person, until=None, now=now)
    with pytest.raises(InvalidInput, match="active"):
        again(person)
