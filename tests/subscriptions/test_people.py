"""One person's row."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest import subscriptions
from digest.errors import InvalidInput, NotFound
from digest.model import Status
from digest.subscriptions import SignUp, Wishes
from digest.subscriptions.people import _checked, amend, fresh


def test_ids_say_nothing_but_who_came_together():
    some, others = subscriptions.new_ids(500), subscriptions.new_ids(500)

    assert len({*some, *others}) == 1_000
    assert all(re.fullmatch("s_[0-9a-f]{20}", each) for each in some)
    assert len({each[:6] for each in some}) == 1  # so the store finds them side by side
    assert len({each[6:10] for each in some}) > 400
    assert subscriptions.new_ids(0) == []


@pytest.mark.parametrize("address", ["ada@example.org", "Ada@EXAMPLE.org ", "ADA@example.org"])
def test_addresses_are_kept_in_one_form(address):
    assert subscriptions.normal_address(address) == "ada@example.org"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "ada@",
        "a da@example.org",
        "ada@example.org\nx",
        f"{'a' * 65}@example.org",
        "m\ufffdller@example.org",
    ],
)
def test_what_is_not_an_address_is_refused(address):
    with pytest.raises(InvalidInput, match="not an email address"):
        subscriptions.normal_address(address)


@given(
    st.text(alphabet="aB9.+-_'@ é", max_size=70),
    st.lists(
        st.text(alphabet="aB9-é", max_size=8)
        | st.sampled_from(["xn--nxasmq6b", "xn--", "localhost", "test", "com", "x" * 64]),
        max_size=5,
    ).map(".".join),
)
def test_a_plain_address_is_judged_as_the_whole_validator_judges_it(local, domain):
    def judged(judge, address):
        try:
            return judge(address)
        except InvalidInput:
            return None

    address = f"{local}@{domain}"

    assert judged(subscriptions.normal_address, address) == judged(_checked, address.strip())


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


@pytest.fixture
def meanwhile(store, monkeypatch):
    """Something that happens between the next reading of a row and its writing."""

    def happens(act):
        save = store.subscribers.save

        def saved(*args, **options):
            monkeypatch.setattr(store.subscribers, "save", save)
            act()
            return save(*args, **options)

        monkeypatch.setattr(store.subscribers, "save", saved)

    return happens


def test_a_preference_saved_meanwhile_does_not_undo_unsubscribing(
    store, subscribe, meanwhile, topics, now
):
    person = subscribe()
    meanwhile(lambda: subscriptions.unsubscribe(store, person, now=now))
    subscriptions.change(store, person, Wishes(at="9:00"), topics=topics, now=now)
    left = fresh(store, person)
    assert (left.status, left.due_at, f"{left.at:%H:%M}") == (Status.UNSUBSCRIBED, None, "09:00")


def test_a_preference_saved_meanwhile_does_not_bring_a_revoked_key_back(
    store, subscribe, meanwhile, topics, now
):
    person = subscribe()
    meanwhile(lambda: subscriptions.revoke(store, person))
    subscriptions.change(store, person, Wishes(at="9:00"), topics=topics, now=now)
    assert fresh(store, person).key != person.key


def test_a_pause_that_ends_does_not_undo_unsubscribing(store, subscribe, meanwhile, now):
    person = subscriptions.pause(store, subscribe(), until=None, now=now)
    meanwhile(lambda: subscriptions.unsubscribe(store, person, now=now))
    subscriptions.resume(store, person, now=now)
    assert fresh(store, person).status is Status.UNSUBSCRIBED


def test_a_strangers_sign_up_does_not_undo_a_confirmation(store, sign_up, meanwhile, now):
    person = sign_up(topics=["cs.IR"]).subscriber
    meanwhile(lambda: subscriptions.confirm(store, person, now=now))
    sign_up(topics=["cs.CV"])
    (profile,) = store.subscribers.profiles([person.id])
    assert fresh(store, person).status is Status.ACTIVE
    assert [each.value for each in profile.interests] == ["cs.IR"]


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_who_answers_while_a_stranger_asks_is_not_asked_again(
    store, sign_up, subscribe, monkeypatch, now, answer
):
    subscriptions.unsubscribe(store, subscribe(), now=now)
    person = sign_up(keywords=["maps"]).subscriber
    act = {"yes": subscriptions.confirm, "no": subscriptions.unsubscribe}[answer]
    save = store.subscribers.save

    def answered_at_once(*args, **options):
        monkeypatch.setattr(store.subscribers, "save", save)
        saved = save(*args, **options)
        act(store, person, now=now)
        return saved

    monkeypatch.setattr(store.subscribers, "save", answered_at_once)
    came = sign_up(keywords=["globes"])

    if answer == "yes":
        assert came == SignUp(outcome="known", subscriber=fresh(store, person))
        assert store.subscribers.comeback(person.id) is None
    else:
        assert came == SignUp(outcome="silent")
        assert fresh(store, person).status is Status.UNSUBSCRIBED


def test_someone_who_is_gone_cannot_be_amended(store, subscribe):
    person = subscribe()
    store.subscribers.erase(person.id)
    with pytest.raises(NotFound, match="does not exist any more"):
        amend(store, person, status=Status.ACTIVE)
