"""Feeds served live: what readers get, what they are told when they have it, and what it costs."""

import gzip
import json
import logging
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.utils import parsedate_to_datetime
from html import escape
from itertools import product

import pytest
from starlette.testclient import TestClient

from digest import subscriptions
from digest.model import AnnounceType, PollState, Status
from digest.pipeline import delivering
from digest.rendering import links
from digest.testing import MemoryTransport
from digest.web import application as asgi
from digest.web.feeds import fresh_for

SITE = "https://digest.example"
KINDS = {
    "rss": "application/rss+xml; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
}


@pytest.fixture(scope="session")
def paper(item):
    """Makes a paper by its number."""

    def make(number, *, category="cs.IR", day=10, title=""):
        return item(
            f"arxiv:2606.{number:05}",
            title=title or f"A study of retrieval number {number}",
            # Words of its own, or papers would be near-duplicates of each other.
            abstract=f"We retrieve and report at length of map{number} and fog{number}. " * 5,
            categories=(category,),
            seen_at=datetime(2026, 6, day, 4, tzinfo=UTC),
        )

    return make


@pytest.fixture
def papers(application, paper):
    """Twelve papers of three days."""
    application.store.papers.ingest([paper(number, day=8 + number % 3) for number in range(1, 13)])


@pytest.fixture
def person(application, papers, subscribe):
    person = subscribe(limit=3)
    application.compose_edition("2026-06-10")
    return person


@pytest.fixture
def statements(application):
    """What is asked of the database from the moment that it is cleared."""
    asked = []
    for connection in application.store._connections._idle:
        connection.set_trace_callback(asked.append)
    yield asked
    for connection in application.store._connections._idle:
        connection.set_trace_callback(None)


def own(application, person, kind="atom"):
    address = links.personal_feed(application.site, person)
    return address.removeprefix(SITE).removesuffix("atom") + kind


def etag_of(answer):
    return answer.headers["etag"]


# --- what readers get -------------------------------------------------------------------------


PATHS = (
    "/feeds/cs.IR",
    "/feeds/cs.IR/2026-06-09",
    "/feeds/retrieval",
    "/feeds/trending",
    "/feeds/trending-day",
    "/feeds/trending-week",
    "/feeds/trending-month",
    "/feeds/picks",
)


def test_every_feed_comes_in_three_formats(client, papers):
    for path, kind in product(PATHS, KINDS):
        answer = client.get(f"{path}.{kind}")
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == KINDS[kind]
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["cache-control"].startswith("public, max-age=")
        assert f'<{SITE}{path}.{kind}>; rel="self"' in answer.headers["link"]
        assert parsedate_to_datetime(answer.headers["last-modified"])


def test_live_feeds_are_the_same_bytes_as_published_ones(
    application, client, papers, person, tmp_path
):
    folder, store, now = tmp_path / "out", application.store, application.clock()
    store.community.vote(person.id, "arxiv:2606.00001", now)
    made = subscriptions.submit(store, person, "2606.00002", "Worth it", a_day=5, now=now)
    subscriptions.decide(store, None, made.id, feature=True, line=None, now=now)
    application.moment[0] += timedelta(days=1)
    application.publish(folder)
    for slug in ("trending", "picks"):
        told = client.get(f"/feeds/{slug}.json").json()
        assert told["items"]
        assert "next_url" not in told
    published = [each for each in folder.rglob("[!.]*") if each.is_file()]
    assert len(published) > 20
    for file in published:
        assert client.get(f"/{file.relative_to(folder)}").content == file.read_bytes()


def test_a_paper_that_was_revised_changes_topics_within_the_hour(application, client, paper):
    def ids(slug):
        items = client.get(f"/feeds/{slug}.json").json()["items"]
        return {each["_digest"]["id"] for each in items}

    item = paper(1, category="cs.LG", title="Pruning of large language models")
    application.store.papers.ingest([item])
    assert ids("llm") == ids("efficient-ml") == {item.paper.id}
    revised = replace(item.paper, title="Quantization of speech models", version=2)
    news = replace(item.announcement, type=AnnounceType.REPLACE, version=2, day=date(2026, 6, 11))
    application.store.papers.ingest([replace(item, paper=revised, announcement=news)])
    application.moment[0] += timedelta(hours=1)

    assert ids("llm") == set()
    assert ids("efficient-ml") == {item.paper.id}


def test_the_list_of_feeds_names_public_ones_alone(client, person):
    answer = client.get("/feeds.opml")
    assert answer.headers["content-type"] == "text/x-opml; charset=utf-8"
    assert f"{SITE}/feeds/cs.IR.atom" in answer.text
    assert "mine" not in answer.text


