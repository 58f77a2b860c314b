"""Past editions by other rankers: how high would each have put what readers wanted?"""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest import subscriptions
from digest.errors import InvalidInput, StoreBusy
from digest.evaluation.replay import AS_SENT, JUDGED, MEASURES, examination, replay
from digest.model import (
    Announcement,
    AnnounceType,
    FeedbackKind,
    InterestKind,
    Item,
    Outcome,
    Paper,
    Pick,
    Ranking,
    Receipt,
    Via,
)
from digest.pipeline import composing

FIRST = date(2026, 6, 1)
MORE, LESS = FeedbackKind.MORE, FeedbackKind.LESS


def morning(day):
    return datetime(2026, 6, 1 + day, 7, tzinfo=UTC)


class InOrder:
    """Ranks by a key of (paper id, subscriber id); keeps the profiles and times it was asked for."""

    def __init__(self, key):
        self.key = key
        self.asked = []

    def rank(self, block, candidates, *, without, now):
        self.asked += block
        self.candidates = candidates
        return [self._ranking(each.subscriber_id, candidates.papers, without) for each in block]

    def _ranking(self, person, papers, without):
        ids = {each.id for each in papers} - without.get(person, frozenset())
        ordered = sorted(ids, key=lambda paper: (self.key(paper, person), paper))
        picks = (Pick(paper_id=each, score=0.0) for each in ordered)
        return Ranking(subscriber_id=person, picks=tuple(picks), matched=len(ordered))


def graphs_first(paper, _person):
    return "graphs" not in paper


def bread_first(paper, _person):
    return "bread" not in paper


@pytest.fixture
def world(application):
    """Readers, and days with papers on graphs and on bread, sent by some ranker."""

    class World:
        store = application.store

        def people(self, number, **wishes):
            wishes.setdefault("keywords", ["bread"])
            application.moment[0] = morning(0) - timedelta(days=2)
            people = [
                subscriptions.subscribe(
                    self.store,
                    f"reader{each}@example.org",
                    subscriptions.Wishes(**wishes),
                    topics=application.settings.topics,
                    defaults=application.newcomer,
                    confirmed=True,
                    now=application.clock(),
                )
                for each in range(number)
            ]
            self.number = {person.id: each for each, person in enumerate(people)}
            return people

        def any_order(self, seed):
            """A ranker that knows nothing: for each reader another order, always the same."""
            return InOrder(
                lambda paper, person: random.Random(
                    f"{paper}.{self.number[person]}.{seed}"
                ).random()
            )

        def publish(self, day, each=10):
            self.store.papers.ingest(
                [
                    line(f"arxiv:{what}-{day}-{number}", what, morning(day) - timedelta(hours=2))
                    for what in ("graphs", "bread")
                    for number in range(each)
                ]
            )

        def send(self, day, ranker):
            now = morning(day)
            this = composing.Round(
                store=self.store, ranker=ranker, now=now, domain="digest.example"
            )
            composing.compose_edition(this, None)
            sent = self.store.ledger.claim(now, owner="sender", limit=500, lease=60)
            took = [
                Receipt(digest_id=each.digest.id, outcome=Outcome.ACCEPTED, at=now) for each in sent
            ]
            self.store.ledger.settle(took, lease=sent[0].lease)

        def digest(self, person, day):
            edition = (FIRST + timedelta(days=day)).isoformat()
            return self.store.ledger.digest(f"{person.id}.{edition}")

        def answer(self, person, day, place, kind=MORE):
            digest = self.digest(person, day)
            paper = self.store.papers.get([digest.picks[place - 1].paper_id])
            subscriptions.give(
                self.store,
                person,
                kind,
                paper=next(iter(paper.values())),
                via=Via.WEB,
                now=morning(day) + timedelta(hours=place),
                edition=digest.edition,
                rank=place,
            )

        def replay(self, since=0, **rankers):
            first = (FIRST + timedelta(days=since)).isoformat()
            return replay(self.store, rankers, first=first, now=morning(20))

    return World()


def line(key, what, seen_at):
    # Words of its own, or papers would be near-duplicates of each other.
    own = key.removeprefix("arxiv:").replace("-", "x")
    return Item(
        paper=Paper(
            id=key,
            title=f"All about {what}: {key}",
            abstract=f"map{own} fog{own} hill{own} lake{own} road{own} tree{own}",
            identifiers=(key,),
        ),
        announcement=Announcement(
            paper_id=key,
            source="arxiv",
            feed="cs.LG",
            day=seen_at.date(),
            type=AnnounceType.NEW,
            seen_at=seen_at,
        ),
    )


