"""The application whole: every route is walked, looking changes nothing, every answer is guarded."""

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from digest import subscriptions, tokens
from digest.errors import StoreBusy
from digest.model import Evidence, EvidenceKind, FeedbackKind, Submission, Via
from digest.rendering import links
from digest.web import application as asgi
from digest.web.guard import HEADERS

SITE = "https://digest.example"
TOKEN = "a token of the operator's own"
DAY = "2026-06-10"


@pytest.fixture
def app(application, item):
    object.__setattr__(application.settings.web, "operator", TOKEN)
    object.__setattr__(application.settings.community, "curators", ("ada@example.org",))
    application.store.papers.ingest(
        [
            item(
                f"arxiv:2606.{number:05}",
                authors=("Ada Example",),
                seen_at=datetime(2026, 6, 9 + number % 2, 4, tzinfo=UTC),
            )
            for number in range(1, 9)
        ]
    )
    return application


@pytest.fixture
def person(app, subscribe):
    person = subscribe(limit=3)
    app.compose_edition(DAY)
    return person


@pytest.fixture
def site(app, person):
    """The application with something behind every kind of address, and how to fill them in."""
    store, now = app.store, app.clock()
    paper = store.papers.get(["arxiv:2606.00001"])["arxiv:2606.00001"]
    given = subscriptions.give(store, person, FeedbackKind.MORE, paper=paper, via=Via.WEB, now=now)
    store.community.submit(
        Submission(id="p_1", paper_id=paper.id, subscriber_id=person.id, line="Why not", at=now)
    )
    store.post.record(Evidence(id="e_1", kind=EvidenceKind.UNREAD, raw=b"From: x\r\n\r\ny", at=now))
    change = subscriptions.ask_address(store, person, "new@example.org", now=now)
    wish = subscriptions.change_subject(change)
    minute = int(now.timestamp() // 60)
    addresses = {
        "u": links.unsubscribe(app.site, person),
        "c": links.confirm(app.site, person, DAY),
        "d": links.digest(app.site, person, DAY),
        "me": links.preferences(app.site, person, DAY),
        "account": links.account(app.site, person, minute),
        "a": links.address(app.site, person, links.ADDRESS_OLD, wish),
    }
    values = {
        "answer": "more",
        "date": DAY,
        "day": "2026-06-09",
        "evidence": "e_1",
        "feedback": given.id,
        "form": "bib",
        "kind": "atom",
        "month": "2026-06",
        "name": "Ada Example",
        "number": "1",
        "paper": "arxiv:2606.00001",
        "path": "topics",
        "period": "week",
        "slug": "cs.IR",
        "submission": "p_1",
    }
    signed = {first: address.rpartition("/")[2] for first, address in addresses.items()}
    return _Site(values=values, signed=signed | {"feeds": links.feed_token(person)})


class _Site:
    def __init__(self, *, values, signed):
        self.values = values
        self.signed = signed

    def path(self, route):
        """An address that the route answers; KeyError names what is to be added here."""
        first = route.split("/")[1]
        values = dict(self.values)
        if first == "static":
            values["name"] = "page.css"
        if first in self.signed:
            values["token"] = self.signed[first]
        return re.sub(r"{(\w+)(?::\w+)?}", lambda match: values[match[1]], route)


@pytest.fixture
def client(app):
    with TestClient(asgi(app), base_url=SITE) as client:
        yield client


def routes(app, method):
    return [each.path for each in asgi(app).routes if method in each.methods]


def everything(app):
    """Every row of every table, as SQLite writes them out."""
    with closing(sqlite3.connect(app.settings.db)) as connection:
        return "\n".join(connection.iterdump())


def assert_guarded(answer, where):
    for name in HEADERS:
        assert name in answer.headers, (where, name)
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["strict-transport-security"], where


def test_a_get_or_head_never_changes_anything_and_every_answer_is_guarded(app, client, site):
    client.post("/operator", data={"token": TOKEN})
    walked, before = 0, everything(app)
    for route in routes(app, "GET"):
        for method in ("GET", "HEAD"):
            answer = client.request(
                method, site.path(route), params={"q": "retrieval"}, follow_redirects=False
            )
            walked += 1
            assert answer.status_code in (200, 303), (route, answer.text[:500])
            assert_guarded(answer, route)
            assert "set-cookie" not in answer.headers, route
    assert everything(app) == before
    assert walked > 80


def test_a_get_of_what_is_meant_for_posting_is_refused_and_changes_nothing(app, client, site):
    before = everything(app)
    for route in set(routes(app, "POST")) - set(routes(app, "GET")):
        answer = client.get(site.path(route), follow_redirects=False)
        assert answer.status_code in (404, 405), route
        assert_guarded(answer, route)
    assert everything(app) == before


def test_a_tab_opened_again_does_not_say_that_what_a_button_did_failed(client, site):
    page = client.get(site.path("/account/{token}/erase")).text
    assert "what it did stands" in page
    assert "did not work" not in page


def test_other_sites_can_post_nothing_but_one_click(app, client, site):
    before = everything(app)
    for route in routes(app, "POST"):
        if route == "/u/{token}":
            continue
        answer = client.post(site.path(route), headers={"sec-fetch-site": "cross-site"})
        assert answer.status_code == 403, route
        assert_guarded(answer, route)
    assert everything(app) == before


@pytest.mark.parametrize("token", ["x", "s_1..AAAA", "a.b.c", "%00", "..", "s_1.2026-06-10.é"])
def test_an_invalid_link_changes_nothing_and_says_so_plainly(app, client, site, token):
    before = everything(app)
    for method in ("GET", "POST"):
        for route in routes(app, method):
            if "{token}" not in route:
                continue
            path = route.replace("{token}", token)
            answer = client.request(method, site.path(path), follow_redirects=False)
            # The client resolves `..` by itself, and so gets a public page.
            assert answer.status_code in ((200, 303, 404, 405) if token == ".." else (404, 405))
            assert "Traceback" not in answer.text
            assert "ada@example.org" not in answer.text
            assert answer.status_code != 404 or token == ".." or "not valid" in answer.text, path
            assert_guarded(answer, path)
    assert everything(app) == before


def test_links_of_another_person_or_purpose_open_nothing(app, client, site, person):
    stranger = tokens.make("ef" * 32, links.PREFERENCES, person.id, DAY)
    before = everything(app)
    for scope, token in {**site.signed, "stranger": stranger}.items():
        for first in {"u", "c", "d", "me", "account", "a"} - {scope}:
            for method in ("GET", "POST"):
                answer = client.request(method, f"/{first}/{token}", follow_redirects=False)
                assert answer.status_code in (404, 405), (scope, first, method)
    assert everything(app) == before


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/feeds/mine/", 404),
        ("GET", "/static/../digest.toml", 404),
        ("DELETE", "/", 405),
        ("PUT", "/subscribe", 405),
        ("OPTIONS", "/subscribe", 405),
        ("TRACE", "/", 405),
        ("POST", "/", 405),
    ],
)
def test_what_is_not_there_is_said_plainly_and_guarded(client, method, path, status):
    answer = client.request(method, path)
    assert answer.status_code == status
    assert_guarded(answer, path)
    if status == 405:
        assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("below", ["", "/lab"])
