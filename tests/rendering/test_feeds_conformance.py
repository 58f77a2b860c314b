"""Whatever the text, feeds keep the rules of RSS 2.0 and its profile, RFC 4287, RFC 5005, JSON Feed.

The checks here are our own reading of those rules. With DIGEST_FEEDVALIDATOR naming a checkout of
the W3C feed validator (github.com/w3c/feedvalidator), and html5lib and rdflib installed, the slow
test asks that too, and the RELAX NG grammar of RFC 4287 that it carries, if `jing` is there.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import AnnounceType, Link, LinkKind, Paper, Site, Voice
from digest.rendering.feeds import FORMATS, FeedEntry, FeedInfo, Page, document
from digest.rendering.opml import opml

SITE = Site(name="Papers & co", url="https://papers.example", list_id="papers.example")
SEEN = datetime(2026, 6, 11, 4, 0, 5, tzinfo=UTC)
NS = {"a": "http://www.w3.org/2005/Atom", "fh": "http://purl.org/syndication/history/1.0"}

HOSTILE = (
    "<script>alert(1)</script> & more",
    "Learning when $x<y$ and a<b>c",
    "AT&T R&D, &amp;lt;b&amp;gt; &lt; &#60; &copy; &nosuch;",
    "control \x00\x0b\x1f\x85 replaced \ufffd not \ufffe \ufdd0 \U0001fffe characters",
    "\u202eright\u202c שלום عربي to left",
    "emoji 👩‍🔬 🧪 and a lone surrogate \ud800",
    "<b>bold</b></p></item></entry> ]]> <!-- --> <?pi?> <![CDATA[",
    "List<String> </title> x<1 and y>2 </ p",
    "\n \n",
    "",
    "<",
    "&",
    "'\"` e@mail.example",
    "long " * 3_000,
)
PAGES = (
    Page(previous=date(2026, 6, 10), hub="https://hub.example/"),
    Page(day=date(2026, 6, 10), previous=date(2026, 6, 9)),
    Page(day=date(2026, 6, 9)),
)
text = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=60),
    st.text(alphabet="<>&;#/!?]['\"-xaAb 0\x00\ufffd", max_size=40),
)
ids = st.from_regex(r"(arxiv|doi|url):[ -~]{1,30}", fullmatch=True)


def documents(info: FeedInfo, found: list[FeedEntry]) -> dict[str, bytes]:
    """The current document and two archives of a public feed, the one document of a private."""
    return {
        info.path(kind, page.day): document(kind, info, found, SITE, page=page)
        for page in (PAGES if not info.private else (Page(),))
        for kind in FORMATS
    }


@st.composite
def entries(draw: st.DrawFn) -> list[FeedEntry]:
    found = []
    for paper_id in draw(st.lists(ids, max_size=2, unique=True)):
        seen = SEEN - timedelta(seconds=draw(st.integers(0, 300_000)))
        paper = Paper(
            id=paper_id,
            title=draw(text),
            abstract=draw(text),
            authors=tuple(draw(st.lists(text, max_size=3))),
            categories=tuple(draw(st.lists(text, max_size=3))),
            url=draw(st.sampled_from(["", "https://arxiv.org/abs/1"]) | text),
            doi=draw(text),
            comment=draw(text),
            links=(Link(kind=LinkKind.CODE, url="https://example.org/" + draw(text)),),
        )
        found.append(
            FeedEntry(
                paper=paper,
                seen_at=seen,
                updated=draw(st.sampled_from([seen, SEEN])),
                because=draw(text),
                announce=draw(st.sampled_from(AnnounceType)),
                voices=(Voice(paper_id=paper_id, name=draw(text), line=draw(text), at=SEEN),),
            )
        )
    return found


def hostile_entries(count: int = 60) -> list[FeedEntry]:
    """Every hostile text in every place, over six days."""
    found = []
    for number in range(count):
        bad = HOSTILE[number % len(HOSTILE)]
        seen = SEEN - timedelta(days=number // 10)
        paper = Paper(
            id=f"arxiv:2606.9{number:04}" if number % 3 else f"doi:10.5555/<{number}>&%",
            title=bad,
            abstract=bad * 3,
            authors=(bad, "Ann B."),
            categories=("cs.LG", bad),
            version=1 + number % 3,
            url=f"https://example.org/a b/?q={bad[:40]}&x=<{number}>[1]",
            doi=f"10.5555/{bad[:20]}",
            comment=bad,
            links=(Link(kind=LinkKind.CODE, url=f'https://example.org/{bad[:30]}"><script>'),),
        )
        updated = SEEN if number % 7 == 0 else seen
        voice = Voice(paper_id=paper.id, name=bad, line=bad, curator=bool(number % 2), at=SEEN)
        found.append(
            FeedEntry(
                paper=paper,
                seen_at=seen,
                updated=updated,
                because=bad,
                upvotes=3,
                voices=(voice,),
                answers="https://papers.example/d/s_1.2026-06-10.mac/1",
            )
        )
    return found


# --- the rules ------------------------------------------------------------------------------


def check_rss(body: bytes, url: str) -> list[str]:
    """RSS 2.0 and the RSS Advisory Board's profile; returns the ids."""
    channel = ET.fromstring(body).find("channel")
    assert channel is not None
    assert not re.search(rb"<title>[^<]*&(amp|lt|quot|apos);", body)
    for needed in ("title", "link", "description", "language"):
        check_plain(channel.findtext(needed) or "")
        assert channel.findtext(needed)
    check_rfc822(channel.findtext("lastBuildDate"))
    check_links(channel, url)
    found = channel.findall("item")
    for item in found:
        check_plain(item.findtext("title") or "")
        check_html(item.findtext("description") or "")
        check_rfc822(item.findtext("pubDate"))
        assert item.findtext("title")
        assert item.findtext("description")
        assert all(
            (each.text or "").strip() and each.get("domain") for each in item.iter("category")
        )
        guid = item.find("guid")
        assert guid is not None
        assert guid.get("isPermaLink") == "false"
        if item.find("link") is not None:
            check_url(item.findtext("link") or "")
    return unique([item.findtext("guid") for item in found])


