"""The directory of topics, and the page of each."""

from __future__ import annotations

import pytest


def test_the_directory_lists_all_topics_with_counts_and_addresses(client):
    found = {each["id"]: each for each in client.get("/topics.json").json()["topics"]}
    assert found["cs.IR"]["papers"] == 60
    assert found["cs"]["papers"] == 62
    assert found["llm"]["papers"] == 1
    assert found["biorxiv:neuroscience"]["papers"] == 1
    assert found["econ.EM"]["papers"] == 0
    assert found["cs.IR"]["page"] == "https://digest.example/topics/cs.IR"
    assert found["cs.IR"]["feeds"]["atom"] == "https://digest.example/feeds/cs.IR.atom"


def test_words_narrow_the_directory_without_a_script(client):
    found = {each["id"] for each in client.get("/topics.json?q=machine LEARNING").json()["topics"]}
    assert {"cs.LG", "stat.ML"} <= found
    assert "math.GT" not in found
    assert "with “zzz”" in client.get("/topics?q=zzz").text


@pytest.mark.parametrize("slug", ["cs.IR", "CS.ir"])
def test_a_topic_shows_its_papers_by_day_newest_first(client, slug):
    topic = client.get(f"/topics/{slug}.json").json()
    assert topic["topic"]["id"] == "cs.IR"
    assert (topic["total"], topic["pages"], len(topic["papers"])) == (60, 2, 30)
    page = client.get(f"/topics/{slug}").text
    assert 'href="/days/2026-06-10?topic=cs.IR">Wednesday 10 June 2026</a>' in page


def test_an_archive_takes_in_its_categories_and_a_named_topic_its_phrases(client):
    assert client.get("/topics/math.json").json()["total"] == 1
    (paper,) = client.get("/topics/llm.json").json()["papers"]
    assert paper["id"] == "arxiv:2606.00100"


def test_a_topic_can_be_followed_by_feed_and_by_mail(client):
    page = client.get("/topics/cs.IR").text
    assert 'href="/subscribe?topics=cs.IR"' in page
    for kind in ("atom", "rss", "json"):
        assert f'href="/feeds/cs.IR.{kind}"' in page


def test_a_topic_without_news_says_so(client):
    assert "Nothing in this topic was announced" in client.get("/topics/econ.EM").text


def test_a_paper_that_gets_another_id_stays_where_it_is(application, item, empty_site):
    papers, title = application.store.papers, "Retrieval of things in cells"
    papers.ingest([item("doi:10.1101/1", title=title)])
    assert title in empty_site.get("/topics/cs.IR").text
    known_by_both = item("arxiv:2606.00001", title=title, identifiers=["doi:10.1101/1"])
    assert papers.ingest([known_by_both]).papers == 0

    assert title in empty_site.get("/topics/cs.IR").text
    (paper,) = empty_site.get("/topics/cs.IR.json").json()["papers"]
    assert paper["id"] == "arxiv:2606.00001"


def test_two_papers_that_turn_out_to_be_one_are_shown_once(application, item, empty_site):
    papers = application.store.papers
    papers.ingest([item("doi:10.1101/1", title="Early words"), item(title="Late")])
    assert len(empty_site.get("/topics/cs.IR.json").json()["papers"]) == 2
    # With another one, so that the day has as many papers as before.
    papers.ingest(
        [
            item(title="Late", identifiers=["doi:10.1101/1"]),
            item("arxiv:2606.00002", title="Another"),
        ]
    )

    shown = [each["id"] for each in empty_site.get("/topics/cs.IR.json").json()["papers"]]
    assert shown.count("arxiv:2606.00001") == 1
    assert empty_site.get("/topics/cs.IR").status_code == 200
