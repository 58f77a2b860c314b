"""Papers put forward by readers, and the curators' desk."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from digest.model import Moderation, Submission, SubmissionState
from digest.pipeline import looking_up
from digest.web import sharing

LINE = "It changes how I index things."


@pytest.fixture
def curator(app, join):
    community = replace(app.settings.community, curators=("Ines@Example.org",))
    app.settings = replace(app.settings, community=community)
    return join("ines@example.org", name="Ines Carrow", shows_name=True)


def put_forward(client, me, paper="2606.00005", line=LINE):
    return client.post(f"{me}/submit", data={"paper": paper, "line": line})


def decide(client, me, do, line="A rare find."):
    number = re.search(r'name="submission" value="([^"]+)"', client.get(f"{me}/curate").text)[1]
    return client.post(f"{me}/curate", data={"do": do, "submission": number, "line": line})


def test_a_paper_is_put_forward_with_a_line_why(client, person, at):
    page = put_forward(client, at(person).me).text
    assert "Thank you" in page
    assert "retrieval number 5" in page
    assert LINE in page
    assert "waits for a curator" in page


def test_a_paper_somebody_put_forward_already_is_not_said_to_be_taken(client, person, join, at):
    put_forward(client, at(person).me)
    page = put_forward(client, at(join("bo@example.org")).me, line="Mine.").text
    assert "This paper was already submitted and waits for a curator; nothing was added." in page
    assert "Thank you" not in page


def test_a_paper_one_put_forward_before_is_not_said_to_be_taken_either(
    app, client, person, curator, at, now_is
):
    put_forward(client, at(person).me)
    now_is(app.clock() + timedelta(hours=1))
    page = put_forward(client, at(person).me, line="Once more.").text
    assert "This paper was already submitted and waits for a curator; nothing was added." in page
    decide(client, at(curator).me, "feature")
    page = put_forward(client, at(person).me, line="Once more.").text
    assert "This paper was already submitted and is featured; nothing was added." in page


def test_a_paper_nobody_knows_yet_is_looked_up(client, person, at):
    page = put_forward(
        client, at(person).me, paper="https://doi.org/10.1101/2026.01.02.573838"
    ).text
    assert "10.1101/2026.01.02.573838" in page
    assert "being looked up" in page


def test_a_paper_that_is_looked_up_already_is_said_to_be_that(client, person, join, curator, at):
    paper = "10.1101/2026.01.02.573838"
    put_forward(client, at(join("bo@example.org")).me, paper=paper)
    page = put_forward(client, at(person).me, paper=paper, line="Mine.").text
    assert "already submitted and is being looked up; nothing was added." in page
    assert "waits for a curator" not in page


def test_a_paper_that_could_not_be_found_is_said_to_be_that_by_nobody(
    app, client, person, curator, at, now_is
):
    paper = "10.1101/2026.01.02.573838"
    put_forward(client, at(person).me, paper=paper)
    now_is(app.clock() + looking_up.GIVE_UP_AFTER)
    looking_up.look_up_waiting(app.store, None, clock=app.clock, owner="test")

    mine = client.get(f"{at(person).me}/submit").text
    desk = client.get(f"{at(curator).me}/curate").text

    assert f"{paper} <span" in mine
    assert "could not be found" in mine
    assert "Neither arXiv nor Crossref had it within 7 days." in mine
    assert f"could not be found: doi:{paper}" in desk
    assert "; could not be found." in desk
    for page in (mine, desk):
        assert "turned down" not in page

    decide(client, at(curator).me, "reject", line="Send me a link?")
    mine = client.get(f"{at(person).me}/submit").text
    assert "turned down" in mine
    assert "Send me a link?" in mine
    assert "could not be found" not in mine


@pytest.fixture
def given_up(app, client, person, at, now_is):
    """A submission whose paper could not be found."""
    put_forward(client, at(person).me, paper="10.1101/2026.01.02.573838")
    now_is(app.clock() + looking_up.GIVE_UP_AFTER)
    looking_up.look_up_waiting(app.store, None, clock=app.clock, owner="test")
    now_is(app.clock() + timedelta(hours=1))
    (found,) = app.store.community.decided(since=app.clock() - timedelta(days=1), limit=1)
    return found


def test_however_much_is_decided_since_what_could_not_be_found_is_said_to_be_that(
    app, client, person, at, given_up
):
    other = Submission(
        id="p_other", paper_id="arxiv:1", subscriber_id=person.id, line="", at=app.clock()
    )
    app.store.community.submit(other)
    for number in range(101):
        at_last = app.clock() + timedelta(seconds=number)
        line = Moderation(
            at=at_last,
            actor="operator",
            action="reject",
            submission_id=other.id,
            paper_id="arxiv:1",
        )
        rejected = replace(other, state=SubmissionState.REJECTED, decided_at=at_last)
        app.store.community.decide(rejected, line)
    assert "could not be found" in client.get(f"{at(person).me}/submit").text


def test_what_could_not_be_found_has_a_button_to_turn_it_down_and_none_to_keep_that(
    app, client, person, curator, at, given_up
):
    me = at(curator).me
    page = client.get(f"{me}/curate").text
    assert "Save the line" not in page
    assert first_button(page, given_up.id) == "enter"
    assert "It is turned down" in decide(client, me, "reject", line="").text
    assert "turned down" in client.get(f"{at(person).me}/submit").text
    assert app.store.community.submission(given_up.id).curator_id == curator.id


@pytest.mark.parametrize(
    ("paper", "line", "says"),
    [
        ("some paper", LINE, "neither"),
        ("2606.00005", "", "Say in a line"),
        ("2606.00005", "x" * 400, "300"),
    ],
)
def test_what_cannot_be_put_forward_stays_in_the_form(
    client, person, at, database, paper, line, says
):
    before = database()
    answer = put_forward(client, at(person).me, paper=paper, line=line)
    assert answer.status_code == 400
    assert says in answer.text
    assert f'value="{paper}"' in answer.text
    assert f'value="{line}"' in answer.text
    assert database() == before


def test_the_desk_is_for_curators_alone(client, person, curator, at):
    assert client.get(f"{at(person).me}/curate").status_code == 404
    assert client.post(f"{at(person).me}/curate", data={"do": "feature"}).status_code == 404
    assert "/curate" not in client.get(at(person).me).text
    assert "/curate" in client.get(at(curator).me).text
    assert client.get(f"{at(curator).me}/curate").status_code == 200


def test_a_curator_features_with_a_line_and_the_log_says_so(app, client, person, curator, at):
    put_forward(client, at(person).me)
    page = client.get(f"{at(curator).me}/curate").text
    assert "Submitted by a reader" in page
    assert LINE in page
    assert person.email not in page

    page = decide(client, at(curator).me, "feature").text

    assert "It is featured" in page
    assert re.search(r"you featured: A study of retrieval number 5", page)
    assert app.store.community.featured(app.clock().replace(hour=0)) == {"arxiv:2606.00005"}
    voices = app.store.community.voices(["arxiv:2606.00005"])["arxiv:2606.00005"]
    assert ("Ines Carrow", "A rare find.") in [(each.name, each.line) for each in voices]


def test_a_decision_can_be_turned_round(app, client, person, curator, at):
    put_forward(client, at(person).me)
    decide(client, at(curator).me, "reject", line="Not for us.")
    assert "Not for us." in client.get(f"{at(person).me}/submit").text
    decide(client, at(curator).me, "feature")
    assert app.store.community.featured(app.clock().replace(hour=0))
    assert len(app.store.community.log(limit=10)) == 2


def first_button(page, submission_id):
    """What Enter in the line of a paper's form does."""
    form = re.search(rf'value="{submission_id}">(.+?)</form>', page, re.DOTALL)[1]
    return re.search(r'<button[^>]* name="do" value="([^"]+)"', form)[1]


