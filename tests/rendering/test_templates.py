"""Inlining once says the same as inlining every mail; what would not is refused at compile time."""

from __future__ import annotations

import html
import shutil
from binascii import a2b_qp
from dataclasses import fields, replace
from textwrap import TextWrapper

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html as lxml_html

from digest.errors import ConfigError
from digest.rendering import compiled, templates
from digest.rendering.letters import compile_letters
from digest.rendering.mail import compile_mail
from digest.rendering.pieces import encode
from digest.rendering.views import LineView, LinkView, PaperView
from digest.resources import templates_dir

FOLDER = templates_dir() / "mail"
SHEET = (FOLDER / "mail.css").read_text()
SOURCE = (FOLDER / "digest.html").read_text()
# Line breaks would be words apart in one and joined in the other; braces are Jinja's.
WORDS = st.text(alphabet="abß漢<>&\"'/=;:%#- ", max_size=12)
URLS = st.text(alphabet="ab&;=#?/", max_size=12).map("https://example.org/".__add__)


def tree(node: lxml_html.HtmlElement) -> object:
    """What a browser would make of it: names, attributes, and words without white space."""
    style = sorted(each.strip() for each in node.get("style", "").split(";"))
    attributes = {name: value for name, value in node.items() if name != "style"}
    children = [(tree(child), "".join((child.tail or "").split())) for child in node]
    return node.tag, attributes, style, "".join((node.text or "").split()), children


def dom(text: str) -> object:
    parser = lxml_html.HTMLParser(remove_comments=True)
    return tree(lxml_html.document_fromstring(text, parser=parser))


def rendered(source: str, context: dict[str, object]) -> str:
    made = templates.environment(escape=True, sources={"part": source})
    return made.get_template("part").render(context)


def texts(name: str) -> st.SearchStrategy[str]:
    return st.one_of(st.just(""), URLS) if name == "url" or name.endswith("_url") else WORDS


link_views = st.builds(LinkView, name=WORDS, phrase=WORDS, url=URLS)
papers = st.builds(
    PaperView,
    links=st.lists(link_views, max_size=3).map(tuple),
    **{field.name: texts(field.name) for field in fields(PaperView) if field.name != "links"},
)
contexts = st.fixed_dictionaries(
    {
        **{name: texts(name) for name in compiled._SPECIMEN},
        "unsubscribe_mailto": URLS,
        "picks": st.lists(papers, max_size=3),
        "rest": st.lists(st.builds(LineView, title=WORDS, url=URLS), max_size=3),
    }
)


@settings(max_examples=12)
@given(contexts)
def test_inlining_the_template_is_inlining_every_mail(context):
    once = rendered(templates.inline(SOURCE, SHEET, name="digest.html"), context)
    each = templates.inline(rendered(SOURCE, context), SHEET, name="mail")

    assert dom(once) == dom(each)


def test_a_mail_joined_from_pieces_is_the_template_rendered_whole(edition):
    part = edition.templates.digest[0]
    papers, titles = compiled._PAPERS, compiled._TITLES
    values = compiled._SPECIMEN | {"imprint": "", "feed_url": "", "summary": "1 < 2"}

    whole = part.whole(values | {"picks": papers, "rest": titles})
    given = frozenset(["picks", "rest", *(name for name, value in values.items() if value)])
    joined = part.shell(given, values).fill(
        {
            **{name: encode(html.escape(value)) for name, value in values.items()},
            "picks": b"".join(part.block("paper", paper=each).fill({}) for each in papers),
            "rest": b"".join(part.block("line", paper=each).fill({}) for each in titles),
        }
    )

    assert a2b_qp(joined).decode().replace("\r\n", "\n") == whole


def test_css_is_in_the_elements_and_only_media_rules_stay_in_the_head():
    done = templates.inline(SOURCE, SHEET, name="digest.html")

    assert 'style="display:none"' in done
    head = done.partition("</head>")[0]
    assert "@media (prefers-color-scheme: dark)" in head
    assert "max-width:640px" not in head
    assert len(head) < templates.LARGEST_SHEET


