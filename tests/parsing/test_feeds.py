import re
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

import feedparser
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.errors import ListingUnreadable
from digest.parsing import MAX_ENTRIES, Entry, Feed, parse_feed
from digest.text import html_to_text


def test_an_rss_channel_says_what_it_is(feeds):
    feed = parse_feed(feeds["rss20"].encode())

    assert feed.version == "rss20"
    assert (feed.title, feed.link, feed.language) == ("Sea & Sky", "https://e.org/", "en")
    assert feed.hub == "https://hub.e.org/"
    assert feed.built_at == datetime(2026, 6, 10, 5, tzinfo=UTC)
    assert feed.published_at == datetime(2026, 6, 10, 4, tzinfo=UTC)
    assert feed.ttl == 90 * 60
    assert feed.problems == ()


def test_an_rss_item_is_read_whole(feeds):
    entry = parse_feed(feeds["rss20"].encode(), url="https://e.org/feed").entries[0]

    assert entry == Entry(
        id="oai:1",
        title="Tides below $x<y$",
        link="https://e.org/papers/1",
        summary="A <p>summary</p>",
        content="<p>All of it</p>",
        authors=("Ada Bee, Cy Dee",),
        categories=("cs.LG", "stat.ML"),
        published_at=datetime(2026, 6, 9, 12, tzinfo=UTC),
        doi="10.1000/1",
        extra={"announce_type": "new", "doi": "10.1000/1", "title": "Not this one"},
    )


@pytest.mark.parametrize("others", [1, 100])
def test_an_entrys_fields_may_stand_anywhere_among_others(others):
    item = "".join((
        "<category>b</category><title>Tides</title>", "<x/>" * others,
        "<category>a</category><author>Bee</author><link>https://e.org/1</link>",
        "<category>c</category>",
    ))  # fmt: skip
    feed = parse_feed(f"<rss><channel>{2 * f'<item>{item}</item>'}</channel></rss>".encode())

    assert [each.title for each in feed.entries] == ["Tides", "Tides"]
    for entry in feed.entries:
        assert entry.categories == ("b", "a", "c")
        assert (entry.authors, entry.link) == (("Bee",), "https://e.org/1")


def test_all_identifiers_of_an_entry_are_kept(feeds):
    more = "<dc:identifier>pmid:7</dc:identifier><dc:identifier>doi:10.1000/7</dc:identifier>"
    body = feeds["rss10"].replace("<dc:creator>", f"{more}<dc:creator>")

    for each in (body, body.replace("Text", "Te&broken xt<i>")):
        [entry] = parse_feed(each.encode()).entries
        assert "doi:10.1000/7" in entry.identifiers

    assert parse_feed(body.encode()).entries[0].identifiers == ("pmid:7", "doi:10.1000/7")


@pytest.mark.parametrize("kind", ["rss20", "atom10", "json11"])
@pytest.mark.parametrize("is_damaged", [False, True])
def test_a_date_that_cannot_be_read_is_kept_as_written(feeds, kind, is_damaged):
    body = re.sub(r"Tue, 09 Jun 2026[^<]*|2026-06-(?:09|10)T[^<\"]*", "one fine day", feeds[kind])
    if is_damaged:
        body = body.replace("<title>", "<title><i>", 2)

    entry = parse_feed(body.encode()).entries[0]

    assert (entry.published_at, entry.unread_date) == (None, "one fine day")
    assert parse_feed(feeds[kind].encode()).entries[0].unread_date == ""


def test_quotation_marks_and_dashes_by_their_numbers_in_windows_are_read():
    body = b"<rss><channel><item><title>Bayes&#146; rule in 1990&#x96;2000 data</title></item></channel></rss>"

    for each in (body, body.replace(b"</rss>", b"")):
        assert parse_feed(each).entries[0].title == "Bayes’ rule in 1990–2000 data"


def test_a_permanent_guid_is_the_link_and_mail_addresses_are_dropped(feeds):
    entry = parse_feed(feeds["rss20"].encode()).entries[1]

    assert entry.link == "https://e.org/2"
    assert entry.authors == ("Cy Dee",)


