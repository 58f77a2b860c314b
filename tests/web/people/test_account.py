"""What only the owner of the mailbox may do."""

import re
from datetime import timedelta

from digest import subscriptions
from digest.model import Status, SuppressionReason


def test_the_account_page_comes_by_mail_and_is_good_for_an_hour(
    client, person, at, link_in, now_is, now
):
    page = client.post(f"{at(person).me}/account").text
    assert "on its way" in page
    account = link_in(person.email, "/account/")
    assert "Delete everything" in client.get(account).text
    now_is(now + timedelta(minutes=61))
    assert client.get(account).status_code == 410
    assert client.post(f"{account}/erase").status_code == 410
    assert client.get(at(person).me).status_code == 200


def test_asking_for_the_account_page_has_its_bounds(client, person, at, mailbox, now, now_is):
    for minute in range(8):
        now_is(now + timedelta(minutes=minute))
        client.post(f"{at(person).me}/account")
    assert len(mailbox()) == 5


def test_the_export_is_all_that_is_kept_without_the_key(client, person, at):
    client.post(f"{at(person).digest}/1/more")
    answer = client.get(f"{at(person).account}/export")
    data = answer.json()
    assert 'attachment; filename="' in answer.headers["content-disposition"]
    assert data["profile"]["email"] == person.email
    assert data["feedback"][0]["kind"] == "more"
    assert len(data["digests"]) == 1
    assert person.key not in answer.text


def test_digests_move_once_both_addresses_have_agreed(app, client, person, at, link_in, mailbox):
    old = at(person)
    page = client.post(f"{old.account}/address", data={"email": "ada@new.example"}).text
    assert "We wrote to both addresses" in page
    assert "ada@new.example" in client.get(old.account).text
    for address, says in (
        (person.email, "One more confirmation to go"),
        ("ada@new.example", "have moved"),
    ):
        agree = link_in(address, "/a/")
        assert "<button" in client.get(agree).text
        assert says in client.post(agree).text
    moved = app.store.subscribers.by_email("ada@new.example")
    assert moved.id == person.id
    assert app.store.subscribers.by_email(person.email) is None
    assert client.get(old.me).status_code == 404
    assert client.get(link_in("ada@new.example", "/me/")).status_code == 200
    assert {to for to, _ in mailbox()[-2:]} == {"ada@new.example", person.email}


def test_a_new_address_that_cannot_be_is_said_and_kept_in_the_field(client, person, at):
    for wrong in ("ada at new", person.email):
        answer = client.post(f"{at(person).account}/address", data={"email": wrong})
        assert answer.status_code == 400
        assert 'href="#email"' in answer.text
        assert f'value="{wrong}"' in answer.text


def test_the_new_address_is_told_what_goes_with_its_own_ended_subscription(
    app, client, person, at, join, link_in, now
):
    other = join("ada@new.example")
    subscriptions.unsubscribe(app.store, other, now=now)
    client.post(f"{at(person).account}/address", data={"email": other.email})
    warning = "is deleted when the digests move"
    assert warning not in client.get(link_in(person.email, "/a/")).text
    assert warning in client.get(link_in(other.email, "/a/")).text
    client.post(link_in(person.email, "/a/"))
    assert "have moved" in client.post(link_in(other.email, "/a/")).text


def test_a_change_of_address_that_has_ended_says_so(app, client, person, at, link_in, now, now_is):
    client.post(f"{at(person).account}/address", data={"email": "ada@new.example"})
    agree = link_in(person.email, "/a/")
    now_is(now + timedelta(days=8))
    assert client.post(agree).status_code == 410
    assert app.store.subscribers.by_email(person.email).id == person.id


def test_a_link_to_one_wish_never_shows_the_address_of_another_nor_one_too_old(
    client, person, at, link_in, now, now_is
):
    ask = f"{at(person).account}/address"
    client.post(ask, data={"email": "wrong@example.net"})
    stranger = link_in("wrong@example.net", "/a/")
    assert "wrong@example.net" in client.get(stranger).text
    now_is(now + timedelta(minutes=5))
    client.post(ask, data={"email": "right@example.com"})

    answer = client.get(stranger)

    assert answer.status_code == 410
    assert "example.com" not in answer.text
    own = link_in("right@example.com", "/a/")
    assert "right@example.com" in client.get(own).text
    now_is(now + timedelta(days=7, minutes=5))
    answer = client.get(own)
    assert answer.status_code == 410
    assert "example.com" not in answer.text


def test_links_are_renewed_and_a_fresh_one_is_mailed(client, person, at, link_in):
    answer = client.post(f"{at(person).account}/links", follow_redirects=False)
    assert answer.status_code == 303
    assert "All your old links are invalid now" in client.get(answer.headers["location"]).text
    assert client.get(at(person).me).status_code == 404
    assert client.get(at(person).account).status_code == 404
    assert client.get(link_in(person.email, "/me/")).status_code == 200


def test_new_links_begin_no_new_hour_and_have_their_bounds(
    app, client, person, at, mailbox, now, now_is
):
    here = at(person).account
    for minute in range(8):
        now_is(now + timedelta(minutes=minute))
        here = client.post(f"{here}/links", follow_redirects=False).headers["location"]
        here, _, done = here.partition("?done=")
        assert done == ("links" if minute < 5 else "often")
    assert len(mailbox()) == 5
    key = app.store.subscribers.by_email(person.email).key
    client.post(f"{here}/links")
    assert app.store.subscribers.by_email(person.email).key == key, "no link ends"
    assert client.get(here).status_code == 200
    now_is(now + timedelta(minutes=61))
    assert client.get(here).status_code == 410


def test_erasure_leaves_a_hash_and_nothing_else(app, client, person, at, database, mailbox):
    client.post(f"{at(person).digest}/1/more")
    client.post(f"{at(person).me}/account")
    app.deliver()
    page = client.post(f"{at(person).account}/erase").text
    assert "Everything is deleted" in page
    text = "\n".join(database())
    assert person.id not in text
    assert person.email not in text
    hashed = subscriptions.address_hash(app.store, person.email)
    assert app.store.post.suppression(hashed) is SuppressionReason.ERASED
    assert "deleted" in mailbox()[-1][1]
    assert client.post(f"{at(person).account}/erase").status_code == 404


def test_who_has_left_can_still_take_their_data_and_be_erased(app, client, person, at):
    client.post(at(person).unsubscribe)
    assert app.store.subscribers.by_email(person.email).status is Status.UNSUBSCRIBED
    assert client.get(f"{at(person).account}/export").status_code == 200
    assert re.search("deleted", client.post(f"{at(person).account}/erase").text)