@pytest.mark.parametrize(
    ("asked", "page"),
    [
        ("/subscribe/", "/subscribe"),
        ("/topics/cs.IR/", "/topics/cs.IR"),
        ("/search/?q=maps&sort=newest", "/search?q=maps&sort=newest"),
        ("/a%3Fb%23c/", "/a%3Fb%23c"),
        ("//elsewhere.example/", "/elsewhere.example"),
    ],
)
def test_a_slash_too_many_leads_to_the_page_and_never_off_the_site(app, below, asked, page):
    object.__setattr__(app.settings.site, "url", f"{SITE}{below}")
    with TestClient(asgi(app), base_url=SITE, follow_redirects=False) as client:
        answer = client.get(f"{SITE}{asked}")
        assert (answer.status_code, answer.headers["location"]) == (303, f"{below}{page}")
        assert client.post(f"{SITE}{asked}").status_code == 405


@pytest.mark.parametrize("ending", ["/", ".json", ".bib", ".ris", ".csl.json"])
def test_a_paper_whose_id_ends_in_a_slash_or_like_a_file_has_its_page_there(
    app, client, site, item, ending
):
    key = f"doi:10.5555/folder{ending}"
    app.store.papers.ingest([item(key, title="It has an odd name")])

    for below in ("", site.path("/me/{token}")):
        assert "It has an odd name</h1>" in client.get(f"{below}/papers/{key}").text
    assert client.get(f"/papers/{key}.json").json()["paper"]["id"] == key
    assert client.get("/papers/doi:10.5555/folder").status_code == 404
    app.store.papers.ingest([item("doi:10.5555/folder", title="It has none")])
    assert "It has an odd name</h1>" in client.get(f"/papers/{key}").text


def test_errors_are_pages_for_those_who_would_rather_have_one(client):
    accept = "text/html, application/json;q=0.5"
    answer = client.get("/papers/arxiv:9999.99999", headers={"accept": accept})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


def test_a_fault_of_ours_is_a_guarded_page_that_tells_nothing(app, caplog):
    made = asgi(app)

    def fail(_request):
        raise RuntimeError("secret words")

    made.add_route("/fault", fail)
    with TestClient(made, base_url=SITE) as client:
        answer = client.get("/fault")
    assert answer.status_code == 500
    assert "went wrong" in answer.text
    assert "secret words" not in answer.text
    assert_guarded(answer, "/fault")
    assert "a request failed" in caplog.text


def test_a_busy_database_asks_for_a_little_patience(app):
    made = asgi(app)

    def fail(_request):
        raise StoreBusy("The database /srv/digest.db is busy.", retry_after=1.2)

    made.add_route("/busy", fail)
    with TestClient(made, base_url=SITE) as client:
        answer = client.get("/busy")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "/srv" not in answer.text


def test_dear_pages_are_rationed_and_others_are_not(app, site):
    object.__setattr__(app.settings.web, "requests", 2)
    with TestClient(asgi(app), base_url=SITE) as client:
        for _ in range(2):
            assert client.get("/search?q=retrieval").status_code == 200
        refused = client.get("/search?q=retrieval")
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) == 1800
        assert "Too many requests" in refused.text
        assert_guarded(refused, "/search")
        assert client.get("/").status_code == 200


def test_pages_ask_nobody_else_for_anything(app, client, site):
    for route in routes(app, "GET"):
        answer = client.get(site.path(route), params={"q": "retrieval"}, follow_redirects=False)
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        loaded = re.findall(
            r"<(?:script|img|iframe|source|audio|video)\b[^>]*src=\"([^\"]*)", answer.text
        )
        loaded += re.findall(
            r"<link rel=\"(?:stylesheet|icon|preload)\"[^>]*href=\"([^\"]*)", answer.text
        )
        assert loaded, route
        for address in loaded:
            assert address.startswith(("/static/", f"{SITE}/static/")), (route, address)
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style", answer.text), route


def test_a_bounded_number_of_requests_is_worked_on_at_once(client):
    import anyio.to_thread

    from digest.web.application import THREADS

    async def count():
        return anyio.to_thread.current_default_thread_limiter().total_tokens

    assert client.portal.call(count) == THREADS
