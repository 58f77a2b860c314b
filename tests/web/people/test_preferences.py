"""What readers see and change of their subscription and of what Digest thinks they like."""

import html
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from digest import subscriptions
from digest.model import (
    FLOORS,
    FeedbackKind,
    Interest,
    InterestKind,
    Status,
    Submission,
    Via,
)
from digest.web import preferences

KEPT = {
    "do": "keep",
    "topics": ["cs.IR", "math.GT"],
    "keywords": "dense retrieval\nreranking",
    "authors": "Mira Quennell",
    "queries": '"passage retrieval" index',
    "mutes": "blockchain",
    "mute_authors": "Osei Tandoh",
    "mute_topics": "cs.CV",
    "at": "19:15",
    "tz": "Europe/Prague",
    "cadence": "weekdays",
    "limit": "7",
    "quiet": "nothing",
    "floor": "likely",
    "name": "Ada",
    "shows_name": "yes",
}


def fields(page):
    """What a browser would send of the form of preferences, unchanged."""
    form = re.search(r'<form class="form" id="preferences".*?</form>', page, re.DOTALL)[0]
    sent = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if "checkbox" not in tag or " checked" in tag:
            sent.setdefault(name[1], []).append(html.unescape(value[1]))
    for name, value in re.findall(
        r'<textarea[^>]* name="([^"]*)"[^>]*>(.*?)</textarea>', form, re.DOTALL
    ):
        sent[name] = [html.unescape(value)]
    for name, options in re.findall(
        r'<select[^>]* name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL
    ):
        sent[name] = re.findall(r'value="([^"]*)" selected', options)
    return sent


def test_any_minute_of_the_day_can_be_chosen_whichever_it_was(client, at, join):
    page = client.get(at(join("early@example.org", at="07:03")).me).text
    (field,) = re.findall(r'<input type="time"[^>]*>', page)
    assert 'value="07:03"' in field
    assert "step" not in field, "browsers count steps from the value"


