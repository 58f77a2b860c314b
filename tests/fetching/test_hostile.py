"""Servers that mean harm: none may hold us, fill us, or use us against others."""

from __future__ import annotations

import asyncio
import gzip
import time
import zlib
from datetime import UTC, datetime

import pytest

from digest.errors import FetchFailed, FetchRefused
from digest.fetching.guard import resolve
from digest.model import Answer, PollState, Request

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)
MIB = 1 << 20


# --- addresses ---


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "0x7f.1",
        "2130706433",
        "0177.0.0.1",
        "0",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
    ],
)
def test_no_spelling_of_a_private_address_gets_a_connection(site, get, host):
    outcome = get(site.url(host=host), allow_private=False, find=resolve)

    assert isinstance(outcome, FetchRefused)
    assert site.seen == []


def test_a_redirect_to_a_private_address_is_refused_when_the_connection_is_made(site, make_fetcher):
    asked = []

    async def names(host, port):
        asked.append(host)
        return ["10.0.0.1", "fd00::1"] if host == "inside.test" else ["127.0.0.1"]

    site.serve("/feed", status=302, location="http://inside.test/admin")
    fetcher = make_fetcher(allow_private=False, find=names)
    request = Request(source="blog", url="http://inside.test/feed")
    state = PollState(source="blog", url=request.url)

    [outcome] = fetcher.fetch([(request, state)], NOW)

    assert isinstance(outcome, FetchRefused)
    assert asked == ["inside.test"]
    assert site.seen == []


def test_a_name_is_resolved_once_and_that_very_address_is_asked(site, get):
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])

    async def rebinding(host, port):
        return next(answers)

    site.serve()

    assert isinstance(get(site.url(host="rebind.test"), find=rebinding), Answer)
    assert next(answers) == ["10.0.0.1"]
    assert site.seen[0].get("Host") == f"rebind.test:{site.port}"


@pytest.mark.parametrize("addresses", [["127.0.0.2", "127.0.0.1"], ["127.0.0.1", "127.0.0.2"]])
def test_a_dead_address_does_not_hide_a_live_one(site, get, addresses):
    async def two(host, port):
        return addresses

    site.serve()

    assert isinstance(get(site.url(host="two.test"), find=two), Answer)


