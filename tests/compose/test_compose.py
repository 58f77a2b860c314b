"""From a ranking to a digest."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from digest.compose import compose, wants_mail
from digest.model import (
    Mood,
    Pick,
    Quiet,
    Ranking,
    Reason,
    ReasonKind,
    SourceReport,
    Subscriber,
    Verdict,
)


@pytest.fixture
def ada(now):
    return Subscriber(id="s_ada", email="ada@example.org", key="00", created_at=now, limit=2)


def matching_papers(count):
    return tuple(Pick(paper_id=f"p{n}", score=9.0 - n) for n in range(count))


@pytest.fixture
def composed(ada, now):
    """The digest of this many matching papers, with what else the test says."""

    def make(matching, **about):
        picks = about.pop("picks", matching_papers(matching or 0))
        rest = about.pop("rest", ())
        ranking = Ranking(subscriber_id=ada.id, picks=picks, rest=rest, matched=matching)
        values = {"subscriber": ada, "announced": 50, "withheld": 0, "reports": ()}
        values |= {"since": now - timedelta(days=1), **about}
        return compose(
            ranking,
            edition="2026-06-10",
            until=now,
            now=now,
            **values,
        )

    return make


def test_the_best_papers_are_shown_in_full_and_the_others_as_titles(composed):
    digest = composed(5, announced=50, withheld=3)

    assert [pick.paper_id for pick in digest.picks] == ["p0", "p1"]
    assert digest.rest == ("p2", "p3", "p4")
    assert (digest.announced, digest.matched, digest.withheld) == (50, 5, 3)


def test_a_ranker_that_does_not_count_the_matches_lists_all_of_them(composed):
    why = Reason(kind=ReasonKind.EXPLORE, what="", amount=1.0)
    explored = Pick(paper_id="other", score=1.0, reasons=(why,))
    picks = (*matching_papers(2), explored)

    assert composed(None, picks=picks, rest=("p2",)).matched == 3
    assert composed(0, picks=picks, rest=("p2",)).matched == 0


def test_the_key_is_subscriber_and_edition(composed, ada, now):
    digest = composed(1)

    assert (digest.id, digest.subscriber_id) == ("s_ada.2026-06-10", "s_ada")
    assert (digest.edition, digest.until, digest.composed_at) == ("2026-06-10", now, now)


def test_titles_are_bounded(composed, monkeypatch):
    monkeypatch.setattr("digest.compose.REST_CAP", 4)
    digest = composed(9)

    assert digest.rest == ("p2", "p3", "p4", "p5")
    assert digest.matched == 9


def test_the_mood_says_what_kind_of_day_it_was(composed, now):
    failed = SourceReport(source="arxiv", place="", verdict=Verdict.FAILED, at=now)
    empty = SourceReport(source="arxiv", place="", verdict=Verdict.HOLIDAY, at=now)

    assert composed(1).mood is Mood.PICKS
    assert composed(0).mood is Mood.NO_MATCH
    assert composed(0, announced=0, reports=[empty]).mood is Mood.HOLIDAY
    assert composed(0, announced=0, reports=[failed]).mood is Mood.OUTAGE


@pytest.mark.parametrize(
    ("covers", "asked", "expected"),
    [
        (timedelta(days=1), timedelta(hours=24, minutes=4), Mood.HOLIDAY),
        (timedelta(days=1), timedelta(hours=26, minutes=30), Mood.OUTAGE),
        (timedelta(hours=1), timedelta(hours=20), Mood.HOLIDAY),
        (timedelta(hours=1), timedelta(hours=26, minutes=30), Mood.OUTAGE),
        (timedelta(days=2), timedelta(hours=30), Mood.HOLIDAY),
    ],
)
def test_a_source_counts_as_quiet_if_asked_since_the_last_digest_or_within_about_a_day(
    composed, now, covers, asked, expected
):
    unchanged = SourceReport(source="arxiv", place="", verdict=Verdict.UNCHANGED, at=now - asked)

    digest = composed(0, announced=0, reports=[unchanged], since=now - covers)

    assert digest.mood is expected


def test_papers_below_the_floor_are_titles_before_the_others(composed, ada):
    _, second, *_ = matching_papers(4)
    choosy = replace(ada, floor=second.chance + 0.01)

    digest = composed(4, subscriber=choosy)

    assert [pick.paper_id for pick in digest.picks] == ["p0"]
    assert digest.rest == ("p1", "p2", "p3")
    assert digest.mood is Mood.PICKS


def test_a_chance_that_just_reaches_the_floor_is_enough(composed, ada):
    first, second = matching_papers(2)

    digest = composed(2, subscriber=replace(ada, floor=second.chance))

    assert digest.picks == (first, second)


def test_a_day_on_which_nothing_reaches_the_floor_says_so_and_keeps_the_titles(composed, ada):
    digest = composed(3, subscriber=replace(ada, floor=1.0))

    assert digest.mood is Mood.BELOW
    assert digest.picks == ()
    assert digest.rest == ("p0", "p1", "p2")
    assert digest.matched == 3


def test_a_paper_to_explore_is_never_among_the_titles(composed, ada):
    explored = Pick(
        paper_id="x", score=0.0, reasons=(Reason(kind=ReasonKind.EXPLORE, what="", amount=0.0),)
    )
    first, *others = matching_papers(3)
    picks = (first, explored, *others)

    assert composed(3, picks=picks).picks == (first, explored)
    assert composed(3, picks=picks).rest == ("p1", "p2")
    choosy = composed(3, picks=picks, subscriber=replace(ada, floor=first.chance))
    assert (choosy.picks, choosy.rest) == ((first,), ("p1", "p2"))


def test_a_paper_to_explore_is_never_shown_alone(composed, ada):
    explored = Pick(
        paper_id="x", score=0.0, reasons=(Reason(kind=ReasonKind.EXPLORE, what="", amount=0.0),)
    )

    quiet = composed(0, picks=(explored,))

    assert (quiet.picks, quiet.rest, quiet.mood) == ((), (), Mood.NO_MATCH)
    assert not wants_mail(quiet, replace(ada, quiet=Quiet.NOTHING))


def test_titles_have_the_other_picks_before_the_ids_of_the_ranking(composed, monkeypatch):
    monkeypatch.setattr("digest.compose.REST_CAP", 2)
    digest = composed(5, picks=matching_papers(3), rest=("q0", "q1"))

    assert [each.paper_id for each in digest.picks] == ["p0", "p1"]
    assert digest.rest == ("p2", "q0")


@pytest.mark.parametrize(
    ("matching", "quiet", "wanted"),
    [
        (1, Quiet.NOTHING, True),
        (1, Quiet.LINE, True),
        (0, Quiet.LINE, True),
        (0, Quiet.NOTHING, False),
    ],
)
def test_a_quiet_day_is_mailed_only_to_those_who_want_a_line(
    composed, ada, matching, quiet, wanted
):
    assert wants_mail(composed(matching), replace(ada, quiet=quiet)) is wanted


@pytest.mark.parametrize(("quiet", "wanted"), [(Quiet.LINE, True), (Quiet.NOTHING, False)])
def test_a_day_below_the_floor_is_a_quiet_day(composed, ada, quiet, wanted):
    choosy = replace(ada, floor=1.0, quiet=quiet)

    assert wants_mail(composed(3, subscriber=choosy), choosy) is wanted
