"""Hours and zones as people type them."""

from __future__ import annotations

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.editions import parse_at, validate_tz
from digest.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", time(7)),
        ("07:30", time(7, 30)),
        (" 7.30 ", time(7, 30)),
        ("19h", time(19)),
        ("19h15", time(19, 15)),
        ("7pm", time(19)),
        ("7:05 PM", time(19, 5)),
        ("7 a.m.", time(7)),
        ("12am", time(0)),
        ("12 pm", time(12)),
        ("0", time(0)),
        ("23:59", time(23, 59)),
    ],
)
def test_a_time_of_day_is_read_as_people_write_it(text, expected):
    assert parse_at(text) == expected


@pytest.mark.parametrize(
    "text", ["", "24", "7:60", "13pm", "0am", "seven", "7:3", "-7", "07:30:00"]
)
def test_what_is_no_time_is_refused_with_examples(text):
    with pytest.raises(InvalidInput, match="write 7, 07:30 or 7pm"):
        parse_at(text)


@given(st.times())
def test_every_minute_of_the_day_can_be_typed(at):
    assert parse_at(f"{at:%H:%M}") == time(at.hour, at.minute)


@given(st.text())
def test_any_text_is_a_time_or_refused_as_invalid(text):
    try:
        found = parse_at(text)
    except InvalidInput:
        found = None

    assert found is None or isinstance(found, time)


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (" europe/berlin ", "Europe/Berlin"),
        ("america/new york", "America/New_York"),
        ("berlin", "Europe/Berlin"),
        ("utc", "UTC"),
    ],
)
def test_a_zone_is_known_whatever_its_case_and_by_its_city(text, zone):
    assert validate_tz(text) == zone


def test_a_misspelled_zone_brings_the_near_ones():
    with pytest.raises(InvalidInput, match=r"Did you mean .*Europe/Berlin"):
        validate_tz("Europe/Berlim")


@pytest.mark.parametrize("text", ["", "../../etc/passwd", "/etc/localtime", "Europe", "\0", "Ω"])
def test_what_is_no_zone_is_refused(text):
    with pytest.raises(InvalidInput, match="There is no time zone"):
        validate_tz(text)
