"""Confirming a subscription, and what becomes of those that nobody confirms."""

from __future__ import annotations

from datetime import timedelta

from digest import subscriptions
from digest.model import Status, SuppressionReason


def test_confirming_makes_the_first_digest_due_at_once_and_twice_is_once(store, sign_up, now):
    active = subscriptions.confirm(store, sign_up().subscriber, now=now)
    assert (active.status, active.due_at, active.confirmed_at) == (Status.ACTIVE, now, now)
    later = now + timedelta(days=1)
    assert subscriptions.confirm(store, active, now=later) == active


def test_an_old_confirmation_link_revives_nobody(store, sign_up, now, end):
    person = subscriptions.confirm(store, sign_up().subscriber, now=now)
    ended = end(person)
    assert subscriptions.confirm(store, person, now=now) == ended


def test_who_never_confirms_is_forgotten_after_two_weeks(store, subscribe, sign_up, now):
    subscribe("active@example.org")
    sign_up("early@example.org")
    sign_up("late@example.org", at=now + timedelta(days=10))
    gone = subscribe("gone@example.org")
    subscriptions.unsubscribe(store, gone, now=now)
    sign_up("gone@example.org")

    assert subscriptions.forget_pending(store, now + timedelta(days=13)) == 0
    assert subscriptions.forget_pending(store, now + timedelta(days=14)) == 1

    left = {person.email for person, _ in store.subscribers.all()}
    assert left == {"active@example.org", "late@example.org", "gone@example.org"}
    assert subscriptions.suppression(store, "early@example.org") is None


def test_who_is_asked_again_has_two_weeks_from_then(store, sign_up, now):
    person = sign_up().subscriber
    subscriptions.asked_again(store, person, now=now + timedelta(days=13))
    assert subscriptions.forget_pending(store, now + timedelta(days=26)) == 0
    assert subscriptions.forget_pending(store, now + timedelta(days=27)) == 1


def test_of_who_said_no_is_left_only_what_keeps_them_from_being_asked_again(store, sign_up, now):
    person = sign_up().subscriber
    subscriptions.unsubscribe(store, person, now=now)
    assert subscriptions.forget_pending(store, now + timedelta(days=14)) == 1
    assert store.subscribers.by_email("ada@example.org") is None
    assert subscriptions.suppression(store, "ada@example.org") is SuppressionReason.ERASED


def test_who_answers_while_the_others_are_forgotten_is_not(store, sign_up, now, monkeypatch):
    confirming, asked, gone, refusing = (
        sign_up(f"{each}@example.org").subscriber for each in ("one", "two", "three", "four")
    )
    subscriptions.unsubscribe(store, refusing, now=now)
    later = now + timedelta(days=14)
    read = store.subscribers.all

    def answer_meanwhile(status):
        people = list(read(status))
        if status is Status.PENDING:
            subscriptions.confirm(store, confirming, now=later)
            subscriptions.asked_again(store, asked, now=later)
        else:
            sign_up("four@example.org", at=later)
        return iter(people)

    monkeypatch.setattr(store.subscribers, "all", answer_meanwhile)
    assert subscriptions.forget_pending(store, later) == 1

    left = store.subscribers.get([confirming.id, asked.id, gone.id, refusing.id])
    assert {key: each.status for key, each in left.items()} == {
        confirming.id: Status.ACTIVE,
        asked.id: Status.PENDING,
        refusing.id: Status.PENDING,
    }
    assert subscriptions.suppression(store, "four@example.org") is None


def test_forgetting_can_be_stopped_and_is_taken_up_again(store, sign_up, now, monkeypatch):
    monkeypatch.setattr("digest.subscriptions.confirming.FORGOTTEN_AT_ONCE", 2)
    for number in range(5):
        sign_up(f"reader{number}@example.org")
    later = now + timedelta(days=14)
    asked = iter([False, True])

    stopped = subscriptions.forget_pending(store, later, stopping=lambda: next(asked, True))

    assert stopped == 2
    assert subscriptions.forget_pending(store, later) == 3


def test_a_wish_for_another_address_is_forgotten_when_it_has_ended(store, subscribe, now):
    person = subscribe()
    subscriptions.ask_address(store, person, "stranger@example.net", now=now)
    subscriptions.forget_pending(store, now + timedelta(days=6))
    assert store.subscribers.change(person.id) is not None
    subscriptions.forget_pending(store, now + timedelta(days=8))
    assert store.subscribers.change(person.id) is None