@pytest.mark.parametrize(
    ("author", "name"),
    [
        ("cy@e.org (Cy Dee)", "Cy Dee"),
        ("Cy Dee (cy@e.org)", "Cy Dee"),
        ("Cy Dee &lt;cy@e.org&gt;", "Cy Dee"),
        ("&lt;cy@e.org&gt; (Cy Dee)", "Cy Dee"),
        ("cy@e.org (Cy Dee &lt;dee@e.org&gt;)", "Cy Dee"),
        ("cy@e.org (The ATLAS (CERN) Collaboration)", "The ATLAS (CERN) Collaboration"),
        ("Cy (Cyrus) Dee &lt;cy@e.org&gt;", "Cy (Cyrus) Dee"),
        ("Cy Dee (A Lab, cy@e.org)", "Cy Dee"),
        ("Cy Dee (cy@e.org, A Lab)", "Cy Dee"),
        ("a@e.org (Ada Bee), cy@e.org (Cy Dee)", "Ada Bee; Cy Dee"),
        ("Bee, A. (a@e.org), Dee, C. (cy@e.org)", "Bee, A.; Dee, C."),
        ("cy@e.org", None),
    ],
)
def test_of_an_author_with_a_mail_address_the_name_is_read(author, name):
    body = f"<rss><channel><item><title>x</title><author>{author}</author></item></channel></rss>"

    assert parse_feed(body.encode()).entries[0].authors == ((name,) if name else ())


def test_a_very_long_word_among_authors_is_read_in_one_pass():
    word = "a" * 190_000
    body = f"<rss><channel><item><title>x</title><author>{word} b@e.org</author></item></channel></rss>"
    (entry,) = parse_feed(body.encode()).entries
    assert entry.authors == (word,)


def test_the_authors_of_ieee_are_read():
    names = "<authors>Ada Bee;Cy Dee</authors>"
    body = f"<rss><channel><item><title>x</title>{names}</item></channel></rss>"

    assert parse_feed(body.encode()).entries[0].authors == ("Ada Bee;Cy Dee",)


@pytest.mark.parametrize("kind", ["", "type='text'", "type='html'"])
def test_a_title_in_atom_may_be_html_whatever_its_type(kind):
    title = "R&amp;amp;D of &lt;i&gt;E. coli&lt;/i&gt; &amp;#39;now&amp;#39; with a &lt; b and List&lt;int&gt;"
    body = f"<feed xmlns='http://www.w3.org/2005/Atom'><entry><title {kind}>{title}</title></entry></feed>"

    entry = parse_feed(body.encode()).entries[0]

    assert entry.title == "R&D of E. coli 'now' with a < b and List<int>"


def test_an_entry_is_dated_by_dcterms_issued():
    body = (
        "<rss xmlns:dcterms='http://purl.org/dc/terms/'><channel><item><title>x</title>"
        "<dcterms:issued>2026-06-10</dcterms:issued></item></channel></rss>"
    )

    assert parse_feed(body.encode()).entries[0].published_at == datetime(2026, 6, 10, tzinfo=UTC)


def test_the_address_of_an_atom_entry_without_links_is_its_id():
    body = "<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>{}</id><title>x</title></entry></feed>"

    for address, link in (("https://e.org/1", "https://e.org/1"), ("urn:1", "")):
        assert parse_feed(body.format(address).encode()).entries[0].link == link


def test_rss_10_keeps_its_items_beside_the_channel(feeds):
    feed = parse_feed(feeds["rss10"].encode())

    assert (feed.version, feed.title) == ("rss10", "Old")
    assert feed.published_at == datetime(2023, 11, 14, 1, 30, tzinfo=UTC)
    assert [(each.title, each.link, each.authors) for each in feed.entries] == [
        ("Waves", "https://e.org/1", ("Ada Bee",))
    ]


def test_rss_091_with_document_type_and_html_entities(feeds):
    feed = parse_feed(feeds["rss091"].encode())

    assert feed.version == "rss091"
    assert feed.entries[0].title == "Café …"


@pytest.mark.parametrize("prefix", ["content", "dc", "prism", "arxiv", "atom", "media"])
def test_a_feed_that_forgot_to_declare_a_prefix_is_read_whole_and_says_so(feeds, prefix):
    whole = parse_feed(feeds["rss20"].encode())
    body = re.sub(rf' xmlns:{prefix}="[^"]*"', "", feeds["rss20"])

    feed = parse_feed(body.encode())

    assert feed == replace(whole, problems=feed.problems)
    assert [place for place, _ in feed.problems] == (["feed"] if f"<{prefix}:" in body else [])


