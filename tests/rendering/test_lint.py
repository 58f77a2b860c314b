"""Each rule finds its fault."""

from __future__ import annotations

import pytest

from digest.rendering.lint import contrast, faults_of_sheet, lint

GOOD = (
    '<html lang="en" dir="ltr"><head><meta name="color-scheme" content="light dark">'
    "<title>T</title></head><body>"
    '<div lang="en" dir="ltr" style="color:#111111;background-color:#eeeeee;font-size:16px">'
    '<table role="presentation"><tr><td><h1>One</h1><h2>Two</h2>'
    '<a href="https://a.example/" style="color:#003366">A</a></td></tr></table>'
    "</div></body></html>"
)


def test_a_sound_mail_has_no_findings():
    assert lint(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        (' role="presentation"', "", "read out as data"),
        ('<html lang="en"', "<html", "<html> needs lang and dir"),
        ('<div lang="en" dir="ltr"', '<div lang="en"', "<div> needs lang and dir"),
        ("<title>T</title>", "", "no title"),
        ("<h1>One</h1>", "", "one h1"),
        ("<h2>Two</h2>", "<h3>Two</h3>", "skipped"),
        ("<h2>Two</h2>", '<h2>Two</h2><img src="x">', "without alt"),
        ("<h2>Two</h2>", "<section>Two</section>", "<section> is not for mail"),
        ("<h2>Two</h2>", '<h2 onclick="x()">Two</h2>', "event handler"),
        (">A</a>", "></a>", "a link without text"),
        ("</td>", '<a href="https://b.example/">A</a></td>', "two links are called “A”"),
        ('href="https://a.example/"', "", "a link to nowhere"),
        ("color:#003366", "color:#bbbbbb", "contrast 1."),
        ("color:#003366", "color:blue", "write color as #rrggbb"),
        ("font-size:16px", "font-size:12px", "smaller than 14px"),
        ("color:#003366", "color:#003366;position:absolute", "do not know position"),
        ("color:#003366", "color:#003366;display:grid", "display: grid is not for mail"),
        ("color:#003366", "color:#003366;width:calc(1px + 1px)", "is not for mail"),
        ("color-scheme", "x", "no color-scheme"),
        ("</table>", "", "closes what is not open"),
    ],
)
def test_a_fault_is_found(old, new, finding):
    found = lint(GOOD.replace(old, new, 1))

    assert any(finding in each for each in found), found


def test_dark_colours_are_checked_too():
    dark = (
        "<style>@media (prefers-color-scheme: dark) "
        "{ .x { background-color: #222222 !important; } }</style></head>"
    )
    html = GOOD.replace("</head>", dark).replace("<div ", '<div class="x" ')

    assert any(each.partition(": ")[2].startswith("dark: “One”") for each in lint(html))


def test_a_label_tells_links_of_the_same_text_apart():
    two = (
        '<a href="https://b.example/" aria-label="PDF of 1">PDF</a>'
        '<a href="https://c.example/" aria-label="PDF of 2">PDF</a></td>'
    )

    assert lint(GOOD.replace("</td>", two)) == []


def test_rules_in_the_head_must_win_and_match_by_class():
    assert faults_of_sheet("@media (x) { .a { color: #111111 !important; } }") == []
    assert faults_of_sheet("@media (x) { .a { color: #111111; } }") == [
        ".a: color needs !important"
    ]
    assert faults_of_sheet("@media (x) { .a:first-child { margin: 0 !important; } }") == [
        ".a:first-child: selectors in the head are single classes"
    ]


def test_contrast_is_that_of_the_guidelines():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
