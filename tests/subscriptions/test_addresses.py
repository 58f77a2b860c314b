"""Addresses, hashed and changed."""

from datetime import timedelta

import pytest

from digest import subscriptions
from digest.errors import InvalidInput, NotFound
from digest.model import AddressChange, Status, SuppressionReason

NEW = "ada@new.example"


@pytest.fixture
def ask(store, now):
    def run(person, email=NEW, at=now):
        return subscriptions.ask_address(store, person, email, now=at)

    return run


@pytest.fixture
def agree(store, now):
    def run(person, side, at=now, **about):
        return subscriptions.agree(store, person, side, now=at, **about)

    return run


def test_a_hash_is_the_same_for_the_same_mailbox_and_for_no_other(store):
    hashed = subscriptions.address_hash(store, "ada@example.org")
    assert hashed == subscriptions.address_hash(store, " Ada@EXAMPLE.org")
    assert hashed != subscriptions.address_hash(store, "bo@example.org")
    assert "ada@" not in hashed


def test_a_hash_means_nothing_in_another_installation(store, tmp_path):
    from digest.store import open_store

    other = open_store(tmp_path / "other.db")
    other.migrate()
    hashes = {subscriptions.address_hash(each, "ada@example.org") for each in (store, other)}
    assert len(hashes) == 2
    other.close()


@pytest.mark.parametrize("sides", [("address-old", "address-new"), ("address-new", "address-old")])
def test_an_address_changes_when_both_have_agreed(store, subscribe, ask, agree, interests, sides):
    person = subscribe(topics=["cs.IR"])
    ask(person)
    half = agree(person, sides[0])
    assert isinstance(half, AddressChange)
    assert store.subscribers.by_email(NEW) is None

    moved = agree(person, sides[1])

    assert (moved.id, moved.email, moved.status) == (person.id, NEW, Status.ACTIVE)
    assert moved.key != person.key, "links mailed to the old address end"
    assert store.subscribers.get([person.id])[person.id] == moved
    assert interests(moved) == {("topic", "cs.IR")}
    assert store.subscribers.change(person.id) is None


@pytest.mark.parametrize("side", ["address-old", "address-new"])
def test_one_that_agrees_twice_is_still_one(store, subscribe, ask, agree, side):
    person = subscribe()
    ask(person)
    agree(person, side)
    assert isinstance(agree(person, side), AddressChange)
    assert store.subscribers.get([person.id])[person.id] == person


def test_agreeing_must_be_done_within_a_week(subscribe, ask, agree, now):
    person = subscribe()
    ask(person)
    agree(person, "address-old", at=now + timedelta(days=6))
    with pytest.raises(NotFound, match="ask for it again"):
        agree(person, "address-new", at=now + timedelta(days=7))


def test_a_link_of_an_earlier_wish_agrees_to_no_later_one(subscribe, ask, agree, now):
    person = subscribe()
    first = ask(person, "typo@new.example")
    second = ask(person, NEW, at=now + timedelta(minutes=5))
    with pytest.raises(NotFound):
        agree(person, "address-new", subject=subscriptions.change_subject(first))
    agreed = agree(person, "address-new", subject=subscriptions.change_subject(second))
    assert agreed.new_confirmed


def test_asking_for_the_same_again_keeps_what_was_agreed(subscribe, ask, agree, now):
    person = subscribe()
    ask(person)
    half = agree(person, "address-old")
    assert ask(person, at=now + timedelta(minutes=59)) == half
    assert ask(person, at=now + timedelta(hours=1)).old_confirmed


def test_asking_for_the_same_again_has_its_week_anew(subscribe, ask, agree, now):
    person = subscribe()
    ask(person)
    again = ask(person, at=now + timedelta(days=6))
    subject = subscriptions.change_subject(again)
    late = now + timedelta(days=12)
    assert agree(person, "address-new", at=late, subject=subject).new_confirmed


def test_asking_for_the_same_again_and_again_does_not_bomb_a_mailbox(subscribe, ask, now):
    person, other = subscribe(), subscribe("bo@example.org")
    for minute in range(5):
        ask(person, at=now + timedelta(minutes=minute))
    with pytest.raises(InvalidInput, match="tomorrow"):
        ask(person, at=now + timedelta(minutes=5))
    ask(other, at=now + timedelta(minutes=6))
    with pytest.raises(InvalidInput, match="tomorrow"):
        ask(other, at=now + timedelta(minutes=7))


