"""One address, two forms: who asks for JSON gets it, everyone else the page."""

from __future__ import annotations

import pytest

from digest.web.negotiating import encoded


@pytest.mark.parametrize(
    "accept",
    [
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "*/*",
        "",
        "text/html, application/json",
        "application/json;q=0.5, text/html",
        "application/json;q=0",
        "nonsense;;;q=q, json",
    ],
)
def test_browsers_and_the_undecided_get_the_page(client, accept):
    answer = client.get("/topics", headers={"accept": accept})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    "accept",
    ["application/json", "application/json, text/html;q=0.5", "application/json;q=0.2, */*;q=0.1"],
)
def test_who_would_rather_have_json_gets_it(client, accept):
    answer = client.get("/topics", headers={"accept": accept})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"


def test_the_suffix_is_the_same_document(client):
    by_suffix = client.get("/topics.json")
    by_header = client.get("/topics", headers={"accept": "application/json"})
    assert by_suffix.json() == by_header.json()
    assert "accept" in by_header.headers["vary"].lower()


def test_errors_are_json_for_programs(client):
    for answer in (
        client.get("/topics/no.SUCH.json"),
        client.get("/topics/no.SUCH", headers={"accept": "application/json"}),
    ):
        assert answer.status_code == 404
        assert answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/openapi.json", 200),
        ("/search.json?q=10.1101/2026.06.01.123456", 303),
        ("/papers/none.json", 404),
        ("/search.json?q=maps&page=99", 404),
    ],
)
def test_scripts_of_any_page_may_read_where_a_document_is_and_why_there_is_none(
    client, path, status
):
    answer = client.get(path, follow_redirects=False)
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"


@pytest.mark.parametrize("path", ["/me/x.json", "/feeds/mine/x.json", "/papers/none"])
def test_scripts_of_other_pages_are_told_nothing_of_what_is_no_public_document(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert "access-control-allow-origin" not in answer.headers


def test_no_text_breaks_the_encoding():
    assert encoded({"title": "\ud800 é"}) == '{"title":"? é"}\n'.encode()