@pytest.mark.parametrize("words", [100, 4_500])
@pytest.mark.parametrize("end", ["</channel></rss>", ""])
def test_however_much_stands_under_such_a_prefix_no_entry_is_lost(words, end):
    text = "word " * words
    items = (
        f"<item x:y='z'><title>{n}</title><content:encoded><![CDATA[{text}]]></content:encoded></item>"
        for n in range(30)
    )

    feed = parse_feed(f"<rss><channel><title>x</title>{''.join(items)}{end}".encode())

    assert [each.title for each in feed.entries] == [str(n) for n in range(30)]
    assert all(each.content == text.strip() for each in feed.entries)
    assert [place for place, _ in feed.problems] == ["feed"]


def test_an_entry_within_a_text_is_no_entry_where_only_a_declaration_is_missing():
    text = "<![CDATA[<item><title>quoted</title></item>]]>"
    body = f"<rss><channel><item><title>x</title><content:encoded>{text}</content:encoded></item></channel></rss>"

    assert [each.title for each in parse_feed(body.encode()).entries] == ["x"]


def test_signs_in_a_text_declare_nothing_that_would_break_the_feed():
    text = "<![CDATA[<xml:a> <xmlns:b c:d='e'> <a²:b> <Ünder:x>]]>"
    body = f"<rss><channel><item><title>y</title><description>{text}</description><q:r/></item></channel></rss>"

    assert [each.title for each in parse_feed(body.encode()).entries] == ["y"]


def test_an_atom_entry_is_read_whole(feeds):
    feed = parse_feed(feeds["atom10"].encode())
    entry = feed.entries[0]

    assert (feed.version, feed.title, feed.language) == ("atom10", "Sea & Sky", "en")
    assert feed.built_at == datetime(2026, 6, 10, 4, tzinfo=UTC)
    assert (entry.id, entry.title) == ("urn:1", "Where a < b")
    assert entry.link == "https://e.org/base/papers/1"
    assert entry.authors == ("Ada Bee", "Cy Dee")
    assert entry.categories == ("cs.AI",)
    assert html_to_text(entry.content) == "Long & wide"
    assert entry.published_at == datetime(2026, 6, 8, 22, tzinfo=UTC)
    assert entry.updated_at == datetime(2026, 6, 10, tzinfo=UTC)
    assert [each.href for each in entry.links if each.rel == "related"] == ["https://e.org/1.pdf"]


@pytest.mark.parametrize(
    ("feed", "entry", "link", "address"),
    [
        ("https://e.org/a/", "", "", "https://e.org/a/1"),
        ("/a/", "", "", "https://feeds.org/a/1"),
        ("https://e.org/a/", "b/", "", "https://e.org/a/b/1"),
        ("https://e.org/a/", "/b/", "c/", "https://e.org/b/c/1"),
        ("", "", "https://e.org/c/", "https://e.org/c/1"),
        ("javascript:x", "", "", "https://feeds.org/1"),
    ],
)
def test_links_are_relative_to_the_bases_around_them(feed, entry, link, address):
    body = (
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:base="{feed}"><title>x</title>'
        f'<entry xml:base="{entry}"><title>y</title><link xml:base="{link}" href="1"/></entry></feed>'
    )

    assert parse_feed(body.encode(), url="https://feeds.org/atom").entries[0].link == address


def test_links_of_rss_are_relative_to_the_bases_around_them():
    body = (
        '<rss><channel xml:base="https://e.org/a/"><title>x</title><link>./</link>'
        '<item xml:base="b/"><title>y</title><link>1</link></item></channel></rss>'
    )

    feed = parse_feed(body.encode(), url="https://feeds.org/rss")

    assert (feed.link, feed.entries[0].link) == ("https://e.org/a/", "https://e.org/a/b/1")