def test_preferences_are_kept_shown_again_and_said_to_be_kept(app, client, person, at, profile):
    answer = client.post(at(person).me, data=KEPT, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{at(person).me}?done=saved"

    page = client.get(answer.headers["location"]).text

    assert "Your preferences are saved" in page
    kept = app.store.subscribers.get([person.id])[person.id]
    assert (f"{kept.at:%H:%M}", kept.tz, str(kept.cadence), kept.limit) == (
        "19:15",
        "Europe/Prague",
        "weekdays",
        7,
    )
    assert kept.floor == FLOORS["likely"]
    assert (str(kept.quiet), kept.name, kept.shows_name) == ("nothing", "Ada", True)
    assert [(kind, value) for kind, value, _ in profile(person)] == [
        ("author", "Mira Quennell"),
        ("keyword", "dense retrieval"),
        ("keyword", "reranking"),
        ("mute", "blockchain"),
        ("mute-author", "Osei Tandoh"),
        ("mute-topic", "cs.CV"),
        ("query", '"passage retrieval" index'),
        ("topic", "cs.IR"),
        ("topic", "math.GT"),
    ]


def test_keeping_the_form_as_it_is_changes_nothing(app, client, join, at, profile):
    person = join(
        "ada@example.org",
        keywords=["cats & dogs", "<iii>"],
        authors=["Quennell, Mira"],
        queries=["one, two"],
        likes=["2606.00001"],
        tz="Asia/Kolkata",
        cadence="sunday",
        floor="0.17",
    )
    store = app.store
    subscriptions.weigh(store, person, InterestKind.KEYWORD, "cats & dogs", 4.0)
    before = profile(person), store.subscribers.get([person.id])

    client.post(at(person).me, data={**fields(client.get(at(person).me).text), "do": "keep"})

    assert (profile(person), store.subscribers.get([person.id])) == before


def keep(client, me):
    """Press the button under the form of preferences, changing nothing."""
    sent = {**fields(client.get(me).text), "do": "keep"}
    return client.post(me, data=sent, follow_redirects=False)


def test_a_form_that_was_open_while_an_author_was_hidden_takes_out_only_what_it_showed(
    client, join, at, profile
):
    person = join("ada@example.org", keywords=["maps", "tides"], authors=["Quennell, Mira"])
    me = at(person).me
    opened = fields(client.get(me).text)
    hidden = {"do": "add", "kind": "mute-author", "value": "Osei Tandoh"}
    client.post(f"{me}/likes", data=hidden)

    wrong = client.post(me, data={**opened, "keywords": "maps", "limit": "99", "do": "keep"})
    mended = {**fields(wrong.text), "limit": "9", "do": "keep"}
    assert client.post(me, data=mended, follow_redirects=False).status_code == 303

    kept = [(kind, value) for kind, value, _ in profile(person)]
    assert ("mute-author", "Osei Tandoh") in kept
    assert ("author", "Quennell, Mira") in kept
    assert [value for kind, value in kept if kind == "keyword"] == ["maps"]


def test_a_form_that_was_open_while_an_interest_was_removed_does_not_bring_it_back(
    client, join, at, profile
):
    person = join("ada@example.org", topics=["cs.IR", "cs.LG"], keywords=["maps", "tides"])
    me = at(person).me
    opened = fields(client.get(me).text)
    for kind, value in (("keyword", "maps"), ("topic", "cs.LG")):
        client.post(f"{me}/likes", data={"do": "drop", "kind": kind, "value": value})

    client.post(me, data={**opened, "limit": "9", "do": "keep"})

    kept = [(kind, value) for kind, value, _ in profile(person)]
    assert kept == [("keyword", "tides"), ("topic", "cs.IR")]


@pytest.mark.parametrize("shown", [{}, {"shown": "["}, {"shown": "[1]"}, {"shown": '[["x", "y"]]'}])
def test_a_form_that_does_not_say_what_it_showed_is_all_there_shall_be(
    client, person, at, profile, shown
):
    client.post(at(person).me, data={**KEPT, **shown})
    client.post(at(person).me, data={**KEPT, **shown, "keywords": "reranking"})

    assert [value for kind, value, _ in profile(person) if kind == "keyword"] == ["reranking"]


def test_interests_with_commas_keep_their_text_and_weight(client, person, at, profile):
    me, by = at(person).me, "Ada Lovelace, King's College London"
    added = {"do": "add", "kind": "keyword", "value": "dense, sparse retrieval", "weight": "4.0"}
    client.post(f"{me}/likes", data=added)
    client.post(f"{me}/likes", data={"do": "add", "kind": "mute-author", "value": by})
    before = profile(person)
    assert ("keyword", "dense, sparse retrieval", 4.0) in before
    assert ("mute-author", by, 1.0) in before

    assert keep(client, me).status_code == 303

    assert profile(person) == before


def test_what_is_followed_or_hidden_by_a_code_not_in_the_settings_can_be_kept(
    app, client, person, at, profile, now
):
    kinds = (InterestKind.MUTE_TOPIC, InterestKind.TOPIC)
    values = ("acm:H.3", "Ecology, Evolution")
    app.store.subscribers.add_interests(
        person.id,
        [Interest(kind=kind, value=value, added_at=now) for kind in kinds for value in values],
    )
    before = profile(person)

    assert keep(client, at(person).me).status_code == 303

    assert profile(person) == before
    wrong = client.post(at(person).me, data={**KEPT, "mute_topics": "acm:H.4"})
    assert wrong.status_code == 400


def test_a_mistake_keeps_what_was_typed_and_changes_nothing(client, person, at, database):
    before = database()
    answer = client.post(at(person).me, data={**KEPT, "limit": "99", "name": "N" * 80})
    assert answer.status_code == 400
    assert 'href="#limit"' in answer.text
    assert 'href="#name"' in answer.text
    assert 'value="19:15"' in answer.text
    assert "passage retrieval" in answer.text
    assert "N" * 80 in answer.text
    assert database() == before


def test_the_bar_is_a_plain_choice_and_a_number_set_elsewhere_stays_one(client, join, at):
    plain = client.get(at(join("ada@example.org", floor="sure")).me).text
    number = client.get(at(join("bo@example.org", floor="17 %")).me).text

    assert '<option value="sure" selected>Only the surest</option>' in plain
    assert '<option value="0.17" selected>A chance of 17 % or more' in number
    assert "A chance of" not in plain


def test_narrowing_the_topics_changes_nothing(client, person, at, database):
    before = database()
    page = client.post(at(person).me, data={**KEPT, "do": "find", "q": "vision"}).text
    assert "topic with “vision”" in page
    assert 'value="math.GT" checked' in page
    assert database() == before


@pytest.mark.parametrize("span", ["2 weeks", "until I resume"])
def test_a_pause_and_its_end(app, client, person, at, span):
    page = client.post(f"{at(person).me}/pause", data={"do": "pause", "span": span}).text
    assert "Your digests are paused" in page
    paused = app.store.subscribers.get([person.id])[person.id]
    assert paused.status is Status.PAUSED
    assert (paused.paused_until is None) is (span == "until I resume")
    page = client.post(f"{at(person).me}/pause", data={"do": "resume"}).text
    assert "Your digests are resumed" in page
    assert app.store.subscribers.get([person.id])[person.id].status is Status.ACTIVE


def test_the_end_of_a_pause_is_the_readers_own_day(app, client, join, at, now):
    person = join("bo@example.org", tz="Pacific/Auckland")
    until = datetime(2026, 6, 30, 12, tzinfo=UTC)
    subscriptions.pause(app.store, person, until=until, now=now)
    assert "are paused until Wednesday 1 July 2026." in client.get(at(person).me).text


def test_the_archive_leads_to_every_digest(client, person, at):
    page = client.get(f"{at(person).me}/archive").text
    link = re.search(r'href="https://digest.example(/d/[^"]+)">Wednesday 10 June 2026', page)[1]
    assert client.get(link).status_code == 200


def test_last_weeks_digests_come_again_but_not_without_end(app, client, person, at, now, now_is):
    assert app.deliver().accepted == 1
    for hour, says, sent in (
        (8, "on their way", 1),
        (9, "on their way", 1),
        (10, "Nothing was sent", 0),
    ):
        now_is(now.replace(hour=hour))
        assert says in client.post(f"{at(person).me}/again").text
        assert app.deliver().accepted == sent


def test_saved_papers_are_listed_exported_and_removed(client, person, at):
    client.post(f"{at(person).me}/papers/arxiv:2606.00007", data={"answer": "save"})
    page = client.get(f"{at(person).me}/saved").text
    assert "retrieval number 7" in page
    for ending, kind, sign in (
        ("bib", "application/x-bibtex", "@"),
        ("ris", "application/x-research-info-systems", "TY  - "),
        ("csl", "application/vnd.citationstyles.csl+json", '"title"'),
    ):
        answer = client.get(f"{at(person).me}/saved.{ending}")
        assert answer.headers["content-type"].startswith(kind)
        assert "attachment" in answer.headers["content-disposition"]
        assert sign in answer.text
        assert "retrieval number 7" in answer.text
    assert client.get(f"{at(person).me}/saved.exe").status_code == 404
    undo = re.search(r'action="(/me/[^"]+/undo/[^"]+)"', page)[1]
    page = client.post(undo, data={"to": "saved"}).text
    assert "That is undone" in page
    assert "None yet" in page


def test_days_are_those_of_where_the_reader_is(client, app, join, at, now, now_is):
    person = join("kiwi@example.org", tz="Pacific/Auckland")
    app.compose_edition("2026-06-10")
    now_is(now.replace(hour=20))  # the morning of the day after, there
    client.post(f"{at(person).digest}/1/save")

    pages = [client.get(f"{at(person).me}/{page}").text for page in ("saved", "likes")]

    assert "Saved on Thursday 11 June 2026" in pages[0]
    assert "Thursday 11 June 2026</time>: " in pages[1]
    assert "You said “save it” on 11 June 2026" in pages[1]


def test_saved_papers_are_counted_and_exported_in_full_and_shown_by_pages(
    client, person, at, says_much, monkeypatch
):
    monkeypatch.setattr(preferences, "SAVED_A_PAGE", 100)
    says_much(FeedbackKind.SAVE, 101)
    saved = f"{at(person).me}/saved"
    first = client.get(saved).text
    assert "101 papers, for a reference manager" in first
    assert f'rel="next" href="{saved}?page=2"' in first
    shown = [first, client.get(f"{saved}?page=2").text]
    assert ["2606.01000" in page for page in shown] == [False, True]
    assert client.get(f"{saved}.bib").text.count("eprint") == 101
    assert client.get(f"{saved}?page=3").status_code == 404


def undone(client, page, number):
    """Where the form that undoes the n-th thing of a page leads, with all that it sends."""
    form = re.findall(r'<form[^>]* action="[^"]*/undo/.*?</form>', page, re.DOTALL)[number]
    data = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form))
    answer = client.post(re.search(r'action="([^"]+)"', form)[1], data=data, follow_redirects=False)
    return answer.headers["location"]


