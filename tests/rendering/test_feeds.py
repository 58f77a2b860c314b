"""Feeds: one story in three formats, under permanent ids, byte for byte the same until it changes."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from digest.errors import InvalidInput
from digest.model import AnnounceType, Link, LinkKind, Paper, Pick, Reason, ReasonKind, Site, Voice
from digest.rendering.feeds import FORMATS, MAX_BYTES, FeedEntry, FeedInfo, Page, document
from digest.sources.lookup import read_work

SITE = Site(name="Papers", url="https://papers.example", list_id="papers.example")
INFO = FeedInfo(slug="cs.LG", title="cs.LG: Machine Learning", description="New in cs.LG")
SEEN = datetime(2026, 6, 11, 4, 0, 5, tzinfo=UTC)
PAPER = Paper(
    id="arxiv:2606.90001",
    title="When x<y & other cats",
    abstract="We compare $x<y$ with y. It works.",
    authors=("Renée Quill", "Bo Ng"),
    categories=("cs.LG", "biorxiv:neuroscience"),
    version=2,
    url="https://arxiv.org/abs/2606.90001",
    doi="10.5555/12.(3)",
    links=(Link(kind=LinkKind.CODE, url="https://github.com/example-org/cats"),),
)
ENTRY = FeedEntry(
    paper=PAPER,
    seen_at=SEEN,
    updated=SEEN + timedelta(days=1),
    because="You follow cs.LG",
    announce=AnnounceType.CROSS,
    upvotes=12,
)
NS = {
    "a": "http://www.w3.org/2005/Atom",
    "dc": "http://purl.org/dc/elements/1.1/",
    "fh": "http://purl.org/syndication/history/1.0",
}


def rss_item(entry: FeedEntry = ENTRY) -> ET.Element:
    item = ET.fromstring(document("rss", INFO, [entry], SITE)).find("channel/item")
    assert item is not None
    return item


def atom_entry(entry: FeedEntry = ENTRY) -> ET.Element:
    found = ET.fromstring(document("atom", INFO, [entry], SITE)).find("a:entry", NS)
    assert found is not None
    return found


def json_item(entry: FeedEntry = ENTRY) -> dict:
    return json.loads(document("json", INFO, [entry], SITE))["items"][0]


def several(count: int, **changes: object) -> list[FeedEntry]:
    return [
        replace(ENTRY, paper=replace(PAPER, id=f"arxiv:2606.9{number:04}"), **changes)
        for number in range(count)
    ]


def test_a_paper_has_the_same_permanent_id_in_all_three_formats():
    expected = "tag:papers.example,2026:paper/arxiv/2606.90001"
    assert rss_item().findtext("guid") == expected
    assert atom_entry().findtext("a:id", namespaces=NS) == expected
    assert json_item()["id"] == expected


@pytest.mark.parametrize("url", ["http://papers.example", "https://papers.example:8443/x"])
def test_ids_survive_a_change_of_scheme_port_or_path(url):
    moved = document("rss", INFO, [ENTRY], replace(SITE, url=url))
    assert ET.fromstring(moved).findtext("channel/item/guid") == rss_item().findtext("guid")


def test_ids_survive_a_new_version_of_the_paper():
    revised = replace(ENTRY, paper=replace(PAPER, version=7, title="Another title"))
    assert json_item(revised)["id"] == json_item()["id"]


def test_a_guid_is_not_said_to_be_a_link():
    guid = rss_item().find("guid")
    assert guid is not None
    assert guid.attrib == {"isPermaLink": "false"}


def test_the_same_arguments_give_the_same_bytes():
    entries = several(5)
    for kind in FORMATS:
        same = document(kind, INFO, list(entries), SITE)
        assert document(kind, INFO, entries, SITE) == same


def test_a_feed_is_as_new_as_its_newest_entry():
    channel = ET.fromstring(document("rss", INFO, [ENTRY], SITE)).find("channel")
    assert channel is not None
    assert channel.findtext("lastBuildDate") == "Fri, 12 Jun 2026 04:00:05 GMT"
    feed = ET.fromstring(document("atom", INFO, [ENTRY], SITE))
    assert feed.findtext("a:updated", namespaces=NS) == "2026-06-12T04:00:05Z"


def test_an_empty_feed_has_a_fixed_date_rather_than_now():
    assert b"<updated>2026-01-01T00:00:00Z</updated>" in document("atom", INFO, [], SITE)


def test_rss_tells_what_a_reader_needs():
    item = rss_item()
    assert item.findtext("link") == "https://arxiv.org/abs/2606.90001"
    assert item.findtext("dc:creator", namespaces=NS) == "Renée Quill, Bo Ng"
    assert item.findtext("pubDate") == "Thu, 11 Jun 2026 04:00:05 GMT"
    assert [(each.text, each.get("domain")) for each in item.findall("category")] == [
        ("cs.LG", "http://arxiv.org/schemas/atom"),
        ("biorxiv:neuroscience", "tag:papers.example,2026:category/biorxiv"),
    ]


def test_atom_tells_what_a_reader_needs():
    entry = atom_entry()
    assert entry.findtext("a:published", namespaces=NS) == "2026-06-11T04:00:05Z"
    assert entry.findtext("a:updated", namespaces=NS) == "2026-06-12T04:00:05Z"
    names = [each.text for each in entry.findall("a:author/a:name", NS)]
    assert names == ["Renée Quill", "Bo Ng"]
    terms = [each.get("term") for each in entry.findall("a:category", NS)]
    assert terms == ["cs.LG", "biorxiv:neuroscience"]
    link = entry.find("a:link", NS)
    assert link is not None
    assert link.attrib == {
        "rel": "alternate",
        "type": "text/html",
        "href": "https://arxiv.org/abs/2606.90001",
    }


def test_json_tells_what_a_reader_needs_and_what_a_program_may_want():
    item = json_item()
    assert item["authors"] == [{"name": "Renée Quill"}, {"name": "Bo Ng"}]
    assert item["tags"] == ["cs.LG", "biorxiv:neuroscience"]
    assert item["date_published"] == "2026-06-11T04:00:05Z"
    assert item["date_modified"] == "2026-06-12T04:00:05Z"
    assert item["_digest"] == {
        "id": "arxiv:2606.90001",
        "version": 2,
        "doi": "10.5555/12.(3)",
        "announce": "cross",
        "categories": ["cs.LG", "biorxiv:neuroscience"],
        "because": "You follow cs.LG",
        "upvotes": 12,
        "picked_by": [],
    }


def test_a_personal_feed_has_the_terms_that_made_a_pick():
    like = Reason(kind=ReasonKind.LIKE, what="arxiv:2501.1", amount=2.5, words=("owl", "barn"))
    topic = Reason(kind=ReasonKind.TOPIC, what="cs.LG", amount=1.0)
    pick = Pick(paper_id=PAPER.id, score=3.5, reasons=(like, topic))

    extra = json_item(replace(ENTRY, pick=pick))["_digest"]

    assert extra["because"] == "You follow cs.LG"
    assert (extra["score"], extra["chance"]) == (3.5, pytest.approx(pick.chance, abs=1e-4))
    assert extra["terms"] == [
        {"kind": "like", "what": "arxiv:2501.1", "amount": 2.5, "words": ["owl", "barn"]},
        {"kind": "topic", "what": "cs.LG", "amount": 1.0, "words": []},
    ]


def test_all_formats_carry_the_same_html():
    html = json_item()["content_html"]
    assert rss_item().findtext("description") == html
    assert atom_entry().findtext("a:content", namespaces=NS) == html
    assert html == (
        "<p>Renée Quill, Bo Ng</p>\n"
        "<p>cs.LG · biorxiv:neuroscience · cross-listed · version 2 · 12 upvotes</p>\n"
        "<p>You follow cs.LG</p>\n"
        "<p>We compare $x &lt; y$ with y. It works.</p>\n"
        '<p><a href="https://arxiv.org/abs/2606.90001">Abstract</a>'
        ' · <a href="https://github.com/example-org/cats">Code</a>'
        ' · <a href="https://doi.org/10.5555/12.(3)">DOI</a>'
        ' · <a href="https://papers.example/papers/arxiv:2606.90001">Similar papers</a></p>'
    )


def test_who_picked_a_paper_stands_in_every_format_with_their_line():
    voices = (
        Voice(paper_id=PAPER.id, name="Ada", line="Read it & weep.", at=SEEN),
        Voice(paper_id=PAPER.id, curator=True, at=SEEN),
    )
    entry = replace(ENTRY, voices=voices)
    item = json_item(entry)
    assert item["_digest"]["picked_by"] == [
        "Submitted by Ada: Read it & weep.",
        "Picked by a curator",
    ]
    assert (
        "<p>Submitted by Ada: Read it &amp; weep.</p>\n<p>Picked by a curator</p>"
        in (item["content_html"])
    )
    assert rss_item(entry).findtext("description") == item["content_html"]


def test_an_entry_of_ones_own_feed_leads_to_its_answers():
    address = "https://papers.example/d/s_1.2026-06-10.mac/3"
    html = json_item(replace(ENTRY, answers=address))["content_html"]
    for word, label in (
        ("more", "More like this"),
        ("less", "Less like this"),
        ("save", "Save"),
        ("known", "Already knew it"),
    ):
        assert f'<a href="{address}/{word}?via=feed">{label}</a>' in html
    assert "via=feed" not in json_item()["content_html"]


def test_the_feed_of_a_search_lives_beside_the_search():
    info = FeedInfo(slug="search-0123", title="Cats", query="q=cats+%26+dogs")
    assert info.url(SITE, "atom") == "https://papers.example/search.atom?q=cats+%26+dogs"
    assert info.url(SITE, "json") == "https://papers.example/search.feed.json?q=cats+%26+dogs"
    assert b'href="https://papers.example/search.atom?q=cats+%26+dogs"' in document(
        "atom", info, [], SITE
    )


@pytest.mark.parametrize("kind", FORMATS)
def test_a_document_too_large_for_readers_gives_up_abstracts_not_entries(kind):
    large = [
        replace(each, paper=replace(each.paper, abstract="word " * 2_000)) for each in several(500)
    ]
    body = document(kind, INFO, large, SITE)
    assert len(body) <= MAX_BYTES
    assert all(f"paper/arxiv/2606.9{n:04}".encode() in body for n in range(500))


def test_a_title_reads_the_same_as_text_and_as_html():
    assert rss_item().findtext("title") == "When x < y & other cats"
    assert b"<title>When x &#x3C; y &#x26; other cats</title>" in document(
        "rss", INFO, [ENTRY], SITE
    )


def test_a_page_that_the_doi_leads_to_is_linked_once():
    doi = "10.1002/(sici)1097-4571(199009)41:6<391::aid-asi1>3.0.co;2-9"
    page = "https://doi.org/10.1002/(sici)1097-4571(199009)41:6%3C391::aid-asi1%3E3.0.co;2-9"
    found = read_work({"DOI": doi, "title": ["When cats sit"]})
    assert isinstance(found, Paper)
    assert found.url == page
    assert json_item(replace(ENTRY, paper=found))["content_html"].count("https://doi.org/") == 1


def test_links_that_are_not_http_are_left_out():
    paper = replace(
        PAPER,
        url="javascript:alert(1)",
        links=(Link(kind=LinkKind.CODE, url="data:text/html,x"),),
    )
    item = json_item(replace(ENTRY, paper=paper))
    assert item["url"] == "https://papers.example/papers/arxiv:2606.90001"
    assert "javascript" not in item["content_html"]
    assert "data:" not in item["content_html"]


def test_a_list_of_thousands_of_authors_is_cut_and_counted():
    crowd = replace(PAPER, authors=tuple(f"Author {number}" for number in range(3_435)))
    item = json_item(replace(ENTRY, paper=crowd))
    assert len(item["authors"]) == 30
    assert "Author 29 and 3405 more" in item["content_text"]


def test_a_paper_of_which_only_the_id_is_known_still_makes_an_entry():
    bare = replace(ENTRY, paper=Paper(id="doi:10.1101/x", title=""), because="", upvotes=0)
    assert json_item(bare)["title"] == "doi:10.1101/x"
    assert json.loads(document("json", INFO, [bare], replace(SITE, url="")))["items"][0][
        "content_html"
    ]


def test_a_revision_changes_the_date_of_no_other_entry():
    before = several(4, updated=SEEN)
    after = [before[0], replace(before[1], updated=SEEN + timedelta(days=1)), *before[2:]]
    dates_before, dates_after = (
        {item["id"]: item["date_modified"] for item in json.loads(body)["items"]}
        for body in (document("json", INFO, before, SITE), document("json", INFO, after, SITE))
    )
    changed = [key for key in dates_before if dates_before[key] != dates_after[key]]
    assert changed == ["tag:papers.example,2026:paper/arxiv/2606.90001"]


@pytest.mark.parametrize("told", ["date_published", "date_modified"])
def test_the_dates_of_an_entry_stay_whatever_stands_beside_it(told):
    def dates(entries):
        items = json.loads(document("json", INFO, entries, SITE))["items"]
        return {item["id"]: item[told] for item in items}

    trending = several(4, updated=SEEN)
    digest = [replace(each, place=place) for place, each in enumerate(trending)]
    for entries in (trending, digest):
        assert dates(entries[2:]).items() <= dates(entries).items()
    assert [*dates(digest).values()] == sorted(dates(digest).values(), reverse=True)
    assert len({*dates(digest).values()}) == 4


def test_no_entry_changes_before_it_is_published():
    digest = [replace(each, place=place) for place, each in enumerate(several(3, updated=SEEN))]
    for each in json.loads(document("json", INFO, digest, SITE))["items"]:
        assert each["date_published"] <= each["date_modified"]


def links_of(root: ET.Element) -> dict[str, str]:
    return {link.get("rel", ""): link.get("href", "") for link in root.iterfind(".//a:link", NS)}


def test_the_current_feed_names_itself_its_archive_and_its_hub():
    page = Page(previous=date(2026, 6, 10), hub="https://hub.example/")
    for kind in ("rss", "atom"):
        found = links_of(ET.fromstring(document(kind, INFO, [], SITE, page=page)))
        assert found["self"] == f"https://papers.example/feeds/cs.LG.{kind}"
        assert found["prev-archive"] == f"https://papers.example/feeds/cs.LG/2026-06-10.{kind}"
        assert found["hub"] == "https://hub.example/"
    told = json.loads(document("json", INFO, [], SITE, page=page))
    assert told["feed_url"] == "https://papers.example/feeds/cs.LG.json"
    assert told["next_url"] == "https://papers.example/feeds/cs.LG/2026-06-10.json"
    assert told["hubs"] == [{"type": "WebSub", "url": "https://hub.example/"}]


def test_an_archive_says_that_it_is_one_and_where_the_current_feed_is():
    page = Page(day=date(2026, 6, 10), previous=date(2026, 6, 9))
    for kind in ("rss", "atom"):
        root = ET.fromstring(document(kind, INFO, [ENTRY], SITE, page=page))
        found = links_of(root)
        assert root.find(".//fh:archive", NS) is not None
        assert found["self"] == f"https://papers.example/feeds/cs.LG/2026-06-10.{kind}"
        assert found["current"] == f"https://papers.example/feeds/cs.LG.{kind}"
        assert found["prev-archive"] == f"https://papers.example/feeds/cs.LG/2026-06-09.{kind}"
        assert "next-archive" not in found


def test_a_private_feed_asks_not_to_be_indexed():
    mine = FeedInfo(slug="mine/s_1..abc", title="Mine", private=True)
    for kind in ("rss", "atom"):
        assert b'indexing:index="no"' in document(kind, mine, [ENTRY], SITE)
        assert b"indexing" not in document(kind, INFO, [ENTRY], SITE)


def test_without_an_address_links_that_need_the_service_are_left_out():
    site = replace(SITE, url="")
    assert links_of(ET.fromstring(document("rss", INFO, [], site))) == {}
    assert "feed_url" not in json.loads(document("json", INFO, [], site))
    assert b"tag:papers.example,2026:feed/cs.LG" in document("atom", INFO, [], site)


@pytest.mark.parametrize("slug", ["", "../x", ".hidden", "a/b", "biorxiv:x", "x" * 201, "a b"])
def test_a_slug_that_is_no_file_name_is_refused(slug):
    with pytest.raises(InvalidInput, match="slug"):
        FeedInfo(slug=slug, title="x")


def test_a_refused_private_slug_is_not_repeated_since_it_holds_a_token():
    with pytest.raises(InvalidInput) as caught:
        FeedInfo(slug="mine/se cret", title="x", private=True)
    assert "se cret" not in f"{caught.value} {caught.value.subject}"
