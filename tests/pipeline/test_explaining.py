"""What made a paper's score, term by term, whether or not it was picked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from digest import subscriptions
from digest.errors import InvalidInput, NotFound
from digest.model import Explanation, OutboxState, Pick, Ranking, Reason, ReasonKind
from digest.pipeline import explaining
from digest.pipeline.experimenting import Experiment

TERMS = (
    Reason(kind=ReasonKind.TOPIC, what="cs.IR", amount=2.0),
    Reason(kind=ReasonKind.LIKE, what="arxiv:2606.00009", amount=1.5),
)


class Known:
    """A ranker that picks the papers given, and says the same of all."""

    def __init__(self, *picked: str, barred: str = "") -> None:
        self.picked, self.barred = picked, barred
        self.asked: tuple = ()

    def rank(self, block, candidates, *, without, now):
        there = {each.id for each in candidates.papers}
        picks = tuple(Pick(paper_id=each, score=3.5) for each in self.picked if each in there)
        return [Ranking(subscriber_id=each.subscriber_id, picks=picks) for each in block]

    def explain(self, profile, candidates, paper_id, *, without, now):
        assert paper_id in {each.id for each in candidates.papers}
        self.asked = (profile, without)
        return Explanation(paper_id=paper_id, score=3.5, terms=TERMS, barred=self.barred)


@pytest.fixture
def explain(application, subscribe, item):
    application.store.papers.ingest([item(1), item(2), item(9)])
    person = subscribe()

    def run(ranker, named, edition="2026-06-10", against=None):
        return explaining.explain_one(
            application.store,
            ranker,
            person,
            edition,
            named,
            now=application.clock(),
            experiment=Experiment(challenger=against) if against else None,
        )

    return run


def test_a_picked_paper_has_its_place_and_the_terms_of_its_score(explain):
    why = explain(Known("arxiv:2606.00001", "arxiv:2606.00002"), "arxiv:2606.00002")

    assert (why.explanation.rank, why.listed, why.explanation.barred) == (2, 2, "")
    assert why.explanation.terms == TERMS
    assert why.is_shown


def test_of_two_rankers_that_are_compared_the_one_that_brought_a_paper_says_why(explain):
    ours = Known("arxiv:2606.00001", "arxiv:2606.00009")
    tried = Known("arxiv:2606.00002", "arxiv:2606.00009", barred="it is theirs")

    first = explain(ours, "arxiv:2606.00001", against=tried)
    second = explain(ours, "arxiv:2606.00002", against=tried)

    assert first.explanation.barred == ""
    assert second.explanation.barred == "it is theirs"
    assert sorted([first.explanation.rank, second.explanation.rank]) == [1, 2]


def test_a_ranker_that_is_tried_and_says_nothing_is_not_spoken_for(explain):
    class Silent(Known):
        explain = property()  # as if it were not there

    ours = Known("arxiv:2606.00001", "arxiv:2606.00009")

    with pytest.raises(InvalidInput, match="comes from the ranker that is being tried"):
        explain(ours, "arxiv:2606.00002", against=Silent("arxiv:2606.00002", "arxiv:2606.00009"))


def test_a_paper_may_be_named_as_people_name_it(explain):
    assert explain(Known("arxiv:2606.00001"), "2606.00001").paper.id == "arxiv:2606.00001"


def test_the_titles_that_terms_speak_of_are_there(explain):
    why = explain(Known("arxiv:2606.00001"), "2606.00001")

    assert "retrieval number 9" in why.material.titles["arxiv:2606.00009"]


def test_a_paper_that_was_not_picked_says_why(explain):
    muted = explain(Known(barred="you muted “maps”"), "2606.00001").explanation
    beside = explain(Known(), "2606.00001").explanation

    assert (muted.rank, muted.barred) == (0, "you muted “maps”")
    assert (beside.rank, beside.barred) == (0, explaining.NOT_FOUND)


def test_a_paper_of_another_day_is_scored_as_if_it_had_been_there(explain):
    why = explain(Known("arxiv:2606.00001"), "2606.00001", edition="2026-06-09")

    assert why.explanation.score == 3.5
    assert (why.explanation.rank, why.explanation.barred) == (0, explaining.NOT_ANNOUNCED)
    assert not why.is_shown


def test_the_ranker_is_told_what_was_sent_before(application, explain, item):
    application.compose_edition("2026-06-10")
    application.moment[0] = datetime(2026, 6, 11, 12, tzinfo=UTC)
    again = datetime(2026, 6, 11, 4, tzinfo=UTC)
    application.store.papers.ingest([item(1, category="cs.CL", seen_at=again)])
    (person,) = application.store.subscribers.page("", limit=9)
    ranker = Known("arxiv:2606.00001")

    explain(ranker, "2606.00001", edition="2026-06-11")

    profile, without = ranker.asked
    assert profile.subscriber_id == person.id
    assert "arxiv:2606.00001" in without[person.id]


def test_what_nobody_has_or_nobody_can_explain_is_an_error(explain):
    with pytest.raises(NotFound, match="no such paper"):
        explain(Known(), "2606.12345")
    with pytest.raises(InvalidInput, match="neither an arXiv id"):
        explain(Known(), "that paper on maps")

    class Silent:
        rank = Known().rank

    with pytest.raises(InvalidInput, match="cannot explain"):
        explain(Silent(), "2606.00001")


def test_the_edition_that_is_asked_about_is_not_in_its_own_way(application, explain):
    application.compose_edition("2026-06-10")
    ranker = Known("arxiv:2606.00001")

    explain(ranker, "2606.00001")

    _, without = ranker.asked
    assert "arxiv:2606.00001" not in frozenset().union(*without.values())


def test_what_was_composed_is_told_beside_what_it_would_be_now(application, explain):
    assert explain(Known("arxiv:2606.00001"), "2606.00001").stood is None

    application.compose_edition("2026-06-10")
    waiting = explain(Known(barred="you disliked it"), "2606.00001")
    application.deliver()
    sent = explain(Known(barred="you disliked it"), "2606.00001").stood

    assert waiting.explanation.barred == "you disliked it"
    assert waiting.stood.state is OutboxState.QUEUED
    assert (sent.place, sent.shown, sent.state) == (waiting.stood.place, True, OutboxState.SENT)
    assert sent.place > 0


def test_a_sent_digest_that_is_on_its_way_once_more_was_sent(application, explain):
    application.compose_edition("2026-06-10")
    application.deliver()
    (person,) = application.store.subscribers.page("", limit=9)
    now = application.clock()
    assert subscriptions.again(application.store, person, domain="digest.example", now=now) == 1

    assert explain(Known(), "2606.00001").stood.state is OutboxState.SENT


def test_a_paper_of_which_a_digest_had_the_title_alone_was_not_shown(application, explain, item):
    (person,) = application.store.subscribers.page("", limit=9)
    application.store.subscribers.save(replace(person, limit=1))
    application.compose_edition("2026-06-10")
    (digest,) = application.store.ledger.recent(person.id, limit=1)

    stood = explain(Known(), digest.rest[0]).stood

    assert (stood.place, stood.shown) == (2, False)


def test_a_digest_of_which_there_was_to_be_no_mail_has_no_state(application, subscribe, item):
    person = subscribe(quiet="nothing", topics=["math.AG"])
    application.store.papers.ingest([item(1)])
    application.compose_edition("2026-06-10")

    stood = application.why(person.email, "2026-06-10", "2606.00001").stood

    assert (stood.place, stood.shown, stood.state) == (0, False, None)


def test_our_own_ranker_explains_the_score_by_which_it_picked(application, subscribe, item):
    application.store.papers.ingest([item(number) for number in range(1, 9)])
    person = subscribe(keywords=["retrieval"], likes=["2606.00008"])
    look = application.look(person.email, "2026-06-10")
    assert look.picks

    for place, pick in enumerate(look.picks, 1):
        why = application.why(person.email, "2026-06-10", pick.paper_id)
        found = why.explanation

        assert (found.rank, found.barred) == (place, "")
        assert found.score == pytest.approx(pick.score, abs=1e-4)
        assert sum(term.amount for term in found.terms) == pytest.approx(found.score, abs=1e-6)
        for term, words in found.parted:
            assert not words or sum(part for _, part in words) == pytest.approx(
                term.amount, abs=1e-5
            )


def test_our_own_ranker_says_what_keeps_a_paper_out(application, subscribe, item):
    application.store.papers.ingest([item(1), item(2)])
    person = subscribe(mutes=["number 1"], likes=["2606.00002"])

    muted = application.why(person.email, "2026-06-10", "2606.00001").explanation
    liked = application.why(person.email, "2026-06-10", "2606.00002").explanation

    assert "muted" in muted.barred
    assert "liked" in liked.barred
    assert muted.rank == liked.rank == 0