def test_a_reader_that_orders_ones_own_feed_by_date_shows_the_best_first(
    application, client, person
):
    items = client.get(own(application, person, "json")).json()["items"]
    digest = application.store.ledger.digest(f"{person.id}.2026-06-10")
    latest_first = sorted(items, key=lambda each: each["date_published"], reverse=True)
    assert len({each["date_published"] for each in items}) == 3
    assert [each["_digest"]["id"] for each in latest_first] == [
        each.paper_id for each in digest.picks
    ]


def test_what_is_no_feed_is_a_plain_404(client, papers):
    for path in (
        "/feeds/cs.IR",
        "/feeds/cs.IR.xml",
        "/feeds/cs.NONE.atom",
        "/feeds/cs.IR/2026-06-10.atom",
        "/feeds/cs.IR/2026-06-31.atom",
        "/feeds/cs.IR/20260609.atom",
        "/feeds/trending/2026-06-09.atom",
        "/feeds/../digest.db",
        "/feeds/%2e%2e%2fdigest.db.atom",
        "/feeds/mine/.atom",
        "/feeds/mine/s_1..AAAA.atom",
        "/feeds/mine/nonsense.json",
        "/search.atom",
        "/search.xml?q=retrieval",
    ):
        assert client.get(path).status_code == 404, path


@pytest.mark.parametrize("kind", KINDS)
def test_an_address_in_another_case_leads_to_the_feed(application, client, papers, kind, paper):
    application.store.papers.ingest([paper(50, category="q-bio.NC")])
    for typed, known in (
        ("cs.ir", "cs.IR"),
        ("Q-BIO.nc", "q-bio.NC"),
        ("cs.lg", "cs.LG"),  # known by name, without a paper
        ("Trending-Day", "trending-day"),
    ):
        answer = client.get(f"/feeds/{typed}.{kind}", follow_redirects=False)
        assert answer.status_code == 308
        assert answer.headers["location"] == f"/feeds/{known}.{kind}"
        assert client.get(f"/feeds/{typed}.{kind}").status_code == 200


def test_a_category_that_has_been_quiet_for_weeks_keeps_its_feed_archives_and_page(
    application, client, paper
):
    application.store.papers.ingest([paper(1, category="biorxiv:cell biology", day=8)])
    application.moment[0] += timedelta(days=30)
    late = paper(2)
    seen = application.clock()
    announcement = replace(late.announcement, day=seen.date(), seen_at=seen)
    application.store.papers.ingest([replace(late, announcement=announcement)])

    assert client.get("/feeds/biorxiv-cell-biology.json").json()["items"] == []
    (old,) = client.get("/feeds/biorxiv-cell-biology/2026-06-08.json").json()["items"]
    assert old["_digest"]["id"] == "arxiv:2606.00001"
    assert client.get("/topics/biorxiv-cell-biology").status_code == 200
    assert client.get("/feeds/bioRxiv-cell-biology.json").status_code == 200
    assert "biorxiv-cell-biology" not in client.get("/feeds.opml").text
    assert client.get("/topics/biorxiv-cell").status_code == 404
    assert client.get("/feeds/biorxiv-cell.json").status_code == 404


def test_an_address_in_another_case_leads_on_below_the_path_of_a_site(application, papers):
    object.__setattr__(application.settings.site, "url", "https://x.example/lab")
    with TestClient(asgi(application), base_url="https://x.example") as client:
        answer = client.get("/feeds/cs.ir.atom", follow_redirects=False)
    assert answer.headers["location"] == "/lab/feeds/cs.IR.atom"
    assert answer.headers["cache-control"].startswith("public, max-age=")
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_head_is_told_the_same_without_the_body(client, papers):
    asked, told = client.get("/feeds/cs.IR.atom"), client.head("/feeds/cs.IR.atom")
    assert told.status_code == 200
    assert told.content == b""
    for name in ("etag", "last-modified", "cache-control", "content-type", "content-length"):
        assert told.headers[name] == asked.headers[name], name


# --- validators -------------------------------------------------------------------------------


def test_who_has_a_feed_is_told_so_and_costs_one_look_up(client, papers, statements):
    client.get("/feeds/cs.IR.atom")
    first = client.get("/feeds/cs.IR.atom")
    statements.clear()
    again = client.get("/feeds/cs.IR.atom", headers={"if-none-match": etag_of(first)})
    assert (again.status_code, again.content) == (304, b"")
    assert len(statements) == 1
    assert "changes" in statements[0]
    for name in ("etag", "cache-control", "vary", "last-modified", "link"):
        assert again.headers[name] == first.headers[name], name