def test_a_sheet_is_split_at_its_top_level_rules():
    plain, kept = templates.split_sheet(
        "/* no {braces} */ .a { color: red } @media (x) { .a { b: c } .d { e: f } } .g { h: i }"
    )

    assert plain == ".a { color: red }\n.g { h: i }"
    assert kept == "@media (x) { .a { b: c } .d { e: f } }"


@pytest.mark.parametrize(
    "broken",
    [
        '<a href="{{ paper.url }}">a</a>',
        "<p>{{ a if b < c else d }}</p>",
        "<p>{{ a & b }}</p>",
    ],
)
def test_a_template_that_inlining_would_change_is_refused(broken):
    with pytest.raises(ConfigError, match="inlining the CSS would change"):
        templates.inline(f"<html><head></head><body>{broken}</body></html>", "", name="x.html")


def test_a_stylesheet_elsewhere_is_never_fetched():
    source = (
        '<html><head><link rel="stylesheet" href="http://203.0.113.1/a.css"></head>'
        "<body><p>a</p></body></html>"
    )

    done = templates.inline(source, ".b { color: red }", name="x.html")

    assert "color:red" not in done


@pytest.fixture
def edited(tmp_path):
    """The templates in a folder of their own, with an edit in one of them."""

    def edit(name, old, new):
        folder = tmp_path / "mail"
        shutil.copytree(FOLDER, folder)
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))
        return folder

    return edit


def compiles(name):
    return compile_letters if name.startswith("letter") else compile_mail


@pytest.mark.parametrize(
    ("name", "old", "new", "complaint"),
    [
        ("digest.html", ' role="presentation"', "", "read out as data"),
        (
            "digest.html",
            "{{paper.answer_url}}/more",
            "{{paper.answer_url|upper}}/more",
            "digest.html.*a filter changes",
        ),
        ("digest.html", "{{ summary }}", "{{ sumary }}", "sumary"),
        ("digest.txt", "<!--% endblock %-->", "", "digest.txt"),
        ("digest.txt", "{{ signature }}", "{{ sign }}", "digest.txt.*'sign' is undefined"),
        ("digest.html", "<!--% if hidden %-->", "{% if hidden %}", "statements are written"),
        ("mail.css", "color: #5c574c", "color: #b0aca0", "contrast"),
        ("mail.css", "display: none;", "display: flex;", "not for mail"),
        ("mail.css", "padding: 0 !important", "padding: 0", "needs !important"),
        ("mail.css", ".head { padding: 26px", "td.head { padding: 26px", "single classes"),
        ("digest.html", "{{ site_name }}", "{{ site_name + 1 }}", r"digest\.html cannot be used: "),
        ("digest.txt", "{{ day }}", "{{ day // 2 }}", r"digest\.txt cannot be used: "),
        (
            "digest.html",
            "{{ paper.authors }}",
            "{{ paper.authors.surname() }}",
            r"digest\.html cannot be used: ",
        ),
        (
            "digest.txt",
            "{{ paper.authors | wrap(4) }}",
            "{{ paper.authors | wrap('four') }}",
            r"digest\.txt cannot be used: ",
        ),
        ("letter.html", "{{ title }}", "{{ title + 1 }}", r"letter\.html cannot be used: "),
        ("letter.txt", "{{ title | wrap }}", "{{ title / 0 }}", r"letter\.txt cannot be used: "),
    ],
)
def test_a_bad_edit_stops_at_compile_time_with_a_word_on_why(
    edited, site, topics, name, old, new, complaint
):
    folder = edited(name, old, new)

    with pytest.raises(ConfigError, match=complaint):
        compiles(name)(site, topics, folder=folder)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("digest.html", "{{ day }}", "{{ day.index('?') }}"),
        ("digest.html", "{{ paper.authors }}", "{{ paper.authors.index('?') }}"),
        ("digest.txt", "{{ summary }}", "{{ summary.index('?') }}"),
        ("digest.txt", "{{ day }}", "{{ [].pop() }}"),
        ("letter.html", "{{ title }}", "{{ title.index('?') }}"),
        ("letter.txt", "{{ title | wrap }}", "{{ {}.popitem() }}"),
    ],
)
def test_whatever_a_template_raises_when_it_is_tried_is_said_of_its_file(
    edited, site, topics, name, old, new
):
    folder = edited(name, old, new)

    with pytest.raises(ConfigError, match=rf"{name} cannot be used: \w+Error: ") as caught:
        compiles(name)(site, topics, folder=folder)

    assert caught.value.subject == str(folder / name)


