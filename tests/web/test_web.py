"""What the web door answers, and that looking never changes anything."""

import json
from datetime import UTC, date, datetime

import pytest
from starlette.testclient import TestClient

from digest import subscriptions
from digest.model import Announcement, AnnounceType, InterestKind, Item, Paper, Status
from digest.rendering import links
from digest.web import application as asgi


def paper(number):
    paper = Paper(
        id=f"arxiv:2606.{number:05}",
        title=f"A study of retrieval number {number} <in> the wild & beyond",
        abstract="We retrieve things and report.",
        categories=("cs.IR",),
        url=f"https://arxiv.org/abs/2606.{number:05}",
        identifiers=(f"arxiv:2606.{number:05}",),
    )
    return Item(
        paper=paper,
        announcement=Announcement(
            paper_id=paper.id,
            source="arxiv",
            feed="cs.IR",
            day=date(2026, 6, 10),
            type=AnnounceType.NEW,
            seen_at=datetime(2026, 6, 10, 4, tzinfo=UTC),
        ),
    )


@pytest.fixture
def person(application):
    application.store.papers.ingest([paper(number) for number in range(1, 16)])
    person = subscriptions.subscribe(
        application.store,
        "ada@example.org",
        subscriptions.Wishes(topics=["cs.IR"], limit=3),
        topics=application.settings.topics,
        defaults=application.newcomer,
        confirmed=True,
        now=application.clock(),
    )
    application.compose_edition("2026-06-10")
    from pathlib import Path

    application.publish(Path(application.settings.worker.publish))
    return person


@pytest.fixture
def client(application):
    with TestClient(asgi(application), base_url="https://digest.example") as client:
        yield client


def path(url):
    return url.removeprefix("https://digest.example")


def addresses(app, person):
    edition = path(links.digest(app.site, person, "2026-06-10"))
    return {
        "unsubscribe": path(links.unsubscribe(app.site, person)),
        "confirm": path(links.confirm(app.site, person)),
        "digest": edition,
        "more": f"{edition}/1/more",
        "less": f"{edition}/2/less",
        "feed": path(links.personal_feed(app.site, person)),
    }


def everything(app):
    people = {
        person.id: (person, sorted((i.kind, i.value) for i in interests))
        for person, interests in app.store.subscribers.all()
    }
    return people, app.store.counts(), app.store.ledger.counts()


def test_health_says_that_the_database_answers(client, person):
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.json()["papers"] == 15


def test_a_get_or_head_never_changes_anything(application, client, person):
    before = everything(application)
    others = ["/", "/health", "/papers/arxiv:2606.00001", "/feeds/cs.IR.atom", "/feeds.opml"]
    for address in [*addresses(application, person).values(), *others]:
        for method in ("GET", "HEAD"):
            answer = client.request(method, address)
            assert answer.status_code == 200, address
            assert "set-cookie" not in answer.headers
    assert everything(application) == before


@pytest.mark.parametrize("body", ["urlencoded", "multipart"])
def test_one_click_unsubscribe_needs_nothing_but_the_post(application, client, person, body):
    address = addresses(application, person)["unsubscribe"]
    data = {"List-Unsubscribe": "One-Click"}
    sent = (
        {"data": data}
        if body == "urlencoded"
        else {"files": {k: (None, v) for k, v in data.items()}}
    )
    answer = client.post(address, follow_redirects=False, **sent)
    assert answer.status_code == 200
    assert application.store.subscribers.by_email(person.email).status is Status.UNSUBSCRIBED
    assert client.post(address).status_code == 200


def test_the_unsubscribe_page_shows_a_button_that_posts(application, client, person):
    page = client.get(addresses(application, person)["unsubscribe"]).text
    assert 'method="post"' in page.lower()
    assert "<button" in page


