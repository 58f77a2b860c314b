"""What the tests of all pages share: papers as listings announce them, and a browser."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from digest.model import Announcement, AnnounceType, Item, Paper
from digest.web import application as asgi


@pytest.fixture(scope="session")
def item():
    """Makes a paper as a listing announced it, in cs.IR on 10 June 2026 unless told otherwise."""

    def make(
        paper_id="arxiv:2606.00001",
        *,
        categories=("cs.IR",),
        seen_at=datetime(2026, 6, 10, 4, tzinfo=UTC),
        identifiers=(),
        signals=(),
        **more,
    ):
        values = {"title": f"A study of retrieval, {paper_id}"} | more
        paper = Paper(
            id=paper_id, categories=categories, identifiers=(paper_id, *identifiers), **values
        )
        announcement = Announcement(
            paper_id=paper_id,
            source=paper_id.partition(":")[0],
            feed=categories[0] if categories else "cs",
            day=seen_at.date(),
            type=AnnounceType.NEW,
            seen_at=seen_at,
        )
        return Item(paper=paper, announcement=announcement, signals=signals)

    return make


@pytest.fixture
def empty_site(application):
    """A browser of a site without papers."""
    with TestClient(asgi(application), base_url="https://digest.example") as client:
        yield client


@pytest.fixture
def client(empty_site):
    return empty_site