def check_atom(body: bytes, url: str) -> list[str]:
    """RFC 4287 §4, and RFC 5005 §4 for archives; returns the ids."""
    feed = ET.fromstring(body)
    assert feed.tag == f"{{{NS['a']}}}feed"
    assert feed.get("{http://www.w3.org/XML/1998/namespace}lang")
    check_links(feed, url)
    assert feed.findtext("a:author/a:name", namespaces=NS)
    found = feed.findall("a:entry", NS)
    for element in (feed, *found):
        for needed in ("id", "title", "updated"):
            values = [each.text or "" for each in element.findall(f"a:{needed}", NS)]
            assert len(values) == 1
            assert values[0].strip()
        check_rfc3339(element.findtext("a:updated", namespaces=NS))
        check_plain(element.findtext("a:title", namespaces=NS) or "")
        assert re.fullmatch(
            r"tag:[a-z0-9.-]+,\d{4}:[0-9a-zA-Z;/?:@&=+$.\-_!~*'()%,]*",
            element.findtext("a:id", "", NS),
        )
    for entry in found:
        check_rfc3339(entry.findtext("a:published", namespaces=NS))
        check_html(entry.findtext("a:content", "", NS))
        assert entry.findtext("a:content", "", NS)
        assert len(entry.findall("a:link[@rel='alternate']", NS)) <= 1
        for link in entry.findall("a:link", NS):
            check_url(link.get("href", ""))
        for name in entry.findall("a:author/a:name", NS):
            assert name.text
            check_plain(name.text)
            assert "@" not in name.text
    return unique([entry.findtext("a:id", namespaces=NS) for entry in found])