def value(result, name, measure):
    return result.standing[name].mean[MEASURES.index(measure)]


# --- one reader, by hand --------------------------------------------------------------------------


def test_wanted_papers_count_by_their_place_in_each_ranking(world):
    (ada,) = world.people(1)
    world.publish(0)
    world.send(0, InOrder(graphs_first))
    world.answer(ada, 0, 1)  # graphs-0-0: the eleventh for who likes bread
    world.answer(ada, 0, 3)  # graphs-0-2: the thirteenth

    result = world.replay(graphs=InOrder(graphs_first), bread=InOrder(bread_first))

    assert (result.digests, result.answers, result.people) == (1, 2, 1)
    ideal = 3 / log2(2) + 1 / log2(3)  # place 3 counts three times as much as place 1
    assert value(result, "graphs", "nDCG@10") == pytest.approx((1 + 3 / log2(4)) / ideal)
    assert value(result, "bread", "nDCG@10") == 0
    assert value(result, "graphs", "MRR") == pytest.approx((1 + 3 / 3) / 4)
    assert value(result, "bread", "MRR") == pytest.approx((1 / 11 + 3 / 13) / 4)
    assert result.standing[AS_SENT].mean.tolist() == result.standing["graphs"].mean.tolist()


def test_papers_that_were_not_shown_are_left_out_before_judging(world):
    (ada,) = world.people(1, limit=4)
    world.publish(0)
    world.send(0, InOrder(graphs_first))
    world.answer(ada, 0, 2)

    new = InOrder(lambda paper, _: ("graphs" in paper, paper != "arxiv:graphs-0-1"))
    none = InOrder(lambda *_: 0)
    none.rank = lambda block, *_, **__: [
        Ranking(subscriber_id=each.subscriber_id) for each in block
    ]
    result = world.replay(new=new, none=none)

    assert value(result, "new", "nDCG@10") == 0, "ten papers on bread come before it"
    assert value(result, "new", "of the shown") == 1
    assert value(result, AS_SENT, "of the shown") == pytest.approx(1 / log2(3))
    by_chance = sum(1 / log2(1 + place) for place in (1, 2, 3, 4)) / 4
    assert value(result, "none", "of the shown") == pytest.approx(by_chance)


def test_pairs_of_wanted_and_unwanted_need_no_weights(world):
    (ada,) = world.people(1)
    world.publish(0, each=3)
    world.send(0, InOrder(graphs_first))
    world.answer(ada, 0, 1, LESS)
    world.answer(ada, 0, 2)
    world.answer(ada, 0, 5)

    result = world.replay(graphs=InOrder(graphs_first), bread=InOrder(bread_first))

    in_order = {name: value(result, name, "in order") for name in result.standing}
    assert in_order == {"graphs": 0, "bread": 1 / 2, AS_SENT: 0}
    assert result.pairs == 2


def test_profiles_and_barred_papers_are_those_of_the_time(world):
    (ada,) = world.people(1)
    world.publish(0)
    world.send(0, InOrder(graphs_first))
    world.answer(ada, 0, 1)
    world.answer(ada, 0, 2, LESS)
    world.publish(1)
    world.send(1, InOrder(graphs_first))
    world.answer(ada, 1, 1)
    ours = InOrder(graphs_first)

    result = world.replay(ours=ours)

    before, after = ours.asked
    assert [each.kind for each in before.interests] == [InterestKind.KEYWORD]
    assert [each.kind for each in after.interests] == [
        InterestKind.KEYWORD,
        InterestKind.LIKE,
        InterestKind.DISLIKE,
    ]
    assert result.standing["ours"].mean.tolist() == result.standing[AS_SENT].mean.tolist()


def test_the_ranker_that_made_the_digests_makes_them_again(world, application):
    people = world.people(3)
    for day in range(3):
        world.publish(day)
        world.send(day, application.ranker)
        for number, person in enumerate(people):
            world.answer(person, day, 2 + number)
            world.answer(person, day, 1, LESS)

    result = world.replay(ours=application.ranker)

    assert result.standing["ours"].mean.tolist() == result.standing[AS_SENT].mean.tolist()
    assert result.better[AS_SENT][1].tolist() == [0.5, 0.5, 0.5, 0.5]


