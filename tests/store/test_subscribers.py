from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import pytest

from digest.errors import InvalidInput, NotFound
from digest.model import (
    EVERYONE,
    AddressChange,
    Cadence,
    Comeback,
    IdRange,
    InterestKind,
    Quiet,
    Status,
)

LIKE, DISLIKE = InterestKind.LIKE, InterestKind.DISLIKE


def test_a_subscriber_comes_back_as_they_were(store, make):
    person = make.subscriber(
        status=Status.PAUSED,
        tz="Europe/Berlin",
        at=time(6, 30),
        cadence=Cadence.WEEKLY,
        weekday=4,
        limit=25,
        quiet=Quiet.NOTHING,
        confirmed_at=make.day,
        due_at=None,
        paused_until=make.day + timedelta(days=14),
        seen_until=make.day,
        name="Ada",
        shows_name=True,
        floor=0.02,
    )
    wishes = [make.interest("cs.LG"), make.interest("diffusion", InterestKind.KEYWORD, weight=2.5)]

    assert store.subscribers.add([(person, wishes)]) == 1

    assert store.subscribers.get([person.id, "s_unknown"]) == {person.id: person}
    assert store.subscribers.by_email(person.email) == person
    assert store.subscribers.by_email("nobody@example.org") is None
    assert list(store.subscribers.all()) == [(person, wishes)]


def test_a_known_address_is_left_alone(store, make):
    person = make.subscriber()
    store.subscribers.add([(person, [make.interest("cs.LG")])])
    same_address = replace(person, id="s_other", limit=3)
    same_id = replace(person, email="other@example.org")

    added = store.subscribers.add(
        [
            (same_address, [make.interest("cs.CL")]),
            (same_id, []),
            (make.subscriber(2), []),
            (replace(make.subscriber(2), id="s_twin"), []),
        ]
    )

    assert added == 1
    assert store.subscribers.by_email(person.email) == person
    assert [each.value for each in store.subscribers.profiles([person.id])[0].interests] == [
        "cs.LG"
    ]


def test_many_are_added_a_bounded_block_at_a_time(store, make, monkeypatch):
    monkeypatch.setattr("digest.store.subscribers.MOST_ROWS", 10)
    stored_by_then = []

    def rows():
        for number in range(25):
            if number % 10 == 0:
                stored_by_then.append(store.counts()["subscribers"])
            yield make.subscriber(number), [make.interest()]

    assert store.subscribers.add(rows()) == 25
    assert stored_by_then == [0, 10, 20]


def test_all_goes_on_past_one_block(store, make, monkeypatch):
    monkeypatch.setattr("digest.store.subscribers.BLOCK", 4)
    people = [make.subscriber(number) for number in range(10)]
    store.subscribers.add((person, [make.interest()]) for person in reversed(people))

    assert list(store.subscribers.all()) == [(person, [make.interest()]) for person in people]


def test_saving_replaces_the_row_but_not_the_interests(store, make):
    person = make.subscriber()
    store.subscribers.add([(person, [make.interest()])])
    changed = replace(person, email="new@example.org", status=Status.UNSUBSCRIBED, due_at=None)

    store.subscribers.save(changed)

    assert list(store.subscribers.all()) == [(changed, [make.interest()])]


def test_saving_an_unknown_subscriber_or_a_taken_address_is_refused(store, make):
    store.subscribers.add([(make.subscriber(number), []) for number in (1, 2)])

    with pytest.raises(NotFound):
        store.subscribers.save(make.subscriber(3))
    with pytest.raises(InvalidInput) as refused:
        store.subscribers.save(make.subscriber(2, email=make.subscriber(1).email))
    assert "@" not in str(refused.value)
    assert store.subscribers.get(["s_000002"])["s_000002"] == make.subscriber(2)


def test_text_that_is_no_text_is_refused_in_words(store):
    with pytest.raises(InvalidInput):
        store.subscribers.by_email("\ud800@example.org")


def test_profiles_come_in_the_order_asked_also_for_strangers(store, make):
    store.subscribers.add(
        [
            (make.subscriber(n, limit=5 + 20 * (n - 1), floor=n / 10), [make.interest(f"t{n}")])
            for n in (1, 2)
        ]
    )

    profiles = store.subscribers.profiles(["s_000002", "s_unknown", "s_000001"])

    assert [each.subscriber_id for each in profiles] == ["s_000002", "s_unknown", "s_000001"]
    assert [[i.value for i in each.interests] for each in profiles] == [["t2"], [], ["t1"]]
    assert [each.limit for each in profiles] == [25, 10, 5]
    assert [each.floor for each in profiles] == [0.2, 0, 0.1]


