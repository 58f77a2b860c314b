import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.text import html_to_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two &amp; three</p>", "one two & three"),
        ("line<br>break <b>bold</b> <a href='https://e.org?a>b'>link</a>", "line break bold link"),
        (
            "<jats:title>Abstract</jats:title><jats:p>CO<jats:sub>2</jats:sub></jats:p>",
            "Abstract CO2",
        ),
        ("&lt;p&gt;escaped&lt;/p&gt; &amp;eacute;", "escaped é"),
        ("&amp;lt;p&amp;gt;twice&amp;lt;/p&amp;gt;", "twice"),
        ("<![CDATA[<i>kept</i>]]>", "kept"),
        ("a<!-- no -->b", "ab"),
    ],
)
def test_markup_becomes_plain_text(html, text):
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    "text",
    [
        "p<0.05 and n>3",
        "x<y and z>w",
        "List<String>",
        "AT&T R&D",
        "a &copy2 b",
        "$a<b$",
        "<!-- open",
    ],
)
def test_what_is_no_markup_stays(text):
    assert html_to_text(text) == text


def test_scripts_and_styles_go_with_their_content():
    assert (
        html_to_text("<script>alert(1)</script><style>p{}</style>ok<img src=x onerror=alert(1)>")
        == "ok"
    )


def test_half_a_surrogate_pair_is_dropped():
    assert html_to_text("<p>a\ud800b</p>") == "ab"


def test_nested_blocks_cost_no_quadratic_time():
    assert html_to_text("<div>" * 40_000 + "deep") == "deep"


@given(
    st.lists(
        st.sampled_from(["<", ">", "&", "p", "/", "!--", "-->", " ", "lt;", "script", "é", "="])
    ).map("".join)
)
def test_no_html_whatever_raises(s):
    assert "\n" not in html_to_text(s)
