"""A digest in the browser: its answers, in place or by whole pages, and how they are taken back."""

import re

import pytest

from digest.evaluation.answers import answered
from digest.model import FeedbackKind, Moderation, Submission, SubmissionState, Via
from digest.web import words

JSON = {"accept": "application/json"}


def said(app, person, **options):
    return app.store.feedback.of(person.id, **options)


def first_of(app, person):
    return app.store.ledger.digest(f"{person.id}.2026-06-10").picks[0].paper_id


def test_a_digest_in_the_browser_hides_nothing(client, person, at):
    page = client.get(at(person).digest).text
    assert len(re.findall(r"<article", page)) == 3
    for number in range(1, 9):
        assert f"retrieval number {number} &lt;in&gt;" in page
    assert "Because you follow Information Retrieval" in page
    for answer in words.ANSWERS.values():
        assert answer.label in page


@pytest.mark.parametrize("kind", list(words.ANSWERS))
def test_an_answers_page_shows_the_paper_and_one_button(client, person, at, kind):
    answer = words.ANSWERS[kind]
    page = client.get(f"{at(person).digest}/1/{answer.word}").text
    assert "A study of retrieval" in page
    assert re.search(rf'<button type="submit">{answer.label}</button>', page)
    assert answer.does in page


@pytest.mark.parametrize("address", ["/0/more", "/99/more", "/1/perhaps", "/²/more", "/-1/more"])
def test_what_a_digest_does_not_hold_is_a_404(client, person, at, address):
    assert client.get(at(person).digest + address).status_code == 404
    assert client.post(at(person).digest + address).status_code == 404


@pytest.mark.parametrize(
    ("word", "becomes"),
    [
        ("more", [("like", 1.0)]),
        ("less", [("dislike", 1.0)]),
        ("save", [("like", 1.5)]),
        ("known", [("known", 1.0)]),
        ("upvote", [("like", 0.5)]),
    ],
)
def test_an_answer_is_kept_with_where_and_why_and_moves_the_profile(
    app, client, person, at, profile, word, becomes
):
    page = client.post(f"{at(person).digest}/1/{word}").text
    (given,) = said(app, person)
    paper = first_of(app, person)
    assert (given.paper_id, given.edition, given.rank, given.via) == (
        paper,
        "2026-06-10",
        1,
        Via.WEB,
    )
    assert given.reason.startswith("Because you follow Information Retrieval")
    assert [(kind, weight) for kind, value, weight in profile(person) if value == paper] == becomes
    assert "Undo" in page
    assert "Noted" in page or "Saved" in page


def test_an_answer_from_a_feed_says_so(app, client, person, at):
    client.post(f"{at(person).digest}/1/more?via=feed")
    assert said(app, person)[0].via is Via.FEED


@pytest.mark.parametrize(
    ("word", "value", "kind"),
    [("hide-author", "Osei Tandoh", "mute-author"), ("hide-topic", "cs.CL", "mute-topic")],
)
def test_hiding_asks_which_one_of_the_papers_own(client, person, at, profile, word, value, kind):
    address = f"{at(person).digest}/1/{word}"
    assert value in client.get(address).text
    for wrong in ({}, {"value": "Somebody Else"}):
        answer = client.post(address, data=wrong)
        assert answer.status_code == 400
        assert "Choose which one to hide" in answer.text
    client.post(address, data={"value": value})
    assert (kind, value, 1.0) in profile(person)


def test_an_answer_is_undone_from_the_page_it_was_given_on(app, client, person, at, profile):
    before = profile(person)
    page = client.post(f"{at(person).digest}/1/more").text
    undo = re.search(r'action="(/d/[^"]+/undo/[^"]+)"', page)[1]
    assert "You said: more like this" in page

    page = client.post(undo).text

    assert profile(person) == before
    assert "You said" not in page
    assert "That is undone" in page
    assert "was undone before" in client.post(undo).text
    assert len(said(app, person, standing=False)) == 1


def test_a_link_to_one_digest_undoes_nothing_said_elsewhere(app, client, person, at):
    picked = {each.paper_id for each in app.store.ledger.digest(f"{person.id}.2026-06-10").picks}
    known = app.store.papers.get(f"arxiv:2606.{number:05}" for number in range(1, 10))
    elsewhere = min(known.keys() - picked)
    client.post(f"{at(person).me}/papers/{elsewhere}", data={"answer": "more"})
    (given,) = said(app, person)
    assert client.post(f"{at(person).digest}/undo/{given.id}").status_code == 404
    assert said(app, person) == [given]


def test_what_is_said_later_on_the_papers_own_page_is_what_rankers_are_judged_by(
    app, client, person, at
):
    paper = first_of(app, person)
    client.post(f"{at(person).digest}/1/more")
    client.post(f"{at(person).me}/papers/{paper}", data={"answer": "less"})

    [[judged]] = answered(app.store, "2026-06-10")

    assert judged.said == {paper: -1}