def test_asking_for_one_feed_does_not_make_the_others(
    application, client, papers, statements, paper
):
    application.store.papers.ingest([paper(50, category="q-bio.NC")])
    client.get("/feeds/cs.IR.atom")
    statements.clear()
    client.get("/feeds/q-bio.NC.atom")
    one = len(statements)
    statements.clear()
    for _ in range(20):
        client.get("/feeds/q-bio.NC.atom")
        client.get("/feeds/cs.IR.atom")
    assert len(statements) == 40
    assert one < 40


def test_who_has_only_a_date_is_answered_by_it(client, papers):
    when = client.get("/feeds/cs.IR.atom").headers["last-modified"]

    def ask(**headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.get("/feeds/cs.IR.atom", headers=sent).status_code

    assert ask(if_modified_since=when) == 304
    assert ask(if_modified_since="Wed, 10 Jun 2037 07:00:00 GMT") == 304
    assert ask(if_modified_since="Wed, 10 Jun 2020 07:00:00 GMT") == 200
    for nonsense in ("yesterday", "", "Wed, 99 Jun 2026 07:00:00 GMT", "9" * 400):
        assert ask(if_modified_since=nonsense) == 200
    assert ask(if_modified_since=when, if_none_match='"other"') == 200


def test_a_change_elsewhere_leaves_a_feed_as_it_is(application, client, papers, paper):
    first = client.get("/feeds/cs.IR.atom")
    application.moment[0] += timedelta(hours=2)
    application.store.papers.ingest([paper(50, category="q-bio.NC")])
    again = client.get("/feeds/cs.IR.atom", headers={"if-none-match": etag_of(first)})
    assert again.status_code == 304
    assert again.headers["last-modified"] == first.headers["last-modified"]


def test_news_are_there_at_once_and_later_than_before(application, client, papers, paper):
    first = client.get("/feeds/cs.IR.atom")
    application.store.papers.ingest([paper(50, day=10)])
    again = client.get("/feeds/cs.IR.atom", headers={"if-none-match": etag_of(first)})
    assert again.status_code == 200
    assert b"2606.00050" in again.content
    before, after = (
        parsedate_to_datetime(each.headers["last-modified"]) for each in (first, again)
    )
    assert after > before


def test_two_servers_give_a_feed_the_same_etag(application, papers):
    etags = set()
    for _ in range(2):
        with TestClient(asgi(application), base_url=SITE) as client:
            etags.add(etag_of(client.get("/feeds/cs.IR.atom")))
    assert len(etags) == 1


# --- encodings --------------------------------------------------------------------------------


ENCODINGS = {
    "gzip": True,
    "gzip, deflate, br": True,
    "GZIP;q=0.5": True,
    "*": True,
    "identity": False,
    "": False,
    "gzip;q=0": False,
    "gzip; q=0.000, *": False,
    "br": False,
}


def test_a_feed_is_compressed_for_who_takes_it_under_an_etag_of_its_own(client, papers):
    plain = client.get("/feeds/cs.IR.atom", headers={"accept-encoding": "identity"})
    for accepted, zipped in ENCODINGS.items():
        asked = {"accept-encoding": accepted}
        with client.stream("GET", "/feeds/cs.IR.atom", headers=asked) as answer:
            raw = b"".join(answer.iter_raw())
        assert (answer.headers.get("content-encoding") == "gzip") is zipped, accepted
        assert answer.headers["vary"] == "Accept-Encoding"
        assert int(answer.headers["content-length"]) == len(raw)
        assert (gzip.decompress(raw) if zipped else raw) == plain.content
        assert (etag_of(answer) != etag_of(plain)) is zipped
        asked["if-none-match"] = etag_of(answer)
        assert client.get("/feeds/cs.IR.atom", headers=asked).status_code == 304


# --- how long they are fresh ------------------------------------------------------------------

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("due", "seconds"),
    [
        (timedelta(minutes=58), 3600),
        (timedelta(seconds=1), 300),
        (timedelta(days=2), 6 * 3600),
        (None, 2 * 3600 + 120),
    ],
)
def test_a_feed_is_fresh_until_a_source_has_been_asked_again(due, seconds):
    assert fresh_for(NOW, NOW + due if due else None, timedelta(hours=2)) == seconds


