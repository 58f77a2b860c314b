"""The ranker is built over what has been learned, and again when that is replaced."""

import sys
import types
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from digest import subscriptions, worker
from digest.app import App
from digest.errors import ConfigError
from digest.pipeline.learning import Learning
from digest.ranking import space
from digest.testing import RecordedFetcher


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch):
    """A space is learned from 100 papers on, for speed."""
    monkeypatch.setattr(space, "FEWEST_PAPERS", 100)


class Plugin:
    """A plug-in that ranks nothing."""

    def rank(self, profiles, candidates, *, without, now):
        return []


class Ranker(Plugin):
    """A plug-in that notes what it was built with."""

    def __init__(self, *, topics, trending, cap, **learned):
        self.learned = learned


class Capped(Plugin):
    """A plug-in that takes the cap alone."""

    def __init__(self, *, cap):
        self.cap = cap


class Spatial(Plugin):
    """A plug-in that takes topics and the space."""

    def __init__(self, *, topics, space=None):
        self.space = space


@pytest.fixture
def plug_in(monkeypatch):
    module = types.ModuleType("plugged_rankers")
    module.Ranker, module.Capped, module.Spatial = Ranker, Capped, Spatial
    module.number, module.Nothing = 7, lambda: None
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return f"{module.__name__}:{{}}".format


def using(application, use, **ranking):
    ranking = replace(application.settings.ranking, use=use, **ranking)
    application.settings = replace(application.settings, ranking=ranking)
    return application


def test_a_ranker_gets_the_space_the_embedder_and_how_much_to_explore(application, plug_in):
    using(application, plug_in("Ranker"), explore=2)

    assert application.ranker.learned == {"space": None, "embedder": None, "explore": 2}
    assert application.ranker is application.ranker


def test_a_plug_in_gets_only_what_it_takes(application, plug_in):
    assert using(application, plug_in("Capped"), cap=30).ranker.cap == 30
    assert using(application, plug_in("Spatial")).ranker.space is None


