"""Feeds as files: written once, rewritten only when they say something new."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from digest import subscriptions
from digest.model import AnnounceType
from digest.pipeline import entries


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "out"


def titles(path: Path):
    return [each["title"] for each in json.loads(path.read_text(encoding="utf-8"))["items"]]


def test_every_category_in_use_and_every_named_topic_has_its_feeds(application, folder, item):
    application.store.papers.ingest(
        [item(1), item(2, category="q-bio.NC", title="Spikes in the olfactory bulb of a mole")]
    )
    application.publish(folder)
    for slug in ("cs.IR", "q-bio.NC", "retrieval", "trending"):
        for form in ("rss", "atom", "json"):
            assert (folder / "feeds" / f"{slug}.{form}").is_file(), (slug, form)
    assert titles(folder / "feeds" / "q-bio.NC.json") == ["Spikes in the olfactory bulb of a mole"]
    assert "feeds/cs.IR.atom" in (folder / "feeds.opml").read_text(encoding="utf-8")


def test_publishing_again_changes_no_byte_and_a_new_paper_changes_only_its_feeds(
    application, folder, item
):
    application.store.papers.ingest([item(1), item(2, category="q-bio.NC")])
    application.publish(folder)
    application.moment[0] += timedelta(hours=1)
    assert application.publish(folder).changed == 0

    application.store.papers.ingest([item(3, category="q-bio.NC", seen_at=application.clock())])
    before = (folder / "feeds" / "cs.IR.atom").stat().st_mtime_ns
    assert application.publish(folder).changed > 0
    assert (folder / "feeds" / "cs.IR.atom").stat().st_mtime_ns == before
    assert len(titles(folder / "feeds" / "q-bio.NC.json")) == 2


def test_trending_holds_what_the_community_picks_up(application, folder, item):
    application.store.papers.ingest([item(1), item(2, upvotes=57)])
    from digest.pipeline import trending

    trending.refresh(application.store, now=application.clock())
    application.publish(folder)
    assert titles(folder / "feeds" / "trending.json") == [
        "A study of retrieval number 2 in the wild"
    ]


def test_a_vote_taken_back_leaves_nothing_in_the_trending_feed(
    application, folder, item, subscribe
):
    store, person = application.store, subscribe()
    store.papers.ingest([item(2)])
    store.community.vote(person.id, "arxiv:2606.00002", application.clock())
    application.publish(folder)
    assert len(titles(folder / "feeds" / "trending.json")) == 1

    store.community.unvote(person.id, "arxiv:2606.00002")
    application.publish(folder)

    assert titles(folder / "feeds" / "trending.json") == []


def test_what_nobody_has_voted_for_in_two_months_trends_no_more(application, item):
    from digest.pipeline import trending

    store = application.store
    store.papers.ingest([item(1), item(2, upvotes=57)])
    trending.refresh(store, now=application.clock() + timedelta(days=50))
    assert list(store.papers.trending()) == ["arxiv:2606.00002"]

    trending.refresh(store, now=application.clock() + timedelta(days=70))

    assert store.papers.trending() == {}


def test_a_subscriber_has_a_private_feed_of_their_picks_with_reasons(
    application, folder, item, subscribe
):
    application.store.papers.ingest([item(1)])
    subscribe()
    application.compose_edition("2026-06-10")
    application.publish(folder)
    (feed,) = (folder / "feeds" / "mine").glob("*.json")
    text = feed.read_text(encoding="utf-8")
    assert "A study of retrieval number 1" in text
    assert "Information Retrieval" in text
    assert "ada@example.org" not in text
    assert "mine/" not in (folder / "feeds.opml").read_text(encoding="utf-8")


def test_the_private_feed_of_someone_who_rests_stays(application, folder, item, subscribe):
    application.store.papers.ingest([item(1)])
    person = subscribe()
    application.publish(folder)
    before = set((folder / "feeds" / "mine").iterdir())
    subscriptions.pause(application.store, person, until=None, now=application.clock())
    application.publish(folder)
    assert before
    assert set((folder / "feeds" / "mine").iterdir()) == before


def test_the_private_feed_of_someone_who_left_is_removed(application, folder, item, subscribe):
    application.store.papers.ingest([item(1)])
    person = subscribe()
    application.publish(folder)
    subscriptions.unsubscribe(application.store, person, now=application.clock())
    application.publish(folder)
    assert list((folder / "feeds" / "mine").iterdir()) == []


def test_what_an_operator_put_beside_private_feeds_stays(application, folder, item, subscribe):
    private = folder / "feeds" / "mine"
    private.mkdir(parents=True)
    (private / ".htaccess").write_text("Header set Cache-Control private")
    (private / "index.html").touch()
    (private / ".half-written.part").touch()
    (private / "of-somebody-who-left.atom").touch()
    application.store.papers.ingest([item(1)])
    subscribe()

    application.publish(folder)

    assert {each.name for each in private.iterdir()} >= {".htaccess", "index.html"}
    assert sorted(each.suffix for each in private.iterdir()) == sorted(
        ["", ".html", ".atom", ".json", ".rss"]
    )


def test_an_entry_changes_with_a_revision_and_stays_what_it_came_as(application, item):
    application.store.papers.ingest([item(1)])
    (first,) = application.store.papers.announcements(["arxiv:2606.00001"])["arxiv:2606.00001"]
    revised = replace(
        first,
        type=AnnounceType.REPLACE,
        version=2,
        day=first.day + timedelta(days=7),
        seen_at=first.seen_at + timedelta(days=7),
    )
    assert entries.updated(first.seen_at, [first, revised]) == revised.seen_at
    assert entries.updated(revised.seen_at + timedelta(days=1), [first, revised]) > revised.seen_at
    cross = replace(first, type=AnnounceType.CROSS)
    assert entries.came_as([cross, revised]) is AnnounceType.CROSS