def test_interests_keep_the_order_they_were_added_in(store, make):
    person = make.subscriber()
    store.subscribers.add([(person, [make.interest("zebra"), make.interest("ant")])])

    store.subscribers.add_interests(
        person.id, [make.interest("mouse", added_at=make.day + timedelta(hours=1))]
    )

    found = store.subscribers.profiles([person.id])[0].interests
    assert [each.value for each in found] == ["zebra", "ant", "mouse"]


def test_setting_interests_replaces_them_all(store, make):
    person = make.subscriber()
    store.subscribers.add([(person, [make.interest("cs.LG"), make.interest("cs.CL")])])

    store.subscribers.set_interests(person.id, [make.interest("cs.CV")])

    assert store.subscribers.profiles([person.id])[0].interests == (make.interest("cs.CV"),)


def test_adding_an_interest_again_weighs_it_anew(store, make):
    person = make.subscriber()
    store.subscribers.add([(person, [make.interest(weight=1.0)])])

    store.subscribers.add_interests(person.id, [make.interest(weight=0.5)])

    assert store.subscribers.profiles([person.id])[0].interests == (make.interest(weight=0.5),)


@pytest.mark.parametrize(("first", "then"), [(LIKE, DISLIKE), (DISLIKE, LIKE)])
def test_a_like_replaces_a_dislike_and_back(store, make, first, then):
    person = make.subscriber()
    store.subscribers.add([(person, [make.interest("arxiv:1", first), make.interest("cs.LG")])])

    store.subscribers.add_interests(person.id, [make.interest("arxiv:1", then)])

    profile = store.subscribers.profiles([person.id])[0]
    assert [each.value for each in profile.of(then)] == ["arxiv:1"]
    assert profile.of(first) == ()


def test_of_two_opinions_in_one_call_the_last_counts(store, make):
    person = make.subscriber()
    store.subscribers.add([(person, [])])

    store.subscribers.set_interests(
        person.id, [make.interest("arxiv:1", LIKE), make.interest("arxiv:1", DISLIKE)]
    )

    assert [each.kind for each in store.subscribers.profiles([person.id])[0].interests] == [DISLIKE]


@pytest.mark.parametrize("method", ["set_interests", "add_interests"])
def test_interests_of_a_stranger_are_refused(store, make, method):
    with pytest.raises(NotFound):
        getattr(store.subscribers, method)("s_unknown", [make.interest()])


def test_due_gives_active_subscribers_longest_overdue_first(store, make):
    store.subscribers.add(
        [
            (make.subscriber(1, due_at=make.day), []),
            (make.subscriber(2, due_at=make.day - timedelta(hours=1)), []),
            (make.subscriber(3, due_at=make.day + timedelta(microseconds=1)), []),
            (make.subscriber(4, status=Status.PAUSED), []),
            (make.subscriber(5, due_at=None), []),
        ]
    )

    assert [each.id for each in store.subscribers.due(make.day, limit=9)] == [
        "s_000002",
        "s_000001",
    ]
    assert [each.id for each in store.subscribers.due(make.day, limit=1)] == ["s_000002"]


def test_pages_cover_the_active_once_by_id(store, make):
    store.subscribers.add(
        [
            (make.subscriber(n, status=Status.PENDING if n == 2 else Status.ACTIVE), [])
            for n in (4, 2, 3, 1)
        ]
    )

    first = store.subscribers.page("", limit=2)
    second = store.subscribers.page(first[-1].id, limit=2)

    assert [each.id for each in first + second] == ["s_000001", "s_000003", "s_000004"]
    assert store.subscribers.page(second[-1].id, limit=2) == []


def test_what_is_due_and_pages_can_be_had_of_a_range_of_ids(store, make):
    store.subscribers.add([(make.subscriber(n), []) for n in range(1, 6)])
    among = IdRange(after="s_000001", last="s_000004")

    due = store.subscribers.due(make.day, limit=9, among=among)
    page = store.subscribers.page(among.after, limit=9, last=among.last)

    assert [each.id for each in due] == ["s_000002", "s_000003", "s_000004"]
    assert due == page


