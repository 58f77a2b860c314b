"""What a window tells beside its papers: the last words of the sources."""

from datetime import UTC, datetime, timedelta

import pytest

from digest.model import SourceReport, Verdict
from digest.pipeline.windows import window_of

FRIDAY = datetime(2026, 6, 12, 9, tzinfo=UTC)


@pytest.mark.parametrize(("days", "known"), [(1, True), (2, True), (4, False)])
def test_over_a_weekend_the_words_of_friday_are_the_last(store, days, known):
    report = SourceReport(source="huggingface", place="", verdict=Verdict.NEW, at=FRIDAY)
    store.sources.add_reports([report])
    until = FRIDAY + timedelta(days=days, hours=6)

    window = window_of(store, until - timedelta(days=1), until)

    assert bool(window.reports) is known


def test_in_a_week_the_votes_of_its_first_day_count_as_those_of_its_last(store, item):
    until = FRIDAY + timedelta(hours=1)
    monday = item(1, seen_at=FRIDAY - timedelta(days=4), upvotes=60)
    friday = item(2, seen_at=FRIDAY, upvotes=6)
    store.papers.ingest([monday, friday])

    window = window_of(store, until - timedelta(days=7), until)

    assert window.trending[monday.paper.id] > window.trending[friday.paper.id]
    assert window.upvotes == {monday.paper.id: 60, friday.paper.id: 6}
