"""Leaving, and for an hour the way back."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from digest import subscriptions, tokens
from digest.model import Evidence, EvidenceKind, Status
from digest.web.leaving import REJOIN


@pytest.mark.parametrize("body", ["urlencoded", "multipart", "nonsense", "nothing"])
def test_one_click_unsubscribe_needs_nothing_but_the_post(client, app, person, at, body):
    sent = {
        "urlencoded": {"data": {"List-Unsubscribe": "One-Click"}},
        "multipart": {"files": {"List-Unsubscribe": (None, "One-Click")}},
        "nonsense": {"content": b"\xff\x00=&&", "headers": {"content-type": "multipart/form-data"}},
        "nothing": {},
    }[body]
    answer = client.post(at(person).unsubscribe, follow_redirects=False, **sent)
    assert answer.status_code == 200
    assert app.store.subscribers.by_email(person.email).status is Status.UNSUBSCRIBED
    assert client.post(at(person).unsubscribe).status_code == 200


def test_whose_address_is_suppressed_can_leave_too(client, app, person, at):
    app.store.subscribers.set_status(person.id, Status.SUPPRESSED)
    assert "<button" in client.get(at(person).unsubscribe).text.partition("<main")[2]
    assert '/back"' not in client.post(at(person).unsubscribe).text
    assert app.store.subscribers.by_email(person.email).status is Status.UNSUBSCRIBED


def test_a_slip_is_undone_within_the_hour_and_not_later(
    client, app, person, at, now_is, now, leave
):
    back = leave(person)
    assert "subscribed again" in client.post(back, data={"do": "undo"}).text
    assert app.store.subscribers.by_email(person.email).status is Status.ACTIVE

    client.post(at(person).unsubscribe)
    now_is(now.replace(hour=9))
    assert client.post(back, data={"do": "undo"}).status_code == 404
    assert app.store.subscribers.by_email(person.email).status is Status.UNSUBSCRIBED


def test_a_second_press_offers_the_same_way_back_for_the_same_hour(
    client, app, person, at, now, now_is
):
    subscriptions.pause(app.store, person, until=None, now=now)
    leave = at(person).unsubscribe
    first = client.post(leave).text
    now_is(now + timedelta(minutes=59))
    assert client.post(leave).text == first
    back = re.search(r'action="(/u/[^"]+/back)"', first)[1]
    assert "paused, as before" in client.post(back, data={"do": "undo"}).text

    now_is(now + timedelta(minutes=60))
    client.post(leave)
    now_is(now + timedelta(minutes=120))
    assert '/back"' not in client.post(leave).text


@pytest.mark.parametrize(
    ("tz", "hour", "day"),
    [("Europe/Prague", 7, "Wednesday 24"), ("Pacific/Auckland", 13, "Thursday 25")],
)
def test_a_pause_is_offered_instead_of_leaving_and_ends_on_the_readers_own_day(
    client, app, join, leave, now_is, now, tz, hour, day
):
    person = join("bo@example.org", tz=tz)
    now_is(now.replace(hour=hour))
    page = client.post(leave(person), data={"do": "pause", "span": "2 weeks"}).text
    assert f"No digests until {day} June" in page
    assert app.store.subscribers.by_email(person.email).status is Status.PAUSED


@pytest.mark.parametrize("days", [None, 30])
def test_a_slip_while_paused_leads_back_to_the_same_pause(client, app, person, now, days, leave):
    until = now + timedelta(days=days, microseconds=1) if days else None
    subscriptions.pause(app.store, person, until=until, now=now)
    back = leave(person)

    for _ in range(2):
        assert "paused, as before" in client.post(back, data={"do": "undo"}).text

        found = app.store.subscribers.by_email(person.email)
        assert (found.status, found.paused_until) == (Status.PAUSED, until)

    subscriptions.resume(app.store, person, now=now)
    client.post(back, data={"do": "undo"})
    assert app.store.subscribers.by_email(person.email).status is Status.ACTIVE


def test_an_undo_link_notes_a_pause_in_microseconds_as_it_always_did(client, app, person, now):
    until = now + timedelta(days=30, microseconds=123456)
    app.store.subscribers.set_status(person.id, Status.UNSUBSCRIBED)
    subject = f"{int(now.timestamp()) // 60}-{int(until.timestamp())}123456"
    link = tokens.make(person.key, REJOIN, person.id, subject)
    assert "paused, as before" in client.post(f"/u/{link}/back", data={"do": "undo"}).text
    assert app.store.subscribers.by_email(person.email).paused_until == until


def test_a_slip_is_undone_without_a_pause_that_has_ended_since(
    client, app, person, now, now_is, leave
):
    subscriptions.pause(app.store, person, until=now + timedelta(minutes=10), now=now)
    back = leave(person)
    now_is(now + timedelta(minutes=20))
    assert "paused" not in client.post(back, data={"do": "undo"}).text
    assert app.store.subscribers.by_email(person.email).status is Status.ACTIVE


def test_a_pause_longer_than_people_can_ask_for_is_cut_by_an_undo_not_refused(
    client, app, person, now, leave
):
    longer = replace(person, status=Status.PAUSED, paused_until=now + timedelta(days=900))
    app.store.subscribers.save(longer)
    back = leave(person)
    assert client.post(back, data={"do": "undo"}).status_code == 200
    assert app.store.subscribers.by_email(person.email).status is Status.PAUSED


def test_who_never_confirmed_is_not_offered_the_way_back(client, app, at):
    client.post(
        "/subscribe", data={"email": "new@example.org", "topics": "cs.IR", "do": "subscribe"}
    )
    new = app.store.subscribers.by_email("new@example.org")
    assert '/back"' not in client.post(at(new).unsubscribe).text


@pytest.mark.parametrize("how", ["suppressed", "complained"])
def test_who_is_suppressed_does_not_come_back_by_an_undo(client, app, person, now, leave, how):
    back = leave(person)
    if how == "suppressed":
        app.store.subscribers.set_status(person.id, Status.SUPPRESSED)
    else:
        kind = EvidenceKind.COMPLAINT
        app.bounced(Evidence(id="e_1", kind=kind, subscriber_id=person.id, raw=b"", at=now))
    before = app.store.subscribers.by_email(person.email).status
    assert client.post(back, data={"do": "undo"}).status_code == 404
    assert app.store.subscribers.by_email(person.email).status is before
