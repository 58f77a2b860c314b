"""Composing in several processes: everybody's digest, once; whoever dies is stood in for."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from digest.errors import ConfigError
from digest.pipeline.composing import Composed

pytestmark = pytest.mark.slow


def editions(app):
    """What stands in each reader's digests of today, by address."""
    people = app.store.subscribers.page("", limit=1000)
    return {
        each.email: [
            ([pick.paper_id for pick in digest.picks], digest.rest)
            for digest in app.store.ledger.recent(each.id, limit=9)
        ]
        for each in people
    }


@pytest.fixture
def everybody_has_one(several):
    """Whether everybody has one digest, with all that one process would find, queued once."""

    def check(app):
        found = editions(app)
        assert len(found) == several.people
        assert {len(digests) for digests in found.values()} == {1}
        assert {len(picks) for ((picks, _),) in found.values()} == {5}
        assert app.store.ledger.counts()["queued"] == several.people

    return check


def test_several_processes_compose_an_edition_for_everybody(several, everybody_has_one):
    app = several()
    told = []

    done = app.compose_edition(None, progress=told.append)

    assert done == Composed(subscribers=several.people, digests=several.people)
    assert sum(told) == several.people
    everybody_has_one(app)


def test_several_processes_compose_what_is_due_and_a_second_time_nothing(
    several, everybody_has_one
):
    app = several()

    done = app.compose_due()

    assert done == Composed(subscribers=several.people, digests=several.people)
    everybody_has_one(app)
    assert app.compose_due() == Composed()
    assert app.compose_edition(None).digests == 0


def test_few_readers_are_worth_no_process(several, below_us):
    app = several(**{"ranking.block": 50})
    seen = []

    done = app.compose_due(progress=lambda _: seen.extend(below_us()))

    assert done.digests == several.people
    assert seen == []


def test_asked_to_stop_they_stop_after_the_block_in_hand(several, everybody_has_one):
    app = several()

    done = app.compose_edition(None, stopping=lambda: True)

    assert done.digests == app.store.ledger.counts()["queued"] < several.people
    app.compose_due()
    everybody_has_one(app)


@pytest.mark.parametrize("verb", ["due", "edition"])
def test_one_that_is_killed_is_stood_in_for(several, kill_one, everybody_has_one, verb):
    app = several(**{"ranking.block": 2})

    if verb == "due":
        app.compose_due(progress=kill_one)
    else:
        app.compose_edition(None, progress=kill_one)

    assert kill_one.killed
    everybody_has_one(app)


def test_two_who_compose_at_once_in_several_processes_add_nothing_to_each_other(
    several, everybody_has_one
):
    one, other = several(**{"ranking.processes": 2}), several(**{"ranking.processes": 2})

    with ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda app: app.compose_due(), (one, other)))

    assert sum(each.digests for each in done) == several.people
    everybody_has_one(one)


def test_what_only_the_operator_can_mend_is_raised_here(several):
    app = several(**{"ranking.use": ".nowhere:Ranker"})

    with pytest.raises(ConfigError, match="nowhere"):
        app.compose_edition(None)

    assert app.store.ledger.counts()["queued"] == 0
