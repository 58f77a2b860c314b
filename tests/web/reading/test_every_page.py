"""A walk over all public pages: well-formed, accessible in the basics, safe, and small."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from digest.rendering import assets

PAGES = [
    "/",
    "/?topic=cs.IR",
    "/?page=2",
    "/days/2026-06-09",
    "/days/2026-06-07",
    "/calendar/2026-06",
    "/topics",
    "/topics?q=learning",
    "/topics/cs.IR",
    "/topics/llm",
    "/topics/biorxiv-neuroscience",
    "/topics/econ.EM",
    "/papers/arxiv:2606.00001",
    "/papers/arxiv:2606.00100",
    "/papers/arxiv:2606.00101",
    "/papers/arxiv:math.GT/0309136",
    "/papers/doi:10.1101/2026.06.01.123456",
    "/papers/doi:10.5555/data.json",
    "/authors/Ada%20Lovelace",
    "/search",
    "/search?q=ranking",
    "/search?q=ranking&topic=cs.IR&source=arxiv&since=2026-06-10&sort=newest&page=2",
    "/search?q=nothinglikeit",
    "/search?q=%3Cscript%3Ealert(1)%3C/script%3E&topic=%22%3E%3Cb%3E",
    "/trending",
    "/trending/day",
    "/trending/month?topic=cs.CL",
    "/picks",
    "/feeds",
    "/about",
    "/privacy",
    "/help",
]
MISSING = [
    "/nowhere",
    "/days/2026-13-01",
    "/days/20260610",
    "/days/1980-01-01",
    "/days/2026-06-11",
    "/calendar/2026-13",
    "/calendar/0000-01",
    "/calendar/2030-01",
    "/topics/no.SUCH",
    "/papers/arxiv:9999.99999",
    "/papers/arxiv:9999.99999.bib",
    "/authors/Nobody%20Atall",
    "/trending/year",
    "/?page=99",
    "/?page=-1",
    "/?page=x",
    "/topics/cs.IR?page=1000",
]
VOID = frozenset(["br", "hr", "img", "input", "link", "meta"])
FIELDS = frozenset(["input", "select", "textarea"])


class Read(HTMLParser):
    """A page as assistive software meets it; what is not well-formed is in `faults`."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.open: list[str] = []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.links: list[dict[str, str]] = []
        self.headings: list[int] = []
        self.title = ""
        self.feed(html)
        self.faults += [f"<{tag}> is not closed" for tag in self.open]

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        if len(given) < len(attrs):
            self.faults.append(f"<{tag}> has an attribute twice")
        if "id" in given:
            self.ids.append(given["id"])
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "a":
            self.links.append({**given, "text": given.get("aria-label") or ""})
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes something else")

    def handle_data(self, data):
        if "title" in self.open:
            self.title += data
        if "a" in self.open:
            self.links[-1]["text"] += data

    def all(self, *names):
        return [given for tag, given in self.tags if tag in names]


@pytest.fixture(params=PAGES)
def read(request, client):
    answer = client.get(request.param)
    assert answer.status_code == 200
    return Read(answer.text)


def test_a_page_is_well_formed_and_can_be_found_around_in(read):
    assert read.faults == []
    assert len(read.ids) == len(set(read.ids))
    assert read.all("html")[0]["lang"] == "en"
    assert read.title.strip()
    assert read.headings.count(1) == 1
    assert read.headings[0] == 1
    steps = zip(read.headings, read.headings[1:], strict=False)
    assert all(after <= before + 1 for before, after in steps), read.headings
    assert [each["id"] for each in read.all("main")] == ["main"]
    assert any(each.get("href") == "#main" for each in read.all("a"))


def test_every_field_has_a_label_and_every_link_says_where_it_leads(read):
    labelled = {each["for"] for each in read.all("label")}
    fields = [each for each in read.all(*FIELDS) if each.get("type") != "hidden"]
    assert {each["id"] for each in fields} <= labelled
    assert all(each["text"].strip() for each in read.links)
    assert all(each["href"] for each in read.links)


def test_text_from_outside_is_never_markup(client):
    for address in ("/papers/arxiv:2606.00101", "/days/2026-06-05", "/topics/stat.ML"):
        page = client.get(address).text
        assert "<script>alert" not in page
        assert "<b>bold" not in page
        assert "javascript:" not in page
        assert "&lt;b&gt;bold" in page
    assert "Read &lt;b&gt;this&lt;/b&gt;." in client.get("/picks").text


@pytest.mark.parametrize("address", MISSING)
def test_what_is_not_there_is_a_friendly_404_with_a_search_box(client, address):
    answer = client.get(address)
    assert answer.status_code == 404
    assert 'name="q"' in answer.text
    assert "Traceback" not in answer.text


def test_pages_lead_only_to_what_there_is(client):
    elsewhere = ("/me", "/subscribe", "/feeds/", "/feeds.opml", "/search.atom")
    found = set()
    for address in PAGES:
        links = {each["href"] for each in Read(client.get(address).text).links}
        found |= set(sorted(each for each in links if each.startswith("/"))[:25])
    for each in found:
        assert each.startswith(elsewhere) or client.get(each).status_code in (200, 303), each


def test_pages_are_small(client):
    assert len(assets.asset("page.css").content) < 15_000
    assert len(assets.asset("page.js").content) < 4_000
    assert len(client.get("/").content) < 100_000


def test_a_page_names_its_feeds_and_its_own_address(client):
    for address, feed in (
        ("/topics/cs.IR", "/feeds/cs.IR.atom"),
        ("/trending/day", "/feeds/trending-day.atom"),
        ("/picks", "/feeds/picks.rss"),
        ("/search?q=ranking", "/search.atom?q=ranking"),
        ("/", "/feeds/trending.json"),
    ):
        links = Read(client.get(address).text).all("link")
        assert feed in [each["href"] for each in links if each["rel"] == "alternate"], address
        assert client.get(feed).status_code == 200
        (own,) = [each["href"] for each in links if each["rel"] == "canonical"]
        assert own == f"https://digest.example{address.partition('?')[0]}"
