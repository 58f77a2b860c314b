"""Digests are numbers inside the database, and `subscriber.edition` outside."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import NotFound
from digest.store import keys


@given(day=st.dates(date(1970, 1, 1)), number=st.integers(1, keys.MASK))
def test_a_key_says_whose_and_of_when_a_digest_is(day, number):
    key = keys.key_of(keys.day_of(day.isoformat()), number)

    assert (keys.edition_of(key), key & keys.MASK) == (day.isoformat(), number)
    assert key < 2**63


@given(
    one=st.tuples(st.dates(date(1970, 1, 1)), st.integers(1, keys.MASK)),
    other=st.tuples(st.dates(date(1970, 1, 1)), st.integers(1, keys.MASK)),
)
def test_keys_come_in_the_order_of_editions_then_of_readers(one, other):
    first, second = (
        keys.key_of(keys.day_of(day.isoformat()), number) for day, number in (one, other)
    )

    assert (first < second) == (one < other)


@pytest.fixture
def connection(store, make):
    """A transaction on a store with three subscribers."""
    store.subscribers.add((make.subscriber(number), []) for number in (1, 2, 3))
    with store._connections.write() as connection:
        yield connection


def test_a_reader_keeps_the_number_of_the_first_day(connection):
    first = keys.enrol(connection, ["s_000002", "s_000003"])
    again = keys.enrol(connection, ["s_000001", "s_000003", "s_000003"])

    assert first == {"s_000002": 1, "s_000003": 2}
    assert again == {"s_000001": 3, "s_000003": 2}
    assert keys.numbers(connection, ["s_000001", "s_stranger"]) == {"s_000001": 3}


def test_strangers_get_no_number(store, make):
    with pytest.raises(NotFound), store._connections.write() as connection:
        keys.enrol(connection, ["s_stranger"])

    with store._connections.read() as connection:
        assert keys.numbers(connection, ["s_stranger"]) == {}


def test_ids_that_name_no_digest_have_no_key(connection):
    keys.enrol(connection, ["s_000001"])
    good, odd = "s_000001.2026-06-10", ["", "s_000001", "s_000001.today", "s_000002.2026-06-10"]

    found = keys.known(connection, [good, *odd])

    assert list(found) == [good]
    assert keys.named(connection, found.values()) == {found[good]: good}
    assert keys.named(connection, [keys.key_of(1, 77)]) == {}