def test_proxies_named_in_the_environment_are_not_used(site, get, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    site.serve()

    assert isinstance(get(site.url()), Answer)


def test_a_login_in_netrc_is_never_given(site, get, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hunter2")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    site.serve()

    get(site.url())

    assert site.seen[0].get("Authorization") is None


# --- TLS ---


def test_a_trusted_server_is_read_over_tls(secure_site, get, trusting):
    secure_site.serve()

    answer = get(secure_site.url(host="secure.test", scheme="https"), tls=trusting)

    assert answer.body == b"<rss/>"


def test_an_untrusted_certificate_is_a_failure(secure_site, get):
    failed = get(secure_site.url(host="secure.test", scheme="https"), tls=None)

    assert isinstance(failed, FetchFailed)
    assert "certificate verify failed" in str(failed)
    assert secure_site.seen == []


def test_a_certificate_for_another_name_is_a_failure(secure_site, get, trusting):
    failed = get(secure_site.url(host="other.test", scheme="https"), tls=trusting)

    assert isinstance(failed, FetchFailed)
    assert "other.test" in str(failed)


def test_https_is_never_given_up_for_http(site, secure_site, get, trusting):
    site.serve("/plain")
    secure_site.serve("/feed", status=301, location=site.url("/plain"))

    outcome = get(secure_site.url(host="secure.test", scheme="https"), tls=trusting)

    assert isinstance(outcome, FetchRefused)
    assert "https to http" in str(outcome)
    assert site.seen == []


# --- time ---


async def drip(_):
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    while True:
        yield b"x"
        await asyncio.sleep(0.05)


async def drip_headers(_):
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        yield b"X-More: y\r\n"
        await asyncio.sleep(0.05)


async def silence(_):
    await asyncio.sleep(60)
    yield b""


async def hints_for_ever(_):
    while True:
        yield b"HTTP/1.1 103 Early Hints\r\n\r\n"
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("tarpit", [drip, drip_headers, silence, hints_for_ever])
def test_a_tarpit_is_left_when_the_time_is_up(site, get, tarpit):
    site.routes["/feed"] = tarpit
    began = time.monotonic()

    failed = get(site.url(), timeout=0.1)

    assert isinstance(failed, FetchFailed)
    assert "within 0.1 seconds" in str(failed)
    assert time.monotonic() - began < 2


def test_the_deadline_is_for_all_redirects_together(site, get):
    def slowly(hop):
        async def answer(_):
            await asyncio.sleep(0.08)
            yield site.response(status=302, location=f"/{hop + 1}")

        return answer

    site.routes = {f"/{hop}": slowly(hop) for hop in range(6)}

    failed = get(site.url("/0"), timeout=0.2)

    assert isinstance(failed, FetchFailed)
    assert len(site.seen) <= 3


def test_a_tarpit_does_not_delay_other_hosts(site, make_fetcher):
    site.routes["/drip"] = drip
    site.serve("/feed")
    urls = [site.url("/drip", host="slow.test"), site.url("/feed", host="quick.test")]
    batch = [(Request(source="b", url=url), PollState(source="b", url=url)) for url in urls]

    slow, quick = make_fetcher(timeout=0.25).fetch(batch, NOW)

    assert isinstance(slow, FetchFailed)
    assert isinstance(quick, Answer)


def test_an_error_page_that_drips_does_not_hide_the_error(site, get, monkeypatch):
    async def slow_error(_):
        yield b"HTTP/1.1 503 Busy\r\nRetry-After: 600\r\nContent-Length: 999\r\n\r\n<p>Busy"
        await asyncio.sleep(60)

    monkeypatch.setattr("digest.fetching.exchange.ERROR_PAGE_SECONDS", 0.1)
    site.routes["/feed"] = slow_error

    failed = get(site.url())

    assert failed.status == 503
    assert failed.retry_after == pytest.approx(600, abs=2)
    assert 'said "Busy"' in str(failed)


# --- size ---


def test_a_gzip_bomb_is_refused(site, get):
    site.serve(body=gzip.compress(bytes(4 * MIB)), content_encoding="gzip")

    outcome = get(site.url())

    assert isinstance(outcome, FetchRefused)
    assert "bombs" in str(outcome)


def test_a_deflate_bomb_is_refused_although_deflate_was_not_asked_for(site, get):
    site.serve(body=zlib.compress(bytes(4 * MIB)), content_encoding="deflate")

    assert isinstance(get(site.url()), FetchRefused)


def test_brotli_that_was_not_asked_for_is_refused_unread(site, get):
    site.serve(body=b"\x5b\xff\xff\x3f", content_encoding="br")

    outcome = get(site.url())

    assert isinstance(outcome, FetchRefused)
    assert "not asked for" in str(outcome)


def test_a_body_announced_too_large_is_not_read(site, get):
    site.routes["/feed"] = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"

    outcome = get(site.url())

    assert isinstance(outcome, FetchRefused)
    assert "8 MiB on the wire" in str(outcome)


def test_a_body_that_never_ends_is_broken_off(site, get):
    async def endless(_):
        yield b"HTTP/1.1 200 OK\r\n\r\n"
        while True:
            yield bytes(65536)

    site.routes["/feed"] = endless

    outcome = get(site.url(), max_wire=MIB)

    assert isinstance(outcome, FetchRefused)
    assert "1 MiB on the wire" in str(outcome)


def test_an_error_page_that_never_ends_is_still_an_error(site, get):
    async def endless(_):
        yield b"HTTP/1.1 404 Nope\r\n\r\n<p>Nothing "
        while True:
            yield b"here " * 10_000

    site.routes["/feed"] = endless

    failed = get(site.url())

    assert failed.status == 404
    assert 'said "Nothing here here' in str(failed)


@pytest.mark.parametrize(("size", "outcome"), [(40_000, FetchRefused), (400_000, FetchFailed)])
def test_oversized_headers_are_not_taken(site, get, size, outcome):
    site.serve(x_padding="x" * size)

    assert isinstance(get(site.url()), outcome)


# --- broken ---


CUT = {
    "chunked": b"Transfer-Encoding: chunked\r\n\r\n6\r\n<rss/>\r\n",
    "announced": b"Content-Length: 100\r\n\r\n<rss/>",
    "gzip": b"Content-Encoding: gzip\r\nContent-Length: 100\r\n\r\n"
    + gzip.compress(b"<rss/>")[:-4],
}


@pytest.mark.parametrize("cut", CUT.values(), ids=CUT)
def test_of_a_poll_that_broke_off_what_came_is_handed_on_and_not_taken_for_whole(site, get, cut):
    site.routes["/feed"] = b"HTTP/1.1 200 OK\r\n" + cut

    answer = get(site.url())

    assert answer.body == b"<rss/>"
    assert " broke off (" in answer.broke_off
    assert "asked again later" in answer.broke_off


@pytest.mark.parametrize("cut", CUT.values(), ids=CUT)
def test_a_page_of_something_larger_that_broke_off_is_a_failure(site, get, cut):
    site.routes["/feed"] = b"HTTP/1.1 200 OK\r\n" + cut

    assert isinstance(get(site.url(), poll=False), FetchFailed)


def test_a_poll_of_which_nothing_came_is_a_failure(site, get):
    site.routes["/feed"] = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"

    assert isinstance(get(site.url()), FetchFailed)


def test_a_gzip_body_cut_short_is_not_taken_for_whole(site, get):
    site.serve(body=gzip.compress(b"<rss/>")[:-4], content_encoding="gzip")

    assert isinstance(get(site.url()), FetchFailed)


@pytest.mark.parametrize(
    "rubbish",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        bytes(range(256)),
    ],
)
def test_what_is_not_http_is_a_failure_in_one_clean_sentence(site, get, rubbish):
    site.routes["/feed"] = rubbish

    failed = get(site.url())

    assert isinstance(failed, FetchFailed)
    assert str(failed).isprintable()
    assert len(str(failed)) < 400
    assert "bytearray" not in str(failed)


def test_a_reset_connection_is_a_failure(site, get):
    def reset(_):
        raise ConnectionResetError

    async def half(_):
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<rss"
        raise ConnectionResetError

    site.routes["/at-once"], site.routes["/half"] = reset, half

    at_once, half_way = get(site.url("/at-once")), get(site.url("/half"))

    assert isinstance(at_once, FetchFailed)
    assert "reset by peer" in str(at_once)
    # What came may be lost with the connection, or have been read before.
    assert "reset by peer" in (
        half_way.broke_off if isinstance(half_way, Answer) else str(half_way)
    )
