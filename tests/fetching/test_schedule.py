"""When a source is asked again, and with which validators."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.errors import FetchFailed, FetchRefused
from digest.fetching.schedule import (
    ABOUT_A_DAY,
    DAY,
    FORGET_MOVE_AFTER,
    HOUR,
    MAX_VALIDATOR,
    SPREAD,
    Policy,
    body_changed,
    decide,
    is_due,
    prepare,
)
from digest.model import Answer, PollState, Request

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)
URL = "https://example.org/feed"
REQUEST = Request(source="blog", url=URL)
FRESH = PollState(source="blog", url=URL)
KNOWN = replace(FRESH, etag='W/"a"', last_modified="Tue, 09 Jun 2026 00:00:00 +0000")
MOVED = replace(KNOWN, location="https://new.example.org/feed")
GONE = FetchRefused("gone", gone=True, status=410)


def answer(body=b"<rss/>", *, moved_to="", **headers):
    return Answer(
        request=REQUEST,
        status=200 if body is not None else 304,
        url=URL,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        body=body,
        moved_to=moved_to,
        at=NOW,
    )


def after(state, outcome, **options):
    options.setdefault("policy", Policy())
    return decide(state, outcome, NOW, Random(1), **options)


def wait(state):
    return (state.due_at - NOW).total_seconds()


# --- validators ---


@pytest.mark.parametrize("etag", ['"a"', 'W/"a"', "unquoted", '"a', "sp ace", "é"])
def test_validators_go_back_byte_for_byte(etag):
    date = "tuesday, or so +0000"
    state = after(FRESH, answer(etag=etag, last_modified=date))

    assert prepare(REQUEST, state) == {"If-None-Match": etag, "If-Modified-Since": date}


def test_a_validator_that_was_never_seen_is_not_invented():
    assert prepare(REQUEST, FRESH) == {}
    assert prepare(REQUEST, after(FRESH, answer(etag='"a"'))) == {"If-None-Match": '"a"'}
    assert prepare(REQUEST, after(FRESH, answer(date="Wed, 10 Jun 2026 07:00:00 GMT"))) == {}


def test_pages_and_other_urls_are_asked_without_validators():
    assert prepare(replace(REQUEST, poll=False), KNOWN) == {}
    assert prepare(replace(REQUEST, url=URL + "?page=2"), KNOWN) == {}


def test_an_etag_that_rotates_is_followed_even_when_the_body_is_the_same():
    first = after(FRESH, answer(etag='"1"'))
    second = after(first, answer(etag='"2"'))

    assert second.etag == '"2"'
    assert second.changed_at == first.changed_at


def test_a_304_renews_the_validators_it_carries_and_keeps_the_others():
    state = after(KNOWN, answer(None, etag='"new"'))

    assert (state.etag, state.last_modified) == ('"new"', KNOWN.last_modified)
    assert prepare(REQUEST, after(KNOWN, answer(None))) == prepare(REQUEST, KNOWN)


def test_a_200_without_validators_forgets_the_old_ones():
    state = after(KNOWN, answer(b"<rss/>"))

    assert (state.etag, state.last_modified) == ("", "")


def test_an_absurdly_long_validator_is_not_kept():
    assert after(FRESH, answer(etag="x" * (MAX_VALIDATOR + 1))).etag == ""


def test_of_a_listing_that_was_cut_short_the_whole_is_asked_for_again_and_soon():
    half = after(KNOWN, answer(b"<rss>", etag='"a"', last_modified="then"), cut_short=True)
    assert prepare(REQUEST, half) == {}
    assert wait(half) <= HOUR + SPREAD

    whole = after(half, answer(b"<rss/>", etag='"a"'))
    assert prepare(REQUEST, whole) == {"If-None-Match": '"a"'}


def test_a_listing_that_is_always_cut_short_costs_its_whole_body_once_a_day():
    half = after(FRESH, answer(b"<rss>", etag='"a"'), cut_short=True)

    again = after(half, answer(b"<rss>", etag='"a"'))

    assert prepare(REQUEST, again) == {}
    assert wait(again) >= ABOUT_A_DAY


def test_a_failure_keeps_the_validators():
    state = after(KNOWN, FetchFailed("down"))

    assert prepare(REQUEST, state) == prepare(REQUEST, KNOWN)


def test_a_page_leaves_no_address_or_validator_in_the_state_of_its_run():
    run = PollState(source="blog", url="run:blog")

    state = after(run, answer(etag='"page"', moved_to="https://new.example.org/feed"))

    assert (state.etag, state.location) == ("", "")
    assert state.polled_at == NOW


# --- bodies ---


def test_a_change_of_body_is_told_by_its_hash():
    state = after(FRESH, answer(b"one"))

    assert state.body_hash == hashlib.sha256(b"one").hexdigest()
    assert state.changed_at == NOW
    assert not body_changed(state, b"one")
    assert body_changed(state, b"two")
    assert body_changed(FRESH, b"")


def test_a_304_changes_nothing_but_the_times():
    before = replace(KNOWN, body_hash="h", changed_at=NOW - timedelta(days=3))

    state = after(before, answer(None))

    assert (state.body_hash, state.changed_at) == (before.body_hash, before.changed_at)
    assert state.polled_at == NOW


# --- when to come back ---


def test_with_validators_a_source_is_asked_every_hour_and_without_every_day():
    assert HOUR <= wait(after(FRESH, answer(etag='"a"'))) <= HOUR + SPREAD
    assert HOUR <= wait(after(KNOWN, answer(None))) <= HOUR + SPREAD
    assert ABOUT_A_DAY <= wait(after(FRESH, answer())) <= ABOUT_A_DAY + SPREAD


@pytest.mark.parametrize(
    ("headers", "interval"),
    [
        ({}, HOUR),
        ({"etag": '"a"', "cache_control": "max-age=604800"}, HOUR),
        ({"etag": '"a"'}, DAY),
        ({"etag": '"a"'}, DAY - 10 * 60),
    ],
)
def test_who_comes_at_one_hour_a_day_as_cron_does_finds_every_source_due(headers, interval):
    state, chance, policy = FRESH, Random(1), Policy(interval=interval)

    for day in range(7):
        now = NOW + timedelta(days=day, seconds=chance.uniform(0, 60))
        assert is_due(state, now)
        state = decide(state, replace(answer(**headers), at=now), now, chance, policy=policy)


def test_a_source_may_have_its_own_intervals_but_none_below_the_floor():
    own = Policy(interval=2 * HOUR, unconditional=6 * HOUR)
    hasty = Policy(interval=1, unconditional=1)

    assert 2 * HOUR <= wait(after(KNOWN, answer(None), policy=own)) <= 2 * HOUR + SPREAD
    assert 6 * HOUR <= wait(after(FRESH, answer(), policy=own)) <= 6 * HOUR + SPREAD
    assert wait(after(KNOWN, answer(None), policy=hasty)) >= HOUR / 2


def test_a_short_interval_does_not_apply_where_every_poll_costs_the_whole_body():
    assert wait(after(FRESH, answer(), policy=Policy(interval=HOUR))) >= ABOUT_A_DAY


@pytest.mark.parametrize("body", [b"<rss/>", None])
@pytest.mark.parametrize(
    "headers",
    [
        {"cache_control": "max-age=43200"},
        {"expires": "Wed, 10 Jun 2026 19:00:00 GMT"},
        {"cache_control": "max-age=50000", "age": "6800"},
    ],
)
def test_freshness_is_obeyed_on_200_and_on_304(headers, body):
    assert wait(after(KNOWN, answer(body, etag='"a"', **headers))) >= 12 * HOUR


def test_the_ttl_of_a_listing_is_obeyed():
    assert wait(after(KNOWN, answer(), ttl=720 * 60)) >= 12 * HOUR


@pytest.mark.parametrize("unchanged", [None, b"<rss/>"])
def test_the_ttl_of_a_listing_holds_until_the_body_is_another_one(unchanged):
    fresh = after(FRESH, answer(etag='"a"'), ttl=720 * 60)
    down = after(fresh, FetchFailed("down"))

    for state in (after(fresh, answer(unchanged, etag='"a"')), after(down, answer(None))):
        assert wait(state) >= 12 * HOUR
        assert wait(after(state, answer(None))) >= 12 * HOUR
        assert wait(after(state, answer(b"<rss></rss>", etag='"b"'))) <= HOUR + SPREAD


@pytest.mark.parametrize("unchanged", [None, b"<rss/>"])
@pytest.mark.parametrize("later", [{"cache_control": "max-age=60"}, {"age": "43200"}, {}])
def test_the_freshness_of_headers_runs_out_however_often_the_same_body_comes(later, unchanged):
    fresh = after(FRESH, answer(etag='"a"', cache_control="max-age=43200"))
    assert wait(fresh) >= 12 * HOUR

    assert wait(after(fresh, answer(unchanged, etag='"a"', **later))) <= HOUR + SPREAD


def test_a_shorter_freshness_of_a_304_does_not_shorten_what_the_listing_said():
    fresh = after(FRESH, answer(etag='"a"', cache_control="max-age=300"), ttl=720 * 60)

    assert wait(after(fresh, answer(None, cache_control="max-age=300"))) >= 12 * HOUR


def test_freshness_never_silences_a_source_for_more_than_a_day():
    state = after(KNOWN, answer(None, cache_control="max-age=99999999999"), ttl=10**9)

    assert wait(state) <= DAY + SPREAD


def test_nothing_is_asked_again_because_of_a_restart():
    state = after(KNOWN, answer(None))
    restored = replace(state)

    assert not is_due(restored, NOW + timedelta(minutes=44))
    assert is_due(restored, restored.due_at)
    assert is_due(FRESH, NOW)


def test_a_clock_that_went_back_does_not_silence_a_source():
    state = after(KNOWN, answer(None))

    assert is_due(state, NOW - timedelta(days=30))
    assert not is_due(state, NOW - timedelta(minutes=1)), "the clock of another machine"
    assert not is_due(replace(state, gone=True), NOW - timedelta(days=30))


def test_a_slow_exchange_counts_from_its_end():
    late = replace(answer(None), at=NOW + timedelta(minutes=10))

    assert wait(after(KNOWN, late)) >= HOUR + 10 * 60


# --- failures ---


def test_failures_back_off_to_a_day_and_never_stop():
    state, waits = KNOWN, []
    for _ in range(40):
        state = after(state, FetchFailed("down", status=503))
        waits.append(wait(state))

    assert waits == sorted(waits)
    assert waits[0] < 2 * HOUR
    assert waits[-1] == ABOUT_A_DAY
    assert state.failures == 40
    assert is_due(state, state.due_at)


def test_success_ends_the_back_off():
    failing = after(after(KNOWN, FetchFailed("down")), FetchFailed("down again"))

    state = after(failing, answer(None))

    assert (failing.failures, failing.last_error) == (2, "down again")
    assert (state.failures, state.last_error) == (0, "")


@pytest.mark.parametrize("asked", [2 * HOUR, 30 * DAY])
def test_retry_after_is_obeyed_to_the_second(asked):
    assert wait(after(KNOWN, FetchFailed("busy", retry_after=asked))) >= asked


def test_retry_after_cannot_silence_a_source_for_ever():
    assert wait(after(KNOWN, FetchFailed("busy", retry_after=2.0**31))) == 31 * DAY


def test_a_refusal_is_asked_again_as_well_because_sites_get_mended():
    state = after(KNOWN, FetchRefused("too large"))

    assert not state.gone
    assert is_due(state, state.due_at)


def test_only_410_ends_polling():
    state = after(KNOWN, GONE)

    assert state.gone
    assert not is_due(state, NOW + timedelta(days=9999))


def test_an_answer_brings_a_gone_source_back():
    state = after(after(KNOWN, GONE), answer(etag='"a"'))

    assert not state.gone
    assert state.due_at > NOW


# --- moves ---


def test_a_permanent_move_is_remembered():
    assert after(KNOWN, answer(moved_to=MOVED.location)).location == MOVED.location


def test_a_move_back_home_needs_no_memory():
    assert after(MOVED, answer(moved_to=URL)).location == ""


@pytest.mark.parametrize("state", [KNOWN, MOVED])
def test_a_move_that_gives_up_https_is_not_remembered(state):
    assert after(state, answer(moved_to="http://new.example.org/")).location == state.location


def test_a_move_to_https_is_remembered():
    plain = replace(KNOWN, url="http://example.org/feed")
    asked = replace(answer(moved_to=URL), request=replace(REQUEST, url=plain.url))

    assert after(plain, asked).location == URL


def test_a_move_that_turned_out_badly_is_forgotten_with_its_validators():
    state = MOVED
    for _ in range(FORGET_MOVE_AFTER - 1):
        state = after(state, FetchFailed("not found", status=404))
    assert state.location == MOVED.location

    state = after(state, FetchFailed("not found", status=404))

    assert state.location == ""
    assert prepare(REQUEST, state) == {}


# --- properties ---

MICROSECOND = 1e-6

headers = st.fixed_dictionaries(
    {},
    optional={
        "etag": st.text(max_size=20),
        "last-modified": st.text(max_size=20),
        "age": st.from_regex(r"\d{1,15}", fullmatch=True),
        "cache-control": st.from_regex(r"max-age=\d{1,30}", fullmatch=True) | st.text(max_size=20),
        "expires": st.text(max_size=40) | st.just("Fri, 31 Dec 9999 23:59:59 GMT"),
        "date": st.text(max_size=40) | st.just("Mon, 01 Jan 0001 00:00:00 GMT"),
    },
)
answers = st.builds(
    lambda fields, body: replace(answer(body), headers=fields), headers, st.none() | st.binary()
)
failures = st.builds(
    FetchFailed, st.text(), retry_after=st.none() | st.floats(0, allow_nan=False)
) | st.builds(FetchRefused, st.text())
policies = st.builds(Policy, interval=st.floats(1, 7 * DAY), unconditional=st.floats(1, 7 * DAY))


@settings(max_examples=40)
@given(
    outcomes=st.lists(answers | failures, min_size=1, max_size=4),
    seed=st.integers(),
    ttl=st.none() | st.integers(-(10**12), 10**12),
    policy=policies,
)
def test_a_source_is_always_asked_again_later_and_within_bounds(outcomes, seed, ttl, policy):
    state, rng = KNOWN, Random(seed)

    for outcome in outcomes:
        state = decide(state, outcome, NOW, rng, ttl=ttl, policy=policy)

        longest = max(DAY, policy.interval, policy.unconditional) + SPREAD
        if isinstance(outcome, FetchFailed):
            longest = max(longest, min(outcome.retry_after or 0, policy.max_wait))
        assert policy.min_interval <= wait(state) <= longest + MICROSECOND
        assert not is_due(state, NOW)
        assert is_due(state, state.due_at)


@given(seed=st.integers(), count=st.integers(2, 60))
def test_each_back_off_is_at_least_as_long_as_the_last_whatever_the_dice_say(seed, count):
    state, rng, waits = FRESH, Random(seed), []

    for _ in range(count):
        state = decide(state, FetchFailed("down"), NOW, rng, policy=Policy())
        waits.append(wait(state))

    assert waits == sorted(waits)
