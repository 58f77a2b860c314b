"""The operator's page: who gets in, what is shown there, and what can be done."""

import re
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from digest import subscriptions
from digest.model import (
    Evidence,
    EvidenceKind,
    Outcome,
    PollState,
    Receipt,
    SourceReport,
    Status,
    Submission,
    SubmissionState,
    SuppressionReason,
    Verdict,
)
from digest.web import application as asgi

SITE = "https://digest.example"
TOKEN = "a token of the operator's own"
OWN = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def app(application):
    object.__setattr__(application.settings.web, "operator", TOKEN)
    return application


@pytest.fixture
def client(app):
    with TestClient(asgi(app), base_url=SITE, headers=OWN) as client:
        yield client


@pytest.fixture
def inside(client):
    assert client.post("/operator", data={"token": TOKEN}).status_code == 200
    return client


@pytest.fixture
def person(app, subscribe):
    return subscribe()


@pytest.fixture
def waiting(app, person, item):
    """A submission that waits for a decision."""
    app.store.papers.ingest([item()])
    submission = Submission(
        id="p_1",
        paper_id="arxiv:2606.00001",
        subscriber_id=person.id,
        line="<b>Good</b>",
        at=app.clock(),
        state=SubmissionState.OPEN,
    )
    return app.store.community.submit(submission)


def bounce(app, person, *, kind=EvidenceKind.HARD_BOUNCE, name="e_1"):
    evidence = Evidence(
        id=name,
        kind=kind,
        subscriber_id=person.id if person else "",
        status="5.1.1",
        detail="550 no such user <ada@example.org>",
        raw=b"From: mailer-daemon@mx.example\r\nSubject: <script>alert(1)</script>\r\n\r\nNo.",
        at=app.clock(),
    )
    subscriptions.bounce(app.store, evidence, soft_bounces=5, soft_days=30, now=app.clock())
    return evidence


def form_token(client):
    return re.search(r'name="form_token" value="([0-9a-f]+)"', client.get("/operator").text)[1]


def act(client, path, **data):
    return client.post(path, data={"form_token": form_token(client), **data})


# --- who gets in ------------------------------------------------------------------------------


def test_there_is_no_page_while_no_token_is_set(application):
    with TestClient(asgi(application), base_url=SITE) as client:
        for path in ("/operator", "/operator/leave", "/operator/evidence/x"):
            assert client.get(path).status_code == 404
            assert client.post(path).status_code == 404


def test_a_stranger_is_asked_for_the_token_and_shown_nothing(app, client, person):
    bounce(app, person)
    page = client.get("/operator")
    assert 'type="password"' in page.text
    assert "ada@example.org" not in page.text
    assert "no-store" in page.headers["cache-control"]
    assert "noindex" in page.headers["x-robots-tag"]
    assert "set-cookie" not in page.headers
    assert client.get("/operator/evidence/e_1").status_code == 403


def test_the_token_opens_a_session_whose_cookie_goes_nowhere_else(client):
    answer = client.post("/operator", data={"token": f" {TOKEN} "}, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/operator"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Secure-operator=")
    parts = {each.strip().lower() for each in cookie.split(";")[1:]}
    assert {"httponly", "secure", "samesite=strict", "path=/operator", "max-age=43200"} <= parts
    assert TOKEN not in cookie
    assert "Sources" in client.get("/operator").text


def test_without_https_the_cookie_still_works(app):
    object.__setattr__(app.settings.site, "url", "http://digest.example")
    with TestClient(asgi(app), base_url="http://digest.example") as client:
        answer = client.post("/operator", data={"token": TOKEN}, follow_redirects=False)
        assert answer.headers["set-cookie"].startswith("operator=")
        assert "secure" not in answer.headers["set-cookie"].lower()
        assert "Sources" in client.get("/operator").text


def test_where_the_site_is_below_a_path_the_session_is_below_it_too(app):
    object.__setattr__(app.settings.site, "url", f"{SITE}/lab")
    with TestClient(asgi(app), base_url=SITE, headers=OWN) as client:
        answer = client.post("/operator", data={"token": TOKEN}, follow_redirects=False)
        assert answer.headers["location"] == "/lab/operator"
        assert "path=/lab/operator;" in answer.headers["set-cookie"].lower()
        cookie = {"cookie": answer.headers["set-cookie"].partition(";")[0]}
        page = client.get("/operator", headers=cookie).text
        form = {"form_token": re.search(r'name="form_token" value="([0-9a-f]+)"', page)[1]}
        left = client.post("/operator/leave", data=form, headers=cookie, follow_redirects=False)
        assert left.headers["location"] == "/lab/operator"
        assert "path=/lab/operator;" in left.headers["set-cookie"].lower()


@pytest.mark.parametrize("given", ["", "wrong", TOKEN[:-1], TOKEN.upper(), "\udcff", "x" * 5000])
def test_a_wrong_token_opens_nothing(client, given):
    answer = client.post("/operator", data={"token": given.encode("utf-8", "surrogateescape")})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_guessing_is_slowed_down_even_where_the_next_guess_is_right(client):
    for _ in range(10):
        assert client.post("/operator", data={"token": "guess"}).status_code == 403
    refused = client.post("/operator", data={"token": TOKEN})
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0