def test_todays_votes_and_picks_are_left_out(world):
    (ada,) = world.people(1)
    world.publish(0)
    world.send(0, InOrder(graphs_first))
    world.answer(ada, 0, 1, FeedbackKind.UPVOTE)
    world.store.papers.set_trending({"arxiv:graphs-0-0": 3.0})
    ours = InOrder(graphs_first)

    world.replay(ours=ours)

    assert not ours.candidates.trending
    assert not ours.candidates.upvotes
    assert not ours.candidates.featured
    assert len(ours.candidates.papers) == 20


def test_only_editions_of_the_span_are_replayed(world):
    (ada,) = world.people(1)
    for day in range(2):
        world.publish(day)
        world.send(day, InOrder(graphs_first))
        world.answer(ada, day, 1)
    assert world.replay(ours=InOrder(graphs_first)).digests == 2
    assert world.replay(since=1, ours=InOrder(graphs_first)).digests == 1
    nothing = world.replay(since=9, ours=InOrder(graphs_first))
    assert (nothing.digests, nothing.standing, nothing.better) == (0, {}, {})


# --- rankers that fail ----------------------------------------------------------------------------


class Lazy(InOrder):
    def rank(self, *asked, **more):
        yield from super().rank(*asked, **more)


class Forgetful(InOrder):
    def rank(self, *asked, **more):
        return super().rank(*asked, **more)[1:]


def failing(error):
    def key(*_):
        raise error

    return key


@pytest.fixture
def answered(world):
    """One reader who wanted one paper."""
    (ada,) = world.people(1)
    world.publish(0)
    world.send(0, InOrder(graphs_first))
    world.answer(ada, 0, 1)
    return world


@pytest.mark.parametrize(
    ("theirs", "why"),
    [
        (InOrder(failing(KeyError("bread"))), "KeyError: 'bread'"),
        (Lazy(failing(KeyError("bread"))), "KeyError: 'bread'"),
        (Forgetful(graphs_first), "ValueError: it left out a reader"),
    ],
)
def test_a_ranker_of_somebody_s_own_that_fails_is_named(answered, theirs, why):
    with pytest.raises(InvalidInput, match=rf"The ranker their:Ranker failed \({why}"):
        answered.replay(**{"graphs": InOrder(graphs_first), "their:Ranker": theirs})


@pytest.mark.parametrize("name", ["tfidf", ".linear:LinearRanker", "digest.ranking.linear:Ranker"])
def test_an_error_in_a_ranker_of_ours_is_called_digest_s(answered, name):
    with pytest.raises(KeyError, match="bread"):
        answered.replay(**{name: InOrder(failing(KeyError("bread")))})


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), StoreBusy("Busy.")])
def test_what_a_disk_or_a_store_refuses_is_no_ranker_s_fault(answered, error):
    with pytest.raises(type(error), match=r"No space|Busy"):
        answered.replay(**{"their:Ranker": InOrder(failing(error))})


# --- readers who are made up ----------------------------------------------------------------------


@pytest.fixture
def lived(world):
    """A dozen readers of lists in any order, who look at a place with 1/place and like graphs."""
    rng = random.Random(5)
    people = world.people(12)
    for day in range(5):
        world.publish(day)
        world.send(day, world.any_order(seed=0))
        for person in people:
            for place, pick in enumerate(world.digest(person, day).picks, 1):
                liking = 0.8 if "graphs" in pick.paper_id else 0.2
                if rng.random() < 1 / place and rng.random() < liking:
                    world.answer(person, day, place)
    return world


def test_the_ranker_that_readers_prefer_is_found(lived):
    result = lived.replay(graphs=InOrder(graphs_first), bread=InOrder(bread_first))
    estimate, surely = result.better["bread"]
    assert not result.few
    assert estimate.low[JUDGED] > 0
    assert surely[JUDGED] > 0.975


def test_two_random_rankers_cannot_be_told_apart(lived):
    one, two = lived.any_order(seed=1), lived.any_order(seed=2)
    result = lived.replay(one=one, two=two)
    estimate, surely = result.better["two"]
    assert estimate.low[JUDGED] < 0 < estimate.high[JUDGED]
    assert 0.025 < surely[JUDGED] < 0.975


