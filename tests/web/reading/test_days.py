"""Today, each day, and the calendar."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

import pytest


def test_the_front_page_says_what_this_is_and_how_to_subscribe(client):
    page = client.get("/").text
    assert "reads every new paper listing" in page
    assert 'href="/subscribe"' in page


def test_today_has_the_days_papers_picks_and_what_is_trending(client):
    today = client.get("/today.json").json()
    assert today["date"] == "2026-06-10"
    assert today["total"] == 60
    assert len(today["papers"]) == 50
    assert [each["id"] for each in today["picks"]] == ["arxiv:2606.00100"]
    assert today["picks"][0]["picked_by"][-1]["name"] == "Ada"


def test_every_paper_of_a_day_is_on_one_of_its_pages(client):
    first, second = (client.get(f"/days/2026-06-10.json?page={n}").json() for n in (1, 2))
    ids = [each["id"] for each in (*first["papers"], *second["papers"])]
    assert (first["pages"], second["page"]) == (2, 2)
    assert len(set(ids)) == len(ids) == 60
    assert 'rel="next" href="/days/2026-06-10?page=2"' in client.get("/days/2026-06-10").text


def test_what_the_community_noticed_comes_first(filled, client):
    filled.store.papers.set_trending({"arxiv:2606.00100": 5.0})
    papers = client.get("/days/2026-06-09.json").json()["papers"]
    assert papers[0]["id"] == "arxiv:2606.00100"
    assert papers[0]["upvotes"] == 40


def test_a_day_can_be_narrowed_to_a_topic_whatever_its_name(client):
    day = client.get("/days/2026-06-09.json").json()
    assert {(each["id"], each["papers"]) for each in day["topics"]} >= {
        ("cs.CL", 1),
        ("llm", 1),
        ("biorxiv:neuroscience", 1),
    }
    for topic, paper in (
        ("cs.CL", "arxiv:2606.00100"),
        ("CS.cl", "arxiv:2606.00100"),
        ("llm", "arxiv:2606.00100"),
        ("biorxiv-neuroscience", "doi:10.1101/2026.06.01.123456"),
    ):
        narrowed = client.get(f"/days/2026-06-09.json?topic={topic}").json()
        assert [each["id"] for each in narrowed["papers"]] == [paper]
    assert client.get("/days/2026-06-09.json?topic=econ.EM").json()["papers"] == []
    assert client.get("/days/2026-06-09?topic=no.SUCH").status_code == 404


def test_topics_of_a_day_with_equally_many_papers_are_in_the_order_of_their_names(
    application, item, empty_site
):
    application.store.papers.ingest([item(categories=tuple(f"test.{each}" for each in "FBEDAC"))])
    topics = empty_site.get("/days/2026-06-10.json").json()["topics"]
    assert [each["name"] for each in topics] == [f"test.{each}" for each in "ABCDEF"]


def test_neighbouring_days_are_those_with_papers(client):
    day = client.get("/days/2026-06-09.json").json()
    assert (day["previous"], day["next"]) == ("2026-06-05", "2026-06-10")
    assert client.get("/today.json").json()["next"] is None


def test_a_day_without_papers_says_so(client):
    page = client.get("/days/2026-06-07").text
    assert "No papers of this day are kept here." in page
    assert 'href="/days/2026-06-05"' in page


def test_a_month_shows_how_many_papers_each_day_had(client):
    month = client.get("/calendar/2026-06.json").json()
    assert month["days"] == [
        {"date": "2026-06-05", "papers": 1},
        {"date": "2026-06-09", "papers": 4},
        {"date": "2026-06-10", "papers": 60},
    ]
    assert (month["previous"], month["next"]) == ("2026-05", None)
    page = client.get("/calendar/2026-06").text
    (said,) = re.findall(r'<a href="/days/2026-06-10">(.*?)</a>', page)
    assert re.sub("<[^>]+>", "", said) == "10 June:  60 papers"
    assert page.count("<tr>") == 6


@pytest.mark.parametrize("month", ["1991-07", "2026-07"])
def test_the_calendar_ends_where_papers_do(client, month):
    assert client.get(f"/calendar/{month}").status_code == 404


@pytest.mark.parametrize("later", [date(2026, 6, 14), date(2026, 11, 21)])
def test_when_nothing_new_came_the_latest_papers_are_shown(application, item, later, empty_site):
    application.store.papers.ingest([item(title="New here")])
    application.moment[0] = datetime.combine(later, time(9), tzinfo=UTC)
    today = empty_site.get("/today.json").json()
    assert today["date"] == "2026-06-10"
    assert [each["title"] for each in today["papers"]] == ["New here"]
    assert "the latest there are" in empty_site.get("/").text


def test_an_empty_library_has_a_front_page_too(empty_site):
    assert empty_site.get("/").status_code == 200
    assert empty_site.get("/today.json").json()["papers"] == []


def test_a_page_that_did_not_change_is_not_sent_again(client):
    for address in ("/", "/today.json", "/topics/cs.IR", "/papers/arxiv:2606.00001"):
        first = client.get(address)
        again = client.get(address, headers={"if-none-match": first.headers["etag"]})
        assert again.status_code == 304
        assert again.content == b""


def test_a_new_paper_is_seen_at_once(application, item, empty_site):
    assert "New here" not in empty_site.get("/").text
    assert "New here" not in empty_site.get("/topics/cs.IR").text
    application.store.papers.ingest([item(title="New here")])
    assert "New here" in empty_site.get("/").text
    assert "New here" in empty_site.get("/topics/cs.IR").text
