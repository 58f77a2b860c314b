from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from digest.model import PollState, Problem, SourceReport, Verdict


@pytest.fixture
def poll(make):
    return PollState(
        source="arxiv",
        url="https://rss.example/cs.LG",
        location="https://rss.example/new/cs.LG",
        etag='W/"a-b"',
        last_modified="Wed, 10 Jun 2026 04:00:00 GMT",
        body_hash="abc",
        due_at=make.day + timedelta(hours=1),
        polled_at=make.day,
        changed_at=make.day,
        fresh_for=86400.0,
        cut_short=True,
        failures=2,
        last_error="timed out",
        gone=True,
    )


def test_a_source_has_no_cursor_until_one_is_kept(store):
    assert store.sources.cursor("arxiv") is None

    store.sources.set_cursor("arxiv", '{"from": "2026-06-09"}')
    store.sources.set_cursor("arxiv", '{"from": "2026-06-10"}')

    assert store.sources.cursor("arxiv") == '{"from": "2026-06-10"}'


def test_a_poll_state_comes_back_byte_for_byte(store, poll):
    store.sources.save_polls([poll])

    assert store.sources.poll_states() == [poll]


def test_a_poll_state_is_replaced_by_source_and_url(store, poll):
    store.sources.save_polls([poll, replace(poll, source="other")])
    store.sources.save_polls([PollState(source=poll.source, url=poll.url)])

    assert store.sources.poll_states("arxiv") == [PollState(source=poll.source, url=poll.url)]
    assert [each.source for each in store.sources.poll_states()] == ["arxiv", "other"]


def test_reports_come_back_whole_and_oldest_first(store, make):
    full = SourceReport(
        source="arxiv",
        place="cs.LG",
        verdict=Verdict.NEW,
        read=5,
        papers=3,
        announced=4,
        merged=2,
        problems=(Problem(source="arxiv", place="item 7", cause="no title"),),
        cause="",
        at=make.day,
    )
    failed = SourceReport(
        source="hf", place="", verdict=Verdict.FAILED, cause="HTTP 500", at=make.day
    )
    earlier = replace(full, at=make.day - timedelta(days=1), problems=())
    store.sources.add_reports([full, failed])
    store.sources.add_reports([earlier])

    assert store.sources.reports(since=earlier.at) == [earlier, full, failed]
