"""What the ranker promises: who matches, in what order, and what is never shown."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import pairwise
from math import fsum

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.model import InterestKind, ReasonKind
from digest.ports import Candidates
from digest.ranking.linear import LinearRanker
from digest.ranking.profiles import Weights
from digest.ranking.tastes import certainty

TWO_KINDS = 2 / (1 + 2)


def ids(ranking):
    return list(ranking.listed)


def amounts(pick):
    return {reason.kind: reason.amount for reason in pick.reasons}


# --- what matches ---------------------------------------------------------------------------


def test_a_topic_matches_its_primary_papers_then_its_cross_lists_and_nothing_else(
    rank, paper, profile
):
    papers = [
        paper("elsewhere", categories=("cs.CV",)),
        paper("cross", categories=("cs.CV", "cs.IR")),
        paper("primary", categories=("cs.IR", "cs.CV")),
    ]

    ranking = rank(profile(topic="cs.IR"), papers)

    assert [(pick.paper_id, pick.score) for pick in ranking.picks] == [
        ("primary", pytest.approx(3.0)),
        ("cross", pytest.approx(2.4)),
    ]
    assert ranking.matched == 2


def test_an_unknown_topic_is_read_as_a_category_or_an_archive(rank, paper, profile):
    papers = [paper("field", categories=("math.OC",)), paper("other", categories=("stat.ME",))]

    assert ids(rank(profile(topic="math"), papers)) == ["field"]
    assert ids(rank(profile(topic="math.OC"), papers)) == ["field"]


def test_a_topics_phrase_admits_and_its_keywords_only_raise(rank, paper, profile):
    papers = [
        paper("plain", "Sourdough in winter", "A starter rests."),
        paper("richer", "Sourdough in summer", "The oven gives the crust."),
        paper("oven", "An oven with a crust", "Yeast is not at home here."),
    ]

    ranking = rank(profile(topic="bread"), papers)

    assert ids(ranking) == ["richer", "plain"]


def test_following_many_topics_makes_each_count_for_less(rank, paper, profile):
    papers = [paper("p", categories=("cs.IR",))]

    alone = rank(profile(topic="cs.IR"), papers).picks[0].score
    among = rank(profile(topic=["cs.IR", "cs.CV", "cs.LG", "cs.RO"]), papers).picks[0].score

    assert alone == pytest.approx(3)
    assert among == pytest.approx(1.5, abs=1e-6)


def test_a_keyword_counts_more_in_the_title_than_in_the_abstract(rank, paper, profile):
    papers = [
        paper("abstract", "Searching quickly", "We train a dual encoder on questions."),
        paper("title", "A dual encoder for questions", "We search quickly."),
        paper("neither", "Bridges of stone", "We count arches."),
    ]

    ranking = rank(profile(keyword="Dual-Encoder"), papers)

    assert ids(ranking) == ["title", "abstract"]
    assert [pick.reasons[0].what for pick in ranking.picks] == ["Dual-Encoder", "Dual-Encoder"]


def test_a_keyword_is_a_whole_word_in_singular_or_plural(rank, paper, profile):
    papers = [
        paper("plural", "Large language models at rest"),
        paper("inside", "A metalanguage modelled on rest"),
    ]

    assert ids(rank(profile(keyword="language model"), papers)) == ["plural"]


@pytest.mark.parametrize("learned", [False, True])
def test_a_keyword_of_stop_words_or_one_letter_adds_nothing(rank, profile, space, beside, learned):
    ranker = LinearRanker(topics={}, space=space if learned else None)
    silly = rank(profile(keyword=["of", "the", "R", "moon"]), beside, ranker=ranker)
    plain = rank(profile(keyword="moon"), beside, ranker=ranker)

    assert plain.picks
    assert silly == plain


def test_sharing_one_common_word_with_a_keyword_is_not_a_match(rank, paper, profile):
    papers = [paper(f"p{n}", f"Learning number {n}", "We learn things.") for n in range(9)]

    ranking = rank(profile(keyword="federated learning of zebras"), papers)

    assert (ranking.picks, ranking.matched) == ((), 0)


@pytest.mark.parametrize(
    ("followed", "written", "same"),
    [
        ("J. Schmidhuber", "Jürgen Schmidhuber", True),
        ("Jürgen Schmidhuber", "J. Schmidhuber", True),
        ("Schmidhuber, Jürgen", "Jurgen Schmidhuber", True),
        ("Schmidhuber", "Jürgen Schmidhuber", True),
        ("Wei Wang", "Wen Wang", False),
        ("Wei Wang", "Wei Zhang", False),
    ],
)
def test_an_author_is_found_however_the_name_is_written(
    rank, paper, profile, followed, written, same
):
    ranking = rank(profile(author=followed), [paper("p", authors=("A. N. Other", written))])

    assert bool(ranking.picks) is same


def test_likes_bring_what_is_like_them_and_name_the_nearest(rank, paper, profile):
    liked = [
        paper("tides", "Tides of the northern sea", "Tides rise by the moon and the wind."),
        paper("clocks", "Clocks of brass and steel", "Clocks keep time by a pendulum."),
    ]
    papers = [
        paper("watch", "Brass clocks revisited", "A pendulum of steel keeps better time."),
        paper("moon", "The moon and the tides", "Wind makes the tides rise in the sea."),
        paper("zoo", "Penguins in a zoo", "They eat fish on schedule."),
    ]

    ranking = rank(profile(like=["tides", "clocks"]), papers, liked=liked)

    nearest = {pick.paper_id: pick.reasons[0].what for pick in ranking.picks}
    assert nearest == {"watch": "clocks", "moon": "tides"}


def test_the_nearest_shares_words_and_not_just_a_category(rank, paper, profile):
    liked = [
        paper("dust", "Galaxy dust spectra", "Dust of a galaxy.", categories=("hep-th",)),
        paper("folding", "Protein folding", "Proteins fold.", categories=("cs.LG",)),
    ]
    papers = [
        paper("new", "Telescope survey of galaxy dust", "Galaxy dust.", categories=("cs.LG",)),
        paper("zoo", "Penguins in a zoo", "They eat fish on schedule."),
    ]

    ranking = rank(profile(like=["dust", "folding"]), papers, liked=liked)

    assert [pick.reasons[0].what for pick in ranking.picks if pick.paper_id == "new"] == ["dust"]


def test_in_a_small_edition_a_shared_common_word_does_not_make_papers_alike(rank, paper, profile):
    liked = paper(
        "bees",
        "How bees choose a meadow",
        "We propose a model of nectar, distance, weather and memory in foraging honey bees.",
    )
    papers = [
        paper("fuse", "Fuses for old houses", "A model of copper wire, tin, solder and rust."),
        paper("glue", "Glues for new boats", "We study cold glue, warm glue and varnish."),
    ]

    assert rank(profile(like="bees"), papers, liked=[liked]).matched == 0


def test_a_dislike_lowers_what_is_like_it_and_says_so(rank, paper, profile):
    disliked = paper("old", "Brass clocks", "A pendulum of brass.", categories=("cs.IR",))
    papers = [
        paper("clock", "A brass pendulum", "Clocks again.", categories=("cs.IR",)),
        paper("bird", "A penguin census", "Counting birds.", categories=("cs.IR",)),
    ]

    ranking = rank(profile(topic="cs.IR", dislike="old"), papers, liked=[disliked])

    assert ids(ranking) == ["bird", "clock"]
    last = ranking.picks[-1].reasons[-1]
    assert (last.kind, last.what) == (ReasonKind.DISLIKE, "old")
    assert last.amount < 0


def test_keywords_fade_as_likes_accumulate(rank, paper, profile):
    papers = [paper("p", "A dual encoder")]
    liked = [paper(f"l{n}", f"Penguin number {n}") for n in range(5)]
    keyword_of = {"keyword": "dual encoder"}

    fresh = rank(profile(**keyword_of), papers)
    settled = rank(profile(**keyword_of, like=[each.id for each in liked]), papers, liked=liked)

    whole, faded = (amounts(each.picks[0])[ReasonKind.KEYWORD] for each in (fresh, settled))
    assert whole == pytest.approx(1)
    assert faded == pytest.approx(2 / (2 + 5) * TWO_KINDS, abs=1e-6)


def test_a_keyword_counts_less_the_more_papers_have_it(paper, profile, space):
    title = "Zeppelin, approach, sourdough and zeppelin approaches"
    candidates = Candidates(papers=[paper("p", title)])
    ranker = LinearRanker(topics={}, space=space)

    def told(keyword):
        person = profile(keyword=keyword)
        terms = ranker.explain(person, candidates, "p", without={}, now=None).terms
        return sum(each.amount for each in terms if each.kind is ReasonKind.KEYWORD)

    assert told("zeppelin") == pytest.approx(1), "no paper of the archive has it"
    assert told("approach") == pytest.approx(0.1), "a third of them have"
    assert 0.2 < told("sourdough") < 0.8
    assert told("zeppelin approaches") == pytest.approx(1), "as rare as its rarest word"


def test_similarity_to_keywords_fades_too_but_grows_with_certainty(
    paper, profile, invented, space, new_paper
):
    papers = [new_paper("bees")]
    candidates = Candidates(papers=papers, liked=invented)
    ranker = LinearRanker(topics={}, space=space)
    words = []
    for likes in (0, 5):
        person = profile(keyword="zeppelin nectar", like=[f"tides-{n}" for n in range(likes)])
        sum_of = ranker.explain(person, candidates, papers[0].id, without={}, now=None).terms
        words.append(next(each.amount for each in sum_of if each.kind is ReasonKind.WORDS))

    fade = 2 / (2 + 5) * certainty(np.array([5]))[0] / certainty(np.array([0]))[0]
    assert words[1] == pytest.approx(words[0] * fade * TWO_KINDS, abs=1e-5)


def test_the_weight_of_an_interest_multiplies_what_it_adds(rank, paper, profile):
    papers = [paper("p", categories=("cs.IR",))]

    ranking = rank(profile(topic="cs.IR", weight=3.0), papers)

    assert ranking.picks[0].score == pytest.approx(9)


# --- what is never shown --------------------------------------------------------------------


@pytest.mark.parametrize(
    "mute", ["crypto", "proof of work", "Bob Sled", "sled", "cs.CR", "bread", "CRYPTOS", "综述"]
)
def test_a_muted_word_author_category_or_topic_never_appears_and_is_not_counted(
    rank, paper, profile, mute
):
    muted = paper(
        "muted",
        "Crypto and sourdough",
        "With proof of work. 大规模语言模型综述。",
        authors=("Bob Sled",),
        categories=("cs.IR", "cs.CR"),
    )
    kept = paper("kept", categories=("cs.IR",))

    ranking = rank(profile(topic="cs.IR", mute=mute), [muted, kept])

    assert ids(ranking) == ["kept"]
    assert ranking.matched == 1


def test_liked_disliked_and_sent_papers_are_not_shown_again(rank, paper, profile):
    papers = [paper(each, categories=("cs.IR",)) for each in ("liked", "hated", "sent", "new")]

    ranking = rank(profile(topic="cs.IR", like="liked", dislike="hated"), papers, without={"sent"})

    assert ids(ranking) == ["new"]
    assert ranking.matched == 1


@pytest.mark.parametrize("kind", ["dislike", "known"])
def test_a_paper_judged_by_another_of_its_identifiers_is_not_picked(paper, profile, kind):
    papers = [paper("arxiv:2606.00001", categories=("cs.IR",))]
    candidates = Candidates(papers=papers, liked={"doi:10.1/x": papers[0]})
    reader = profile(topic="cs.IR", **{kind: "doi:10.1/x"})

    (ranking,) = LinearRanker(topics={}).rank([reader], candidates, without={}, now=None)

    assert ranking.picks == ()


# --- trending -------------------------------------------------------------------------------


def test_trending_breaks_ties_but_never_buries_a_niche(rank, paper, profile):
    papers = [
        paper("quiet", categories=("cs.IR",)),
        paper("loud", categories=("cs.IR",)),
        paper("niche", "Dual encoder", categories=("cs.IR",)),
        paper("famous", categories=("cs.CV",)),
    ]
    heat = {"loud": 3.0, "famous": 4.0}

    ranking = rank(
        profile(topic="cs.IR", keyword="dual encoder"),
        papers,
        trending=heat,
        upvotes={"loud": 57},
    )

    assert ids(ranking) == ["niche", "loud", "quiet"]
    last = ranking.picks[1].reasons[-1]
    assert (last.kind, last.what) == (ReasonKind.TRENDING, "57")
    assert 0 < last.amount <= 2.0


def test_a_single_vote_is_worth_little_even_if_no_other_paper_has_one(rank, paper, profile):
    papers = [paper("voted", categories=("cs.IR",))]

    def worth(votes):
        about = {"trending": {"voted": 3.0}, "upvotes": {"voted": votes}}
        (pick,) = rank(profile(topic="cs.IR"), papers, **about).picks
        return pick.score - 3

    assert worth(1) == pytest.approx(1)
    assert worth(500) == pytest.approx(2, abs=0.01)


def test_someone_without_interests_gets_what_is_trending(rank, paper, profile):
    papers = [paper("cold"), paper("warm"), paper("hot"), paper("muted", "Crypto")]
    heat = {"warm": 7.0, "hot": 8.0, "muted": 9.0}

    ranking = rank(profile(mute="crypto"), papers, trending=heat)

    assert ids(ranking) == ["hot", "warm"]


# --- order, sums and blocks -----------------------------------------------------------------


def test_of_equal_papers_the_newer_comes_first_then_the_higher_id(rank, paper, profile, now):
    papers = [
        paper("a", "Tides", categories=("cs.IR",), published=now - timedelta(days=2)),
        paper("c", "Clocks", categories=("cs.IR",), published=now),
        paper("b", "Bridges", categories=("cs.IR",), published=now),
        paper("undated", "Bees", categories=("cs.IR",), published=None),
    ]

    assert ids(rank(profile(topic="cs.IR"), papers)) == ["c", "b", "a", "undated"]


def test_all_matches_are_counted_but_only_the_best_up_to_the_cap_are_kept(rank, paper, profile):
    papers = [paper(f"p{n}", categories=("cs.IR",)) for n in range(9)]
    papers.append(paper("q", "Dual encoder", categories=("cs.IR",)))

    ranking = rank(
        profile(topic="cs.IR", keyword="dual encoder"),
        papers,
        ranker=LinearRanker(topics={}, cap=3),
    )

    assert ids(ranking) == ["q", "p8", "p7"]
    assert ranking.matched == 10


def test_nothing_announced_and_nothing_readable_are_no_errors(rank, paper, profile):
    anyone = profile(topic="cs.IR", keyword="???", author=",", like="gone", mute="!")

    assert rank(anyone, []).matched == 0
    assert ids(rank(anyone, [paper("p", "???", categories=("cs.IR",))])) == ["p"]


words = st.sampled_from(["tide", "clock", "moon", "brass", "oven", "sourdough"])
texts = st.lists(words, max_size=12).map(" ".join)
categories = st.lists(st.sampled_from(["cs.IR", "cs.CV", "math.OC"]), max_size=3, unique=True)
authors = st.lists(st.sampled_from(["Ada Byron", "A. Byron", "Bo Ek"]), max_size=2)
interests = st.lists(
    st.tuples(
        st.sampled_from(InterestKind),
        st.sampled_from(
            ["cs.IR", "bread", "math", "tide", "brass clock", "Ada Byron", "liked", "p1", '"oven']
        ),
    ),
    max_size=12,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(texts, texts, categories, authors), min_size=1, max_size=6),
    st.lists(interests, min_size=1, max_size=4),
    st.dictionaries(st.sampled_from(["p0", "p1", "p2"]), st.floats(0, 5)),
    st.frozensets(st.sampled_from(["p0", "p1"])),
)
def test_reasons_sum_to_the_score_and_a_block_ranks_as_its_profiles_alone(
    paper, profile, topics, drawn, people, heat, featured
):
    papers = [
        paper(f"p{n}", title, abstract, categories=tuple(tags), authors=tuple(names))
        for n, (title, abstract, tags, names) in enumerate(drawn)
    ]
    candidates = Candidates(
        papers=papers,
        trending=heat,
        liked={"liked": paper("liked", "Brass clock and tide")},
        featured=featured,
    )
    block = [
        profile(
            f"s_{n}",
            **{
                str(kind): [value for k, value in dict.fromkeys(held) if k is kind]
                for kind, _ in held
            },
        )
        for n, held in enumerate(people)
    ]
    ranker = LinearRanker(topics=topics)

    together = ranker.rank(block, candidates, without={}, now=None)

    alone = [ranker.rank([each], candidates, without={}, now=None)[0] for each in block]
    assert together == alone
    for ranking in together:
        scores = [pick.score for pick in ranking.picks]
        assert scores[:1] == [max(scores)] if scores else not ranking.matched
        assert all(after <= before for before, after in pairwise(scores))
        fillers = len(ranking.listed) - ranking.matched  # by votes alone
        assert 0 <= fillers <= len(featured.union(heat))
        for pick in ranking.picks:
            given_reasons = [reason.amount for reason in pick.reasons]
            assert abs(fsum(given_reasons) - pick.score) < 1e-9
            assert given_reasons == sorted(given_reasons, reverse=True)
            assert len(given_reasons) <= len(ReasonKind)


def test_one_block_is_the_same_as_many_small_ones(paper, profile, topics, monkeypatch):
    papers = [paper(f"p{n}", f"Tide {n}", categories=("cs.IR",)) for n in range(4)]
    block = [profile(f"s_{n}", topic="cs.IR", keyword=f"tide {n}") for n in range(7)]
    candidates = Candidates(papers=papers)
    whole = LinearRanker(topics=topics).rank(block, candidates, without={}, now=None)

    monkeypatch.setattr("digest.ranking.linear.CHUNK", 2)

    assert LinearRanker(topics=topics).rank(block, candidates, without={}, now=None) == whole


def test_features_are_made_once_for_the_same_papers_and_again_for_others(paper, profile):
    ranker, reader = LinearRanker(topics={}), profile(keyword="tide")
    monday = [paper("m", "The tide")]

    first = ranker.rank([reader], Candidates(papers=monday), without={}, now=None)
    again = ranker.rank([reader], Candidates(papers=list(monday)), without={}, now=None)
    other = ranker.rank([reader], Candidates(papers=[paper("t", "A tide")]), without={}, now=None)

    assert first == again
    assert ids(other[0]) == ["t"]


# --- the list as a whole --------------------------------------------------------------------


def test_an_author_one_follows_counts_more_than_any_topic(rank, paper, profile):
    papers = [paper("p", authors=("Ada Byron",))]

    assert rank(profile(author="Ada Byron"), papers).picks[0].score == pytest.approx(4.5)


@pytest.mark.parametrize("quiet", [0, 12])
def test_a_small_interest_keeps_a_place_beside_a_large_one(rank, paper, profile, quiet):
    papers = [paper(f"p{n}", f"Zebra{n} number{n}", categories=("cs.IR",)) for n in range(20)]
    papers += [paper(f"q{n}", f"Lion{n}", categories=("cs.CV",)) for n in range(2)]
    others = [f"aa.{n}" for n in range(quiet)]
    reader = replace(profile(topic=["cs.IR", "cs.CV", *others]), limit=8)

    shown = ids(rank(reader, papers))[:8]

    assert any(each.startswith("p") for each in shown)
    assert shown[0] == "q1"


def explorers(profile, limit):
    return replace(profile(topic="x.bridges", like=["bees-1", "bees-2"]), limit=limit)


@pytest.fixture
def beside(new_paper):
    """An edition of bridges, and of what lies near bees without being it."""
    bridges = [new_paper("bridges", n) for n in range(12)]
    bees = [
        replace(new_paper("bees", n), title=new_paper("tides", n).title, categories=("x.tides",))
        for n in range(4)
    ]
    return [*bridges, *bees]


@pytest.mark.parametrize("limit", [5, 8, 20])
def test_a_paper_beside_all_interests_gets_the_last_shown_place(
    rank, profile, invented, space, beside, limit
):
    views = Weights(like_floor=30.0)
    reader = explorers(profile, limit)
    liked = [invented["bees-1"], invented["bees-2"]]
    plain, exploring = (
        rank(
            reader,
            beside,
            liked=liked,
            ranker=LinearRanker(topics={}, weights=views, space=space, explore=explore),
        )
        for explore in (0, 1)
    )

    place = min(limit, len(plain.listed) + 1) - 1
    found = exploring.picks[place]
    assert [each.amount for each in found.reasons if each.kind is ReasonKind.EXPLORE] == [0]
    assert found.paper_id.startswith("new-bees")
    assert found.paper_id not in ids(plain)
    assert [each for each in ids(exploring) if each != found.paper_id] == ids(plain)
    others = [each for each in exploring.picks if each is not found]
    assert not any(r.kind is ReasonKind.EXPLORE for each in others for r in each.reasons)
    assert exploring.matched == plain.matched


def test_the_sum_of_the_paper_to_explore_says_that_it_is_one(profile, invented, space, beside):
    liked = {each: invented[each] for each in ("bees-1", "bees-2")}
    candidates = Candidates(papers=beside, liked=liked)
    ranker = LinearRanker(topics={}, weights=Weights(like_floor=30.0), space=space, explore=1)
    reader = explorers(profile, 5)
    picks = ranker.rank([reader], candidates, without={}, now=None)[0].picks

    explored, before = (
        ranker.explain(reader, candidates, pick.paper_id, without={}, now=None)
        for pick in (picks[4], picks[3])
    )

    (term,) = [each for each in explored.terms if each.kind is ReasonKind.EXPLORE]
    assert (term.amount, explored.rank, explored.barred) == (0, 5, "")
    assert explored.score == pytest.approx(picks[4].score, abs=1e-4)
    assert not any(each.kind is ReasonKind.EXPLORE for each in before.terms)


def test_who_is_shown_few_papers_explores_none(rank, profile, invented, space, beside):
    ranker = LinearRanker(topics={}, weights=Weights(like_floor=30.0), space=space, explore=1)

    found = rank(
        explorers(profile, 4), beside, liked=[invented["bees-1"], invented["bees-2"]], ranker=ranker
    )

    assert all(each.startswith("new-bridges") for each in ids(found))


def test_the_package_is_cheap_to_import_until_something_is_ranked():
    code = (
        "import sys, digest.ranking, digest.ranking.trending, digest.ranking.explain; "
        "print(sorted({'numpy', 'scipy', 'sklearn'} & set(sys.modules)))"
    )

    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert loaded.stdout.strip() == "[]"


def test_a_list_does_not_depend_on_someone_with_a_longer_one(profile, space, invented):
    candidates = Candidates(papers=list(invented.values())[:150])
    words = ["oven", "pendulum", "moon", "nectar", "arch"]
    one = replace(profile("one", topic="bread", keyword=words), limit=5)
    many = replace(profile("many", keyword=words[:2]), limit=50)
    ranker = LinearRanker(topics={}, space=space)

    together = ranker.rank([one, many], candidates, without={}, now=None)

    assert together[0] == ranker.rank([one], candidates, without={}, now=None)[0]


# --- threads --------------------------------------------------------------------------------


def test_threads_that_share_a_ranker_get_the_same_as_alone(profile, space, invented, new_paper):
    papers = [
        new_paper(theme, n) for theme in ("bread", "clocks", "tides", "bees") for n in range(9)
    ]
    candidates = Candidates(papers=papers, liked=invented)
    ids = sorted(invented)
    asked = [profile(f"s_{n}", like=ids[n::37], keyword=f"term {n}") for n in range(10)]

    def listed(ranker, person):
        return ranker.rank([person], candidates, without={}, now=None)[0].listed

    alone = [listed(LinearRanker(topics={}, space=space), each) for each in asked]
    shared = LinearRanker(topics={}, space=space)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(partial(listed, shared), asked))

    assert together == alone
    assert [listed(shared, each) for each in asked] == alone
