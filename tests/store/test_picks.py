"""What news featuring makes of a paper, and when rejecting it takes that back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from digest.model import AnnounceType, SubmissionState

HOUR = timedelta(hours=1)


@pytest.fixture
def paper(store, make):
    paper = make.paper(1)
    store.papers.ingest([make.item(paper)])
    return paper


@pytest.fixture
def announce(store, make, paper):
    """Makes news of the paper; of a pick at noon, unless said otherwise."""

    def say(**fields):
        pick = {"source": "community", "feed": "picked", "seen_at": make.day + 8 * HOUR}
        store.papers.ingest([make.item(paper, **pick | fields)])

    return say


@pytest.fixture
def decide(store, make):
    def decide(submission, state, **fields):
        decided = replace(submission, state=SubmissionState(state), **fields)
        store.community.decide(decided, make.moderation(decided, action=state))

    return decide


@pytest.fixture
def feeds(store, paper):
    return lambda: {each.feed for each in store.papers.announcements([paper.id])[paper.id]}


def test_a_pick_is_news_while_another_submission_of_the_paper_is_featured(
    store, make, announce, decide, feeds
):
    first = store.community.submit(make.submission(1))
    decide(first, "rejected", decided_at=make.day)
    second = store.community.submit(make.submission(2, paper_id=first.paper_id))
    decide(second, "featured", decided_at=make.day)
    announce()

    decide(first, "rejected", decided_at=make.day, curator_line="Too short.")

    assert "picked" in feeds()
    assert store.community.standing(first.paper_id).id == second.id


@pytest.mark.parametrize(
    ("hours", "source", "feed", "version"),
    [
        pytest.param(7, "arxiv", "night", 1, id="a record from before the pick"),
        pytest.param(9, "arxiv", "night", 2, id="a revision"),
        pytest.param(8, "community", "submitted", 1, id="what was looked up"),
    ],
)
def test_a_pick_is_taken_back_beside_what_never_stood_for_the_news(
    store, make, announce, decide, feeds, hours, source, feed, version
):
    announce(
        source=source,
        feed=feed,
        type=AnnounceType.REPLACE,
        version=version,
        seen_at=make.day + hours * HOUR,
    )
    put = store.community.submit(make.submission(1))
    decide(put, "featured", decided_at=make.day)
    announce()
    assert feeds() == {"cs.LG", "picked", feed}

    decide(put, "rejected", decided_at=make.day + HOUR)

    assert feeds() == {"cs.LG", feed}
