"""`digest evaluate --own`, as an operator types it."""

import json
from contextlib import closing
from datetime import timedelta

import pytest

from digest import subscriptions
from digest.errors import ConfigError
from digest.model import FeedbackKind, Ranking, Via
from digest.ranking import space as spaces
from digest.store import open_store

DAY = ("--date", "2026-06-10")
OWN = ("evaluate", "--own", "--days", "3650")


@pytest.fixture
def answered(digest, listed, tmp_path):
    """A database whose one reader got one digest, and wanted one paper of it."""
    digest("init")
    digest("fetch", "arxiv", "--from", listed)
    digest("subscribe", "a@b.example", "--topic", "cs.LG", "--keyword", "encoder", "--confirmed")
    digest("deliver", *DAY)
    store = open_store(tmp_path / "digest.db")
    person = subscriptions.find(store, "a@b.example")
    (sent,) = store.ledger.recent(person.id, limit=1)
    paper = store.papers.get([sent.picks[0].paper_id])[sent.picks[0].paper_id]
    subscriptions.give(
        store,
        person,
        FeedbackKind.SAVE,
        paper=paper,
        via=Via.WEB,
        now=sent.composed_at + timedelta(hours=1),
        edition=sent.edition,
        rank=1,
    )
    store.close()
    return digest


def test_own_feedback_is_replayed_by_each_ranker(answered, tmp_path):
    ran = answered(
        *OWN, "--ranker", "tfidf", "--ranker", ".linear:LinearRanker", "--json", "o.json"
    )
    assert ran.code == 0, ran.err
    assert "1 answer from 1 person to 1 digest" in ran.out
    assert "Too little feedback to tell" in ran.out
    assert "[experiments] against" in ran.out
    assert "b.example" not in ran.out
    told = json.loads((tmp_path / "o.json").read_text())
    assert set(told["replay"]["rankers"]) == {".linear:LinearRanker", "tfidf", "as it was sent"}
    assert told["replay"]["rankers"][".linear:LinearRanker"]["of the shown"] == [1, 1, 1]
    assert told["live"]["answers"] == 0


def test_the_ranker_of_an_experiment_is_replayed_too(answered, monkeypatch):
    monkeypatch.setenv("DIGEST_EXPERIMENTS_AGAINST", ".linear:LinearRanker")
    ran = answered(*OWN)
    assert ran.code == 0, ran.err
    assert ".linear:LinearRanker with its own options" in ran.out
    assert "There is nothing to compare yet." in ran.out


GIVEN = []


class Spatial:
    """A plug-in that notes in what space it ranks, and ranks nothing."""

    def __init__(self, *, topics, trending, cap, space=None):
        GIVEN.append(space)

    def rank(self, block, candidates, *, without, now):
        return [Ranking(subscriber_id=each.subscriber_id) for each in block]


class Bold(Spatial):
    """Another."""


class Shy(Spatial):
    """A third."""


def test_a_replay_ranks_without_the_shown_papers_among_the_references(
    answered, archive, monkeypatch, tmp_path
):
    with closing(open_store(tmp_path / "digest.db")) as store:
        store.papers.ingest(archive(range(500)))
    answered("learn")
    monkeypatch.setenv("DIGEST_RANKING_USE", f"{__name__}:Spatial")
    monkeypatch.setenv("DIGEST_EXPERIMENTS_AGAINST", f"{__name__}:Bold")
    GIVEN.clear()

    ran = answered(*OWN, "--ranker", f"{__name__}:Shy")

    assert ran.code == 0, ran.err
    assert ["arxiv:2606.00001" in each.references.ids for each in GIVEN] == [False] * 3
    with closing(open_store(tmp_path / "digest.db")) as store:
        assert "arxiv:2606.00001" in spaces.loads(store.spaces.load()).references.ids


def test_digest_names_the_ranker_that_is_configured(answered, tmp_path):
    ran = answered(*OWN, "--ranker", "digest", "--ranker", "tfidf", "--json", "o.json")
    assert ran.code == 0, ran.err
    told = json.loads((tmp_path / "o.json").read_text())
    assert set(told["replay"]["rankers"]) == {".linear:LinearRanker", "tfidf", "as it was sent"}


def test_a_ranker_that_lacks_its_model_is_not_replayed_as_itself(answered, monkeypatch):
    def missing(_):
        raise ConfigError("[ranking] embedder: owner/model is not on this machine.")

    monkeypatch.setattr("digest.ranking.embedding.find_spec", lambda _: "it is installed")
    monkeypatch.setattr("digest.ranking.embedding.SentenceEmbedder.find", missing)
    monkeypatch.setenv("DIGEST_RANKING_EMBEDDER", "owner/model")

    ran = answered(*OWN)

    assert ran.code != 0
    assert "owner/model is not on this machine" in ran.err


def test_without_answers_there_is_nothing_to_tell(digest):
    digest("init")
    ran = digest("evaluate", "--own")
    assert ran.code == 0
    assert "Too little feedback to tell (0 answers from 0 people" in ran.out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("evaluate", "--own", "folder"), "--own goes with"),
        (("evaluate", "--own", "--set", "cul"), "--own goes with"),
        (("evaluate", "--own", "--ranker", "nobodys"), "no ranker 'nobodys'"),
        (
            ("evaluate", "--own", "--ranker", "nobodys:Ranker"),
            "--ranker: 'nobodys:Ranker' cannot be imported",
        ),
        (("evaluate", "--days", "7"), "--own"),
    ],
)
def test_what_does_not_go_together_is_said(digest, words, sentence):
    digest("init")
    ran = digest(*words)
    assert ran.code == 2
    assert sentence in ran.err
    assert ran.err.count("\n") == 1