def check_json(body: bytes, url: str) -> list[str]:
    """JSON Feed 1.1; returns the ids."""
    feed = json.loads(body)
    allowed = {"version", "title", "home_page_url", "feed_url", "description", "next_url"}
    assert feed.keys() <= allowed | {"language", "hubs", "items"}
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["title"]
    assert feed["feed_url"] == url != feed.get("next_url")
    for item in feed["items"]:
        dates = {"date_published", "date_modified"}
        texts = {"title", "content_html", "content_text"}
        assert item.keys() <= dates | texts | {"id", "url", "authors", "tags", "_digest"}
        check_html(item["content_html"])
        check_rfc3339(item["date_published"])
        check_rfc3339(item["date_modified"])
        assert all(author["name"] for author in item.get("authors", []))
        assert len(set(item.get("tags", []))) == len(item.get("tags", []))
        assert isinstance(item["_digest"], dict)
        if "url" in item:
            check_url(item["url"])
    return unique([item["id"] for item in feed["items"]])


def check_links(head: ET.Element, url: str) -> None:
    links = [(link.get("rel"), link.get("href")) for link in head.findall("a:link", NS)]
    unique([rel for rel, _ in links])
    assert dict(links)["self"] == url
    if head.find("fh:archive", NS) is not None:
        assert dict(links)["current"] != url
        assert "prev-archive" in dict(links)
    assert dict(links).get("prev-archive") != url


def check_plain(s: str) -> None:
    """Nothing that a reader might take for markup."""
    assert not re.search(r"<[A-Za-z/!?]", s)


def check_url(url: str) -> None:
    assert urlsplit(url).scheme in ("http", "https")
    assert re.fullmatch(r"[0-9a-zA-Z;/?:@&=+$.\-_!~*'()%,#]+", url)


def check_rfc3339(moment: str | None) -> None:
    assert moment is not None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", moment)
    assert datetime.fromisoformat(moment).tzinfo is UTC


def check_rfc822(moment: str | None) -> None:
    assert moment is not None
    assert moment.endswith(" GMT")
    assert parsedate_to_datetime(moment).tzinfo is UTC


def check_html(body: str) -> None:
    """Only paragraphs and http(s) links, all closed, and every ampersand an entity."""
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ufffd\ufdd0-\ufdef\ufffe\uffff]", body)
    assert not re.search(r"&(?!(amp|lt|gt|quot|#x27);)", body)
    parser = Strict()
    parser.feed(body)
    parser.close()
    assert parser.open == []