@pytest.mark.parametrize(("do", "line"), [("feature", "A rare fnid."), ("reject", "Not fro us.")])
def test_enter_in_the_line_of_a_decided_paper_keeps_line_and_decision(
    app, client, person, curator, at, now_is, do, line
):
    put_forward(client, at(person).me)
    page = decide(client, at(curator).me, do, line=line).text
    (before,) = app.store.community.decided(since=app.clock(), limit=1)
    now_is(app.clock() + timedelta(days=9))

    for mended in ("Mended.", ""):
        answer = decide(client, at(curator).me, first_button(page, before.id), line=mended).text
        assert "The line is saved." in answer
        assert app.store.community.submission(before.id) == replace(before, curator_line=mended)


def test_a_pick_whose_line_is_mended_is_no_news(app, client, person, curator, at, now_is):
    def published():
        return [each["date_published"] for each in client.get("/feeds/picks.json").json()["items"]]

    put_forward(client, at(person).me)
    decide(client, at(curator).me, "feature", line="A fnid.")
    before = published()
    now_is(app.clock() + timedelta(days=9))
    decide(client, at(curator).me, "feature", line="A find.")
    assert before
    assert published() == before
    assert app.store.community.featured(app.clock() - timedelta(days=7)) == frozenset()


@pytest.mark.parametrize("paper", ["2606.00005", "10.1101/2026.01.02.573838"])
def test_enter_in_a_line_begun_decides_nothing_and_keeps_what_was_typed(
    client, person, curator, at, database, paper
):
    put_forward(client, at(person).me, paper=paper)
    me = at(curator).me
    page = client.get(f"{me}/curate").text
    number = re.search(r'name="submission" value="([^"]+)"', page)[1]
    before = database()
    answer = decide(client, me, first_button(page, number), line="Half a lin")
    assert answer.status_code == 400
    assert (
        "Feature it, or turn it down; a paper that is still being looked up can be" in answer.text
    )
    assert 'value="Half a lin"' in answer.text
    assert database() == before


