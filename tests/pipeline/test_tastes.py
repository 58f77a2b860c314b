"""What rankers keep of readers is there before the morning that needs it."""

from __future__ import annotations

import pytest

from digest import subscriptions
from digest.pipeline import tastes
from digest.ranking import space

LIKES = ("2601.00001", "2601.00006", "2601.00011")


@pytest.fixture
def app(application, archive, monkeypatch):
    """An application that has learned from 100 papers, and five readers who like three of them."""
    monkeypatch.setattr(space, "FEWEST_PAPERS", 100)
    application.store.papers.ingest(archive(range(100)))
    application.learn(force=True)
    for number in range(5):
        subscriptions.subscribe(
            application.store,
            f"reader{number}@example.org",
            subscriptions.Wishes(topics=["cs.IR"], likes=LIKES),
            topics=application.settings.topics,
            defaults=application.newcomer,
            confirmed=True,
            now=application.clock(),
        )
    return application


def readers(app):
    return [each.id for each in app.store.subscribers.page("", limit=9)]


def kept(app):
    return app.store.spaces.tastes(app.ranker.keeps, readers(app))


def test_what_is_kept_ahead_is_what_a_morning_would_have_learned(app):
    assert app.keep_ahead() == 5
    ahead = kept(app)
    assert ahead.keys() == set(readers(app))

    app.store.spaces.forget_tastes([])
    app.compose_edition(None)

    assert kept(app) == ahead


def test_it_goes_on_where_it_stopped_until_there_is_another_space(app, archive):
    rankers = [app.ranker]

    assert tastes.keep_ahead(app.store, rankers, most=3, block=2) == 4
    assert len(kept(app)) == 4
    assert tastes.keep_ahead(app.store, rankers, stopping=lambda: True) == 0
    assert tastes.keep_ahead(app.store, rankers) == 1
    assert len(kept(app)) == 5
    assert tastes.keep_ahead(app.store, rankers) == 0

    app.store.papers.ingest(archive(range(100, 120)))
    app.learn(force=True)
    assert kept(app) == {}
    assert app.keep_ahead() == 5
    assert len(kept(app)) == 5


def test_rankers_that_keep_nothing_have_nothing_kept_ahead(app):
    class Plain:
        """A ranker as somebody else would write it."""

    assert tastes.keep_ahead(app.store, [app.ranker, Plain()]) == 0
    assert kept(app) == {}
