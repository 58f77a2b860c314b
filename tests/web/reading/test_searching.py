"""Search by words, filters, ids; honest about how much there is."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from digest.app import App
from digest.web import application as asgi
from digest.web.showing import LONGEST_TYPED


def ids(answer):
    return [each["id"] for each in answer.json()["papers"]]


def test_words_find_papers_a_page_at_a_time(client):
    found = client.get("/search.json", params={"q": "ranking study"}).json()
    assert (found["total"], found["more"], found["pages"]) == (60, False, 3)
    assert len(found["papers"]) == 20
    page = client.get("/search", params={"q": "ranking study"}).text
    assert "60 papers for <q>ranking study</q>" in page
    assert 'href="/search?q=ranking+study&amp;page=2"' in page


def test_the_query_stands_in_the_field_and_can_be_followed_and_kept(client):
    page = client.get("/search", params={"q": 'a "b & c'}).text
    assert 'value="a &#34;b &amp; c"' in page
    assert 'href="/search.atom?q=a+%22b+%26+c"' in page
    assert 'href="/subscribe?queries=a+%22b+%26+c"' in page


def test_the_feed_of_a_narrowed_search_is_as_narrow_but_for_its_days(client):
    page = client.get("/search?q=rooms&topic=cs.CL&source=arxiv&since=2026-06-01").text
    feed = "/search.atom?q=rooms&amp;topic=cs.CL&amp;source=arxiv"
    assert re.search(rf'<link rel="alternate"[^>]+ href="{re.escape(feed)}"', page)
    assert f'<a href="{feed}">Follow this search as a feed</a> <span class="soft">(of any' in page
    assert "(of any day)" not in client.get("/search?q=rooms&topic=cs.CL").text


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"q": "rooms", "topic": "cs.CL"}, ["arxiv:2606.00100"]),
        ({"q": "rooms", "topic": "cs.IR"}, []),
        ({"q": "rooms", "topic": "llm"}, ["arxiv:2606.00100"]),
        ({"q": "study", "topic": "llm"}, []),
        ({"q": "rooms", "source": "arxiv"}, ["arxiv:2606.00100"]),
        ({"q": "rooms", "source": "huggingface"}, []),
        ({"q": "rooms", "since": "2026-06-10"}, []),
        ({"q": "rooms", "until": "2026-06-09"}, ["arxiv:2606.00100"]),
        ({"q": "", "topic": "math.GT"}, ["arxiv:math.GT/0309136"]),
        ({"q": "", "until": "2026-06-05"}, ["arxiv:2606.00101"]),
        ({"q": ""}, []),
    ],
)
def test_filters_narrow_what_is_found(client, given, expected):
    assert ids(client.get("/search.json", params=given)) == expected


def test_what_cannot_be_a_filter_is_left_out_and_said(client):
    page = client.get("/search?q=rooms&topic=no.SUCH&source=%22%3E&since=yesterday").text
    assert "Left out, as it could not be used: topic, source, since." in page
    assert "Large language models in small rooms" in page


def test_newest_first_can_be_asked_for(client):
    found = ids(client.get("/search.json?q=paper+rooms+study&sort=newest"))
    assert found[0].startswith("arxiv:2606.000")


@pytest.mark.parametrize(
    "typed",
    [
        "2606.00100",
        "arXiv:2606.00100v2",
        "https://arxiv.org/abs/2606.00100",
        "https://arxiv.org/pdf/2606.00100v1.pdf",
    ],
)
def test_an_id_leads_straight_to_its_paper(client, typed):
    answer = client.get("/search", params={"q": typed})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/papers/arxiv:2606.00100"
    document = client.get("/search.json", params={"q": typed})
    assert document.headers["location"] == "/papers/arxiv:2606.00100.json"


def test_a_doi_leads_to_its_paper_and_never_off_this_site(client):
    answer = client.get("/search", params={"q": "https://doi.org/10.1101/2026.06.01.123456"})
    assert answer.headers["location"] == "/papers/doi:10.1101/2026.06.01.123456"
    for unknown in ("10.9999/none", "//evil.example/2606.99999", "https://evil.example/"):
        assert client.get("/search", params={"q": unknown}).status_code == 200


def test_a_whole_abstract_finds_its_paper(client):
    typed = "Large language models in small rooms. " + "A large language model is asked. " * 40
    assert ids(client.get("/search.json", params={"q": typed}))[0] == "arxiv:2606.00100"


@pytest.mark.parametrize("typed", ['"', "AND OR NOT", "title:x", "*", "\x00", "(((", "é" * 600])
def test_anything_may_be_typed(client, typed):
    assert client.get("/search", params={"q": typed}).status_code == 200


def test_the_box_takes_no_more_than_is_searched_for_in_any_script(client):
    page = client.get("/search").text
    most = int(re.search(r'name="q"[^>]* maxlength="([0-9]+)"', page)[1])
    assert most == LONGEST_TYPED
    filters = {"topic": "cs.CL", "source": "arxiv", "since": "2026-06-01", "until": "2026-06-09"}

    answer = client.get("/search", params={"q": "検" * most, **filters, "sort": "newest"})

    assert answer.status_code == 200
    assert "検" * most in answer.text


def test_more_than_is_shown_is_said(application, item, empty_site):
    application.store.papers.ingest(
        [item(f"arxiv:2606.{n:05}", title=f"The same thing {n}") for n in range(101)]
    )
    found = empty_site.get("/search.json?q=thing").json()
    assert (found["total"], found["more"]) == (100, True)
    assert "The first 100 papers" in empty_site.get("/search?q=thing").text


@pytest.fixture(scope="module")
def learned(filled, archive, tmp_path_factory):
    """A browser of a site that has learned a space from its papers."""
    items = archive(range(500))
    text = {"title": "Shading", "abstract": "Bidders at an auction shade what they bid."}
    items[3] = replace(items[3], paper=replace(items[3].paper, **text))
    settings = replace(filled.settings, db=str(tmp_path_factory.mktemp("learned") / "digest.db"))
    with App(settings, clock=filled.clock).create() as app:
        app.store.papers.ingest(items)
        app.learn()
        with TestClient(asgi(app), base_url="https://digest.example") as client:
            yield client


def test_what_is_near_is_found_beside_what_has_the_words(learned):
    found = learned.get("/search.json", params={"q": "shade auction bid"}).json()

    assert found["papers"][0]["title"] == "Shading"
    assert found["total"] > 20
    assert {int(each["id"][-5:]) % 5 for each in found["papers"]} == {3}
    assert "shade" not in found["papers"][1]["abstract"]


@pytest.mark.parametrize("more", [{"sort": "newest"}, {"q": '"shade what they bid"'}])
def test_by_date_and_by_phrase_only_what_has_the_words_is_found(learned, more):
    found = learned.get("/search.json", params={"q": "shade auction bid", **more}).json()

    assert [each["title"] for each in found["papers"]] == ["Shading"]


def test_a_paper_shows_those_nearest_to_it(learned):
    similar = learned.get("/papers/arxiv:2601.00003.json").json()["similar"]

    assert len(similar) == 8
    assert {int(each["id"][-5:]) % 5 for each in similar} == {3}
    assert "arxiv:2601.00003" not in {each["id"] for each in similar}