def test_a_json_feed_is_read_whole_but_for_its_rubbish(feeds):
    feed = parse_feed(feeds["json11"].encode())

    assert (feed.version, feed.title, feed.hub) == ("json11", "Sea & Sky", "https://hub.e.org/")
    assert feed.problems == (("entry 3", "not an object but str"),)
    assert feed.entries[0].authors == ("Ada Bee", "Cy Dee")
    assert feed.entries[0].published_at == datetime(2026, 6, 9, 12, tzinfo=UTC)
    assert (feed.entries[1].id, feed.entries[1].link) == ("2", "https://e.org/2")
    assert html_to_text(feed.entries[1].content) == "p < 0.05"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "the answer is empty"),
        (b" \n ", "the answer is empty"),
        (b"<!DOCTYPE html><html><body>403</body></html>", 'a web page, not a feed: "403"'),
        (b'<?xml version="1.0"?><!-- x --><html/>', "a web page, not a feed"),
        (b"<opml><body/></opml>", "not a feed: the document is <opml>"),
        (b'<urlset xmlns="http://e.org/"><url/></urlset>', "not a feed: the document is <urlset>"),
        (b'{"items": 1}', "JSON, but not a JSON Feed: it has no list of items"),
        (b"Rate exceeded.", 'no feed: "Rate exceeded."'),
        (b"<br />\n<b>Fatal error</b>: Uncaught Error", 'no feed: "Fatal error: Uncaught Error"'),
        (b'<?xml version="1.0"?>', "no feed: Document is empty"),
        (b"<rss><channel><title>x</tit", "damaged XML with no readable entry: "),
    ],
)
def test_what_is_no_feed_is_refused_in_a_clear_sentence(body, sentence):
    with pytest.raises(ListingUnreadable) as caught:
        parse_feed(body, url="https://e.org/feed")

    assert str(caught.value).startswith(sentence)
    assert caught.value.subject == "https://e.org/feed"


def test_an_empty_feed_is_a_feed():
    assert parse_feed(b"<rss version='2.0'><channel><title>x</title></channel></rss>").entries == ()


def test_entries_beyond_the_cap_are_left_out_and_reported():
    body = (
        "<rss><channel>" + "<item><title>x</title></item>" * (MAX_ENTRIES + 1) + "</channel></rss>"
    )

    feed = parse_feed(body.encode())

    assert len(feed.entries) == MAX_ENTRIES
    assert feed.problems == (("feed", "5001 entries: only the first 5000 were read"),)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_read_or_refused(body):
    assert _read_or_refused(body)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutated_feeds_are_read_or_refused(feeds, data):
    body = data.draw(st.sampled_from(sorted(feeds.values()))).encode()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body)))
        cut = data.draw(st.integers(0, 40))
        junk = data.draw(
            st.sampled_from(
                [
                    b"",
                    b"<",
                    b"&",
                    b"\xff",
                    b"\0",
                    b"</item>",
                    b"<item>",
                    b"]]>",
                    b'"',
                    b"{",
                    b"<!--",
                ]
            )
        )
        body = body[:at] + junk + body[at + cut :]

    assert _read_or_refused(body)


def _read_or_refused(body):
    try:
        feed = parse_feed(body)
    except ListingUnreadable as error:
        return bool(str(error))
    assert all(each.link == "" or each.link.startswith("http") for each in feed.entries)
    return isinstance(feed, Feed)


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("arxiv_rss/2026-06-10-cs-ai.xml", 768),
        ("arxiv_rss/2026-06-14-cs-cl.xml", 0),
        ("arxiv_rss_edge/biggest_1101items_2026-05-13-cs-lg.xml", 1101),
        ("arxiv_rss_edge/max_authors_3435_2025-10-18-cs-ai.xml", 363),
        ("arxiv_rss_edge/weekday_holiday_2026-07-07-cs-ai.xml", 0),
        ("arxiv_rss_legacy/rss1.0_2023-11-15-cs-cl.xml", 100),
        ("arxiv_atom_feed/rss.arxiv.org_atom_cs.AI_2025-08-20_zotero-arxiv-daily.xml", 7),
    ],
)
def test_recorded_listings_have_every_entry(recordings, path, count):
    feed = parse_feed((recordings / path).read_bytes())

    assert len(feed.entries) == count
    assert feed.problems == ()
    assert feed.built_at is not None
    assert all(each.title and each.link and each.summary for each in feed.entries)


@pytest.mark.slow
def test_every_recorded_listing_has_the_ids_that_feedparser_finds(recordings):
    for folder in ("arxiv_rss", "arxiv_rss_edge", "arxiv_rss_legacy", "arxiv_atom_feed"):
        for path in sorted((recordings / folder).iterdir()):
            body = path.read_bytes()

            ours = [each.id or each.link for each in parse_feed(body).entries]
            theirs = [each.id for each in feedparser.parse(BytesIO(body)).entries]

            assert ours == theirs, path.name
