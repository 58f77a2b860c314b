"""Asked for by anybody, begun by the owner of the mailbox."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from digest import subscriptions
from digest.errors import InvalidInput, NotFound
from digest.model import Status, SuppressionReason
from digest.subscriptions import Bounds, SignUp
from digest.testing import NOW

FAR = datetime(2030, 1, 1, tzinfo=UTC)


def suppress(store, person):
    store.subscribers.set_status(person.id, Status.SUPPRESSED)
    return store.subscribers.by_email(person.email)


# --- by an operator ---------------------------------------------------------------------------


def test_a_newcomer_waits_for_their_own_confirmation(store, subscribe, now):
    person = subscribe(confirmed=False, topics=["cs.LG"])
    assert person.status is Status.PENDING
    assert store.subscribers.due(FAR, limit=10) == []

    active = subscriptions.activate(store, person, now=now)
    assert active.status is Status.ACTIVE
    assert active.due_at == datetime(2026, 6, 11, 7, tzinfo=UTC)


def test_a_confirmed_subscriber_is_due_at_their_next_local_hour(subscribe):
    person = subscribe(at="8:30", tz="Europe/Berlin")
    assert person.due_at == datetime(2026, 6, 11, 6, 30, tzinfo=UTC)


def test_subscribing_again_adds_interests_and_keeps_the_person(subscribe, interests):
    first = subscribe(topics=["cs.LG"])
    again = subscribe("Ada@Example.ORG", keywords=["dual encoder"], at="6:00")
    assert again.id == first.id
    assert again.key == first.key
    assert again.due_at == datetime(2026, 6, 11, 6, tzinfo=UTC)
    assert interests(again) == {("topic", "cs.LG"), ("keyword", "dual encoder")}


def test_naming_an_interest_again_keeps_its_weight_unless_one_is_given(subscribe, profile):
    person = subscribe(topics=["cs.LG"], weight=3)
    subscribe(topics=["cs.LG"])
    assert {each.weight for each in profile(person)} == {3}
    subscribe(topics=["cs.LG"], weight=0.5)
    assert {each.weight for each in profile(person)} == {0.5}


def test_someone_who_left_can_come_back_by_confirming(store, subscribe, now):
    subscriptions.unsubscribe(store, subscribe(), now=now)
    back = subscribe(confirmed=False)
    assert back.status is Status.PENDING
    assert subscriptions.activate(store, back, now=now).status is Status.ACTIVE


@pytest.mark.parametrize("reason", SuppressionReason)
def test_a_suppressed_address_comes_back_only_if_an_operator_vouches(store, subscribe, now, reason):
    store.post.suppress(subscriptions.address_hash(store, "ada@example.org"), reason, now)
    with pytest.raises(InvalidInput, match="use --confirmed") as caught:
        subscribe(confirmed=False)
    assert "ada@" not in caught.value.message
    assert store.subscribers.by_email("ada@example.org") is None

    assert subscribe(confirmed=True).status is Status.ACTIVE
    assert subscriptions.suppression(store, "ada@example.org") is None


def test_an_operators_word_does_not_end_a_rest(store, subscribe, now):
    person = subscriptions.pause(store, subscribe(), until=None, now=now)
    assert subscribe(keywords=["maps"]) == person


@pytest.mark.parametrize("confirmed", [False, True])
def test_an_operator_brings_nobody_back_who_leaves_in_that_moment(
    store, subscribe, now, monkeypatch, confirmed
):
    person = subscribe(topics=["cs.LG"])
    write = store.subscribers.add_interests

    def leave_meanwhile(*interests):
        write(*interests)
        subscriptions.revoke(store, person)
        subscriptions.unsubscribe(store, person, now=now)

    monkeypatch.setattr(store.subscribers, "add_interests", leave_meanwhile)
    left = subscribe(keywords=["maps"], limit=3, confirmed=confirmed)

    assert left == store.subscribers.by_email("ada@example.org")
    assert (left.status, left.due_at, left.limit) == (Status.UNSUBSCRIBED, None, 3)
    assert left.key != person.key


def test_what_somebody_changes_while_an_operator_adds_wishes_stays(store, subscribe, monkeypatch):
    person = subscribe()
    write = store.subscribers.add_interests

    def change_meanwhile(*interests):
        write(*interests)
        store.subscribers.save(replace(person, tz="Europe/Berlin"))

    monkeypatch.setattr(store.subscribers, "add_interests", change_meanwhile)
    again = subscribe(keywords=["maps"], limit=3)

    assert (again.tz, again.limit) == ("Europe/Berlin", 3)


def test_whom_somebody_else_adds_in_that_moment_gets_these_wishes_as_well(
    store, subscribe, interests, monkeypatch
):
    look = store.subscribers.by_email

    def add_meanwhile(address):
        monkeypatch.undo()
        found = look(address)
        subscribe(topics=["cs.LG"])
        return found

    monkeypatch.setattr(store.subscribers, "by_email", add_meanwhile)
    person = subscribe(keywords=["maps"])

    assert interests(person) == {("topic", "cs.LG"), ("keyword", "maps")}


def test_what_is_refused_changes_nothing(store, subscribe):
    person = subscribe(topics=["cs.IR"])
    many = tuple(f"word {number}" for number in range(subscriptions.MOST_INTERESTS))
    with pytest.raises(InvalidInput, match="can hold"):
        subscribe(keywords=many, limit=3)
    assert store.subscribers.by_email(person.email) == person


# --- by a stranger ------------------------------------------------------------------------------


def test_a_stranger_makes_a_pending_subscription_and_asks_for_a_letter(store, sign_up, interests):
    came = sign_up(topics=["cs.IR"], at=datetime(2026, 6, 10, 7, tzinfo=UTC))
    assert came.outcome == "ask"
    assert came.subscriber.status is Status.PENDING
    assert store.subscribers.by_email("ada@example.org") == came.subscriber
    assert interests(came.subscriber) == {("topic", "cs.IR")}


def test_the_latest_wishes_of_one_who_has_not_confirmed_count(sign_up, interests, now):
    first = sign_up(topics=["cs.IR"], limit=3).subscriber
    later = now + timedelta(days=2)
    second = sign_up(keywords=["maps"], at=later).subscriber
    assert interests(second) == {("keyword", "maps")}
    assert (second.id, second.key, second.limit) == (first.id, first.key, 10)
    assert second.created_at == later


@pytest.mark.parametrize("paused", [False, True])
def test_a_stranger_changes_nothing_for_a_subscriber(
    store, subscribe, sign_up, profile, now, paused
):
    person = subscribe(topics=["cs.IR"], limit=3)
    if paused:
        person = subscriptions.pause(store, person, until=None, now=now)
    before = profile(person)

    came = sign_up(topics=["cs.CV"], limit=50)

    assert (came.outcome, came.subscriber) == ("known", person)
    assert store.subscribers.by_email(person.email) == person
    assert profile(person) == before


def mark_of_letter(store, person, now=NOW):
    """What the link of a letter says that is written to them now."""
    return subscriptions.asked_again(store, person, now=now).mark


@pytest.fixture
def gone(store, subscribe, now):
    """One who had left: three papers on cs.IR at most, every day."""
    person = subscribe(topics=["cs.IR"], limit=3)
    return subscriptions.unsubscribe(store, person, now=now)


def test_what_somebody_asks_for_in_the_name_of_one_who_had_left_counts_when_that_one_agrees(
    store, gone, sign_up, profile, interests, now
):
    before = profile(gone)
    came = sign_up(keywords=["maps"], limit=9, cadence="friday")
    assert (came.outcome, came.subscriber) == ("ask", replace(gone, status=Status.PENDING))
    assert store.subscribers.by_email(gone.email) == came.subscriber
    assert profile(gone) == before

    mark = mark_of_letter(store, came.subscriber)
    back = subscriptions.confirm(store, came.subscriber, now=now, mark=mark)
    assert interests(gone) == {("topic", "cs.IR"), ("keyword", "maps")}
    assert (back.limit, back.cadence, back.weekday) == (9, "weekly", 4)
    assert (back.status, back.at, back.due_at) == (Status.ACTIVE, gone.at, now)
    assert store.subscribers.comeback(gone.id) is None


def test_who_comes_back_without_a_wish_has_what_they_had(store, gone, sign_up, profile, now):
    before = profile(gone)
    came = sign_up().subscriber
    back = subscriptions.confirm(store, came, now=now, mark=mark_of_letter(store, came))
    assert back == replace(gone, status=Status.ACTIVE, due_at=now)
    assert profile(gone) == before


def test_a_letter_asks_for_all_that_its_link_agrees_to(store, gone, sign_up, now):
    came = sign_up(keywords=["maps"], limit=9).subscriber
    asked = subscriptions.asked_again(store, came, now=now)
    assert asked.person.limit == 9
    assert [each.value for each in asked.interests] == ["maps"]

    bare = subscriptions.asked_again(store, sign_up().subscriber, now=now)
    assert bare.person.limit == 3
    assert [each.value for each in bare.interests] == ["cs.IR"]


def test_only_the_letter_that_asks_for_it_brings_what_was_asked_for(
    store, gone, sign_up, profile, now
):
    before = profile(gone)
    own = mark_of_letter(store, sign_up(keywords=["maps"], limit=9).subscriber)
    came = sign_up(topics=["math.AG"], mutes=["retrieval"]).subscriber
    assert own != mark_of_letter(store, came)

    back = subscriptions.confirm(store, came, now=now, mark=own)
    assert back == replace(gone, status=Status.ACTIVE, due_at=now)
    assert profile(gone) == before
    assert store.subscribers.comeback(gone.id) is None


def test_the_same_asked_for_twice_is_brought_by_either_letter(store, gone, sign_up, interests, now):
    first = mark_of_letter(store, sign_up(keywords=["maps"], limit=9).subscriber)
    came = sign_up(keywords=["maps"], limit=9, at=now + timedelta(minutes=5)).subscriber
    back = subscriptions.confirm(store, came, now=now, mark=first)
    assert back.limit == 9
    assert ("keyword", "maps") in interests(gone)


@pytest.mark.parametrize("how", ["a slip undone", "an operator"])
def test_who_comes_back_another_way_comes_back_to_what_they_had(
    store, gone, sign_up, subscribe, profile, now, how
):
    before = profile(gone)
    came = sign_up(keywords=["maps"], limit=9).subscriber
    mark = mark_of_letter(store, came)
    if how == "an operator":
        back = subscribe(confirmed=False)
        back = subscriptions.confirm(store, back, now=now, mark=mark)
    else:
        back = subscriptions.activate(store, came, now=now)
    assert (back.status, back.limit) == (Status.ACTIVE, 3)
    assert profile(gone) == before
    assert store.subscribers.comeback(gone.id) is None


def test_what_was_asked_for_waits_as_long_as_the_link_of_the_latest_letter_holds(
    store, gone, sign_up, now
):
    came = sign_up(keywords=["maps"]).subscriber
    subscriptions.forget_pending(store, now + timedelta(days=13))
    mark_of_letter(store, came, now + timedelta(days=13))
    subscriptions.forget_pending(store, now + timedelta(days=28))
    assert store.subscribers.comeback(gone.id) is not None
    subscriptions.forget_pending(store, now + timedelta(days=28, hours=2))
    assert store.subscribers.comeback(gone.id) is None


def test_what_is_asked_for_while_a_letter_is_written_is_not_replaced_by_what_that_asks_for(
    store, gone, sign_up, monkeypatch, now
):
    came = sign_up(keywords=["maps"]).subscriber
    later, read = now + timedelta(hours=2), store.subscribers.comeback

    def asked_meanwhile(person_id):
        monkeypatch.setattr(store.subscribers, "comeback", read)
        wished = read(person_id)
        sign_up(keywords=["globes"], at=later)
        return wished

    monkeypatch.setattr(store.subscribers, "comeback", asked_meanwhile)
    mark_of_letter(store, came, later)

    assert [each.value for each in read(gone.id).interests] == ["globes"]


def test_a_form_that_overfills_the_profile_of_one_who_had_left_is_answered_like_any_other(
    store, gone, sign_up, interests, now
):
    many = [f"word {number}" for number in range(subscriptions.MOST_INTERESTS)]

    assert sign_up("nobody@example.org", keywords=many).outcome == "ask"
    came = sign_up(keywords=many)

    assert (came.outcome, came.subscriber.status) == ("ask", Status.PENDING)
    mark = mark_of_letter(store, came.subscriber)
    subscriptions.confirm(store, came.subscriber, now=now, mark=mark)
    kept = {("topic", "cs.IR"), *(("keyword", each) for each in many[:-1])}
    assert interests(gone) == kept
    subscriptions.unsubscribe(store, came.subscriber, now=now)
    again = sign_up(keywords=["maps"]).subscriber
    subscriptions.confirm(store, again, now=now, mark=mark_of_letter(store, again))
    assert interests(gone) == kept


@pytest.mark.parametrize("reason", sorted(set(SuppressionReason) - {SuppressionReason.ERASED}))
def test_an_address_we_must_not_write_to_gets_silence(store, subscribe, sign_up, now, reason):
    store.post.suppress(subscriptions.address_hash(store, "ada@example.org"), reason, now)
    came = sign_up()
    assert (came.outcome, came.subscriber, came.limited) == ("silent", None, False)
    assert store.subscribers.by_email("ada@example.org") is None
    suppress(store, subscribe())
    assert sign_up().outcome == "silent", "of who is a subscriber just as well"


def test_one_who_was_forgotten_can_come_back_by_confirming(store, subscribe, sign_up, now):
    subscriptions.erase(store, subscribe(), now=now)
    came = sign_up(topics=["cs.IR"])
    assert came.outcome == "ask"
    assert subscriptions.suppression(store, "ada@example.org") is SuppressionReason.ERASED

    subscriptions.confirm(store, came.subscriber, now=now)
    assert subscriptions.suppression(store, "ada@example.org") is None


def test_a_network_cannot_ask_too_often(sign_up, now):
    bounds = Bounds(signups=2, letters=100)
    asked = [sign_up(f"reader{n}@example.org", bounds=bounds) for n in range(3)]
    assert [each.outcome for each in asked] == ["ask", "ask", "silent"]
    assert asked[2].limited
    assert sign_up("else@example.org", network="198.51.100.1", bounds=bounds).outcome == "ask"
    an_hour_later = now + timedelta(hours=1, seconds=1)
    assert sign_up("late@example.org", bounds=bounds, at=an_hour_later).outcome == "ask"


def test_a_mailbox_cannot_be_bombed_from_many_networks(sign_up):
    bounds = Bounds(signups=100, letters=2)
    outcomes = [sign_up(network=f"192.0.2.{n}", bounds=bounds).outcome for n in range(4)]
    assert outcomes == ["ask", "ask", "silent", "silent"]


def test_a_mailbox_cannot_be_bombed_under_many_tags(sign_up):
    bounds = Bounds(signups=100, letters=2)
    tagged = ["ada@example.org", *(f"ada+{n}@example.org" for n in range(3))]
    assert [sign_up(each, bounds=bounds).outcome for each in tagged] == [
        "ask",
        "ask",
        "silent",
        "silent",
    ]
    numbers = [f"+4930{n}@example.org" for n in range(3)]  # a number, with no name before its plus
    assert {sign_up(each, bounds=bounds).outcome for each in numbers} == {"ask"}


def test_an_hours_bound_does_not_add_up_to_a_bombed_mailbox(sign_up, now):
    bounds = Bounds(signups=100, letters=2)
    outcomes = [
        sign_up(network=f"192.0.2.{hour}", bounds=bounds, at=now + timedelta(hours=hour)).outcome
        for hour in range(24)
    ]
    assert outcomes.count("ask") == 6
    assert sign_up(bounds=bounds, at=now + timedelta(hours=30)).outcome == "ask"


def test_a_mailbox_of_a_subscriber_cannot_be_bombed_either(subscribe, sign_up):
    subscribe()
    bounds = Bounds(signups=100, letters=1)
    assert [sign_up(bounds=bounds).outcome for _ in range(2)] == ["known", "silent"]


def test_all_strangers_together_cannot_make_us_send_without_end(store, sign_up, now, monkeypatch):
    monkeypatch.setattr("digest.subscriptions.signing_up.LETTERS_AN_HOUR", 3)
    outcomes = [sign_up(f"reader{n}@example.org", network=f"192.0.2.{n}").outcome for n in range(5)]
    assert outcomes == ["ask", "ask", "ask", "silent", "silent"]


def test_the_end_of_all_letters_is_said_alike_of_every_address_and_logged(
    store, subscribe, sign_up, monkeypatch, caplog
):
    monkeypatch.setattr("digest.subscriptions.signing_up.LETTERS_AN_HOUR", 2)
    subscribe("known@example.org")
    suppress(store, subscribe("gone@example.org"))
    asked = [sign_up(f"{name}@example.org") for name in ("new", "gone")]
    assert [(each.outcome, each.full) for each in asked] == [("ask", False), ("silent", False)]
    assert not caplog.records

    full = SignUp(outcome="silent", full=True)
    assert [sign_up(f"{name}@example.org") for name in ("other", "known", "gone")] == [full] * 3
    assert store.subscribers.by_email("other@example.org") is None
    assert "strangers have used up the letters of this hour" in caplog.text
    assert "example.org" not in caplog.text


def test_who_tries_again_while_no_letters_are_left_is_told_so_each_time_and_gets_one_later(
    sign_up, now, monkeypatch
):
    monkeypatch.setattr("digest.subscriptions.signing_up.LETTERS_AN_HOUR", 1)
    bounds = Bounds(signups=100, letters=3)
    sign_up("first@example.org", bounds=bounds)
    tries = [sign_up("late@example.org", bounds=bounds) for _ in range(7)]
    assert tries == [SignUp(outcome="silent", full=True)] * 7

    an_hour_later = now + timedelta(hours=1, seconds=1)
    assert sign_up("late@example.org", bounds=bounds, at=an_hour_later).outcome == "ask"


def test_what_was_typed_wrong_is_said_whoever_it_is(subscribe, sign_up):
    subscribe()
    for email in ("ada@example.org", "bo@example.org"):
        with pytest.raises(NotFound, match="no topic"):
            sign_up(email, topics=["cs.NOPE"])


def test_limits_keep_no_address_and_no_network(store, sign_up, tmp_path):
    sign_up("ada@example.org", network="192.0.2.77", bounds=Bounds(signups=1, letters=1))
    sign_up("ada@example.org", network="192.0.2.77", bounds=Bounds(signups=1, letters=1))
    with sqlite3.connect(tmp_path / "digest.db") as db:
        buckets = " ".join(row[0] for row in db.execute("SELECT bucket FROM uses"))
    assert buckets
    assert "ada@" not in buckets
    assert "192.0.2.77" not in buckets


# --- a link by mail ------------------------------------------------------------------------------


@pytest.fixture
def request_link(store, now):
    def ask(email="ada@example.org", letters=10, signups=100):
        bounds = Bounds(signups=signups, letters=letters)
        return subscriptions.request_link(store, email, bounds=bounds, network="192.0.2.7", now=now)

    return ask


def test_a_link_goes_to_whoever_is_subscribed_and_to_nobody_else(subscribe, request_link):
    person = subscribe()
    assert request_link() == SignUp(outcome="known", subscriber=person)
    assert request_link("nobody@example.org") == SignUp(outcome="silent")


def test_who_asks_for_a_link_and_has_yet_to_confirm_is_asked_to(sign_up, request_link):
    pending = sign_up().subscriber
    assert request_link() == SignUp(outcome="ask", subscriber=pending)


def test_no_link_goes_to_a_suppressed_address(store, subscribe, request_link, now):
    person = suppress(store, subscribe())
    assert request_link().outcome == "silent"
    assert subscriptions.renew_link(store, person, now=now).outcome == "silent"


def test_links_count_as_letters_to_the_address(subscribe, request_link):
    subscribe()
    assert [request_link(letters=2).outcome for _ in range(3)] == ["known", "known", "silent"]


def test_a_network_that_asks_for_links_too_often_is_told_so_whoever_is_subscribed(
    subscribe, request_link
):
    subscribe()
    request_link(signups=1)
    limited = SignUp(outcome="silent", limited=True)
    assert request_link(signups=1) == request_link("nobody@example.org", signups=1) == limited


def test_a_link_is_renewed_five_times_a_day(store, subscribe, now):
    person = subscribe()
    for _ in range(5):
        assert subscriptions.renew_link(store, person, now=now).subscriber == person
    with pytest.raises(InvalidInput, match="tomorrow"):
        subscriptions.renew_link(store, person, now=now)
    tomorrow = now + timedelta(days=1, seconds=1)
    assert subscriptions.renew_link(store, person, now=tomorrow).subscriber == person


def test_links_asked_for_and_renewed_are_six_letters_a_day_together(
    store, subscribe, request_link, now
):
    person = subscribe()
    for _ in range(4):
        request_link()
    for _ in range(2):
        assert subscriptions.renew_link(store, person, now=now).subscriber == person
    with pytest.raises(InvalidInput, match="tomorrow"):
        subscriptions.renew_link(store, person, now=now)
    assert request_link().outcome == "silent"


def test_asking_for_links_of_addresses_that_nobody_has_closes_the_door_to_nobody(
    store, subscribe, sign_up, request_link, now, monkeypatch
):
    monkeypatch.setattr("digest.subscriptions.signing_up.LETTERS_AN_HOUR", 2)
    person = subscribe()
    for number in range(5):
        assert request_link(f"nobody{number}@example.org").outcome == "silent"

    assert request_link().subscriber == person
    assert sign_up("new@example.org").outcome == "ask"
    assert subscriptions.renew_link(store, person, now=now).subscriber == person


def test_an_hours_links_are_counted_together_but_not_those_that_people_renew(
    store, subscribe, request_link, now, monkeypatch, caplog
):
    monkeypatch.setattr("digest.subscriptions.signing_up.LETTERS_AN_HOUR", 2)
    people = [subscribe(f"reader{number}@example.org") for number in range(3)]
    assert [request_link(each.email).outcome for each in people] == ["known", "known", "silent"]
    assert "strangers have used up the links of this hour" in caplog.text
    assert subscriptions.renew_link(store, people[2], now=now).subscriber == people[2]
