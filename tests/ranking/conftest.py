"""Papers, people and a ranker, made up for the tests of ranking."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from digest.model import Interest, InterestKind, Paper, Profile, Topic
from digest.ports import Candidates
from digest.ranking.cores import one_core
from digest.ranking.linear import LinearRanker
from digest.ranking.space import learn

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)

TOPICS = {
    "cs.IR": Topic(id="cs.IR", name="Information Retrieval", categories=("cs.IR",)),
    "bread": Topic(
        id="bread", name="Bread", phrases=("sourdough",), keywords=("oven", "crust", "yeast")
    ),
}


@pytest.fixture(scope="session", autouse=True)
def on_one_core():
    """As rankings are composed; threads for these small matrices only wait for each other."""
    with one_core():
        yield


@pytest.fixture
def topics():
    return TOPICS


@pytest.fixture
def paper():
    """A paper by id; say what matters: `paper("p1", "Title", categories=("cs.IR",))`."""

    def make(key, title="", abstract="", **rest):
        values = {"title": title or f"On {key}", "abstract": abstract, "published": NOW, **rest}
        return Paper(id=key, **values)

    return make


@pytest.fixture
def profile():
    """A profile by interests: `profile(topic="cs.IR", keyword=["bread", "salt"], like="p1")`."""

    def make(name="s_ada", weight=1.0, **values):
        interests = [
            Interest(kind=InterestKind(kind), value=each, weight=weight, added_at=NOW)
            for kind, given in values.items()
            for each in ([given] if isinstance(given, str) else given)
        ]
        return Profile(subscriber_id=name, interests=tuple(interests))

    return make


@pytest.fixture
def rank():
    """Rank papers for one profile: `rank(profile, papers, liked=…, trending=…, without=…)`."""

    def run(profile, papers, *, without=(), liked=(), ranker=None, **about):
        candidates = Candidates(papers=papers, liked={p.id: p for p in liked}, **about)
        return (ranker or LinearRanker(topics=TOPICS)).rank(
            [profile], candidates, without={profile.subscriber_id: frozenset(without)}, now=NOW
        )[0]

    return run


# What an archive is about: a category each, and the words of it. A fifth of a theme's papers is
# told in COMPANY, with one of its two synonyms and never both.
THEMES = {
    "bread": "oven crust yeast flour crumb baking loaf kneading rye proofing scoring hydration",
    "clocks": "pendulum brass escapement gear spring winding dial hour balance jewel repair chime",
    "tides": "moon harbour current gauge estuary salt coast storm surge buoy sediment lagoon",
    "bees": "nectar hive meadow pollen foraging queen swarm honey drone larva orchard comb",
    "bridges": "arch girder cable deck pier truss load span concrete bolt fatigue corrosion",
    "violins": "string bow varnish spruce tone luthier fingerboard maple resonance chord pitch peg",
}
SYNONYMS = {"bread": ("sourdough", "levain"), "clocks": ("watch", "timepiece")}
COMPANY = {"bread": ["starter", "wild", "ferment", "sour"], "clocks": ["wrist", "strap", "face"]}
COMMON = [
    "method",
    "results",
    "study",
    "approach",
    "measure",
    "improve",
    "propose",
    "analysis",
    "common",
    "simple",
]
PAPERS_A_THEME = 100


def told_of(theme, number):
    """An invented paper of a theme; the same number makes the same paper."""
    rng = random.Random(f"{theme} {number}")
    own = THEMES[theme].split()
    said = [*rng.sample(own, 8), *rng.sample(COMMON, 3)]
    if theme in SYNONYMS and number % 5 == 0:
        said += [SYNONYMS[theme][number % 2], *COMPANY[theme]]
    rng.shuffle(said)
    return Paper(
        id=f"{theme}-{number}",
        title=" ".join(rng.sample(own, 3)),
        abstract=" ".join(said),
        categories=(f"x.{theme}",),
        published=NOW - timedelta(days=30, minutes=number),
    )


@pytest.fixture(scope="session")
def invented():
    """Six hundred papers on six themes, by id."""
    made = [told_of(theme, number) for number in range(PAPERS_A_THEME) for theme in THEMES]
    return {each.id: each for each in made}


@pytest.fixture(scope="session")
def space(invented):
    """What is learned from the archive alone."""
    return learn(list(invented.values()))


@pytest.fixture(scope="session")
def new_paper():
    """A paper of a theme that is not in the archive: `new_paper("bread", 3)`."""

    def make(theme, number=0):
        made = told_of(theme, PAPERS_A_THEME + number)
        return Paper(
            id=f"new-{theme}-{number}",
            title=made.title,
            abstract=made.abstract,
            categories=made.categories,
            published=NOW,
        )

    return make


@pytest.fixture
def ranker(space):
    return LinearRanker(topics={}, space=space)


@pytest.fixture
def edition(new_paper):
    """Thirty papers on bees, one on tides, and some on neither."""
    themes = {"bees": 30, "tides": 1, "violins": 3}
    return [new_paper(theme, n) for theme, count in themes.items() for n in range(count)]


@pytest.fixture
def ranked(rank, ranker, edition, invented):
    """The edition ranked for one profile: `ranked(profile, papers=…, ranker=…, without=…)`."""

    def run(reader, papers=edition, **about):
        return rank(reader, papers, liked=invented.values(), **{"ranker": ranker, **about})

    return run


@pytest.fixture
def on(paper):
    """Papers in a category that have no word in common: `on("x.bees", 30)`."""

    def make(category, count, *more):
        return [
            paper(f"p-{category}-{n}", f"t{category}{n}", categories=(category, *more))
            for n in range(count)
        ]

    return make


@pytest.fixture
def counted(rank):
    """How many papers of each kind somebody is shown: `counted(profile, papers)`."""

    def run(reader, papers, **about):
        found = rank(reader, papers, **{"ranker": LinearRanker(topics={}), **about})
        return dict(Counter(pick.paper_id.split("-")[1] for pick in found.picks))

    return run
