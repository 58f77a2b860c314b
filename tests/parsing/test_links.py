import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.model import Link, LinkKind
from digest.parsing import find_links, safe_url


@pytest.mark.parametrize(
    "url", ["https://e.org/a?b=c#d", "http://e.org:8080/~x/(y)", "HTTPS://E.org/"]
)
def test_web_addresses_pass_as_they_are(url):
    assert safe_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", " java\nscript:alert(1)", "data:text/html,x", "file:///etc/passwd", "mailto:a@e.org",
        "//e.org/x", "e.org/x", "https://", "https:///x", "https://[::1", "http://e.org:99999/", "", "https://e.org/" + "x" * 3000,
    ],
)  # fmt: skip
def test_everything_else_is_nothing(url):
    assert safe_url(url) == ""


def test_control_and_invisible_characters_are_removed():
    assert safe_url("\n https://e.\u200borg/a\r\n\tb\x00\x85c\u202e \xa0") == "https://e.org/abc"


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://e.org/my paper.pdf", "https://e.org/my%20paper.pdf"),
        ("https://e.org/a\xa0b", "https://e.org/a%C2%A0b"),
        ("https://e.org/41:6<391::AID-ASI1>3.0.CO;2-9", "https://e.org/41:6%3C391::AID-ASI1%3E3.0.CO;2-9"),
        ('https://e.org/a"b?c=`{d|e}^\\#"', "https://e.org/a%22b?c=%60%7Bd%7Ce%7D%5E%5C#%22"),
        ("papers/my paper.pdf", "https://base.org/papers/my%20paper.pdf"),
    ],
)  # fmt: skip
def test_what_no_address_may_hold_is_percent_encoded_as_browsers_do(written, url):
    assert safe_url(written, base="https://base.org/feed") == url
    assert safe_url(url) == url


@pytest.mark.parametrize("host", ["a b", 'a"b', "a\\b", "u{@e.org", "a\xa0b", "a|b:80", "a<b>"])
def test_there_is_no_host_with_such_characters(host):
    assert safe_url(f"https://{host}/x", base="https://base.org/") == ""


def test_an_address_is_read_without_what_it_was_put_between():
    assert safe_url("<https://e.org/x>") == safe_url('"https://e.org/x"') == "https://e.org/x"


def test_an_address_that_encoding_makes_too_long_is_nothing():
    assert safe_url("https://e.org/a" + " " * 1_500 + "b") == ""


@given(st.text(max_size=30), st.sampled_from(["", "https://e.org/x"]))
def test_nothing_breaks_out_of_an_attribute_or_a_header(text, base):
    for url in (safe_url(text, base=base), safe_url(f"https://e.org/{text}", base=base)):
        assert not re.search('[\x00-\x20\x7f-\xa0"<>\\\\^`{|}\u2028\u2029\u202e]', url)
        assert safe_url(url) == url


def test_relative_addresses_are_taken_to_their_base():
    assert safe_url("/x/1", base="https://e.org/feed") == "https://e.org/x/1"
    assert safe_url("javascript:alert(1)", base="https://e.org/feed") == ""


def test_links_of_an_abstract_are_code_or_project():
    text = (
        "Code: https://github.com/x/y. Models at huggingface.co/x/z, (see https://x.github.io/page/), "
        r"\url{https://zenodo.org/record/1} and https://e.org/a_(b)."
    )

    assert find_links(text) == (
        Link(kind=LinkKind.CODE, url="https://github.com/x/y"),
        Link(kind=LinkKind.CODE, url="https://huggingface.co/x/z"),
        Link(kind=LinkKind.PROJECT, url="https://x.github.io/page/"),
        Link(kind=LinkKind.CODE, url="https://zenodo.org/record/1"),
        Link(kind=LinkKind.PROJECT, url="https://e.org/a_(b)"),
    )


def test_tex_braces_in_a_link_are_no_part_of_it():
    assert [each.url for each in find_links("at https://e.org/{A}b/{c}.")] == ["https://e.org/Ab/c"]


def test_a_link_is_named_once_and_not_too_many():
    assert len(find_links("https://github.com/x/y https://github.com/x/y.git github.com/x/y/")) == 1
    assert len(find_links(" ".join(f"https://e{i}.org/x" for i in range(9)))) == 5


def test_papers_licences_and_mail_hosts_are_no_projects():
    assert (
        find_links("https://arxiv.org/abs/2606.00001 https://doi.org/10.1/x me@github.com/x") == ()
    )


@given(
    st.lists(
        st.sampled_from(
            [
                "https://",
                "e.org",
                "/",
                "(",
                ")",
                "}",
                ".",
                "javascript:",
                " ",
                "[",
                "github.com/a",
                ":9",
            ]
        )
    ).map("".join)
)
def test_every_link_found_is_safe(text):
    assert all(safe_url(each.url) == each.url for each in find_links(text))