def test_who_removes_a_saved_paper_stays_on_that_page_of_the_list_while_there_is_one(
    client, person, at, says_much, monkeypatch
):
    monkeypatch.setattr(preferences, "SAVED_A_PAGE", 3)
    says_much(FeedbackKind.SAVE, 5)
    saved = f"{at(person).me}/saved"
    second = client.get(f"{saved}?page=2").text
    assert undone(client, second, 0) == f"{saved}?page=2&done=undone"
    assert undone(client, second, 1) == f"{saved}?done=undone"
    assert undone(client, client.get(saved).text, 0) == f"{saved}?done=undone"


@pytest.mark.parametrize("page", ["", "0", "-1", "²", "x", "12345", "2&a=b"])
def test_what_is_no_page_leads_to_the_first(client, person, at, says_much, page):
    says_much(FeedbackKind.SAVE, 1)
    me = at(person).me
    data = {"to": "saved", "page": page}
    answer = client.post(f"{me}/undo/f_much_0", data=data, follow_redirects=False)
    assert answer.headers["location"] == f"{me}/saved?done=undone"


ODD = {
    "doi:10.1002/24:5<a>3.0.co;2-#": "doi:10.1002/24:5%3Ca%3E3.0.co%3B2-%23",
    "doi:10.1234/a?b=c": "doi:10.1234/a%3Fb%3Dc",
    "doi:10.1234/a%2fb": "doi:10.1234/a%252fb",
}


