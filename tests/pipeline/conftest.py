"""A small world: papers on a day, people who follow them, all through the real store and ranker."""

import random
import resource
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from digest.model import Announcement, AnnounceType, Item, Paper, Signal
from digest.pipeline import delivering, noting

DAY = datetime(2026, 6, 10, 4, tzinfo=UTC)


def make_item(number, *, category="cs.IR", title="", seen_at=DAY, upvotes=0, source="arxiv"):
    paper = Paper(
        id=f"arxiv:2606.{number:05}",
        title=title or f"A study of retrieval number {number} in the wild",
        # Words of its own, or papers would be near-duplicates of each other.
        abstract=f"We retrieve things of kind {number} and report on how it went:"
        f" map{number} fog{number} hill{number} lake{number} road{number} tree{number}.",
        authors=("Ada Example", "Bo Sample"),
        categories=(category,),
        url=f"https://arxiv.org/abs/2606.{number:05}",
        identifiers=(f"arxiv:2606.{number:05}",),
    )
    announcement = Announcement(
        paper_id=paper.id,
        source=source,
        feed=category,
        day=date(seen_at.year, seen_at.month, seen_at.day),
        type=AnnounceType.NEW,
        seen_at=seen_at,
    )
    signals = (
        (Signal(paper_id=paper.id, source="hf", kind="upvotes", value=upvotes, seen_at=seen_at),)
        if upvotes
        else ()
    )
    return Item(paper=paper, announcement=announcement, signals=signals)


@pytest.fixture(autouse=True)
def _by_the_tests_clock(monkeypatch):
    """Nothing happens while a test takes its time, and nobody waits for a disk."""
    monkeypatch.setattr(noting, "LOOKING", 3600)
    monkeypatch.setattr(noting, "PAUSE", 0)


@pytest.fixture
def item():
    """Makes one entry of a listing."""
    return make_item


@pytest.fixture
def readers(request, application, subscribe, item):
    """As many readers as the module's PEOPLE, with a digest each that waits to be sent."""
    application.store.papers.ingest([item(1), item(2)])
    count = request.module.PEOPLE
    people = [subscribe(f"reader{number}@example.org") for number in range(count)]
    application.compose_edition("2026-06-10")
    return [each.email for each in people]


@pytest.fixture
def deliver(application):
    """Send what is due as an application does, by a transport of the test's own."""

    def run(transport, store=application.store, **options):
        given = {
            "clock": application.clock,
            "rng": random.Random(1),
            "owner": "w1",
            "block": 10,
            "bounced": application.bounced,
        }
        return delivering.deliver(store, transport, application.renderer, **given | options)

    return run


@pytest.fixture
def disk(application):
    """Let the database's log grow by no more than so many bytes, as on a full disk; and again."""
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)

    def leave(room=0):
        size = Path(f"{application.settings.db}-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, unlimited[1]))

    def clear():
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)

    yield leave, clear
    clear()
