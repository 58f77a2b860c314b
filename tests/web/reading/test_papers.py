"""A paper's page, its references, and its authors'."""

from __future__ import annotations

import json
import re
from html import unescape
from urllib.parse import parse_qs, unquote

import pytest

from digest import references

IDS = [
    "arxiv:2606.00100",
    "arxiv:math.GT/0309136",
    "doi:10.1101/2026.06.01.123456",
    "doi:10.5555/data.json",
]


@pytest.mark.parametrize("paper_id", IDS)
def test_whatever_its_id_a_paper_has_a_page_json_and_references(client, paper_id):
    page = client.get(f"/papers/{paper_id}")
    assert page.headers["content-type"].startswith("text/html")
    assert client.get(f"/papers/{paper_id}.json").json()["paper"]["id"] == paper_id
    for ending in ("bib", "ris", "csl.json"):
        answer = client.get(f"/papers/{paper_id}.{ending}")
        assert answer.status_code == 200
        assert re.fullmatch(
            rf'attachment; filename="[A-Za-z0-9-]+\.{re.escape(ending)}"',
            answer.headers["content-disposition"],
        )


def test_a_paper_is_found_by_its_other_names_and_through_encoded_slashes(client):
    assert client.get("/papers/arxiv:math.GT%2F0309136").status_code == 200


@pytest.mark.parametrize("ending", ["", ".json", ".bib", ".ris", ".csl.json"])
@pytest.mark.parametrize(
    ("asked", "paper_id"),
    [
        ("2606.00100", "arxiv:2606.00100"),
        ("arxiv:2606.00100v2", "arxiv:2606.00100"),
        ("arXiv:2606.00100", "arxiv:2606.00100"),
        ("10.48550/arXiv.2606.00100", "arxiv:2606.00100"),
        ("10.1101/2026.06.01.123456", "doi:10.1101/2026.06.01.123456"),
        ("doi:10.5555/DATA.json", "doi:10.5555/data.json"),
    ],
)
def test_however_its_id_is_written_it_leads_to_the_paper(client, asked, paper_id, ending):
    answer = client.get(f"/papers/{asked}{ending}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/papers/{paper_id}{ending}")
    assert client.get(answer.headers["location"]).status_code == 200
    assert (answer.headers.get("access-control-allow-origin") == "*") == (ending == ".json")


@pytest.mark.parametrize("asked", ["9999.99999", "10.5555/nothing", "a study of ranking", "2606"])
def test_an_id_that_no_paper_has_leads_nowhere(client, asked):
    for ending in ("", ".json", ".bib"):
        assert client.get(f"/papers/{asked}{ending}").status_code == 404


@pytest.mark.parametrize(
    ("asked", "page"),
    [
        ("/papers/arxiv:2606.00001/", "/papers/arxiv:2606.00001"),
        ("/papers/arxiv:math.GT/0309136/", "/papers/arxiv:math.GT/0309136"),
        ("/papers/arxiv:2606.00001.bib/", "/papers/arxiv:2606.00001.bib"),
        ("/papers/arxiv:2606.00001/?from=a%20mail", "/papers/arxiv:2606.00001?from=a%20mail"),
    ],
)
def test_a_slash_that_is_part_of_no_name_leads_to_the_page(client, asked, page):
    answer = client.get(asked)
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    assert client.get(page).status_code == 200


@pytest.mark.parametrize("path", ["/authors/No Body", "/papers/arxiv:9999.99999"])
def test_what_is_not_there_is_not_there_with_a_slash_either(client, path):
    answer = client.get(f"{path}/")
    assert (answer.status_code, unquote(answer.headers["location"])) == (303, path)
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("asked", ["/papers/", "/authors/", "/papers/arxiv:2606.00001/.json"])
def test_an_address_without_a_name_leads_nowhere(client, asked):
    assert client.get(asked).status_code == 404


def test_the_page_has_all_there_is_to_know(client):
    page = client.get("/papers/arxiv:2606.00100").text
    for expected in (
        "Large language models in small rooms",
        'href="/authors/Ada%20Lovelace">Ada Lovelace</a>',
        'href="/topics/cs.CL"',
        'href="https://papers.example/100.pdf"',
        "Journal of Rooms 1",
        ">CC BY 4.0</a>",
        'href="/days/2026-06-09"',
        "<strong>Ada</strong>",
        "40 upvotes",
    ):
        assert expected in page, expected


def test_names_are_shown_only_by_those_who_want_it(client):
    for address in ("/papers/arxiv:2606.00100", "/picks", "/picks.json", "/today.json", "/"):
        assert "Hidden Name" not in client.get(address).text


def test_reference_managers_see_the_paper(client):
    page = client.get("/papers/arxiv:2606.00100").text
    tags = dict(re.findall(r'<meta name="(citation_\w+)" content="([^"]*)">', page))
    assert tags["citation_title"] == "Large language models in small rooms"
    assert tags["citation_arxiv_id"] == "2606.00100"
    assert tags["citation_pdf_url"] == "https://papers.example/100.pdf"
    assert tags["citation_publication_date"] == "2026/06/09"
    (coins,) = re.findall(r'<span class="Z3988" title="([^"]*)">', page)
    told = parse_qs(unescape(coins))
    assert told["ctx_ver"] == ["Z39.88-2004"]
    assert told["rft.au"] == ["Ada Lovelace", "Jürgen Schmidhuber"]


def test_what_is_downloaded_can_be_read_back(client):
    bib = client.get("/papers/arxiv:2606.00100.bib")
    assert references.read(bib.content, "one.bib").ids == ("arxiv:2606.00100",)
    (item,) = json.loads(client.get("/papers/arxiv:2606.00100.csl.json").content)
    assert item["title"] == "Large language models in small rooms"


def test_similar_papers_are_other_papers(client):
    paper = client.get("/papers/arxiv:2606.00001.json").json()
    similar = [each["id"] for each in paper["similar"]]
    assert len(similar) == 8
    assert "arxiv:2606.00001" not in similar


def test_an_authors_papers_are_found_however_the_name_is_written(client):
    for name in ("Jürgen Schmidhuber", "J. Schmidhuber", "Schmidhuber, J."):
        found = client.get(f"/authors/{name}.json").json()
        assert len(found["papers"]) == 64, name
        assert not found["more"]
    assert "<h1" in client.get("/authors/J. Schmidhuber").text
    assert "Jürgen Schmidhuber</h1>" in client.get("/authors/J. Schmidhuber").text


def test_only_plain_web_addresses_are_passed_on(client):
    paper = client.get("/papers/arxiv:2606.00101.json").json()["paper"]
    assert paper["url"] == ""
    assert unquote(paper["page"]) == "https://digest.example/papers/arxiv:2606.00101"
