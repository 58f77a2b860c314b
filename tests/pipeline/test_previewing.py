"""Today's digest for somebody who does not exist yet."""

from datetime import UTC, date, datetime, timedelta

import pytest

from digest.model import (
    Announcement,
    AnnounceType,
    Interest,
    InterestKind,
    Item,
    Paper,
    Subscriber,
    Topic,
)
from digest.pipeline import previewing
from digest.ranking.linear import LinearRanker

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)
TOPIC = Topic(id="cs.IR", name="Information Retrieval", categories=("cs.IR",))
STRANGER = Subscriber(id="preview", email="", key="", created_at=NOW, limit=2)
FOLLOWS = [Interest(kind=InterestKind.TOPIC, value="cs.IR", added_at=NOW)]


def an_item(number, seen_at):
    paper = Paper(
        id=f"arxiv:2606.{number:05}",
        title=f"Retrieval number {number}",
        abstract=f"About map{number}, fog{number}, hill{number} and lake{number}.",
        categories=("cs.IR",),
        identifiers=(f"arxiv:2606.{number:05}",),
    )
    return Item(
        paper=paper,
        announcement=Announcement(
            paper_id=paper.id,
            source="arxiv",
            feed="cs.IR",
            day=date(2026, 6, 10),
            type=AnnounceType.NEW,
            seen_at=seen_at,
        ),
    )


@pytest.fixture
def ranker():
    return LinearRanker(topics={"cs.IR": TOPIC})


@pytest.fixture
def read(store):
    store.papers.ingest([an_item(number, NOW - timedelta(hours=3)) for number in range(1, 6)])
    return store


def test_a_preview_is_cut_like_a_digest(read, ranker):
    found = previewing.latest(read, now=NOW)
    digest = previewing.preview(read, ranker, found, STRANGER, FOLLOWS, now=NOW)
    assert found.today
    assert (len(digest.picks), len(digest.rest), digest.announced) == (2, 3, 5)
    assert digest.edition == "2026-06-10"


def test_the_same_papers_serve_many_previews(read, ranker):
    found = previewing.latest(read, now=NOW)
    other = [Interest(kind=InterestKind.KEYWORD, value="number 3", added_at=NOW)]
    first = previewing.preview(read, ranker, found, STRANGER, FOLLOWS, now=NOW)
    second = previewing.preview(read, ranker, found, STRANGER, other, now=NOW)
    assert first.picks != second.picks
    assert first == previewing.preview(read, ranker, found, STRANGER, FOLLOWS, now=NOW)


def test_without_papers_today_the_latest_day_serves(read, ranker):
    later = NOW + timedelta(days=150)
    found = previewing.latest(read, now=later)
    digest = previewing.preview(read, ranker, found, STRANGER, FOLLOWS, now=later)
    assert not found.today
    assert digest.edition == "2026-06-10"
    assert len(digest.picks) == 2


def test_without_any_papers_there_is_an_empty_digest_and_no_fault(store, ranker):
    found = previewing.latest(store, now=NOW)
    digest = previewing.preview(store, ranker, found, STRANGER, FOLLOWS, now=NOW)
    assert digest.picks == ()


def test_a_preview_keeps_nothing(read, ranker):
    before = read.counts()
    found = previewing.latest(read, now=NOW)
    previewing.preview(read, ranker, found, STRANGER, FOLLOWS, now=NOW)
    assert read.counts() == before


class Noting(LinearRanker):
    """The ranker, which notes what it was asked."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.embeds = "embedder:noted"

    def rank(self, block, candidates, *, without, now):
        self.asked = (block, candidates)
        return super().rank(block, candidates, without=without, now=now)


def test_the_ranker_is_told_how_much_is_shown_and_gets_the_vectors_it_works_with(read):
    ranker = Noting(topics={"cs.IR": TOPIC})
    read.spaces.put(ranker.embeds, {"arxiv:2606.00003": b"kept"})

    previewing.preview(read, ranker, previewing.latest(read, now=NOW), STRANGER, FOLLOWS, now=NOW)

    ((profile,), candidates) = ranker.asked
    assert profile.limit == STRANGER.limit
    assert candidates.vectors == {"arxiv:2606.00003": b"kept"}
