"""Each built-in baseline does what its recipe says."""

from datetime import UTC, datetime, timedelta
from math import log10

import numpy as np
import pytest

from digest.evaluation.baselines import (
    LatentSemantic,
    NearestNeighbour,
    Popularity,
    Random,
    Rocchio,
    SupportVectors,
    TfIdf,
    WeightedMean,
)
from digest.evaluation.words import Corpus
from digest.model import Interest, InterestKind, Paper, Profile
from digest.ports import Candidates
from digest.ranking.space import pack

NOW = datetime(2026, 6, 10, tzinfo=UTC)
BREAD = ["sourdough crust yeast", "yeast oven rye", "rye flour dough", "crust oven flour"]
STARS = ["galaxy dust spectrum", "orbit telescope dust", "pulsar spectrum orbit", "dust pulsar"]
WITH_WORDS = [Rocchio, NearestNeighbour, LatentSemantic, SupportVectors, WeightedMean, TfIdf]


def papers(theme, texts):
    return [Paper(id=f"{theme}{at}", title="", abstract=text) for at, text in enumerate(texts)]


BACKGROUND = [*papers("bread", BREAD), *papers("stars", STARS)]
DAY = [
    *papers("new-stars", ["telescope galaxy", "spectrum dust"]),
    *papers("new-bread", ["yeast sourdough", "flour oven"]),
]


def profile(likes=(), keywords=(), who="s1"):
    interests = [
        *(
            Interest(kind=InterestKind.LIKE, value=each, added_at=NOW - at * timedelta(hours=1))
            for at, each in enumerate(likes)
        ),
        *(Interest(kind=InterestKind.KEYWORD, value=each, added_at=NOW) for each in keywords),
    ]
    return Profile(subscriber_id=who, interests=tuple(interests))


def learned(scorer):
    scorer.learn(BACKGROUND, [*BACKGROUND, *DAY], [])
    return scorer


def scored(scorer, *profiles, candidates=None):
    return scorer.scores(list(profiles), candidates or Candidates(papers=DAY))


@pytest.mark.parametrize("kind", WITH_WORDS)
@pytest.mark.parametrize(
    "who",
    [
        profile(likes=["bread0"]),
        profile(likes=["bread1", "bread2", "gone"]),
        profile(keywords=["sourdough", "rye flour"]),
    ],
    ids=["one like", "two likes", "keywords"],
)
def test_papers_on_bread_come_first_for_someone_who_likes_bread(kind, who):
    [scores] = scored(learned(kind(Corpus())), who)

    assert scores.shape == (4,)
    assert scores[2:].max() > scores[:2].max()


@pytest.mark.parametrize("kind", WITH_WORDS)
def test_each_profile_of_a_block_is_scored_as_if_alone(kind):
    block = [
        profile(likes=["bread0", "stars1"], who="a"),
        profile(keywords=["dust"], who="b"),
        profile(who="c"),
        profile(likes=["stars0"], keywords=["yeast"], who="d"),
    ]
    scorer = learned(kind(Corpus()))

    together = scored(scorer, *block)
    alone = np.vstack([scored(scorer, each) for each in block])

    assert together == pytest.approx(alone, abs=1e-5)
    assert not together[2].any()


@pytest.mark.parametrize("kind", [Rocchio, NearestNeighbour, SupportVectors, WeightedMean])
def test_keywords_are_ignored_if_there_are_likes(kind):
    scorer = learned(kind(Corpus()))
    both, likes = scored(
        scorer, profile(likes=["bread0"], keywords=["dust"]), profile(likes=["bread0"])
    )
    assert both == pytest.approx(likes, abs=1e-5)


def test_tfidf_ignores_likes_if_there_are_keywords():
    scorer = learned(TfIdf(Corpus()))
    both, words = scored(
        scorer, profile(likes=["bread0"], keywords=["dust"]), profile(keywords=["dust"])
    )
    assert both == pytest.approx(words)


def test_rocchio_is_the_cosine_with_the_mean():
    corpus = Corpus()
    [scores] = scored(learned(Rocchio(corpus)), profile(likes=["bread0", "stars0"]))

    rows = corpus.papers([BACKGROUND[0], BACKGROUND[4]]).toarray()
    mean = rows.mean(axis=0)
    expected = corpus.papers(DAY).toarray() @ (mean / np.linalg.norm(mean))
    assert scores == pytest.approx(expected, abs=1e-6)


