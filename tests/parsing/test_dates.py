from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.parsing import parse_date


@pytest.mark.parametrize(
    "written",
    [
        "Wed, 10 Jun 2026 00:00:00 -0400",
        "Wed, 10 Jun 2026 04:00:00 GMT",
        "10 Jun 2026 04:00 +0000",
        "Wed, 10 June 2026 06:00 CEST",
        "Wed, 10 Jun 2026 00:00:00 EDT",
        "Wednesday, 10-Jun-26 04:00:00 GMT",
        "2026-06-10T04:00:00Z",
        "2026-06-10T04:00:00.123456789+00:00",
        "2026-06-10T00:00-0400",
        "2026-06-10 04:00:00 +0000",
        "20260610T040000Z",
        "2026-6-10 4:00",
        "June 10, 2026 04:00",
        "  2026-06-10T04:00:00\n",
        "2026-06-10T00:00:00 EDT",
        "2026/06/10 04:00",
        "Wed, 10 June, 2026 04:00:00 GMT",
        "10-Jun-2026 04:00",
        "Wednesday, June 10, 2026 - 04:00",
        "Wed, 06/10/2026 - 04:00",
        "Wed, 10/06/2026 - 04:00",
        "Tuesday, 06/09/2026 - 23:00 EST",
    ],
)
def test_every_usual_way_to_write_a_moment(written):
    assert parse_date(written) == datetime(2026, 6, 10, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2026-06-10",
        "10 Jun 2026",
        "June 10th, 2026",
        "2026-06-09T24:00:00",
        "10-Jun-2026",
        "2026/06/10",
        "Wed, 06/10/2026",
    ],
)
def test_a_missing_time_is_midnight(written):
    assert parse_date(written) == datetime(2026, 6, 10, tzinfo=UTC)


def test_months_are_known_by_three_letters():
    assert parse_date("Tue, 10 Sept 2019 04:00 GMT") == datetime(2019, 9, 10, 4, tzinfo=UTC)
    assert parse_date("10 septembre 2019") == datetime(2019, 9, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "soon",
        "12/06/2026",
        "Sun, 06/10/2026 - 04:00",
        "Mon, 31/31/2026",
        "2026-13-40",
        "99999999",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59Z",
        "1" * 500,
    ],
)
def test_what_is_no_date_is_none(written):
    assert parse_date(written) is None


@given(
    st.text(max_size=40)
    | st.from_regex(r"\A\d{1,4}-\d{1,2}-\d{1,2}[T ]\d{1,2}:\d\d(:\d\d)?([+-]\d{4})?\Z")
)
def test_a_date_is_aware_utc_or_none(written):
    date = parse_date(written)

    assert date is None or date.tzinfo is UTC