def test_more_and_less_show_the_paper_and_act_on_post(application, client, person):
    at = addresses(application, person)
    assert "A study of retrieval" in client.get(at["more"]).text
    client.post(at["more"])
    client.post(at["less"])
    (profile,) = application.store.subscribers.profiles([person.id])
    kinds = [each.kind for each in profile.interests if each.value.startswith("arxiv:")]
    assert sorted(kinds) == [InterestKind.DISLIKE, InterestKind.LIKE]


def test_a_digest_in_the_browser_hides_nothing(application, client, person):
    page = client.get(addresses(application, person)["digest"]).text
    for number in range(1, 16):
        assert f"retrieval number {number} &lt;in&gt;" in page


def test_a_pending_subscriber_confirms_with_a_button(application, client):
    person = subscriptions.subscribe(
        application.store,
        "new@example.org",
        subscriptions.Wishes(topics=["cs.IR"]),
        topics=application.settings.topics,
        defaults=application.newcomer,
        confirmed=False,
        now=application.clock(),
    )
    address = path(links.confirm(application.site, person))
    assert "<button" in client.get(address).text
    assert application.store.subscribers.by_email(person.email).status is Status.PENDING
    client.post(address)
    assert application.store.subscribers.by_email(person.email).status is Status.ACTIVE


def test_a_confirm_link_does_not_bring_back_someone_who_left(application, client, person):
    subscriptions.unsubscribe(application.store, person)
    client.post(addresses(application, person)["confirm"])
    assert application.store.subscribers.by_email(person.email).status is Status.UNSUBSCRIBED


@pytest.mark.parametrize(
    "address",
    [
        "/u/nonsense",
        "/u/s_1..AAAA",
        "/c/a.b.c",
        "/d/s_1.2026-06-10.xx",
        "/papers/arxiv:9999.99999",
        "/nowhere",
        "/feeds/../../digest.db",
        "/feeds/mine/",
    ],
)
def test_what_is_not_there_is_a_plain_404(client, person, address):
    answer = client.get(address)
    assert answer.status_code == 404
    assert "Traceback" not in answer.text


def test_a_link_for_one_purpose_does_not_serve_another(application, client, person):
    token = addresses(application, person)["digest"].rsplit("/", 1)[1]
    assert client.post(f"/u/{token}").status_code == 404
    assert client.get(f"/d/{token}/99/more").status_code == 404
    assert client.get(f"/d/{token}/1/perhaps").status_code == 404


def test_feeds_have_their_types_and_answer_304(client, person):
    for form, kind in (("rss", "rss+xml"), ("atom", "atom+xml"), ("json", "feed+json")):
        first = client.get(f"/feeds/cs.IR.{form}")
        assert kind in first.headers["content-type"]
        assert "public" in first.headers["cache-control"]
        again = client.get(f"/feeds/cs.IR.{form}", headers={"if-none-match": first.headers["etag"]})
        assert again.status_code == 304
        assert again.content == b""


def test_a_private_feed_is_private(application, client, person):
    answer = client.get(addresses(application, person)["feed"])
    assert answer.status_code == 200
    assert "private" in answer.headers["cache-control"]
    assert "noindex" in answer.headers["x-robots-tag"]


def test_every_answer_is_guarded(client, person):
    for address in ("/", "/health", "/nowhere", "/feeds/cs.IR.atom"):
        headers = client.get(address).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_pages_ask_no_third_party_and_run_no_script(application, client, person):
    for address in addresses(application, person).values():
        page = client.get(address).text
        assert "<script" not in page
        assert "<img" not in page


def test_a_large_body_is_refused(application, client, person):
    address = addresses(application, person)["unsubscribe"]
    answer = client.post(address, content=b"x" * 100_000)
    assert answer.status_code == 413
    assert application.store.subscribers.by_email(person.email).status is Status.ACTIVE


def test_errors_are_json_for_those_who_ask_for_it(client, person):
    answer = client.get("/papers/arxiv:9999.99999", headers={"accept": "application/json"})
    assert "error" in json.loads(answer.text)
