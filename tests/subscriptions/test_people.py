"""One person's row."""

import pytest

from digest import subscriptions
from digest.errors import InvalidInput, NotFound
from digest.model import Status
from digest.subscriptions.people import amend, fresh


@pytest.mark.parametrize("address", ["ada@example.org", "Ada@EXAMPLE.org ", "ADA@example.org"])
def test_addresses_are_kept_in_one_form(address):
    assert subscriptions.normal_address(address) == "ada@example.org"


@pytest.mark.parametrize(
    "address",
    ["", "ada", "ada@", "a da@example.org", "ada@example.org\nx", f"{'a' * 65}@example.org"],
)
def test_what_is_not_an_address_is_refused(address):
    with pytest.raises(InvalidInput, match="not an email address"):
        subscriptions.normal_address(address)


def test_finding_nobody_says_so_without_repeating_the_address(store):
    with pytest.raises(NotFound) as caught:
        subscriptions.find(store, "nobody@example.org")
    assert "nobody@" not in str(caught.value)


def test_amending_a_row_keeps_what_others_changed_meanwhile(store, subscribe):
    stale = subscribe()
    subscribe(at="9:00")
    changed = amend(store, stale, name="Ada")
    assert (changed.name, f"{changed.at:%H:%M}") == ("Ada", "09:00")
    assert fresh(store, stale) == changed


def test_someone_who_is_gone_cannot_be_amended(store, subscribe):
    person = subscribe()
    store.subscribers.erase(person.id)
    with pytest.raises(NotFound, match="does not exist any more"):
        amend(store, person, status=Status.ACTIVE)