def test_one_network_that_guesses_without_end_does_not_keep_the_operator_out(app):
    made = asgi(app)
    stranger = TestClient(made, base_url=SITE, headers=OWN, client=("198.51.100.7", 1))
    operator = TestClient(made, base_url=SITE, headers=OWN, client=("203.0.113.9", 1))
    answers = [stranger.post("/operator", data={"token": "guess"}) for _ in range(70)]
    assert [each.status_code for each in answers] == [403] * 10 + [429] * 60
    assert operator.post("/operator", data={"token": TOKEN}).status_code == 200


def test_a_session_ends_by_itself(app, inside):
    app.moment[0] += timedelta(hours=11)
    assert "Sources" in inside.get("/operator").text
    app.moment[0] += timedelta(hours=2)
    assert 'type="password"' in inside.get("/operator").text


def test_one_can_leave(inside):
    act(inside, "/operator/leave")
    assert 'type="password"' in inside.get("/operator").text


def test_a_new_token_ends_all_sessions(app, inside):
    cookies = dict(inside.cookies)
    object.__setattr__(app.settings.web, "operator", "another token")
    with TestClient(asgi(app), base_url=SITE, cookies=cookies) as client:
        assert 'type="password"' in client.get("/operator").text


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value[:-1] + ("0" if value[-1] != "0" else "1"),
        lambda value: "9" + value,
        lambda value: value.partition(".")[0] + ".",
        lambda value: "." + value.partition(".")[2],
        lambda _: "x.y",
        lambda _: "",
        lambda value: value + "é",
    ],
)
def test_a_forged_cookie_opens_nothing(client, change):
    answer = client.post("/operator", data={"token": TOKEN}, follow_redirects=False)
    name, _, value = answer.headers["set-cookie"].partition(";")[0].partition("=")
    client.cookies.clear()
    forged = f"{name}={change(value)}".encode()
    assert 'type="password"' in client.get("/operator", headers={"cookie": forged}).text


# --- what is shown ----------------------------------------------------------------------------


def test_the_page_shows_how_everything_fares(app, inside, person):
    now = app.clock()
    app.note_tick()
    app.store.sources.add_reports(
        [SourceReport(source="arxiv", place="x", verdict=Verdict.NEW, read=7, papers=3, at=now)]
    )
    state = PollState(
        source="huggingface",
        url="https://hf.example",
        failures=4,
        last_error="it answered 503",
        due_at=now + timedelta(hours=1),
    )
    app.store.sources.save_polls([state])
    bounce(app, person)
    app.store.sources.set_cursor("trouble:deliver", f"{now.isoformat()} [smtp] url: <no>")
    page = inside.get("/operator").text
    for shown in (
        "last looked at what is due at <time",
        "Sending digests failed",
        "[smtp] url: &lt;no&gt;",
        "7 entries",
        "3 new papers",
        "4 failures in a row: it answered 503",
        "0 letters waiting",
        "hard-bounce 5.1.1",
        "ada@example.org",
        "suppressed",
    ):
        assert shown in page, shown


def test_the_words_of_mail_servers_are_shown_without_addresses(app, inside, person, item):
    app.store.papers.ingest([item()])
    app.compose_edition("2026-06-10")
    envelope = app.store.ledger.claim(app.clock(), owner="x", limit=1, lease=60)[0]
    receipt = Receipt(
        digest_id=f"{person.id}.2026-06-10",
        outcome=Outcome.REFUSED,
        code=550,
        reply="no mailbox <ada@example.org> here",
        at=app.clock(),
    )
    app.store.ledger.settle([receipt], lease=envelope.lease)
    page = inside.get("/operator").text
    assert "refused 550" in page
    assert "no mailbox" in page
    assert "ada@example.org" not in page


def test_a_mail_that_came_in_is_shown_as_text_and_never_as_a_page(app, inside, person):
    bounce(app, person)
    mail = inside.get("/operator/evidence/e_1")
    assert mail.headers["content-type"] == "text/plain; charset=utf-8"
    assert mail.headers["x-content-type-options"] == "nosniff"
    assert "<script>alert(1)</script>" in mail.text
    assert "<script>alert" not in inside.get("/operator").text
    assert inside.get("/operator/evidence/none").status_code == 404


# --- what can be done -------------------------------------------------------------------------


def test_a_bounce_is_taken_back(app, inside, person):
    bounce(app, person)
    assert app.store.subscribers.by_email(person.email).status is Status.SUPPRESSED
    answer = act(inside, "/operator/evidence/e_1/undo")
    assert "Undone: mail" in answer.text
    assert app.store.subscribers.by_email(person.email).status is Status.ACTIVE
    hashed = subscriptions.address_hash(app.store, person.email)
    assert app.store.post.suppression(hashed) is not SuppressionReason.BOUNCED
    assert "Settled" in inside.get("/operator").text


def test_a_mail_nobody_could_read_is_dealt_with(app, inside):
    bounce(app, None, kind=EvidenceKind.UNREAD, name="e_2")
    assert "Dealt with" in inside.get("/operator").text
    act(inside, "/operator/evidence/e_2/settle")
    assert "Dealt with" not in inside.get("/operator").text