def test_what_a_template_raises_for_one_paper_stops_no_other_mail(edited, site, topics):
    folder = edited("digest.txt", "{{ paper.title", "{{ paper.title.index('e') }}{{ paper.title")
    _, text = compile_mail(site, topics, folder=folder).digest
    paper = compiled._specimen_paper(1)

    with pytest.raises(ValueError, match="substring not found"):
        text.block("paper", paper=replace(paper, title="检索增强"))

    assert text.block("paper", paper=paper)


def test_a_name_that_only_some_papers_lack_is_a_fault_of_the_template(edited, site, topics):
    wrong = "<!--% if paper.title == 'Other' %-->{{ paper.titel }}<!--% endif %-->{{ paper.title"
    folder = edited("digest.txt", "{{ paper.title", wrong)
    _, text = compile_mail(site, topics, folder=folder).digest

    with pytest.raises(ConfigError, match=r"digest\.txt cannot be used: .*titel"):
        text.block("paper", paper=replace(compiled._specimen_paper(1), title="Other"))


IMAGE = '<img src="https://example.org/a.png">'


@pytest.mark.parametrize(
    ("name", "old", "new", "complaint"),
    [
        ("digest.html", "To stop, reply", "{{ site_nmae }}, reply", "digest.html.*'site_nmae'"),
        ("digest.html", "To stop, reply", f"{IMAGE}Reply", "an image without alt"),
        ("digest.html", ">send us an", " style='font-size:9px'>send us an", "smaller than 14px"),
        ("digest.html", "<!--% else %-->{{ paper.title }}", "<!--% else %-->{{ paper.titel }}", "titel"),
        ("digest.html", "<!--% else %-->{{ hidden }}", "<!--% else %-->{{ hiden }}", "hiden"),
        ("digest.html", '<p class="small">{{ because_you', f"<!--% if not rest %-->{IMAGE}<!--% endif %-->{{{{ because_you", "without alt"),
        ("digest.txt", "To stop, reply", "{{ sitename }}, reply", "digest.txt.*'sitename'"),
        ("digest.txt", "<!--% if paper.authors %-->", "<!--% if not paper.authors %-->{{ paper.auhtors }}<!--% elif paper.authors %-->", "auhtors"),
        ("digest.html", "{{ paper.number }}</span>", "{{ loop.index }}</span>", "digest.html.*'loop'"),
        ("digest.txt", "{{ paper.label }}", "{{ site_name }} {{ paper.label }}", "digest.txt.*'site_name'"),
        ("digest.html", "<!--% block paper scoped %-->", "{{ paper.title }}<!--% block paper scoped %-->", "digest.html.*'title'"),
        ("digest.html", "{{ day }}", "{{ day | upper }}", "digest.html.*a filter changes"),
        ("digest.txt", "{{ paper.reason }}", "{{ paper.reason | upper }}", "digest.txt.*a filter changes"),
        ("digest.txt", "{{ paper.label }}", "{{ paper.label | upper }}", "digest.txt.*a filter changes"),
        ("letter.html", "<!--% else %-->{{ site_name", "<!--% else %-->{{ sitename", "'sitename'"),
        ("letter.html", "<!--% if lines %-->", f"<!--% if not url %-->{IMAGE}<!--% endif %--><!--% if lines %-->", "without alt"),
        ("letter.txt", "<!--% if lines %-->", "<!--% if not notes %-->{{ nots }}<!--% endif %--><!--% if lines %-->", "letter.txt.*'nots'"),
    ],
)  # fmt: skip
def test_what_only_some_mails_and_letters_say_is_checked_before_any_is_sent(
    edited, site, topics, name, old, new, complaint
):
    folder = edited(name, old, new)

    with pytest.raises(ConfigError, match=complaint):
        compiles(name)(replace(site, url=""), topics, folder=folder)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("digest.html", "{{ site_name }}", "{{ site_name|upper }}"),
        ("digest.txt", "{{ signature }}", "{{ signature|upper }}"),
        ("digest.html", "&middot; {{ imprint }}", "&middot; {{ imprint|upper }}"),
        ("digest.html", '<html lang="en" dir="ltr">', '<html lang="{{ lang }}" dir="{{ dir }}">'),
        ("letter.html", '<html lang="en" dir="ltr">', '<html lang="{{ lang }}" dir="{{ dir }}">'),
        ("digest.html", "{{ because_you }}", '<a class="link" href="{{home_url}}">{{ site_name }}</a>'),
        ("digest.html", "{{ because_you }}", '<a class="link" href="{{full_url}}">{{ day }}</a>'),
        ("digest.html", "{{ because_you }}", '<a class="link" href="{{preferences_url}}">Change it</a>'),
        ("digest.html", '<!--% if paper.url %--><a class="to" href="{{paper.url}}">{{ paper.title }}</a><!--% else %-->{{ paper.title }}<!--% endif %-->', '<a class="to" href="{{paper.url}}">{{ paper.title }}</a>'),
        ("digest.html", '<!--% if paper.url %--><a class="to" dir="auto" href="{{paper.url}}">{{ paper.title }}</a><!--% else %-->{{ paper.title }}<!--% endif %-->', '<a class="to" href="{{paper.url}}">{{ paper.title }}</a>'),
        ("letter.txt", "in lines %-->", "in lines + lines[:0] + [] %-->"),
        ("digest.txt", "in paper.voices %-->", "in paper.voices + () %-->"),
        ("letter.html", '<h1 class="asks">', '<p><a class="link" href="{{home_url}}">{{ site_name }}</a></p><h1 class="asks">'),
    ],
)  # fmt: skip
def test_an_edit_that_suits_every_mail_of_this_site_is_taken(edited, site, topics, name, old, new):
    folder = edited(name, old, new)

    assert compile_mail(site, topics, folder=folder).site is site
    assert compile_letters(site, topics, folder=folder).site is site