@pytest.fixture
def thorough(world):
    """Forty readers of lists in any order, who read them to the end and like what they like."""
    rng = random.Random(5)
    people = world.people(40)
    for day in range(2):
        world.publish(day)
        world.send(day, world.any_order(seed=0))
        for person in people:
            for place in rng.sample(range(1, len(world.digest(person, day).picks) + 1), 3):
                world.answer(person, day, place)
    return world


def test_two_random_rankers_are_equal_to_readers_who_read_everything_too(thorough):
    result = thorough.replay(one=thorough.any_order(seed=1), two=thorough.any_order(seed=2))

    assert result.answers == 240
    assert min(result.examination.chances) > 0.7
    for estimate, surely in result.better.values():
        assert 0.025 < surely[JUDGED] < 0.975
        assert estimate.low[JUDGED] < 0 < estimate.high[JUDGED]


def test_a_lead_that_depends_on_how_readers_look_is_not_certain(world):
    """A list was sent upside down; who looked how far down it, so few answers do not say."""
    people = world.people(12)
    for day in range(3):
        world.publish(day, each=3)
        world.send(day, InOrder(bread_first))
        for person in people:
            world.answer(person, day, 1)
            world.answer(person, day, 6)

    result = world.replay(turned=InOrder(lambda paper, _: "bread" in paper))

    assert value(result, "turned", "of the shown") > value(result, AS_SENT, "of the shown")
    assert result.better[AS_SENT][1][JUDGED] == 0.5


def test_with_few_people_digests_are_resampled(world):
    people = world.people(2)
    for day in range(4):
        world.publish(day)
        world.send(day, world.any_order(seed=0))
        for person in people:
            world.answer(person, day, 1 + day)
    result = world.replay(ours=InOrder(graphs_first))
    assert result.few
    assert result.standing["ours"].low[JUDGED] < result.standing["ours"].high[JUDGED]


# --- where readers look ---------------------------------------------------------------------------


def test_a_few_answers_leave_it_at_one_over_the_place():
    few = examination({1: 30, 2: 20}, {1: 10.0, 2: 10.0, 3: 10.0})
    assert not few.learned
    assert few.chances == (1, 1 / 2, 1 / 3)
    assert few.weight(3) == pytest.approx(3)
    assert few.weight(50) == 10, "weights are clipped"


def test_examination_is_estimated_from_many_answers():
    truth = [1.0, 0.9, 0.8, 0.7, 0.6]
    digests, liking = 5_000, 0.2
    wanted = {place: round(digests * liking * look) for place, look in enumerate(truth, 1)}
    learned = examination(wanted, dict.fromkeys(wanted, digests * liking))
    assert learned.learned
    assert learned.chances == pytest.approx(truth, abs=0.03)


@pytest.mark.parametrize("each", [10, 24, 100, 1_000])
def test_readers_who_read_everything_are_recognised_from_few_answers(each):
    places = range(1, 11)
    learned = examination(dict.fromkeys(places, each), dict.fromkeys(places, 80.0))
    assert learned.learned
    assert learned.chances == pytest.approx([1] * 10)


def test_readers_who_look_at_the_top_are_recognised_from_few_answers():
    wanted = {place: round(60 / place) for place in range(1, 11)}
    learned = examination(wanted, dict.fromkeys(wanted, 80.0))
    assert learned.chances == pytest.approx([1 / place for place in wanted], abs=0.05)


def test_a_good_ranking_is_not_mistaken_for_readers_who_look_only_at_the_top():
    liking = {1: 0.8, 2: 0.4, 3: 0.2}
    wanted = Counter({place: round(2_000 * chance) for place, chance in liking.items()})
    learned = examination(wanted, {place: 2_000 * chance for place, chance in liking.items()})
    assert learned.chances == pytest.approx([1, 1, 1], abs=0.1)


@given(
    st.lists(st.tuples(st.integers(0, 300), st.floats(0, 1e3)), min_size=1, max_size=20),
)
def test_chances_never_rise_from_place_to_place(places):
    wanted = {place: each for place, (each, _) in enumerate(places, 1)}
    expected = {place: each for place, (_, each) in enumerate(places, 1)}
    chances = examination(wanted, expected).chances
    assert chances[0] == 1
    assert all(0 < later <= one for one, later in pairwise(chances))
