"""The frame of all pages, and what templates may and may not do."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from digest.model import Site
from digest.rendering import pages
from digest.resources import templates_dir

MESSAGE = {"title": "Noted", "text": "More like it will come."}
NOT_PAGES = {"base", "parts"}


def templates():
    folder = templates_dir() / "page"
    return sorted(path.stem for path in folder.glob("*.html") if path.stem not in NOT_PAGES)


@pytest.mark.parametrize("name", templates())
def test_no_template_has_a_style_a_script_or_anyone_elses_address_in_it(name):
    source = (templates_dir() / "page" / f"{name}.html").read_text(encoding="utf-8")

    assert not re.search(r"<style|\sstyle=|<script>|\son\w+=|\|\s*safe\b|javascript:", source)
    fetched = re.findall(r'(?:src|action)="([^"{]*)', source)
    assert not [each for each in fetched if each.startswith(("http", "//"))]


def test_the_frame_has_landmarks_a_way_around_and_the_operators_imprint():
    site = Site(name="Lab Digest", url="https://digest.example", imprint="1 Example Street")

    html = pages.page("message", site=site, **MESSAGE)

    assert html.startswith('<!DOCTYPE html>\n<html lang="en" dir="ltr">')
    assert "<title>Noted · Lab Digest</title>" in html
    assert 'href="#main">Skip to the content</a>' in html
    assert '<main id="main"' in html
    assert 'role="search" action="/search"' in html
    for path in ("/topics", "/trending", "/search", "/subscribe", "/about", "/privacy", "/help"):
        assert f'href="{path}"' in html
    assert "1 Example Street" in html


def test_a_site_below_a_path_links_below_it():
    site = Site(url="https://lab.example/digest")

    html = pages.page("message", site=site, **MESSAGE, canonical="/about")

    local = re.findall(r'(?:href|action)="(/[^"]*)"', html)
    assert local
    assert all(each.startswith("/digest/") for each in local)
    assert '<link rel="canonical" href="https://lab.example/digest/about">' in html


def test_where_one_is_is_said():
    html = pages.page("message", site=Site(), **MESSAGE, here="topics")

    assert '<a href="/topics" aria-current="page">' in html
    assert html.count("aria-current") == 1


def test_feeds_are_named_in_all_formats():
    feeds = pages.feed_links("cs.IR", "Retrieval & Search")

    html = pages.page("message", site=Site(), **MESSAGE, feeds=feeds)

    assert (
        '<link rel="alternate" type="application/atom+xml" '
        'title="Retrieval &amp; Search (Atom)" href="/feeds/cs.IR.atom">'
    ) in html
    assert html.count('rel="alternate"') == 3


def test_the_feed_of_a_search_has_its_query():
    (feed,) = pages.search_feed({"q": '"a b" & c', "topic": "cs.IR"})

    assert feed.path == "/search.atom?q=%22a+b%22+%26+c&topic=cs.IR"
    assert feed.title == 'Search: "a b" & c, cs.IR'


@given(st.text(), st.text())
def test_no_text_becomes_markup(title, text):
    html = pages.page("message", site=Site(), title=f"<i>{title}", text=f"<i>{text}")

    assert "<i>" not in html
    assert not {each for each in html if ord(each) < 32} - {"\n"}


def test_a_forgotten_value_is_an_error_and_not_a_gap(site):
    with pytest.raises(UndefinedError):
        pages.page("message", site=site, title="Only a title")