@pytest.mark.parametrize("address", ["home_url", "full_url", "feed_url"])
def test_a_site_that_is_not_on_the_web_links_to_none_of_its_pages(edited, site, topics, address):
    link = f'<a class="link" href="{{{{{address}}}}}">Here</a>'
    folder = edited("digest.html", "{{ because_you }}", link)

    with pytest.raises(ConfigError, match="a link to nowhere"):
        compile_mail(replace(site, url=""), topics, folder=folder)


def test_a_fault_of_many_kinds_of_mail_is_told_once(edited, site, topics):
    folder = edited("digest.html", '<p class="small">{{ because_you', f"{IMAGE}<p>{{{{ because_you")

    with pytest.raises(ConfigError) as caught:
        compile_mail(site, topics, folder=folder)

    assert caught.value.message.count("an image without alt") == 1


def test_what_may_be_missing_is_missing_alone_with_all_else_and_with_nothing_else():
    assert ["".join(sorted(each)) for each in templates.lacks((("a",), ("b", "c")))] == [
        "",
        "abc",
        "a",
        "bc",
        "bc",
        "a",
    ]


def test_a_missing_template_is_named(tmp_path, site, topics):
    with pytest.raises(ConfigError, match=r"mail\.css"):
        compile_mail(site, topics, folder=tmp_path)


@given(
    st.lists(st.text(alphabet="ab-éж", min_size=1, max_size=90), max_size=40).map(" ".join),
    st.integers(0, 8),
)
def test_words_wrap_as_the_standard_library_wraps_them(text, indent):
    whole = TextWrapper(
        width=templates.COLUMNS,
        initial_indent=" " * indent,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )

    assert templates.wrap(text, indent) == whole.fill(text).lstrip()


def test_words_wrap_at_72_columns_and_addresses_stay_whole():
    url = "https://example.org/" + "x" * 80

    wrapped = templates.wrap(f"{'word ' * 20}{url}", 4)

    lines = wrapped.splitlines()
    assert lines[-1].strip() == url
    assert all(len(line) <= 72 for line in lines[:-1])
    assert all(line.startswith("    w") for line in lines[1:-1])