@pytest.mark.parametrize("paper_id", ODD)
def test_links_to_a_paper_hold_whatever_its_doi_is_made_of(app, client, person, at, item, paper_id):
    odd, now = item(paper_id), app.clock()
    app.store.papers.ingest([odd])
    subscriptions.give(app.store, person, FeedbackKind.SAVE, paper=odd.paper, via=Via.WEB, now=now)
    app.store.community.submit(
        Submission(id="p_1", paper_id=paper_id, subscriber_id=person.id, line="", at=now)
    )
    for where in ("saved", "likes", "submit"):
        page = client.get(f"{at(person).me}/{where}").text
        assert f'href="{at(person).me}/papers/{ODD[paper_id]}"' in page, where


@pytest.mark.parametrize("paper_id", list(ODD)[:2])  # the test client decodes a % twice
def test_after_an_answer_comes_the_page_again_whatever_the_doi_is_made_of(
    app, client, person, at, item, paper_id
):
    app.store.papers.ingest([item(paper_id, title="A study of odd names")])
    page = client.post(f"{at(person).me}/papers/{ODD[paper_id]}", data={"answer": "save"})
    assert page.status_code == 200
    assert "A study of odd names" in page.text


@pytest.mark.parametrize("most", [2.0, 0.0])
def test_who_likes_nothing_yet_is_promised_what_trends_only_where_that_counts(
    app, client, join, at, most
):
    app.settings = replace(app.settings, ranking=replace(app.settings.ranking, trending=most))
    page = client.get(f"{at(join('bo@example.org', topics=[])).me}/likes").text
    assert "Nothing yet" in page
    assert ("trending" in re.search(r"<p>Nothing yet.*?</p>", page)[0]) == (most > 0)
    assert ("trending papers and nearby subjects" in page) == (most > 0)


