"""What readers answered and saved: hidden authors and topics, known papers, searches, and picks."""

from __future__ import annotations

import pytest

from digest.model import Interest, InterestKind, Profile, ReasonKind


def ids(ranking):
    return list(ranking.listed)


def reasons(ranking):
    return {
        pick.paper_id: {each.kind: each.amount for each in pick.reasons} for pick in ranking.picks
    }


def test_a_hidden_author_is_not_shown_however_the_name_is_written(rank, paper, profile):
    papers = [
        paper("hers", categories=("cs.IR",), authors=("A. Byron", "Bo Ek")),
        paper("about", "The works of Ada Byron", categories=("cs.IR",), authors=("Bo Ek",)),
    ]

    ranking = rank(profile(**{"topic": "cs.IR", "mute-author": "Byron, Ada"}), papers)

    assert ids(ranking) == ["about"]
    assert ranking.matched == 1


def test_a_hidden_topic_is_not_shown_even_in_a_followed_one(rank, paper, profile):
    papers = [
        paper("both", "Sourdough for search", categories=("cs.IR",)),
        paper("crossed", categories=("cs.IR", "cs.CV")),
        paper("kept", "A word on cs CV", categories=("cs.IR",)),
    ]

    ranking = rank(profile(**{"topic": "cs.IR", "mute-topic": ["bread", "cs.CV"]}), papers)

    assert ids(ranking) == ["kept"]


def test_a_known_paper_is_not_picked_and_does_not_change_the_score_of_similar_ones(
    rank, paper, profile
):
    papers = [
        paper("known", "Tides of the north", categories=("cs.IR",)),
        paper("like-it", "Tides of the south", categories=("cs.IR",)),
    ]
    knowing = profile(topic="cs.IR", known="known")

    ranking = rank(knowing, papers)

    assert ids(ranking) == ["like-it"]
    assert list(reasons(ranking)["like-it"]) == [ReasonKind.TOPIC]


# --- saved searches -------------------------------------------------------------------------


def test_a_saved_search_matches_every_word_and_phrase_and_counts_less_in_the_abstract(
    rank, paper, profile
):
    papers = [
        paper("title", "Dual encoders learn tides"),
        paper("abstract", "On waves", "A tide is learned by a dual encoder, and by the moon."),
        paper("apart", "Dual tides", "An encoder learns."),
        paper("half", "Dual encoders at sea"),
    ]

    ranking = rank(profile(query='"dual encoder" tide'), papers)

    assert reasons(ranking) == {
        "title": {ReasonKind.QUERY: 3.0},
        "abstract": {ReasonKind.QUERY: pytest.approx(2.1)},
    }
    assert ranking.picks[0].reasons[0].what == '"dual encoder" tide'


def test_a_saved_search_finds_authors_and_beginnings_of_words(rank, paper, profile):
    papers = [
        paper("hers", "Oceanography today", authors=("Ada Byron",)),
        paper("other", "Oceanography today", authors=("Bo Ek",)),
    ]

    assert ids(rank(profile(query="ocean* byron"), papers)) == ["hers"]


def test_a_saved_search_for_nothing_finds_nothing(rank, paper, profile):
    papers = [paper("p", categories=("cs.IR",))]

    assert ids(rank(profile(query='"" ?!'), papers)) == []


def test_a_saved_search_fades_as_likes_accumulate(rank, paper, profile):
    papers = [paper("p", "Tides at night")]
    liked = [paper(f"l{n}", f"Brass clock {n}") for n in range(5)]

    ranking = rank(profile(query="tide", like=[each.id for each in liked]), papers, liked=liked)

    assert reasons(ranking)["p"][ReasonKind.QUERY] == pytest.approx(
        3.0 * 2 / (2 + 5) * 2 / (1 + 2), abs=1e-6
    )


# --- likes of different weight --------------------------------------------------------------


def test_a_saved_paper_shapes_the_taste_more_than_a_liked_one(rank, paper, profile, now):
    tides = paper("tides", "Tides of the northern sea", "Tides rise by the moon and the wind.")
    clocks = paper("clocks", "Clocks of brass and steel", "Clocks keep time by a pendulum.")
    papers = [
        paper("watch", "Brass clocks", "A pendulum of steel keeps time."),
        paper("moon", "The northern tides", "The moon and wind, tides rise."),
    ]

    def liking(first, second):
        interests = tuple(
            Interest(kind=InterestKind.LIKE, value=value, weight=weight, added_at=now)
            for value, weight in (("tides", first), ("clocks", second))
        )
        return rank(Profile(subscriber_id="s", interests=interests), papers, liked=[tides, clocks])

    assert ids(liking(1.5, 1.0))[0] == "moon"
    assert ids(liking(1.0, 1.5))[0] == "watch"


# --- what curators picked -------------------------------------------------------------------


def test_a_curators_choice_comes_before_its_equals_and_says_so(rank, paper, profile):
    papers = [paper(each, categories=("cs.IR",)) for each in ("a", "b")]

    ranking = rank(profile(topic="cs.IR"), papers, featured=frozenset({"b"}))

    assert ids(ranking) == ["b", "a"]
    assert reasons(ranking)["b"] == {ReasonKind.TOPIC: 3.0, ReasonKind.PICKED: 1.0}


def test_votes_and_curators_together_add_no_more_than_votes_may(rank, paper, profile):
    papers = [paper(each, categories=("cs.IR",)) for each in ("hot", "cool")]
    everything = frozenset({"hot", "cool"})
    heat = {"hot": 9.0, "cool": 0.0}

    with_picks = reasons(rank(profile(topic="cs.IR"), papers, featured=everything, trending=heat))
    votes_alone = reasons(rank(profile(topic="cs.IR"), papers, trending=heat))

    hot, cool = with_picks["hot"], with_picks["cool"]
    assert hot[ReasonKind.PICKED] + hot[ReasonKind.TRENDING] == pytest.approx(2.0)
    assert cool[ReasonKind.PICKED] == 1.0
    assert cool[ReasonKind.TRENDING] == votes_alone["cool"][ReasonKind.TRENDING]


def test_a_curators_choice_admits_nothing_to_someone_with_interests(rank, paper, profile):
    papers = [paper("p", categories=("math.OC",))]

    assert ids(rank(profile(topic="cs.IR"), papers, featured=frozenset({"p"}))) == []


def test_someone_without_interests_gets_what_curators_picked(rank, paper, profile):
    papers = [paper("picked"), paper("neither"), paper("voted")]

    ranking = rank(profile(), papers, featured=frozenset({"picked"}), trending={"voted": 1.0})

    assert ids(ranking) == ["voted", "picked"]
