"""What readers see of a paper."""

from __future__ import annotations

from dataclasses import replace

import pytest

from digest.model import Link, LinkKind, Paper, Site
from digest.rendering.views import (
    LONGEST_TITLE,
    authors_line,
    card_view,
    licence_of,
    paper_view,
    root,
)


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


def test_a_papers_page_is_below_the_sites_own_path(topics):
    site = Site(url="https://lab.example/digest")
    paper = Paper(id="arxiv:math.GT/0309136", title="T", categories=("biorxiv:x y",))

    view = card_view(paper, site=site, topics=topics)

    assert root(site) == "/digest"
    assert view.path == "/digest/papers/arxiv:math.GT/0309136"
    assert view.chips[0].path == "/digest/topics/biorxiv-x-y"


def test_pages_show_codes_votes_and_how_the_abstract_begins(site, topics):
    paper = Paper(id="x:1", title="T", categories=("cs.IR",), abstract="Owls. " * 200)

    view = card_view(paper, site=site, topics=topics, upvotes=-3)

    assert (view.chips[0].code, view.chips[0].name) == ("cs.IR", "Information Retrieval")
    assert view.votes == 0
    assert len(view.teaser) < len(view.abstract)


@pytest.mark.parametrize(
    ("licence", "name", "linked"),
    [
        ("http://creativecommons.org/licenses/by/4.0/", "CC BY 4.0", True),
        ("https://creativecommons.org/licenses/by-nc-nd/4.0/", "CC BY-NC-ND 4.0", True),
        ("http://creativecommons.org/publicdomain/zero/1.0/", "CC0 1.0", True),
        ("http://arxiv.org/licenses/nonexclusive-distrib/1.0/", "arXiv, non-exclusive", True),
        ("cc_by", "cc_by", False),
        ("", "", False),
    ],
)
def test_licences_are_called_by_their_short_names(licence, name, linked):
    told, url = licence_of(Paper(id="x:1", title="T", licence=licence))

    assert told == name
    assert bool(url) is linked
