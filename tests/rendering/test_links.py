"""Addresses of our own, and what we make of other people's."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest import tokens
from digest.model import Site
from digest.rendering import links


@pytest.mark.parametrize(
    ("make", "path", "scope"),
    [
        (links.unsubscribe, "/u/", links.UNSUBSCRIBE),
        (links.confirm, "/c/", links.CONFIRM),
        (links.personal_feed, "/feeds/mine/", links.FEED),
    ],
)
def test_a_signed_address_holds_for_its_own_scope_only(site, subscriber, make, path, scope):
    url = make(site, subscriber)

    token = url.removeprefix(site.url + path).removesuffix(".atom")
    named = tokens.read(token)
    assert tokens.holds(named, subscriber.key, scope)
    others = {links.DIGEST, links.UNSUBSCRIBE, links.CONFIRM, links.FEED} - {scope}
    assert not any(tokens.holds(named, subscriber.key, other) for other in others)


def test_without_a_site_there_are_no_addresses(subscriber):
    nowhere = Site()

    made = links.personal(nowhere, subscriber, "2026-06-10")

    assert set(made) == {""}
    assert links.paper(nowhere, "arxiv:1") == ""
    assert links.home(nowhere) == ""


def test_an_address_to_write_to_needs_a_domain_whose_mail_comes_in(site, subscriber):
    for make in (links.reply_to, links.bounces_to):
        assert make(site, subscriber, "letter") == ""


@pytest.mark.parametrize(
    ("make", "box", "scope"),
    [(links.reply_to, "reply", links.REPLY), (links.bounces_to, "bounce", links.BOUNCE)],
)
def test_an_address_to_write_to_holds_for_its_own_purpose_and_fits_any_server(
    site, subscriber, make, box, scope
):
    person = replace(subscriber, id="s_0123456789abcdef0123")
    address = make(replace(site, inbound_domain="in.example.org"), person, "20260610")

    local, _, domain = address.partition("@")
    named = tokens.read(local.removeprefix(f"{box}+"))
    assert domain == "in.example.org"
    assert address == address.lower()
    assert len(local) <= 64
    assert tokens.holds_tag(named, person.key, scope)
    assert not tokens.holds_tag(named, person.key, links.REPLY if box == "bounce" else links.BOUNCE)


def test_a_mailbox_for_unsubscribing_that_is_set_wins_over_ours(site, subscriber):
    ours = replace(site, inbound_domain="in.example.org", unsubscribe_to="")

    assert links.unsubscribe_mailto(ours, subscriber).startswith(
        "mailto:unsubscribe@in.example.org?"
    )
    assert links.unsubscribe_mailto(replace(site, inbound_domain="in.example.org"), subscriber) == (
        links.unsubscribe_mailto(site, subscriber)
    )


@given(st.text(min_size=1))
def test_any_paper_id_comes_back_from_its_address(paper_id):
    url = links.paper(Site(url="https://x.example"), paper_id.encode(errors="ignore").decode())

    path = url.removeprefix("https://x.example/papers/")
    assert unquote(path) == paper_id
    assert path.isascii()
    assert not set(path) & set(' "<>?#\\')


@pytest.mark.parametrize(
    ("topic", "slug"),
    [
        ("cs.LG", "cs.LG"),
        ("retrieval", "retrieval"),
        ("Graph Nets / X", "Graph-Nets-X"),
        ("漢", "topic"),
    ],
)
def test_topics_have_plain_names_in_addresses(topic, slug):
    assert links.slug(topic) == slug


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        ("https://example.org/a?b=c&d=e#f", "https://example.org/a?b=c&d=e#f"),
        (" https://example.org/ ", "https://example.org/"),
        ('https://example.org/"><script>', "https://example.org/%22%3E%3Cscript%3E"),
        ("https://example.org/\r\nBcc: x", "https://example.org/%0D%0ABcc:%20x"),
        ("https://example.org/é", "https://example.org/%C3%A9"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//example.org/", ""),
        ("https://", ""),
        ("https://[half", ""),
        ("https://example.org/" + "x" * 3000, ""),
        ("", ""),
    ],
)
def test_an_outside_link_is_plain_http_or_nothing(given, printed):
    assert links.safe(given) == printed


@given(st.text())
def test_no_outside_link_can_break_out_of_where_it_stands(text):
    printed = links.safe(f"https://example.org/{text}")

    assert printed.isascii()
    assert not set(printed) & set(' \t\r\n\0"<>\\`')


@pytest.mark.parametrize(
    ("contact", "address"),
    [
        ("ask@example.org", "mailto:ask@example.org"),
        ("https://example.org/help", "https://example.org/help"),
        ("Room 12", "https://digest.example.org/"),
    ],
)
def test_help_is_at_the_contact_if_it_can_be_linked(site, contact, address):
    assert links.help_address(replace(site, contact=contact)) == address