@pytest.mark.parametrize("name", ["number", "Nothing"])
def test_what_is_no_ranker_is_named(application, plug_in, name):
    with pytest.raises(ConfigError, match=f"names no ranker: 'plugged_rankers:{name}'"):
        _ = using(application, plug_in(name)).ranker


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("class Mine(\n", ["SyntaxError", "unready_ranker.py, line 1"]),
        ("\nimport no_such_package\n", ["'no_such_package'", "unready_ranker.py, line 2"]),
        (
            "class Mine:\n    def __init__(self):\n        {}['x']\n",
            ["KeyError: 'x'", "unready_ranker.py, line 3"],
        ),
    ],
)
def test_a_ranker_whose_module_fails_is_named_with_the_line(
    application, tmp_path, monkeypatch, text, words
):
    (tmp_path / "unready_ranker.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "unready_ranker", raising=False)

    with pytest.raises(ConfigError) as caught:
        _ = using(application, "unready_ranker:Mine").ranker

    assert "names no class" not in caught.value.message
    assert all(each in caught.value.message for each in ["unready_ranker:Mine", *words])


def test_without_a_database_there_is_a_ranker_but_no_space(application, tmp_path):
    settings = replace(application.settings, db=str(tmp_path / "nowhere.db"))

    with App(settings) as bare:
        assert bare.space is None
        assert bare.ranker is not None

    assert not (tmp_path / "nowhere.db").exists()


def test_a_process_that_runs_for_months_ranks_with_what_was_learned_last(
    application, plug_in, archive
):
    using(application, plug_in("Ranker"))
    before = application.ranker
    application.store.papers.ingest(archive(range(100)))

    with App(application.settings, clock=application.clock) as worker:
        assert worker.learn() is Learning.LEARNED

    after = application.ranker
    assert before.learned["space"] is None
    assert after.learned["space"].name == application.store.spaces.name()
    assert after.learned["space"] is application.space
    assert application.ranker is after, "and it is not built at each use"


def test_learning_is_done_when_it_is_due_or_asked_for(application, archive):
    assert application.learn() is None
    assert application.learn(force=True) is Learning.TOO_FEW
    application.store.papers.ingest(archive(range(100)))
    assert application.learn() is Learning.LEARNED
    assert application.learn() is None
    assert application.learn(force=True) is Learning.LEARNED


def test_a_space_that_cannot_be_read_is_done_without_and_learned_anew(application, archive, caplog):
    application.store.papers.ingest(archive(range(100)))
    application.store.spaces.keep("lsa:broken", b"no space", application.clock(), papers=100)

    assert application.space is None
    assert application.ranker is not None
    assert "the space cannot be read" in caplog.text
    assert application.learn() is Learning.LEARNED
    assert application.space.papers == 100


# --- what lies near what --------------------------------------------------------------------------


def test_nothing_is_near_before_there_is_a_space(application, archive):
    assert application.nearness is None
    application.store.papers.ingest(archive(range(40)))
    assert application.nearness is None


def test_what_is_near_is_gathered_once_and_again_after_new_vectors(application, archive):
    application.store.papers.ingest(archive(range(100)))
    application.learn()
    first = application.nearness

    assert len(first.ids) == 100
    assert application.nearness is first
    application.store.papers.ingest(archive([100]))
    assert application.nearness is first, "the paper has no vector yet"
    application.place()

    assert application.nearness.ids.count("arxiv:2601.00100") == 1
    assert len(application.nearness.ids) == 101


def test_what_is_near_follows_the_space_that_another_process_learns(application, archive):
    application.store.papers.ingest(archive(range(100)))
    application.learn()
    first = application.nearness
    application.store.papers.ingest(archive(range(100, 124)))

    with App(application.settings, clock=application.clock) as worker:
        worker.learn()

    assert application.nearness.space is application.space is not first.space
    assert len(application.nearness.ids) == 124


def test_while_one_thread_gathers_the_others_do_with_what_there_was(application, archive):
    application.store.papers.ingest(archive(range(100)))
    application.learn()
    first = application.nearness
    application.store.papers.ingest(archive([100]))
    application.place()

    with application._gathering:
        assert application.nearness is first

    assert application.nearness is not first


# --- an embedder ----------------------------------------------------------------------------------


class Embedder:
    """Two numbers a text; each block of papers takes it half a minute."""

    name = "embedder:tiny"

    def __init__(self, moment):
        self.blocks = []
        self._moment = moment

    dimensions = 2

    def find(self):
        """It is here."""

    def papers(self, papers):
        self.blocks.append(len(papers))
        self._moment[0] += timedelta(seconds=30)
        return self.texts([each.title for each in papers])

    def texts(self, texts):
        return np.array([[len(each), 1] for each in texts], np.float32).reshape(-1, 2)


@pytest.fixture
def embedder(application):
    made = Embedder(application.moment)
    application.__dict__["embedder"] = made
    return made


def test_an_embedder_works_as_long_as_the_rest_can_wait(application, archive, embedder):
    application.store.papers.ingest(archive(range(300)))

    application.place(patience=timedelta(minutes=1))
    assert embedder.blocks == [64, 64]

    application.place()
    assert embedder.blocks == [64, 64, 64, 64, 44]


def test_one_process_embeds_at_a_time_and_gives_the_turn_back(application, archive, embedder):
    application.store.papers.ingest(archive(range(3)))
    now = application.clock()
    assert application.store.lease("place", owner="another", now=now, seconds=60)

    assert not application.place()
    assert embedder.blocks == []
    application.store.unlease("place", owner="another")

    assert application.place()
    assert embedder.blocks == [3]
    assert not application.store.leased("place", now=application.clock(), seconds=60)


def test_what_is_made_of_liked_papers_is_kept_and_readers_wait_for_the_rest(
    application, archive, embedder
):
    application.store.papers.ingest(archive(range(500)))
    application.learn()
    person = subscribe(application, likes=[f"2601.{each:05}" for each in range(200)])
    name = application.ranker.keeps

    assert application.keep_ahead() == 0
    assert embedder.blocks == [64, 64]
    assert application.keep_ahead() == 1
    assert embedder.blocks == [64, 64, 64, 8]
    assert application.store.spaces.tastes(name, [person.id])

    application.place()
    assert sum(embedder.blocks) == 500, "none of them is made again"


def test_what_composing_makes_of_papers_is_kept(application, archive, embedder):
    long_ago = application.clock() - timedelta(days=60)
    application.store.papers.ingest(archive(range(450), seen_at=long_ago))
    application.store.papers.ingest(archive(range(450, 500), seen_at=application.clock()))
    application.learn()
    subscribe(application, likes=[f"2601.{each:05}" for each in range(70)])

    application.compose_edition(None)
    assert embedder.blocks == [64, 56], "of the edition, and of what is liked"

    application.place()
    assert sum(embedder.blocks) == 500, "none of them is made again"


class Absent(Embedder):
    """A model that is not on this machine, which has no network, until it is brought."""

    here = False
    asked = 0

    def find(self):
        self.asked += 1
        if not self.here:
            raise ConfigError("[ranking] embedder: tiny is not on this machine.")

    def texts(self, texts):
        assert self.here
        return super().texts(texts)


def subscribe(application, likes=("2601.00001",)):
    return subscriptions.subscribe(
        application.store,
        "ada@example.org",
        subscriptions.Wishes(keywords=["bread"], likes=list(likes)),
        topics={},
        defaults=application.newcomer,
        confirmed=True,
        now=application.clock(),
    )


@pytest.fixture
def absent(application):
    made = Absent(application.moment)
    application.__dict__["embedder"] = made
    return made


def test_a_model_that_cannot_be_loaded_costs_nobody_their_digest(
    application, archive, absent, caplog
):
    papers = archive(range(100), seen_at=application.clock())
    application.store.papers.ingest(papers)
    application.learn()
    subscribe(application)

    assert application.compose_edition(None).digests == 1
    application.compose_edition(None)

    (said,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert said.message == (
        "papers are ranked without their meaning: [ranking] embedder: tiny is not on this machine."
    )


def test_what_is_kept_of_readers_without_a_model_goes_by_another_name(application, archive, absent):
    application.store.papers.ingest(archive(range(100)))
    application.learn()
    without = application.ranker

    absent.here = True
    assert application.ranker is without, "it is not asked for at each use"
    application.moment[0] += timedelta(minutes=10)
    with_it = application.ranker

    assert (without.embeds, with_it.embeds) == ("", "embedder:tiny")
    assert without.keeps != with_it.keeps
    assert absent.asked == 2


def test_placing_says_that_the_model_cannot_be_loaded_even_where_no_paper_waits_for_it(
    application, archive, absent
):
    application.store.papers.ingest(archive(range(3)))
    absent.here = True
    application.place()
    absent.here = False
    application.moment[0] += timedelta(minutes=10)

    with pytest.raises(ConfigError, match="tiny is not on this machine"):
        application.place()

    absent.here = True
    application.moment[0] += timedelta(minutes=10)
    assert application.place()


def test_a_model_that_is_here_and_turns_out_broken_is_gone_without_as_well(
    application, archive, embedder, monkeypatch
):
    application.store.papers.ingest(archive(range(100), seen_at=application.clock()))
    application.learn()
    subscribe(application)

    def broken(_):
        raise ConfigError("[ranking] embedder: tiny cannot be loaded as a model: no weights.")

    monkeypatch.setattr(embedder, "papers", broken)
    with pytest.raises(ConfigError, match="no weights"):
        application.place()

    assert application.ranker.embeds == ""
    assert application.compose_edition(None).digests == 1


def test_a_night_without_the_model_forgets_nothing_that_was_learned_with_it(
    application, archive, absent
):
    application.store.papers.ingest(archive(range(100)))
    application.learn()
    absent.here = True
    name = application.ranker.keeps
    person = subscribe(application)
    application.compose_edition(None)
    assert application.store.spaces.tastes(name, [person.id])

    absent.here = False
    application.__dict__["fetcher"] = RecordedFetcher({})
    application.moment[0] += timedelta(days=1)
    worker.nightly(application)

    assert application.store.spaces.tastes(name, [person.id])
