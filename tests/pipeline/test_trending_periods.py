"""What trends, now and in a day, a week or a month, by everyone's votes and fairly to small fields."""

from datetime import timedelta

import pytest

from digest.errors import NotFound
from digest.model import Topic
from digest.pipeline import trending
from digest.pipeline.trending import trending_papers


def ids(found):
    return [int(paper.id[-5:]) for paper, _, _ in found]


def test_votes_of_sources_and_subscribers_count_together(application, subscribe, item, now):
    store = application.store
    store.papers.ingest([item(1, upvotes=3, seen_at=now), item(2, upvotes=4, seen_at=now)])
    for name in ("ada", "bo"):
        store.community.vote(subscribe(f"{name}@example.org").id, "arxiv:2606.00001", now)

    found = trending_papers(store, "day", now=now, limit=9)

    assert [(paper.id[-1], votes) for paper, votes, _ in found] == [("1", 5), ("2", 4)]


def test_a_period_has_only_what_was_seen_or_voted_in_it(application, subscribe, item, now):
    store, person = application.store, subscribe()
    store.papers.ingest(
        [
            item(1, upvotes=3, seen_at=now - timedelta(hours=2)),
            item(2, upvotes=9, seen_at=now - timedelta(days=3)),
            item(3, upvotes=9, seen_at=now - timedelta(days=20)),
            item(4, seen_at=now - timedelta(days=20)),
        ]
    )
    store.community.vote(person.id, "arxiv:2606.00004", now - timedelta(days=2))

    by_period = {
        period: sorted(ids(trending_papers(store, period, now=now, limit=9)))
        for period in ("day", "week", "month")
    }

    assert by_period == {"day": [1], "week": [1, 2, 4], "month": [1, 2, 3, 4]}


def test_a_large_field_does_not_bury_a_small_one(application, item, now):
    large = [item(n, category="cs.LG", upvotes=50 + n, seen_at=now) for n in range(1, 30)]
    small = [item(n, category="math.NT", upvotes=2, seen_at=now) for n in range(40, 50)]
    star = item(60, category="math.NT", upvotes=40, seen_at=now)
    application.store.papers.ingest([*large, *small, star])

    found = trending_papers(application.store, "week", now=now, limit=100)

    assert ids(found)[0] == 60
    scores = [score for _, _, score in found]
    assert scores == sorted(scores, reverse=True)


def test_one_topic_keeps_the_scores_of_all(application, item, now):
    application.store.papers.ingest(
        [
            item(1, category="cs.IR", upvotes=3, seen_at=now),
            item(2, category="cs.LG", upvotes=30, seen_at=now),
        ]
    )
    topic = Topic(id="cs.IR", name="IR", categories=("cs.IR",))

    everything = trending_papers(application.store, "day", now=now, limit=9)
    found = trending_papers(application.store, "day", now=now, limit=9, topic=topic)

    assert ids(found) == [1]
    assert found[0] in everything


def test_a_vote_moves_the_next_digest_and_leaves_no_trace_once_taken_back(
    application, subscribe, item, now
):
    store, person = application.store, subscribe()
    store.papers.ingest([item(1, seen_at=now), item(2, seen_at=now)])
    trending.refresh(store, now=now)

    store.community.vote(person.id, "arxiv:2606.00002", now)
    application.compose_edition(None)

    assert list(store.papers.trending()) == ["arxiv:2606.00002"]
    picks = store.ledger.digest(f"{person.id}.{now.date()}").picks
    assert [each.paper_id for each in picks] == ["arxiv:2606.00002", "arxiv:2606.00001"]

    store.community.unvote(person.id, "arxiv:2606.00002")
    application.compose_due()

    assert store.papers.trending() == {}


def test_scores_are_not_made_anew_while_nobody_votes(application, subscribe, item, now):
    store, person = application.store, subscribe()
    store.papers.ingest([item(1, seen_at=now)])
    store.community.vote(person.id, "arxiv:2606.00001", now)
    trending.refresh_if_voted(store, now=now)

    store.community.vote(person.id, "arxiv:2606.00001", now + timedelta(hours=1))
    store.papers.set_trending({})
    trending.refresh_if_voted(store, now=now)

    assert store.papers.trending() == {}


def test_a_vote_given_while_scores_are_made_counts_the_next_time(
    application, subscribe, item, now, monkeypatch
):
    store, person = application.store, subscribe()
    store.papers.ingest([item(1, seen_at=now)])
    signalled = store.papers.signalled

    def then_a_vote(since):
        found = signalled(since)
        store.community.vote(person.id, "arxiv:2606.00001", now)
        return found

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(store.papers, "signalled", then_a_vote)
        trending.refresh(store, now=now)
    assert store.papers.trending() == {}

    trending.refresh_if_voted(store, now=now)

    assert list(store.papers.trending()) == ["arxiv:2606.00001"]


def test_a_source_called_trending_keeps_its_place(application, now):
    application.store.sources.set_cursor("trending", "page 2")

    trending.refresh(application.store, now=now)

    assert application.store.sources.cursor("trending") == "page 2"


def test_an_unknown_period_says_which_there_are(application, now):
    with pytest.raises(NotFound, match="day, week or month"):
        trending_papers(application.store, "decade", now=now, limit=9)


def test_nothing_trends_where_nobody_votes(application, item, now):
    application.store.papers.ingest([item(1, seen_at=now)])

    assert trending_papers(application.store, "month", now=now, limit=9) == []