def test_much_that_nobody_could_read_hides_no_bounce_and_nothing_that_is_not_dealt_with(
    app, inside, person
):
    bounce(app, person)
    bounce(app, None, kind=EvidenceKind.UNREAD, name="u_early")
    app.moment[0] += timedelta(hours=1)
    for number in range(40):
        bounce(app, None, kind=EvidenceKind.UNREAD, name=f"u_{number}")
        app.store.post.settle_evidence(f"u_{number}", app.clock())
    page = inside.get("/operator").text
    assert "/operator/evidence/e_1/undo" in page
    assert "/operator/evidence/u_early/settle" in page


def test_only_what_nobody_could_read_is_settled_so(app, inside, person):
    bounce(app, person)
    assert act(inside, "/operator/evidence/e_1/settle").status_code == 404


@pytest.mark.parametrize(
    ("do", "state"),
    [("feature", SubmissionState.FEATURED), ("reject", SubmissionState.REJECTED)],
)
@pytest.mark.usefixtures("waiting")
def test_a_submission_is_featured_or_rejected_with_a_line(app, inside, do, state):
    page = inside.get("/operator").text
    assert "&lt;b&gt;Good&lt;/b&gt;" in page
    assert "for one that you turn down, only its submitter and the curators do" in page
    act(inside, "/operator/submissions/p_1", do=do, line="As it should be")
    decided = app.store.community.submission("p_1")
    assert (decided.state, decided.curator_line) == (state, "As it should be")
    page = inside.get("/operator").text
    assert "What was decided" in page
    assert "As it should be" in page


@pytest.mark.usefixtures("waiting")
def test_the_operator_sees_which_curator_decided(app, inside, person):
    subscriptions.decide(app.store, person, "p_1", feature=False, line="", now=app.clock())

    assert f"{person.id} turned down" in inside.get("/operator").text


def test_what_waits_is_not_hidden_by_much_that_was_decided(app, inside, person):
    def put_forward(number, state):
        paper_id = f"arxiv:2606.{number:05}"
        submission = Submission(
            id=f"p_{number}",
            paper_id=paper_id,
            subscriber_id=person.id,
            line=f"Line of {number}.",
            at=app.clock() + timedelta(minutes=number),
            state=state,
            decided_at=app.clock() if state is SubmissionState.REJECTED else None,
        )
        app.store.community.submit(submission)

    put_forward(1, SubmissionState.OPEN)
    put_forward(2, SubmissionState.WAITING)
    for number in range(3, 50):
        put_forward(number, SubmissionState.REJECTED)
    page = inside.get("/operator").text
    assert "Line of 1." in page
    assert "Line of 2." in page
    assert "Line of 49." in page


@pytest.mark.parametrize("do", ["enter", "", "burn"])
def test_enter_in_a_line_decides_nothing_and_keeps_what_was_typed(app, inside, waiting, do):
    page = inside.get("/operator").text
    form = re.search(r'action="/operator/submissions/p_1">(.+?)</form>', page, re.DOTALL)[1]
    assert re.search(r'<button[^>]* name="do" value="([^"]+)"', form)[1] == "enter"
    answer = act(inside, "/operator/submissions/p_1", do=do, line="Half a lin")
    assert answer.status_code == 400
    assert 'value="Half a lin"' in answer.text
    assert 'href="#line-p_1">Feature it, or turn it down;' in answer.text
    assert app.store.community.submission("p_1") == waiting


def test_enter_in_the_line_of_a_rejected_paper_does_not_feature_it(app, inside, waiting):
    act(inside, "/operator/submissions/p_1", do="reject", line="Not fro us.")
    page = inside.get("/operator").text
    form = re.search(r'action="/operator/submissions/p_1">(.+?)</form>', page, re.DOTALL)[1]
    first = re.search(r'<button[^>]* name="do" value="([^"]+)"', form)[1]
    act(inside, "/operator/submissions/p_1", do=first, line="Not for us.")
    decided = app.store.community.submission("p_1")
    assert (decided.state, decided.curator_line) == (SubmissionState.REJECTED, "Not for us.")


def test_a_submission_that_is_gone_is_said_to_be_gone(inside):
    assert act(inside, "/operator/submissions/p_1", do="reject").status_code == 404


def test_nothing_is_done_without_the_form_of_ones_own_session(app, inside, person):
    bounce(app, person)
    path = "/operator/evidence/e_1/undo"
    other = TestClient(asgi(app), base_url=SITE)
    for given in ("", "0" * 64, "ü"):
        assert inside.post(path, data={"form_token": given}).status_code == 403
    assert inside.post(path).status_code == 403
    assert inside.post(path, files={"form_token": ("f", b"x")}).status_code == 400
    assert other.post(path, data={"form_token": form_token(inside)}).status_code == 403
    foreign = {"sec-fetch-site": "cross-site"}
    assert act(inside, path).status_code == 200
    sent = {"form_token": form_token(inside)}
    assert inside.post(path, data=sent, headers=foreign).status_code == 403
