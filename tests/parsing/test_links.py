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


def test_control_characters_spaces_and_quotes_are_removed():
    assert safe_url(' https://e.org/a\n b"<c>\u202e') == "https://e.org/abc"


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