class Strict(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ("p", "a")
        assert tag not in self.open
        self.open.append(tag)
        for name, value in attrs:
            assert name == "href"
            check_url(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        assert self.open or not data.strip()

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)

    handle_comment = handle_decl = handle_pi = unknown_decl


def unique(values: list[str | None]) -> list[str]:
    assert None not in values
    assert len(set(values)) == len(values)
    return [value for value in values if value is not None]


CHECKS = {".rss": check_rss, ".atom": check_atom, ".json": check_json}


def check_all(found: dict[str, bytes]) -> None:
    """Each document by its rules, and the three formats of one page against each other."""
    told: dict[str, list[list[str]]] = {}
    for path, body in found.items():
        kind = Path(path).suffix
        told.setdefault(path.removesuffix(kind), []).append(
            CHECKS[kind](body, f"{SITE.url}/{path}")
        )
    assert all(each == same[0] for same in told.values() for each in same)


# --- the tests ------------------------------------------------------------------------------


@settings(max_examples=25)
@given(found=entries(), title=text, description=text)
def test_no_text_breaks_a_rule_of_any_format(found, title, description):
    info = FeedInfo(slug="any", title=title, description=description)
    check_all(documents(info, found))


def test_hostile_text_in_every_place_breaks_no_rule():
    check_all(documents(FeedInfo(slug="any", title="Any"), hostile_entries()))


@given(title=text, description=text)
def test_no_text_breaks_the_list_of_feeds(title, description):
    body = opml([FeedInfo(slug="any", title=title, description=description)], SITE)
    (outline,) = ET.fromstring(body).iter("outline")
    assert outline.get("type") == "rss"
    assert outline.get("xmlUrl") == "https://papers.example/feeds/any.atom"
    for name in ("text", "title", "description"):
        value = outline.get(name, "-")
        assert value
        assert html.unescape(value) == value or "& " in value
        assert "<" not in value


@pytest.mark.parametrize(
    ("broken", "by"),
    [
        ("<p>open", check_html),
        ('<p onclick="x">y</p>', check_html),
        ("<p>AT&T</p>", check_html),
        ("<p>$x<y$</p>", check_html),
        ("a<b", check_plain),
        ("javascript:alert(1)", check_url),
    ],
)
def test_the_checks_do_find_faults(broken, by):
    with pytest.raises(AssertionError):
        by(broken)


# Two entries of one time are a warning of the validator's. They have it all the same: seconds made
# up to tell them apart would shift whenever the feed holds other papers, as if these had changed.
VALIDATE = """
import io, json, pathlib, sys
import feedvalidator
from feedvalidator.compatibility import AAA
types = {".rss": "application/rss+xml", ".atom": "application/atom+xml", ".opml": "text/x-opml"}
folder = pathlib.Path(sys.argv[1])
events = []
for path in sorted(folder.rglob("*.*")):
    if path.suffix in types:
        name = str(path.relative_to(folder))
        found = feedvalidator.validateStream(
            io.BytesIO(path.read_bytes()),
            contentType=types[path.suffix] + "; charset=utf-8",
            base="https://papers.example/" + name,
        )
        events += [
            f"{name}: {type(each).__name__} {each.params}"
            for each in AAA(found["loggedEvents"])
            if type(each).__name__ != "DuplicateUpdated"
        ]
print(json.dumps(events))
"""


@pytest.fixture(scope="module")
def validator() -> Path:
    checkout = Path(os.environ.get("DIGEST_FEEDVALIDATOR", "/nonexistent"))
    if not (checkout / "src" / "feedvalidator").is_dir():
        pytest.skip("DIGEST_FEEDVALIDATOR names no checkout of w3c/feedvalidator")
    return checkout


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site's feeds on disk: a public one with archives, an empty one, a private one, the list."""
    folder = tmp_path_factory.mktemp("site")
    infos = [
        FeedInfo(slug="cs.LG", title="cs.LG: <Machine> Learning & friends", description="A&B <c>"),
        FeedInfo(slug="empty", title="Nothing yet"),
        FeedInfo(slug="mine/s_1..abc", title="Mine", private=True),
    ]
    files = {"feeds.opml": opml(infos, SITE)}
    for info in infos:
        chosen = [] if info.slug == "empty" else hostile_entries()
        files |= documents(info, chosen)
    for name, body in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)
    return folder


@pytest.mark.slow
def test_the_w3c_validator_has_nothing_to_say(validator, published):
    search = os.pathsep.join([str(validator / "src"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", VALIDATE, str(published)],
        env={**os.environ, "PYTHONPATH": search},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if "ModuleNotFoundError" in done.stderr:
        pytest.skip(f"the validator's libraries are missing: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


@pytest.mark.slow
def test_atom_documents_match_the_grammar_of_rfc_4287(validator, published, tmp_path):
    jing = shutil.which("jing")
    if jing is None:
        pytest.skip("jing is not installed")
    rfc = (validator / "docs" / "rfc4287.html").read_text(encoding="utf-8", errors="replace")
    schema = re.search(
        r"# -\*- rnc -\*-\s+# RELAX NG Compact Syntax Grammar for the.*?# EOF", rfc, re.DOTALL
    )
    assert schema is not None
    grammar = tmp_path / "atom.rnc"
    grammar.write_text(html.unescape(re.sub("<[^>]+>", "", schema[0])), encoding="utf-8")
    documents = [str(path) for path in published.rglob("*.atom")]
    done = subprocess.run(
        [jing, "-i", "-c", str(grammar), *documents], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