def test_asking_says_nothing_about_who_has_the_address_but_agreeing_does(
    store, subscribe, ask, agree
):
    person, other = subscribe(), subscribe(NEW)
    assert ask(person).email == NEW
    assert isinstance(agree(person, "address-old"), AddressChange)
    with pytest.raises(InvalidInput, match="subscription of its own"):
        agree(person, "address-new")
    assert store.subscribers.by_email(NEW) == other


@pytest.mark.parametrize("sides", [("address-old", "address-new"), ("address-new", "address-old")])
def test_a_sign_up_that_was_never_confirmed_is_in_nobodys_way(
    store, subscribe, sign_up, ask, agree, sides
):
    person = subscribe(topics=["cs.IR"])
    wish = ask(person)
    begun = sign_up(NEW).subscriber
    assert not subscriptions.gives_way(store, wish), "there is nothing that its owner would miss"
    agree(person, sides[0])
    assert store.subscribers.by_email(NEW) == begun, "it stays until the digests move"

    assert agree(person, sides[1]).email == NEW
    assert store.subscribers.by_email(NEW).id == person.id
    assert not store.subscribers.get([begun.id])


def test_a_subscription_that_has_ended_gives_way_to_the_one_that_moves_there(
    store, subscribe, ask, agree, now
):
    person, other = subscribe(), subscribe(NEW)
    wish = ask(person)
    assert not subscriptions.gives_way(store, wish)
    subscriptions.unsubscribe(store, other, now=now)
    assert subscriptions.gives_way(store, wish)
    agree(person, "address-old")
    assert agree(person, "address-new").status is Status.ACTIVE
    assert store.subscribers.by_email(NEW).id == person.id


def test_a_subscription_that_is_confirmed_at_that_moment_is_not_deleted_by_a_move(
    store, subscribe, sign_up, ask, agree, now, monkeypatch
):
    person = subscribe()
    ask(person)
    begun = sign_up(NEW).subscriber
    agree(person, "address-new")
    look = type(store.subscribers).by_email

    def confirmed_after(subscribers, email):
        found = look(subscribers, email)
        subscriptions.confirm(store, begun, now=now)
        return found

    monkeypatch.setattr(type(store.subscribers), "by_email", confirmed_after)
    with pytest.raises(InvalidInput, match="subscription of its own"):
        agree(person, "address-old")
    assert store.subscribers.get([begun.id])[begun.id].status is Status.ACTIVE
    assert store.subscribers.get([person.id])[person.id].email == person.email


def test_no_digests_move_to_an_address_that_has_been_suppressed_since(
    store, subscribe, ask, agree, now
):
    person = subscribe()
    ask(person)
    agree(person, "address-new")
    hashed = subscriptions.address_hash(store, NEW)
    store.post.suppress(hashed, SuppressionReason.COMPLAINED, now)
    with pytest.raises(InvalidInput, match="not wanted"):
        agree(person, "address-old")
    assert store.post.suppression(hashed) is SuppressionReason.COMPLAINED


def test_there_is_no_change_to_agree_to_without_a_wish(subscribe, agree):
    with pytest.raises(NotFound, match="has ended"):
        agree(subscribe(), "address-old")


def test_the_address_one_has_is_no_new_one(subscribe, ask):
    with pytest.raises(InvalidInput, match="that address already"):
        ask(subscribe(), "ADA@example.org")


@pytest.mark.parametrize("reason", [SuppressionReason.BOUNCED, SuppressionReason.COMPLAINED])
def test_an_address_we_must_not_write_to_is_no_new_one(store, subscribe, ask, now, reason):
    person = subscribe()
    store.post.suppress(subscriptions.address_hash(store, NEW), reason, now)
    with pytest.raises(InvalidInput, match="name another"):
        ask(person)
    assert store.subscribers.change(person.id) is None


def test_an_ended_subscription_does_not_move(store, subscribe, ask, now):
    with pytest.raises(InvalidInput, match="active or paused"):
        ask(subscriptions.unsubscribe(store, subscribe(), now=now))


def test_nobody_makes_us_write_to_many_addresses_in_a_day(subscribe, ask, now):
    person = subscribe()
    for number in range(5):
        ask(person, f"ada{number}@new.example")
    with pytest.raises(InvalidInput, match="tomorrow"):
        ask(person, "ada9@new.example")
    assert ask(person, "ada9@new.example", at=now + timedelta(days=1, seconds=1))