@pytest.mark.parametrize("do", ["", "burn"])
def test_what_is_no_decision_decides_nothing(client, person, curator, at, database, do):
    put_forward(client, at(person).me)
    before = database()
    answer = decide(client, at(curator).me, do, line="Half a lin")
    assert answer.status_code == 400
    assert "Feature it, or turn it down;" in answer.text
    assert 'value="Half a lin"' in answer.text
    assert database() == before


def test_the_desk_says_who_reads_the_line(client, person, curator, at):
    put_forward(client, at(person).me)
    page = client.get(f"{at(curator).me}/curate").text
    assert "for one that you turn down, only its submitter and the curators do" in page
    assert 'aria-describedby="who-reads"' in page


def test_a_line_that_is_too_long_is_said_beside_it(client, person, curator, at):
    put_forward(client, at(person).me)
    answer = decide(client, at(curator).me, "feature", line="y" * 400)
    assert answer.status_code == 400
    assert 'aria-invalid="true"' in answer.text
    assert "y" * 400 in answer.text


def test_where_nobody_may_submit_the_page_says_so(app, client, person, at):
    community = replace(app.settings.community, submissions_a_day=0)
    app.settings = replace(app.settings, community=community)
    page = client.get(f"{at(person).me}/submit").text
    assert "cannot be submitted here" in page
    assert "a curator looks at it" not in page
    assert "Submit a paper</a>" not in client.get(at(person).me).text
    assert "Submit a paper" not in client.get("/picks").text
    assert put_forward(client, at(person).me).status_code == 400


def test_one_sees_what_one_put_forward_however_much_others_do(
    app, client, person, curator, join, at, monkeypatch
):
    monkeypatch.setattr(sharing, "MOST_SUBMISSIONS", 3)
    put_forward(client, at(person).me)
    other, later = join("bo@example.org"), app.clock() + timedelta(minutes=1)
    for number in range(4):
        app.store.community.submit(
            Submission(
                id=f"p_{number}",
                paper_id=f"arxiv:2605.{number:05}",
                subscriber_id=other.id,
                line="Mine.",
                at=later,
                state=SubmissionState.REJECTED,
                decided_at=later,
            )
        )
    assert LINE in client.get(f"{at(person).me}/submit").text
    assert "Mine." not in client.get(f"{at(person).me}/submit").text
    assert LINE in client.get(f"{at(curator).me}/curate").text
