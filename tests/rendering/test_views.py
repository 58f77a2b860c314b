"""What readers see of a paper."""

from __future__ import annotations

from dataclasses import replace

import pytest

from digest.model import Link, LinkKind, Paper, Site
from digest.rendering.views import LONGEST_TITLE, authors_line, paper_view


@pytest.mark.parametrize(
    ("authors", "line"),
    [
        ((), ""),
        (("Ada",), "Ada"),
        (("Ada", "Bo"), "Ada and Bo"),
        (("A", "B", "C", "D", "E", "F"), "A, B, C, D, E and F"),
        (("A", "B", "C", "D", "E", "F", "G"), "A, B, C, D, E and 2 more"),
        (("A", " ", "\0"), "A"),
    ],
)
def test_authors_are_named_up_to_five_and_then_counted(authors, line):
    assert authors_line(authors) == line


def test_categories_have_names_where_they_are_known(site, topics):
    paper = Paper(id="x:1", title="T", categories=("cs.IR", "q-bio.NC"))

    view = paper_view(paper, site=site, topics=topics, upvotes=1)

    assert view.field == "Information Retrieval (cs.IR) · q-bio.NC · 1 upvote"


def test_an_address_is_linked_once_and_the_similar_papers_come_last(site, topics):
    url = "https://example.org/1"
    paper = Paper(
        id="doi:10.1/a b",
        title="T",
        url=url,
        links=(
            Link(kind=LinkKind.ABSTRACT, url=url),
            Link(kind=LinkKind.PDF, url="ftp://example.org/1.pdf"),
            Link(kind=LinkKind.PDF, url="https://example.org/1.pdf"),
            Link(kind=LinkKind.DISCUSSION, url=url),
        ),
    )

    view = paper_view(paper, site=site, topics=topics)

    assert [(link.name, link.url) for link in view.links] == [
        ("Abstract", url),
        ("PDF", "https://example.org/1.pdf"),
        ("Similar papers", "https://digest.example.org/papers/doi:10.1/a%20b"),
    ]


def test_a_paper_without_anything_still_has_a_title(topics):
    view = paper_view(Paper(id="x:1", title="\0 "), site=Site(), topics=topics)

    assert (view.title, view.url, view.links, view.field) == ("Untitled", "", (), "")


def test_titles_are_clipped_and_control_characters_go(site, topics):
    paper = Paper(id="x:1", title="a\x08b " + "word " * 200, abstract="c\x1bd")

    view = paper_view(paper, site=site, topics=topics)

    assert len(view.title) <= LONGEST_TITLE
    assert len(view.short_title) <= 60
    assert not {"\x08", "\x1b"} & set(view.title + view.abstract)


def test_the_published_page_of_a_paper_comes_before_our_own(site, topics):
    paper = Paper(id="x:1", title="T")

    assert (
        paper_view(paper, site=site, topics=topics).url == "https://digest.example.org/papers/x:1"
    )
    with_link = replace(paper, links=(Link(kind=LinkKind.ABSTRACT, url="https://a.example/"),))
    assert paper_view(with_link, site=site, topics=topics).url == "https://a.example/"
