"""The sentences of a digest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from digest.model import FLOORS, Cadence, Mood, Quiet, Reason, ReasonKind
from digest.rendering import wording


def test_one_paper_alone_is_not_and_zero_more(digest):
    assert wording.subject(digest, ["Owls"], 1) == "Owls (Wed 10 Jun)"


@pytest.mark.parametrize(
    ("mood", "subject"),
    [
        (Mood.NO_MATCH, "Nothing new for you (Wed 10 Jun)"),
        (Mood.BELOW, "Nothing reached your bar (Wed 10 Jun)"),
        (Mood.HOLIDAY, "No new listings (Wed 10 Jun)"),
        (Mood.OUTAGE, "Some listings could not be read (Wed 10 Jun)"),
    ],
)
def test_a_quiet_day_says_so_in_its_subject(digest, mood, subject):
    assert wording.subject(replace(digest, mood=mood, picks=()), [], 0) == subject


@pytest.mark.parametrize(
    ("matched", "after_picks", "title"),
    [
        (41, True, "31 more that matched your interests"),
        (1_755, True, "31 more of the 1,755 that matched your interests"),
        (1_755, False, "31 of the 1,755 that matched your interests"),
    ],
)
def test_more_that_matched_than_a_digest_keeps_is_said(digest, matched, after_picks, title):
    kept = replace(digest, matched=matched, rest=tuple(f"arxiv:{each}" for each in range(31)))

    assert wording.rest_title(kept, 31, after_picks=after_picks) == title


@pytest.mark.parametrize(
    ("changes", "cadence", "said"),
    [
        (
            {"announced": 1702, "withheld": 0},
            Cadence.DAILY,
            "Today: 1,702 papers announced, 41 matched your interests, 10 picked for you.",
        ),
        (
            {"announced": 1, "matched": 0, "picks": (), "withheld": 0},
            Cadence.DAILY,
            "Today: 1 paper announced, none matched your interests.",
        ),
        (
            {"withheld": 1, "since": datetime(2026, 6, 3, 5, tzinfo=UTC)},
            Cadence.WEEKLY,
            (
                "This week: 367 papers announced, 41 matched your interests, 10 picked for you. "
                "1 more was left out, since you already had it."
            ),
        ),
        (
            {"mood": Mood.HOLIDAY, "announced": 0, "withheld": 0},
            Cadence.DAILY,
            "Today: nothing was announced.",
        ),
        (
            {"mood": Mood.OUTAGE, "announced": 0, "withheld": 0},
            Cadence.DAILY,
            "Today: no new papers were read.",
        ),
    ],
)
def test_the_summary_counts(digest, changes, cadence, said):
    assert wording.summary(replace(digest, **changes), cadence=cadence) == said


def test_what_is_there_to_explore_is_not_counted_among_what_was_picked(digest):
    why = Reason(kind=ReasonKind.EXPLORE, what="", amount=0.0)
    apart = digest.picks[-1]._replace(reasons=(why,))
    one = replace(digest, picks=(*digest.picks[:-1], apart), matched=9, announced=20, withheld=0)
    alone = replace(one, picks=(apart,), matched=0)

    assert wording.summary(one, cadence=Cadence.DAILY) == (
        "Today: 20 papers announced, 9 matched your interests, 9 picked for you, one to explore."
    )
    assert wording.summary(alone, cadence=Cadence.DAILY) == (
        "Today: 20 papers announced, none matched your interests, one to explore."
    )
    two = replace(one, picks=(apart, apart))
    assert wording.summary(two, cadence=Cadence.DAILY).endswith(
        "9 matched your interests, 2 to explore."
    )
    assert wording.rest_title(replace(one, rest=("arxiv:1",)), 1, after_picks=True) == (
        "1 more that matched your interests"
    )
    assert wording.rest_title(replace(one, matched=11, rest=("arxiv:1",)), 1, after_picks=True) == (
        "1 more of the 11 that matched your interests"
    )


def test_who_follows_nothing_is_told_of_what_is_trending_and_not_of_topics(digest):
    votes = Reason(kind=ReasonKind.TRENDING, what="5", amount=1.0)
    picks = tuple(each._replace(reasons=(votes,)) for each in digest.picks)
    popular = replace(digest, picks=picks, withheld=0)
    partly = replace(popular, picks=(*picks[:-1], digest.picks[-1]))
    chosen = Reason(kind=ReasonKind.PICKED, what="", amount=1.0)
    shown = tuple(each._replace(reasons=(chosen,)) for each in picks)
    curated = replace(popular, picks=shown, matched=len(shown), rest=())

    assert "41 trending, 10 picked for you." in wording.summary(popular, cadence=Cadence.DAILY)
    assert wording.rest_title(popular, 31, after_picks=True) == "31 more trending"
    assert "10 picked by curators" in wording.summary(curated, cadence=Cadence.DAILY)
    assert "41 trending" in wording.summary(replace(popular, picks=shown), cadence=Cadence.DAILY)
    assert "41 matched your interests" in wording.summary(partly, cadence=Cadence.DAILY)


@pytest.mark.parametrize(
    ("matched", "said"),
    [
        (2, "2 matched your interests, 9 picked for you from these and what is trending, one"),
        (1, "1 matched your interests, 9 picked for you from this one and what is trending, one"),
        (0, "none matched your interests, 9 picked for you from what is trending, one"),
    ],
)
def test_trending_papers_in_free_places_are_not_said_to_match(digest, matched, said):
    why = Reason(kind=ReasonKind.EXPLORE, what="", amount=0.0)
    picks = (*digest.picks[:9], digest.picks[9]._replace(reasons=(why,)))
    filled = replace(digest, picks=picks, matched=matched, withheld=0)

    assert said in wording.summary(filled, cadence=Cadence.DAILY)
    assert wording.rest_title(filled, 1, after_picks=True) == "1 more"


def test_after_a_gap_the_summary_does_not_say_today(digest):
    late = replace(digest, since=digest.until - timedelta(days=3))

    assert wording.summary(late, cadence=Cadence.DAILY).startswith("In the last 3 days: ")


def test_a_weekly_digest_of_less_than_a_week_does_not_speak_of_it(digest):
    first = replace(digest, since=digest.until - timedelta(hours=11))

    assert wording.summary(first, cadence=Cadence.WEEKLY).startswith("Today: ")


def test_having_had_everything_is_not_the_same_as_nothing_matching(digest):
    had = replace(digest, mood=Mood.NO_MATCH, picks=(), rest=(), matched=0, withheld=3)

    assert "already been sent" in wording.notice_of(had).sentence
    assert "none of them" in wording.notice_of(replace(had, withheld=0)).sentence


@pytest.mark.parametrize(
    ("edition", "cadence", "weekday", "day"),
    [
        ("2026-06-10", Cadence.DAILY, 0, "Thursday 11 June"),
        ("2026-06-12", Cadence.DAILY, 0, "Saturday 13 June"),
        ("2026-06-12", Cadence.WEEKDAYS, 0, "Monday 15 June"),
        ("2026-06-10", Cadence.WEEKLY, 2, "Wednesday 17 June"),
        ("2026-06-10", Cadence.WEEKLY, 0, "Monday 15 June"),
    ],
)
def test_the_next_digest_is_named_by_its_day(digest, subscriber, edition, cadence, weekday, day):
    person = replace(subscriber, cadence=cadence, weekday=weekday)

    said = wording.next_digest(replace(digest, edition=edition), person)

    assert said == f"The next digest comes on {day}, around 07:00 (Europe/Berlin)."


def test_the_preheader_adds_to_the_subject_rather_than_repeat_it():
    assert wording.preheader(["One", "Two", "Three"], "Summary.") == "Also: Two; Three"
    assert wording.preheader(["One"], "Summary.") == "Summary."
    assert len(wording.preheader(["x", "long " * 99], "")) <= 100


def test_a_day_without_a_list_does_not_rule_out_that_one_comes_later(digest):
    assert wording.notice_of(replace(digest, mood=Mood.HOLIDAY, picks=())).sentence == (
        "The sources we read had nothing new, as on weekends and holidays. "
        "What they publish later comes in your next digest."
    )


def test_an_outage_is_not_blamed_on_a_source_that_was_never_asked(digest):
    outage = replace(digest, mood=Mood.OUTAGE)

    assert wording.notice_of(outage).sentence == (
        "At least one source could not be read, or was not asked, so papers may be missing here. "
        "What we missed comes in a later digest."
    )


@pytest.mark.parametrize(
    ("matched", "said"),
    [
        (41, "41 papers matched, but none of them was likely enough"),
        (1, "1 paper matched, but it was not likely enough"),
    ],
)
def test_a_day_below_the_bar_says_how_many_matched(digest, matched, said):
    below = replace(digest, mood=Mood.BELOW, picks=(), matched=matched)

    assert wording.notice_of(below).sentence.startswith(said)
    assert f"367 papers announced, {matched} matched your interests." in wording.summary(
        below, cadence=Cadence.DAILY
    )
    assert wording.rest_title(below, 31, after_picks=False).endswith("that matched your interests")


@pytest.mark.parametrize(
    ("floor", "said"),
    [
        (0.0, "with 10 papers at most."),
        (FLOORS["likely"], "with 10 papers at most, only ones that are likely worth your time."),
        (FLOORS["sure"], "with 10 papers at most, only the surest."),
        (0.17, "with 10 papers at most, only ones with a chance of 17% that you want them."),
    ],
)
def test_the_rhythm_tells_which_papers_someone_asked_for(subscriber, floor, said):
    assert wording.rhythm(replace(subscriber, floor=floor)).endswith(said)


def test_the_rhythm_promises_no_mail_on_days_for_which_none_was_asked(subscriber):
    assert wording.rhythm(replace(subscriber, quiet=Quiet.NOTHING)) == (
        "It comes every day if there is something for you, around 07:00 (Europe/Berlin), "
        "with 10 papers at most."
    )
