"""What a round's mails show is loaded once, and is there for every block."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from digest.model import Digest, Pick, Reason, ReasonKind
from digest.pipeline import shelf
from digest.pipeline.delivering import material_for
from digest.pipeline.shelf import Shelf

DAY = datetime(2026, 6, 10, 4, tzinfo=UTC)


def digest_of(shown, *, liked=()):
    reasons = tuple(Reason(kind=ReasonKind.LIKE, what=each, amount=1.0) for each in liked)
    return Digest(
        id="s_ada.2026-06-10",
        subscriber_id="s_ada",
        edition="2026-06-10",
        since=DAY,
        until=DAY,
        picks=tuple(Pick(paper_id=each, score=1.0, reasons=reasons) for each in shown),
        composed_at=DAY,
    )


@pytest.fixture
def store(application, item):
    store = application.create().store
    store.papers.ingest([item(number) for number in range(6)])
    return store


@pytest.fixture
def ids(item):
    return [item(number).paper.id for number in range(6)]


def test_blocks_share_one_rendering_that_sees_the_papers_of_each(store, ids):
    shelved = Shelf(store, lambda material: material)
    first, second = digest_of(ids[:2]), digest_of(ids[1:4], liked=ids[4:5])

    seen = shelved.render([first])
    assert set(seen.papers) == set(ids[:2])

    assert shelved.render([second]) is seen
    assert seen == material_for(store, [first, second])
    assert ids[4] in seen.titles
    assert ids[4] not in seen.papers


def test_a_paper_that_was_only_named_is_loaded_once_it_is_shown(store, ids):
    shelved = Shelf(store, lambda material: material)
    shelved.render([digest_of(ids[:1], liked=ids[1:2])])

    assert ids[1] in shelved.render([digest_of(ids[1:2])]).papers


def test_a_full_shelf_is_cleared(store, ids, monkeypatch):
    monkeypatch.setattr(shelf, "MOST_KEPT", 3)
    shelved = Shelf(store, lambda material: material)
    first = shelved.render([digest_of(ids[:2])])

    second = shelved.render([digest_of(ids[2:5])])

    assert second is not first
    assert set(second.papers) == set(ids[2:5])
