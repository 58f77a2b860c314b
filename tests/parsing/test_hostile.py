import codecs
import time

import pytest

from digest.errors import ListingUnreadable
from digest.parsing import parse_feed, xml_root
from digest.parsing.strict import KNOWN_ENCODINGS

GOOD = "<item><title>Good</title><link>https://e.org/good</link></item>"


def rss(items, prolog=""):
    return f"{prolog}<rss version='2.0'><channel><title>c</title>{items}</channel></rss>".encode()


def titles(body):
    return [each.title for each in parse_feed(body).entries]


@pytest.fixture(autouse=True)
def _in_bounded_time():
    started = time.process_time()
    yield
    assert time.process_time() - started < 8  # a fifth of that here; feedparser needs minutes


# --- entities -----------------------------------------------------------------------------------


def test_an_external_entity_is_never_resolved(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    prolog = f'<!DOCTYPE r [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'

    assert titles(rss("<item><title>a &x; b</title></item>", prolog)) == ["a &x; b"]


def test_billion_laughs_are_plain_text():
    entities = "".join(f'<!ENTITY l{i + 1} "{f"&l{i};" * 10}">' for i in range(9))
    prolog = f'<!DOCTYPE r [<!ENTITY l0 "lol">{entities}]>'

    assert titles(rss("<item><title>&l9;</title></item>", prolog)) == ["&l9;"]


def test_html_entities_that_xml_does_not_know_are_characters():
    assert titles(rss("<item><title>a&nbsp;b &eacute;&hellip; &lt;3</title></item>")) == [
        "a b é… <3"
    ]


# --- size ---------------------------------------------------------------------------------------


def test_twenty_thousand_attributes():
    attributes = " ".join(f"a{i}='1'" for i in range(20_000))

    assert titles(rss(f"<item {attributes}><title>x</title></item>")) == ["x"]
    assert titles(rss(f"<item><title {attributes}>x</item>{GOOD}")) == ["Good"]


def test_deep_nesting_loses_only_its_entry():
    assert titles(
        rss(f"<item><title>x</title><description>{'<div>' * 50_000}</description></item>{GOOD}")
    ) == ["Good"]


def test_a_huge_title_loses_only_its_entry():
    assert titles(rss(f"<item><title>{'x' * 11_000_000}</title></item>{GOOD}")) == ["Good"]


def test_only_so_many_damaged_entries_are_worth_the_effort():
    feed = parse_feed(rss("<item><title>Bad</title><b></item>" * 1_000 + GOOD))

    assert [each.title for each in feed.entries] == ["Bad"] * 200 + ["Good"]
    assert len(feed.problems) == 1 + 1_000


@pytest.mark.parametrize(
    "piece", ["<", "<!--", "<![CDATA[", "<!DOCTYPE a [", "<item ", "&", "<rss ", "[", '{"a":']
)
def test_endless_openings_are_refused(piece):
    with pytest.raises(ListingUnreadable):
        parse_feed(f"<rss><channel>&{piece * 50_000}".encode())
    with pytest.raises(ListingUnreadable):
        parse_feed((piece * 50_000).encode())


# --- bytes --------------------------------------------------------------------------------------


def test_control_characters_are_removed():
    assert titles(rss("<item><title>a\x00b\x0bc&#11;d&#0;</title></item>")) == ["abcd"]


def test_bare_ampersands_are_text():
    entry = parse_feed(
        rss("<item><title>AT&T R&D</title><link>https://e.org/?a=1&b=2</link></item>")
    ).entries[0]

    assert entry.title == "AT&T R&D"
    assert entry.link == "https://e.org/?a=1&b=2"


@pytest.mark.parametrize("declared", ["utf-8", "iso-8859-1", "windows-1252", "us-ascii"])
@pytest.mark.parametrize("real", ["utf-8", "windows-1252"])
def test_wrongly_declared_western_encodings_are_read_right(declared, real):
    body = rss("<item><title>café</title></item>", f'<?xml version="1.0" encoding="{declared}"?>')

    assert titles(body.decode().encode(real)) == ["café"]


@pytest.mark.parametrize(
    ("encoding", "text"), [("koi8-r", "волна"), ("utf-16", "波"), ("shift_jis", "波")]
)
def test_other_declared_encodings_are_believed(encoding, text):
    document = (
        f'<?xml version="1.0" encoding="{encoding}"?>'
        + rss(f"<item><title>{text}</title></item>").decode()
    )

    assert titles(document.encode(encoding)) == [text]


@pytest.mark.parametrize(
    "declared", ["utf-16", "gb2312", "windows-1251", "iso-8859-15", "Shift_JIS", "iso-2022-jp"]
)
@pytest.mark.parametrize("text", ["plain", "Müller, 朱镕基, волна"])
def test_utf_8_is_known_under_any_declaration(declared, text):
    prolog = f'<?xml version="1.0" encoding="{declared}"?>'

    assert titles(rss(f"<item><title>{text}</title></item>", prolog)) == [text]


@pytest.mark.parametrize(
    ("declared", "real", "text"),
    [
        ("gb2312", "gbk", "朱镕基与翀"),
        ("Shift_JIS", "cp932", "①髙橋"),
        ("x-sjis", "cp932", "①髙橋"),
        ("euc-kr", "cp949", "뷁 연구"),
        ("ks_c_5601-1987", "cp949", "뷁 연구"),
        ("Big5", "big5hkscs", "着研究"),
        ("iso-8859-9", "cp1254", "“ağ”"),
        ("iso-2022-jp", "iso-2022-jp", "波"),
        ("hz-gb-2312", "hz", "研究"),
    ],
)
def test_a_declared_encoding_stands_for_the_superset_that_is_meant(declared, real, text):
    prolog = f'<?xml version="1.0" encoding="{declared}"?>'
    body = rss(f"<item><title>{text}</title></item>", prolog).decode().encode(real)

    assert titles(body) == [text]


def test_wide_characters_without_a_byte_order_mark_are_read_as_the_answer_says():
    body = rss("<item><title>plain 波</title></item>").decode().encode("utf-16-be")

    assert parse_feed(body, media_type="text/xml; charset=utf-16be").entries[0].title == "plain 波"


def test_the_charset_of_the_answer_counts_where_the_document_declares_none():
    body = rss("<item><title>волна</title></item>").decode().encode("koi8-r")

    assert parse_feed(body, media_type="text/xml; charset=koi8-r").entries[0].title == "волна"


def test_an_encoding_that_the_web_does_not_know_is_not_tried():
    prolog = '<?xml version="1.0" encoding="punycode"?>'
    text = "a" * 1_000_000 + "-" + "b" * 50_000  # so much of punycode takes a minute

    said_within = rss(f"<item><title>é {text}</title></item>", prolog).decode().encode("latin-1")
    said_outside = rss(f"<item><title>é {text}</title></item>").decode().encode("latin-1")
    outside = parse_feed(said_outside, media_type="text/xml; charset=punycode")

    assert titles(said_within) == [each.title for each in outside.entries]
    assert titles(said_within)[0].startswith("é aaa")


def test_every_encoding_that_is_believed_is_pythons_name_of_it():
    assert {codecs.lookup(each).name for each in KNOWN_ENCODINGS} == KNOWN_ENCODINGS


# --- damage -------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["  \n", "\ufeff", "<!-- by a generator -->\n"])
def test_what_stands_before_the_declaration_does_no_harm(before):
    assert titles(f'{before}<?xml version="1.0"?>'.encode() + rss(GOOD)) == ["Good"]


def test_a_truncated_feed_keeps_its_entries_and_says_so():
    body = rss(GOOD + GOOD.replace("Good", "Second") + GOOD.replace("Good", "Third"))[:-60]

    feed = parse_feed(body)

    assert [each.title for each in feed.entries] == ["Good", "Second"]
    assert [place for place, _ in feed.problems] == ["feed", "entry 3"]
    assert feed.title == "c"


def test_a_cut_off_summary_is_marked_as_cut():
    body = rss(GOOD + "<item><title>Bad</title><description>Only the beginning</description><guid>")

    assert parse_feed(body[:-16]).entries[1].summary == "Only the beginning…"


def test_half_a_surrogate_pair_in_json_is_replaced():
    entry = parse_feed(
        b'{"items": [{"id": "\\ud800", "title": "a\\ud800b", "url": "https://e.org/\\ud800"}]}'
    ).entries[0]

    assert (entry.id, entry.link) == ("?", "https://e.org/?")


def test_a_damaged_entry_is_read_in_part_and_the_others_whole():
    feed = parse_feed(
        rss("<item><title>Bad</title><b><link>https://e.org/bad</link></item>" + GOOD)
    )

    assert [each.title for each in feed.entries] == ["Bad", "Good"]
    assert feed.problems[1] == ("entry 1", "damaged XML: read in part")


# --- text ---------------------------------------------------------------------------------------


def test_markup_in_titles_and_scripts_in_links_do_not_come_through():
    entry = parse_feed(
        rss(
            "<item><title>&lt;script&gt;alert(1)&lt;/script&gt;Hi&lt;img src=x onerror=alert(1)&gt;</title>"
            "<link>javascript:alert(1)</link><guid>data:text/html,x</guid></item>"
        )
    ).entries[0]

    assert entry.title == "Hi"
    assert entry.link == ""


def test_an_xml_document_of_another_kind_is_read_as_safely():
    root = xml_root(b"<!DOCTYPE a [<!ENTITY x 'y'>]><a><!-- c --><?p i?><b>&x;&eacute;&</b></a>")

    assert [(each.tag, each.text) for each in root] == [("b", "&x;é&")]
    with pytest.raises(ListingUnreadable, match="not well-formed XML"):
        xml_root(b"<a>", subject="https://e.org")