def test_what_is_due_is_read_block_by_block(store, make):
    times = [make.day, make.day - timedelta(hours=1), make.day, make.day - timedelta(hours=1)]
    store.subscribers.add([(make.subscriber(n, due_at=at), []) for n, at in enumerate(times)])

    first = store.subscribers.due(make.day, limit=3)
    second = store.subscribers.due(make.day, limit=3, after=first[-1])

    assert [each.id[-1] for each in first + second] == ["1", "3", "0", "2"]
    assert store.subscribers.due(make.day, limit=3, after=second[-1]) == []


@pytest.mark.parametrize(
    ("most", "least", "sizes"), [(3, 2, [2, 2, 3]), (9, 2, [2, 2, 3]), (2, 3, [3, 4]), (4, 8, [7])]
)
def test_shares_are_ranges_of_ids_with_as_many_who_are_due_each(store, make, most, least, sizes):
    store.subscribers.add([(make.subscriber(n), []) for n in range(1, 8)])
    later = make.day + timedelta(days=1)
    store.subscribers.add([(make.subscriber(n, due_at=later), []) for n in range(20, 40)])

    shares = store.subscribers.shares(most=most, least=least, due=make.day)

    due = [store.subscribers.due(make.day, limit=99, among=each) for each in shares]
    assert [len(each) for each in due] == sizes
    everybody = [store.subscribers.due(later, limit=99, among=each) for each in shares]
    assert sum(map(len, everybody)) == 27, "whoever is added meanwhile has a place in one of them"


def test_where_nobody_is_due_there_is_one_share_for_whoever_comes(store, make):
    assert store.subscribers.shares(most=8, least=1, due=make.day) == [EVERYONE]
    assert store.subscribers.shares(most=8, least=1) == [EVERYONE]


def test_all_can_be_narrowed_to_a_status_and_written_to_meanwhile(store, make):
    store.subscribers.add([(make.subscriber(n), []) for n in (1, 2)])
    store.subscribers.add([(make.subscriber(3, status=Status.PENDING), [])])

    for person, _ in store.subscribers.all(Status.ACTIVE):
        store.subscribers.save(replace(person, limit=7))

    assert [each.limit for each, _ in store.subscribers.all()] == [7, 7, 10]


def test_topics_in_use_are_those_of_active_subscribers(store, make):
    store.subscribers.add(
        [
            (make.subscriber(1), [make.interest("cs.LG"), make.interest("cs.CL")]),
            (make.subscriber(2), [make.interest("cs.LG")]),
            (make.subscriber(3, status=Status.PAUSED), [make.interest("cs.CV")]),
            (make.subscriber(4), [make.interest("robots", InterestKind.KEYWORD)]),
        ]
    )

    assert store.subscribers.topics_in_use() == {"cs.CL": 1, "cs.LG": 2}


def test_subscribers_are_counted_by_status(store, make):
    assert store.subscribers.by_status() == {}
    states = (Status.ACTIVE, Status.ACTIVE, Status.PENDING)
    store.subscribers.add(
        (make.subscriber(number, status=status), []) for number, status in enumerate(states)
    )

    assert store.subscribers.by_status() == {Status.ACTIVE: 2, Status.PENDING: 1}


def test_interests_are_taken_away_by_kind_and_value(store, make):
    person = make.subscriber()
    kept, gone = make.interest("cs.LG"), make.interest("graphs", InterestKind.KEYWORD, weight=3.0)
    store.subscribers.add([(person, [kept, gone])])

    for _ in range(2):
        store.subscribers.remove_interests(
            person.id, [make.interest("graphs", InterestKind.KEYWORD), make.interest("graphs")]
        )

    assert store.subscribers.profiles([person.id])[0].interests == (kept,)


# --- pauses ---------------------------------------------------------------------------------------


def test_paused_people_are_resumable_when_their_pause_is_over(store, make):
    def paused(number, days, status=Status.PAUSED):
        until = None if days is None else make.day + timedelta(days=days)
        return make.subscriber(number, status=status, due_at=None, paused_until=until)

    store.subscribers.add(
        (each, [])
        for each in (
            paused(1, 0),
            paused(2, -1),
            paused(3, 1),
            paused(4, None),
            paused(5, -1, Status.UNSUBSCRIBED),
        )
    )

    assert [each.id for each in store.subscribers.resumable(make.day, limit=9)] == [
        "s_000002",
        "s_000001",
    ]
    assert len(store.subscribers.resumable(make.day, limit=1)) == 1


