"""Mail of any quality becomes something that can be read."""

import quopri
import time
from base64 import b64encode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.inbound import read
from digest.text import clean

MULTIPART = "multipart/alternative; boundary=here"


def parts(*each):
    return "\n".join([*(f"--here\n{part}" for part in each), "--here--", ""])


def test_a_plain_mail_is_read_whole(mail):
    found = read(
        mail("more 2 5\n\n> quoted\n", subject="Re: 8 papers", in_reply_to="<one@papers.example>")
    )
    assert found.sender == "ada@example.org"
    assert found.to == ("help@papers.example",)
    assert found.subject == "Re: 8 papers"
    assert found.lines == ("more 2 5",)
    assert found.references == ("<one@papers.example>",)


def test_the_nearest_mail_it_answers_comes_first(mail):
    found = read(mail(references="<a@x.example> <b@x.example>", in_reply_to="<b@x.example>"))
    assert found.references == ("<b@x.example>", "<a@x.example>")


@pytest.mark.parametrize("charset", ["punycode", "idna", "undefined", "zip", "x" * 300])
def test_a_charset_that_cannot_be_is_no_reason_to_fail(charset):
    raw = f"From: a@b.example\nContent-Type: text/plain; charset={charset}\n\n".encode()
    assert read(raw + "größer".encode()).lines == ("größer",)


@pytest.mark.parametrize(
    ("encoded", "said"),
    [
        ("=?utf-8?Q?Abbestellen_f=C3=BCr_immer?=", "Abbestellen für immer"),
        ("=?iso-8859-1?B?6XTp?=", "été"),
        ("=?utf-8?B?bm90IGJhc2U2NA=", "=?utf-8?B?bm90IGJhc2U2NA="),
        ("=?klingon?Q?Qapla=27?=", "Qapla'"),
        ("folded\r\n over lines", "folded over lines"),
    ],
)
def test_subjects_are_decoded_as_far_as_they_can_be(mail, encoded, said):
    assert read(mail(subject=encoded)).subject == said


@pytest.mark.parametrize(
    ("charset", "octets", "said"),
    [
        ("utf-8", "grüße".encode(), "grüße"),
        ("iso-8859-1", "grüße".encode("latin-1"), "grüße"),
        ("utf-8", "grüße".encode("latin-1"), "grüße"),
        ("no-such-charset", "grüße".encode(), "grüße"),
        ("punycode", b"gre-zka", "gre-zka"),
        ("koi8-r", "поиск".encode("koi8-r"), "поиск"),
        ("iso-2022-jp", "検索".encode("iso-2022-jp"), "検索"),
        ("gb2312", "检索镕".encode("gbk"), "检索镕"),
        ("ks_c_5601-1987", "검색".encode("cp949"), "검색"),
        ("Shift_JIS", "①検索".encode("cp932"), "①検索"),
    ],
)
def test_bodies_are_decoded_whatever_they_say_of_themselves(mail, charset, octets, said):
    head = mail(content_type=f"text/plain; charset={charset}")
    assert read(head + octets).lines == (said,)


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [("base64", b64encode), ("quoted-printable", quopri.encodestring), ("8bit", bytes)],
)
def test_transfer_encodings_are_undone(mail, encoding, encode):
    head = mail(content_transfer_encoding=encoding)
    assert read(head + encode("pause für 2 weeks\r\n".encode())).lines == ("pause für 2 weeks",)


def test_plain_text_is_taken_before_html(mail):
    body = parts("Content-Type: text/plain\n\nless 3", "Content-Type: text/html\n\n<p>more 3</p>")
    assert read(mail(body, content_type=MULTIPART)).lines == ("less 3",)


@pytest.mark.parametrize(
    ("html", "lines"),
    [
        (
            "<p class=MsoNormal>keywords: maps<o:p></o:p></p><p><o:p>&nbsp;</o:p></p>",
            ["keywords: maps"],
        ),
        ('pause until <st1:date Year="2026">24 December</st1:date>', ["pause until 24 December"]),
        ("<p><![if !supportLists]>1. <![endif]>more 2</p>", ["1. more 2"]),
        (
            "<!--[if gte mso 9]><p>stop</p><xml><w:Zoom>0</w:Zoom></xml><![endif]--><p>more 2</p>",
            ["more 2"],
        ),
        ("<!--[if !mso]><!--><p>more 2</p><!--<![endif]-->", ["more 2"]),
        ("<xml><o:Pixels>96</o:Pixels></xml><p>more 2</p>", ["more 2"]),
        ('<?xml:namespace prefix="o" /><u5:p></u5:p><x-sigsep>more 2</x-sigsep>', ["more 2"]),
        ('<a title="a > b" href="x">more</a> 2', ["more 2"]),
        ("<style\ttype='x'>p {}</style><p>more 2", ["more 2"]),
        ("<head><title>stop</title><body>more 2", ["more 2"]),
        ("<head><title>stop</title></head>more 2", ["more 2"]),
        ("<center>more 2</center><section>less 3</section>", ["more 2", "less 3"]),
        ("<table><tr><td>more</td><td>2</td></tr></table>", ["more 2"]),
        ("keywords: 10<sup>6</sup> &lt;p&gt; tags, a &lt; b", ["keywords: 10⁶ tags, a < b"]),
        ("<pre style='x'>\nmore 2\nless\n 3\n-- \nstop</pre>", ["more 2", "less", "3"]),
        ("<p>more\n2</p><PRE>less 3\n&gt; stop</PRE><p>save\n1", ["more 2", "less 3", "save 1"]),
    ],
)
def test_what_mail_programs_put_into_html_is_not_read(mail, html, lines):
    assert [each for each in read(mail(html, content_type="text/html")).lines if each] == lines


