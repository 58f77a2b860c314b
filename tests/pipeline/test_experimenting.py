"""Two rankers in one digest: whose picks stand where, for whom, and the same every time."""

import sys
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from digest.errors import ConfigError
from digest.model import Pick, Ranking, Reason, ReasonKind
from digest.pipeline import composing, windows
from digest.pipeline.experimenting import Experiment
from digest.ports import Candidates


@dataclass
class ByNumber:
    """Ranks by the number in a paper's id, up or down; `asked` are the people it ranked for."""

    down: bool = False
    asked: list[str] = field(default_factory=list)

    def rank(self, block, candidates, *, without, now):
        self.asked += [each.subscriber_id for each in block]
        return [self._ranking(each, candidates.papers, without) for each in block]

    def _ranking(self, profile, papers, without):
        barred = without.get(profile.subscriber_id, frozenset())
        ids = sorted((each.id for each in papers if each.id not in barred), reverse=self.down)
        picks = tuple(
            Pick(
                paper_id=each,
                score=float(len(ids) - place),
                reasons=(Reason(kind=ReasonKind.TOPIC, what="cs.IR", amount=1.0),),
            )
            for place, each in enumerate(ids)
        )
        return Ranking(subscriber_id=profile.subscriber_id, picks=picks, matched=len(ids))


@pytest.fixture
def compose(application):
    """Composes today's edition for everyone by one ranker and, with a share, another."""

    def run(share=1.0, *, edition="2026-06-10", first=None, other=None):
        experiment = Experiment(challenger=other or ByNumber(down=True), share=share)
        this = composing.Round(
            store=application.store,
            ranker=first or ByNumber(),
            experiment=experiment,
            now=application.clock(),
            domain="digest.example",
        )
        return composing.compose_edition(this, edition)

    return run


def shown(digest):
    return [(pick.paper_id, pick.team) for pick in digest.picks]


def kept(application, person, edition="2026-06-10"):
    return application.store.ledger.digest(f"{person.id}.{edition}")


def test_a_digest_has_papers_of_both_and_keeps_whose_they_were(
    application, subscribe, item, compose
):
    application.store.papers.ingest([item(number) for number in range(12)])
    person = subscribe(limit=6)
    compose()

    digest = kept(application, person)
    teams = {"a": [], "b": []}
    for paper, team in shown(digest):
        teams[team].append(paper)
    assert teams["a"] == [f"arxiv:2606.{number:05}" for number in (0, 1, 2)]
    assert teams["b"] == [f"arxiv:2606.{number:05}" for number in (11, 10, 9)]
    assert len(digest.rest) == 6, "the digest is cut after both have brought theirs"
    assert digest.matched == 12


def test_an_edition_ranked_again_is_the_same_list(application, subscribe, item, compose):
    application.store.papers.ingest([item(number) for number in range(12)])
    people = [subscribe(f"reader{number}@example.org") for number in range(8)]
    compose()
    experiment = Experiment(challenger=ByNumber(down=True))
    for person in people:
        ranked = composing.rank_one(
            application.store,
            ByNumber(),
            person,
            "2026-06-10",
            now=application.clock(),
            experiment=experiment,
        )
        picks = ranked.digest.picks
        assert picks == kept(application, person).picks
        assert ranked.ranking.picks[: len(picks)] == picks


def test_who_begins_differs_from_reader_to_reader_and_day_to_day(
    application, subscribe, item, compose
):
    application.store.papers.ingest([item(number) for number in range(4)])
    people = [subscribe(f"reader{number}@example.org") for number in range(20)]
    compose()
    assert {kept(application, person).picks[0].team for person in people} == {"a", "b"}


def test_only_the_share_takes_part_and_it_is_always_the_same_people(
    application, subscribe, item, compose
):
    application.store.papers.ingest([item(number) for number in range(4)])
    people = [subscribe(f"reader{number}@example.org") for number in range(40)]
    other = ByNumber(down=True)
    compose(0.5, other=other)

    parted = {each.id for each in people if kept(application, each).picks[0].team}
    assert 8 < len(parted) < 32
    assert set(other.asked) == parted, "the other ranker does no work for the rest"
    half = Experiment(challenger=other, share=0.5)
    assert {each.id for each in people if half.has(each.id)} == parted
    assert not any(replace(half, share=0.0).has(each.id) for each in people)
    assert all(replace(half, share=1.0).has(each.id) for each in people)
    assert all(replace(half, share=0.6).has(each) for each in parted)


def test_who_has_a_floor_takes_no_part(application, subscribe, item, compose):
    application.store.papers.ingest([item(number) for number in range(4)])
    person, choosy = subscribe("ada@example.org"), subscribe("bo@example.org", floor="0.01")
    compose()

    assert kept(application, person).picks[0].team
    assert [each.team for each in kept(application, choosy).picks] == ["", "", ""]


def test_without_a_share_or_an_experiment_there_are_no_teams(application, subscribe, item, compose):
    application.store.papers.ingest([item(number) for number in range(4)])
    person = subscribe()
    other = ByNumber(down=True)
    compose(0.0, other=other)
    assert {team for _, team in shown(kept(application, person))} == {""}
    assert other.asked == []


def test_nobody_gets_what_they_got_before(application, subscribe, item, compose):
    application.store.papers.ingest([item(number) for number in range(6)])
    person = subscribe(limit=3)
    compose()
    sent = {paper for paper, _ in shown(kept(application, person))}
    sent |= set(kept(application, person).rest)
    assert len(sent) == 6

    compose(edition="2026-06-09")
    assert not kept(application, person, "2026-06-09").picks


@pytest.fixture
def against(application):
    """Switches an experiment on, as the settings do."""

    def run(use=".linear:LinearRanker", **options):
        given = replace(application.settings.experiments, against=use, options=options)
        application.settings = replace(application.settings, experiments=given)

    return run


def test_the_settings_say_against_which_ranker_and_how_that_differs(
    application, subscribe, item, against
):
    application.store.papers.ingest([item(number) for number in range(4)])
    person = subscribe()
    assert application.experiment is None

    against(cap=2)
    (profile,) = application.store.subscribers.profiles([person.id])
    window = windows.window_of(
        application.store, application.clock() - timedelta(days=1), application.clock()
    )
    found = application.challenger.rank(
        [profile], Candidates(papers=window.papers), without={}, now=application.clock()
    )

    assert len(found[0].picks) == 2
    assert application.experiment == Experiment(challenger=application.challenger, share=1.0)


@pytest.mark.parametrize("wrong", [{"use": ".linear:Nobody"}, {"caps": 2}])
def test_a_wrong_setting_is_named(application, against, wrong):
    against(**wrong)
    with pytest.raises(ConfigError, match=r"\[experiments\] against"):
        application.experiment  # noqa: B018 - it is built when asked for


def test_the_preview_of_an_edition_is_the_digest_that_was_made(
    application, subscribe, item, against, monkeypatch
):
    ours = SimpleNamespace(OldestFirst=lambda **_: ByNumber())
    monkeypatch.setitem(sys.modules, "our_rankers", ours)
    against("our_rankers:OldestFirst")
    application.store.papers.ingest([item(number) for number in range(8)])
    person = subscribe()
    application.compose_edition(None)

    (digest,) = application.store.ledger.recent(person.id, limit=1)
    assert {pick.team for pick in digest.picks} >= {"a", "b"}
    for edition in (None, digest.edition):
        assert application.look(person.email, edition).digest.picks == digest.picks
