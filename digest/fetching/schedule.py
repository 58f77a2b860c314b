"""When to poll a URL again, and with which validators: pure functions of stored poll states.

The rules are those of https://rachelbythebay.com/fs/help.html, which scores feed readers: one
unconditional request ever, validators sent back byte for byte, at most one poll an hour with
validators and one a day without, Retry-After and Cache-Control obeyed. A restart causes no poll:
`due_at` is stored.

The `skipDays` and `skipHours` of RSS are deliberately ignored: arXiv marks Saturday and Sunday
as skipped, and yet publishes lists dated Saturday.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from digest.errors import FetchFailed, FetchRefused
from digest.fetching.caching import lifetime
from digest.model import Answer, PollState, Request

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR

SKEW = timedelta(seconds=5 * MINUTE)
"""By how much the clocks of several machines may differ."""

ABOUT_A_DAY = DAY - 15 * MINUTE
"""The wait in place of a day: a poll that is due a moment after a daily cron job would come a
day late. The difference covers `SPREAD` and the delays of cron."""

SPREAD = 5 * MINUTE
"""Seconds; the most by which a poll is delayed at random, so that polls do not bunch together."""

JITTER = 1.25
"""The largest random factor of a back-off; below 2, so that each is longer than the last."""

FORGET_MOVE_AFTER = 3
"""Failures in a row after which a permanent redirect is forgotten and the first URL asked."""

MAX_VALIDATOR = 4096
"""Characters; a longer validator is ignored, since it would be sent with every poll."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How often a URL may be polled; all in seconds.

    `interval` is for a URL with validators, `unconditional` for one without, where every poll
    costs the whole body. No wait is shorter than `min_interval`. Freshness and back-off count up
    to `max_interval`, Retry-After up to `max_wait`; `retry` is the first back-off.
    """

    interval: float = HOUR
    unconditional: float = DAY
    min_interval: float = HOUR / 2
    max_interval: float = DAY
    max_wait: float = 31 * DAY
    retry: float = HOUR


def is_due(state: PollState, now: datetime) -> bool:
    """Whether it is time to poll; never again once the address is gone (410).

    A last poll in the future means that the clock has been set back.
    """
    if state.polled_at is not None and state.polled_at > now + SKEW:
        return not state.gone
    return not state.gone and (state.due_at is None or state.due_at <= now)


def prepare(request: Request, state: PollState) -> dict[str, str]:
    """The conditional headers of a poll, with the validators as they were received.

    Empty for a request that is not a poll, or whose URL is not the state's.
    """
    if not request.poll or request.url != state.url:
        return {}
    seen = {"If-None-Match": state.etag, "If-Modified-Since": state.last_modified}
    return {name: value for name, value in seen.items() if value}


def body_changed(state: PollState, body: bytes) -> bool:
    """Whether these bytes differ from the last ones, whatever the validators say."""
    return _hash(body) != state.body_hash


def decide(
    state: PollState,
    outcome: Answer | FetchFailed | FetchRefused,
    now: datetime,
    rng: Random,
    *,
    ttl: int | None = None,
    cut_short: bool = False,
    policy: Policy,
) -> PollState:
    """The state to store after a poll; `due_at` is after `now` unless the URL is gone.

    `ttl` (seconds) is the freshness stated in the listing, which holds as long as the body is the
    same. The validators of a listing that was `cut_short` are not kept, or a 304 would hide the
    rest; nor are they when the same body comes again. For the same reason a listing that arrived
    but could not be read must be given as a FetchFailed. After failures the wait doubles up to
    `policy.max_interval`; only HTTP 410 ends the polling.
    """
    if isinstance(outcome, Answer):
        at = max(now, outcome.at)
        return _answered(state, outcome, at, rng, ttl=ttl, cut_short=cut_short, policy=policy)
    if isinstance(outcome, FetchRefused) and outcome.gone:
        return replace(state, gone=True, due_at=None, polled_at=now, last_error=str(outcome))
    return _failed(state, outcome, now, rng, policy=policy)


def forgotten(state: PollState) -> PollState:
    """The state without validators and hash, so that the next poll gets and reads the body."""
    return replace(state, etag="", last_modified="", body_hash="")


def _answered(
    state: PollState,
    answer: Answer,
    now: datetime,
    rng: Random,
    *,
    ttl: int | None,
    cut_short: bool,
    policy: Policy,
) -> PollState:
    # The pages of a paged source share one state; their URLs are not the state's.
    ours = answer.request.poll and answer.request.url == state.url
    unchanged = answer.body is None
    etag = _validator(answer, "etag", state.etag if unchanged else "") if ours else ""
    modified = state.last_modified if unchanged else ""
    last_modified = _validator(answer, "last-modified", modified) if ours else ""
    changed = answer.body is not None and body_changed(state, answer.body)
    is_cut = cut_short if changed else state.cut_short
    # A listing that was just cut short is asked for again soon, but only once.
    is_cheap = bool(etag or last_modified) and (changed or not is_cut)
    usual = policy.interval if is_cheap else policy.unconditional
    # `ttl` is kept with the body; the freshness in headers counts for this answer only.
    kept = float(ttl or 0) if changed else state.fresh_for
    fresh = max(lifetime(answer.headers, now), kept)
    wait = max(usual, policy.interval, min(fresh, policy.max_interval), policy.min_interval)
    return replace(
        state,
        location=_location(state, answer.moved_to) if ours else state.location,
        etag="" if is_cut else etag,
        last_modified="" if is_cut else last_modified,
        body_hash=state.body_hash if answer.body is None else _hash(answer.body),
        due_at=now + timedelta(seconds=_for_cron(wait) + rng.uniform(0, SPREAD)),
        wait_until=None,
        polled_at=now,
        changed_at=now if changed else state.changed_at,
        fresh_for=kept,
        cut_short=is_cut,
        failures=0,
        last_error="",
        gone=False,
    )


def _failed(
    state: PollState,
    outcome: FetchFailed | FetchRefused,
    now: datetime,
    rng: Random,
    *,
    policy: Policy,
) -> PollState:
    failures = state.failures + 1
    backoff = policy.retry * 2.0 ** min(failures - 1, 32) * rng.uniform(1, JITTER)
    said = (isinstance(outcome, FetchFailed) and outcome.retry_after) or 0.0
    asked = min(said, policy.max_wait)
    wait = max(_for_cron(min(backoff, policy.max_interval)), asked, policy.min_interval)
    after = replace(
        state,
        due_at=now + timedelta(seconds=wait),
        wait_until=now + timedelta(seconds=asked) if asked else None,
        polled_at=now,
        failures=failures,
        last_error=str(outcome),
    )
    if state.location and failures >= FORGET_MOVE_AFTER:
        return replace(after, location="", etag="", last_modified="")
    return after


def _for_cron(wait: float) -> float:
    return ABOUT_A_DAY if ABOUT_A_DAY < wait <= DAY else wait


def _validator(answer: Answer, name: str, otherwise: str) -> str:
    value = answer.headers.get(name, otherwise)
    return value if len(value) <= MAX_VALIDATOR else ""


def _location(state: PollState, moved_to: str) -> str:
    """The URL to ask from now on; a move from https to http is ignored."""
    here = state.location or state.url
    if not moved_to or (here.startswith("https:") and not moved_to.startswith("https:")):
        return state.location
    return "" if moved_to == state.url else moved_to


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