def test_when_the_next_poll_is_stands_in_the_database(application, client, papers):
    now = application.clock()
    polls = [
        PollState(source="arxiv", url="https://a.example/1", due_at=now + timedelta(minutes=28)),
        PollState(source="arxiv", url="https://a.example/2", due_at=now + timedelta(hours=5)),
        PollState(source="arxiv", url="https://a.example/3", due_at=now - timedelta(hours=1)),
        PollState(source="arxiv", url="https://a.example/4"),
    ]
    application.store.sources.save_polls(polls)
    told = client.get("/feeds/cs.IR.atom").headers["cache-control"]
    assert told == "public, max-age=1800, stale-while-revalidate=3600"


# --- hubs -------------------------------------------------------------------------------------


def test_a_feed_names_the_hub_that_is_told_of_it_and_one_self(application, client, papers):
    object.__setattr__(application.settings.feeds, "hub", "https://hub.example/")
    link = client.get("/feeds/cs.IR.rss?utm_source=x").headers["link"]
    assert link == f'<https://hub.example/>; rel="hub", <{SITE}/feeds/cs.IR.rss>; rel="self"'
    for path in ("/feeds/cs.IR/2026-06-09.rss", "/search.rss?q=retrieval"):
        assert "hub" not in client.get(path).headers["link"]


def test_a_feed_that_no_hub_is_told_of_names_none_until_it_is(application, client, papers, paper):
    object.__setattr__(application.settings.feeds, "hub", "https://hub.example/")
    for kind in KINDS:
        answer = client.get(f"/feeds/cs.{kind}")
        assert answer.headers["link"] == f'<{SITE}/feeds/cs.{kind}>; rel="self"'
        assert "hub.example" not in answer.text

    assert "hub.example" not in client.get("/feeds/cs.LG.atom").headers["link"]
    application.store.papers.ingest([paper(50, category="cs.LG")])
    answer = client.get("/feeds/cs.LG.atom")
    assert "hub.example" in answer.headers["link"]
    assert "hub.example" in answer.text


# --- searches ---------------------------------------------------------------------------------


def test_a_search_is_followed_newest_first(application, client, papers, paper):
    application.store.papers.ingest([paper(90, title="What owls hear at night", day=10)])
    application.store.papers.ingest([paper(91, title="Owls by day", day=9)])
    found = json.loads(client.get("/search.feed.json?q=owls").text)
    assert [each["_digest"]["id"] for each in found["items"]] == [
        "arxiv:2606.00090",
        "arxiv:2606.00091",
    ]
    assert found["feed_url"] == f"{SITE}/search.feed.json?q=owls"
    assert found["home_page_url"] == f"{SITE}/search?q=owls"


def test_a_search_within_a_topic_stays_within_it(application, client, papers, paper):
    application.store.papers.ingest(
        [paper(90, title="Owls in the brain", category="q-bio.NC"), paper(91, title="Owls")]
    )
    within = client.get("/search.feed.json?q=owls&topic=q-bio.NC").json()
    assert [each["_digest"]["id"] for each in within["items"]] == ["arxiv:2606.00090"]
    named = client.get("/search.feed.json?q=study&topic=retrieval").json()
    assert len(named["items"]) == 12
    assert len(client.get("/search.feed.json?topic=cs.IR").json()["items"]) == 13
    assert client.get("/search.atom?q=owls&topic=nonsense").status_code == 404


def test_a_search_within_a_source_stays_within_it(client, papers):
    within = client.get("/search.feed.json?q=study&source=arxiv").json()
    assert within["items"]
    assert within["title"].startswith("study from arxiv")
    assert within["home_page_url"] == f"{SITE}/search?q=study&source=arxiv"
    assert client.get("/search.feed.json?q=study&source=huggingface").json()["items"] == []
    assert client.get("/search.atom?q=study&source=nonsense").status_code == 404


def test_a_search_feed_holds_no_paper_that_lacks_a_word(application, client, papers, paper):
    application.store.papers.ingest([paper(90, title="Owls by day")])
    assert client.get("/search.feed.json?q=owls+retrieval+zebra").json()["items"] == []
    (found,) = client.get("/search.feed.json?q=owl+retrieve").json()["items"]
    assert found["_digest"]["id"] == "arxiv:2606.00090"


def test_no_query_breaks_the_feed(client, papers):
    for query in ("%00", "%22", "a%ff", "AND%20OR%20NEAR(", "x" * 3000, "*"):
        assert client.get(f"/search.atom?q={query}").status_code == 200, query


