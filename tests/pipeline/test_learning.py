"""What is learned, when, and where the papers then lie."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from digest.model import Interest, InterestKind, Profile, Signal
from digest.pipeline import learning, trending
from digest.pipeline.learning import Learning
from digest.ports import Learned
from digest.ranking import space as spaces

FEWEST = spaces.FEWEST_PAPERS


@pytest.fixture(scope="module")
def learned_store(tmp_path_factory, archive):
    """A store from whose 520 papers was learned; nobody writes to it."""
    from datetime import UTC, datetime

    from digest.store import open_store

    store = open_store(tmp_path_factory.mktemp("learned") / "digest.db")
    store.migrate()
    store.papers.ingest(archive(range(520)))
    learning.learn(store, clock=lambda: datetime(2026, 6, 10, 7, tzinfo=UTC), owner="one")
    yield store
    store.close()


class FirstLetters:
    """An embedder that knows one thing of a paper: how its title begins."""

    name = "embedder:letters"

    def __init__(self):
        self.blocks = []

    def papers(self, papers):
        self.blocks.append(len(papers))
        return np.array([[ord(each.title[3]) % 7, 1] for each in papers], np.float32)


# --- when -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "due"), [(0, False), (FEWEST - 1, False), (FEWEST, True)])
def test_a_first_space_is_learned_once_there_are_enough_papers(now, size, due):
    assert learning.is_due(None, size=size, now=now) is due


@pytest.mark.parametrize(
    ("size", "days", "due"),
    [
        (1_000, 6, False),
        (1_199, 6, False),
        (1_200, 0, True),
        (1_000, 7, False),
        (1_001, 7, True),
        (990, 7, True),
    ],
    ids=["new", "grown a little", "grown by a fifth", "nothing new", "old", "old and pruned"],
)
def test_a_space_is_learned_anew_when_the_archive_has_grown_or_a_week_is_over(now, size, days, due):
    kept = Learned(name="lsa:1", papers=1_000, archive=1_000, dimensions=100, at=now)

    assert learning.is_due(kept, size=size, now=now + timedelta(days=days)) is due


def test_an_archive_beyond_what_is_learned_from_does_not_count_as_growing(now):
    most = learning.MOST_LEARNED
    kept = Learned(name="lsa:1", papers=most, archive=most, dimensions=256, at=now)

    assert not learning.is_due(kept, size=3 * most, now=now + timedelta(days=6))
    assert learning.is_due(kept, size=3 * most, now=now + timedelta(days=7))


# --- learning -------------------------------------------------------------------------------------


def test_too_few_papers_leave_nothing_behind(store, archive, now):
    store.papers.ingest(archive(range(FEWEST - 1)))

    assert learning.learn(store, clock=lambda: now, owner="one") is Learning.TOO_FEW

    assert store.spaces.name() == ""
    assert learning.too_few(499).startswith("499 papers are too few to learn from (500 needed)")


def test_the_space_is_kept_with_what_it_was_learned_from_and_every_paper_in_it(learned_store, now):
    kept = learned_store.spaces.learned()
    space = spaces.loads(learned_store.spaces.load())

    assert (kept.papers, kept.archive, kept.at) == (520, 520, now)
    assert (space.name, space.papers, space.dimensions) == (kept.name, 520, kept.dimensions)
    assert kept.dimensions > 0
    assert learned_store.spaces.lacking(kept.name, limit=9) == []
    assert learning.said(kept, now + timedelta(days=3)).endswith(
        f"learned 3 days ago from 520 papers: {kept.dimensions} dimensions"
    )


def test_papers_of_one_theme_lie_near_each_other(learned_store):
    found = dict(learned_store.spaces.newest(learned_store.spaces.name(), limit=520))
    theme = np.array([int(each[-5:]) % 5 for each in found])
    cosines = spaces.unpack(list(found.values())) @ spaces.unpack(list(found.values())).T
    np.fill_diagonal(cosines, -1)

    assert np.mean(theme[cosines.argmax(axis=1)] == theme) > 0.9


def test_one_process_learns_at_a_time_and_gives_the_turn_back(store, archive, now):
    store.papers.ingest(archive(range(FEWEST)))
    assert store.lease(learning.LEASE, owner="another", now=now, seconds=60)

    assert learning.learn(store, clock=lambda: now, owner="one") is Learning.BUSY
    later = now + timedelta(minutes=2)
    assert learning.learn(store, clock=lambda: later, owner="one") is Learning.LEARNED

    assert store.lease(learning.LEASE, owner="two", now=later, seconds=60)


def test_what_is_to_be_noted_beforehand_is_noted_by_whoever_learns(store, archive, now):
    store.papers.ingest(archive(range(FEWEST)))
    noted = []

    def learn(owner):
        def begun():
            noted.append((owner, store.spaces.name()))
            assert learn("another") is Learning.BUSY

        return learning.learn(store, clock=lambda: now, owner=owner, begun=begun)

    assert learn("one") is Learning.LEARNED
    assert noted == [("one", "")]


def test_learning_again_drops_what_was_placed_before(store, archive, now):
    store.papers.ingest(archive(range(520)))
    learning.learn(store, clock=lambda: now, owner="one")
    before = store.spaces.name()
    store.papers.ingest(archive(range(520, 640), seen_at=now))

    learning.learn(store, clock=lambda: now + timedelta(days=1), owner="one", most=600)

    after = store.spaces.learned()
    assert after.name != before
    assert (after.papers, after.archive) == (600, 640)
    assert list(store.spaces.newest(before, limit=1)) == []
    assert store.spaces.lacking(after.name, limit=9) == []


# --- placing --------------------------------------------------------------------------------------


def test_without_a_space_or_an_embedder_nothing_is_placed(store, archive):
    store.papers.ingest(archive(range(3)))

    assert learning.place(store, None) == 0
    assert learning.place(store, spaces.learn([each.paper for each in archive(range(20))])) == 0


def test_new_and_changed_papers_are_placed_and_only_they(store, archive):
    embedder = FirstLetters()
    items = archive(range(30))
    store.papers.ingest(items)
    assert learning.place(store, None, embedder) == 30
    paper = replace(items[4].paper, title="On something else entirely", version=2)
    changed = replace(items[4], paper=paper)
    store.papers.ingest([changed, *archive(range(30, 32))])

    assert learning.place(store, None, embedder) == 3
    assert learning.place(store, None, embedder) == 0

    assert embedder.blocks == [30, 3]
    kept = store.spaces.vectors(embedder.name, [paper.id])[paper.id]
    assert spaces.unpack([kept]).tolist() == [[ord("s") % 7, 1]]


def test_an_embedder_goes_by_blocks_of_some_seconds_and_stops_when_asked_or_full(
    store, archive, monkeypatch
):
    embedder = FirstLetters()
    store.papers.ingest(archive(range(200)))

    assert learning.place(store, None, embedder, stopping=lambda: len(embedder.blocks) == 1) == 64
    monkeypatch.setattr(learning, "MOST_PLACED", 140)
    assert learning.place(store, None, embedder) == 76

    assert embedder.blocks == [64, 64, 12]


def test_a_ranker_gets_the_vectors_it_works_with(store, archive):
    class Embedding:
        embeds = FirstLetters.name

    papers = [each.paper for each in archive(range(3))]
    store.papers.ingest(archive(range(2)))
    learning.place(store, None, FirstLetters())

    found = learning.vectors_for(store, [object(), Embedding()], papers)

    assert set(found) == {each.id for each in papers[:2]}
    assert learning.vectors_for(store, [object()], papers) == {}


def test_candidates_carry_the_vectors_of_the_window_and_of_what_is_liked(store, archive, now):
    from digest.pipeline import windows

    class Embedding:
        embeds = FirstLetters.name

    store.papers.ingest(archive([1], seen_at=now - timedelta(days=30)))
    store.papers.ingest(archive([2, 3], seen_at=now))
    learning.place(store, None, FirstLetters())
    old, *new = (each.paper.id for each in archive([1, 2, 3]))
    liking = Interest(kind=InterestKind.LIKE, value=old, added_at=now)
    window = windows.window_of(store, now - timedelta(days=1), now)

    found = windows.candidates_of(
        store, window, [Profile(subscriber_id="s", interests=(liking,))], Embedding()
    )

    assert set(found.vectors) == {old, *new}


def test_what_is_voted_for_is_learned_with_the_space(application, archive):
    now = application.clock()

    def voted(each):
        vote = Signal(paper_id=each.paper.id, source="hf", kind="upvotes", value=9, seen_at=now)
        return replace(each, signals=(vote,))

    items = archive(range(600))
    application.store.papers.ingest([*map(voted, items[:40]), *items[40:]])
    trending.refresh(application.store, now=now)

    application.learn(force=True)

    assert application.space.voted.any()
