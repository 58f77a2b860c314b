"""However slow an embedder is, work ends when asked to, and nobody waits for it for nothing."""

from datetime import timedelta

import numpy as np
import pytest

from digest import subscriptions
from digest.pipeline import learning
from digest.worker import rounds

HALF_A_MINUTE = timedelta(seconds=30)


class Embedder:
    """Two numbers a text; each block of papers takes it half a minute, in which `meanwhile` is done."""

    name = "embedder:tiny"
    dimensions = 2

    def __init__(self, moment, meanwhile=lambda: None):
        self.blocks = []
        self.meanwhile = meanwhile
        self._moment = moment

    def find(self):
        """It is here."""

    def papers(self, papers):
        self.blocks.append({each.id for each in papers})
        self._moment[0] += HALF_A_MINUTE
        self.meanwhile()
        return self.texts([each.title for each in papers])

    def texts(self, texts):
        return np.array([[len(each), 1] for each in texts], np.float32).reshape(-1, 2)

    @property
    def sizes(self):
        return [len(each) for each in self.blocks]


@pytest.fixture
def embedder(application):
    made = Embedder(application.moment)
    application.__dict__["embedder"] = made
    return made


@pytest.fixture
def busy_day(application, archive):
    """A reader whose digest of a day with 300 papers is due, none of them embedded yet."""
    long_ago = application.clock() - timedelta(days=60)
    application.store.papers.ingest(archive(range(500), seen_at=long_ago))
    application.learn()
    person = subscriptions.subscribe(
        application.store,
        "ada@example.org",
        subscriptions.Wishes(keywords=["bread"], likes=["2601.00001"]),
        topics={},
        defaults=application.newcomer,
        confirmed=True,
        now=application.clock(),
    )
    application.moment[0] += timedelta(days=1)
    application.store.papers.ingest(archive(range(500, 800), seen_at=application.clock()))
    application.moment[0] += timedelta(days=1)
    return person


def test_a_worker_places_papers_for_a_minute(application, archive, embedder):
    application.store.papers.ingest(archive(range(300)))

    rounds.place(application)

    assert embedder.sizes == [64, 64]


def test_a_worker_that_is_asked_to_stop_ends_placing_after_the_block_in_hand(
    application, archive, embedder
):
    application.store.papers.ingest(archive(range(300)))

    rounds.place(application, stopping=lambda: bool(embedder.blocks))

    assert embedder.sizes == [64]


@pytest.mark.parametrize("by_hand", [False, True], ids=["worker", "by hand"])
def test_asked_to_stop_while_papers_are_embedded_composing_ends_and_is_made_up_later(
    application, busy_day, embedder, by_hand
):
    def asked():
        return bool(embedder.blocks)

    if by_hand:
        application.compose_edition(None, stopping=asked)
    else:
        rounds.compose(application, stopping=asked)
    assert embedder.sizes == [64]
    assert application.store.ledger.recent(busy_day.id, limit=9) == []

    assert rounds.compose(application)
    assert sum(embedder.sizes) == 301, "of the day, and what is liked"
    assert len(application.store.ledger.recent(busy_day.id, limit=9)) == 1


def test_the_turn_to_compose_is_kept_however_long_papers_are_embedded(
    application, busy_day, embedder
):
    taken = []

    def try_to_take():
        now = application.clock()
        taken.append(application.store.lease(rounds.COMPOSING, owner="x", now=now, seconds=60))

    embedder.meanwhile = try_to_take

    assert rounds.compose(application)
    assert taken == [False] * 5


def test_letters_go_between_the_blocks_that_are_embedded(
    application, busy_day, embedder, monkeypatch
):
    posted, post = [], application.post

    def noted(**given):
        posted.append(len(embedder.blocks))
        return post(**given)

    monkeypatch.setattr(application, "post", noted)
    rounds.compose(application)

    assert posted == [1, 2, 3, 4, 5, 5], "and after the readers"


def test_two_processes_that_embed_the_same_papers_share_them(application, busy_day, archive):
    store, papers = application.store, [each.paper for each in archive(range(500, 800))]
    theirs = Embedder(application.moment)

    class Ranker:
        def __init__(self, embedder):
            self.embedder = embedder

    def another_begins():
        if not theirs.blocks:
            learning.embed(
                store,
                [Ranker(theirs)],
                papers,
                whose="theirs",
                stopping=lambda: bool(theirs.blocks),
            )

    ours = Embedder(application.moment, another_begins)

    learning.embed(store, [Ranker(ours)], papers, whose="ours")

    (their_block,) = theirs.blocks
    first, *later = ours.blocks
    assert first != their_block
    assert not their_block & set().union(*later)
    assert first | their_block | set().union(*later) == {each.id for each in papers}
