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


def test_no_text_breaks_the_encoding():
    assert encoded({"title": "\ud800 é"}) == '{"title":"? é"}\n'.encode()
