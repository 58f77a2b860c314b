"""The OpenAPI document describes every JSON route, and the answers are as it says."""

from __future__ import annotations

import re

import jsonschema
import pytest

from digest.web import application as asgi
from digest.web import openapi

EXAMPLES = [
    ("/today.json", "/today.json"),
    ("/today.json", "/today.json?topic=cs.IR&page=2"),
    ("/days/{date}.json", "/days/2026-06-09.json"),
    ("/days/{date}.json", "/days/2026-06-07.json"),
    ("/calendar/{month}.json", "/calendar/2026-06.json"),
    ("/topics.json", "/topics.json?q=learning"),
    ("/topics/{slug}.json", "/topics/cs.IR.json"),
    ("/papers/{paper}.json", "/papers/arxiv:2606.00100.json"),
    ("/papers/{paper}.json", "/papers/arxiv:math.GT/0309136.json"),
    ("/authors/{name}.json", "/authors/Ada Lovelace.json"),
    ("/search.json", "/search.json?q=ranking&since=2026-06-01&sort=newest"),
    ("/search.json", "/search.json"),
    ("/trending.json", "/trending.json"),
    ("/trending/{period}.json", "/trending/month.json?topic=cs.CL"),
    ("/picks.json", "/picks.json"),
    ("/feeds.json", "/feeds.json"),
    ("/health", "/health"),
]
# Not documents of ours, but forms with standards of their own.
FORMS = {"/openapi.json", "/papers/{paper}.csl.json", "/search.feed.json"}


@pytest.fixture(scope="module")
def document(client):
    return client.get("/openapi.json").json()


def checked(document, answer, path):
    (content,) = document["paths"][path]["get"]["responses"]["200"]["content"].values()
    schema = {**content["schema"], "components": document["components"]}
    jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    ).validate(answer)


def test_it_is_openapi_with_a_place_to_ask(document):
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "https://digest.example"}]
    names = [each["get"]["operationId"] for each in document["paths"].values()]
    assert len(names) == len(set(names))


def test_every_json_route_is_in_it(filled, document):
    routes = {re.sub(r":\w+}", "}", getattr(each, "path", "")) for each in asgi(filled).routes}
    assert {each for each in routes if each.endswith(".json")} - FORMS <= set(document["paths"])
    assert set(document["paths"]) <= routes


def test_every_route_has_an_example():
    assert {path for path, _ in EXAMPLES} == {path for path, *_ in openapi.ROUTES}


@pytest.mark.parametrize(("path", "address"), EXAMPLES)
def test_answers_are_as_their_schema_says(client, document, path, address):
    answer = client.get(address)
    assert answer.status_code == 200
    checked(document, answer.json(), path)


def test_no_field_is_sent_that_is_not_described(client, document):
    paper = client.get("/papers/arxiv:2606.00100.json").json()["paper"]
    assert set(paper) == set(document["components"]["schemas"]["PaperRecord"]["properties"])


def test_every_reference_leads_to_a_schema(document):
    named = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert named == set(document["components"]["schemas"])
