"""What a reader changes by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from digest import subscriptions
from digest.errors import InvalidInput, NotFound
from digest.model import Interest, InterestKind, Status
from digest.subscriptions import Wishes

TOPIC, KEYWORD, MUTE = InterestKind.TOPIC, InterestKind.KEYWORD, InterestKind.MUTE


@pytest.fixture
def change(store, topics, now):
    def run(person, *, replace=(), shown=None, at_moment=now + timedelta(hours=1), **wishes):
        return subscriptions.change(
            store,
            person,
            Wishes(**wishes),
            topics=topics,
            now=at_moment,
            replace=replace,
            shown=shown,
        )

    return run


def test_kinds_that_are_replaced_become_what_the_form_says(subscribe, change, interests):
    person = subscribe(topics=["cs.IR", "cs.LG"], keywords=["maps"], mutes=["survey"])
    change(person, topics=["cs.LG", "cs.CL"], keywords=[], replace=[TOPIC, KEYWORD])
    assert interests(person) == {("topic", "cs.LG"), ("topic", "cs.CL"), ("mute", "survey")}


def test_only_what_was_shown_is_removed(subscribe, change, interests):
    person = subscribe(topics=["cs.IR", "cs.LG"], mutes=["survey"])
    change(person, topics=["cs.CL"], replace=[TOPIC, MUTE], shown={(TOPIC, "cs.IR")})
    assert interests(person) == {("topic", "cs.LG"), ("topic", "cs.CL"), ("mute", "survey")}


def test_what_was_shown_and_removed_since_does_not_come_back(
    store, subscribe, change, interests, now
):
    person = subscribe(topics=["cs.IR"], keywords=["maps", "tides"])
    subscriptions.drop(store, person, KEYWORD, "maps")
    form = {"topics": ["cs.IR"], "keywords": ["maps", "tides", "reefs"]}
    shown = {(TOPIC, "cs.IR"), (KEYWORD, "maps"), (KEYWORD, "tides")}
    change(person, **form, replace=[TOPIC, KEYWORD], shown=shown)
    assert interests(person) == {("topic", "cs.IR"), ("keyword", "tides"), ("keyword", "reefs")}


def test_other_kinds_are_added_to(subscribe, change, interests):
    person = subscribe(topics=["cs.IR"])
    change(person, topics=["cs.LG"], keywords=["maps"])
    assert interests(person) == {("topic", "cs.IR"), ("topic", "cs.LG"), ("keyword", "maps")}


def test_what_stays_keeps_its_age_and_weight(store, subscribe, change, profile, now):
    person = subscribe(topics=["cs.IR"])
    subscriptions.weigh(store, person, TOPIC, "cs.IR", 3)
    change(person, topics=["cs.ir"], replace=[TOPIC])
    assert profile(person) == {Interest(kind=TOPIC, value="cs.IR", weight=3, added_at=now)}


def test_an_answer_given_while_the_form_was_open_is_kept(store, subscribe, change, interests, now):
    person = subscribe(topics=["cs.IR"])
    like = Interest(kind=InterestKind.LIKE, value="arxiv:2606.00001", added_at=now)
    store.subscribers.add_interests(person.id, [like])
    change(person, topics=["cs.LG"], replace=[TOPIC])
    assert interests(person) == {("topic", "cs.LG"), ("like", "arxiv:2606.00001")}


def test_another_hour_moves_the_next_digest(subscribe, change):
    changed = change(subscribe(at="7:00"), at="18:00", cadence="weekdays")
    assert changed.due_at == datetime(2026, 6, 10, 18, tzinfo=UTC)


def test_what_is_no_matter_of_time_leaves_the_next_digest_alone(subscribe, change):
    person = subscribe(at="7:00")
    assert change(person, limit=3, name="Ada").due_at == person.due_at


def test_a_digest_that_is_due_already_is_not_put_off(store, sign_up, change, now):
    person = subscriptions.confirm(store, sign_up().subscriber, now=now)
    assert change(person, at="18:00").due_at == now


def test_changing_hours_during_a_pause_ends_no_pause(store, subscribe, change, now):
    person = subscriptions.pause(store, subscribe(), until=None, now=now)
    changed = change(person, at="18:00")
    assert (changed.status, changed.due_at) == (Status.PAUSED, None)


def test_a_form_from_before_a_digest_was_composed_does_not_make_it_due_again(
    store, subscribe, change
):
    stale = subscribe()
    tomorrow = datetime(2026, 6, 12, 7, tzinfo=UTC)
    store.ledger.compose([], next_due={stale.id: tomorrow}, send_from={}, message_ids={})
    assert change(stale, limit=3).due_at == tomorrow


def test_a_form_with_one_bad_field_changes_nothing(subscribe, store, change, interests):
    person = subscribe(topics=["cs.IR"])
    with pytest.raises(NotFound, match="no topic"):
        change(person, at="9:00", topics=["cs.NOPE"], replace=[TOPIC])
    assert store.subscribers.by_email(person.email) == person
    assert interests(person) == {("topic", "cs.IR")}


def test_a_profile_does_not_grow_without_end(subscribe, change, interests):
    person = subscribe(keywords=[f"word {n}" for n in range(1_999)])
    with pytest.raises(InvalidInput, match="2000 interests, not 2001"):
        change(person, keywords=["owls", "another owl"])
    assert len(interests(person)) == 1_999


def test_an_interest_can_be_weighed_whatever_its_case(store, subscribe, profile, now):
    person = subscribe(keywords=["Late Interaction"])
    subscriptions.weigh(store, person, KEYWORD, "late interaction", 2)
    assert profile(person) == {
        Interest(kind=KEYWORD, value="Late Interaction", weight=2, added_at=now)
    }


@pytest.mark.parametrize("weight", [0, -1, 5.1, float("nan"), float("inf")])
def test_weights_have_bounds(store, subscribe, now, weight):
    person = subscribe(keywords=["maps"])
    with pytest.raises(InvalidInput, match=r"from 0\.1 to 5"):
        subscriptions.weigh(store, person, KEYWORD, "maps", weight)


def test_only_what_is_there_can_be_weighed(store, subscribe, now):
    with pytest.raises(NotFound, match="no such keyword"):
        subscriptions.weigh(store, subscribe(), KEYWORD, "maps", 2)


def test_dropping_an_interest_may_be_repeated(store, subscribe, interests, now):
    person = subscribe(keywords=["maps"], mutes=["maps"])
    for _ in range(2):
        subscriptions.drop(store, person, KEYWORD, "Maps")
        assert interests(person) == {("mute", "maps")}
