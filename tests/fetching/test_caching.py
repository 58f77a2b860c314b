"""How long headers say to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.fetching.caching import FOREVER, delta_seconds, http_date, lifetime, retry_after

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)
IN_AN_HOUR = "Wed, 10 Jun 2026 08:00:00 GMT"


@pytest.mark.parametrize(
    "text",
    [
        "Wed, 10 Jun 2026 08:00:00 GMT",
        "Wednesday, 10-Jun-26 08:00:00 GMT",
        "Wed Jun 10 08:00:00 2026",
        "Wed, 10 Jun 2026 10:00:00 +0200",
        "Wed, 10 Jun 2026 08:00:00 -0000",
    ],
)
def test_dates_are_read_in_all_the_forms_servers_use(text):
    assert http_date(text) == NOW + timedelta(hours=1)


@pytest.mark.parametrize("text", ["", "0", "-1", "tomorrow", "Wed, 99 Jun 2026 08:00:00 GMT"])
def test_what_is_no_date_is_none(text):
    assert http_date(text) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("0", 0),
        (IN_AN_HOUR, 3600),
        ("Wed, 10 Jun 2026 06:00:00 GMT", 0),
        ("9" * 5000, FOREVER),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("١٢", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(text, seconds):
    assert retry_after(text, NOW) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"cache-control": "max-age=43200"}, 43200),
        ({"cache-control": 'public, MAX-AGE="60"'}, 60),
        ({"cache-control": "s-maxage=99, max-age=60"}, 60),
        ({"cache-control": "s-maxage=99"}, 0),
        ({"cache-control": "max-age=oops"}, 0),
        ({"cache-control": "max-age=3600", "age": "3000"}, 600),
        ({"cache-control": "max-age=60", "age": "3000"}, 0),
        ({"cache-control": "max-age=60", "expires": IN_AN_HOUR}, 60),
        ({"expires": IN_AN_HOUR}, 3600),
        ({"expires": "0"}, 0),
        ({"expires": IN_AN_HOUR, "date": "Wed, 10 Jun 2026 07:50:00 GMT"}, 600),
    ],
)
def test_freshness_follows_rfc_9111(headers, seconds):
    assert lifetime(headers, NOW) == seconds


@given(st.text(), st.dictionaries(st.sampled_from(["age", "cache-control", "expires"]), st.text()))
def test_no_header_is_an_error_and_no_wait_is_negative(text, headers):
    assert (delta_seconds(text) or 0) >= 0
    assert (retry_after(text, NOW) or 0) >= 0
    assert lifetime(headers, NOW) >= 0
