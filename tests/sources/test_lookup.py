"""Papers by name: what is asked of arXiv and Crossref, and what is made of the answers."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import ListingUnreadable
from digest.model import AnnounceType, Listing, Paper
from digest.sources.lookup import Lookup, picked, read_work

LOOKUP = Lookup()
FETCHED = datetime(2026, 6, 20, 9, tzinfo=UTC)

WORK = {
    "DOI": "10.1000/Fish.3",
    "title": ["Songs of <i>deep</i> fish"],
    "subtitle": ["a survey"],
    "abstract": "<jats:title>Abstract</jats:title><jats:p>Fish &amp; birds sing.</jats:p>",
    "author": [
        {"given": "Ada", "family": "Example", "sequence": "first"},
        {"name": "The Fish Collaboration"},
        {"family": "Solo"},
    ],
    "container-title": ["Journal of Fish"],
    "volume": "12",
    "issue": "3",
    "page": "45-67",
    "published": {"date-parts": [[2026, 5]]},
    "license": [{"URL": "https://creativecommons.org/licenses/by/4.0/"}],
    "relation": {"has-preprint": [{"id": "10.48550/arXiv.2606.00001", "id-type": "doi"}]},
}


def crossref(record, *, doi="10.1000/fish.3"):
    (request, _) = LOOKUP.requests([f"doi:{doi}"])[0]
    body = json.dumps({"status": "ok", "message": record}).encode()
    return Listing(
        source="community", url=request.url, body=body, place=request.place, fetched_at=FETCHED
    )


def test_arxiv_ids_go_fifty_in_a_request_and_dois_one_in_each():
    keys = [f"arxiv:2606.{n:05}" for n in range(1, 52)]

    asked = LOOKUP.requests([*keys, "doi:10.1000/a(b)/c", keys[0], "url:no"])

    assert [group for _, group in asked] == [
        tuple(keys[:50]),
        (keys[50],),
        ("doi:10.1000/a(b)/c",),
    ]
    assert asked[1][0].url == (
        "https://export.arxiv.org/api/query?id_list=2606.00051&max_results=50"
    )
    assert asked[2][0].url == "https://api.crossref.org/works/10.1000%2Fa%28b%29%2Fc"
    assert not any(request.poll for request, _ in asked)


def test_an_old_arxiv_id_keeps_its_slash():
    ((request, _),) = LOOKUP.requests(["arxiv:hep-th/9901001"])

    assert "id_list=hep-th/9901001&" in request.url


def test_a_work_of_crossref_is_read_whole():
    (item,) = LOOKUP.parse(crossref(WORK)).items

    paper = item.paper
    assert paper.id == "doi:10.1000/fish.3"
    assert paper.title == "Songs of deep fish: a survey"
    assert paper.abstract == "Fish & birds sing."
    assert paper.authors == ("Ada Example", "The Fish Collaboration", "Solo")
    assert paper.journal_ref == "Journal of Fish 12(3), 45-67 (2026)"
    assert paper.published == datetime(2026, 5, 1, tzinfo=UTC)
    assert paper.url == "https://doi.org/10.1000/fish.3"
    assert paper.licence == "https://creativecommons.org/licenses/by/4.0/"
    assert paper.identifiers == ("doi:10.1000/fish.3", "arxiv:2606.00001")


def test_what_is_looked_up_is_no_news():
    (item,) = LOOKUP.parse(crossref(WORK)).items

    assert item.announcement.type is AnnounceType.REPLACE
    assert not item.announcement.type.is_first
    assert (item.announcement.source, item.announcement.feed) == ("community", "submitted")
    assert (item.announcement.day, item.announcement.seen_at) == (date(2026, 6, 20), FETCHED)


def test_what_curators_picked_is_news_of_today():
    item = picked(Paper(id="doi:10.1000/a", title="A"), FETCHED)

    assert item.announcement.type is AnnounceType.NEW
    assert (item.announcement.feed, item.announcement.seen_at) == ("picked", FETCHED)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"DOI": ""}, "a record without a DOI"),
        ({"title": []}, "10.1000/fish.3 has no title"),
        ({"title": ["10.1000/Fish.3"]}, "10.1000/fish.3 has no title"),
        ({"title": ["10"]}, "10.1000/fish.3 has no title"),
    ],
)
def test_a_record_that_names_no_paper_is_a_problem(change, cause):
    harvest = LOOKUP.parse(crossref(WORK | change | {"subtitle": []}))

    assert harvest.items == ()
    assert [each.cause for each in harvest.problems] == [cause]


@pytest.mark.parametrize("dates", [[[2026, 13, 40]], [[None]], [[]], [], "2026", None, [[99999]]])
def test_a_date_that_is_none_is_left_out(dates):
    paper = read_work(WORK | {"published": {"date-parts": dates}})

    assert isinstance(paper, Paper)
    assert paper.published is None


@pytest.mark.parametrize("body", [b"Resource not found.", b"[]", b'{"message": []}', b"\xff"])
def test_an_answer_that_is_no_record_is_refused(body):
    listing = Listing(source="x", url="https://api.crossref.org/works/10.1000%2Fa", body=body)

    with pytest.raises(ListingUnreadable):
        LOOKUP.parse(listing)


def test_recorded_works_are_read(recordings):
    folder = recordings / "crossref"
    works = json.loads((folder / "crossref-list_commonmeta.json").read_bytes())["items"]
    works.append(
        json.loads((folder / "hepcrawl_sample_crossref_record.json").read_bytes())["message"]
    )

    read = [read_work(each) for each in works]

    papers = [each for each in read if isinstance(each, Paper)]
    assert len(papers) + sum(isinstance(each, str) for each in read) == 21
    assert len(papers) >= 12
    assert all(each.title and each.published for each in papers)
    last = papers[-1]
    assert last.id == "doi:10.1103/physrevd.93.016005"
    assert last.journal_ref.startswith("Physical Review D 93(1), 016005")


def test_recorded_answers_of_arxiv_are_read(recordings, unharmed):
    path = "arxiv_api/id_1707.08567_s0_m100_6a1afebfc6a3.xml"
    listing = Listing(
        source="community",
        url="https://export.arxiv.org/api/query?id_list=1707.08567",
        body=(recordings / path).read_bytes(),
        fetched_at=FETCHED,
    )

    (item,) = LOOKUP.parse(listing).items

    assert item.paper.id == "arxiv:1707.08567"
    assert item.announcement.source == "community"
    assert item.announcement.type is AnnounceType.REPLACE
    assert item.announcement.seen_at == FETCHED


def test_an_id_that_arxiv_does_not_have_gives_nothing(recordings):
    path = "arxiv_api/id_0000.0000_s0_m100_8b51d9633a68.xml"
    listing = Listing(
        source="community", url="https://export.arxiv.org/x", body=(recordings / path).read_bytes()
    )

    try:
        found = LOOKUP.parse(listing).items
    except ListingUnreadable:
        found = ()

    assert found == ()


@given(field=st.sampled_from([*WORK]), data=st.data())
def test_no_value_in_any_field_breaks_it(unharmed, any_json, field, data):
    unharmed(LOOKUP, crossref(WORK | {field: data.draw(any_json)}))