def test_searches_are_dear_and_who_has_the_answer_pays_nothing(application, papers):
    object.__setattr__(application.settings.web, "requests", 3)
    with TestClient(asgi(application), base_url=SITE) as client:
        for number in range(3):
            assert client.get(f"/search.atom?q=retrieval+{number}").status_code == 200
        refused = client.get("/search.atom?q=retrieval+4")
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) == 1200
        for _ in range(5):
            assert client.get("/search.atom?q=retrieval+0").status_code == 200
        assert client.get("/feeds/cs.IR/2026-06-09.atom").status_code == 429
        assert client.get("/feeds/cs.IR.atom").status_code == 200


# --- one's own --------------------------------------------------------------------------------


def test_ones_own_feed_holds_the_picks_with_reasons_and_answers(application, client, person):
    edition = links.digest(application.site, person, "2026-06-10")
    for kind, media_type in KINDS.items():
        answer = client.get(own(application, person, kind))
        assert answer.status_code == 200
        assert answer.headers["content-type"] == media_type
        assert "Information Retrieval" in answer.text
        for number, word in product((1, 2, 3), ("more", "less", "save", "known")):
            assert f"{edition}/{number}/{word}?via=feed" in answer.text
        assert "ada@example.org" not in answer.text


def test_why_a_paper_was_picked_is_said_in_the_same_words_everywhere(application, client, person):
    (digest,) = application.store.ledger.recent(person.id, limit=1)
    because = application.because(delivering.material_for(application.store, [digest]))
    wanted = {pick.paper_id: because(pick) for pick in digest.picks}
    assert all(each.startswith("Because you follow ") for each in wanted.values())

    items = client.get(own(application, person, "json")).json()["items"]
    feed = {each["_digest"]["id"]: each["_digest"]["because"] for each in items}
    page = client.get(links.digest(application.site, person, "2026-06-10").removeprefix(SITE))
    transport = MemoryTransport()
    application.__dict__["transport"] = transport
    application.deliver()
    (sent,) = transport.sent
    message = message_from_bytes(sent.content, policy=policy.default)
    html = message.get_body(("html",)).get_content()
    text = message.get_body(("plain",)).get_content()

    assert feed == wanted
    for each in wanted.values():
        assert escape(each) in page.text
        assert escape(each) in html
        assert each in " ".join(text.split())


def test_the_answers_of_a_feed_are_pages_that_exist(application, client, person):
    items = client.get(own(application, person, "json")).json()["items"]
    found = items[0]["content_html"].split('href="')
    answers = [each.partition('"')[0] for each in found if "via=feed" in each]
    assert len(answers) == 4
    for address in answers:
        assert client.get(address.removeprefix(SITE)).status_code == 200


def test_ones_own_feed_is_kept_by_nobody_else_and_never_indexed(application, client, person):
    answer = client.get(own(application, person))
    assert answer.headers["cache-control"].startswith("private")
    assert "noindex" in answer.headers["x-robots-tag"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in answer.headers
    again = client.get(own(application, person), headers={"if-none-match": etag_of(answer)})
    assert again.status_code == 304
    assert again.headers["cache-control"].startswith("private")


def test_ones_own_feed_follows_the_next_digest(application, client, person, paper):
    application.deliver()
    first = client.get(own(application, person))
    application.moment[0] += timedelta(days=1)
    application.store.papers.ingest([paper(60, day=11)])
    application.compose_edition("2026-06-11")
    again = client.get(own(application, person), headers={"if-none-match": etag_of(first)})
    assert again.status_code == 200
    assert "2606.00060" in again.text


def test_a_new_key_ends_the_address(application, client, person):
    address = own(application, person)
    assert client.get(address).status_code == 200
    application.store.subscribers.save(replace(person, key="cd" * 32))
    assert client.get(address).status_code == 404


def test_a_link_for_another_purpose_opens_no_feed(application, client, person):
    token = links.unsubscribe(application.site, person).rpartition("/")[2]
    assert client.get(f"/feeds/mine/{token}.atom").status_code == 404


def test_ones_own_address_is_never_logged(application, client, person, caplog):
    with caplog.at_level(logging.DEBUG):
        client.get(own(application, person))
        client.get(own(application, person) + "x")
    token = links.feed_token(person)
    ours = [each for each in caplog.records if not each.name.startswith(("httpx", "httpcore"))]
    assert not any(token in each.getMessage() for each in ours)


def test_who_is_paused_or_gone_has_their_feed_for_as_long_as_the_key_holds(
    application, client, person
):
    application.store.subscribers.set_status(person.id, Status.PAUSED)
    assert client.get(own(application, person)).status_code == 200
    application.store.subscribers.erase(person.id)
    assert client.get(own(application, person)).status_code == 404