def test_nobody_undoes_what_another_said(app, client, person, join, at):
    client.post(f"{at(person).digest}/1/more")
    (given,) = said(app, person)
    other = join("other@example.org")
    assert client.post(f"{at(other).me}/undo/{given.id}").status_code == 404
    assert said(app, person) == [given]


def test_a_notice_that_is_looked_at_again_does_not_say_what_was_unsaid_since(client, person, at):
    digest = at(person).digest
    first = client.post(f"{digest}/2/more", follow_redirects=False).headers["location"]
    assert "Noted: more like" in client.get(first).text

    client.post(f"{digest}/2/less")

    assert "Noted: more like" not in client.get(first).text
    assert "You said: less like this" in client.get(first).text


def test_a_script_is_answered_in_place(client, person, at):
    told = client.post(f"{at(person).digest}/1/more", headers=JSON).json()
    assert told["said"].startswith("Noted: more like “A study of retrieval")
    again = client.post(told["undo"], headers=JSON)
    assert again.json() == {"said": "That is undone.", "undo": ""}


def test_of_more_and_less_only_what_was_said_last_stands_on_the_page(client, person, at):
    digest = at(person).digest
    told = client.post(f"{digest}/1/more", headers=JSON).json()
    assert (told["kind"], told["ends"]) == ("more", "less")
    client.post(f"{digest}/1/save")
    page = client.post(f"{digest}/1/less").text
    assert "You said: less like this" in page
    assert "You said: save it" in page
    assert "You said: more like this" not in page
    assert len(re.findall(r'aria-pressed="true"', page)) == 2


def test_what_was_said_of_a_paper_stands_beside_it_however_much_was_said_since(
    client, app, person, at, says_much
):
    client.post(f"{at(person).digest}/1/save")
    says_much(FeedbackKind.KNOWN, 101)
    for page in (at(person).digest, f"{at(person).me}/papers/{first_of(app, person)}"):
        assert "/undo/f_" in client.get(page).text


def test_everything_so_far_can_be_marked_as_seen_and_unmarked(app, client, person, at):
    page = client.post(f"{at(person).digest}/seen").text
    assert "marked as seen" in page
    assert app.store.subscribers.get([person.id])[person.id].seen_until == app.clock()
    (given,) = said(app, person, kinds=[FeedbackKind.SEEN_ALL])
    client.post(f"{at(person).digest}/undo/{given.id}")
    assert app.store.subscribers.get([person.id])[person.id].seen_until is None


def test_who_picked_a_paper_is_said_beside_it(app, client, person, at, join):
    app.store.subscribers.save(join("c@example.org", name="Ines Carrow", shows_name=True))
    curator = app.store.subscribers.by_email("c@example.org")
    submission = Submission(
        id="p_1",
        paper_id=first_of(app, person),
        subscriber_id=person.id,
        line="",
        at=app.clock(),
        state=SubmissionState.FEATURED,
        curator_id=curator.id,
        curator_line="A rare find.",
        decided_at=app.clock(),
    )
    app.store.community.submit(submission)
    app.store.community.decide(
        submission,
        Moderation(
            at=app.clock(),
            actor=curator.id,
            action="feature",
            submission_id="p_1",
            paper_id=submission.paper_id,
        ),
    )
    page = client.get(at(person).digest).text
    assert "Ines Carrow" in page
    assert "A rare find." in page


def test_a_papers_own_page_has_all_the_answers(app, client, person, at, profile):
    address = f"{at(person).me}/papers/arxiv:2606.00007"
    page = client.get(address).text
    for answer in words.ANSWERS.values():
        assert f'value="{answer.word}"' in page
    page = client.post(address, data={"answer": "save"}).text
    assert re.search(r'value="save" aria-pressed="true"', page)
    assert "Saved: “A study of retrieval number 7" in page
    undo = re.search(r'action="(/me/[^"]+/undo/[^"]+)"', page)[1]
    assert "That is undone" in client.post(undo).text
    assert (
        client.post(address, data={"answer": "hide-author", "value": "Nobody"}).status_code == 400
    )
    client.post(address, data={"answer": "hide-author", "value": "Osei Tandoh"})
    assert ("mute-author", "Osei Tandoh", 1.0) in profile(person)
    assert client.post(address, data={"answer": "perhaps"}).status_code == 404
    assert client.get(f"{at(person).me}/papers/arxiv:9999.99999").status_code == 404


def test_a_slash_behind_a_papers_own_page_leads_to_it(client, person, at):
    address = f"{at(person).me}/papers/arxiv:2606.00007"
    led = client.get(f"{address}/", follow_redirects=False)
    assert (led.status_code, led.headers["cache-control"]) == (303, "private, no-store")
    assert client.get(f"{address}/").text == client.get(address).text
    assert client.get(f"{at(person).me}/papers/arxiv:9999.99999/").status_code == 404
    assert client.post(f"{address}/", data={"answer": "save"}).status_code == 404
