"""Many subscribers at once are kept as one would be, whoever is there already."""

from __future__ import annotations

from dataclasses import replace

import pytest

from digest.model import InterestKind
from digest.ports import Newcomer


@pytest.fixture
def newcomer(make):
    """Someone new with the schedule of the first subscriber that `make` makes."""
    like = make.subscriber(1, floor=0.25, limit=7, shows_name=True)

    def new(number, *interests):
        return Newcomer(
            f"s_{number:03}",
            f"reader{number}@example.org",
            f"{number:064x}",
            f"N. {number}",
            like,
            interests,
        )

    return new


def test_they_are_kept_as_if_added_one_by_one(store, make, newcomer):
    wish, other = make.interest("cs.LG"), make.interest("diffusion", InterestKind.KEYWORD, weight=2)
    people = [newcomer(3, wish), newcomer(1, other, wish), newcomer(2)]

    assert store.subscribers.add_alike(people) == 3

    kept = dict(store.subscribers.all())
    assert [each.id for each in kept] == ["s_001", "s_002", "s_003"]
    assert list(kept.values()) == [[other, wish], [], [wish]]
    first = next(iter(kept))
    like = people[0].like
    assert first == replace(
        like, id="s_001", email="reader1@example.org", key=f"{1:064x}", name="N. 1"
    )


def test_who_is_known_stays_as_they_are(store, make, newcomer):
    wish, other = make.interest("cs.LG"), make.interest("cs.CL")
    store.subscribers.add_alike([newcomer(1, wish)])
    same_address = newcomer(1, other)._replace(id="s_other")
    twice = newcomer(2, wish)

    added = store.subscribers.add_alike(
        [same_address, twice, twice._replace(id="s_zzz", interests=(other,)), newcomer(3, other)]
    )

    assert added == 2
    found = {person.email: wishes for person, wishes in store.subscribers.all()}
    assert found == {
        "reader1@example.org": [wish],
        "reader2@example.org": [wish],
        "reader3@example.org": [other],
    }
    assert store.subscribers.by_email("reader1@example.org").id == "s_001"


def test_nobody_is_no_trouble(store):
    assert store.subscribers.add_alike([]) == 0
