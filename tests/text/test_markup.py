import re

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


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("10<sup>15</sup> W at 10<sup>&minus;3</sup> Pa", "10¹⁵ W at 10⁻³ Pa"),
        ("10<jats:sup><jats:italic>n</jats:italic>+1</jats:sup> x<sup>a/2</sup>", "10ⁿ⁺¹ x^(a/2)"),
        ("the 21<sup>st</sup> Pentium<sup>®</sup>, as shown<sup>1,2</sup>", "the 21st Pentium®, as shown1,2"),
    ],
)  # fmt: skip
def test_what_is_raised_stays_raised_unless_it_is_a_word_a_mark_or_a_reference(html, text):
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    ("jats", "text"),
    [
        ("<italic>k</italic>-<bold>NN</bold> <xref rid='r1'>[1]</xref>", "k-NN [1]"),
        ("<inline-formula><tex-math>x_i</tex-math></inline-formula>-ray", "$x_i$-ray"),
        ("4<tex-math notation='LaTeX'>$\\times$</tex-math> <inline-graphic href='a.gif'/>", "4$\\times$"),
        ("<tex-math>$x$</tex-math><alternatives><mml:math>x</mml:math></alternatives>-ray", "x-ray"),
        (
            "<jats:tex-math>\\documentclass{minimal}$$x$$</jats:tex-math><mml:math>x</mml:math>-ray",
            "x-ray",
        ),
    ],
)  # fmt: skip
def test_a_formula_in_tex_and_mathml_is_read_once(jats, text):
    assert html_to_text(jats) == text


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("<mi>α</mi>", "α"),
        ("<msup><mn>10</mn><mrow><mo>−</mo><mn>6</mn></mrow></msup>", "10⁻⁶"),
        ("<msup><mi>e</mi><mrow><mi>x</mi><mo>/</mo><mn>2</mn></mrow></msup>", "e^(x/2)"),
        ("<msubsup><mi>H</mi><mn>2</mn><mo>+</mo></msubsup>", "H₂⁺"),
        ("<mfrac><mn>1</mn><mrow><mn>2</mn><mi>x</mi></mrow></mfrac> <mi>ħ</mi>", "1/2xħ"),
        ("<msqrt><mi>s</mi></msqrt><mo>=</mo><mn>13</mn><mtext> TeV</mtext>", "√s=13 TeV"),
        ("<mover><mi>B</mi><mo>¯</mo></mover>", "B̄"),
        ("<mmultiscripts><mi>Pb</mi><mprescripts/><none/><mn>208</mn></mmultiscripts>", "²⁰⁸Pb"),
        ("<mi>a</mi><mo>&lt;</mo><mi>b</mi>", "a<b"),
        ("<semantics><mi>x</mi><annotation encoding='TeX'>\\x</annotation></semantics>", "x"),
        ("<msup><mi>x</mi>", "x"),
        ("<mrow>" * 9_000 + "x", "x"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "mml:"])
def test_formulas_keep_their_text_and_their_scripts(formula, text, prefix):
    inside = re.sub("(</?)m", rf"\1{prefix}m", formula)

    assert html_to_text(f"On <{prefix}math>{inside}</{prefix}math>-rays") == f"On {text}-rays"


@pytest.mark.parametrize("html", ["A <math> x", "A <mi>x</mi>", "A &lt;math&gt;x&lt;/math&gt;"])
def test_formulas_that_are_not_whole_keep_their_text(html):
    assert html_to_text(html) == "A x"


def test_scripts_and_styles_go_with_their_content():
    assert (
        html_to_text("<script>alert(1)</script><style>p{}</style>ok<img src=x onerror=alert(1)>")
        == "ok"
    )


def test_half_a_surrogate_pair_is_dropped():
    assert html_to_text("<p>a\ud800b</p>") == "ab"


def test_nested_blocks_cost_no_quadratic_time():
    assert html_to_text("<div>" * 40_000 + "deep") == "deep"


MARKS = (" ", "<", ">", "&", "p", "/", "!--", "-->", "lt;", "script", "é", "=", "<math>", "</math>", "<msup>", "<mi>")  # fmt: skip


@given(st.lists(st.sampled_from(MARKS)).map("".join))
def test_no_html_whatever_raises(s):
    assert "\n" not in html_to_text(s)