def test_paused_people_are_never_due(store, make):
    store.subscribers.add([(make.subscriber(status=Status.PAUSED), [])])

    assert store.subscribers.due(make.day + timedelta(days=1), limit=9) == []


# --- changes of address ---------------------------------------------------------------------------


def test_the_latest_wish_for_another_address_counts_until_it_is_dropped(store, make):
    person = make.subscriber()
    store.subscribers.add([(person, [])])
    first = AddressChange(subscriber_id=person.id, email="a@example.org", asked_at=make.day)
    second = replace(first, email="b@example.org", old_confirmed=True)

    store.subscribers.put_change(first)
    assert store.subscribers.change(person.id) == first
    store.subscribers.put_change(second)
    assert store.subscribers.change(person.id) == second

    store.subscribers.drop_change(person.id)
    store.subscribers.drop_change(person.id)
    assert store.subscribers.change(person.id) is None


def test_a_stranger_cannot_wish_for_another_address(store, make):
    with pytest.raises(NotFound):
        store.subscribers.put_change(
            AddressChange(subscriber_id="s_unknown", email="a@example.org", asked_at=make.day)
        )


# --- what was asked for in the name of those who had left -----------------------------------------


def test_the_latest_comeback_counts_and_is_read_as_it_was_put_until_it_is_dropped(store, make):
    person = make.subscriber(status=Status.PENDING)
    store.subscribers.add([(person, [])])
    bare = Comeback(subscriber_id=person.id, asked_at=make.day)
    full = replace(
        bare,
        interests=(make.interest("cs.LG"), make.interest("arxiv:2606.00001", InterestKind.LIKE)),
        at=time(0),
        tz="Asia/Amman",
        cadence=Cadence.WEEKLY,
        weekday=0,
        limit=4,
        quiet=Quiet.NOTHING,
        floor=0.0,
    )

    for wished in (bare, full):
        assert store.subscribers.put_comeback(wished)
        assert store.subscribers.comeback(person.id) == wished

    store.subscribers.drop_comeback(person.id)
    store.subscribers.drop_comeback(person.id)
    assert store.subscribers.comeback(person.id) is None


def test_comebacks_are_dropped_by_when_they_were_asked_for(store, make):
    old, new = (make.subscriber(number, status=Status.PENDING) for number in (1, 2))
    store.subscribers.add([(old, []), (new, [])])
    later = make.day + timedelta(seconds=1)
    store.subscribers.put_comeback(Comeback(subscriber_id=old.id, asked_at=make.day))
    store.subscribers.put_comeback(Comeback(subscriber_id=new.id, asked_at=later))

    store.subscribers.drop_comebacks(later)

    assert store.subscribers.comeback(old.id) is None
    assert store.subscribers.comeback(new.id) is not None


@pytest.mark.parametrize("status", [None, *sorted(set(Status) - {Status.PENDING})])
def test_nothing_waits_for_the_answer_of_who_is_not_asked(store, make, status):
    person = make.subscriber(status=status or Status.PENDING)
    if status is not None:
        store.subscribers.add([(person, [])])
    wished = Comeback(subscriber_id=person.id, asked_at=make.day)
    assert not store.subscribers.put_comeback(wished)
    assert store.subscribers.comeback(person.id) is None


def test_a_comeback_that_another_has_followed_is_not_renewed(store, make):
    person = make.subscriber(status=Status.PENDING)
    store.subscribers.add([(person, [])])
    older = Comeback(subscriber_id=person.id, asked_at=make.day, limit=4)
    newer = replace(older, asked_at=make.day + timedelta(hours=2), limit=9)
    later = make.day + timedelta(hours=3)

    store.subscribers.put_comeback(newer)
    store.subscribers.renew_comeback(older, later)
    assert store.subscribers.comeback(person.id) == newer

    store.subscribers.renew_comeback(newer, later)
    assert store.subscribers.comeback(person.id) == replace(newer, asked_at=later)


def test_one_long_list_of_liked_papers_does_not_keep_out_the_others(store, make):
    eager, bo = make.subscriber(1), make.subscriber(2)
    likes = [make.interest(f"doi:10.1000/{n}", kind=InterestKind.LIKE) for n in range(300)]
    store.subscribers.add([(eager, likes)])
    store.subscribers.add([(bo, [make.interest("arxiv:2606.00007", kind=InterestKind.LIKE)])])

    wanted = store.subscribers.wanted(make.day - timedelta(days=400), limit=1_000)

    assert len(wanted) == 101
    assert "arxiv:2606.00007" in wanted
