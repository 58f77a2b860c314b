"""Redirects followed by hand, hop by hop."""

from __future__ import annotations

import pytest

from digest.errors import FetchRefused
from digest.model import PollState


@pytest.mark.parametrize(
    ("status", "permanent"), [(301, True), (308, True), (302, False), (307, False)]
)
def test_only_permanent_redirects_are_reported_as_moves(site, get, status, permanent):
    site.serve("/old", status=status, location="/new")
    site.serve("/new", b"<rss/>")

    answer = get(site.url("/old"))

    assert answer.body == b"<rss/>"
    assert answer.url == site.url("/new")
    assert answer.moved_to == (site.url("/new") if permanent else "")


@pytest.mark.parametrize(
    ("first", "second", "moved"), [(301, 308, True), (301, 302, False), (302, 301, False)]
)
def test_a_chain_is_a_move_only_if_every_hop_is_permanent(site, get, first, second, moved):
    site.serve("/a", status=first, location="/b")
    site.serve("/b", status=second, location="/c")
    site.serve("/c")

    answer = get(site.url("/a"))

    assert (answer.url, answer.moved_to) == (site.url("/c"), site.url("/c") if moved else "")


def test_validators_survive_a_redirect_so_that_the_end_can_say_304(site, get):
    url = site.url("/a")
    site.serve("/a", status=301, location="/b")
    site.serve("/b", b"", status=304, length=False)

    answer = get(url, state=PollState(source="blog", url=url, etag='"1"'))

    assert (answer.status, answer.moved_to) == (304, site.url("/b"))


def test_a_stored_move_is_asked_in_place_of_the_old_address(site, get):
    url = site.url("/old")
    site.serve("/new")

    answer = get(url, state=PollState(source="blog", url=url, location=site.url("/new")))

    assert answer.url == site.url("/new")
    assert [seen.target for seen in site.seen] == ["/new"]


def test_a_page_is_asked_where_it_says_whatever_the_state_knows(site, get):
    site.serve("/page")
    url = site.url("/page")
    state = PollState(source="blog", url=url, etag='"1"', location=site.url("/elsewhere"))

    get(url, state=state, poll=False)

    assert site.seen[0].target == "/page"
    assert site.seen[0].get("If-None-Match") is None


def test_circles_are_refused(site, get):
    site.serve("/a", status=302, location="/b")
    site.serve("/b", status=302, location="/a")

    outcome = get(site.url("/a"))

    assert isinstance(outcome, FetchRefused)
    assert "circle" in str(outcome)
    assert len(site.seen) == 2


def test_endless_chains_end_after_five_hops(site, get):
    site.routes = {
        f"/{hop}": site.response(status=302, location=f"/{hop + 1}") for hop in range(50)
    }

    outcome = get(site.url("/0"))

    assert isinstance(outcome, FetchRefused)
    assert len(site.seen) == 6


def test_a_body_is_not_read_from_a_redirect(site, get):
    async def endless(_):
        yield b"HTTP/1.1 301 Moved\r\nLocation: /b\r\n\r\n"
        while True:
            yield bytes(65536)

    site.routes["/a"] = endless
    site.serve("/b")

    assert get(site.url("/a")).body == b"<rss/>"
