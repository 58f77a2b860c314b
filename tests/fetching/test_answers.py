"""What replies mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import FetchFailed, FetchRefused
from digest.fetching.answers import MAX_EXCERPT, Reply, excerpt, failure, headers_of, next_url

URL = "https://example.org/a/feed?key=secret"

ATOM_ERROR = b"""<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>Query: key=secret</title>
<entry><title>Error</title><summary>malformed id
  &lt;1234&gt;</summary></entry></feed>"""


def redirect(location, *, url=URL, status=301):
    return Reply(url=url, status=status, headers={"location": location} if location else {})


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("https://other.org/feed", "https://other.org/feed"),
        ("/b", "https://example.org/b"),
        ("b", "https://example.org/a/b"),
        ("//other.org/b", "https://other.org/b"),
        ("/b#part", "https://example.org/b"),
        ("/b\u00c3\u00bc", "https://example.org/b%C3%BC"),
    ],
)
def test_a_redirect_leads_on(location, target):
    assert next_url(redirect(location)) == target


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://example.org/",
        "javascript:alert(1)",
        "https://user:pass@example.org/",
        "https://example.org:99999/",
        "https://[::1/",
        "http://example.org/plain",
    ],
)
def test_a_redirect_to_a_bad_address_or_away_from_https_is_refused(location):
    with pytest.raises(FetchRefused):
        next_url(redirect(location))


def test_a_redirect_from_http_to_https_is_welcome():
    assert next_url(redirect("https://example.org/", url="http://example.org/")).startswith("https")


def test_a_redirect_to_nowhere_is_a_failure():
    with pytest.raises(FetchFailed, match="without saying where"):
        next_url(redirect(""))


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (204, "check the address"),
        (304, "not asked for"),
        (400, "check the query"),
        (401, "login"),
        (403, "refused"),
        (404, "nothing is there"),
        (408, "again later"),
        (418, "check the address"),
        (429, "left alone"),
        (500, "fault is on its side"),
        (503, "fault is on its side"),
        (999, "fault is on its side"),
    ],
)
def test_every_failure_names_the_url_without_its_query_and_what_to_do(status, advice):
    failed = failure(Reply(url=URL, status=status))

    assert isinstance(failed, FetchFailed)
    assert failed.status == status
    assert advice in str(failed)
    assert "https://example.org/a/feed" in str(failed)
    assert "secret" not in str(failed) + failed.subject


def test_gone_is_final_and_says_so():
    failed = failure(Reply(url=URL, status=410))

    assert isinstance(failed, FetchRefused)
    assert failed.gone
    assert "new address" in str(failed)


def test_an_atom_error_entry_is_quoted_without_the_query():
    failed = failure(Reply(url=URL, status=400, body=ATOM_ERROR))

    assert 'answered 400 and said "malformed id <1234>"' in str(failed)
    assert "secret" not in str(failed)


def test_the_query_is_left_out_of_pages_that_repeat_it():
    page = b"<html><head><title>no</title></head><p>Bad request: key=secret, sorry</p></html>"

    assert excerpt(page, URL) == "Bad request: …, sorry"


def test_styles_scripts_and_comments_are_not_quoted():
    page = b"<style>p{}</style><script>x()</script><!-- no --><p>Rate&nbsp;exceeded.</p><script>y("

    assert excerpt(page) == "Rate exceeded."


@given(st.binary(max_size=20_000) | st.text().map(str.encode))
def test_an_excerpt_is_one_short_printable_line(body):
    line = excerpt(body, URL)

    assert len(line) <= MAX_EXCERPT
    assert line.isprintable()


@pytest.mark.parametrize("evil", [b"<", b"<script>", b"<!--", b"<summary>", b"<head ", b"&#"])
def test_no_page_makes_the_excerpt_slow(evil):
    assert len(excerpt(evil * 100_000)) <= MAX_EXCERPT


def test_headers_are_kept_byte_for_byte_without_cookies():
    raw = [
        (b"ETag", b'W/"\xe9"'),
        (b"etag", b'"second"'),
        (b"Set-Cookie", b"id=1"),
        (b"set-cookie2", b"id=2"),
        (b"Cache-Control", b"public"),
        (b"cache-control", b"max-age=60"),
    ]

    assert headers_of(raw) == {"etag": 'W/"\xe9"', "cache-control": "public, max-age=60"}
