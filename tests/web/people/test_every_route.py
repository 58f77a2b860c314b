"""What holds for every signed address: acting twice is harmless, and pages are private and labelled."""

import re
from datetime import timedelta

import pytest

from digest import subscriptions, tokens
from digest.model import Status
from digest.rendering import links

# Paths of each scope that can be looked at, and what can be posted to them.
LOOKS = {
    "unsubscribe": [""],
    "confirm": [""],
    "digest": [
        "",
        *(f"/1/{word}" for word in ("more", "less", "save", "known", "upvote")),
        "/2/hide-author",
        "/2/hide-topic",
    ],
    "me": [
        "",
        "/likes",
        "/archive",
        "/saved",
        "/saved.bib",
        "/saved.ris",
        "/saved.csl",
        "/pause",
        "/submit",
        "/account",
        "/papers/arxiv:2606.00001",
    ],
    "account": ["", "/export"],
}
ACTS = {
    "unsubscribe": [("", {})],
    "confirm": [("", {})],
    "digest": [
        *((f"/1/{word}", {}) for word in ("more", "less", "save", "known", "upvote")),
        ("/2/hide-author", {"value": "Osei Tandoh"}),
        ("/2/hide-topic", {"value": "cs.CL"}),
        ("/seen", {}),
    ],
    "me": [
        ("", {"do": "keep", "topics": "cs.CV", "keywords": "lattices", "limit": "4"}),
        ("/likes", {"do": "add", "kind": "author", "value": "Mira Quennell", "weight": "2.0"}),
        ("/likes", {"do": "weigh", "kind": "topic", "value": "cs.IR", "weight": "2.0"}),
        ("/likes", {"do": "drop", "kind": "topic", "value": "cs.IR"}),
        ("/pause", {"do": "pause", "span": "2 weeks"}),
        ("/pause", {"do": "resume"}),
        ("/submit", {"paper": "2606.00002", "line": "Worth an evening."}),
        ("/papers/arxiv:2606.00003", {"answer": "more"}),
    ],
}
PUBLIC = [
    "/subscribe",
    "/subscribe/preview",
    "/subscribe?topics=cs.IR&keywords=a,b&q=vision",
    "/me",
]


@pytest.mark.parametrize(
    ("scope", "rest", "form"), [(scope, *act) for scope, acts in ACTS.items() for act in acts]
)
def test_a_post_acts_and_acting_twice_is_harmless(
    client, person, at, database, profile, app, scope, rest, form
):
    address = getattr(at(person), scope) + rest
    before = database()

    assert client.post(address, data=form).status_code == 200

    after = (profile(person), app.store.subscribers.get([person.id])[person.id].status)
    changed = database()
    assert client.post(address, data=form).status_code == 200
    again = (profile(person), app.store.subscribers.get([person.id])[person.id].status)
    assert again == after
    acts = {"confirm", "/pause resume"}  # who is active already has nothing to confirm or resume
    assert changed != before or {scope, f"{rest} {form.get('do', '')}"} & acts


def test_new_links_end_the_old_ones(app, client, person, at):
    signed = at(person)
    subscriptions.revoke(app.store, person)
    for address in vars(signed).values():
        assert client.get(address).status_code == 404, address


def test_personal_pages_are_never_kept_nor_indexed(client, person, at):
    for address in vars(at(person)).values():
        headers = client.get(address).headers
        assert "no-store" in headers["cache-control"], address
        assert "noindex" in headers["x-robots-tag"], address


def test_every_control_has_a_label(client, person, at):
    signed = [getattr(at(person), scope) + rest for scope in LOOKS for rest in LOOKS[scope]]
    for address in [*PUBLIC, *signed]:
        answer = client.get(address)
        if "html" not in answer.headers["content-type"]:
            continue
        page = answer.text
        labelled = set(re.findall(r'<label[^>]* for="([^"]+)"', page))
        wrapped = "".join(re.findall(r"<label(?![^>]* for=).*?</label>", page, re.DOTALL))
        for control in re.findall(r"<(?:input|select|textarea)[^>]*>", page):
            named = re.search(r' id="([^"]+)"', control)
            assert (
                'type="hidden"' in control or control in wrapped or (named and named[1] in labelled)
            ), (address, control)


def test_an_address_never_stands_in_a_link_of_ours(client, person, at):
    for scope, paths in LOOKS.items():
        for rest in paths:
            page = client.get(getattr(at(person), scope) + rest).text
            assert not re.search(r'(?:href|action)="[^"]*ada(?:@|%40)', page)


@pytest.mark.parametrize(("made", "days", "status"), [("confirm", 14, 410), ("me", 90, 410)])
def test_dated_links_have_their_time(app, client, join, at, now_is, now, made, days, status):
    person = join("old@example.org")
    app.store.subscribers.set_status(
        person.id, Status.PENDING if made == "confirm" else person.status
    )
    address = getattr(at(person), made)

    now_is(now + timedelta(days=days))
    assert client.get(address).status_code == 200
    now_is(now + timedelta(days=days + 2))
    assert client.get(address).status_code == status


@pytest.mark.parametrize("subject", ["", "yesterday", "2031-01-01", "9" * 30])
def test_a_link_without_a_day_of_ours_is_too_old(client, person, subject):
    token = tokens.make(person.key, links.PREFERENCES, person.id, subject)
    assert client.get(f"/me/{token}").status_code == 410
