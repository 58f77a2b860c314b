"""Sign-up with a preview, and confirmation with the first digest at once."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from digest import subscriptions, tokens
from digest.model import Status, SuppressionReason
from digest.rendering import links
from digest.web import application as asgi

WISHES = {
    "topics": ["cs.IR", "cs.CL"],
    "keywords": "dense retrieval, reranking",
    "authors": "Quennell, Mira\nOsei Tandoh",
    "mutes": "blockchain",
    "at": "06:30",
    "tz": "Asia/Amman",
    "cadence": "friday",
    "limit": "4",
    "quiet": "nothing",
}


def sign_up(client, address, **form):
    return client.post("/subscribe", data={**WISHES, "email": address, "do": "subscribe", **form})


def test_the_form_offers_every_topic_named_ones_first(client, app):
    page = client.get("/subscribe").text
    offered = re.findall(r'name="topics" value="([^"]+)"', page)
    assert set(offered) == set(app.settings.topics)
    assert offered[0] == "retrieval"
    assert "checked" not in page


def test_an_address_can_fill_the_form_in(client):
    page = client.get("/subscribe?topics=cs.IR&topics=nonsense&keywords=one,two&queries=a+b").text
    assert re.search(r'value="cs.IR" checked', page)
    assert ">one,two</textarea>" in page
    assert ">a b</textarea>" in page
    assert "problems" not in page


def test_an_address_names_topics_in_any_case(client):
    page = client.get("/subscribe?topics=cs.ir&topics=RETRIEVAL&topics=cs.IR").text
    ticked = re.findall(r'name="topics" value="([^"]+)" checked', page)
    assert sorted(ticked) == ["cs.IR", "retrieval"]


def test_topics_are_narrowed_by_words_and_what_was_chosen_stays_in_sight(client):
    page = client.post(
        "/subscribe",
        data={"do": "find", "q": "computer vision", "topics": ["cs.IR"], "keywords": "x"},
    ).text
    assert re.search(r'<label class="box" data-words="cs.cv ', page)
    assert re.search(r'<label class="box" data-words="cs.ir [^>]+><input [^>]+ checked>', page)
    assert re.search(r'<label class="box" hidden data-words="cs.db ', page)
    assert "1 topic with" in page
    assert ">x</textarea>" in page


def test_a_preview_is_todays_digest_for_exactly_this_profile_and_keeps_nothing(client, database):
    before = database()
    page = client.post("/subscribe/preview", data=WISHES).text
    assert len(re.findall(r"<article", page)) == 4
    assert "you follow Information Retrieval (cs.IR)" in page
    assert "4 more that matched your interests" in page
    assert re.search(r'value="cs.IR" checked', page)
    assert database() == before


def test_a_preview_shows_the_latest_day_that_had_papers_and_says_so(client, now_is, now):
    now_is(now.replace(day=15))
    page = client.post("/subscribe/preview", data=WISHES).text
    assert "The digest of Wednesday 10 June 2026" in page
    assert "latest day that had papers" in page
    assert "<article" in page


def test_a_link_that_fills_in_the_form_tells_subscribers_where_to_go_instead(client):
    assert 'href="/me">your preferences</a>' in client.get("/subscribe?queries=old+maps").text
    assert 'href="/me">your preferences</a>' not in client.get("/subscribe?q=vision").text


@pytest.mark.parametrize(
    ("typed", "trending", "says"),
    [
        ({}, 1.0, "so you would get what is trending, and nothing is"),
        ({}, 0.0, "so nothing is picked for you."),
        ({"mutes": "vision"}, 1.0, "so you would get what is trending, and nothing is"),
    ],
)
def test_a_preview_for_nothing_chosen_says_what_one_would_get(app, client, typed, trending, says):
    app.settings = replace(app.settings, ranking=replace(app.settings.ranking, trending=trending))
    page = client.post("/subscribe/preview", data={"at": "07:00", **typed}).text
    assert f"You have chosen nothing yet, {says}" in page
    assert "about what you chose" not in page


def test_a_preview_without_matching_papers_says_what_to_do(client):
    page = client.post("/subscribe/preview", data={"topics": "math.GT"}).text
    assert "Nothing of that day is about what you chose" in page


def test_enter_in_a_field_does_what_is_meant(client):
    found = client.post("/subscribe", data={"do": "enter", "q": "vision", "was": ""})
    assert "1 topic with" in found.text
    preview = client.post("/subscribe", data={"do": "enter", "topics": "cs.IR"})
    assert preview.request.url.path == "/subscribe/preview"
    assert "<article" in preview.text
    signed_up = client.post("/subscribe", data={"do": "enter", "email": "enter@example.org"})
    assert "mailbox" in signed_up.text


def test_example_papers_come_pasted_or_as_a_file_and_are_shown_again(client):
    bibtex = b"@article{a, title={One}, eprint={2606.00003}, archivePrefix={arXiv}}"
    page = client.post(
        "/subscribe/preview",
        data={"likes": "https://arxiv.org/abs/2606.00001"},
        files={"file": ("library.bib", bibtex)},
    ).text
    assert "https://arxiv.org/abs/2606.00001" in page
    assert "2606.00003" in re.search(r'name="likes".*?</textarea>', page, re.DOTALL)[0]
    assert "<article" in page


LIBRARY = b"".join(
    b"@article{a%d, title={<b>One}, %s}\n" % (number, b"eprint={2606.%05d}" % number * (number < 4))
    for number in range(1, 10)
)


@pytest.mark.parametrize(
    ("library", "says"),
    [
        (LIBRARY, "Of your file, 3 of 9 were taken; 6 have no arXiv id or DOI."),
        (
            LIBRARY[:40] + b"\n@misc{damaged, title={\n" + LIBRARY,
            "Of your file, 3 of 11 were taken; 6 have no arXiv id or DOI; 2 could not be read.",
        ),
        (
            b"@misc{a, eprint={2606.00001}}\n" + b"% nothing\n" * 100_000,
            "Of your file, 1 was taken. Only the first megabyte of it was read.",
        ),
    ],
    ids=["titles", "damaged", "long"],
)
def test_what_is_left_out_of_a_library_is_told_and_stands_in_nobodys_way(client, library, says):
    file = {"file": ("library.bib", library)}
    preview = client.post("/subscribe/preview", files=file)
    signed_up = client.post("/subscribe", data={"email": "ada@example.org"}, files=file)
    for page in (preview, signed_up):
        assert page.status_code == 200
        assert page.text.count(says) == 1
    unfinished = client.post("/subscribe", data={"email": "ada"}, files=file)
    assert unfinished.text.count(says) == 1


def test_a_library_that_fills_the_profile_leaves_room_for_what_else_was_typed(app, client, profile):
    file = {"file": ("library.txt", b"".join(b"2406.%05d\n" % n for n in range(2_000)))}
    typed = {"email": "ada@library.example", "keywords": "dense retrieval", "topics": "cs.IR"}
    says = "1,998 of 2,000 example papers were taken: a profile can hold 2,000 interests."
    for path in ("/subscribe/preview", "/subscribe"):
        page = client.post(path, data=typed, files=file)
        assert (page.status_code, page.text.count(says)) == (200, 1)
    kept = profile(app.store.subscribers.by_email("ada@library.example"))
    assert [kind for kind, _, _ in kept if kind != "like"] == ["keyword", "topic"]
    assert len(kept) == 2_000


def test_more_than_a_profile_can_hold_is_a_message_beside_a_field_and_nothing_typed_is_lost(client):
    typed = {
        "keywords": ", ".join(f"word{n}" for n in range(1_500)),
        "queries": "\n".join(f"old maps of {n}" for n in range(600)),
    }
    for path in ("/subscribe/preview", "/subscribe"):
        page = client.post(path, data={"email": "ada@long.example", **typed})
        assert page.status_code == 400
        assert '<li><a href="#keywords">That is 2,100 with everything else you typed' in page.text
        assert all(text in page.text for text in typed.values())


def test_what_is_left_out_of_a_pasted_list_is_told_too(client):
    typed = {"likes": "2606.00001\nSorting fish by their songs", "topics": "cs.IR"}
    page = client.post("/subscribe/preview", data=typed).text
    assert "Of what you pasted, 1 of 2 was taken; 1 has no arXiv id or DOI." in page
    with_file = client.post(
        "/subscribe/preview", data=typed, files={"file": ("a.bib", LIBRARY)}
    ).text
    assert "Of what you pasted, 1 of 2 was taken" in with_file
    assert "Of your file, 3 of 9 were taken" in with_file
    linked = client.get("/subscribe", params=typed).text
    assert "Sorting fish by their songs" in linked
    assert "Of what you pasted" not in linked
    typed["likes"] = "2606.00001"
    assert "Of what you pasted" not in client.post("/subscribe/preview", data=typed).text


def test_example_papers_that_are_not_known_here_are_owned_up_to(client):
    page = client.post("/subscribe/preview", data={"likes": "1706.03762", "topics": "cs.IR"}).text
    assert "1 example paper is not in our listings" in page


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("email", "ada at example", "not an email address"),
        ("email", "", "not an email address"),
        ("limit", "many", "between 1 and 50"),
        ("limit", "0", "between 1 and 50"),
        ("at", "noonish", "not a time of day"),
        ("tz", "Mars/Olympus", "no time zone"),
        ("cadence", "hourly", "daily"),
        ("topics", "cs.QQ", "no topic"),
        ("keywords", "k" * 300, "characters"),
        ("keywords", "the", "does not tell papers apart"),
        ("likes", "no paper at all", "arXiv id"),
    ],
)
def test_what_cannot_be_used_is_said_beside_its_field_and_nothing_typed_is_lost(
    client, database, field, typed, says
):
    before = database()
    answer = sign_up(client, "ada@example.org", **{field: typed})
    page = answer.text
    assert answer.status_code == 400
    assert f'<li><a href="#{field}">' in page
    assert says in page
    assert "`digest" not in page, "no hints for a command line"
    if field != "topics":
        assert re.search(
            rf'<(?:input|textarea|select)[^>]* name="{field}" aria-invalid="true"', page
        )
        assert f'aria-describedby="{field}-error' in page
    assert "blockchain" in page
    assert typed in page
    assert database() == before


def test_a_file_that_is_too_large_is_a_message_not_a_loss(client):
    answer = client.post(
        "/subscribe/preview",
        data={"keywords": "kept"},
        files={"file": ("library.bib", b"x" * 1_000_100)},
    )
    assert answer.status_code == 400
    assert 'href="#likes"' in answer.text
    assert ">kept</textarea>" in answer.text


@pytest.mark.parametrize("path", ["/subscribe", "/subscribe/preview"])
def test_a_form_that_is_too_large_to_be_taken_is_answered_by_a_page(client, path):
    answer = client.post(path, files={"file": ("library.bib", b"x" * 3_000_000)})
    assert answer.status_code == 413
    assert "of a file, only the first megabyte is read" in answer.text
    assert 'href="/subscribe"' in answer.text, "it has the menu of every page"
    assert answer.headers["connection"] == "close"
    assert answer.headers["content-security-policy"]


def test_files_are_rationed_wherever_they_are_sent_and_searches_with_them(app):
    app.settings = replace(app.settings, web=replace(app.settings.web, requests=6))
    client = TestClient(asgi(app), base_url="https://digest.example")
    file = {"file": ("library.bib", b"@misc{a, eprint={2606.00001}}")}
    sent = [client.post("/subscribe", files=file).status_code for _ in range(3)]
    assert sent == [400, 400, 429], "no address was given with any of them"
    assert client.get("/search").status_code == 429
    assert client.post("/subscribe", data={"keywords": "maps"}).status_code == 400


def test_signing_up_asks_by_mail_and_says_the_same_to_all(client, app, person, mailbox, profile):
    asked = sign_up(client, "new@example.org")
    known = sign_up(client, person.email)
    suppressed = subscriptions.address_hash(app.store, "gone@example.org")
    app.store.post.suppress(suppressed, SuppressionReason.COMPLAINED, app.clock())
    silent = sign_up(client, "gone@example.org")

    assert asked.text == known.text == silent.text
    assert "Check your mailbox" in asked.text
    assert "new@example.org" not in asked.text
    assert [to for to, _ in mailbox()] == ["new@example.org", person.email]
    assert profile(person) == [("topic", "cs.IR", 1.0)]
    new = app.store.subscribers.by_email("new@example.org")
    assert new.status is Status.PENDING
    assert (new.tz, new.limit, str(new.cadence), new.weekday) == ("Asia/Amman", 4, "weekly", 4)
    assert profile(new) == [
        ("author", "Osei Tandoh", 1.0),
        ("author", "Quennell, Mira", 1.0),
        ("keyword", "dense retrieval", 1.0),
        ("keyword", "reranking", 1.0),
        ("mute", "blockchain", 1.0),
        ("topic", "cs.CL", 1.0),
        ("topic", "cs.IR", 1.0),
    ]


def test_one_network_cannot_sign_up_without_end(client, app, mailbox):
    most = app.settings.web.signups
    for number in range(most):
        assert sign_up(client, f"reader{number}@example.org").status_code == 200
    answer = sign_up(client, "one-too-many@example.org")
    assert answer.status_code == 429
    assert "one-too-many@example.org" in answer.text
    assert "Please try again later." in answer.text
    assert len(mailbox()) == most


def test_who_shares_a_network_with_many_can_sign_up_by_mail_where_mail_is_read(client, app):
    inbound = replace(app.settings.inbound, domain="in.example.org")
    app.settings = replace(app.settings, inbound=inbound)
    for number in range(app.settings.web.signups):
        sign_up(client, f"reader{number}@example.org")
    answer = sign_up(client, "one-too-many@example.org")
    assert "try again later, or write to subscribe@in.example.org instead." in answer.text


def test_when_no_more_letters_may_go_a_newcomer_is_told_to_come_again(client, mailbox, monkeypatch):
    monkeypatch.setattr("digest.subscriptions.signing_up.LETTERS_AN_HOUR", 1)
    sign_up(client, "first@example.org")
    answer = sign_up(client, "new@example.org")
    assert answer.status_code == 429
    assert "Please try again later." in answer.text
    assert "your network" not in answer.text
    assert "new@example.org" in answer.text
    assert len(mailbox()) == 1


def test_one_mailbox_cannot_be_bombed(client, app, mailbox, now_is, now):
    for minute in range(app.settings.web.letters + 2):
        now_is(now.replace(minute=minute))
        assert "mailbox" in sign_up(client, "victim@example.org").text
    assert len(mailbox()) == app.settings.web.letters


def test_from_sign_up_to_the_first_digest(client, app, mailbox, link_in):
    sign_up(client, "new@example.org", cadence="daily")
    confirm = link_in("new@example.org", "/c/")
    assert "<button" in client.get(confirm).text
    assert app.store.subscribers.by_email("new@example.org").status is Status.PENDING

    page = client.post(confirm).text

    assert "You are subscribed" in page
    assert app.store.subscribers.by_email("new@example.org").status is Status.ACTIVE
    to, digest = mailbox()[-1]
    assert to == "new@example.org"
    assert "retrieval number" in digest
    assert client.get(link_in("new@example.org", "/d/")).status_code == 200
    assert client.get(link_in("new@example.org", "/me/")).status_code == 200

    client.post(confirm)
    assert len(mailbox()) == 2


def test_who_leaves_and_comes_back_on_one_day_is_promised_no_digest_at_once(
    client, app, person, at, link_in
):
    client.post(at(person).unsubscribe)
    sent = sign_up(client, person.email).text
    asked = client.get(link_in(person.email, "/c/")).text

    assert "Every mail has a link to stop it." in asked
    assert all("at once" not in page for page in (sent, asked))


def test_what_a_stranger_asks_for_in_the_name_of_one_who_left_does_not_outlast_an_undo(
    client, app, person, link_in, profile, leave
):
    before = profile(person)
    back = leave(person)
    sign_up(client, person.email, topics="math.AG", mutes="retrieval")
    asked = link_in(person.email, "/c/")
    assert profile(person) == before

    assert "nothing has changed" in client.post(back, data={"do": "undo"}).text

    client.post(asked)
    assert profile(person) == before
    assert app.store.subscribers.by_email(person.email).limit == person.limit


def test_a_strangers_sign_up_does_not_stand_in_the_way_of_an_undo(client, app, person, leave):
    back = leave(person)
    sign_up(client, person.email)
    assert "subscribed again" in client.post(back, data={"do": "undo"}).text
    assert app.store.subscribers.by_email(person.email).status is Status.ACTIVE


def test_who_comes_back_has_what_they_chose_as_letter_and_page_say(
    client, app, person, at, link_in, mailbox, profile
):
    client.post(at(person).unsubscribe)
    sign_up(client, person.email, topics="math.AG", at="06:00", cadence="daily", limit="7")
    confirm = link_in(person.email, "/c/")
    (_, letter), page = mailbox()[-1], client.get(confirm).text
    for said in (letter, page, client.post(confirm).text):
        assert (
            "every day if there is something for you, around 06:00 (Asia/Amman), with 7 papers"
            in " ".join(said.split())
        )
    assert "What you followed before is kept as well." in " ".join(letter.split())
    kept = {(kind, value) for kind, value, _ in profile(person)}
    assert {("topic", "cs.IR"), ("topic", "math.AG"), ("mute", "blockchain")} <= kept


def test_a_letter_that_another_has_followed_brings_back_what_there_was_and_says_so(
    client, app, person, at, link_in, profile
):
    before = profile(person)
    client.post(at(person).unsubscribe)
    sign_up(client, person.email, topics="math.AG")
    first = link_in(person.email, "/c/")
    assert "asked for something else" not in client.get(first).text
    sign_up(client, person.email, topics="cs.CV")

    assert "asked for something else" in client.get(first).text
    assert "You are subscribed" in client.post(first).text
    assert profile(person) == before


def test_so_does_an_operators_letter_that_asks_for_nothing_new(client, app, person, at):
    client.post(at(person).unsubscribe)
    sign_up(client, person.email, topics="math.AG")
    assert "asked for something else" in client.get(at(person).confirm).text

    app.store.subscribers.drop_comeback(person.id)
    assert "asked for something else" not in client.get(at(person).confirm).text


def test_what_a_letter_asks_for_is_kept_as_long_as_its_link_holds(
    client, app, person, at, link_in, now_is, now, profile
):
    client.post(at(person).unsubscribe)
    sign_up(client, person.email, topics="math.AG")
    confirm = link_in(person.email, "/c/")
    now_is(now + timedelta(days=14, hours=12))
    subscriptions.forget_pending(app.store, app.clock())

    assert "asked for something else" not in client.get(confirm).text
    client.post(confirm)
    assert ("topic", "math.AG") in {(kind, value) for kind, value, _ in profile(person)}


@pytest.mark.parametrize(
    ("quiet", "upcoming"),
    [
        ("line", "comes on Thursday 11 June, around 07:00 (UTC). It"),
        ("nothing", "comes on Thursday 11 June, around 07:00 (UTC), at the earliest. It"),
    ],
)
def test_who_comes_back_and_has_had_todays_digest_is_told_when_the_next_one_comes(
    client, app, at, link_in, mailbox, now_is, now, quiet, upcoming
):
    wishes = {"cadence": "weekdays", "at": "07:00", "tz": "UTC", "quiet": quiet}
    sign_up(client, "new@example.org", **wishes)
    client.post(link_in("new@example.org", "/c/"))
    had = len(mailbox())
    person = app.store.subscribers.by_email("new@example.org")
    client.post(at(person).unsubscribe)
    now_is(now + timedelta(minutes=5))
    sign_up(client, "new@example.org", **wishes)

    page = client.post(link_in("new@example.org", "/c/")).text

    assert "You are subscribed" in page
    assert f"Today&#39;s has been sent. The next digest {upcoming}" in page
    assert "on its way" not in page
    assert [to for to, _ in mailbox()[had:]] == ["new@example.org"], "the letter, and no digest"


def test_so_is_who_had_it_after_weeks_as_a_reader(client, app, at, link_in, mailbox, now_is, now):
    now_is(now - timedelta(weeks=3))
    wishes = {"cadence": "weekdays", "at": "07:00", "tz": "UTC", "quiet": "line"}
    sign_up(client, "new@example.org", **wishes)
    client.post(link_in("new@example.org", "/c/"))
    now_is(now)
    app.compose_due()
    app.deliver()
    had = len(mailbox())
    person = app.store.subscribers.by_email("new@example.org")
    client.post(at(person).unsubscribe)
    sign_up(client, "new@example.org", **wishes)

    page = client.post(link_in("new@example.org", "/c/")).text

    assert "Today&#39;s has been sent. The next digest comes on Thursday 11 June, around" in page
    assert [to for to, _ in mailbox()[had:]] == ["new@example.org"], "the letter, and no digest"


def test_who_has_just_confirmed_is_told_that_a_digest_that_waits_is_on_its_way(
    client, app, link_in, monkeypatch
):
    monkeypatch.setattr(app, "welcome", lambda person: None)  # another process is at it
    sign_up(client, "new@example.org", quiet="line")
    confirm = link_in("new@example.org", "/c/")
    assert "Your first digest is on its way" in client.post(confirm).text

    app.compose_due()
    assert "Your first digest is on its way" in client.get(confirm).text


def test_who_wants_no_mail_on_a_day_with_nothing_is_not_promised_one_at_once(client, link_in):
    sign_up(
        client,
        "quiet@example.org",
        quiet="nothing",
        topics="",
        keywords="xylophonequux",
        authors="Nobody Atall",
    )
    confirm = link_in("quiet@example.org", "/c/")
    asked, done = client.get(confirm).text, client.post(confirm).text

    assert all("as soon as there is something for you" in page for page in (asked, done))
    assert not any("at once" in page or "on its way" in page for page in (asked, done))


def test_a_confirm_link_does_not_bring_back_someone_who_left(client, app, person, at):
    subscriptions.unsubscribe(app.store, person, now=app.clock())
    page = client.post(at(person).confirm).text
    assert "has ended" in page
    assert app.store.subscribers.by_email(person.email).status is Status.UNSUBSCRIBED


def test_a_link_to_the_preferences_comes_by_mail_and_the_page_tells_nobody(
    client, person, mailbox, link_in
):
    known = client.post("/me", data={"email": person.email})
    unknown = client.post("/me", data={"email": "nobody@example.org"})
    assert known.text == unknown.text
    assert [to for to, _ in mailbox()] == [person.email]
    assert "Preferences" in client.get(link_in(person.email, "/me/")).text
    wrong = client.post("/me", data={"email": "nobody"})
    assert wrong.status_code == 400
    assert 'value="nobody"' in wrong.text


def test_an_old_link_still_says_whom_to_mail_a_fresh_one(client, person, link_in):
    token = tokens.make(person.key, links.PREFERENCES, person.id, "2025-01-01")
    page = client.get(f"/me/{token}").text
    assert f'action="/me/{token}/renew"' in page
    assert person.email not in page
    client.post(f"/me/{token}/renew")
    assert client.get(link_in(person.email, "/me/")).status_code == 200


def test_a_network_that_asked_too_often_is_told_that_no_link_is_mailed(
    client, app, person, mailbox, link_in
):
    for number in range(app.settings.web.signups):
        client.post("/me", data={"email": f"nobody{number}@example.org"})
    answers = [
        client.post("/me", data={"email": each}) for each in (person.email, "nobody@example.org")
    ]
    assert [each.status_code for each in answers] == [429, 429]
    assert "from your network" in answers[0].text
    assert f'value="{person.email}"' in answers[0].text
    assert not mailbox()

    token = tokens.make(person.key, links.PREFERENCES, person.id, "2025-01-01")
    assert client.post(f"/me/{token}/renew").status_code == 200
    assert link_in(person.email, "/me/"), "who holds a link is no stranger, wherever they are"