def test_a_mail_of_html_alone_becomes_lines_without_its_quotes(mail):
    html = (
        "<html><head><style>p { color: red }</style><title>no</title></head><body>"
        "<div>more&nbsp;2</div><p>weekly</p><blockquote>unsubscribe<blockquote>stop</blockquote>"
        "stop</blockquote></body></html>"
    )
    assert [each for each in read(mail(html, content_type="text/html")).lines if each] == [
        "more 2",
        "weekly",
    ]


def test_attached_files_and_mails_are_not_what_was_typed(mail):
    body = parts(
        "Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nstop",
        "Content-Type: message/rfc822\n\nSubject: x\n\nunsubscribe",
        "Content-Type: text/plain\n\nhelp",
    )
    assert read(mail(body, content_type="multipart/mixed; boundary=here")).lines == ("help",)


@pytest.mark.parametrize(
    ("field", "sender"),
    [
        ("Ada <ada@Example.ORG>", "ada@example.org"),
        ("ada@example.org (eve@evil.example)", "ada@example.org"),
        ('"ada@example.org" <eve@evil.example>', "eve@evil.example"),
        ("ada@example.org <eve@evil.example>", "eve@evil.example"),
        ('"a\\" <ada@example.org>" <eve@evil.example>', "eve@evil.example"),
        ("ada@example.org, eve@evil.example", ""),
        ("<ada@example.org> <eve@evil.example>", ""),
        ("friends: ada@example.org;", ""),
        ("(ada@example.org", ""),
        ('"ada@example.org', ""),
        ("=?utf-8?Q?ada=40example=2Eorg?= <eve@evil.example>", "eve@evil.example"),
        ("Ada <ada@[192.0.2.1]>", ""),
        ("nobody", ""),
        ("Ada <ada@example.org\r\n >", "ada@example.org"),
    ],
)
def test_the_sender_is_one_address_or_none(mail, field, sender):
    assert read(mail(**{"from": field})).sender == sender


def test_a_mail_from_two_has_no_sender(mail):
    raw = mail(top=[("From", "eve@evil.example")])
    assert read(raw).sender == ""


def test_two_copies_of_a_mail_have_one_key_and_other_mails_another(mail):
    here = mail("weekly", message_id="<same@example.org>")
    there = b"Received: from elsewhere\r\n" + here
    assert read(here).key == read(there).key
    assert read(here).key != read(mail("daily", message_id="<same@example.org>")).key


@pytest.mark.parametrize(
    "slow",
    [
        "Content-Type: multipart/mixed; boundary=b{}\r\n\r\n--b{}\r\n" * 5_000,
        "Content-Type: message/rfc822\r\n\r\n" * 20_000,
        'Content-Type: text/plain; x="' + ";" * 900_000 + '"\r\n\r\n',
        "Subject: " + "=?utf-8?Q?a?= " * 60_000 + "\r\n\r\n",
        "From: " + "(" * 900_000 + "\r\n\r\n",
        "To: " + "a@b.example," * 70_000 + "\r\n\r\n",
        "Content-Type: text/html\r\n\r\n" + "<style><blockquote>" * 50_000,
        "Content-Type: text/html\r\n\r\n" + "<!--" * 50_000,
        "Content-Type: text/html\r\n\r\n" + "<a \"<b '" * 25_000,
        "Content-Type: text/html\r\n\r\n" + "<pre>\n" * 25_000,
        "Content-Type: text/plain; charset=punycode\r\n\r\n" + "a" * 900_000,
        "\r\n" + "On " * 300_000,
        "\r\n" + "\n" * 900_000,
    ],
    ids=[
        "multiparts",
        "mails",
        "parameter",
        "words",
        "comments",
        "to",
        "html",
        "comments of html",
        "quotes",
        "pre",
        "puny",
        "on",
        "nl",
    ],
)
def test_mail_built_to_be_slow_is_read_quickly(slow):
    start = time.process_time()
    read(slow.encode())
    assert time.process_time() - start < 3


@given(st.binary(max_size=2_000))
@example(b"")
@example(b"Content-Type: multipart/mixed\r\n\r\n")
@example(b"Content-Type: text/plain; charset*=x''%\r\n\r\nx")
@example(b"Content-Transfer-Encoding: uuencode\r\n\r\nbegin 666 x\r\n")
def test_any_bytes_are_read(raw):
    found = read(raw)
    assert found.raw == raw
    assert found.key


FIELDS = st.sampled_from(
    ["From", "To", "Subject", "Content-Type", "Message-ID", "Return-Path", "References"]
)
JUNK = st.text(st.characters(blacklist_characters="\r\n", blacklist_categories=["Cs"]), max_size=80)


@given(st.lists(st.tuples(FIELDS, JUNK), max_size=8), st.binary(max_size=300), st.data())
def test_any_header_is_read_and_its_values_are_safe_to_show(header, body, data):
    raw = "\r\n".join(f"{name}: {value}" for name, value in header).encode() + b"\r\n\r\n" + body
    cut = data.draw(st.integers(0, len(raw)))
    found = read(raw[:cut] + data.draw(st.binary(max_size=5)) + raw[cut:])
    assert found.sender.count("@") in (0, 1)
    assert all(clean(each) == each for each in (found.subject, *found.lines))