def test_the_nearest_like_counts_alone():
    corpus = Corpus()
    [scores] = scored(learned(NearestNeighbour(corpus)), profile(likes=["stars1", "bread0"]))

    likes = corpus.papers([BACKGROUND[0], BACKGROUND[5]])
    expected = (likes @ corpus.papers(DAY).T).toarray().max(axis=0)
    assert scores == pytest.approx(expected, abs=1e-6)


def test_newer_likes_weigh_more_by_the_logarithm_of_their_rank():
    vectors = np.eye(4, dtype=np.float32)
    names = ["bread0", "bread1", "bread2", "new-bread0"]
    packed = dict(zip(names, pack(vectors), strict=True))
    packed["new-bread0"] = pack(np.full((1, 4), 0.5, np.float32))[0]
    for each in DAY:
        packed.setdefault(each.id, pack(np.eye(4, dtype=np.float32)[[1]])[0])

    scorer = learned(WeightedMean(Corpus(), model="some/model-of-sentences"))
    who = profile(likes=["bread0", "bread1", "bread2"])
    [scores] = scored(scorer, who, candidates=Candidates(papers=DAY, vectors=packed))

    weights = [1 / (1 + log10(rank)) for rank in (1, 2, 3)]
    assert scores[2] == pytest.approx(0.5, abs=1e-3)
    assert scores[0] == pytest.approx(weights[1] / sum(weights), abs=1e-3)
    assert scorer.name == "zotero, model-of-sentenc"
    assert "over some/model-of-sentences" in scorer.about


def test_without_a_model_the_weighted_mean_names_tfidf():
    assert WeightedMean(Corpus()).name == "zotero, TF-IDF"


def test_a_support_vector_machine_is_fitted_for_each_person():
    scorer = learned(SupportVectors(Corpus()))
    first = scored(scorer, profile(likes=["bread0"], who="a"))
    again = scored(scorer, profile(likes=["bread0"], who="a"))
    other = scored(scorer, profile(likes=["stars0"], who="b"))
    assert (first == again).all()
    assert not np.allclose(first, other)


def test_a_paper_that_nobody_has_described_is_never_first():
    unknown = Paper(id="unheard-of", title="")
    candidates = Candidates(papers=[unknown, *DAY])
    for kind in WITH_WORDS:
        [scores] = scored(learned(kind(Corpus())), profile(likes=["bread0"]), candidates=candidates)
        assert scores.argmax() != 0, kind


def test_popularity_is_the_same_for_everyone():
    candidates = Candidates(papers=DAY, upvotes={"new-bread1": 7})
    scores = scored(Popularity(), profile(who="a"), profile(who="b"), candidates=candidates)
    assert scores.tolist() == [[0, 0, 0, 7], [0, 0, 0, 7]]


def test_random_scores_depend_on_person_and_paper_and_not_on_the_order():
    one, other = profile(who="a"), profile(who="b")
    scores = scored(Random(), one, other)
    turned = scored(Random(), other, one, candidates=Candidates(papers=DAY[::-1]))
    assert (scores == turned[::-1, ::-1]).all()
    assert len(set(scores.ravel().tolist())) == 8


def test_random_scores_are_uniform():
    many = [Paper(id=f"p{number}", title="") for number in range(4_000)]
    [scores] = scored(Random(), profile(), candidates=Candidates(papers=many))
    shares, _ = np.histogram(scores / 2**24, bins=10, range=(0, 1))
    assert shares.min() > 300


def test_a_support_vector_machine_judges_further_papers_on_demand():
    scorer = learned(SupportVectors(Corpus()))
    likes = profile(likes=["bread0", "bread1"])
    first, second = Candidates(papers=DAY), Candidates(papers=BACKGROUND)

    [day], [past], [again] = (
        scored(scorer, likes, candidates=each) for each in (first, second, first)
    )

    assert set(np.argsort(-day)[:2]) == {2, 3}
    assert set(np.argsort(-past)[:4]) == {0, 1, 2, 3}
    assert set(np.argsort(-again)[:2]) == {2, 3}
