"""The pages that links in mails lead to."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from digest.model import Site
from digest.rendering import links, pages
from digest.resources import templates_dir


@pytest.fixture
def context(papers, digest, subscriber, topics, because):
    some = list(papers.values())
    picks = [
        (number, pick, papers[pick.paper_id], because(pick))
        for number, pick in enumerate(digest.picks, 1)
    ]
    rest = [papers[each] for each in digest.rest]
    return {
        "message": {"title": "Noted", "text": "More like it will come."},
        "unsubscribe": {"email": "ada@example.com", "active": True},
        "confirm": {"email": "ada@example.com"},
        "feedback": {"paper": some[9], "more": False},
        "paper": {"paper": some[1], "similar": some[2:6]},
        "index": {"topics": list(topics.values())},
        "digest": {"digest": digest, "subscriber": subscriber, "picks": picks, "rest": rest},
    }


@pytest.fixture(params=pages.NAMES)
def name(request):
    return request.param


def test_every_template_is_a_page_we_know():
    files = {path.stem for path in (templates_dir() / "page").glob("*.html")}

    assert files - {"base", "parts"} == set(pages.NAMES)


def test_every_page_is_plain_and_asks_nothing_of_anyone_else(site, context, name):
    html = pages.page(name, site=site, **context[name])

    assert html.startswith('<!DOCTYPE html>\n<html lang="en" dir="ltr">')
    assert html.count("<h1") == 1
    assert len(re.findall("<title>[^<]+</title>", html)) == 1
    assert "<script" not in html
    assert not re.findall(r'<(?:img|iframe|link rel="stylesheet")|url\(|@import|src=', html)


def test_every_page_works_without_a_site_address(context, name):
    assert "<h1" in pages.page(name, site=Site(), **context[name])


@pytest.mark.parametrize("name", ["unsubscribe", "confirm", "feedback"])
def test_what_changes_anything_is_a_button_that_posts_to_the_same_address(site, context, name):
    html = pages.page(name, site=site, **context[name])

    assert html.count('<form method="post">') == 1
    assert html.count("<button") == 1


def test_nothing_to_unsubscribe_shows_no_button(site):
    html = pages.page("unsubscribe", site=site, email="ada@example.com", active=False)

    assert "<button" not in html


def test_the_whole_digest_has_every_pick_every_title_and_links_to_answer(
    site, context, digest, subscriber, papers
):
    html = pages.page("digest", site=site, **context["digest"])

    assert html.count("<article>") == len(digest.picks)
    assert html.count("<li>") == len(digest.rest)
    assert all(f'href="{paper.url}"' in html for paper in papers.values())
    answer = links.digest(site, subscriber, digest.edition)
    assert f'href="{answer}/10/less"' in html
    assert "liked “Owls by Day”." in html


def test_an_empty_digest_says_why(site, context, digest):
    empty = context["digest"] | {"picks": [], "rest": [], "digest": replace(digest, picks=())}

    assert "<h2>" in pages.page("digest", site=site, **empty)


def test_a_papers_page_has_its_abstract_all_its_authors_and_those_like_it(site, context, papers):
    html = pages.page("paper", site=site, **context["paper"])

    assert "Search engines answer best" in html
    assert html.count("Kim Oh") == 6
    assert 'href="https://digest.example.org/papers/arxiv:2606.00003"' in html
    assert "When Is α &lt; β &amp; γ &gt; 0?" in html


def test_the_front_page_links_every_topics_feeds(site, context):
    html = pages.page("index", site=site, **context["index"])

    for kind in ("atom", "rss", "json"):
        assert f'href="https://digest.example.org/feeds/cs.IR.{kind}"' in html
    assert "Retrieval &amp; Search" in html
    local = pages.page("index", site=Site(), **context["index"])
    assert 'href="/feeds/cs.IR.atom"' in local


def test_category_codes_get_names_when_topics_are_given(site, context, topics):
    html = pages.page("paper", site=site, names=topics, **context["paper"])

    assert "Information Retrieval (cs.IR)" in html


@given(st.text(), st.text())
def test_no_text_becomes_markup(title, text):
    html = pages.page("message", site=Site(), title=f"<i>{title}", text=f"<i>{text}")

    assert "<i>" not in html
    assert not {each for each in html if ord(each) < 32} - {"\n"}


def test_a_forgotten_value_is_an_error_and_not_a_gap(site):
    with pytest.raises(UndefinedError):
        pages.page("message", site=site, title="Only a title")
