"""Forms are sent as politely and safely as everything else is asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest

from digest.errors import FetchFailed, FetchRefused

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)
FIELDS = [("hub.mode", "publish"), ("hub.url", "https://a.example/ä?b&c"), ("hub.url", "x")]


@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_form_arrives_as_it_was_given(site, make_fetcher, status):
    site.serve("/hub", b"", status=status, length=False, connection="close")

    make_fetcher().post_form(site.url("/hub"), FIELDS, NOW)

    (seen,) = site.seen
    assert seen.method == "POST"
    assert seen.get("Content-Type") == "application/x-www-form-urlencoded"
    assert parse_qsl(seen.body.decode()) == FIELDS
    assert "@" in seen.get("User-Agent") or "://" in seen.get("User-Agent")
    assert seen.all("Content-Length") == [str(len(seen.body))]


@pytest.mark.parametrize("status", [301, 307, 308, 400, 403, 410, 429, 500, 503])
def test_every_other_answer_is_a_failure_that_says_what_came(site, make_fetcher, status):
    site.serve("/hub", b"no such topic", status=status, location="/other")
    site.serve("/other", b"")

    with pytest.raises((FetchFailed, FetchRefused)) as failed:
        make_fetcher().post_form(site.url("/hub"), FIELDS, NOW)

    assert str(status) in failed.value.message
    assert [each.target for each in site.seen] == ["/hub"]


def test_a_hub_that_asks_for_time_has_said_how_much(site, make_fetcher):
    site.serve("/hub", b"", status=429, retry_after="120")
    with pytest.raises(FetchFailed) as failed:
        make_fetcher().post_form(site.url("/hub"), FIELDS, NOW)
    assert failed.value.retry_after >= 120


def test_a_private_address_is_never_written_to(site, make_fetcher):
    with pytest.raises(FetchRefused):
        make_fetcher(allow_private=False).post_form(site.url("/hub"), FIELDS, NOW)
    with pytest.raises(FetchRefused):
        make_fetcher().post_form("file:///etc/passwd", FIELDS, NOW)
    assert site.seen == []


def test_a_hub_that_does_not_answer_is_not_waited_for_for_ever(site, make_fetcher):
    async def silence(_request):
        import asyncio

        await asyncio.sleep(60)
        yield b""

    site.routes["/hub"] = silence
    with pytest.raises(FetchFailed, match="did not answer"):
        make_fetcher(timeout=0.2).post_form(site.url("/hub"), FIELDS, NOW)