def test_every_interest_is_shown_with_its_weight_and_its_evidence(client, person, at):
    client.post(f"{at(person).digest}/2/more")
    page = client.get(f"{at(person).me}/likes").text
    assert "Information Retrieval (cs.IR)" in page
    assert re.search(
        r"You said “more like this” on 10 June 2026, paper 2 of your digest, because you follow",
        page,
    )
    undo = re.search(r'class="inline evidence" method="post" action="([^"]+)"', page)[1]
    page = client.post(undo).text
    assert "Papers you like" not in page
    assert "undone" in page


def test_everything_that_was_said_can_be_looked_through_and_undone(client, person, at, says_much):
    likes = f"{at(person).me}/likes"
    client.post(f"{at(person).digest}/2/more")
    says_much(FeedbackKind.KNOWN, 101)
    said = [client.get(f"{likes}?page={number}").text for number in (1, 2)]
    assert f'rel="next" href="{likes}?page=2#said"' in said[0]
    history = [page.partition('id="said"')[2].count("/undo/") for page in said]
    assert history == [100, 2]
    assert "You said “more like this”" in said[0], "evidence is as old as it is"
    second = said[1].partition('id="said"')[2]
    assert undone(client, second, 0) == f"{likes}?page=2&done=undone#said"


def test_weights_are_changed_interests_removed_and_added_by_hand(client, person, at, profile):
    likes = f"{at(person).me}/likes"
    added = {"do": "add", "kind": "keyword", "value": "dual encoder", "weight": "0.5"}
    client.post(likes, data=added)
    client.post(likes, data={"do": "weigh", "kind": "topic", "value": "cs.IR", "weight": "4.0"})
    client.post(likes, data={"do": "add", "kind": "like", "value": "2606.00002", "weight": "2.0"})
    assert profile(person) == [
        ("keyword", "dual encoder", 0.5),
        ("like", "arxiv:2606.00002", 2.0),
        ("topic", "cs.IR", 4.0),
    ]
    page = client.get(likes).text
    assert '<option value="4.0" selected>very much' in page
    page = client.post(likes, data={"do": "drop", "kind": "keyword", "value": "dual encoder"}).text
    assert "It is removed from your profile" in page
    assert ("keyword", "dual encoder", 0.5) not in profile(person)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"do": "add", "kind": "topic", "value": "cs.QQ"}, "no topic"),
        ({"do": "add", "kind": "like", "value": "a paper I read"}, "arXiv id"),
        ({"do": "add", "kind": "keyword", "value": ""}, "characters"),
        ({"do": "add", "kind": "keyword", "value": "of"}, "does not tell papers apart"),
        ({"do": "add", "kind": "mood", "value": "sunny"}, "no such kind"),
        ({"do": "add", "kind": "known", "value": "2606.00001"}, "cannot be added by hand"),
        ({"do": "weigh", "kind": "topic", "value": "cs.IR", "weight": "1000"}, "weight"),
        ({"do": "weigh", "kind": "topic", "value": "cs.IR", "weight": "nan"}, "weight"),
        ({"do": "weigh", "kind": "topic", "value": "math.GT", "weight": "1"}, "no such topic"),
    ],
)
def test_what_cannot_be_done_to_a_profile_is_said(client, person, at, database, form, says):
    before = database()
    answer = client.post(f"{at(person).me}/likes", data={"weight": "1.0", **form})
    assert answer.status_code == 400
    assert says in answer.text
    assert "`digest" not in answer.text, "no hints for a command line"
    assert html.escape(form["value"]) in answer.text
    assert database() == before


def test_words_after_an_act_come_from_a_list_never_from_the_address(client, person, at):
    page = client.get(f"{at(person).me}?done=<script>alert(1)</script>").text
    assert "alert(1)" not in page
